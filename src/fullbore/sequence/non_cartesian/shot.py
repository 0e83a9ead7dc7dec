"""One shot of a turned readout: excite, wind, read, rewind and spoil (or balance)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fullbore.data import Limits
from fullbore.sequence.block_table import Block, pause
from fullbore.sequence.gradients import area_of, end_s, lobe, raster_down, raster_up
from fullbore.sequence.non_cartesian.arm import Arm, vector_lobe
from fullbore.sequence.pulses import SelectivePulse
from fullbore.sequence.refusal import Refusal, refuse_spacing

LONGEST_REWIND_S = 3e-3
"""Rewinding and spoiling take no longer, however much time there is."""
_STEEPEST = 0.7
"""Shortest lobes use that much of the slew rate, for the nerves."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """The bricks of one shot. closing_area: of the slice axis at the end, beside what undoes the encoding (T s/m)."""

    excitation: SelectivePulse
    arm: Arm
    wind_s: float
    unwind_s: float
    rest_s: float
    closing_area: float
    limits: Limits

    @property
    def echo_time_s(self) -> float:
        """From the excitation's centre to k = 0."""
        return self.excitation.block_s - self.excitation.centre_s + self.wind_s + self.arm.echo_s

    @property
    def length_s(self) -> float:
        """From shot to shot."""
        return self.excitation.block_s + self.wind_s + self.arm.block_s + self.unwind_s + self.rest_s

    def excite(self, offset_m: np.ndarray, phase_rad: np.ndarray) -> Block:
        """The excitation at slice offsets and phases, (repetition,) each."""
        places, which = np.unique(offset_m, return_inverse=True)
        tuning = np.array([self.excitation.tuning(float(place)) for place in places])[which]
        return Block(
            duration_s=self.excitation.block_s,
            rf=self.excitation.pulse,
            slice=self.excitation.slice,
            rf_frequency_Hz=tuning[:, 0],
            rf_phase_rad=tuning[:, 1] + phase_rad,
        )

    def blocks(
        self, turn: np.ndarray, k_slice: np.ndarray, offset_m: np.ndarray, phase_rad: np.ndarray, sampled: bool
    ) -> list[Block]:
        """The blocks of shots, one repetition each: turn (repetition, 3, 3), all else (repetition,); none for no repetition."""
        if not len(turn):
            return []
        along, z = turn[:, :, 0], np.array([0.0, 0.0, 1.0])
        encode = area_of(1.0) * k_slice
        opening = -self.excitation.rephasing_area_T_s_per_m + encode
        wind = -self.arm.lead_area * along + opening[:, None] * z
        unwind = -self.arm.end_area * along + (self.closing_area - encode)[:, None] * z
        return [
            self.excite(offset_m, phase_rad),
            *([vector_lobe(wind, self.wind_s, self.limits)] if self.wind_s > 1e-9 else []),
            self.arm.block(turn, phase_rad, sampled),
            vector_lobe(unwind, self.unwind_s, self.limits),
            *pause(self.rest_s),
        ]

    def rows(self, turn: np.ndarray, k_slice: np.ndarray) -> dict[str, Any]:
        """Columns of these shots' rows."""
        return {**self.arm.rows(turn, k_slice), "echo_time_s": self.echo_time_s}


def spoiled_shot(
    excitation: SelectivePulse,
    arm_of: Callable[[float], Arm] | Arm,
    *,
    echo_time_s: float,
    repetition_time_s: float,
    limits: Limits,
    k_slice: float = 0.0,
    spoil_per_m: float,
) -> Shot:
    """A shot whose slice axis ends with a spoiler of so many cycles/m, all else rewound.

    arm_of: the arm, or what makes it for a shift of its echo by part of a raster step. k_slice: largest |k| along the slice.
    Errors: Refusal for echo_time and repetition_time.
    """
    arm, wind = _echo(excitation, arm_of, echo_time_s, area_of(k_slice), limits)
    spoil = area_of(spoil_per_m)
    shortest = shortest_s(np.hypot(arm.end_area, spoil + area_of(k_slice)), limits)
    used = excitation.block_s + wind + arm.block_s
    refuse_spacing("repetition_time", repetition_time_s, used + shortest, "a shot's events", limits.block_raster_s)
    left = repetition_time_s - used
    unwind = max(min(left, LONGEST_REWIND_S), shortest)
    return Shot(
        excitation=excitation,
        arm=arm,
        wind_s=wind,
        unwind_s=unwind,
        rest_s=left - unwind,
        closing_area=spoil,
        limits=limits,
    )


