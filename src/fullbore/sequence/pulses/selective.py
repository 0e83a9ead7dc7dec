"""An RF pulse with the gradients that make it selective, in a block of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import Gradient, Limits, RfPulse
from fullbore.errors import UsageError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.block_table import Block, Value
from fullbore.sequence.gradients import ramp_s, raster_up, trapezoid
from fullbore.sequence.pulses.shaped import MOST_TURN_PER_STEP
from fullbore.sequence.refusal import Refusal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectivePulse:
    """A pulse and its gradients on the logical axes (read, phase, slice), all timed from the start of one block.

    block_s: the block's length, on the block raster, ring-down included. bandwidth_Hz: of the pulse, full width.
    thickness_m: what it selects along the slice axis (diameter of a pencil beam), 0 for none.
    amplitude_T_per_m: slice gradient during the whole pulse, 0 when it varies or there is none.
    """

    pulse: RfPulse
    read: Gradient | None = None
    phase: Gradient | None = None
    slice: Gradient | None = None
    block_s: float
    bandwidth_Hz: float
    thickness_m: float = 0.0
    amplitude_T_per_m: float = 0.0

    @property
    def centre_s(self) -> float:
        """Effective centre, from the block's start."""
        return self.pulse.delay_s + self.pulse.centre_s

    @property
    def rephasing_area_T_s_per_m(self) -> float:
        """Area of the slice gradient from the effective centre to the block's end: what a rephaser must undo."""
        return _area_after(self.slice, self.centre_s)

    @property
    def area_before_T_s_per_m(self) -> float:
        """Area of the slice gradient from the block's start to the effective centre."""
        return 0.0 if self.slice is None else self.slice.area_T_s_per_m - self.rephasing_area_T_s_per_m

    def tuning(self, offset_m: float) -> tuple[float, float]:
        """(rf_frequency_Hz, rf_phase_rad) of the block that plays it at a slice offset; needs a constant gradient.

        The phase is such that the pulse has its own phase at its effective centre. Errors: UsageError.
        """
        if self.slice is not None and self.amplitude_T_per_m == 0.0:
            raise UsageError(
                "SelectivePulse.tuning: the slice gradient varies, wanted a constant one. Use moved() and play its pulse."
            )
        frequency = GYROMAGNETIC_RATIO_HZ_PER_T * self.amplitude_T_per_m * offset_m
        return frequency, -2 * math.pi * frequency * self.pulse.centre_s

    def block(self, phase_rad: Value, offset_m: float) -> Block:
        """The block that plays it at a slice offset, with a phase at its effective centre. Errors: as `tuning`."""
        frequency, phase = self.tuning(offset_m)
        return Block(
            duration_s=self.block_s, rf=self.pulse, rf_phase_rad=phase_rad + phase, rf_frequency_Hz=frequency,
            read=self.read, phase=self.phase, slice=self.slice,
        )  # fmt: skip


def _area_after(gradient: Gradient | None, time_s: float) -> float:
    """Area of a gradient after a time."""
    if gradient is None:
        return 0.0
    return gradient.area_T_s_per_m - float(gradient.area_until_T_s_per_m(np.array([time_s]))[0])


def selective(
    pulse: RfPulse, bandwidth_Hz: float, thickness_m: float, limits: Limits, *, field: str = "slice_thickness"
) -> SelectivePulse:
    """A pulse under a constant slice gradient that makes its bandwidth a thickness. Errors: Refusal for the gradient."""
    amplitude = slice_amplitude_T_per_m(bandwidth_Hz, thickness_m, limits, field=field)
    rise = ramp_s(amplitude, limits)
    lead = max(pulse.delay_s, rise)
    flat = raster_up(pulse.duration_s, limits.gradient_raster_s)
    gradient = trapezoid(amplitude, rise, flat, rise, delay_s=lead - rise)
    end = max(lead + flat + rise, lead + pulse.duration_s + limits.rf_ringdown_time_s)
    return SelectivePulse(
        pulse=replace(pulse, delay_s=lead),
        slice=gradient,
        block_s=raster_up(end, limits.block_raster_s),
        bandwidth_Hz=bandwidth_Hz,
        thickness_m=thickness_m,
        amplitude_T_per_m=amplitude,
    )


def unselective(pulse: RfPulse, bandwidth_Hz: float, limits: Limits) -> SelectivePulse:
    """A pulse without gradients in its block."""
    end = pulse.delay_s + pulse.duration_s + limits.rf_ringdown_time_s
    return SelectivePulse(pulse=pulse, block_s=raster_up(end, limits.block_raster_s), bandwidth_Hz=bandwidth_Hz)


