"""Numba: one step of a periodic filter bank down the rows of an array, two rows of results at a time.

Filters have a multiple of eight taps (`padded`): eight rows are read and two written in one pass, all in registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

_PASS = 8


def padded(taps: Sequence[float], dtype: np.dtype) -> Float[np.ndarray, " n"]:
    """Zeros behind the taps, up to a multiple of eight."""
    result = np.zeros(-(-len(taps) // _PASS) * _PASS, dtype)
    result[: len(taps)] = taps
    return result


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def rows_down(source, lines, pair, n, width, low, high, coarse, fine):
    """Row `pair` of the coarse and of the fine half of n lines, cyclic.

    lines = (offset, m, stride, base): line j is row (offset + j) % m * stride + base of `source`.
    """
    offset, m, stride, base = lines
    for k in range(0, low.size, 8):
        j = 2 * pair + k
        r0, r1 = source[(offset + j % n) % m * stride + base], source[(offset + (j + 1) % n) % m * stride + base]
        r2, r3 = source[(offset + (j + 2) % n) % m * stride + base], source[(offset + (j + 3) % n) % m * stride + base]
        r4, r5 = source[(offset + (j + 4) % n) % m * stride + base], source[(offset + (j + 5) % n) % m * stride + base]
        r6, r7 = source[(offset + (j + 6) % n) % m * stride + base], source[(offset + (j + 7) % n) % m * stride + base]
        a0, a1, a2, a3, a4, a5, a6, a7 = low[k : k + 8]
        b0, b1, b2, b3, b4, b5, b6, b7 = high[k : k + 8]
        first = k == 0
        for q in range(width):
            x0, x1, x2, x3, x4, x5, x6, x7 = r0[q], r1[q], r2[q], r3[q], r4[q], r5[q], r6[q], r7[q]
            a = a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3 + a4 * x4 + a5 * x5 + a6 * x6 + a7 * x7
            b = b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3 + b4 * x4 + b5 * x5 + b6 * x6 + b7 * x7
            if first:
                coarse[q] = a
                fine[q] = b
            else:
                coarse[q] += a
                fine[q] += b


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def rows_up(source, lines, pair, half, width, low, high, even, odd):
    """The inverse: lines 2 * pair and 2 * pair + 1 from the coarse lines 0 to half - 1 and the fine ones behind them.

    lines = (stride, base): line j is row j * stride + base of `source`.
    """
    stride, base = lines
    for k in range(0, low.size, 8):
        j = pair - k // 2
        c0, c1, c2, c3 = j % half, (j - 1) % half, (j - 2) % half, (j - 3) % half
        p0, p1 = source[c0 * stride + base], source[c1 * stride + base]
        p2, p3 = source[c2 * stride + base], source[c3 * stride + base]
        q0, q1 = source[(half + c0) * stride + base], source[(half + c1) * stride + base]
        q2, q3 = source[(half + c2) * stride + base], source[(half + c3) * stride + base]
        a0, a1, a2, a3, a4, a5, a6, a7 = low[k : k + 8]
        b0, b1, b2, b3, b4, b5, b6, b7 = high[k : k + 8]
        first = k == 0
        for q in range(width):
            x0, x1, x2, x3, y0, y1, y2, y3 = p0[q], p1[q], p2[q], p3[q], q0[q], q1[q], q2[q], q3[q]
            a = a0 * x0 + a2 * x1 + a4 * x2 + a6 * x3 + b0 * y0 + b2 * y1 + b4 * y2 + b6 * y3
            b = a1 * x0 + a3 * x1 + a5 * x2 + a7 * x3 + b1 * y0 + b3 * y1 + b5 * y2 + b7 * y3
            if first:
                even[q] = a
                odd[q] = b
            else:
                even[q] += a
                odd[q] += b
