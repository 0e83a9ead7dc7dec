"""Averages of a spectrum that drifted apart, turned to agree in frequency and phase."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float

_ROUNDS = 3
_PADDING = 4
# An average is aligned when what it shares with the others stands this many standard deviations of complex noise high:
# chance reaches 4 once in 1e7 / (bins searched).
_SURE = 5.0


def signal_weight(power: Float[np.ndarray, " sample"]) -> Float[np.ndarray, " sample"]:
    """How much of each sample's power is signal, 0 to 1: Wiener's weight, of power with noise of mean 1, smoothed in time."""
    span = max(len(power) // 64, 1)
    smooth = np.convolve(np.pad(power, (span, span), mode="edge"), np.ones(2 * span + 1) / (2 * span + 1), mode="valid")
    above = np.maximum(smooth - 1, 1e-12)
    return np.asarray(above / (1 + above))


def peak_of(signal: Complex[np.ndarray, " sample"], dwell_s: float, search_Hz: float) -> tuple[float, float]:
    """Frequency (Hz) and phase at the first sample of the largest line of `signal` within `search_Hz` of zero.

    To a small part of a bin: the vertex of a parabola through three magnitudes, four times, ever closer.
    """
    length = _PADDING * len(signal)
    hertz = np.fft.fftfreq(length, dwell_s)
    size = np.where(np.abs(hertz) <= search_Hz, np.abs(np.fft.ifft(signal, length)), -1.0)
    best, step = float(hertz[size.argmax()]), 1 / (length * dwell_s)
    time = np.arange(len(signal)) * dwell_s
    for _ in range(4):
        around = best + step * np.array([-1.0, 0.0, 1.0])
        low, middle, high = np.abs(np.exp(2j * np.pi * np.outer(around, time)) @ signal)
        bend = low - 2 * middle + high
        best += step * float(np.clip(0.5 * (low - high) / bend, -1, 1)) if bend < 0 else 0.0
        step /= 4
    return best, float(np.angle(np.exp(2j * np.pi * best * time) @ signal))


def aligned(
    rows: Complex[np.ndarray, "average sample"], dwell_s: float, search_Hz: float
) -> tuple[Complex[np.ndarray, "average sample"], Float[np.ndarray, " average"], Float[np.ndarray, " average"]]:
    """The averages in the frequency and phase of the first that can be told, and what each was off, NaN if too weak.

    rows: with complex noise of variance 1. Correlation in time: row times conjugate reference is one line at the difference of
    frequencies, of all lines together. The reference is the strongest row at first, then the mean of what is aligned.
    """
    time = np.arange(rows.shape[1]) * dwell_s
    weight = signal_weight((np.abs(rows) ** 2).mean(axis=0))
    reference = rows[int((np.abs(rows) ** 2 @ weight).argmax())]
    shifts, phases, sure = np.zeros(len(rows)), np.zeros(len(rows)), np.zeros(len(rows), bool)
    for _ in range(_ROUNDS):
        held = reference * weight
        for number, row in enumerate(rows):
            shifts[number], phases[number] = peak_of(row * held.conj(), dwell_s, search_Hz)
            shared = np.abs(np.exp(2j * np.pi * shifts[number] * time) @ (row * held.conj()))
            sure[number] = shared > _SURE * np.linalg.norm(held)
        if np.count_nonzero(sure) < 2:  # one is the reference itself, which tells nothing
            return rows, np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        turned = rows * np.exp(2j * np.pi * np.outer(shifts, time) - 1j * phases[:, None])
        reference = turned[sure].mean(axis=0)
    first = int(np.argmax(sure))
    shifts, phases = shifts - shifts[first], np.angle(np.exp(1j * (phases - phases[first])))
    shifts, phases = np.where(sure, shifts, 0.0), np.where(sure, phases, 0.0)
    turned = rows * np.exp(2j * np.pi * np.outer(shifts, time) - 1j * phases[:, None])
    return turned, np.where(sure, shifts, np.nan), np.where(sure, phases, np.nan)
