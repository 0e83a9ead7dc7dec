"""Shapes: signed distances with a box around them, and the algebra that joins them.

A shape is a pure function of position. Its distance is negative inside; it may be less than the true distance to the surface
(smooth unions, cuts) but exceeds it by no more than `stretch`, so that a look at the middle of a block of points tells whether
the surface can cross the block. Lengths are metres. Source: Hart 1996, "Sphere tracing", sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.errors import ValueRangeError
from fullbore.phantom.joins import fillet

Vector = tuple[float | int, float | int, float | int]
Points = Float[np.ndarray, "n 3"]
Values = Float[np.ndarray, " n"]

Span = Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]

EVERYWHERE: tuple[Vector, Vector] = ((-np.inf,) * 3, (np.inf,) * 3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """A solid. distance: (n, 3) points in metres to (n,) signed distances. The solid lies between low_m and high_m.

    stretch: the largest factor, at least 1, by which |distance| exceeds the true distance to the surface.
    volume_m3: where it is known in closed form.
    span: (points, radius_m) to the least and the most that distance may be within a radius of each point, where more is known of
    it than that it changes by `stretch` over a length; see `spanned`.
    grown_from: the shape whose distance less a length is this one's, and the length, where it was made so.
    `a | b`, `a & b`, `a - b` are union, intersection and difference.
    """

    distance: Callable[[np.ndarray], np.ndarray]
    low_m: Vector
    high_m: Vector
    stretch: float | int = 1.0
    volume_m3: float | None = None
    span: Span | None = None
    grown_from: tuple[Shape, float] | None = None

    def __post_init__(self) -> None:
        if not all(low < high for low, high in zip(self.low_m, self.high_m, strict=True)):
            raise ValueRangeError(f"Shape: it lies between {self.low_m} and {self.high_m} m, which is empty. Give it a size.")
        if not 1 <= self.stretch < np.inf:
            raise ValueRangeError(f"Shape: stretch {self.stretch}, wanted a number from 1.")

    def __or__(self, other: Shape) -> Shape:
        return union(self, other)

    def __and__(self, other: Shape) -> Shape:
        low, high = np.maximum(self.low_m, other.low_m), np.minimum(self.high_m, other.high_m)
        if not np.all(low < high):
            raise ValueRangeError("Shape: an intersection of two solids whose boxes do not meet is empty. Move one of them.")
        first, second = self.distance, other.distance
        return Shape(
            distance=lambda points: np.maximum(first(points), second(points)),
            low_m=_vector(low), high_m=_vector(high), stretch=max(self.stretch, other.stretch),
            span=_both(np.maximum, self, other),
        )  # fmt: skip

    def __sub__(self, other: Shape) -> Shape:
        first, second = self.distance, other.distance
        return Shape(
            distance=lambda points: np.maximum(first(points), -second(points)),
            low_m=self.low_m, high_m=self.high_m, stretch=max(self.stretch, other.stretch),
            span=_both(np.maximum, self, _complement(other)),
        )  # fmt: skip


def spanned(shape: Shape, points: Points, radius_m: float) -> tuple[Values, Values]:
    """The least and the most that a shape's distance may be within a radius of each point."""
    if shape.span is not None:
        return shape.span(points, radius_m)
    distance, change = shape.distance(points), shape.stretch * radius_m
    return distance - change, distance + change


def _both(join: Callable[[np.ndarray, np.ndarray], np.ndarray], *shapes: Shape) -> Span:
    """The span of a distance that is made of others by a function that rises with each of them."""

    def span(points: np.ndarray, radius_m: float) -> tuple[np.ndarray, np.ndarray]:
        least, most = spanned(shapes[0], points, radius_m)
        for shape in shapes[1:]:
            low, high = spanned(shape, points, radius_m)
            least, most = join(least, low), join(most, high)
        return least, most

    return span


def _complement(shape: Shape) -> Shape:
    """All that lies outside."""

    def span(points: np.ndarray, radius_m: float) -> tuple[np.ndarray, np.ndarray]:
        least, most = spanned(shape, points, radius_m)
        return -most, -least

    low, high = EVERYWHERE
    return Shape(distance=lambda points: -shape.distance(points), low_m=low, high_m=high, stretch=shape.stretch, span=span)


