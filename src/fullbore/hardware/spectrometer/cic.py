"""Cascaded integrators and combs (Hogenauer 1981): a boxcar of R samples, `order` times, without a multiplication."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Num

from fullbore.errors import ValueRangeError


def cic_taps(order: int, decimation: int) -> Int[np.ndarray, " n"]:
    """Impulse response in whole numbers, (order (R - 1) + 1,); sum R^order. Errors: ValueRangeError for none, or too wide."""
    if order < 1 or decimation < 1 or order * np.log2(decimation) >= 62:
        raise ValueRangeError(f"cic_taps: order {order}, decimation {decimation}: wanted at least 1, order log2(R) under 62.")
    taps = np.ones(1, np.int64)
    for _ in range(order):
        taps = np.convolve(taps, np.ones(decimation, np.int64))
    return taps


def cic_response(frequency: Float[np.ndarray, "*n"], order: int, decimation: int) -> Float[np.ndarray, "*n"]:
    """(sin(pi R f) / (R sin(pi f)))^order at frequencies in parts of the fast rate; the phase of the delay is left out."""
    f = np.asarray(frequency, np.float64)
    below = decimation * np.sin(np.pi * f)
    whole = np.abs(below) < 1e-12 * decimation
    ratio = np.where(whole, 1.0, np.sin(np.pi * decimation * f) / np.where(whole, 1.0, below))
    return np.asarray(ratio**order)


def cic_delay_ticks(order: int, decimation: int) -> float:
    """Group delay in samples of the fast rate, the same at all frequencies."""
    return order * (decimation - 1) / 2


def cic_growth_bits(order: int, decimation: int) -> int:
    """Bits by which registers are wider than the input."""
    return int(np.ceil(order * np.log2(decimation)))


def cic_decimate(samples: Int[np.ndarray, " n"], order: int, decimation: int) -> Int[np.ndarray, " m"]:
    """As the chip does it: integrators that wrap, every R-th sample, combs; output k is taps @ samples[k R : k R + len(taps)].

    Exact as long as the registers' 64 bits hold the result: sums modulo 2^64 come out right whatever overflowed on the way.
    """
    integrated = samples.astype(np.int64)
    for _ in range(order):
        integrated = np.cumsum(integrated, dtype=np.int64)
    first = order * (decimation - 1)
    outputs = max(0, (len(samples) - 1 - first) // decimation + 1)
    if not outputs:
        return np.zeros(0, np.int64)
    at = first + decimation * np.arange(-order, outputs)
    taken = np.where(at >= 0, integrated[np.maximum(at, 0)], 0)
    return np.asarray(np.diff(taken, n=order))


def filtered_and_decimated(samples: Num[np.ndarray, " n"], taps: Num[np.ndarray, " k"], decimation: int) -> Num[np.ndarray, " m"]:
    """Every `decimation`-th output of a filter that is full: taps @ samples[m D : m D + len(taps)]."""
    return np.asarray(np.convolve(samples, taps[::-1], mode="valid")[::decimation])
