"""What each pulse does to each spin of a cloud: interpolated in a table where spins are many, integrated where they are few."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex, Float, Float32, Int

from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.simulate.cloud.changing import Levels, make_levels
from fullbore.simulate.cloud.pulse_steps import STILL_TURNS, played_pulses
from fullbore.simulate.cloud.spin_lock import integrate_locked
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.cloud.spots import Spots
from fullbore.simulate.cloud.table_kernel import interpolate
from fullbore.simulate.nodes import barycentric_matrix, chebyshev_nodes, chebyshev_terms
from fullbore.simulate.pulse_kernel import TERMS, propagate
from fullbore.simulate.timeline import PulseKind, Timeline

POINTS_PER_CYCLE, POINTS = 32, 6
"""Points of a table in frequency: in a cycle of the pulse's length, and among which a spin lies."""
MOST_RATES = 64
MOST_COURSES = 2
FEW = 8
TOLERANCE = 1e-7
PULSE_S = 4.6e-7
"""What a spin's propagator costs on two cores, looked up in a table of some twelve nodes."""


class CloudPulses:
    """Propagators of all pulses that a timeline plays, for any part of one cloud.

    played: (row, 3) kind, frequency and shim, and the level of rates that change; which: (pulse,) rows of it.
    """

    def __init__(self, timeline: Timeline, spots: Spots):
        self._timeline, cloud = timeline, spots.cloud
        self._levels = _levels(timeline, cloud)
        self.played, first, self.which = played_pulses(timeline, *([] if cloud.changing is None else [self._levels.of_pulse]))
        base = _pairs(cloud.t1_s + 1j * cloud.t2_s)
        self._rates = (
            base if base is None else _pairs(np.concatenate([self._levels.aged(base, i) for i in range(self._levels.count)]))
        )
        self._tables: list[_Tables | None] = [None] * len(self.played)
        if self._rates is None or cloud.t1rho_s is not None:
            return
        extent = _Extent(spots)
        kinds = [timeline.kinds[int(kind)] for kind in self.played[:, 0]]
        for name in {(kind.name, len(kind.b1_T)) for kind in kinds}:
            rows = [row for row, kind in enumerate(kinds) if (kind.name, len(kind.b1_T)) == name]
            times = timeline.time_s[first[rows]]
            tables = _make_tables([kinds[row] for row in rows], self.played[rows, 1], times, extent, self._rates)
            for row in rows:
                self._tables[row] = tables

    @property
    def cost_s(self) -> float:
        """About how long the propagators of one spin take on two cores, each made once."""
        return PULSE_S * len(self.played)

    def terms(
        self, spots: Spots, place: Float[np.ndarray, "n part"], rows: Int[np.ndarray, " row"]
    ) -> Float32[np.ndarray, "row 12 n"]:
        """Propagators of these rows of `played` for spins of the cloud that are at `place`."""
        result = np.empty((len(rows), TERMS, len(spots.cloud)), np.float32)
        for number, row in enumerate(rows):
            pulse, tables, frequency_Hz = self._timeline.kinds[int(self.played[row, 0])], self._tables[row], self.played[row, 1]
            scale, part = np.abs(spots.drive[int(self.played[row, 2])]), self._aged(spots.cloud, int(self.played[row, -1]))
            if part.t1rho_s is not None:
                result[number] = integrate_locked(pulse, part, place, scale, frequency_Hz).T
            elif tables is None:
                result[number] = integrate(pulse, part, place, scale, frequency_Hz).T
            else:
                assert self._rates is not None
                rate = np.searchsorted(self._rates, part.t1_s + 1j * part.t2_s)  # complex numbers sort by both parts
                offset = part.off_resonance_Hz - frequency_Hz
                tables.look_up(pulse, offset, scale, place, rate, result[number])
        return result

    def _aged(self, part: SpinCloud, level: int) -> SpinCloud:
        """The spins with the rates of a level."""
        if part.changing is None:
            return part
        both = self._levels.aged(part.t1_s + 1j * part.t2_s, level)
        return replace(part, t1_s=both.real.copy(), t2_s=both.imag.copy())


