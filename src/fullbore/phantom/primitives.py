"""The solids that bodies are made of: signed distances in closed form, and their volumes where geometry knows them. Metres.

Their kernels are `distances`.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.phantom.distances import (
    along_tube_distance,
    box_distance,
    ellipsoid_distance,
    ellipsoid_span,
    lofted_distance,
    nearest_pin,
    nearest_point,
    polygon_distance,
    polygon_edges,
    tube_distance,
    wall_table,
)
from fullbore.phantom.joins import capped, lofted_span
from fullbore.phantom.shape import Shape, Vector, placed, turned_to


def ball(centre_m: Vector, radius_m: float) -> Shape:
    """A ball."""
    return ellipsoid(centre_m, (radius_m, radius_m, radius_m))


def ellipsoid(centre_m: Vector, semi_axes_m: Vector) -> Shape:
    """An ellipsoid along L, P, S; turn it with `placed`. Its distance is first-order: exact on the surface."""
    _positive("ellipsoid", *semi_axes_m)
    centre, axes = np.array(centre_m, np.float64), np.array(semi_axes_m, np.float64)
    return Shape(
        distance=lambda points: ellipsoid_distance(points, centre, axes),
        low_m=_vector(centre - axes),
        high_m=_vector(centre + axes),
        stretch=float(axes.max() / axes.min()),
        volume_m3=float(4 / 3 * np.pi * axes.prod()),
        span=lambda points, radius_m: ellipsoid_span(points, centre, axes, float(radius_m)),
    )


def box(centre_m: Vector, size_m: Vector, rounding_m: float = 0.0) -> Shape:
    """A box with edges size_m along L, P, S, its edges and corners rounded by a radius."""
    _positive("box", *size_m)
    if not 0 <= 2 * rounding_m <= min(size_m):
        raise ValueRangeError(f"box: rounding {rounding_m} m, wanted 0 to half the smallest edge of {size_m} m.")
    centre, half = np.array(centre_m, np.float64), np.array(size_m, np.float64) / 2

    volume = float(np.prod(size_m)) if rounding_m == 0 else None
    return Shape(
        distance=lambda points: box_distance(points, centre, half, float(rounding_m)),
        low_m=_vector(centre - half), high_m=_vector(centre + half), volume_m3=volume,
    )  # fmt: skip


def cylinder(start_m: Vector, end_m: Vector, radius_m: float) -> Shape:
    """A cylinder with flat ends."""
    return cone(start_m, end_m, radius_m, radius_m)


def cone(start_m: Vector, end_m: Vector, radius_m: float, end_radius_m: float) -> Shape:
    """A cylinder with flat ends whose radius changes evenly from start to end."""
    first, last = np.array(start_m, np.float64), np.array(end_m, np.float64)
    length = float(np.linalg.norm(last - first))
    _positive("cone", length, radius_m, end_radius_m)
    profile = np.array([[0, 0], [radius_m, 0], [end_radius_m, length], [0, length]], np.float64)
    upright = revolved(profile)
    return placed(upright, _vector(first), turned_to(_vector(last - first)))


def capsule(start_m: Vector, end_m: Vector, radius_m: float) -> Shape:
    """A cylinder with round ends."""
    return tube(np.array([start_m, end_m], np.float64), radius_m)


def tube(path_m: Float[np.ndarray, "k 3"], radius_m: float | Float[np.ndarray, " k"]) -> Shape:
    """A round tube with round ends along a chain of straight pieces, its radius (one, or one a point) even between points.

    For a smooth path give the points of `smooth_path`. Its distance is that of the nearest piece's axis less the radius there.
    """
    path = np.ascontiguousarray(path_m, np.float64)
    if path.ndim != 2 or path.shape[1] != 3 or len(path) < 2:
        raise ShapeError(f"tube: path of shape {path.shape}, wanted (at least 2, 3).")
    radii = np.broadcast_to(np.asarray(radius_m, np.float64), (len(path),)).copy()
    _positive("tube", *radii, *np.linalg.norm(np.diff(path, axis=0), axis=1))
    slope = np.abs(np.diff(radii)) / np.linalg.norm(np.diff(path, axis=0), axis=1)
    volume = None
    if len(path) == 2 and radii[0] == radii[1]:
        volume = float(np.pi * radii[0] ** 2 * (np.linalg.norm(path[1] - path[0]) + 4 / 3 * radii[0]))
    return Shape(
        distance=lambda points: tube_distance(points, path, radii),
        low_m=_vector((path - radii[:, None]).min(axis=0)),
        high_m=_vector((path + radii[:, None]).max(axis=0)),
        stretch=1.0 + float(slope.max()),
        volume_m3=volume,
    )


def along_tube(
    points_m: Float[np.ndarray, "n 3"], path_m: Float[np.ndarray, "k 3"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Distance of points from the path, and how far along it (in points of the path, 0 to k - 1) its nearest point lies."""
    path = np.ascontiguousarray(path_m, np.float64)
    return along_tube_distance(np.ascontiguousarray(points_m, np.float64), path, np.zeros(len(path)))


