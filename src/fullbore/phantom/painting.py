"""The painter, backwards: from the top layer down, each point gives away what of it is still in sight.

Where two surfaces cross one sample, the upper layer is taken to lie within the lower one: a skin thinner than a sample keeps its
volume, and nothing grows outward where borders coincide. A point that is covered is never looked at again. A block of points that
lies wholly inside or outside a shape is known from one look at its middle, and where the surface may cross a block, so is each of
its eight parts.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from fullbore.phantom.body import Body
from fullbore.phantom.canvas import Canvas, Rest, at_rest
from fullbore.phantom.fill import Shares
from fullbore.phantom.movement import Movement
from fullbore.phantom.shape import Shape, spanned
from fullbore.phantom.strokes import boxed, covered, fill, give, lit, near, of_cells, picked, reaching, seen, split
from fullbore.phantom.surfaces import Core, Surfaces, cores

_POINTS_AT_ONCE = 1 << 16
_ANYWHERE = np.full(3, np.inf)
# Edge of a cell in reaches of a group, so that four groups fit along it; that of cells of single points.
_CELL, _LOOSE_M = 6.0, 64e-3


class _Brush(NamedTuple):
    """A layer, as strokes need it. low_m, high_m: its shape's box. stretch: of all movements together. core: what it shares with
    other layers.
    """

    shape: Shape
    low_m: np.ndarray
    high_m: np.ndarray
    depth_m: float
    shares: Shares | None
    movement: Movement | None
    stretch: float
    core: Core | None


class _Cells(NamedTuple):
    """Neighbouring groups, the largest ones, taken together. groups: those in sight, cell by cell, so that shapes can leave out
    what is far from a row of them. first: of each cell in groups, and their number. places_m, reach_m: of a cell, and how far its
    points reach. gone: groups that are known to be out of sight.
    """

    groups: np.ndarray
    first: np.ndarray
    places_m: np.ndarray
    reach_m: np.ndarray
    gone: np.ndarray


def paint(body: Body, canvas: Canvas) -> None:
    """Fill the canvas (in place) with the shares of the matter that is in sight at each point."""
    groups = lit(canvas.sight, canvas.groups[0])
    if len(groups) == 0:
        return
    rest, cells = Rest(body.movement, canvas), _cells(groups, canvas)
    close, brushes = _close(body, canvas, cells), _brushes(body)
    for number in np.flatnonzero(close.any(axis=1))[::-1]:
        brush = brushes[number]
        _stroke(brush, canvas.columns[number], canvas, rest, cells, close[number])
        if brush.core is not None and brush.core.last:
            rest.surfaces.forget(brush.core)


@lru_cache(maxsize=8)
def _brushes(body: Body) -> tuple[_Brush, ...]:
    whole = 1.0 if body.movement is None else body.movement.stretch
    return tuple(
        _Brush(
            shape=layer.shape, low_m=np.array(layer.shape.low_m, np.float64), high_m=np.array(layer.shape.high_m, np.float64),
            depth_m=float(layer.filling.depth_m), shares=layer.filling.shares, movement=layer.movement,
            stretch=whole * (1.0 if layer.movement is None else layer.movement.stretch), core=core,
        )
        for layer, core in zip(body.layers, cores(body), strict=True)
    )  # fmt: skip


def _cells(groups: np.ndarray, canvas: Canvas) -> _Cells:
    """Cells of some groups."""
    size, reach = canvas.groups[0], canvas.reach_m[0]
    corners = canvas.points_m.reshape(-1, size, 3)
    middles = corners[groups, 0] if size == 1 else 0.5 * (corners[groups, 0] + corners[groups, -1])
    edge = _CELL * reach if reach > 0 else _LOOSE_M
    index = np.floor((middles - middles.min(axis=0)) / edge).astype(np.int64)
    wide = index.max(axis=0) + 1
    which = (index[:, 2] * wide[1] + index[:, 1]) * wide[0] + index[:, 0]
    order = np.argsort(which, kind="stable")
    first = np.concatenate([[0], np.flatnonzero(np.diff(which[order])) + 1])
    low, high = (join.reduceat(middles[order], first) for join in (np.minimum, np.maximum))
    return _Cells(
        groups[order], np.append(first, len(order)), 0.5 * (low + high), 0.5 * np.linalg.norm(high - low, axis=1) + reach,
        np.zeros(len(corners), bool),
    )  # fmt: skip


def _close(body: Body, canvas: Canvas, cells: _Cells) -> np.ndarray:
    """Which layers may reach into which cells, (layer, cell): their boxes, with all movements undone."""
    base, reach = at_rest(body.movement, cells.places_m, canvas.time_s), cells.reach_m + 0.5 * canvas.width_m
    out = np.empty((len(body.layers), len(base)), bool)
    for own, which, low, high, stretch in _boxes(body):
        out[which] = reaching(np.ascontiguousarray(at_rest(own, base, canvas.time_s)), reach, low, high, stretch)
    return out


@lru_cache(maxsize=8)
def _boxes(body: Body) -> list[tuple[Movement | None, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Of each movement that layers have: their numbers, boxes (low and high, layer, 3) and stretches."""
    rows: dict[Movement | None, list[int]] = {}
    for number, layer in enumerate(body.layers):
        rows.setdefault(layer.movement, []).append(number)
    brushes, out = _brushes(body), []
    for own, which in rows.items():
        low, high = (np.array([getattr(brushes[number], name) for number in which]) for name in ("low_m", "high_m"))
        out.append((own, np.array(which), low, high, np.array([brushes[number].stretch for number in which])))
    return out


