"""Distances that several layers of a body ask for, known once: a skin and the fat below it have one surface, moved inward."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from fullbore.phantom.body import Body
from fullbore.phantom.movement import Movement
from fullbore.phantom.shape import Shape, spanned
from fullbore.phantom.strokes import missing

_Key = tuple[Shape, Movement | None, float]


class Core(NamedTuple):
    """A shape that several layers of one movement share. by_m: how far outside it a layer's own surface lies. last: no layer that
    is painted later, which is one further down, asks for it.
    """

    shape: Shape
    movement: Movement | None
    by_m: float
    last: bool


def cores(body: Body) -> tuple[Core | None, ...]:
    """Of each layer, what it shares with others; None for a shape of its own."""
    found = [(layer.movement, *(layer.shape.grown_from or (layer.shape, 0.0))) for layer in body.layers]
    count = Counter((own, shape) for own, shape, _ in found)
    last = {(own, shape): number for number, (own, shape, _) in reversed(list(enumerate(found)))}
    return tuple(
        Core(shape, own, by_m, last[own, shape] == number) if count[own, shape] > 1 else None
        for number, (own, shape, by_m) in enumerate(found)
    )


class Surfaces:
    """Distances of shared shapes on one canvas, each worked out where it is first asked for."""

    def __init__(self, points: int) -> None:
        self._points = points
        self._known: dict[_Key, tuple[np.ndarray, np.ndarray]] = {}

    def distance(self, core: Core, number: Int[np.ndarray, " n"], places_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """Distances of numbered points from a shape."""
        far, fresh = self._fresh((core.shape, core.movement, 0.0), number, (self._points, 1))
        if len(fresh):
            far[number[fresh], 0] = core.shape.distance(places_m if len(fresh) == len(number) else places_m[fresh])
        return far[number, 0]

    def span(
        self, core: Core, groups: Int[np.ndarray, " n"], size: int, places_m: Float[np.ndarray, "n 3"], radius_m: float
    ) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Least and most distance of a shape within a radius of the middles of numbered groups of a size; each has its radius."""
        far, fresh = self._fresh((core.shape, core.movement, radius_m), groups, (self._points // size, 2))
        if len(fresh):
            least, most = spanned(core.shape, places_m if len(fresh) == len(groups) else places_m[fresh], radius_m)
            far[groups[fresh], 0], far[groups[fresh], 1] = least, most
        return far[groups, 0], far[groups, 1]

    def forget(self, core: Core) -> None:
        """Nobody will ask for a shape again."""
        for key in [key for key in self._known if key[:2] == (core.shape, core.movement)]:
            del self._known[key]

    def _fresh(self, key: _Key, numbers: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """What is known of a shape, and which of some numbers it is not known of; from now on it is."""
        if key not in self._known:
            self._known[key] = np.empty(size), np.zeros(size[0], bool)
        far, known = self._known[key]
        return far, missing(numbers, known)