def _levels(timeline: Timeline, cloud: SpinCloud) -> Levels:
    """Rates that pulses meet; one level where nothing changes."""
    if cloud.changing is None:
        return Levels(added=np.zeros((1, 2)), of_pulse=np.zeros(len(timeline.kind), np.int64))
    return make_levels(cloud.changing, timeline.time_s, max(kind.duration_s for kind in timeline.kinds))


def _pairs(t1_and_t2_s: Complex[np.ndarray, " n"]) -> Complex[np.ndarray, " r"] | None:
    """The different pairs (T1 + i T2), sorted, or None when there are more than `MOST_RATES`."""
    found: list[complex] = []
    while len(t1_and_t2_s):
        if len(found) == MOST_RATES:
            return None
        found.append(complex(t1_and_t2_s[0]))
        t1_and_t2_s = t1_and_t2_s[t1_and_t2_s != found[-1]]
    return np.sort(np.array(found))


@dataclass(frozen=True, slots=True)
class _Range:
    low: float
    high: float

    def nodes(self, turns_per_unit: float) -> Float[np.ndarray, " k"]:
        """Chebyshev nodes for what turns by `turns_per_unit` radians; one where the range is narrow."""
        return chebyshev_nodes(chebyshev_terms(turns_per_unit * (self.high - self.low), TOLERANCE), self.low, self.high)


class _Extent:
    """How far a cloud reaches in off-resonance, transmit scale and the courses' parts."""

    def __init__(self, spots: Spots):
        scale, off = np.abs(spots.drive), spots.cloud.off_resonance_Hz
        self.spins = len(off)
        self.scale = _Range(float(scale.min()), float(scale.max()))
        self.off = _Range(float(off.min()), float(off.max()))
        self.low, self.high = spots.home.min(axis=0), spots.home.max(axis=0)
        self.reach = np.maximum(np.abs(self.low), np.abs(self.high))
        self._spots = spots

    def along(self, courses: Float[np.ndarray, "row part"], times_s: Float[np.ndarray, " row"]) -> _Range:
        """Bounds of place . course at each row's time; sharp where rows are few or spins come in fresh."""
        if len(courses) <= FEW or self._spots.stream is not None:
            each = [self._spots.at(float(time_s)) @ course for course, time_s in zip(courses, times_s, strict=True)]
            return _Range(min(float(value.min()) for value in each), max(float(value.max()) for value in each))
        ends = courses * self.low, courses * self.high
        return _Range(float(np.minimum(*ends).sum(axis=1).min()), float(np.maximum(*ends).sum(axis=1).max()))


def _make_tables(
    pulses: list[PulseKind],
    carrier_Hz: Float[np.ndarray, " row"],
    times_s: Float[np.ndarray, " row"],
    extent: _Extent,
    rates: Complex[np.ndarray, " r"],
) -> _Tables | None:
    """Tables for all pulses of one shape under whatever gradients; None where integration is cheaper."""
    first = pulses[0]
    motion = _common_courses(pulses, extent.reach)
    if motion is None:
        return None
    means = np.stack([pulse.gradient_Hz_per_m.mean(axis=0) for pulse in pulses])
    along = extent.along(means, times_s)
    low, high = extent.off.low + along.low - carrier_Hz.max(), extent.off.high + along.high - carrier_Hz.min()
    reach = GYROMAGNETIC_RATIO_RAD_PER_S_T * float(np.abs(first.b1_T).sum()) * first.step_s
    step = 1 / (POINTS_PER_CYCLE * first.duration_s)
    axis = low + step * np.arange(-3, int(np.ceil((high - low) / step)) + 4)
    nodes = [extent.scale.nodes(reach)]
    for course in motion.T:
        own = extent.along(np.stack([_part_of(pulse, course) for pulse in pulses]), times_s)
        nodes.append(own.nodes(2 * np.pi * float(np.abs(course).sum()) * first.step_s))
    if len(axis) * int(np.prod([len(n) for n in nodes])) * len(rates) > extent.spins * len(pulses):
        return None
    return _Tables(first, axis, nodes, motion, rates)


def _part_of(pulse: PulseKind, course: Float[np.ndarray, " step"]) -> Float[np.ndarray, " part"]:
    """How much of a unit course each of a pulse's courses holds, beside its mean."""
    return np.asarray(course @ (pulse.gradient_Hz_per_m - pulse.gradient_Hz_per_m.mean(axis=0)) / (course @ course))