def centred(
    pulse: RfPulse, bandwidth_Hz: float, thickness_m: float, limits: Limits, *, field: str = "slice_thickness"
) -> SelectivePulse:
    """`selective` in a block that is symmetric about the pulse; bandwidth 0: no gradient. Errors: Refusal for the gradient."""
    if bandwidth_Hz == 0:
        block = raster_up(2 * pulse.delay_s + pulse.duration_s, 2 * limits.gradient_raster_s)
        return SelectivePulse(pulse=pulse, block_s=block, bandwidth_Hz=0.0)
    amplitude = slice_amplitude_T_per_m(bandwidth_Hz, thickness_m, limits, field=field)
    rise = ramp_s(amplitude, limits)
    lead = max(pulse.delay_s, rise)
    return SelectivePulse(
        pulse=replace(pulse, delay_s=lead),
        slice=trapezoid(amplitude, rise, pulse.duration_s, rise, delay_s=lead - rise),
        block_s=2 * lead + pulse.duration_s,
        bandwidth_Hz=bandwidth_Hz,
        thickness_m=thickness_m,
        amplitude_T_per_m=amplitude,
    )


def slice_amplitude_T_per_m(bandwidth_Hz: float, thickness_m: float, limits: Limits, *, field: str = "slice_thickness") -> float:
    """The gradient that makes a bandwidth a thickness. Errors: Refusal when the machine has no such gradient."""
    amplitude = bandwidth_Hz / (GYROMAGNETIC_RATIO_HZ_PER_T * thickness_m)
    if amplitude > limits.gradient_T_per_m:
        legal = math.ceil(thickness_m * amplitude / limits.gradient_T_per_m * 1e4) / 1e4
        reason = f"the slice gradient would be {amplitude * 1e3:.2f} mT/m, limit {limits.gradient_T_per_m * 1e3:.2f} mT/m"
        raise Refusal(field=field, asked=thickness_m, legal=legal, bound="smallest", reason=reason)
    return amplitude


def with_rf_gradient(pulse: RfPulse, steps_T_per_m: np.ndarray, limits: Limits) -> tuple[RfPulse, Gradient, float]:
    """A pulse and the gradient that has the given values at the corners of its gradient raster, in one block.

    steps_T_per_m: (duration / gradient raster + 1,), from the pulse's start to its end. Ramps lead in and out of it.
    Returns the pulse (delayed so that both fit), the gradient and the block's length.
    """
    raster = limits.gradient_raster_s
    rise, fall = (ramp_s(float(value), limits) for value in (steps_T_per_m[0], steps_T_per_m[-1]))
    lead = max(pulse.delay_s, rise)
    times = lead + raster * np.arange(len(steps_T_per_m))
    values = steps_T_per_m.astype(np.float64)
    if values[0] != 0.0:
        times, values = np.concatenate([[lead - rise], times]), np.concatenate([[0.0], values])
    if values[-1] != 0.0:
        times, values = np.concatenate([times, [times[-1] + fall]]), np.concatenate([values, [0.0]])
    end = max(float(times[-1]), lead + pulse.duration_s + limits.rf_ringdown_time_s)
    moved_pulse = replace(pulse, delay_s=lead)
    return moved_pulse, Gradient(times_s=times, values_T_per_m=values), raster_up(end, limits.block_raster_s)


def moved(selection: SelectivePulse, offset_m: float | tuple[float, float, float], limits: Limits) -> SelectivePulse:
    """The same selection at an offset from the isocentre (m along the slice normal, or along read, phase, slice).

    By the pulse's own phase, zero at its effective centre: for gradients that vary; for constant ones `tuning` keeps one
    pulse for all slices. The steps are cut finer where the phase turns more than MOST_TURN_PER_STEP in one.
    """
    place = offset_m if isinstance(offset_m, tuple) else (0.0, 0.0, offset_m)
    axes = [(g, x) for g, x in zip((selection.read, selection.phase, selection.slice), place, strict=True) if x != 0.0]
    if any(gradient is None for gradient, _ in axes):
        raise UsageError("moved: the pulse has no gradient along that axis, so it cannot be moved. Give a selective pulse.")
    pulse = selection.pulse
    played = [(gradient, x) for gradient, x in axes if gradient is not None]
    fastest = GYROMAGNETIC_RATIO_HZ_PER_T * sum(float(np.abs(g.values_T_per_m).max()) * abs(x) for g, x in played)
    ticks = round(pulse.raster_s / limits.rf_raster_s)
    least = min(math.ceil(fastest * pulse.raster_s / MOST_TURN_PER_STEP), ticks)
    cut = next(n for n in range(max(least, 1), ticks + 1) if ticks % n == 0)
    raster = pulse.raster_s / cut
    middles = pulse.delay_s + (np.arange(len(pulse.b1_T) * cut) + 0.5) * raster
    centre = np.array([selection.centre_s])
    turns = np.zeros(len(middles))
    for gradient, x in played:
        area = gradient.area_until_T_s_per_m(middles) - gradient.area_until_T_s_per_m(centre)
        turns += GYROMAGNETIC_RATIO_HZ_PER_T * x * area
    b1 = np.repeat(pulse.b1_T, cut) * np.exp(2j * np.pi * turns)
    return replace(selection, pulse=replace(pulse, b1_T=b1, raster_s=raster))
