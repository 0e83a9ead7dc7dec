"""The plain shapes: hard, windowed sinc, Gaussian. Their flip on resonance is exact and their peak grows with it."""

from __future__ import annotations

import math

import numpy as np

from fullbore.data import Limits, RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.pulses.shaped import SHAPE_RASTER_S, refuse_duration, refuse_flip, shaped_pulse, step_middles_s
from fullbore.sequence.refusal import refuse_spacing

GAUSSIAN_BANDWIDTH = 4 * math.log(2) / math.pi
"""Time-bandwidth product of a Gaussian: FWHM in time times FWHM in frequency (small flips)."""


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
    return shaped_pulse(np.array([amplitude]), duration_s, limits, flip_rad=flip_rad, use=use)


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
    refuse_duration(duration_field, duration_s)
    t = step_middles_s(duration_s, SHAPE_RASTER_S) / duration_s
    shape = np.sinc(time_bandwidth * t) * (0.5 + 0.5 * np.cos(2 * np.pi * t))
    return _scaled(shape, flip_rad, limits, use, field)


def gaussian_pulse(
    flip_rad: float,
    duration_s: float,
    bandwidth_Hz: float,
    limits: Limits,
    *,
    use: str = "e",
    field: str = "flip_angle",
    duration_field: str = "excitation_duration",
) -> RfPulse:
    """A Gaussian whose on-resonance flip is exact and whose spectrum has bandwidth_Hz at half height (small flips).

    Its ends are cut where the duration says: 2.5 / bandwidth_Hz leaves 0.4 % of the peak there.
    Source: Bernstein, King, Zhou, Handbook of MRI Pulse Sequences (2004), sec. 4.1 (chemical-shift selective pulses).
    """
    refuse_duration(duration_field, duration_s)
    width = GAUSSIAN_BANDWIDTH / bandwidth_Hz
    shape = np.exp(-4 * math.log(2) * (step_middles_s(duration_s, SHAPE_RASTER_S) / width) ** 2)
    return _scaled(shape, flip_rad, limits, use, field)


def _scaled(shape: np.ndarray, flip_rad: float, limits: Limits, use: str, field: str) -> RfPulse:
    """A real shape on SHAPE_RASTER_S with its flip, or Refusal."""
    b1 = shape * flip_rad / (GYROMAGNETIC_RATIO_RAD_PER_S_T * shape.sum() * SHAPE_RASTER_S)
    refuse_flip(field, flip_rad, float(np.abs(b1).max()), limits)
    return shaped_pulse(b1, SHAPE_RASTER_S, limits, flip_rad=flip_rad, use=use)
