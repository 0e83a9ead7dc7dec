"""Water without fat: binomial excitation, spectral-spatial excitation, saturation and inversion of fat."""

from __future__ import annotations

import functools
import math

import numpy as np

from fullbore.data import Gradient, Limits, RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.gradients import area_of, delayed, end_s, joined, lobe, raster_down, raster_up, trapezoid
from fullbore.sequence.pulses.basic import gaussian_pulse
from fullbore.sequence.pulses.hyperbolic_secant import HYPERBOLIC_SECANT_CUT, hyperbolic_secant
from fullbore.sequence.pulses.selective import SelectivePulse
from fullbore.sequence.pulses.shaped import SHAPE_RASTER_S, refuse_flip, shaped_pulse
from fullbore.sequence.refusal import Refusal, refuse_spacing

FAT_SHIFT_PPM = -3.4
"""Main line of fat, from water: the bulk methylene. Source: ISMRM fat-water spectrum, `fullbore.physics.constants`."""
SATURATION_FLIP_RAD = math.radians(95.0)
"""A little more than 90 degrees, for what recovers until the excitation."""
PASS_BAND = 0.12
STOP_BAND = 0.38
"""Bands of a spectral-spatial pulse, in cycles per sub-pulse; water is at 0, fat at 1/2."""


def fat_frequency_Hz(b0_T: float) -> float:
    """Off-resonance of fat's main line, which is also the rf_frequency_Hz that tunes a pulse to it."""
    return FAT_SHIFT_PPM * 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * b0_T


def binomial(
    flip_rad: float,
    order: int,
    null_Hz: float,
    limits: Limits,
    *,
    sub_pulse_s: float = 100e-6,
    use: str = "e",
    field: str = "flip_angle",
    duration_field: str = "excitation_duration",
) -> RfPulse:
    """order + 1 rectangles in the ratios of the binomial coefficients: 1 is 1-1, 2 is 1-2-1, 3 is 1-3-3-1.

    Spins on resonance turn by the flip, those at null_Hz not at all: the signal goes as cos(pi f / (2 null))^order.
    Source: Hore, J Magn Reson 55:283 (1983). Errors: Refusal for the peak B1 or sub-pulses as long as their distance.
    """
    distance = round(0.5 / abs(null_Hz) / SHAPE_RASTER_S) * SHAPE_RASTER_S
    refuse_spacing(duration_field, sub_pulse_s, SHAPE_RASTER_S, "a sub-pulse's steps", SHAPE_RASTER_S)
    if sub_pulse_s > distance + 1e-9:
        reason = f"sub-pulses are {distance * 1e3:.2f} ms apart"
        raise Refusal(field=duration_field, asked=sub_pulse_s, legal=distance, bound="longest", reason=reason)
    shares = np.array([math.comb(order, k) for k in range(order + 1)]) / 2**order
    on, off = round(sub_pulse_s / SHAPE_RASTER_S), round(distance / SHAPE_RASTER_S)
    b1 = np.zeros((order + 1, off))
    b1[:, :on] = shares[:, None] * flip_rad / (GYROMAGNETIC_RATIO_RAD_PER_S_T * sub_pulse_s)
    played = b1.ravel()[: order * off + on]
    refuse_flip(field, flip_rad, float(np.abs(played).max()), limits)
    return shaped_pulse(played, SHAPE_RASTER_S, limits, flip_rad=flip_rad, use=use)