def _common_courses(pulses: list[PulseKind], reach: Float[np.ndarray, " part"]) -> Float[np.ndarray, "step k"] | None:
    """The few courses, orthogonal, of which all pulses' gradients are made beside their means; None when they are not few."""
    strays = [(pulse.gradient_Hz_per_m - pulse.gradient_Hz_per_m.mean(axis=0)) * reach for pulse in pulses]
    length = len(pulses) * STILL_TURNS / pulses[0].duration_s
    if sum(float(np.ptp(stray, axis=0).sum()) for stray in strays) < length:
        return np.zeros((len(pulses[0].b1_T), 0))
    vectors, _, _ = np.linalg.svd(np.concatenate(strays[:: max(1, len(strays) // 16)], axis=1), full_matrices=False)
    for count in range(1, MOST_COURSES + 1):
        kept = vectors[:, :count]
        left = max(float(np.ptp(stray - kept @ (kept.T @ stray), axis=0).sum()) for stray in strays)
        if left < STILL_TURNS / pulses[0].duration_s:
            return np.asarray(kept)
    return None


class _Tables:
    """Propagators of one pulse shape over relaxation times (T1 + i T2), frequency, transmit scale and parts of its courses."""

    def __init__(
        self,
        pulse: PulseKind,
        axis: Float[np.ndarray, " f"],
        nodes: list[Float[np.ndarray, " _"]],
        courses: Float[np.ndarray, "step k"],
        rates: Complex[np.ndarray, " r"],
    ):
        self.first, self.step = float(axis[0]), float(axis[1] - axis[0])
        self._nodes, self._courses = nodes, courses
        relax, offset, scale, *parts = (a.ravel() for a in np.meshgrid(np.arange(len(rates)), axis, *nodes, indexing="ij"))
        values = np.empty((len(offset), TERMS))
        b1 = np.conj(pulse.b1_T) * GYROMAGNETIC_RATIO_RAD_PER_S_T
        where = np.stack(parts, axis=1) if parts else np.zeros((len(offset), 0))
        r1, r2 = 1 / rates.real[relax], 1 / rates.imag[relax]
        propagate(b1, np.ascontiguousarray(courses), pulse.step_s, pulse.centre_s, where, offset, scale, r1, r2, values)
        self.values: Float[np.ndarray, "r f b 12"] = values.reshape(len(rates), len(axis), -1, TERMS)

    def look_up(
        self,
        pulse: PulseKind,
        offset_Hz: Float[np.ndarray, " n"],
        scale: Float[np.ndarray, " n"],
        place: Float[np.ndarray, "n part"],
        rate: Int[np.ndarray, " n"],
        out: Float32[np.ndarray, "12 n"],
    ) -> None:
        """Propagators of one pulse of this shape."""
        weight = barycentric_matrix(self._nodes[0], scale)
        for course, nodes in zip(self._courses.T, self._nodes[1:], strict=True):
            more = barycentric_matrix(nodes, place @ _part_of(pulse, course))
            weight = (weight[:, :, None] * more[:, None, :]).reshape(len(place), -1)
        frequency = offset_Hz + place @ pulse.gradient_Hz_per_m.mean(axis=0)
        interpolate((frequency - self.first) / self.step, rate, weight, self.values, POINTS, out)


def integrate(
    pulse: PulseKind,
    part: SpinCloud,
    place: Float[np.ndarray, "n part"],
    scale: Float[np.ndarray, " n"],
    frequency_Hz: float,
) -> Float[np.ndarray, "n 12"]:
    """Propagators by stepping every spin through the pulse, under any gradient."""
    result = np.empty((len(part), TERMS))
    b1 = np.conj(pulse.b1_T) * GYROMAGNETIC_RATIO_RAD_PER_S_T
    offset = part.off_resonance_Hz - frequency_Hz
    propagate(
        b1, pulse.gradient_Hz_per_m, pulse.step_s, pulse.centre_s, place, offset, scale,
        1 / part.t1_s, 1 / part.t2_s, result,
    )  # fmt: skip
    return result
