"""PINS: any number of equidistant slices for the power of one, by short pulses with a gradient blip between each two."""

from __future__ import annotations

import math

import numpy as np

from fullbore.data import Gradient, Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.gradients import area_of, end_s, lobe, raster_up
from fullbore.sequence.pulses.selective import SelectivePulse
from fullbore.sequence.pulses.shaped import SHAPE_RASTER_S, shaped_pulse
from fullbore.sequence.pulses.slr import PURPOSE_USE, slr_angles
from fullbore.sequence.pulses.slr_filter import Phase, Purpose, beta_ripples, low_pass
from fullbore.sequence.refusal import Refusal


def pins(
    flip_rad: float,
    time_bandwidth: float,
    thickness_m: float,
    spacing_m: float,
    limits: Limits,
    *,
    purpose: Purpose = "refocusing",
    phase: Phase = "linear",
    sub_pulse_s: float | None = None,
    ripple: float = 0.01,
    field: str = "slice_spacing",
    duration_field: str = "refocusing_duration",
) -> SelectivePulse:
    """Slices of a thickness at every multiple of a spacing, one of them at the isocentre (`moved` shifts them all).

    time_bandwidth * spacing / thickness sub-pulses, each as short as the peak B1 allows unless sub_pulse_s says; the
    blips between move k by 1 / spacing. The whole train's duration and its power do not know how many slices there are.
    Off resonance the slices shift by f times the sub-pulses' distance times spacing.
    Source: Norris, Koopmans, Boyacioglu, Barth, Magn Reson Med 66:1234 (2011).
    Errors: Refusal for sub-pulses too short for the peak B1, or a spacing under 2 thicknesses.
    """
    if spacing_m < 2 * thickness_m:
        reason = f"bands {thickness_m * 1e3:.3g} mm thick would nearly touch"
        raise Refusal(field=field, asked=spacing_m, legal=2 * thickness_m, bound="smallest", reason=reason)
    ripples = beta_ripples(purpose, flip_rad, ripple, ripple)
    shape = low_pass(math.ceil(time_bandwidth * spacing_m / thickness_m), time_bandwidth, ripples, phase)
    _, _, angle = slr_angles(flip_rad, shape, purpose, ripples[0])
    shortest = float(np.abs(angle).max()) / (GYROMAGNETIC_RATIO_RAD_PER_S_T * limits.b1_peak_T)
    raster = limits.gradient_raster_s
    width = raster_up(shortest, raster) if sub_pulse_s is None else raster_up(sub_pulse_s, raster)
    if width < shortest * (1 - 1e-12):
        reason = f"the peak B1 of the highest sub-pulse would exceed {limits.b1_peak_T * 1e6:.2f} uT"
        raise Refusal(field=duration_field, asked=width, legal=raster_up(shortest, raster), bound="shortest", reason=reason)
    blip = lobe(area_of(1 / spacing_m), limits)
    b1, gradient = _train(np.conj(angle), width, blip, raster_up(limits.rf_dead_time_s, raster))
    pulse = shaped_pulse(b1, SHAPE_RASTER_S, limits, flip_rad=flip_rad, use=PURPOSE_USE[purpose])
    return SelectivePulse(
        pulse=pulse,
        slice=gradient,
        block_s=raster_up(pulse.delay_s + pulse.duration_s + limits.rf_ringdown_time_s, limits.block_raster_s),
        bandwidth_Hz=1 / (width + end_s(blip)),
        thickness_m=thickness_m,
    )


def _train(angle_rad: np.ndarray, width_s: float, blip: Gradient, delay_s: float) -> tuple[np.ndarray, Gradient]:
    """B1 (T) of rectangles of these angles with pauses as long as a blip, and the gradient of the blips in them."""
    pause = end_s(blip)
    on, off = round(width_s / SHAPE_RASTER_S), round(pause / SHAPE_RASTER_S)
    b1 = np.zeros((len(angle_rad), on + off), complex)
    b1[:, :on] = (angle_rad / (GYROMAGNETIC_RATIO_RAD_PER_S_T * width_s))[:, None]
    starts = delay_s + width_s + (width_s + pause) * np.arange(len(angle_rad) - 1)
    times = (starts[:, None] + blip.times_s).ravel()
    values = np.tile(blip.values_T_per_m, len(starts))
    return b1.ravel()[:-off], Gradient(times_s=times, values_T_per_m=values)
