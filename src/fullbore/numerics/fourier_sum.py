"""Fourier sums over evenly spaced points at any frequencies, as two real matrix products of half the size.

Points x_m + d and x_m - d around the middle x_m enter only as their sum (even part) and difference (odd part), and the
frequencies +k and -k need the same two products, so that frequencies which come in pairs cost a quarter of the complex
matrix product.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Complex64, Float

SAME = 1e-9


class FourierSum:
    """F(k) = gain(k) * sum over x of f(x) exp(-2 pi i k x)."""

    def __init__(self, frequency: Float[np.ndarray, " k"], points: Float[np.ndarray, " n"], gain: Float[np.ndarray, " k"]):
        """points: evenly spaced, in one direction; frequency in cycles per their unit."""
        half = len(points) // 2
        middle = 0.5 * (points[0] + points[-1])
        distance = (points[::-1] - middle)[: len(points) - half]  # the outermost pair first; 0 last where n is odd
        label = np.round(np.abs(frequency) / max(float(np.abs(frequency).max(initial=0.0)) * SAME, 1e-300))
        _, first, self._row = np.unique(label, return_index=True, return_inverse=True)
        angle = 2 * np.pi * np.outer(np.abs(frequency)[first], distance)
        self._cosine = np.cos(angle).astype(np.float32)
        self._sine = np.sin(angle[:, :half]).astype(np.float32)
        self._factor = (gain * np.exp(-2j * np.pi * frequency * middle)).astype(np.complex64)
        self._sign = np.where(frequency < 0, np.float32(-1), np.float32(1))

    def __call__(self, values: Complex64[np.ndarray, "n m"]) -> Complex64[np.ndarray, "k m"]:
        """The sums of each column; columns contiguous, rows at any stride."""
        flat = values.view(np.float32)
        even = np.empty((self._cosine.shape[1], flat.shape[1]), np.float32)
        odd = np.empty((self._sine.shape[1], flat.shape[1]), np.float32)
        _fold(flat, even, odd)
        result = np.empty((len(self._row), flat.shape[1]), np.float32)
        _combine(self._cosine @ even, self._sine @ odd, self._row, self._sign, self._factor, result)
        return result.view(np.complex64)


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _fold(values, even, odd):
    """Sums and differences (last less first) of points that mirror each other."""
    last = values.shape[0] - 1
    for i in range(odd.shape[0]):
        for j in range(values.shape[1]):
            even[i, j] = values[last - i, j] + values[i, j]
            odd[i, j] = values[last - i, j] - values[i, j]
    if len(even) > len(odd):
        even[-1] = values[len(odd)]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _combine(cosine, sine, row, sign, factor, out):
    """factor * (cosine - i sign * sine) for complex values in float32 pairs."""
    for k in range(len(row)):
        c, s, a, b, turn = cosine[row[k]], sine[row[k]], factor[k].real, factor[k].imag, sign[k]
        for j in range(0, out.shape[1], 2):
            re = c[j] + turn * s[j + 1]
            im = c[j + 1] - turn * s[j]
            out[k, j] = a * re - b * im
            out[k, j + 1] = a * im + b * re
