"""What limbs, spine and pelvis are made of: sections along an axis, flat bands, rounded cuts, and bone with its marrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from fullbore.data import Tissue
from fullbore.errors import ValueRangeError
from fullbore.phantom.fill import Fill, textured
from fullbore.phantom.primitives import lofted, smooth_path, tube
from fullbore.phantom.shape import Shape, Vector

MM = 1e-3
_CORNERS = 40

Number = float | int


def mm(x: Number, y: Number, z: Number) -> Vector:
    """A place or a size that is written in millimetres, in metres."""
    return x * MM, y * MM, z * MM


def path_mm(*points: tuple[Number, ...], pieces: int = 5) -> Float[np.ndarray, "m d"]:
    """A smooth path through places (and radii, as a fourth column) that are written in millimetres, in metres."""
    return smooth_path(np.array(points, np.float64) * MM, pieces)


def vessel(*points: tuple[Number, Number, Number, Number]) -> Shape:
    """A round tube through (x, y, z, radius), each in millimetres."""
    line = path_mm(*points)
    return tube(line[:, :3], line[:, 3])


def trunk(rows_mm: Sequence[Sequence[Number]], *, squareness: float = 2.0, pieces: int = 5) -> Shape:
    """A solid along z with oval sections: rows (z, middle x, middle y, half width in x, in y) in millimetres, z rising.

    squareness: exponent of the oval, 2 an ellipse, more towards a box.
    """
    rows = smooth_path(np.asarray(rows_mm, np.float64) * MM, pieces)
    turn = 2 * np.pi * np.arange(_CORNERS) / _CORNERS
    cosine, sine = np.cos(turn), np.sin(turn)
    ring = np.stack([np.sign(v) * np.abs(v) ** (2 / squareness) for v in (cosine, sine)], axis=-1)
    # A polygon within an ellipse lacks area: its corners move out until both have the same.
    ring *= np.sqrt(turn[1] / np.sin(turn[1]))
    return lofted(rows[:, 0], rows[:, None, 1:3] + ring * rows[:, None, 3:5])


def band(line_m: Float[np.ndarray, "m 3"], half_thickness_m: float, flatness: Number, across: Vector = (1, 0, 0)) -> Shape:
    """A flat strap along a path: `flatness` times as wide along the axis `across` as it is thick."""
    if not flatness >= 1:
        raise ValueRangeError(f"band: flatness {flatness}, wanted a number from 1.")
    axis = np.asarray(across, np.float64) / np.linalg.norm(across)
    squeeze = np.eye(3) - (1 - 1 / flatness) * np.outer(axis, axis)
    thin = tube(np.asarray(line_m) @ squeeze, half_thickness_m)
    room = half_thickness_m * (1 + (flatness - 1) * np.abs(axis))
    low, high = np.min(line_m, axis=0) - room, np.max(line_m, axis=0) + room
    # Squeezing only shortens lengths, so that no distance is overstated.
    return Shape(
        distance=lambda points: thin.distance(np.ascontiguousarray(points @ squeeze)), low_m=vector(low), high_m=vector(high)
    )


def cut(width_m: float, first: Shape, second: Shape) -> Shape:
    """What two solids share, its new edge rounded: beyond width_m from it both surfaces are untouched."""
    sharp, one, other = first & second, first.distance, second.distance

    def distance(points: np.ndarray) -> np.ndarray:
        a, b = one(points), other(points)
        share = np.maximum(width_m - np.abs(a - b), 0) / width_m
        return np.asarray(np.maximum(a, b) + share * share * (width_m / 4))

    return Shape(distance=distance, low_m=sharp.low_m, high_m=sharp.high_m, stretch=sharp.stretch)


def slab(axis: int, low_m: float, high_m: float) -> Shape:
    """All between two planes across an axis (0 x, 1 y, 2 z)."""
    middle, half = (low_m + high_m) / 2, (high_m - low_m) / 2
    low, high = [-np.inf] * 3, [np.inf] * 3
    low[axis], high[axis] = low_m, high_m
    return Shape(
        distance=lambda points: np.abs(points[:, axis] - middle) - half,
        low_m=(low[0], low[1], low[2]), high_m=(high[0], high[1], high[2]),
    )  # fmt: skip


def bone(
    cortex_m: float | Callable[[np.ndarray], np.ndarray],
    marrow: str | Tissue = "yellow marrow",
    seed: int = 0,
    *,
    spread: float = 0.08,
    thickest_m: float = 6e-3,
) -> Fill:
    """Cortical bone down to a depth, one for all or by place (points (n, 3) to (n,) metres), and textured marrow within.

    thickest_m: what a depth by place does not exceed.
    """
    inner = textured(marrow, spread, 5e-3, seed)
    assert inner.shares is not None
    parts = inner.shares

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float) -> np.ndarray:
        depth = cortex_m(points) if callable(cortex_m) else cortex_m
        deeper = np.clip(0.5 + (-distance - depth) / max(width_m, 1e-9), 0, 1)[:, None]
        return np.concatenate([1 - deeper, deeper * parts(points, distance, width_m)], axis=1)

    depth_m = thickest_m if callable(cortex_m) else cortex_m
    return Fill(tissues=("cortical bone", *inner.tissues), shares=shares, depth_m=depth_m)


def within(name: str, value: Number, low: Number, high: Number, why: str) -> None:
    """Refuse a parameter outside its range, with the reason. Errors: ValueRangeError."""
    if not low <= value <= high:
        raise ValueRangeError(f"{name} {value}, wanted {low} to {high}: {why}.")


def vector(values: np.ndarray) -> Vector:
    """Three numbers of an array as a Vector."""
    x, y, z = (float(value) for value in values)
    return x, y, z
