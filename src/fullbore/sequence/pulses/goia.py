"""GOIA-WURST: adiabatic slabs under a gradient that falls where B1 is high, for little peak B1 and wide bands (sLASER)."""

from __future__ import annotations

import math

import numpy as np

from fullbore.data import Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.pulses.selective import SelectivePulse, slice_amplitude_T_per_m, with_rf_gradient
from fullbore.sequence.pulses.shaped import (
    SHAPE_RASTER_S,
    fine_raster_s,
    refuse_duration,
    refuse_peak,
    shaped_pulse,
    step_middles_s,
)
from fullbore.sequence.refusal import refuse_spacing

B1_ORDER = 16
GRADIENT_ORDER = 4
GRADIENT_DIP = 0.9
"""B1 is 1 - |sin|^16, the gradient falls by 90 % in the middle as |sin|^4. Source: Andronesi, J Magn Reson 203:283 (2010)."""
STEEPEST = GRADIENT_DIP * GRADIENT_ORDER * math.pi / 2 * 0.75**1.5 * 0.5 * 1.01
"""Largest slope of the gradient's shape over time from -1 to 1: sin^3 cos peaks at 60 degrees; 1 % for its raster."""
ADIABATICITY = 6.0
"""(gamma B1)^2 over the rate of the sweep through each place, the same everywhere, at the nominal B1."""


def goia_wurst(
    duration_s: float,
    bandwidth_Hz: float,
    thickness_m: float,
    limits: Limits,
    *,
    adiabaticity: float = ADIABATICITY,
    use: str = "r",
    field: str = "slice_thickness",
    duration_field: str = "refocusing_duration",
) -> SelectivePulse:
    """An adiabatic slab of thickness_m; two in a row refocus it (one leaves a phase across the slab).

    bandwidth_Hz: of the sweep at the gradient's ends, over the slab: chemical shift displaces by shift / bandwidth there.
    The frequency follows gamma G(t) x(t), with x swept at the rate B1^2 / G, so that each place is passed alike.
    Source: Tannus, Garwood, NMR Biomed 10:423 (1997), eq. 27. Errors: Refusal for the peak B1 or the gradient.
    """
    refuse_duration(duration_field, duration_s)
    strong = slice_amplitude_T_per_m(bandwidth_Hz, thickness_m, limits, field=field)
    steepest = 2 * STEEPEST * strong / limits.slew_T_per_m_s
    refuse_spacing(duration_field, duration_s, steepest, "the gradient's slopes", 2 * SHAPE_RASTER_S)
    raster = fine_raster_s(duration_s, bandwidth_Hz / 2, limits)
    fine = np.linspace(-1.0, 1.0, 8 * round(duration_s / raster) + 1)
    rate = _b1_shape(fine) ** 2 / _gradient_shape(fine)
    swept = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(fine))])
    place = swept / swept[-1] - 0.5  # of the slab: -1/2 to 1/2
    peak = math.sqrt(adiabaticity * _passing_rate(bandwidth_Hz, duration_s, float(swept[-1]))) / (
        2 * math.pi * GYROMAGNETIC_RATIO_HZ_PER_T
    )
    refuse_peak(duration_field, duration_s, peak, limits, what="adiabatic peak B1", power=2.0)
    frequency = bandwidth_Hz * _gradient_shape(fine) * place
    turns = np.concatenate([[0.0], np.cumsum(0.5 * (frequency[1:] + frequency[:-1]) * np.diff(fine))]) * duration_s / 2
    u = step_middles_s(duration_s, raster) / (duration_s / 2)
    b1 = peak * _b1_shape(u) * np.exp(2j * np.pi * (np.interp(u, fine, turns) - np.interp(0.0, fine, turns)))
    pulse = shaped_pulse(b1, raster, limits, flip_rad=math.pi, use=use)
    corners = np.linspace(-1.0, 1.0, round(duration_s / limits.gradient_raster_s) + 1)
    pulse, gradient, block = with_rf_gradient(pulse, strong * _gradient_shape(corners), limits)
    return SelectivePulse(pulse=pulse, slice=gradient, block_s=block, bandwidth_Hz=bandwidth_Hz, thickness_m=thickness_m)


def _passing_rate(bandwidth_Hz: float, duration_s: float, swept: float) -> float:
    """Rate (rad/s^2) of the frequency at a fixed place, relative to B1^2: 2 pi bandwidth (2 / duration) / integral of B1^2/G.

    At place x the offset is gamma G x - frequency; its rate when it crosses zero is gamma G dx/dt, where
    dx/dt = (slab / integral) B1^2 / G * 2 / duration: the gradient cancels and B1^2 over the rate is constant.
    """
    return 2 * math.pi * bandwidth_Hz * 2 / (duration_s * swept)


def _b1_shape(u: np.ndarray) -> np.ndarray:
    """B1 over time u from -1 to 1."""
    return np.asarray(1 - np.abs(np.sin(np.pi / 2 * u)) ** B1_ORDER)


def _gradient_shape(u: np.ndarray) -> np.ndarray:
    """Gradient over time u from -1 to 1."""
    return np.asarray(1 - GRADIENT_DIP + GRADIENT_DIP * np.abs(np.sin(np.pi / 2 * u)) ** GRADIENT_ORDER)