def _stroke(brush: _Brush, columns: np.ndarray, canvas: Canvas, rest: Rest, cells: _Cells, close: np.ndarray) -> None:
    """Paint one layer: groups that lie inside it as a whole, those that its surface may cross part by part, then points.

    close: cells that it may reach into.
    """
    box, size = (brush.low_m, brush.high_m), canvas.groups[0]
    reach = (canvas.reach_m[0] + 0.5 * canvas.width_m) * brush.stretch if size > 1 else np.inf
    groups = of_cells(close, cells.first, cells.groups, cells.gone)
    places = rest.places(0, groups, size, brush.movement)
    groups, places = picked(places, canvas.sight, groups, size, *box, reach, cells.gone)
    for level in range(len(canvas.groups) - 1):
        if level > 0:
            reach = (canvas.reach_m[level] + 0.5 * canvas.width_m) * brush.stretch
            places = rest.places(level, groups, size, brush.movement)
            parts, size = size // canvas.groups[level], canvas.groups[level]
            groups, places = near(places, canvas.sight, groups, parts, size, *box, reach)
        if len(groups) == 0:
            return
        least, most = _span(brush, rest.surfaces, groups, size, places, reach)
        inside, groups = split(groups, np.ascontiguousarray(least), np.ascontiguousarray(most), brush.depth_m)
        if len(inside) and brush.shares is None:
            fill(*_paper(canvas), canvas.sight, inside, size, columns[0])
        elif len(inside):
            _paint(brush, columns, canvas, rest, inside, size, within=True)
    _paint(brush, columns, canvas, rest, groups, size, within=False)


def _span(
    brush: _Brush, surfaces: Surfaces, groups: np.ndarray, size: int, places_m: np.ndarray, reach_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Least and most distance within a reach of the middles of groups."""
    if brush.core is None:
        return spanned(brush.shape, places_m, reach_m)
    least, most = surfaces.span(brush.core, groups, size, places_m, reach_m)
    return (least, most) if brush.core.by_m == 0 else (least - brush.core.by_m, most - brush.core.by_m)


def _distance(brush: _Brush, surfaces: Surfaces, number: np.ndarray, places_m: np.ndarray) -> np.ndarray:
    """Distances of points."""
    if brush.core is None:
        return np.ascontiguousarray(brush.shape.distance(places_m), np.float64)
    far = surfaces.distance(brush.core, number, places_m)
    return far if brush.core.by_m == 0 else far - brush.core.by_m


def _paper(canvas: Canvas) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """What kernels write to."""
    return canvas.values, canvas.pages, canvas.taken, canvas.used, canvas.part


def _paint(
    brush: _Brush, columns: np.ndarray, canvas: Canvas, rest: Rest, groups: np.ndarray, size: int, *, within: bool
) -> None:
    """Paint a layer into the points of groups. within: they lie inside the layer."""
    low, high, reach = brush.low_m, brush.high_m, 0.5 * canvas.width_m * brush.stretch
    if within:
        low, high = -_ANYWHERE, _ANYWHERE
    for first in range(0, len(groups), _POINTS_AT_ONCE // size):
        some = groups[first : first + _POINTS_AT_ONCE // size]
        points = rest.places(len(canvas.groups) - 1, some, size)
        if brush.movement is None:
            number, place = seen(points, canvas.sight, some, size, low, high, reach)
        else:
            number, place = seen(points, canvas.sight, some, size, -_ANYWHERE, _ANYWHERE, 0.0)
            place = np.ascontiguousarray(at_rest(brush.movement, place, canvas.time_s))
            number, place = boxed(number, place, low, high, reach)
        if len(number) == 0:
            continue
        distance = np.full(len(place), -np.inf) if within else _distance(brush, rest.surfaces, number, place)
        number, place, distance, cover = covered(number, place, distance, canvas.sight, canvas.width_m)
        if len(number) == 0:
            continue
        parts = np.ones((len(number), 1)) if brush.shares is None else brush.shares(place, distance, canvas.width_m)
        give(*_paper(canvas), canvas.sight, number, cover, np.ascontiguousarray(parts, np.float64), columns)
