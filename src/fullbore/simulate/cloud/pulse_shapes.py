"""One RF shape under whatever gradients a timeline plays it: what they have in common, and a table of what it does to spins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Complex, Float, Float32, Int

from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.simulate.cloud.pulse_steps import STILL_TURNS, strayed_turns
from fullbore.simulate.cloud.spots import Spots
from fullbore.simulate.cloud.table_kernel import interpolate
from fullbore.simulate.nodes import barycentric_matrix, chebyshev_nodes, chebyshev_terms
from fullbore.simulate.pulse_kernel import TERMS, propagate
from fullbore.simulate.timeline import PulseKind

POINTS_PER_CYCLE, POINTS = 32, 6
"""Points of a table in frequency: in a cycle of the pulse's length, and among which a spin lies."""
MOST_COURSES = 3
FEW = 8
TOLERANCE = 1e-7
RARE = 5e-4
"""Share of spins at either end of the off-resonances that may lie outside a table and are stepped."""
LOOK_STEPS = 15
"""So many steps, and one for each of its nodes, take as long as a look into a table."""
MOST_ENTRIES = 16_000_000
SLAB = 50_000
THREADS = 2


@dataclass(frozen=True, slots=True)
class _Range:
    low: float
    high: float

    def nodes(self, turns_per_unit: float) -> Float[np.ndarray, " k"]:
        """Chebyshev nodes for what turns by `turns_per_unit` radians; one where the range is narrow."""
        return chebyshev_nodes(chebyshev_terms(turns_per_unit * (self.high - self.low), TOLERANCE), self.low, self.high)


class Extent:
    """How far a cloud reaches in off-resonance, transmit scale and the courses' parts."""

    def __init__(self, spots: Spots):
        scale, off = np.abs(spots.drive), spots.cloud.off_resonance_Hz
        self.spins = len(off)
        self.scale = _Range(float(scale.min()), float(scale.max()))
        self.off = _Range(*(float(end) for end in np.quantile(off, [RARE, 1 - RARE])))
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


