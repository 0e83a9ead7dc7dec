"""Adiabatic pulses: full passages that invert or refocus, half passages that tip and lock, BIR-4 that turns by any angle."""

from __future__ import annotations

import math

import numpy as np

from fullbore.data import Limits, RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.pulses.shaped import (
    fine_raster_s,
    refuse_duration,
    refuse_peak,
    shaped_pulse,
    step_middles_s,
)

WURST_ORDER = 20
"""Steepness of the ends: 1 - |sin|^20 is flat over 70 % of the pulse."""
WURST_ADIABATICITY = 6.0
"""(gamma B1)^2 over the sweep rate at the nominal B1; 0.7 of it has 2.9 left: Mz = 2 exp(-2.9 pi / 2) - 1 = -0.98."""

TANH_STEEPNESS = 10.0
TAN_EDGE_RAD = math.atan(20.0)
"""B1 rises as tanh(10 u), the frequency falls as tan(atan(20) (1 - u)). Source: Garwood, Ke, J Magn Reson 94:511 (1991)."""
HALF_PASSAGE_CYCLES = 2.0
"""gamma B1 T / 2 pi of a half passage at the nominal B1."""
HALF_PASSAGE_SWEEP = 25.0
"""Largest frequency offset times the half passage's duration."""


def wurst(
    duration_s: float,
    bandwidth_Hz: float,
    limits: Limits,
    *,
    adiabaticity: float = WURST_ADIABATICITY,
    use: str = "i",
    duration_field: str = "inversion_duration",
) -> RfPulse:
    """A full passage of constant amplitude and linear sweep over bandwidth_Hz, its ends rounded: the least peak B1 for a band.

    Inverts below -0.9 from 0.7 to 1.3 of its B1 over the inner 40 % of the sweep when bandwidth_Hz * duration_s is 20, over
    60 % at 50 and 70 % from 100.
    Source: Kupce, Freeman, J Magn Reson A 115:273 (1995). Errors: Refusal when the peak B1 forbids so short a pulse.
    """
    refuse_duration(duration_field, duration_s)
    peak = math.sqrt(adiabaticity * bandwidth_Hz / (2 * math.pi * duration_s)) / GYROMAGNETIC_RATIO_HZ_PER_T
    refuse_peak(duration_field, duration_s, peak, limits, what="adiabatic peak B1", power=2.0)
    raster = fine_raster_s(duration_s, bandwidth_Hz / 2, limits)
    t = step_middles_s(duration_s, raster)
    b1 = (
        peak * (1 - np.abs(np.sin(np.pi * t / duration_s)) ** WURST_ORDER) * np.exp(1j * np.pi * bandwidth_Hz * t**2 / duration_s)
    )
    return shaped_pulse(b1, raster, limits, flip_rad=math.pi, use=use)


def adiabatic_half_passage(
    duration_s: float,
    limits: Limits,
    *,
    reverse: bool = False,
    b1_T: float | None = None,
    use: str = "e",
    duration_field: str = "excitation_duration",
) -> RfPulse:
    """A tanh/tan half passage: tips Mz into the plane, along B1 (x) at its end, for any B1 high enough; reverse undoes that.

    Its last B1 is its peak, so a lock that follows holds the spins. b1_T: peak, HALF_PASSAGE_CYCLES / duration if None.
    Source: Garwood, Ke, J Magn Reson 94:511 (1991). Errors: Refusal when the peak B1 forbids so short a pulse.
    """
    refuse_duration(duration_field, duration_s)
    peak = HALF_PASSAGE_CYCLES / (GYROMAGNETIC_RATIO_HZ_PER_T * duration_s) if b1_T is None else b1_T
    refuse_peak(duration_field, duration_s, peak, limits, what="adiabatic peak B1")
    raster = fine_raster_s(duration_s, HALF_PASSAGE_SWEEP / duration_s, limits)
    b1 = peak * half_passage_shape(round(duration_s / raster))
    # Spins are tipped when the field leaves the axis: late in the pulse; the end is when they are in the plane.
    centre = 0.0 if reverse else duration_s
    shape = np.conj(b1[::-1]) if reverse else b1  # backwards in time with the same frequencies
    return shaped_pulse(shape, raster, limits, flip_rad=math.pi / 2, use=use, centre_s=centre)


def half_passage_shape(steps: int) -> np.ndarray:
    """Complex shape of a tanh/tan half passage of unit peak, ending on resonance with phase 0, (steps,)."""
    u = (np.arange(steps) + 0.5) / steps
    amplitude = np.tanh(TANH_STEEPNESS * u)
    # The integral of tan(edge (1 - u)) / tan(edge) from u to 1.
    swept = -np.log(np.cos(TAN_EDGE_RAD * (1 - u))) / (TAN_EDGE_RAD * math.tan(TAN_EDGE_RAD))
    return np.asarray(amplitude * np.exp(2j * np.pi * HALF_PASSAGE_SWEEP * swept))


def bir4(
    flip_rad: float,
    duration_s: float,
    limits: Limits,
    *,
    gap_s: float = 0.0,
    b1_T: float | None = None,
    use: str = "e",
    duration_field: str = "excitation_duration",
) -> RfPulse:
    """A plane rotation by any flip about x that hardly depends on B1: four half passages, the middle two turned by the flip.

    duration_s: of the four together. gap_s: pause after the first and before the last of them; spins are in the plane
    there, refocused by the middle two, so that a flip of 0 with gaps is a B1-robust T2 preparation of 2 gap_s + about half
    the duration. Source: Garwood, Ke, J Magn Reson 94:511 (1991); Jenista et al., Magn Reson Med 70:1360 (2013).
    Errors: Refusal when the peak B1 forbids so short a pulse.
    """
    refuse_duration(duration_field, duration_s, steps=80)
    quarter = duration_s / 4
    peak = HALF_PASSAGE_CYCLES / (GYROMAGNETIC_RATIO_HZ_PER_T * quarter) if b1_T is None else b1_T
    refuse_peak(duration_field, duration_s, peak, limits, what="adiabatic peak B1")
    common = math.gcd(round(quarter / limits.rf_raster_s), round(gap_s / limits.rf_raster_s)) * limits.rf_raster_s
    raster = fine_raster_s(common, HALF_PASSAGE_SWEEP / quarter, limits)
    half = half_passage_shape(round(quarter / raster))
    pause = np.zeros(round(gap_s / raster))
    turned = np.exp(1j * (np.pi + flip_rad / 2))
    b1 = peak * np.concatenate([half[::-1], pause, turned * half, turned * half[::-1], pause, half])
    return shaped_pulse(b1, raster, limits, flip_rad=flip_rad, use=use)
