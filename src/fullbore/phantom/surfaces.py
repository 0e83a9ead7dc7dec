"""Distances that several layers of a body ask for, known once: a skin and the fat below it have one surface, moved inward."""

from __future__ import annotations

from collections import Counter

import numpy as np
from jaxtyping import Float, Int

from fullbore.phantom.body import Body
from fullbore.phantom.movement import Movement
from fullbore.phantom.shape import Shape, spanned
from fullbore.phantom.strokes import missing


def cores(body: Body) -> tuple[tuple[Shape, float] | None, ...]:
    """Of each layer, the shape that others with the same movement share with it and how far its own surface lies outside it;
    None for a shape of its own.
    """
    found = [(layer.movement, *(layer.shape.grown_from or (layer.shape, 0.0))) for layer in body.layers]
    count: Counter[tuple[Movement | None, Shape]] = Counter((own, core) for own, core, _ in found)
    return tuple((core, by_m) if count[own, core] > 1 else None for own, core, by_m in found)


class Surfaces:
    """Distances of shared shapes on one canvas, each worked out where it is first asked for."""

    def __init__(self, points: int) -> None:
        self._points = points
        self._known: dict[tuple[Shape, float], tuple[np.ndarray, np.ndarray]] = {}

    def distance(
        self, shape: Shape, number: Int[np.ndarray, " n"], places_m: Float[np.ndarray, "n 3"]
    ) -> Float[np.ndarray, " n"]:
        """Distances of numbered points from a shape."""
        far, fresh = self._fresh(shape, 0.0, number, 1)
        if len(fresh):
            far[number[fresh], 0] = shape.distance(places_m if len(fresh) == len(number) else places_m[fresh])
        return far[number, 0]

    def span(
        self, shape: Shape, groups: Int[np.ndarray, " n"], places_m: Float[np.ndarray, "n 3"], radius_m: float
    ) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Least and most distance of a shape within a radius of the middles of numbered groups; each radius has its groups."""
        far, fresh = self._fresh(shape, radius_m, groups, 2)
        if len(fresh):
            least, most = spanned(shape, places_m if len(fresh) == len(groups) else places_m[fresh], radius_m)
            far[groups[fresh], 0], far[groups[fresh], 1] = least, most
        return far[groups, 0], far[groups, 1]

    def _fresh(self, shape: Shape, radius_m: float, numbers: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
        """What is known of a shape, and which of some numbers it is not known of; from now on it is."""
        if (shape, radius_m) not in self._known:
            # Memory that is never touched is never had.
            self._known[shape, radius_m] = np.empty((self._points, columns)), np.zeros(self._points, bool)
        far, known = self._known[shape, radius_m]
        return far, missing(numbers, known)
