"""Excitations of gradient echoes: of everything or of a slab, with a ramp of the flip across it, placed to the microsecond."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from fullbore.data import Gradient, Limits, RfPulse
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.pulses import SelectivePulse, hard_pulse, refuse_flip, selective, sinc_pulse, slr_pulse
from fullbore.sequence.pulses.selective import unselective

Excitation = Literal["hard", "sinc", "slr"]
"""hard is of everything; sinc and slr are of a slab."""


def excitation(
    kind: Excitation,
    flip_rad: float,
    duration_s: float,
    time_bandwidth: float,
    thickness_m: float,
    limits: Limits,
    *,
    ramp: float = 0.0,
    thickness_field: str = "slice_thickness",
) -> SelectivePulse:
    """The pulse; thickness_m and time_bandwidth are of selective ones. ramp: as in `ramped`. Errors: Refusal."""
    if kind == "hard":
        return unselective(hard_pulse(flip_rad, duration_s, limits), 1 / duration_s, limits)
    if kind == "sinc":
        pulse = sinc_pulse(flip_rad, duration_s, time_bandwidth, limits)
    else:
        pulse = slr_pulse(flip_rad, duration_s, time_bandwidth, limits)
    bandwidth = time_bandwidth / duration_s
    return selective(ramped(pulse, ramp, bandwidth, limits), bandwidth, thickness_m, limits, field=thickness_field)


def ramped(pulse: RfPulse, ramp: float, bandwidth_Hz: float, limits: Limits) -> RfPulse:
    """A pulse whose flip rises along the slice axis from (1 - ramp) to (1 + ramp) times its flip, edge to edge (TONE).

    A profile times frequency is a pulse's derivative, so the ramp is added as that; exact for small flips.
    Source: Atkinson et al., Radiology 190:890 (1994); the profile by Nägele et al., Magn Reson Imaging 13:583 (1995).
    """
    if ramp == 0.0:
        return pulse
    # B1 exp(i 2 pi f t) tips spins at +f, so a slope in f is a slope in time times 1 / (i 2 pi).
    slope = np.gradient(np.concatenate([[0.0], pulse.b1_T, [0.0]]), pulse.raster_s)[1:-1] / (2j * np.pi)
    shape = pulse.b1_T + 2 * ramp / bandwidth_Hz * slope
    refuse_flip("flip_angle", pulse.flip_rad, float(np.abs(shape).max()), limits)
    return replace(pulse, b1_T=shape)


def advanced(pulse: SelectivePulse, missing_s: float, limits: Limits) -> SelectivePulse:
    """The same excitation with its tail (centre to block end) longer by `missing_s`, less than one raster step.

    Echo times lie between raster points; RF pulses may start on the finer RF raster.
    """
    step, late = limits.block_raster_s, round((limits.block_raster_s - missing_s) / limits.rf_raster_s) * limits.rf_raster_s
    if missing_s < limits.rf_raster_s / 2:
        return pulse
    gradient = pulse.slice
    if gradient is not None:
        hold = np.array([0.0, 0.0, step, step])
        gradient = Gradient(times_s=gradient.times_s + hold, values_T_per_m=gradient.values_T_per_m)
    block = raster_up(pulse.block_s + step, step)
    return replace(pulse, pulse=replace(pulse.pulse, delay_s=pulse.pulse.delay_s + late), slice=gradient, block_s=block)