def _carried(shape: Shape, back: Callable[[np.ndarray], np.ndarray]) -> Span:
    """The span of a shape whose points come through a map that lengthens nothing."""
    return lambda points, radius_m: spanned(shape, back(points), radius_m)


def _moved(shape: Shape, out: Callable[[np.ndarray], np.ndarray | float], slope: float = 0.0) -> Span:
    """The span of a shape whose surface is moved outward by a length that changes by a slope."""

    def span(points: np.ndarray, radius_m: float) -> tuple[np.ndarray, np.ndarray]:
        least, most = spanned(shape, points, radius_m)
        length, change = out(points), slope * radius_m
        return least - length - change, most - length + change

    return span


def union(*shapes: Shape) -> Shape:
    """All of them together."""
    low, high = _box(shapes)

    def distance(points: np.ndarray) -> np.ndarray:
        out = shapes[0].distance(points)
        for shape in shapes[1:]:
            out = np.minimum(out, shape.distance(points))
        return np.asarray(out)

    stretch = max(shape.stretch for shape in shapes)
    return Shape(distance=distance, low_m=low, high_m=high, stretch=stretch, span=_both(np.minimum, *shapes))


def blend(width_m: float, *shapes: Shape) -> Shape:
    """All of them together, with fillets: where two surfaces meet within `width_m`, matter is added, a quarter of it at most."""
    if not width_m > 0:
        raise ValueRangeError(f"blend: width {width_m} m, wanted a positive length. For sharp edges use union.")
    low, high = _box(shapes)
    reach = width_m * (len(shapes) - 1) / 4

    def join(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return fillet(np.ascontiguousarray(first), np.ascontiguousarray(second), float(width_m))

    def distance(points: np.ndarray) -> np.ndarray:
        out = shapes[0].distance(points)
        for shape in shapes[1:]:
            out = join(out, shape.distance(points))
        return np.asarray(out)

    return Shape(
        distance=distance,
        low_m=_vector(np.subtract(low, reach)),
        high_m=_vector(np.add(high, reach)),
        stretch=max(shape.stretch for shape in shapes),
        span=_both(join, *shapes),
    )


def grown(shape: Shape, by_m: float) -> Shape:
    """The solid with its surface moved outward by a length, inward when negative."""
    inner = shape.distance
    reach = by_m * shape.stretch if by_m > 0 else by_m / shape.stretch
    return Shape(
        distance=lambda points: inner(points) - by_m,
        low_m=_vector(np.subtract(shape.low_m, reach)), high_m=_vector(np.add(shape.high_m, reach)), stretch=shape.stretch,
        span=_moved(shape, lambda points: by_m), grown_from=(shape, by_m),
    )  # fmt: skip


def shell(shape: Shape, inner_m: float, outer_m: float) -> Shape:
    """What lies between the surface moved by inner_m and by outer_m (outward positive): a cortex, a wall, a skin."""
    if not inner_m < outer_m:
        raise ValueRangeError(f"shell: from {inner_m} to {outer_m} m, wanted the inner surface below the outer one.")
    return grown(shape, outer_m) - grown(shape, inner_m)


def placed(shape: Shape, at_m: Vector = (0, 0, 0), turn: np.ndarray | None = None) -> Shape:
    """The solid turned about the origin by a rotation matrix (3, 3), then moved so that its origin lies at at_m."""
    frame = np.eye(3) if turn is None else np.asarray(turn, np.float64)
    if np.abs(frame @ frame.T - np.eye(3)).max() > 1e-9 or np.linalg.det(frame) < 0:
        raise ValueRangeError("placed: turn is not a rotation. Make it with `rotation`.")
    inner, shift = shape.distance, np.array(at_m, np.float64)
    ends = np.array([shape.low_m, shape.high_m], np.float64)
    if not np.isfinite(ends).all():
        low, high = EVERYWHERE if turn is not None else (_vector(ends[0] + shift), _vector(ends[1] + shift))
    else:
        middle, half = ends.mean(axis=0) @ frame.T + shift, np.abs(frame) @ (np.ptp(ends, axis=0) / 2)
        low, high = _vector(middle - half), _vector(middle + half)

    def back(points: np.ndarray) -> np.ndarray:
        return (points - shift) @ frame

    return Shape(
        distance=lambda points: inner(back(points)),
        low_m=low, high_m=high, stretch=shape.stretch, volume_m3=shape.volume_m3, span=_carried(shape, back),
    )  # fmt: skip


def rotation(axis: Vector, angle_rad: float) -> np.ndarray:
    """Rotation matrix (3, 3) about an axis, right-handed."""
    x, y, z = np.asarray(axis, np.float64) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle_rad) * cross + (1 - np.cos(angle_rad)) * cross @ cross)


