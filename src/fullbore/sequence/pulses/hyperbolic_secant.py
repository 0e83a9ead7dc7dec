"""The hyperbolic secant: an adiabatic inversion with a sharp band, tolerant of transmit field and off-resonance."""

from __future__ import annotations

import math

import numpy as np

from fullbore.data import Limits, RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.pulses.shaped import SHAPE_RASTER_S, refuse_duration, refuse_peak, shaped_pulse, step_middles_s

HYPERBOLIC_SECANT_CUT = 5.3
"""beta T / 2: sech falls to 1 % of its peak at the ends."""
HYPERBOLIC_SECANT_MU = 4.0
"""Adiabaticity and bandwidth: the sweep spans mu beta / pi Hz."""
HYPERBOLIC_SECANT_MARGIN = 2.1
"""Peak B1 over the adiabatic threshold beta sqrt(mu) / gamma, so that 0.7 of it still inverts."""


def hyperbolic_secant(
    duration_s: float,
    limits: Limits,
    *,
    mu: float = HYPERBOLIC_SECANT_MU,
    margin: float = HYPERBOLIC_SECANT_MARGIN,
    use: str = "i",
    duration_field: str = "inversion_duration",
) -> RfPulse:
    """An adiabatic inversion: B1 = A sech(beta t), frequency -mu beta tanh(beta t) rad/s.

    With the defaults inverts to below -0.95 for 0.7 to 1.3 of the nominal B1 and +-300 Hz at 10 ms. The band is
    `hyperbolic_secant_bandwidth_Hz` wide; a gradient makes it a slab. margin: peak over the adiabatic threshold.
    Source: Silver, Joseph, Hoult, Phys Rev A 31:2753 (1985). Errors: Refusal when the peak B1 forbids so short a pulse.
    """
    refuse_duration(duration_field, duration_s)
    beta = 2 * HYPERBOLIC_SECANT_CUT / duration_s
    peak = margin * beta * math.sqrt(mu) / GYROMAGNETIC_RATIO_RAD_PER_S_T
    refuse_peak(duration_field, duration_s, peak, limits, what="adiabatic peak B1")
    amplitude = 1 / np.cosh(beta * step_middles_s(duration_s, SHAPE_RASTER_S))
    b1 = peak * amplitude * np.exp(1j * mu * np.log(amplitude))
    return shaped_pulse(b1, SHAPE_RASTER_S, limits, flip_rad=math.pi, use=use)


def hyperbolic_secant_bandwidth_Hz(duration_s: float, mu: float = HYPERBOLIC_SECANT_MU) -> float:
    """Width of the inverted band: mu beta / pi."""
    return 2 * HYPERBOLIC_SECANT_CUT / duration_s * mu / math.pi
