"""Where edges may go: bounds, distances between neighbours, and what stays fixed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.hardware.magnet.brief import MagnetBrief
from fullbore.hardware.magnet.layout import PRIMARY, SHIELD, Layout

_THINNEST_WIRES = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounds:
    """Of the vector of a layout. less, at_most: rows of less @ vector <= at_most. same, equal: rows of same @ vector = equal."""

    low: np.ndarray
    high: np.ndarray
    less: np.ndarray
    at_most: np.ndarray
    same: np.ndarray
    equal: np.ndarray
    thinnest_m: float

    @property
    def free(self) -> np.ndarray:
        """(v,) which variables may move at all."""
        return np.asarray(self.high > self.low)


def bounds_of(layout: Layout, brief: MagnetBrief, wound: np.ndarray | None = None, current_share: float = 0.0) -> Bounds:
    """The space of a brief for a layout's blocks.

    wound: (m,) blocks whose size is settled: they move as a whole. current_share: how far the current may leave the brief's.
    """
    space, blocks = brief.space, len(layout.group)
    thinnest = _THINNEST_WIRES * max(brief.primary_wire.height_m, brief.shield_wire.height_m)
    low, high = np.zeros((blocks, 4)), np.zeros((blocks, 4))
    primary = (layout.group == PRIMARY)[:, None]
    low[:, :2] = np.where(primary, space.inner_radius_m, space.outer_radius_m - space.shield_build_m)
    high[:, :2] = np.where(primary, space.inner_radius_m + space.primary_build_m, space.outer_radius_m)
    high[:, 2:] = space.length_m / 2
    high[layout.central, 2] = 0.0
    low[~layout.central, 2] = space.gap_m / 2
    less, at_most = _distances(layout, brief, thinnest)
    same, equal = _settled(layout, np.zeros(blocks, bool) if wound is None else wound)
    return Bounds(
        low=np.append(low.ravel(), 1 - current_share),
        high=np.append(high.ravel(), 1 + current_share),
        less=less,
        at_most=at_most,
        same=same,
        equal=equal,
        thinnest_m=thinnest,
    )


def _distances(layout: Layout, brief: MagnetBrief, thinnest_m: float) -> tuple[Float[np.ndarray, "q v"], Float[np.ndarray, " q"]]:
    size = 4 * len(layout.group) + 1
    rows, limits = [], []

    def before(first: int, second: int, distance: float) -> None:
        row = np.zeros(size)
        row[first], row[second] = 1.0, -1.0
        rows.append(row)
        limits.append(-distance)

    for block in range(len(layout.group)):
        before(4 * block, 4 * block + 1, thinnest_m)
        before(4 * block + 2, 4 * block + 3, thinnest_m)
    for group in (PRIMARY, SHIELD):
        members = np.flatnonzero(layout.group == group)
        ordered = members[np.argsort(layout.edges_m[members, 2] + layout.edges_m[members, 3])]
        for one, next_one in itertools.pairwise(ordered):
            before(4 * int(one) + 3, 4 * int(next_one) + 2, brief.space.gap_m)
    return np.array(rows), np.array(limits)


def _settled(layout: Layout, wound: np.ndarray) -> tuple[Float[np.ndarray, "q v"], Float[np.ndarray, " q"]]:
    size = 4 * len(wound) + 1
    rows, values = [], []
    for block in np.flatnonzero(wound):
        for first in (0, 2):
            row = np.zeros(size)
            row[4 * block + first], row[4 * block + first + 1] = -1.0, 1.0
            rows.append(row)
            values.append(layout.edges_m[block, first + 1] - layout.edges_m[block, first])
    return np.array(rows).reshape(-1, size), np.array(values)
