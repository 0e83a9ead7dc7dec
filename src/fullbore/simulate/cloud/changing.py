"""Spins whose rates and frequency change in time, all of a sort alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int

from fullbore.data import Course, TissueCourse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.fields import FieldTerm

HELD_DECAY = 3e-5
"""Rates during a pulse are rounded until they take no more from a spin than this during the longest pulse, and further until
there are at most `MOST_LEVELS` of them: what a pulse does hardly knows of relaxation, whose free part intervals hold."""
MOST_LEVELS = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Changing:
    """What time adds to spins: straight between times, constant outside. values: (t, 4), R1, R2, R2' (1/s) and frequency (Hz).

    Relaxation is towards a constant equilibrium, so that Mz - M0 decays by exp(-integral of R1 dt), and Mxy by that of R2:
    intervals are exact. R2' acts through each spin's place in its line, see `SpinCloud.line`.
    """

    times_s: Float[np.ndarray, " t"]
    values: Float[np.ndarray, "t 4"]

    def part(self, number: int) -> Course:
        """One of the four."""
        return Course(times_s=self.times_s, values=self.values[:, number])

    def at(self, time_s: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 4"]:
        """All four at given times."""
        return np.asarray(Course(times_s=self.times_s, values=self.values).at(time_s))

    def taken_by(self, time_s: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
        """Integrals of what is added to R1 and R2 from time 0, exact."""
        return np.stack([self.part(number).integral(time_s) for number in (0, 1)], axis=1)

    def onwards(
        self, time_s: Float[np.ndarray, "row sample"], middle: Int[np.ndarray, " row"]
    ) -> Float[np.ndarray, "row sample"]:
        """What the change of R2 makes of a readout from its middle sample on, and back from it."""
        taken = self.part(1).integral(time_s.ravel()).reshape(time_s.shape)
        return np.asarray(np.exp(taken[np.arange(len(taken)), middle][:, None] - taken))

    def terms(self, line: Float[np.ndarray, " n"] | None) -> tuple[FieldTerm, ...]:
        """Of the field that the spins of one sort feel; line: their places in their line."""
        found: list[FieldTerm] = []
        if self.values[:, 3].any():
            found.append(_Alone(self.part(3), None))
        if self.values[:, 2].any() and line is not None:
            found.append(_Alone(self.part(2), line))
        return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Alone(FieldTerm):
    """A course that no gradient has a part in. shape: of each spin of one sort, in their order; 1 for None."""

    course: Course
    shape: Float[np.ndarray, " n"] | None

    def courses(self, time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t part"]:
        return np.asarray(self.course.at(time_s)[:, None])

    def shapes(self, position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n part"]:
        return np.ones((len(position_m), 1)) if self.shape is None else self.shape[:, None]

    def corners_s(self) -> Float[np.ndarray, " n"]:
        return self.course.times_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """Rates during pulses, rounded. added: (level, 2) to R1 and R2; of_pulse: (pulse,) which level each pulse meets."""

    added: Float[np.ndarray, "level 2"]
    of_pulse: Int[np.ndarray, " pulse"]

    @property
    def count(self) -> int:
        """Number of levels."""
        return len(self.added)

    def aged(self, t1_and_t2_s: Complex[np.ndarray, " n"], level: int) -> Complex[np.ndarray, " n"]:
        """T1 + i T2 at a level."""
        r1, r2 = self.added[level]
        if r1 == r2 == 0:
            return t1_and_t2_s
        return np.asarray(1 / (1 / t1_and_t2_s.real + r1) + 1j / (1 / t1_and_t2_s.imag + r2))


def make_levels(changing: Changing, time_s: Float[np.ndarray, " pulse"], longest_s: float) -> Levels:
    """Levels for pulses at these times, the longest of which takes longest_s."""
    rates, step = changing.at(time_s)[:, :2], 2 * HELD_DECAY / longest_s
    while True:
        label = np.round(rates / step)
        levels, which = np.unique(label, axis=0, return_inverse=True)
        if len(levels) <= MOST_LEVELS:
            return Levels(added=levels * step, of_pulse=which.ravel())
        step *= 1.25


def of_tissue(course: TissueCourse, b0_T: float) -> Changing:
    """A tissue's course in a field."""
    scale = np.array([1.0, 1.0, 1.0, 1e-6 * b0_T * GYROMAGNETIC_RATIO_HZ_PER_T])
    return Changing(times_s=np.asarray(course.times_s, np.float64), values=course.added * scale)
