"""Numba twin of the periodic wavelet transform in `wavelet.py`: in place, float pairs, parallel over planes.

All arrays are real (n0, n1, n2, 2) or (n0, n1, n2, 1): complex numbers as pairs. `extent` is the corner that a level
transforms; low-pass results go to its first half along each axis, high-pass results to the second.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float


@numba.njit(cache=True, fastmath=True)
@no_type_check
def _analyse_plane(plane, buffer, n, width, low, high):
    half = n // 2
    for i in range(half):
        for q in range(width):
            buffer[i, q] = 0
            buffer[half + i, q] = 0
        for k in range(low.size):
            j = (2 * i + k) % n
            a, b = low[k], high[k]
            for q in range(width):
                buffer[i, q] += a * plane[j, q]
                buffer[half + i, q] += b * plane[j, q]
    for i in range(n):
        for q in range(width):
            plane[i, q] = buffer[i, q]


@numba.njit(cache=True, fastmath=True)
@no_type_check
def _synthesise_plane(plane, buffer, n, width, low, high):
    half = n // 2
    for i in range(n):
        for q in range(width):
            buffer[i, q] = 0
    for i in range(half):
        for k in range(low.size):
            j = (2 * i + k) % n
            a, b = low[k], high[k]
            for q in range(width):
                buffer[j, q] += a * plane[i, q] + b * plane[half + i, q]
    for i in range(n):
        for q in range(width):
            plane[i, q] = buffer[i, q]


@numba.njit(cache=True, fastmath=True, parallel=True)
@no_type_check
def transform_axis_0(values: Float[np.ndarray, "n0 n1 n2 p"], n0: int, n1: int, n2: int, low, high, forward: bool) -> None:
    """One level along axis 0, in place, on the corner (n0, n1, n2)."""
    width = n2 * values.shape[3]
    for j in numba.prange(n1):
        buffer = np.empty((n0, width), values.dtype)
        plane = np.empty((n0, width), values.dtype)
        for i in range(n0):
            plane[i] = values[i, j].reshape(-1)[:width]
        if forward:
            _analyse_plane(plane, buffer, n0, width, low, high)
        else:
            _synthesise_plane(plane, buffer, n0, width, low, high)
        for i in range(n0):
            values[i, j].reshape(-1)[:width] = plane[i]


@numba.njit(cache=True, fastmath=True, parallel=True)
@no_type_check
def transform_axes_1_2(
    values: Float[np.ndarray, "n0 n1 n2 p"], n0: int, n1: int, n2: int, low, high, forward: bool, axis_1: bool, axis_2: bool
) -> None:
    """One level along axes 1 and 2 (those that are asked for), in place, on the corner (n0, n1, n2)."""
    pairs = values.shape[3]
    for i in numba.prange(n0):
        buffer = np.empty((n1, n2 * pairs), values.dtype)
        turned = np.empty((n2, n1 * pairs), values.dtype)
        turned_buffer = np.empty((n2, n1 * pairs), values.dtype)
        plane = values[i].reshape(values.shape[1], -1)
        if axis_1 and forward:
            _analyse_plane(plane, buffer, n1, n2 * pairs, low, high)
        if axis_2:
            for j in range(n1):
                for k in range(n2):
                    for p in range(pairs):
                        turned[k, j * pairs + p] = plane[j, k * pairs + p]
            if forward:
                _analyse_plane(turned, turned_buffer, n2, n1 * pairs, low, high)
            else:
                _synthesise_plane(turned, turned_buffer, n2, n1 * pairs, low, high)
            for j in range(n1):
                for k in range(n2):
                    for p in range(pairs):
                        plane[j, k * pairs + p] = turned[k, j * pairs + p]
        if axis_1 and not forward:
            _synthesise_plane(plane, buffer, n1, n2 * pairs, low, high)


@numba.njit(cache=True, fastmath=True, parallel=True)
@no_type_check
def shrink_details(
    values: Float[np.ndarray, "n0 n1 n2 p"], m0: int, m1: int, m2: int, c0: int, c1: int, c2: int, threshold: float
) -> None:
    """Soft-threshold the block (m0, m1, m2) except its corner (c0, c1, c2), in place."""
    pairs = values.shape[3]
    for i in numba.prange(m0):
        for j in range(m1):
            for k in range(c2 if (i < c0 and j < c1) else 0, m2):
                square = values.dtype.type(0)
                for p in range(pairs):
                    square += values[i, j, k, p] ** 2
                size = np.sqrt(square)
                factor = (size - threshold) / size if size > threshold else values.dtype.type(0)
                for p in range(pairs):
                    values[i, j, k, p] *= factor