def balanced_shot(
    excitation: SelectivePulse, arm_of: Callable[[float], Arm], *, repetition_time_s: float, limits: Limits
) -> Shot:
    """A shot whose gradients all cancel, with its echo in the middle between two pulses. Errors: Refusal for the time."""
    raster = limits.block_raster_s
    late, before = arm_of(raster), excitation.area_before_T_s_per_m
    first = shortest_s(np.hypot(late.lead_area, excitation.rephasing_area_T_s_per_m), limits)
    last = shortest_s(np.hypot(arm_of(0.0).end_area, before), limits)
    tail = excitation.block_s - excitation.centre_s
    halves = (tail + first + late.echo_s, excitation.centre_s + last + late.block_s - arm_of(0.0).echo_s)
    # Half a shot must also hold what balances the half flip that comes before the first one.
    start = excitation.block_s + shortest_s(abs(excitation.rephasing_area_T_s_per_m) + abs(before), limits)
    shortest = raster_up(2 * max(*halves, start), 2 * raster)
    refuse_spacing("repetition_time", repetition_time_s, shortest, "a balanced shot's events", 2 * raster)
    arm, wind = _echo(excitation, arm_of, repetition_time_s / 2, 0.0, limits)
    unwind = repetition_time_s - excitation.block_s - wind - arm.block_s
    return Shot(excitation=excitation, arm=arm, wind_s=wind, unwind_s=unwind, rest_s=0.0, closing_area=-before, limits=limits)


def shortest_s(area_T_s_per_m: float, limits: Limits) -> float:
    """Shortest block for a lobe of an area, on the block raster; 0 for none."""
    if area_T_s_per_m < 1e-15:
        return 0.0
    steep = area_T_s_per_m / _STEEPEST
    return max(raster_up(end_s(lobe(steep, limits)), limits.block_raster_s), 2 * limits.block_raster_s)


def _echo(
    excitation: SelectivePulse, arm_of: Callable[[float], Arm] | Arm, echo_time_s: float, encode_area: float, limits: Limits
) -> tuple[Arm, float]:
    """The arm and the length of the winding block that give an echo time. Errors: Refusal."""
    raster = limits.block_raster_s
    late = arm_of if isinstance(arm_of, Arm) else arm_of(raster)
    early = arm_of if isinstance(arm_of, Arm) else arm_of(0.0)
    slice_area = abs(excitation.rephasing_area_T_s_per_m) + encode_area
    shortest = shortest_s(float(np.hypot(late.lead_area, slice_area)), limits)
    least = excitation.block_s - excitation.centre_s + shortest + early.echo_s
    spare = echo_time_s - least
    if spare < -1e-9:
        legal = least if isinstance(arm_of, Arm) else raster_up(least, raster)
        reason = f"excitation, winding and what precedes k = 0 take {-spare * 1e3:.3f} ms more"
        raise Refusal(field="echo_time", asked=echo_time_s, legal=legal, bound="shortest", reason=reason)
    whole = raster_down(spare + 1e-10, raster)
    if isinstance(arm_of, Arm):
        if abs(spare - whole) > 1e-8:
            legal = least + round(spare / raster) * raster
            reason = f"gradients start on a raster of {raster * 1e6:g} us"
            raise Refusal(field="echo_time", asked=echo_time_s, legal=legal, bound="nearest", reason=reason)
        return arm_of, shortest + whole
    return arm_of(spare - whole), shortest + whole
