"""From a density map to rectangles."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.hardware.magnet.brief import MagnetBrief
from fullbore.hardware.magnet.density import DensityMap
from fullbore.hardware.magnet.layout import PRIMARY, SHIELD, Layout

# A first block that begins nearer to the middle plane than this share of its length becomes half of a central coil.
_CENTRAL_SHARE = 0.2
_COMPACT = 0.5


def blocks_of(density: DensityMap, brief: MagnetBrief, compact: bool = False) -> Layout:
    """Rectangles with the current, centre and spread of each group's columns, cut along the axis where that loses least.

    The cut into `pairs` runs has the least variance within runs (dynamic programming, exact). Primary blocks start at the
    inner radius of their cells, shield blocks lie about the middle of theirs. compact: half as thick as the space at least, about
    the same centre: another start, where few blocks must stand for a long filling.
    """
    space = brief.space
    rows: list[tuple[float, float, float, float]] = []
    groups: list[int] = []
    for group, pairs in ((PRIMARY, space.primary_pairs), (SHIELD, space.shield_pairs)):
        columns = density.filling[group].sum(axis=0)
        thickness = density.radii_m[group][1] - density.radii_m[group][0]
        used = density.filling[group].sum(axis=1) @ (density.radii_m[group][1:] + density.radii_m[group][:-1]) / 2
        middle = used / density.filling[group].sum()
        for first, last in _cuts(columns, density.heights_m, pairs):
            rows.append(
                _rectangle(columns[first:last], density.heights_m[first : last + 1], thickness, middle, group, brief, compact)
            )
            groups.append(group)
    return Layout(edges_m=np.array(rows), group=np.array(groups))


def _rectangle(
    column: Float[np.ndarray, " c"],
    heights_m: Float[np.ndarray, " e"],
    thickness_m: float,
    middle_m: float,
    group: int,
    brief: MagnetBrief,
    compact: bool,
) -> tuple[float, float, float, float]:
    step = heights_m[1] - heights_m[0]
    centres = (heights_m[1:] + heights_m[:-1]) / 2
    amount = float(column.sum())
    centre = float(column @ centres) / amount
    length = float(np.sqrt(12 * (column @ (centres - centre) ** 2) / amount + step**2))
    most = brief.space.primary_build_m if group == PRIMARY else brief.space.shield_build_m
    if compact:
        length = min(length, amount * thickness_m * step / (_COMPACT * most))
    low, high = max(centre - length / 2, 0.0), min(centre + length / 2, float(heights_m[-1]))
    if low < _CENTRAL_SHARE * length:
        low = 0.0
    build = min(amount * thickness_m * step / (high - low), most)
    if group == PRIMARY:
        return brief.space.inner_radius_m, brief.space.inner_radius_m + build, low, high
    return middle_m - build / 2, middle_m + build / 2, low, high


def _cuts(column: Float[np.ndarray, " c"], heights_m: Float[np.ndarray, " e"], runs: int) -> list[tuple[int, int]]:
    """Half-open runs of columns, each with current, of least total variance about their centres."""
    centres = (heights_m[1:] + heights_m[:-1]) / 2
    zero, one, two = (np.concatenate([[0.0], np.cumsum(column * centres**k)]) for k in range(3))
    size = len(column)

    def variance(first: int, last: int) -> float:
        amount = zero[last] - zero[first]
        return float("inf") if amount < 1e-6 else two[last] - two[first] - (one[last] - one[first]) ** 2 / amount

    best = np.full((runs + 1, size + 1), np.inf)
    start = np.zeros((runs + 1, size + 1), dtype=np.int64)
    best[0, 0] = 0.0
    for run in range(1, runs + 1):
        for last in range(run, size + 1):
            costs = [best[run - 1, first] + variance(first, last) for first in range(run - 1, last)]
            start[run, last] = run - 1 + int(np.argmin(costs))
            best[run, last] = min(costs)
    cuts, last = [], size
    for run in range(runs, 0, -1):
        first = int(start[run, last])
        cuts.append((first, last))
        last = first
    return cuts[::-1]
