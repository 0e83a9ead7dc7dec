"""Sampling a carrier directly: the Nyquist zone it lies in, what folds onto it, and the analogue filter that forbids it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_ZONES = 40


def nyquist_zone(frequency_Hz: float, rate_Hz: float) -> int:
    """1 for 0 to half the rate, and so on; even zones are mirrored."""
    return int(2 * frequency_Hz / rate_Hz) + 1


def alias_Hz(frequency_Hz: float, rate_Hz: float) -> float:
    """Where a frequency appears, 0 to half the rate."""
    rest = frequency_Hz % rate_Hz
    return float(min(rest, rate_Hz - rest))


def images_Hz(frequency_Hz: float, rate_Hz: float) -> Float[np.ndarray, " n"]:
    """Other frequencies that fold onto the same place, up to 40 rates."""
    steps = np.arange(_ZONES) * rate_Hz
    seen = alias_Hz(frequency_Hz, rate_Hz)
    both = np.unique(np.concatenate([steps + seen, steps[1:] - seen]))
    return np.asarray(both[np.abs(both - frequency_Hz) > 1.0])


def harmonic_distance_Hz(frequency_Hz: float, rate_Hz: float, harmonics: tuple[int, ...] = (2, 3)) -> float:
    """How far the nearest of a carrier's harmonics appears from where the carrier does."""
    seen = alias_Hz(frequency_Hz, rate_Hz)
    return min(abs(alias_Hz(n * frequency_Hz, rate_Hz) - seen) for n in harmonics)


def bandpass_dB(frequency_Hz: Float[np.ndarray, "*n"], centre_Hz: float, width_Hz: float, order: int) -> Float[np.ndarray, "*n"]:
    """Attenuation of a Butterworth band-pass of the low-pass prototype's order; 3 dB at a distance of half the width."""
    f = np.maximum(np.asarray(frequency_Hz, np.float64), 1e-3)
    detuning = (f / centre_Hz - centre_Hz / f) * centre_Hz / width_Hz
    return np.asarray(10 * np.log10(1 + detuning ** (2 * order)))


def folded_noise(centre_Hz: float, rate_Hz: float, width_Hz: float, order: int) -> float:
    """By which the noise of all zones that fold raises that of the band itself, where the filter comes after it."""
    return float(1 + (10 ** (-bandpass_dB(images_Hz(centre_Hz, rate_Hz), centre_Hz, width_Hz, order) / 10)).sum())