def turned_to(direction: Vector) -> np.ndarray:
    """A rotation (3, 3) that carries the z axis to a direction."""
    target = np.asarray(direction, np.float64) / np.linalg.norm(direction)
    across = np.cross([0.0, 0.0, 1.0], target)
    if np.linalg.norm(across) < 1e-12:
        return np.eye(3) if target[2] > 0 else np.diag([1.0, -1.0, -1.0])
    return rotation((across[0], across[1], across[2]), float(np.arccos(np.clip(target[2], -1, 1))))


def mirrored(shape: Shape) -> Shape:
    """A solid on the left (x > 0) together with its mirror image on the right."""
    inner, (x, y, z) = shape.distance, shape.high_m
    far = max(abs(shape.low_m[0]), abs(x))

    def back(points: np.ndarray) -> np.ndarray:
        return np.column_stack([np.abs(points[:, 0]), points[:, 1], points[:, 2]])

    return Shape(
        distance=lambda points: inner(back(points)),
        low_m=(-far, shape.low_m[1], shape.low_m[2]), high_m=(far, y, z), stretch=shape.stretch, span=_carried(shape, back),
    )  # fmt: skip


def flipped(shape: Shape) -> Shape:
    """The mirror image of a solid: left becomes right."""
    inner, (x, y, z), (u, v, w) = shape.distance, shape.low_m, shape.high_m

    def back(points: np.ndarray) -> np.ndarray:
        return np.column_stack([-points[:, 0], points[:, 1], points[:, 2]])

    return Shape(
        distance=lambda points: inner(back(points)),
        low_m=(-u, y, z), high_m=(-x, v, w), stretch=shape.stretch, volume_m3=shape.volume_m3, span=_carried(shape, back),
    )  # fmt: skip


def rough(shape: Shape, field: Callable[[np.ndarray], np.ndarray], height_m: float, length_m: float) -> Shape:
    """The surface moved by height_m times a smooth field in [-1, 1] whose correlation length is length_m."""
    inner, room = shape.distance, abs(height_m) * shape.stretch
    return Shape(
        distance=lambda points: inner(points) - height_m * field(points),
        low_m=_vector(np.subtract(shape.low_m, room)), high_m=_vector(np.add(shape.high_m, room)),
        # The field's slope stays below 3 over its correlation length.
        stretch=shape.stretch + 3 * abs(height_m) / length_m,
        span=_moved(shape, lambda points: height_m * field(points), 3 * abs(height_m) / length_m),
    )  # fmt: skip


def warped(shape: Shape, backward: Callable[[np.ndarray], np.ndarray], low_m: Vector, high_m: Vector, stretch: float) -> Shape:
    """The solid bent by a map that is given backwards, from bent places to straight ones, with its box and its steepest slope."""
    inner = shape.distance
    return Shape(
        distance=lambda points: inner(backward(points)), low_m=low_m, high_m=high_m, stretch=max(1.0, shape.stretch * stretch)
    )


def _box(shapes: tuple[Shape, ...]) -> tuple[Vector, Vector]:
    if not shapes:
        raise ValueRangeError("union of no shapes: wanted at least one.")
    low = np.min([shape.low_m for shape in shapes], axis=0)
    return _vector(low), _vector(np.max([shape.high_m for shape in shapes], axis=0))


def _vector(values: np.ndarray) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
