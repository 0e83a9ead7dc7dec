"""The painter, backwards: from the top layer down, each point gives away what of it is still in sight.

Where two surfaces cross one sample, the upper layer is taken to lie within the lower one: a skin thinner than a sample keeps its
volume, and nothing grows outward where borders coincide. A point that is covered is never looked at again. A block of points that
lies wholly inside or outside a shape is known from one look at its middle, and where the surface may cross a block, so is each of
its eight parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from fullbore.phantom.body import Body, Layer
from fullbore.phantom.movement import Movement
from fullbore.phantom.shape import spanned
from fullbore.phantom.strokes import boxed, covered, fill, give, lit, near, reaching, seen, unknown
from fullbore.phantom.tissues import AIR

_POINTS_AT_ONCE = 1 << 18
_ANYWHERE = np.full(3, np.inf)
# Edge of a cell in reaches of a group, so that four groups fit along it; that of cells of single points.
_CELL, _LOOSE_M = 6.0, 64e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canvas:
    """Points in groups, and what they receive.

    points_m: (point, 3), those of a group in a row. groups: how many points groups have, the largest first, each of them cut
    into the next, down to one point, its first and its last point at opposite corners; reach_m: the farthest that a point lies
    from the middle of its group. width_m: over which a surface is soft. columns: what each layer paints into, by layer, -1 for
    nothing. values: float32 (column, point). sight: of each point, zero for one that nobody wants. used: the columns that
    something was painted into.
    """

    points_m: Float[np.ndarray, "point 3"]
    groups: tuple[int, ...]
    reach_m: tuple[float, ...]
    width_m: float
    time_s: float
    columns: tuple[tuple[int, ...], ...]
    values: Float[np.ndarray, "column point"]
    sight: Float[np.ndarray, " point"]
    used: Bool[np.ndarray, " column"]


def tissue_columns(body: Body) -> tuple[tuple[int, ...], ...]:
    """A column for every tissue, variants apart."""
    place = {tissue.name: number for number, tissue in enumerate(body.tissues)} | {AIR: -1}
    return tuple(
        tuple(place[item if isinstance(item, str) else item.name] for item in layer.filling.tissues) for layer in body.layers
    )


def organ_columns(body: Body) -> tuple[tuple[int, ...], ...]:
    """A column for every organ, whatever it is made of; holes that have a name of their own too."""
    place = {name: number for number, name in enumerate(body.organs)}
    return tuple((place[layer.organ],) * len(layer.filling.tissues) for layer in body.layers)


def paint(body: Body, canvas: Canvas) -> None:
    """Fill canvas.values (in place) with the shares of the matter that is in sight at each point."""
    rest = _Rest(body.movement, canvas)
    alive = lit(canvas.sight, np.arange(len(canvas.points_m) // canvas.groups[0]), canvas.groups[0])
    if len(alive) == 0:
        return
    cells = _cells(alive, canvas)
    alive = cells.groups
    close = _close(body, canvas, cells)
    for number in np.flatnonzero(close.any(axis=1))[::-1]:
        groups = alive[close[number][cells.number[alive]]]
        if _stroke(body.layers[number], np.array(canvas.columns[number]), canvas, rest, groups):
            alive = lit(canvas.sight, alive, canvas.groups[0])
            if len(alive) == 0:
                return


class _Cells(NamedTuple):
    """Neighbouring groups, the largest ones, taken together. groups: those in sight, cell by cell, so that shapes can leave out
    what is far from a row of them. number: of every group's cell. places_m, reach_m: of a cell, and how far its points reach.
    """

    groups: np.ndarray
    number: np.ndarray
    places_m: np.ndarray
    reach_m: np.ndarray


def _cells(groups: np.ndarray, canvas: Canvas) -> _Cells:
    """Cells of some groups."""
    size, reach = canvas.groups[0], canvas.reach_m[0]
    middles = canvas.points_m[groups * size] if size == 1 else _middles(canvas.points_m, size)[groups]
    edge = _CELL * reach if reach > 0 else _LOOSE_M
    index = np.floor((middles - middles.min(axis=0)) / edge).astype(np.int64)
    wide = index.max(axis=0) + 1
    _, which = np.unique((index[:, 2] * wide[1] + index[:, 1]) * wide[0] + index[:, 0], return_inverse=True)
    order = np.argsort(which, kind="stable")
    number = np.zeros(len(canvas.points_m) // size, np.int64)
    number[groups] = which
    first = np.concatenate([[0], np.flatnonzero(np.diff(which[order])) + 1])
    low, high = (join.reduceat(middles[order], first) for join in (np.minimum, np.maximum))
    return _Cells(groups[order], number, 0.5 * (low + high), 0.5 * np.linalg.norm(high - low, axis=1) + reach)


class _Rest:
    """Where the points of a canvas and the middles of its groups are at rest, each worked out when it is first asked for."""

    def __init__(self, movement: Movement | None, canvas: Canvas) -> None:
        self.stretch = 1.0 if movement is None else movement.stretch
        self._movement, self._canvas = movement, canvas
        self._found: dict[tuple[Movement | None, int], tuple[np.ndarray, np.ndarray]] = {}

    def points(self, groups: np.ndarray, size: int) -> np.ndarray:
        """All points, but for the organs' own movements; known are those of some groups of a size."""
        return self._places(len(self._canvas.groups) - 1, groups, self._canvas.groups[0] // size)

    def middles(self, level: int, groups: np.ndarray, own: Movement | None = None) -> np.ndarray:
        """Middles of all groups of a level, with an organ's own movement; known are those of some groups of that level."""
        return self._places(level, groups, self._canvas.groups[0] // self._canvas.groups[level], own)

    def _places(self, level: int, groups: np.ndarray, share: int, own: Movement | None = None) -> np.ndarray:
        """share: how many of the groups make one of the largest, which are worked out as a whole."""
        canvas = self._canvas
        count, size = len(canvas.points_m) // canvas.groups[0], canvas.groups[level]
        if own is None and self._movement is None and size == 1:
            return canvas.points_m
        if (own, level) not in self._found:
            self._found[own, level] = np.empty((count, canvas.groups[0] // size, 3)), np.zeros(count, bool)
        places, known = self._found[own, level]
        fresh = unknown(groups, share, known)
        if len(fresh):
            if own is None:
                move, start = self._movement, _middles(canvas.points_m.reshape(count, -1, 3)[fresh], size)
            else:
                move = own
                start = self._places(level, fresh, 1).reshape(places.shape)[fresh].reshape(-1, 3)
            places[fresh] = _at_rest(move, start, canvas.time_s).reshape(len(fresh), -1, 3)
        return places.reshape(-1, 3)


def _middles(points: np.ndarray, size: int) -> np.ndarray:
    """Middles of groups of points, whose first and last are opposite corners."""
    blocks = points.reshape(-1, size, 3)
    return blocks[:, 0] if size == 1 else 0.5 * (blocks[:, 0] + blocks[:, -1])


def _at_rest(movement: Movement | None, points: np.ndarray, time_s: float) -> np.ndarray:
    return points if movement is None or len(points) == 0 else movement.at_rest(points, time_s)


def _close(body: Body, canvas: Canvas, cells: _Cells) -> np.ndarray:
    """Which layers may reach into which cells, (layer, cell): their boxes, with all movements undone."""
    (low, high), stretch = _boxes(body)
    base = _at_rest(body.movement, cells.places_m, canvas.time_s)
    out = np.empty((len(body.layers), len(base)), bool)
    rows: dict[Movement | None, list[int]] = {}
    for number, layer in enumerate(body.layers):
        rows.setdefault(layer.movement, []).append(number)
    whole = 1.0 if body.movement is None else body.movement.stretch
    for own, which in rows.items():
        reach = cells.reach_m + 0.5 * canvas.width_m
        out[which] = reaching(_at_rest(own, base, canvas.time_s), reach, low[which], high[which], whole * stretch[which])
    return out


@lru_cache(maxsize=8)
def _boxes(body: Body) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of all layers (low and high, layer, 3), and by how much their own movements lengthen a distance."""
    boxes = np.array([[getattr(layer.shape, name) for layer in body.layers] for name in ("low_m", "high_m")], np.float64)
    return boxes, np.array([1.0 if layer.movement is None else layer.movement.stretch for layer in body.layers])


def _stretch(layer: Layer, rest: _Rest) -> float:
    """By how much all movements together lengthen a distance."""
    return rest.stretch * (1.0 if layer.movement is None else layer.movement.stretch)


def _box(layer: Layer, reach_m: float) -> tuple[np.ndarray, np.ndarray]:
    """The shape's box and all that lies no farther from it than a reach."""
    return np.array(layer.shape.low_m, np.float64) - reach_m, np.array(layer.shape.high_m, np.float64) + reach_m


def _stroke(layer: Layer, columns: np.ndarray, canvas: Canvas, rest: _Rest, groups: np.ndarray) -> bool:
    """Paint one layer: groups that lie inside it as a whole, those that its surface may cross part by part, then points.

    True when any of the largest groups was covered as a whole.
    """
    stretch, whole = _stretch(layer, rest), False
    for level, (size, radius) in enumerate(zip(canvas.groups, canvas.reach_m, strict=True)):
        if level > 0:
            parts = canvas.groups[level - 1] // size
            groups = lit(canvas.sight, (groups[:, None] * parts + np.arange(parts)).ravel(), size)
        if size == 1:
            break
        reach = (radius + 0.5 * canvas.width_m) * stretch
        places = rest.middles(level, groups, layer.movement)
        groups, middles = near(places, canvas.sight, groups, size, *_box(layer, reach))
        if len(groups) == 0:
            return whole
        least, most = spanned(layer.shape, middles, reach)
        inside = most < -layer.filling.depth_m
        whole |= level == 0 and bool(inside.any())
        if layer.filling.shares is None:
            fill(canvas.values, canvas.sight, groups[inside], size, columns[0])
            canvas.used[columns[0]] |= columns[0] >= 0 and bool(inside.any())
        else:
            _paint(layer, columns, canvas, rest, groups[inside], size)
        groups = groups[(least <= 0) & ~inside]
    _paint(layer, columns, canvas, rest, groups, 1, stretch)
    return whole


def _paint(
    layer: Layer, columns: np.ndarray, canvas: Canvas, rest: _Rest, groups: np.ndarray, size: int, stretch: float | None = None
) -> None:
    """Paint a layer into the points of groups. stretch: of all movements; None: the points lie inside the layer."""
    low, high = (-_ANYWHERE, _ANYWHERE) if stretch is None else _box(layer, 0.5 * canvas.width_m * stretch)
    for first in range(0, len(groups), _POINTS_AT_ONCE // size):
        some = groups[first : first + _POINTS_AT_ONCE // size]
        if layer.movement is None:
            number, place = seen(rest.points(some, size), canvas.sight, some, size, low, high)
        else:
            number, place = seen(rest.points(some, size), canvas.sight, some, size, -_ANYWHERE, _ANYWHERE)
            number, place = boxed(number, _at_rest(layer.movement, place, canvas.time_s), low, high)
        if len(number) == 0:
            continue
        distance = np.full(len(place), -np.inf) if stretch is None else np.asarray(layer.shape.distance(place), np.float64)
        number, place, distance, cover = covered(number, place, distance, canvas.sight, canvas.width_m)
        if len(number) == 0:
            continue
        shares = layer.filling.shares
        parts = np.ones((len(number), 1)) if shares is None else shares(place, distance, canvas.width_m)
        give(canvas.values, canvas.sight, number, cover, np.ascontiguousarray(parts, np.float64), columns)
        canvas.used[columns[columns >= 0]] = True