class PulseShape:
    """Propagators of one pulse shape at any relaxation times, frequency, transmit scale and parts of its courses.

    courses: (step, k) what all its gradients are made of beside their means. rates: T1 + i T2, sorted.
    """

    def __init__(self, pulse: PulseKind, courses: Float[np.ndarray, "step k"], rates: Complex[np.ndarray, " r"]):
        self._pulse, self._courses, self._rates = pulse, np.ascontiguousarray(courses), rates
        self.turns = np.append(pulse.duration_s, np.abs(courses).sum(axis=0) * pulse.step_s)
        self.table: Float32[np.ndarray, "r f b 12"] | None = None

    def courses_of(self, pulses: list[PulseKind]) -> Float[np.ndarray, "row axis part"]:
        """Each pulse's mean gradient, and how much of each course it holds."""
        gradient = np.stack([pulse.gradient_Hz_per_m for pulse in pulses])
        mean = gradient.mean(axis=1, keepdims=True)
        parts = np.einsum("sk,rsp->rkp", self._courses / (self._courses**2).sum(axis=0), gradient - mean, optimize=True)
        return np.concatenate([mean, parts], axis=1)

    def tabulate(
        self,
        course: Float[np.ndarray, "row axis part"],
        carrier_Hz: Float[np.ndarray, " row"],
        times_s: Float[np.ndarray, " row"],
        extent: Extent,
        looks: int,
    ) -> None:
        """Make a table for pulses of these courses where it saves time. looks: how many will be taken for each spin."""
        pulse, steps = self._pulse, len(self._pulse.b1_T)
        along = extent.along(course[:, 0], times_s)
        low, high = extent.off.low + along.low - carrier_Hz.max(), extent.off.high + along.high - carrier_Hz.min()
        flip = GYROMAGNETIC_RATIO_RAD_PER_S_T * float(np.abs(pulse.b1_T).sum()) * pulse.step_s
        self.step = 1 / (POINTS_PER_CYCLE * pulse.duration_s)
        self.axis = low + self.step * np.arange(-3, int(np.ceil((high - low) / self.step)) + 4)
        self.nodes = [extent.scale.nodes(flip)]
        for number, turns in enumerate(self.turns[1:], start=1):
            self.nodes.append(extent.along(course[:, number], times_s).nodes(2 * np.pi * float(turns)))
        entries = len(self._rates) * len(self.axis) * (self.look_steps - LOOK_STEPS)
        if entries < MOST_ENTRIES and entries * steps < extent.spins * looks * (steps - self.look_steps):
            self._fill()

    @property
    def look_steps(self) -> int:
        """How many steps take as long as a look into the table."""
        return LOOK_STEPS + int(np.prod([len(nodes) for nodes in self.nodes]))

    def _fill(self) -> None:
        scale, *parts = (a.ravel() for a in np.meshgrid(*self.nodes, indexing="ij"))
        where = np.stack(parts, axis=1) if parts else np.zeros((len(scale), 0))
        table = np.empty((len(self._rates), len(self.axis), len(scale), TERMS), np.float32)
        size = max(1, SLAB // len(scale))

        def slab(rate: int, first: int) -> None:
            own = self.axis[first : first + size]
            count = len(own)
            self._stepped(
                np.repeat(own, len(scale)), np.tile(scale, count), np.tile(where, (count, 1)),
                np.full(count * len(scale), rate), table[rate, first : first + count].reshape(-1, TERMS),
            )  # fmt: skip

        slabs = [partial(slab, rate, first) for rate in range(len(self._rates)) for first in range(0, len(self.axis), size)]
        with ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(task) for task in slabs]:
                done.result()
        self.table = table

    def _stepped(
        self,
        frequency_Hz: Float[np.ndarray, " n"],
        scale: Float[np.ndarray, " n"],
        parts: Float[np.ndarray, "n k"],
        rate: Int[np.ndarray, " n"],
        out: Float[np.ndarray, "n 12"],
    ) -> None:
        pulse, own = self._pulse, self._rates[rate]
        b1 = np.conj(pulse.b1_T) * GYROMAGNETIC_RATIO_RAD_PER_S_T
        propagate(
            b1, self._courses, pulse.step_s, pulse.centre_s, parts, frequency_Hz, scale, 1 / own.real, 1 / own.imag, out
        )  # fmt: skip

    def known(
        self, scale: Float[np.ndarray, " n"], times_s: Complex[np.ndarray, " n"]
    ) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"], Float[np.ndarray, "n b"]]:
        """What spins keep from look to look: scale, which of the rates, and weights of the table's first nodes."""
        rate = np.searchsorted(self._rates, times_s)  # complex numbers sort by both parts
        return scale, rate, np.zeros((len(scale), 0)) if self.table is None else barycentric_matrix(self.nodes[0], scale)

    def at(
        self,
        frequency_Hz: Float[np.ndarray, " n"],
        parts: Float[np.ndarray, "k n"],
        scale: Float[np.ndarray, " n"],
        rate: Int[np.ndarray, " n"],
        weight: Float[np.ndarray, "n b"],
        out: Float[np.ndarray, "12 n"],
    ) -> None:
        """Propagators at frequencies and parts of the courses, of spins as they are `known`."""
        inside = np.zeros(len(scale), bool)
        if self.table is not None:
            for part, nodes in zip(parts, self.nodes[1:], strict=True):
                more = barycentric_matrix(nodes, part)
                weight = (weight[:, :, None] * more[:, None, :]).reshape(len(part), -1)
            interpolate((frequency_Hz - self.axis[0]) / self.step, rate, weight, self.table, POINTS, out)
            inside = (frequency_Hz > self.axis[2]) & (frequency_Hz < self.axis[-3])
        if not inside.all():
            left = np.flatnonzero(~inside)
            found = np.empty((len(left), TERMS))
            self._stepped(frequency_Hz[left], scale[left], np.ascontiguousarray(parts[:, left].T), rate[left], found)
            out[:, left] = found.T


def common_courses(pulses: list[PulseKind], reach: Float[np.ndarray, " part"]) -> Float[np.ndarray, "step k"] | None:
    """The few courses, orthogonal, of which all pulses' gradients are made beside their means; None when they are not few."""
    strays = [(pulse.gradient_Hz_per_m - pulse.gradient_Hz_per_m.mean(axis=0)) * reach for pulse in pulses]
    step_s = pulses[0].step_s
    if sum(strayed_turns(stray, step_s) for stray in strays) < len(pulses) * STILL_TURNS:
        return np.zeros((len(pulses[0].b1_T), 0))
    vectors, _, _ = np.linalg.svd(np.concatenate(strays[:: max(1, len(strays) // 16)], axis=1), full_matrices=False)
    for count in range(1, MOST_COURSES + 1):
        kept = vectors[:, :count]
        if max(strayed_turns(stray - kept @ (kept.T @ stray), step_s) for stray in strays) < STILL_TURNS:
            return np.asarray(kept)
    return None
