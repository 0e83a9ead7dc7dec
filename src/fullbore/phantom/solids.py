"""Signed distances of simple solids: negative inside, positive outside, in the unit of the points. Pure functions.

points: (..., 3). Ellipsoid distances are first-order (exact on the surface and in its direction, good within a radius).
Source: the usual constructive geometry of distance fields, e.g. Hart 1996, "Sphere tracing".
"""

from __future__ import annotations

import numpy as np

Vector = tuple[float, float, float]


def ellipsoid(points: np.ndarray, centre: Vector, semi_axes: Vector) -> np.ndarray:
    """Distance to an axis-aligned ellipsoid."""
    offset = points - np.asarray(centre, points.dtype)
    axes = np.asarray(semi_axes, points.dtype)
    scaled = np.linalg.norm(offset / axes, axis=-1)
    slope = np.linalg.norm(offset / axes**2, axis=-1)
    deepest = float(min(semi_axes)) * 1e-3
    return np.asarray(scaled * (scaled - 1) / np.maximum(slope, deepest / float(max(semi_axes)) ** 2))


def capsule(points: np.ndarray, start: Vector, end: Vector, radius: float) -> np.ndarray:
    """Distance to a cylinder with round ends."""
    first = np.asarray(start, points.dtype)
    axis = np.asarray(end, points.dtype) - first
    offset = points - first
    along = np.clip(offset @ axis / (axis @ axis), 0, 1)
    return np.asarray(np.linalg.norm(offset - along[..., None] * axis, axis=-1) - radius)


def arc(points: np.ndarray, centre: Vector, radius: float, thickness: float, front_of: float) -> np.ndarray:
    """Distance to the part with y < `front_of` of a ring of circular section, lying in the x, y plane."""
    offset = points - np.asarray(centre, points.dtype)
    ring = np.hypot(offset[..., 0], offset[..., 1]) - radius
    return np.asarray(np.maximum(np.hypot(ring, offset[..., 2]) - thickness, points[..., 1] - front_of))


def mirrored(points: np.ndarray) -> np.ndarray:
    """Points with x replaced by |x|: a solid on the left becomes a pair."""
    folded = points.copy()
    np.abs(folded[..., 0], out=folded[..., 0])
    return folded


def blend(first: np.ndarray, second: np.ndarray, width: float) -> np.ndarray:
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
