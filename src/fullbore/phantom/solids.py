"""Signed distances of simple solids: negative inside, positive outside, in the unit of the points. Pure functions.

points: (..., 3). Ellipsoid distances are first-order (exact on the surface and in its direction, good within a radius).
Source: the usual constructive geometry of distance fields, e.g. Hart 1996, "Sphere tracing".
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

Vector = tuple[float | int, float | int, float | int]


def _floats(vector: Vector) -> tuple[float, float, float]:
    x, y, z = vector
    return float(x), float(y), float(z)


def ellipsoid(points: np.ndarray, centre: Vector, semi_axes: Vector) -> np.ndarray:
    """Distance to an axis-aligned ellipsoid."""
    return np.asarray(_ellipsoid(points.reshape(-1, 3), _floats(centre), _floats(semi_axes))).reshape(points.shape[:-1])


@numba.njit(parallel=True, cache=True)
@no_type_check
def _ellipsoid(points: np.ndarray, centre: Vector, semi_axes: Vector) -> np.ndarray:
    out = np.empty(len(points), np.float32)
    a, b, c = semi_axes
    for i in numba.prange(len(points)):
        x, y, z = (points[i, 0] - centre[0]) / a, (points[i, 1] - centre[1]) / b, (points[i, 2] - centre[2]) / c
        scaled = np.sqrt(x * x + y * y + z * z)
        slope = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2)
        depth = scaled / slope if slope > 1e-9 else min(a, b, c)
        out[i] = (scaled - 1) * depth
    return out


def capsule(points: np.ndarray, start: Vector, end: Vector, radius: float | int) -> np.ndarray:
    """Distance to a cylinder with round ends."""
    return np.asarray(_capsule(points.reshape(-1, 3), _floats(start), _floats(end), float(radius))).reshape(points.shape[:-1])


@numba.njit(parallel=True, cache=True)
@no_type_check
def _capsule(points: np.ndarray, start: Vector, end: Vector, radius: float | int) -> np.ndarray:
    out = np.empty(len(points), np.float32)
    ax, ay, az = end[0] - start[0], end[1] - start[1], end[2] - start[2]
    square = ax * ax + ay * ay + az * az
    for i in numba.prange(len(points)):
        x, y, z = points[i, 0] - start[0], points[i, 1] - start[1], points[i, 2] - start[2]
        along = min(max((x * ax + y * ay + z * az) / square, 0.0), 1.0)
        out[i] = np.sqrt((x - along * ax) ** 2 + (y - along * ay) ** 2 + (z - along * az) ** 2) - radius
    return out


def arc(points: np.ndarray, centre: Vector, radius: float | int, thickness: float | int, front_of: float | int) -> np.ndarray:
    """Distance to the part with y < `front_of` of a ring of circular section, lying in the x, y plane."""
    offset = points - np.asarray(centre, points.dtype)
    ring = np.hypot(offset[..., 0], offset[..., 1]) - radius
    return np.asarray(np.maximum(np.hypot(ring, offset[..., 2]) - thickness, points[..., 1] - front_of))


def mirrored(points: np.ndarray) -> np.ndarray:
    """Points with x replaced by |x|: a solid on the left becomes a pair."""
    folded = points.copy()
    np.abs(folded[..., 0], out=folded[..., 0])
    return folded


def blend(first: np.ndarray, second: np.ndarray, width: float | int) -> np.ndarray:
    """Union of two solids with a fillet of the given width."""
    share = np.maximum(width - np.abs(first - second), 0) / width
    return np.asarray(np.minimum(first, second) - share * share * width / 4)


def union(*solids: np.ndarray) -> np.ndarray:
    """Union of solids."""
    return np.asarray(np.minimum.reduce(solids))


def inside_of(solid: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Part of a solid that lies in another."""
    return np.asarray(np.maximum(solid, other))


def without(solid: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A solid with another cut out."""
    return np.asarray(np.maximum(solid, -other))