def smooth_path(points: Float[np.ndarray, "k d"], pieces: int = 6, *, closed: bool = False) -> Float[np.ndarray, "m d"]:
    """A smooth curve through control points (Catmull-Rom, any dimension), `pieces` straight pieces between each two.

    Radii can travel with their points as a fourth column.
    """
    given = np.asarray(points, np.float64)
    if len(given) < (3 if closed else 2):
        raise ShapeError(f"smooth_path: {len(given)} points, wanted more.")
    ends = (given[-1:], given[:2]) if closed else (2 * given[:1] - given[1:2], 2 * given[-1:] - given[-2:-1])
    line = np.concatenate([ends[0], given, ends[1]])
    a, b, c, d = (line[i : len(line) - 3 + i, None] for i in range(4))
    s = (np.arange(pieces) / pieces)[None, :, None]
    curve = 0.5 * (2 * b + (c - a) * s + (2 * a - 5 * b + 4 * c - d) * s**2 + (3 * b - a - 3 * c + d) * s**3)
    curve = curve.reshape(-1, given.shape[1])
    return np.asarray(curve if closed else np.concatenate([curve, given[-1:]]))


def balls(centres_m: Float[np.ndarray, "k 3"], radius_m: float) -> Shape:
    """Many balls of one size that do not touch."""
    centres = np.ascontiguousarray(centres_m, np.float64)
    _positive("balls", radius_m)
    if centres.ndim != 2 or centres.shape[1] != 3 or len(centres) == 0:
        raise ShapeError(f"balls: centres of shape {centres.shape}, wanted (at least 1, 3).")
    return Shape(
        distance=lambda points: nearest_point(points, centres) - radius_m,
        low_m=_vector(centres.min(axis=0) - radius_m),
        high_m=_vector(centres.max(axis=0) + radius_m),
        volume_m3=float(len(centres) * 4 / 3 * np.pi * radius_m**3),
    )


def pins(centres_m: Float[np.ndarray, "k 2"], radius_m: Float[np.ndarray, " k"] | float, low_m: float, high_m: float) -> Shape:
    """Many upright cylinders (x, y), from z = low_m to high_m, with one radius or one each, that do not touch."""
    flat = np.asarray(centres_m, np.float64)
    if flat.ndim != 2 or flat.shape[1] != 2 or len(flat) == 0:
        raise ShapeError(f"pins: centres of shape {flat.shape}, wanted (at least 1, 2).")
    radii = np.broadcast_to(np.asarray(radius_m, np.float64), (len(flat),)).copy()
    _positive("pins", *radii, high_m - low_m)
    middle, half = float(low_m + high_m) / 2, float(high_m - low_m) / 2
    (x, y), (u, v) = (flat - radii[:, None]).min(axis=0), (flat + radii[:, None]).max(axis=0)
    return Shape(
        distance=lambda points: capped(nearest_pin(points, flat, radii), points, middle, half),
        low_m=_vector([x, y, low_m]),
        high_m=_vector([u, v, high_m]),
        volume_m3=float(np.pi * np.sum(radii**2) * (high_m - low_m)),
    )


def torus(centre_m: Vector, ring_m: float, radius_m: float) -> Shape:
    """A ring of round section about the z axis through its centre."""
    _positive("torus", ring_m - radius_m, radius_m)
    centre, reach = np.array(centre_m, np.float64), ring_m + radius_m

    def distance(points: np.ndarray) -> np.ndarray:
        x, y, z = (points - centre).T
        return np.asarray(np.hypot(np.hypot(x, y) - ring_m, z) - radius_m)

    half = np.array([reach, reach, radius_m])
    volume = 2 * np.pi**2 * ring_m * radius_m**2
    return Shape(distance=distance, low_m=_vector(centre - half), high_m=_vector(centre + half), volume_m3=volume)


def half_space(point_m: Vector, outward: Vector) -> Shape:
    """Everything on one side of a plane through a point; `outward` points away from it. For cutting."""
    normal = np.asarray(outward, np.float64) / np.linalg.norm(outward)
    level = float(normal @ np.asarray(point_m, np.float64))
    return Shape(distance=lambda points: points @ normal - level, low_m=(-np.inf,) * 3, high_m=(np.inf,) * 3)


def extruded(profile_m: Float[np.ndarray, "k 2"], low_m: float, high_m: float) -> Shape:
    """A prism: a polygon in x, y (closed by itself, either way round) from z = low_m to high_m."""
    polygon = _polygon("extruded", profile_m)
    edges = polygon_edges(polygon)
    _positive("extruded", high_m - low_m)
    middle, half = float(low_m + high_m) / 2, float(high_m - low_m) / 2

    def distance(points: np.ndarray) -> np.ndarray:
        across = polygon_distance(points[:, 0].copy(), points[:, 1].copy(), edges)
        return capped(across, points, middle, half)

    (x, y), (u, v) = polygon.min(axis=0), polygon.max(axis=0)
    volume = polygon_area(polygon) * 2 * half
    return Shape(distance=distance, low_m=_vector([x, y, low_m]), high_m=_vector([u, v, high_m]), volume_m3=volume)


