"""Numba: shift, wavelet transform, shrinkage, inverse and shift back of one plane, without leaving the cache.

Complex numbers are pairs of floats next to each other: planes are real (n1, n2 * pairs).
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _analyse(plane, result, n, width, low, high):
    """Rows of `plane` to low-pass rows, then high-pass rows of `result`; two taps a pass."""
    half = n // 2
    for i in range(half):
        for k in range(0, low.size, 2):
            j = (2 * i + k) % n
            a0, b0, a1, b1 = low[k], high[k], low[k + 1], high[k + 1]
            if k == 0:
                for q in range(width):
                    result[i, q] = a0 * plane[j, q] + a1 * plane[j + 1, q]
                    result[half + i, q] = b0 * plane[j, q] + b1 * plane[j + 1, q]
            else:
                for q in range(width):
                    result[i, q] += a0 * plane[j, q] + a1 * plane[j + 1, q]
                    result[half + i, q] += b0 * plane[j, q] + b1 * plane[j + 1, q]


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _synthesise(plane, result, n, width, low, high):
    """The inverse of `_analyse`; every pair of result rows gathers from its own taps."""
    half = n // 2
    for i in range(half):
        for k in range(0, low.size, 2):
            j = (i - k // 2) % half
            a0, b0, a1, b1 = low[k], high[k], low[k + 1], high[k + 1]
            if k == 0:
                for q in range(width):
                    result[2 * i, q] = a0 * plane[j, q] + b0 * plane[half + j, q]
                    result[2 * i + 1, q] = a1 * plane[j, q] + b1 * plane[half + j, q]
            else:
                for q in range(width):
                    result[2 * i, q] += a0 * plane[j, q] + b0 * plane[half + j, q]
                    result[2 * i + 1, q] += a1 * plane[j, q] + b1 * plane[half + j, q]


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _analyse_row(row, result, even, odd, half, pairs, low, high):
    """One row along itself: even and odd samples apart first, so that every tap runs over contiguous numbers."""
    width, reach = half * pairs, low.size // 2 * pairs
    for i in range(half):
        for p in range(pairs):
            even[i * pairs + p] = row[2 * i * pairs + p]
            odd[i * pairs + p] = row[(2 * i + 1) * pairs + p]
    for q in range(reach):
        even[width + q], odd[width + q] = even[q], odd[q]
    for k in range(0, low.size, 2):
        a0, b0, a1, b1 = low[k], high[k], low[k + 1], high[k + 1]
        move = k // 2 * pairs
        if k == 0:
            for q in range(width):
                result[q] = a0 * even[q] + a1 * odd[q]
                result[width + q] = b0 * even[q] + b1 * odd[q]
        else:
            for q in range(width):
                result[q] += a0 * even[q + move] + a1 * odd[q + move]
                result[width + q] += b0 * even[q + move] + b1 * odd[q + move]


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _synthesise_row(row, result, even, odd, first, second, half, pairs, low, high):
    """The inverse of `_analyse_row`."""
    width, reach = half * pairs, low.size // 2 * pairs
    for q in range(width):
        first[reach + q], second[reach + q] = row[q], row[width + q]
    for q in range(reach):
        first[q], second[q] = first[width + q], second[width + q]
    for k in range(0, low.size, 2):
        a0, b0, a1, b1 = low[k], high[k], low[k + 1], high[k + 1]
        move = reach - k // 2 * pairs
        if k == 0:
            for q in range(width):
                even[q] = a0 * first[q + move] + b0 * second[q + move]
                odd[q] = a1 * first[q + move] + b1 * second[q + move]
        else:
            for q in range(width):
                even[q] += a0 * first[q + move] + b0 * second[q + move]
                odd[q] += a1 * first[q + move] + b1 * second[q + move]
    for i in range(half):
        for p in range(pairs):
            result[2 * i * pairs + p] = even[i * pairs + p]
            result[(2 * i + 1) * pairs + p] = odd[i * pairs + p]


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _level_down(plane, other, lines, extent, pairs, low, high):
    """One level in the corner `extent` = (n1, n2, axis 1 takes part, axis 2 takes part), in place; `other` is scratch."""
    n1, n2 = extent[0], extent[1]
    source = plane
    if extent[2]:
        _analyse(plane, other, n1, n2 * pairs, low, high)
        source = other
    for i in range(n1):
        if extent[3]:
            _analyse_row(source[i], plane[i], lines[0], lines[1], n2 // 2, pairs, low, high)
        elif extent[2]:
            plane[i, : n2 * pairs] = other[i, : n2 * pairs]


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _level_up(plane, other, lines, extent, pairs, low, high):
    """The inverse of `_level_down`."""
    n1, n2 = extent[0], extent[1]
    for i in range(n1):
        if extent[3]:
            result = other[i] if extent[2] else plane[i]
            _synthesise_row(plane[i], result, lines[0], lines[1], lines[2], lines[3], n2 // 2, pairs, low, high)
        else:
            other[i, : n2 * pairs] = plane[i, : n2 * pairs]
    if extent[2]:
        _synthesise(other, plane, n1, n2 * pairs, low, high)


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _shrink(plane, bounds, pairs, threshold, step, logarithmic):
    """Details inside bounds = (m1, m2) but outside the corner (c1, c2); see `threshold.shrink_factor`."""
    m1, m2, c1, c2 = bounds
    one, zero = plane.dtype.type(1), plane.dtype.type(0)
    t, s = plane.dtype.type(threshold), plane.dtype.type(step)
    limit, four = (s * t) ** 2, plane.dtype.type(4)
    for i in range(m1):
        for k in range(c2 if i < c1 else 0, m2):
            square = plane[i, k * pairs] ** 2
            if pairs == 2:
                square += plane[i, k * pairs + 1] ** 2
            factor = zero
            if square > limit:
                if logarithmic:
                    share = t * t / square
                    root = np.sqrt(max(one - four * (s - one) * share, zero))
                    factor = (one + one) * (one - s * s * share) / (one + one - s + s * root)
                else:
                    factor = one - s * t / np.sqrt(square)
            for p in range(pairs):
                plane[i, k * pairs + p] *= factor


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def shrink_plane(
    source: Float[np.ndarray, "n1 width"], result: Float[np.ndarray, "n1 width"], shifts: Int[np.ndarray, "n 2"],
    extents: Int[np.ndarray, "level 4"], bounds: Int[np.ndarray, " 4"], pairs: int, low, high,
    threshold: float, step: float, logarithmic: bool, weight: float,
) -> None:  # fmt: skip
    """result += weight * (source with details shrunk), for every shift. extents: finest level first, see `_level_down`."""
    n1, width = source.shape
    n2 = width // pairs
    plane, other = np.empty((n1, width), source.dtype), np.empty((n1, width), source.dtype)
    lines = np.empty((4, width + low.size * pairs), source.dtype)
    w = source.dtype.type(weight)
    for number in range(len(shifts)):
        first, cut = shifts[number, 0] % n1, (shifts[number, 1] % n2) * pairs
        for i in range(n1):
            row = source[(i + first) % n1]
            plane[i, : width - cut] = row[cut:]
            plane[i, width - cut :] = row[:cut]
        for level in range(len(extents)):
            _level_down(plane, other, lines, extents[level], pairs, low, high)
        _shrink(plane, bounds, pairs, threshold, step, logarithmic)
        for level in range(len(extents) - 1, -1, -1):
            _level_up(plane, other, lines, extents[level], pairs, low, high)
        for i in range(n1):
            row = result[(i + first) % n1]
            for q in range(width - cut):
                row[cut + q] += w * plane[i, q]
            for q in range(cut):
                row[q] += w * plane[i, width - cut + q]


@numba.njit(cache=True, nogil=True)
@no_type_check
def shrink_volume(
    values: Float[np.ndarray, "n0 n1 width"], first: int, last: int, block: Int[np.ndarray, " 3"], corner: Int[np.ndarray, " 3"],
    pairs: int, threshold: float, step: float, logarithmic: bool,
) -> None:  # fmt: skip
    """Details inside `block` but outside `corner` (both along all axes), in place, in planes first to last - 1."""
    bounds = np.empty(4, np.int64)
    for i in range(first, min(last, block[0])):
        bounds[:2] = block[1:]
        bounds[2:] = corner[1:]
        if i >= corner[0]:
            bounds[2:] = 0
        _shrink(values[i], bounds, pairs, threshold, step, logarithmic)
