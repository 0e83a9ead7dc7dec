"""Spins that move: a head that turns, an organ that deforms, blood that flows.

Each kind of motion is a field term of its own: what a gradient does to a spin that moves is what other courses do to one that
rests, exactly and for any waveform. Courses in time are straight between their samples.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from fullbore.data import FieldMap
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.fields import FieldTerm, at_places


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """Samples of something that changes in time, straight between them and constant outside. values: (t, ...)."""

    times_s: Float[np.ndarray, " t"]
    values: Float[np.ndarray, "t ..."]

    def __post_init__(self) -> None:
        if len(self.times_s) != len(self.values) or len(self.times_s) == 0:
            raise ShapeError(f"Course: {len(self.values)} values at {len(self.times_s)} times, wanted as many, at least one.")
        if np.any(np.diff(self.times_s) <= 0) or not np.isfinite(self.values).all():
            raise ValueRangeError("Course: wanted rising times and finite values.")

    def at(self, time_s: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n ..."]:
        """Values at any times."""
        columns = self.values.reshape(len(self.values), -1).T
        found = np.stack([np.interp(time_s, self.times_s, column) for column in columns], axis=-1)
        return np.asarray(found.reshape(len(time_s), *self.values.shape[1:]))

    def integral(self, time_s: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Integral of a scalar course from time 0, exact."""
        knots = np.unique(np.concatenate([[0.0], self.times_s, time_s]))
        middle = self.at(0.5 * (knots[1:] + knots[:-1]))
        total = np.concatenate([[0.0], np.cumsum(middle * np.diff(knots))])
        return np.asarray(total[np.searchsorted(knots, time_s)] - total[np.searchsorted(knots, 0.0)])


class Motion(ABC):
    """How the spins of a cloud move. through: the receive field that they move through, None where each keeps its sensitivity."""

    through: FieldMap | None

    @abstractmethod
    def gradients(self) -> FieldTerm:
        """The term that stands for linear gradients; its first three shapes are coordinates."""

    @abstractmethod
    def places(self, home_m: Float[np.ndarray, "n 3"], time_s: float) -> Float[np.ndarray, "n 3"]:
        """Where spins are at a time that are, or would be, at `home_m` when nothing has moved."""

    def laps(self, home_m: Float[np.ndarray, "n 3"]) -> Laps | None:
        """For spins that leave at one end and come in fresh at the other; None when none do."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Laps:
    """Spin n has come in fresh floor(start[n] + speed[n] * way) times. way: course's integral at given times. hop_m: (3,)."""

    start: Float[np.ndarray, " n"]
    speed: Float[np.ndarray, " n"]
    pace: Course
    hop_m: Float[np.ndarray, " 3"]

    def count(self, time_s: float) -> Float[np.ndarray, " n"]:
        """Laps at a time."""
        return np.asarray(np.floor(self.start + self.speed * self.pace.integral(np.array([time_s]))))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RigidMotion(Motion):
    """Everything turns about `centre_m` by a rotation vector (rad) and shifts: values of `turn` and `shift` are (t, 3), LPS."""

    turn: Course
    shift: Course
    centre_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    through: FieldMap | None = None

    def gradients(self) -> FieldTerm:
        """Gradients turned back, and the uniform field that the shift meets."""
        return _TurnedGradients(self)

    def places(self, home_m: Float[np.ndarray, "n 3"], time_s: float) -> Float[np.ndarray, "n 3"]:
        """Turned and shifted."""
        matrix, centre = self.matrices(np.array([time_s]))[0], np.array(self.centre_m)
        return np.asarray((home_m - centre) @ matrix.T + centre + self.shift.at(np.array([time_s]))[0])

    def matrices(self, time_s: Float[np.ndarray, " t"]) -> Float[np.ndarray, "t 3 3"]:
        """Rotation matrices."""
        return np.asarray(Rotation.from_rotvec(self.turn.at(time_s)).as_matrix()).reshape(-1, 3, 3)


