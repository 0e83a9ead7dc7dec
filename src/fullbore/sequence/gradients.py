"""Gradient lobes on the raster, inside amplitude and slew."""

from __future__ import annotations

import math
from collections.abc import Sequence as Points

import numpy as np

from fullbore.data import Gradient, Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

NERVE_TIME_S = 0.36e-3
"""Chronaxie of peripheral nerves (IEC 60601-2-33 default): ramps longer than this gain less and less."""
SPOILER_SLEW_T_PER_M_S = 65.0
"""Slew of spoilers at most: on a machine of 80 mT/m, 1.2 chronaxies would be 110 T/m/s on every axis that spoils."""
_SLACK = 1e-6  # of one raster step: float noise that must not cost a whole step


def raster_up(time_s: float, raster_s: float) -> float:
    """The first multiple of the raster at or after a time."""
    return math.ceil(time_s / raster_s - _SLACK) * raster_s


def raster_down(time_s: float, raster_s: float) -> float:
    """The last multiple of the raster at or before a time."""
    return math.floor(time_s / raster_s + _SLACK) * raster_s


def area_of(k_per_m: float) -> float:
    """Gradient area (T s/m) that moves k by so many cycles/m."""
    return k_per_m / GYROMAGNETIC_RATIO_HZ_PER_T


def waveform(points: Points[tuple[float, float]]) -> Gradient:
    """A gradient through (time in s, value in T/m) points; a point at the time of its predecessor is dropped."""
    kept: list[tuple[float, float]] = []
    for time_s, value in points:
        if not kept or time_s - kept[-1][0] > 1e-9:
            kept.append((time_s, value))
    return Gradient(times_s=np.array([t for t, _ in kept]), values_T_per_m=np.array([v for _, v in kept]))


def trapezoid(amplitude: float, rise_s: float, flat_s: float, fall_s: float, delay_s: float = 0.0) -> Gradient:
    """A trapezoid (triangle when flat_s is 0)."""
    top, end = delay_s + rise_s, delay_s + rise_s + flat_s
    return waveform([(delay_s, 0.0), (top, amplitude), (end, amplitude), (end + fall_s, 0.0)])


def ramp_s(change_T_per_m: float, limits: Limits) -> float:
    """Shortest ramp for a change of amplitude, at least one raster step."""
    return max(raster_up(abs(change_T_per_m) / limits.slew_T_per_m_s, limits.gradient_raster_s), limits.gradient_raster_s)


def lobe(area_T_s_per_m: float, limits: Limits, delay_s: float = 0.0) -> Gradient:
    """The shortest trapezoid or triangle of an area."""
    area, sign, raster = abs(area_T_s_per_m), math.copysign(1.0, area_T_s_per_m), limits.gradient_raster_s
    rise = max(raster_up(math.sqrt(area / limits.slew_T_per_m_s), raster), raster)
    if area / rise <= limits.gradient_T_per_m:
        return trapezoid(sign * area / rise, rise, 0.0, rise, delay_s)
    rise = ramp_s(limits.gradient_T_per_m, limits)
    flat = raster_up(area / limits.gradient_T_per_m - rise, raster)
    return trapezoid(sign * area / (rise + flat), rise, flat, rise, delay_s)


def gentle_ramp_s(duration_s: float, limits: Limits) -> float:
    """The ramp, at most half the duration, with which a lobe of that duration stimulates nerves least.

    A lobe of area A, duration D and ramps r changes by A / (D - r) in r; nerves feel that over r + chronaxie.
    """
    best = raster_down(max(duration_s - NERVE_TIME_S, 0.0) / 2, limits.gradient_raster_s)
    return max(best, limits.gradient_raster_s)


def gentle_lobe(area_T_s_per_m: float, duration_s: float, limits: Limits, delay_s: float = 0.0) -> Gradient:
    """The lobe of an area that takes all of a duration and stimulates nerves least; the shortest one when time is too short."""
    area, raster = abs(area_T_s_per_m), limits.gradient_raster_s
    root = duration_s**2 - 4 * area / limits.slew_T_per_m_s
    if root < 0:
        return lobe(area_T_s_per_m, limits, delay_s)
    rise = max(raster_up((duration_s - math.sqrt(root)) / 2, raster), gentle_ramp_s(duration_s, limits))
    amplitude = area_T_s_per_m / (duration_s - rise)
    if 2 * rise > duration_s * (1 + 1e-9) or abs(amplitude) > limits.gradient_T_per_m:
        return lobe(area_T_s_per_m, limits, delay_s)
    return trapezoid(amplitude, rise, duration_s - 2 * rise, rise, delay_s)


def spoiler(k_per_m: float, limits: Limits) -> Gradient:
    """A lobe that moves k by so much (cycles/m), at 60 % of the amplitude limit and with ramps that nerves hardly feel.

    Ramps last at least 1.2 chronaxies and rise by no more than SPOILER_SLEW, so that two axes may spoil at once.
    """
    amplitude = 0.6 * limits.gradient_T_per_m
    gentle = max(1.2 * NERVE_TIME_S, amplitude / SPOILER_SLEW_T_PER_M_S)
    rise = max(ramp_s(amplitude, limits), raster_up(gentle, limits.gradient_raster_s))
    flat = max(raster_up(area_of(abs(k_per_m)) / amplitude - rise, limits.gradient_raster_s), 0.0)
    return trapezoid(area_of(k_per_m) / (rise + flat), rise, flat, rise)


def end_s(gradient: Gradient) -> float:
    """Time at which a gradient ends, from its block's start."""
    return float(gradient.times_s[-1])


def delayed(gradient: Gradient, delay_s: float) -> Gradient:
    """The same shape, later."""
    return Gradient(times_s=gradient.times_s + delay_s, values_T_per_m=gradient.values_T_per_m)


def joined(first: Gradient, second: Gradient) -> Gradient:
    """Two lobes of one axis, both zero at their ends, as one waveform; `second` starts after `first` ends."""
    gap = float(second.times_s[0] - first.times_s[-1]) > 1e-9
    skip = 0 if gap else 1
    return Gradient(
        times_s=np.concatenate([first.times_s, second.times_s[skip:]]),
        values_T_per_m=np.concatenate([first.values_T_per_m, second.values_T_per_m[skip:]]),
    )