def spectral_spatial(
    flip_rad: float,
    thickness_m: float,
    null_Hz: float,
    limits: Limits,
    *,
    sub_pulses: int = 6,
    time_bandwidth: float = 3.0,
    use: str = "e",
    field: str = "flip_angle",
    thickness_field: str = "slice_thickness",
) -> SelectivePulse:
    """A slice of water only: sub-pulses under equal lobes, flown back between, 1 / (2 null_Hz) apart.

    Their weights are an equiripple low pass; an even number of them has a true zero at null_Hz, all over the slice.
    time_bandwidth: of a sub-pulse's slice. Linear design: right to 90 degrees within some percent of the profile.
    Source: Meyer, Pauly, Macovski, Nishimura, Magn Reson Med 15:287 (1990); flyback: Zur, Magn Reson Med 43:410 (2000).
    Errors: Refusal for a slice thinner than the gradients allow in that time, or the peak B1.
    """
    from scipy.signal import remez  # scipy.signal takes a second and 25 MB, which only designers of filters should pay

    distance = raster_down(0.5 / abs(null_Hz), limits.gradient_raster_s)
    forward = _forward_lobe(thickness_m, time_bandwidth, distance, limits, thickness_field)
    fly_back = lobe(-forward.area_T_s_per_m, limits)
    weights = remez(2 * (sub_pulses // 2), [0.0, PASS_BAND, STOP_BAND, 0.5], [1.0, 0.0], fs=1.0)
    delay = raster_up(limits.rf_dead_time_s, limits.gradient_raster_s)
    steps = round(end_s(forward) / SHAPE_RASTER_S)
    edges = np.arange(steps + 1) * SHAPE_RASTER_S
    k = forward.area_until_T_s_per_m(edges) / forward.area_T_s_per_m - 0.5
    middle = (k[1:] + k[:-1]) / 2
    shape = np.diff(k) * np.sinc(time_bandwidth * middle) * (0.54 + 0.46 * np.cos(2 * np.pi * middle))
    b1 = np.zeros((len(weights), round(distance / SHAPE_RASTER_S)))
    b1[:, :steps] = np.outer(weights / weights.sum(), shape / shape.sum())
    played = b1.ravel()[: (len(weights) - 1) * b1.shape[1] + steps]
    played = played * flip_rad / (GYROMAGNETIC_RATIO_RAD_PER_S_T * SHAPE_RASTER_S)
    refuse_flip(field, flip_rad, float(np.abs(played).max()), limits)
    pulse = shaped_pulse(played, SHAPE_RASTER_S, limits, flip_rad=flip_rad, use=use)
    return SelectivePulse(
        pulse=pulse,
        slice=_flown_back(forward, fly_back, len(weights), distance, delay),
        block_s=raster_up(delay + pulse.duration_s + limits.rf_ringdown_time_s, limits.block_raster_s),
        bandwidth_Hz=2 * PASS_BAND / distance,
        thickness_m=thickness_m,
    )


def _forward_lobe(thickness_m: float, time_bandwidth: float, distance_s: float, limits: Limits, field: str) -> Gradient:
    """The weakest lobe that selects a thickness and leaves time to fly back within a distance. Errors: Refusal."""
    area = area_of(time_bandwidth / thickness_m)
    time = distance_s - end_s(lobe(area, limits))
    root = time**2 - 4 * area / limits.slew_T_per_m_s
    if time > 0 and root >= 0:
        rise = max(raster_up((time - math.sqrt(root)) / 2, limits.gradient_raster_s), limits.gradient_raster_s)
        amplitude = area / (time - rise)
        if amplitude <= limits.gradient_T_per_m and 2 * rise <= time + 1e-9:
            return trapezoid(amplitude, rise, time - 2 * rise, rise)
    legal = _thinnest_m(time_bandwidth, distance_s, limits)
    reason = f"sub-pulse and flyback have {distance_s * 1e3:.2f} ms, half a turn of the spins to spare"
    raise Refusal(field=field, asked=thickness_m, legal=legal, bound="smallest", reason=reason)


def _thinnest_m(time_bandwidth: float, distance_s: float, limits: Limits) -> float:
    """Thickness at which the two shortest lobes of its area just fit, on a raster of 0.1 mm."""
    steps = 1
    while 2 * end_s(lobe(area_of(time_bandwidth / (steps * 1e-4)), limits)) > distance_s + 1e-9:
        steps += 1
    return steps * 1e-4


def _flown_back(forward: Gradient, fly_back: Gradient, lobes: int, distance_s: float, delay_s: float) -> Gradient:
    """The train of lobes, without a flyback after the last; a rephaser of half a lobe is the sequence's."""
    starts = [delay_s + distance_s * number for number in range(lobes)]
    parts = [part for t in starts for part in (delayed(forward, t), delayed(fly_back, t + end_s(forward)))][:-1]
    return functools.reduce(joined, parts)


def fat_saturation(
    b0_T: float,
    limits: Limits,
    *,
    flip_rad: float = SATURATION_FLIP_RAD,
    duration_s: float = 8e-3,
    bandwidth_Hz: float = 350.0,
    field: str = "fat_saturation_flip_angle",
    duration_field: str = "fat_saturation_duration",
) -> tuple[RfPulse, float]:
    """(a Gaussian for fat, the rf_frequency_Hz to play it at): CHESS. A spoiler must follow.

    Source: Haase, Frahm, Haenicke, Matthaei, Phys Med Biol 30:341 (1985).
    """
    pulse = gaussian_pulse(flip_rad, duration_s, bandwidth_Hz, limits, use="s", field=field, duration_field=duration_field)
    return pulse, fat_frequency_Hz(b0_T)


def fat_inversion(
    b0_T: float,
    limits: Limits,
    *,
    duration_s: float = 20e-3,
    bandwidth_Hz: float = 400.0,
    duration_field: str = "fat_saturation_duration",
) -> tuple[RfPulse, float]:
    """(a hyperbolic secant for fat, the rf_frequency_Hz to play it at): SPAIR. Excite when fat passes zero.

    B1-robust where `fat_saturation` is not. Source: Lauenstein et al., J Magn Reson Imaging 27:1448 (2008).
    """
    mu = math.pi * bandwidth_Hz * duration_s / (2 * HYPERBOLIC_SECANT_CUT)
    pulse = hyperbolic_secant(duration_s, limits, mu=mu, duration_field=duration_field)
    return pulse, fat_frequency_Hz(b0_T)
