"""RF pulse shapes: hard, windowed sinc and hyperbolic secant, each checked against the peak B1."""

from __future__ import annotations

import math

import numpy as np

from fullbore.data import Limits, RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.refusal import Refusal, refuse_spacing

SHAPE_RASTER_S = 10e-6
"""Length of one step of a shaped pulse; its spectral replicas, 100 kHz away, excite nothing in a body."""

HYPERBOLIC_SECANT_CUT = 5.3
"""beta T / 2: sech falls to 1 % of its peak at the ends."""
HYPERBOLIC_SECANT_MU = 4.0
"""Adiabaticity and bandwidth: the sweep spans mu beta / pi Hz."""
HYPERBOLIC_SECANT_MARGIN = 2.1
"""Peak B1 over the adiabatic threshold beta sqrt(mu) / gamma, so that 0.7 of it still inverts."""


def refuse_flip(field: str, flip_rad: float, peak_T: float, limits: Limits) -> None:
    """Raise Refusal when a pulse whose peak grows with its flip exceeds the peak B1."""
    if peak_T <= limits.b1_peak_T * (1 + 1e-12):
        return
    legal = math.radians(math.floor(math.degrees(flip_rad * limits.b1_peak_T / peak_T) * 10) / 10)
    reason = f"peak B1 would be {peak_T * 1e6:.2f} uT, limit {limits.b1_peak_T * 1e6:.2f} uT at this pulse length"
    raise Refusal(field=field, asked=flip_rad, legal=legal, bound="largest", reason=reason)


def hard_pulse(
    flip_rad: float,
    duration_s: float,
    limits: Limits,
    *,
    use: str = "e",
    field: str = "flip_angle",
    duration_field: str = "excitation_duration",
) -> RfPulse:
    """A rectangular pulse, non-selective: one interval of constant B1.

    field, duration_field: protocol fields that a Refusal names, for too much B1 and a duration off the gradient raster.
    """
    refuse_spacing(duration_field, duration_s, limits.gradient_raster_s, "a pulse's steps", limits.gradient_raster_s)
    amplitude = flip_rad / (GYROMAGNETIC_RATIO_RAD_PER_S_T * duration_s)
    refuse_flip(field, flip_rad, amplitude, limits)
    return _pulse(np.array([amplitude]), duration_s, flip_rad, use, limits)


def sinc_pulse(
    flip_rad: float,
    duration_s: float,
    time_bandwidth: float,
    limits: Limits,
    *,
    use: str = "e",
    field: str = "flip_angle",
    duration_field: str = "excitation_duration",
) -> RfPulse:
    """A Hann-windowed sinc whose on-resonance flip is exact; bandwidth = time_bandwidth / duration_s (Hz).

    field, duration_field: protocol fields that a Refusal names, for too much B1 and a duration off a raster of two steps.
    """
    refuse_spacing(duration_field, duration_s, 20 * SHAPE_RASTER_S, "a pulse's steps", 2 * SHAPE_RASTER_S)
    steps = round(duration_s / SHAPE_RASTER_S)
    t = (np.arange(steps) + 0.5) / steps - 0.5
    shape = np.sinc(time_bandwidth * t) * (0.5 + 0.5 * np.cos(2 * np.pi * t))
    b1 = shape * flip_rad / (GYROMAGNETIC_RATIO_RAD_PER_S_T * shape.sum() * SHAPE_RASTER_S)
    refuse_flip(field, flip_rad, float(np.abs(b1).max()), limits)
    return _pulse(b1, SHAPE_RASTER_S, flip_rad, use, limits)


def hyperbolic_secant(duration_s: float, limits: Limits) -> RfPulse:
    """An adiabatic inversion: B1 = A sech(beta t), frequency -mu beta tanh(beta t) rad/s.

    Inverts to below -0.95 for 0.7 to 1.3 of the nominal B1 and +-300 Hz.
    Source: Silver, Joseph, Hoult, Phys Rev A 31:2753 (1985). Errors: Refusal when the peak B1 forbids so short a pulse.
    """
    refuse_spacing("inversion_duration", duration_s, 20 * SHAPE_RASTER_S, "a pulse's steps", 2 * SHAPE_RASTER_S)
    beta = 2 * HYPERBOLIC_SECANT_CUT / duration_s
    peak = HYPERBOLIC_SECANT_MARGIN * beta * math.sqrt(HYPERBOLIC_SECANT_MU) / GYROMAGNETIC_RATIO_RAD_PER_S_T
    if peak > limits.b1_peak_T * (1 + 1e-12):
        legal = raster_up(duration_s * peak / limits.b1_peak_T, 2 * SHAPE_RASTER_S)
        reason = f"the adiabatic peak B1 would be {peak * 1e6:.2f} uT, limit {limits.b1_peak_T * 1e6:.2f} uT"
        raise Refusal(field="inversion_duration", asked=duration_s, legal=legal, bound="shortest", reason=reason)
    steps = round(duration_s / SHAPE_RASTER_S)
    t = (np.arange(steps) + 0.5) * SHAPE_RASTER_S - duration_s / 2
    amplitude = 1 / np.cosh(beta * t)
    b1 = peak * amplitude * np.exp(1j * HYPERBOLIC_SECANT_MU * np.log(amplitude))
    return _pulse(b1, SHAPE_RASTER_S, math.pi, "i", limits)


def _pulse(b1: np.ndarray, raster_s: float, flip_rad: float, use: str, limits: Limits) -> RfPulse:
    """A pulse that starts after the dead time, its effective centre in its middle."""
    delay = raster_up(limits.rf_dead_time_s, limits.gradient_raster_s)
    return RfPulse(
        b1_T=b1.astype(np.complex128),
        raster_s=raster_s,
        delay_s=delay,
        centre_s=len(b1) * raster_s / 2,
        flip_rad=flip_rad,
        use=use,
    )