def revolved(profile_m: Float[np.ndarray, "k 2"]) -> Shape:
    """A solid of revolution about z: a polygon of (radius, z) with radius >= 0."""
    polygon = _polygon("revolved", profile_m)
    if polygon[:, 0].min() < 0:
        raise ValueRangeError(f"revolved: a radius of {polygon[:, 0].min()} m, wanted radii from 0.")
    # An edge on the axis is no surface of the solid that is turned about it.
    edges = polygon_edges(polygon)
    edges = edges[(edges[:, 0] > 0) | (edges[:, 2] > 0)]
    reach, low, high = polygon[:, 0].max(), polygon[:, 1].min(), polygon[:, 1].max()

    def distance(points: np.ndarray) -> np.ndarray:
        return np.asarray(polygon_distance(np.hypot(points[:, 0], points[:, 1]), points[:, 2].copy(), edges))

    r, z = polygon.T
    s, t = np.roll(r, -1), np.roll(z, -1)
    volume = abs(float(np.sum((t - z) * (r * r + r * s + s * s)))) * np.pi / 3
    box_low, box_high = _vector([-reach, -reach, low]), _vector([reach, reach, high])
    return Shape(distance=distance, low_m=box_low, high_m=box_high, volume_m3=volume)


def lofted(levels_m: Float[np.ndarray, " m"], profiles_m: Float[np.ndarray, "m k 2"]) -> Shape:
    """A solid whose section changes with height: polygons of equally many corners (x, y), each at its own level z, ends flat.

    Corners move evenly from level to level; for smooth changes give many levels (`smooth_path` over the levels).
    Distances are those within the section, as steep as the walls lean.
    """
    levels, stack = np.asarray(levels_m, np.float64), np.ascontiguousarray(profiles_m, np.float64)
    if stack.ndim != 3 or stack.shape[0] != len(levels) or stack.shape[2] != 2 or len(levels) < 2 or stack.shape[1] < 3:
        raise ShapeError(
            f"lofted: {len(levels)} levels and profiles {stack.shape}, wanted (levels, corners, 2), two levels at least."
        )
    _positive("lofted", *np.diff(levels))
    lean = np.linalg.norm(np.diff(stack, axis=0), axis=2).max(axis=1) / np.diff(levels)
    walls = wall_table(stack)

    middle, half = float((levels[0] + levels[-1]) / 2), float((levels[-1] - levels[0]) / 2)

    def distance(points: np.ndarray) -> np.ndarray:
        return capped(lofted_distance(points, levels, stack, walls), points, middle, half)

    def span(points: np.ndarray, radius_m: float) -> tuple[np.ndarray, np.ndarray]:
        across = lofted_distance(points, levels, stack, walls)
        return lofted_span(across, points, levels, lean, middle, half, float(radius_m))

    (x, y), (u, v) = stack.min(axis=(0, 1)), stack.max(axis=(0, 1))
    return Shape(
        distance=distance,
        low_m=_vector([x, y, levels[0]]),
        high_m=_vector([u, v, levels[-1]]),
        stretch=float(np.hypot(1, lean.max())),
        volume_m3=_lofted_volume(levels, stack),
        span=span,
    )


def _lofted_volume(levels: np.ndarray, stack: np.ndarray) -> float:
    """Corners move evenly, so areas are quadratic between levels, where Simpson's rule is exact."""
    ends = np.array([polygon_area(polygon) for polygon in stack])
    middle = np.array([polygon_area((a + b) / 2) for a, b in pairwise(stack)])
    return float(np.sum((ends[:-1] + 4 * middle + ends[1:]) / 6 * np.diff(levels)))


def polygon_area(polygon: Float[np.ndarray, "k 2"]) -> float:
    """Area of a polygon, by the shoelace formula."""
    x, y = np.asarray(polygon, np.float64).T
    return abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) / 2


def _polygon(who: str, profile: np.ndarray) -> np.ndarray:
    polygon = np.ascontiguousarray(profile, np.float64)
    if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < 3:
        raise ShapeError(f"{who}: profile of shape {polygon.shape}, wanted (at least 3, 2).")
    if polygon_area(polygon) <= 0:
        raise ValueRangeError(f"{who}: the profile has no area.")
    return polygon


def _positive(who: str, *lengths: float) -> None:
    if not all(0 < length < np.inf for length in lengths):
        raise ValueRangeError(f"{who}: lengths {tuple(round(float(v), 6) for v in lengths)} m, wanted positive, finite ones.")


def _vector(values: np.ndarray | list[float]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
