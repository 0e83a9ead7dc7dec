"""What each pulse does to each spin of a cloud: interpolated in a table where spins are many, integrated where they are few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Complex, Float, Float32, Int

from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.simulate.cloud.changing import Levels, make_levels
from fullbore.simulate.cloud.expansions import PAYS, Base, Expansion, Family, find_families
from fullbore.simulate.cloud.pulse_shapes import Extent, PulseShape, common_courses
from fullbore.simulate.cloud.pulse_steps import played_pulses
from fullbore.simulate.cloud.spin_lock import integrate_locked
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.cloud.spots import Spots
from fullbore.simulate.pulse_kernel import TERMS, propagate
from fullbore.simulate.timeline import PulseKind, Timeline

MOST_RATES = 64
STEP_S, EXPANDED_S = 4.5e-9, 1.2e-8
"""What a step of a pulse costs a spin on two cores, and a propagator that is expanded."""
PIECES = 2
"""In about how many pieces a sequence is played, for each of which expansions are made anew."""


class CloudPulses:
    """Propagators of all pulses that a timeline plays, for any part of one cloud.

    played: (row, 3) kind, frequency and shim, and the level of rates that change; which: (pulse,) rows of it.
    """

    def __init__(self, timeline: Timeline, spots: Spots):
        self._timeline, cloud = timeline, spots.cloud
        self._levels = _levels(timeline, cloud)
        self.played, first, self.which = played_pulses(timeline, *([] if cloud.changing is None else [self._levels.of_pulse]))
        base = _pairs(cloud.t1_s + 1j * cloud.t2_s)
        rates = base if base is None else _pairs(np.concatenate([self._levels.aged(base, i) for i in range(self._levels.count)]))
        self._shapes: list[PulseShape | None] = [None] * len(self.played)
        self._families: list[Family] = []
        if rates is None or cloud.t1rho_s is not None:
            return
        extent = Extent(spots)
        names = [(self._kind(row).name, len(self._kind(row).b1_T)) for row in range(len(self.played))]
        for name in set(names):
            rows = np.array([row for row, other in enumerate(names) if other == name])
            self._join(rows, timeline.time_s[first[rows]], extent, rates, spots.stream is None)

    def _kind(self, row: int) -> PulseKind:
        return self._timeline.kinds[int(self.played[row, 0])]

    def _join(
        self,
        rows: Int[np.ndarray, " row"],
        times_s: Float[np.ndarray, " row"],
        extent: Extent,
        rates: Complex[np.ndarray, " r"],
        stays: bool,
    ) -> None:
        """What pulses of one shape have in common, for spins that stay where they are or flow."""
        kinds = [self._kind(int(row)) for row in rows]
        courses = common_courses(kinds, extent.reach)
        if courses is None:
            return
        shape = PulseShape(kinds[0], courses, rates)
        course = shape.courses_of(kinds)
        label = np.unique(self.played[rows, 1:], axis=0, return_inverse=True)[1].ravel()
        found = find_families(label, rows, course, shape.turns, extent.reach) if stays else []
        self._families += found
        looks = len(rows) - sum(len(family.rows) - PIECES * len(family.orders) for family in found)
        shape.tabulate(course, self.played[rows, 1], times_s, extent, looks)
        for row in rows:
            self._shapes[row] = shape

    @property
    def cost_s(self) -> float:
        """About how long the propagators of one spin take on two cores, each made once."""
        steps = np.array([self._steps(row) for row in range(len(self.played))])
        expanded = np.concatenate([family.rows for family in self._families] or [np.zeros(0, int)])
        nodes = sum(PIECES * len(family.orders) * int(steps[family.rows[0]]) for family in self._families)
        return STEP_S * (float(steps.sum() - steps[expanded].sum()) + nodes) + EXPANDED_S * len(expanded)

    @property
    def spin_bytes(self) -> int:
        """Of a spin's expansions, if all are made at a time."""
        return sum(family.spin_bytes for family in self._families)

    @property
    def held_bytes(self) -> int:
        """Of all tables."""
        return sum(shape.table.nbytes for shape in set(self._shapes) if shape is not None and shape.table is not None)

    def _steps(self, row: int) -> int:
        """How many steps of a pulse take as long as a row's propagator."""
        shape = self._shapes[row]
        return len(self._kind(row).b1_T) if shape is None or shape.table is None else shape.look_steps

    def expansions(self, spots: Spots, place: Float[np.ndarray, "n part"], rows: Int[np.ndarray, " row"]) -> list[Expansion]:
        """What many of these rows of `played` have in common for spins of the cloud that stay at `place`."""
        found = []
        for family in self._families:
            own = np.intersect1d(family.rows, rows)
            if len(own) >= PAYS * len(family.orders):
                found.append(Expansion(family, own, place, self._base(spots, int(own[0]))))
        return found

    def _base(self, spots: Spots, row: int) -> Base:
        """Propagators of a row's shape, carrier, shim and level for spins, at any frequency and parts of the courses."""
        shape = self._shapes[row]
        assert shape is not None
        part = self._aged(spots.cloud, int(self.played[row, -1]))
        known = shape.known(np.abs(spots.drive[int(self.played[row, 2])]), part.t1_s + 1j * part.t2_s)
        offset = part.off_resonance_Hz - self.played[row, 1]
        return lambda where, out: shape.at(offset + where[0], where[1:], *known, out)

    def terms(
        self,
        spots: Spots,
        place: Float[np.ndarray, "n part"],
        rows: Int[np.ndarray, " row"],
        expansions: Sequence[Expansion] = (),
    ) -> Float32[np.ndarray, "row 12 n"]:
        """Propagators of these rows of `played` for spins of the cloud at `place`, by `expansions` where they have them."""
        result, left = np.empty((len(rows), TERMS, len(spots.cloud)), np.float32), np.ones(len(rows), bool)
        for expansion in expansions:
            own = np.isin(rows, expansion.rows)
            left &= ~own
            expansion.fill(rows[own], np.flatnonzero(own), result)
        for number in np.flatnonzero(left):
            row = int(rows[number])
            pulse, shape = self._kind(row), self._shapes[row]
            if shape is not None and shape.table is not None:
                self._base(spots, row)(shape.courses_of([pulse])[0] @ place.T, result[number])
                continue
            scale, part = np.abs(spots.drive[int(self.played[row, 2])]), self._aged(spots.cloud, int(self.played[row, -1]))
            step = integrate if part.t1rho_s is None else integrate_locked
            result[number] = step(pulse, part, place, scale, float(self.played[row, 1])).T
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
