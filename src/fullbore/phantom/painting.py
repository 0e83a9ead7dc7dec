"""The painter, backwards: from the top layer down, each point gives away what of it is still in sight.

Where two surfaces cross one sample, the upper layer is taken to lie within the lower one: a skin thinner than a sample keeps its
volume, and nothing grows outward where borders coincide. A point that is covered is never looked at again, and a block of points
that lies wholly inside or outside a shape is known from one look at its middle.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from fullbore.phantom.body import Body, Layer
from fullbore.phantom.movement import Movement
from fullbore.phantom.tissues import AIR

_HIDDEN = 1e-6
_POINTS_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canvas:
    """Points in blocks, and what they receive.

    points_m: (block, point, 3). radius_m: the farthest that a point lies from the middle of its block. width_m: over which a
    surface is soft. columns: what each layer paints into, by layer, -1 for nothing. values: float32 (column, block, point).
    brightest: the most sight that a point of each block has. used: the columns that something was painted into.
    """

    points_m: Float[np.ndarray, "block point 3"]
    radius_m: float
    width_m: float
    time_s: float
    columns: tuple[tuple[int, ...], ...]
    values: Float[np.ndarray, "column block point"]
    sight: Float[np.ndarray, "block point"]
    brightest: Float[np.ndarray, " block"]
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
    middles = canvas.points_m.mean(axis=1)
    here, stretch = _at_rest(body.movement, middles, canvas.time_s)
    everywhere = functools.cache(lambda: _moved_back(body, canvas))
    alive, ends = np.arange(len(middles)), (here.min(axis=0), here.max(axis=0))
    for layer, column in zip(body.layers[::-1], canvas.columns[::-1], strict=True):
        if _far(layer, ends, canvas, stretch):
            continue
        alive = alive[canvas.brightest[alive] > _HIDDEN]
        if len(alive) == 0:
            return
        inside, crossed = _classify(layer, here[alive], canvas, stretch)
        if layer.filling.shares is None:
            _fill_blocks(canvas, alive[inside], column[0])
            inside[:] = False
        if layer.filling.by_depth:
            crossed, inside = inside | crossed, np.zeros_like(inside)
        size = max(1, _POINTS_AT_ONCE // canvas.points_m.shape[1])
        for chosen, deep in ((alive[inside], True), (alive[crossed], False)):
            for first in range(0, len(chosen), size):
                blocks = chosen[first : first + size]
                _paint_blocks(layer, column, canvas, blocks, everywhere()[blocks].reshape(-1, 3), None if deep else stretch)


def _moved_back(body: Body, canvas: Canvas) -> np.ndarray:
    """All points at rest, but for the organs' own movements."""
    if body.movement is None:
        return canvas.points_m
    return body.movement.at_rest(canvas.points_m.reshape(-1, 3), canvas.time_s).reshape(canvas.points_m.shape)


def _at_rest(movement: Movement | None, points: np.ndarray, time_s: float) -> tuple[np.ndarray, float]:
    return (points, 1.0) if movement is None else (movement.at_rest(points, time_s), movement.stretch)


def _far(layer: Layer, ends: tuple[np.ndarray, np.ndarray], canvas: Canvas, stretch: float) -> bool:
    """Whether a layer that has no movement of its own lies beyond the box of all middles."""
    if layer.movement is not None:
        return False
    reach = (canvas.radius_m + 0.5 * canvas.width_m) * stretch
    return bool(np.any(ends[0] > np.array(layer.shape.high_m) + reach) or np.any(ends[1] < np.array(layer.shape.low_m) - reach))


def _classify(layer: Layer, middles: np.ndarray, canvas: Canvas, stretch: float) -> tuple[np.ndarray, np.ndarray]:
    """Which blocks lie wholly inside the layer, and which its surface may cross, by their middles at rest in the body."""
    reach = canvas.radius_m + 0.5 * canvas.width_m
    inside, crossed = np.zeros(len(middles), bool), np.zeros(len(middles), bool)
    middles, own = _at_rest(layer.movement, middles, canvas.time_s)
    reach *= stretch * own
    near = _in_box(layer, middles, reach)
    if len(near) == 0:
        return inside, crossed
    if canvas.points_m.shape[1] == 1:
        crossed[near] = True
        return inside, crossed
    distance = layer.shape.distance(middles[near])
    inside[near] = distance < -reach * layer.shape.stretch
    crossed[near] = np.abs(distance) <= reach * layer.shape.stretch
    return inside, crossed


def _in_box(layer: Layer, places: np.ndarray, reach_m: float) -> np.ndarray:
    """Which places lie in the shape's box or no farther from it than a reach."""
    low, high = np.array(layer.shape.low_m) - reach_m, np.array(layer.shape.high_m) + reach_m
    x, y, z = places.T
    inside = (x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]) & (z >= low[2]) & (z <= high[2])
    return np.flatnonzero(inside)


def _fill_blocks(canvas: Canvas, blocks: np.ndarray, column: int) -> None:
    if column >= 0 and len(blocks):
        canvas.values[column, blocks] += canvas.sight[blocks]
        canvas.used[column] = True
    canvas.sight[blocks] = 0
    canvas.brightest[blocks] = 0


def _paint_blocks(
    layer: Layer, columns: tuple[int, ...], canvas: Canvas, blocks: np.ndarray, points: np.ndarray, stretch: float | None
) -> None:
    """stretch: of the body's movement; None: all of the points lie inside the layer."""
    sight = canvas.sight[blocks].reshape(-1)
    seen = np.flatnonzero(sight > _HIDDEN)
    places, own = _at_rest(layer.movement, points[seen], canvas.time_s)
    if stretch is None:
        distance = np.full(len(places), -np.inf)
    else:
        held = _in_box(layer, places, 0.5 * canvas.width_m * stretch * own)
        seen, places = seen[held], places[held]
        distance = layer.shape.distance(places)
    cover = np.clip(0.5 - distance / canvas.width_m, 0, 1) if canvas.width_m > 0 else (distance < 0).astype(np.float64)
    cover = cover - (1 - sight[seen])
    touched = np.flatnonzero(cover > 0)
    if len(touched) == 0:
        return
    seen, cover = seen[touched], cover[touched]
    shares = layer.filling.shares
    parts = np.ones((len(seen), 1)) if shares is None else shares(places[touched], distance[touched], canvas.width_m)
    block, point = blocks[seen // canvas.points_m.shape[1]], seen % canvas.points_m.shape[1]
    for number, column in enumerate(columns):
        if column >= 0:
            canvas.values[column, block, point] += (cover * parts[:, number]).astype(np.float32)
            canvas.used[column] = True
    taken = (cover * np.minimum(parts.sum(axis=1), 1)).astype(np.float32)
    canvas.sight[block, point] = np.maximum(canvas.sight[block, point] - taken, 0)  # rounding could leave less than nothing
    canvas.brightest[blocks] = canvas.sight[blocks].max(axis=1)
