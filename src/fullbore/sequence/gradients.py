"""Gradient lobes on the raster, inside amplitude and slew."""

from __future__ import annotations

import math
from collections.abc import Sequence as Points

import numpy as np

from fullbore.data import Gradient, Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

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