@dataclass(frozen=True, slots=True, eq=False)
class _TurnedGradients(FieldTerm):
    motion: RigidMotion

    def courses(self, time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t part"]:
        g = GYROMAGNETIC_RATIO_HZ_PER_T * gradient[:, :3]
        turned = np.einsum("tij,ti->tj", self.motion.matrices(time_s), g)
        away = (g * (self.motion.shift.at(time_s) + np.array(self.motion.centre_m))).sum(axis=1)
        return np.column_stack([turned, away])

    def shapes(self, position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n part"]:
        return np.column_stack([position_m - np.array(self.motion.centre_m), np.ones(len(position_m))])

    def corners_s(self) -> Float[np.ndarray, " n"]:
        return np.concatenate([self.motion.turn.times_s, self.motion.shift.times_s])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deformation(Motion):
    """Displacement = sum over modes of amplitude(t) times a field of vectors. modes: of 3 channels, m; amplitude: (t, mode)."""

    modes: tuple[FieldMap, ...]
    amplitude: Course
    through: FieldMap | None = None

    def __post_init__(self) -> None:
        if self.amplitude.values.shape[1:] != (len(self.modes),) or any(len(mode.values) != 3 for mode in self.modes):
            got = (self.amplitude.values.shape[1:], [len(mode.values) for mode in self.modes])
            raise ShapeError(f"Deformation: amplitudes and channels {got}, wanted one amplitude for each mode, of 3 channels.")

    def gradients(self) -> FieldTerm:
        """Gradients at rest, and each times the amplitude of every mode."""
        return _DeformedGradients(self)

    def places(self, home_m: Float[np.ndarray, "n 3"], time_s: float) -> Float[np.ndarray, "n 3"]:
        """Displaced."""
        amplitude = self.amplitude.at(np.array([time_s]))[0]
        return home_m + sum(a * at_places(mode, home_m).real.T for a, mode in zip(amplitude, self.modes, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _DeformedGradients(FieldTerm):
    motion: Deformation

    def courses(self, time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t part"]:
        g = GYROMAGNETIC_RATIO_HZ_PER_T * gradient[:, :3]
        moving = self.motion.amplitude.at(time_s)[:, :, None] * g[:, None, :]
        return np.column_stack([g, moving.reshape(len(g), -1)])

    def shapes(self, position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n part"]:
        return np.column_stack([position_m, *(at_places(mode, position_m).real.T for mode in self.motion.modes)])

    def corners_s(self) -> Float[np.ndarray, " n"]:
        return self.motion.amplitude.times_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PipeFlow(Motion):
    """Flow along a straight pipe, laminar (Poiseuille): spins that leave it come in fresh where it begins. Others rest.

    entry_m: middle of the pipe's beginning; direction: unit vector. peak_velocity_m_per_s: on the axis, times `pace` >= 0.
    laminar False: the same velocity everywhere. A spin counts as gone for the rest of the readout in which it leaves.
    """

    entry_m: tuple[float, float, float]
    direction: tuple[float, float, float]
    length_m: float
    radius_m: float
    peak_velocity_m_per_s: float
    pace: Course
    laminar: bool = True
    through: FieldMap | None = None

    def __post_init__(self) -> None:
        if abs(np.linalg.norm(self.direction) - 1) > 1e-6 or min(self.length_m, self.radius_m) <= 0:
            raise ValueRangeError("PipeFlow: wanted a direction of length 1, and a positive length and radius.")
        if self.pace.values.ndim != 1 or self.pace.values.min() < 0 or self.peak_velocity_m_per_s < 0:
            raise ValueRangeError("PipeFlow: wanted a scalar pace and a velocity that are never negative; turn the direction.")

    def gradients(self) -> FieldTerm:
        """Gradients at rest, and the one along the pipe times the way that the flow has come."""
        return _FlowGradients(self)

    def velocity_m_per_s(self, home_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """Along the pipe, at a pace of 1; 0 outside."""
        along, across = self._split(home_m)
        inside = (along >= 0) & (along < self.length_m) & (across < self.radius_m)
        profile = 1 - (across / self.radius_m) ** 2 if self.laminar else np.ones(len(along))
        return np.asarray(np.where(inside, self.peak_velocity_m_per_s * profile, 0.0))

    def places(self, home_m: Float[np.ndarray, "n 3"], time_s: float) -> Float[np.ndarray, "n 3"]:
        """Carried along, and back at the beginning after each lap."""
        laps = self.laps(home_m)
        way = self.pace.integral(np.array([time_s]))
        far = self.velocity_m_per_s(home_m) * way - laps.count(time_s) * self.length_m
        return home_m + far[:, None] * np.array(self.direction)

    def laps(self, home_m: Float[np.ndarray, "n 3"]) -> Laps:
        """How spins pass the pipe's end."""
        speed = self.velocity_m_per_s(home_m) / self.length_m
        start = np.where(speed > 0, self._split(home_m)[0] / self.length_m, 0.0)
        return Laps(start=start, speed=speed, pace=self.pace, hop_m=self.length_m * np.array(self.direction))

    def _split(self, home_m: Float[np.ndarray, "n 3"]) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Way along the pipe, and distance from its axis."""
        from_entry = home_m - np.array(self.entry_m)
        along = from_entry @ np.array(self.direction)
        return along, np.linalg.norm(from_entry - along[:, None] * np.array(self.direction), axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _FlowGradients(FieldTerm):
    motion: PipeFlow

    def courses(self, time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t part"]:
        g = GYROMAGNETIC_RATIO_HZ_PER_T * gradient[:, :3]
        return np.column_stack([g, g @ np.array(self.motion.direction) * self.motion.pace.integral(time_s)])

    def shapes(self, position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n part"]:
        return np.column_stack([position_m, self.motion.velocity_m_per_s(position_m)])

    def corners_s(self) -> Float[np.ndarray, " n"]:
        return self.motion.pace.times_s
