"""How a body moves: courses in time, rigid, deforming and sliding motion, and blood that flows along paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fullbore.data.field_map import FieldMap
from fullbore.errors import ShapeError, UsageError, ValueRangeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """Samples of something that changes in time, straight between them. values: (t, ...).

    period_s: it comes back so often, straight from the last sample to the first of the next cycle; None: constant outside.
    """

    times_s: np.ndarray
    values: np.ndarray
    period_s: float | None = None

    def __post_init__(self) -> None:
        if len(self.times_s) != len(self.values) or len(self.times_s) == 0:
            raise ShapeError(f"Course: {len(self.values)} values at {len(self.times_s)} times, wanted as many, at least one.")
        if np.any(np.diff(self.times_s) <= 0) or not (np.isfinite(self.values).all() and np.isfinite(self.times_s).all()):
            raise ValueRangeError("Course: wanted rising times and finite values.")
        if self.period_s is not None and not np.ptp(self.times_s) < self.period_s < np.inf:
            raise ValueRangeError(
                f"Course.period_s: {self.period_s}, wanted more than the {np.ptp(self.times_s)} s it has samples of."
            )

    def at(self, time_s: np.ndarray) -> np.ndarray:
        """Values (n, ...) at any times (n,)."""
        columns = self.values.reshape(len(self.values), -1).T
        found = np.stack([np.interp(time_s, self.times_s, column, period=self.period_s) for column in columns], axis=-1)
        return np.asarray(found.reshape(len(time_s), *self.values.shape[1:]))

    def integral(self, time_s: np.ndarray) -> np.ndarray:
        """Integral of a scalar course from time 0 to times (n,), exact."""
        first, last = min(0.0, float(np.min(time_s))), max(0.0, float(np.max(time_s)))
        knots = np.unique(np.concatenate([[0.0], self.knots_s(first, last), time_s]))
        middle = self.at(0.5 * (knots[1:] + knots[:-1]))
        total = np.concatenate([[0.0], np.cumsum(middle * np.diff(knots))])
        return np.asarray(total[np.searchsorted(knots, time_s)] - total[np.searchsorted(knots, 0.0)])

    def knots_s(self, first_s: float, last_s: float) -> np.ndarray:
        """Times between two at which it bends."""
        if self.period_s is None:
            knots = np.asarray(self.times_s, np.float64)
        else:
            cycles = np.arange(np.floor((first_s - self.times_s[-1]) / self.period_s), np.ceil(last_s / self.period_s) + 1)
            knots = (cycles[:, None] * self.period_s + self.times_s).ravel()
        return knots[(knots >= first_s) & (knots <= last_s)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RigidMotion:
    """Everything turns about `centre_m` by a rotation vector (rad) and shifts: values of `turn` and `shift` are (t, 3), LPS."""

    turn: Course
    shift: Course
    centre_m: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if self.turn.values.shape[1:] != (3,) or self.shift.values.shape[1:] != (3,):
            got = (self.turn.values.shape, self.shift.values.shape)
            raise ShapeError(f"RigidMotion.turn, shift: got values {got}, wanted three numbers at each time.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VectorField:
    """A field of vectors known at any place, exactly. at: places (n, 3) in metres -> vectors (n, 3), m."""

    at: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deformation:
    """Displacement = sum over modes of amplitude(t) times a field of vectors, m.

    modes: on a grid, of 3 channels, or known at any place; amplitude: (t, mode).
    """

    modes: tuple[FieldMap | VectorField, ...]
    amplitude: Course

    def __post_init__(self) -> None:
        channels = [3 if isinstance(mode, VectorField) else len(mode.values) for mode in self.modes]
        if self.amplitude.values.shape[1:] != (len(self.modes),) or any(count != 3 for count in channels):
            got = (self.amplitude.values.shape[1:], channels)
            raise ShapeError(f"Deformation: amplitudes and channels {got}, wanted one amplitude for each mode, of 3 channels.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """Motions one after the other: the first moves the body at rest, the next what the one before has made of it.

    At most one of them may be `Sliding`.
    """

    parts: tuple[RigidMotion | Deformation | Sliding, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueRangeError("Composed.parts: none, wanted at least one motion. Leave the motion out.")
        if sum(isinstance(part, Sliding) for part in self.parts) > 1:
            raise UsageError("Composed.parts: two of them slide, wanted one at most. Give each piece a `Composed`.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """A tissue of a phantom, or a share of it, that one part of a `Sliding` motion moves.

    mover: index into the parts, -1 for what stays. share: (z, y, x) of the phantom's cells from index `corner` (z, y, x) on, of
    each cell's whole as its fractions are; None: all of the tissue.
    """

    tissue: str
    mover: int
    share: np.ndarray | None = None
    corner: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        if self.share is not None and (self.share.ndim != 3 or min(self.corner) < 0):
            got = (self.share.shape, self.corner)
            raise ShapeError(f"Piece of {self.tissue}, share, corner: got {got}, wanted (z, y, x) and indices from 0.")

    def within(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """Its share of all cells of a grid (z, y, x); None for all of the tissue. Errors: ShapeError where it reaches beyond."""
        if self.share is None:
            return None
        ends = [first + size for first, size in zip(self.corner, self.share.shape, strict=True)]
        if any(end > size for end, size in zip(ends, shape, strict=True)):
            raise ShapeError(f"Piece of {self.tissue}, share: it ends at {tuple(ends)}, beyond the phantom's grid of {shape}.")
        whole = np.zeros(shape, self.share.dtype)
        whole[tuple(slice(first, end) for first, end in zip(self.corner, ends, strict=True))] = self.share
        return whole


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sliding:
    """Pieces of a body that slide along each other: each moves as its own part says, up to the very border.

    parts: motions, each known wherever its own matter is. pieces: all that there is; those of a tissue add up to its fractions.
    of_flow: which part carries each flow of the phantom, -1 for none.
    """

    parts: tuple[RigidMotion | Deformation | Composed, ...]
    pieces: tuple[Piece, ...]
    of_flow: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if any(sliding_in(part) is not None for part in self.parts):
            raise UsageError("Sliding.parts: one of them slides itself. Give its parts as parts of this.")
        for name, mover in [*((piece.tissue, piece.mover) for piece in self.pieces), *(("a flow", own) for own in self.of_flow)]:
            if not -1 <= mover < len(self.parts):
                raise ValueRangeError(f"Sliding: part {mover} moves {name}, wanted -1 to {len(self.parts) - 1}.")
        named = [piece.tissue for piece in self.pieces]
        for piece in self.pieces:
            if piece.share is None and named.count(piece.tissue) > 1:
                raise UsageError(f"Sliding.pieces: all of {piece.tissue} moves in one way, and some in another. Give it a share.")

    def of_tissue(self, name: str) -> tuple[Piece, ...]:
        """The pieces of one tissue."""
        return tuple(piece for piece in self.pieces if piece.tissue == name)


Motion = RigidMotion | Deformation | Composed | Sliding


def sliding_in(motion: Motion | None) -> Sliding | None:
    """What slides in a motion."""
    parts = motion.parts if isinstance(motion, Composed) else (motion,)
    return next((part for part in parts if isinstance(part, Sliding)), None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flow:
    """Flow in a vessel along a smooth path: what leaves at the end comes in fresh at the beginning.

    path_m: (point, 3) of the centreline, in the order in which blood passes; two points make a straight pipe. radius_m: of the
    vessel's wall, one number or (point,); the flux is the same everywhere, so that blood is faster where it is narrow.
    peak_velocity_m_per_s: on the axis where the vessel begins, times `pace` >= 0. laminar: Poiseuille's profile, else the same
    velocity across. tissue: the name of what flows. fills: within the vessel is nothing but this, whatever a grid too coarse for
    its wall says, and what the grid has smeared of it about the wall gives way to what else is there.
    """

    path_m: np.ndarray
    radius_m: float | np.ndarray
    peak_velocity_m_per_s: float
    pace: Course
    laminar: bool = True
    tissue: str = "blood"
    fills: bool = False

    def __post_init__(self) -> None:
        path, radius = np.asarray(self.path_m, np.float64), np.asarray(self.radius_m, np.float64)
        if path.ndim != 2 or path.shape[1:] != (3,) or len(path) < 2:
            raise ShapeError(f"Flow {self.tissue}, path_m: got {path.shape}, wanted (point, 3) with at least two points.")
        if radius.shape not in ((), (len(path),)):
            raise ShapeError(f"Flow {self.tissue}, radius_m: got {radius.shape}, wanted one number or ({len(path)},).")
        if not (np.isfinite(radius) & (radius > 0)).all():
            raise ValueRangeError(f"Flow {self.tissue}, radius_m: {np.min(radius)}, wanted positive numbers.")
        if not np.isfinite(path).all() or np.min(np.linalg.norm(np.diff(path, axis=0), axis=1)) < 1e-9:
            raise ValueRangeError(f"Flow {self.tissue}, path_m: wanted finite points, none of them twice in a row.")
        if self.pace.values.ndim != 1 or self.pace.values.min() < 0 or not 0 <= self.peak_velocity_m_per_s < np.inf:
            raise ValueRangeError(
                f"Flow {self.tissue}: wanted a scalar pace and a velocity that are never negative. Turn the path round."
            )
        _check_folds(self.tissue, path, np.broadcast_to(radius, len(path)))


def _check_folds(tissue: str, path_m: np.ndarray, radius_m: np.ndarray) -> None:
    """The circle through three points in a row is wider than the vessel."""
    a, b, c = path_m[:-2], path_m[1:-1], path_m[2:]
    sides = [np.linalg.norm(q - p, axis=1) for p, q in ((a, b), (b, c), (a, c))]
    bend_per_m = 2 * np.linalg.norm(np.cross(b - a, c - b), axis=1) / (sides[0] * sides[1] * np.maximum(sides[2], 1e-12))
    turns_back = ((b - a) * (c - b)).sum(axis=1) <= 0
    bad = np.flatnonzero((bend_per_m * radius_m[1:-1] >= 1) | turns_back)
    if len(bad):
        point = int(bad[0]) + 1
        raise ValueRangeError(
            f"Flow {tissue}, path_m: at point {point} it bends with a radius of {1e3 / max(bend_per_m[point - 1], 1e-9):.3g} mm, "
            f"the vessel's is {1e3 * radius_m[point]:.3g} mm. Give more points, or a wider bend."
        )
