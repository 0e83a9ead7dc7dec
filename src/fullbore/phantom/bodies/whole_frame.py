"""Parts of a body set into a larger one: turned, scaled, leant and cut layers, the same tissue everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import Tissue
from fullbore.phantom.body import Layer
from fullbore.phantom.fill import Fill
from fullbore.phantom.movement import Movement
from fullbore.phantom.shape import Shape, Vector

Map = Callable[[np.ndarray], np.ndarray]

_CORNERS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """Where a part lies in the whole. forward: places of the part to those of the whole; backward: its inverse.

    scale: lengths in the whole over those in the part. stretch: by how much distances in the part, times scale, may exceed those
    in the whole. suffix: to the names of its organs.
    """

    forward: Map
    backward: Map
    scale: float
    stretch: float = 1.0
    suffix: str = ""


def moved(at_m: np.ndarray, scale: float = 1.0) -> Setting:
    """A part of another size at another place."""
    shift = np.asarray(at_m, np.float64)
    return Setting(forward=lambda points: scale * points + shift, backward=lambda points: (points - shift) / scale, scale=scale)


def leant(
    middle_m: Callable[[np.ndarray], np.ndarray], scale: float, low_m: float, high_m: float, part_half_m: float, slope: float
) -> Setting:
    """A part about its own z axis, along a line that leans: middle_m(z (n,)) to (n, 2), in the whole.

    scale: across the line. Along it the part's -part_half_m to part_half_m fill low_m to high_m. slope: the line's largest.
    """
    along, centre = (high_m - low_m) / (2 * part_half_m), (high_m + low_m) / 2

    def forward(points: np.ndarray) -> np.ndarray:
        z = centre + along * points[:, 2]
        return np.column_stack([scale * points[:, :2] + middle_m(z), z])

    def backward(points: np.ndarray) -> np.ndarray:
        across = (points[:, :2] - middle_m(points[:, 2])) / scale
        return np.column_stack([across, (points[:, 2] - centre) / along])

    return Setting(forward=forward, backward=backward, scale=scale, stretch=max(1.0, scale / along) * float(np.hypot(1, slope)))


def mirror(setting: Setting, suffix: str) -> Setting:
    """The same part on the other side."""
    flip = np.array([-1.0, 1.0, 1.0])
    return replace(
        setting, forward=lambda points: setting.forward(points) * flip, backward=lambda points: setting.backward(points * flip),
        suffix=suffix,
    )  # fmt: skip


def settled(layer: Layer, setting: Setting, low_m: float = -np.inf, high_m: float = np.inf) -> Layer | None:
    """A layer of the part as one of the whole, cut at two heights of the part; None where nothing is left of it."""
    shape = _set_shape(layer.shape, setting, low_m, high_m)
    if shape is None:
        return None
    movement = None if layer.movement is None else _set_movement(layer.movement, setting)
    return Layer(shape=shape, fill=_set_fill(layer.filling, setting), organ=layer.organ + setting.suffix, movement=movement)


def settle(layers: Iterable[Layer], setting: Setting, low_m: float = -np.inf, high_m: float = np.inf) -> list[Layer]:
    """All layers of a part that something is left of."""
    found = (settled(layer, setting, low_m, high_m) for layer in layers)
    return [layer for layer in found if layer is not None]


def agreed(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Layers in which a name stands for one tissue, the first that bore it: parts textured unlike are textured alike."""
    first: dict[str, Tissue] = {}

    def one(item: str | Tissue) -> str | Tissue:
        return item if isinstance(item, str) else first.setdefault(item.name, item)

    return tuple(
        replace(layer, fill=replace(layer.filling, tissues=tuple(one(item) for item in layer.filling.tissues)))
        for layer in layers
    )


def _set_shape(shape: Shape, setting: Setting, low_m: float, high_m: float) -> Shape | None:
    """Its box is that of a lattice of its own box's places, a little larger where the map bends."""
    low, high = np.array(shape.low_m, np.float64), np.array(shape.high_m, np.float64)
    cuts = low[2] < low_m, high[2] > high_m
    low[2], high[2] = max(low[2], low_m), min(high[2], high_m)
    if not low[2] < high[2]:
        return None
    middle, half, inner = (low[2] + high[2]) / 2, (high[2] - low[2]) / 2, shape.distance

    def distance(points: np.ndarray) -> np.ndarray:
        back = np.ascontiguousarray(setting.backward(points))
        out = inner(back)
        if any(cuts):
            out = np.maximum(out, np.abs(back[:, 2] - middle) - half)
        return np.asarray(out * setting.scale)

    x, y = _set_box(low, high, setting)
    return Shape(distance=distance, low_m=x, high_m=y, stretch=max(shape.stretch, 1.0) * setting.stretch)


def _set_box(low: np.ndarray, high: np.ndarray, setting: Setting) -> tuple[Vector, Vector]:
    if not np.isfinite([low, high]).all():
        return (-np.inf,) * 3, (np.inf,) * 3
    ends = [np.linspace(a, b, _CORNERS) for a, b in zip(low, high, strict=True)]
    places = setting.forward(np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3))
    room = 0.0 if setting.stretch == 1.0 else 3e-3
    (x, y, z), (u, v, w) = (places.min(axis=0) - room).tolist(), (places.max(axis=0) + room).tolist()
    return (x, y, z), (u, v, w)


def _set_fill(fill: Fill, setting: Setting) -> Fill:
    inner = fill.shares
    if inner is None:
        return fill

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float) -> np.ndarray:
        back = np.ascontiguousarray(setting.backward(points))
        return inner(back, distance / setting.scale, width_m / setting.scale)

    return replace(fill, shares=shares, depth_m=fill.depth_m * setting.scale)


def _set_movement(movement: Movement, setting: Setting) -> Movement:
    return replace(
        movement,
        forward=lambda points, t: setting.forward(movement.forward(setting.backward(points), t)),
        backward=lambda points, t: setting.forward(movement.at_rest(np.ascontiguousarray(setting.backward(points)), t)),
        stretch=movement.stretch * setting.stretch,
    )
