"""Noise from the coil's plug to the samples, and how far the largest signal stands above it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.errors import ValueRangeError
from fullbore.physics.constants import BOLTZMANN_J_PER_K

REFERENCE_K = 290.0
"""The temperature of noise figures (IEEE)."""
THERMAL_W_PER_HZ = BOLTZMANN_J_PER_K * REFERENCE_K


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """gain_dB: negative for a loss, whose noise figure is the loss itself when it is as warm as the reference."""

    name: str
    gain_dB: float
    noise_figure_dB: float


def power(level_dB: float) -> float:
    """The ratio of powers."""
    return float(10 ** (level_dB / 10))


def decibels(ratio: float) -> float:
    """Of a ratio of powers."""
    return float(10 * np.log10(ratio))


def cascade(stages: tuple[Stage, ...]) -> tuple[float, float]:
    """(gain, noise factor) of stages in a row: F = F1 + (F2 - 1) / G1 + (F3 - 1) / (G1 G2) + ... (Friis 1944)."""
    gain, factor = 1.0, 1.0
    for stage in stages:
        if stage.noise_figure_dB < 0:
            raise ValueRangeError(f"stage {stage.name}, noise figure: got {stage.noise_figure_dB} dB, wanted 0 or more.")
        factor += (power(stage.noise_figure_dB) - 1) / gain
        gain *= power(stage.gain_dB)
    return gain, factor


def quantisation_dB(bits: int) -> float:
    """Signal-to-noise ratio of a full-scale sine in N bits, over half the converter's rate: 6.02 N + 1.76."""
    return float(20 * bits * np.log10(2) + 10 * np.log10(1.5))


def jitter_dB(frequency_Hz: float, jitter_s: float) -> float:
    """Signal-to-noise ratio that a clock's jitter leaves of a sine, over half the rate: -20 log10(2 pi f sigma)."""
    return float(-20 * np.log10(2 * np.pi * frequency_Hz * jitter_s)) if jitter_s else float("inf")


def process_gain_dB(rate_Hz: float, bandwidth_Hz: float) -> float:
    """What filtering to a complex bandwidth takes from noise that is spread over half the rate."""
    return float(10 * np.log10(rate_Hz / (2 * bandwidth_Hz)))


def full_scale_W(peak_to_peak_V: float, impedance_ohm: float) -> float:
    """Power of a sine that just fills the converter."""
    return peak_to_peak_V**2 / (8 * impedance_ohm)
