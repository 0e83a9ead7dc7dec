"""Numba kernel: propagators looked up in a table."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def interpolate(position, rate, weight, table, points, out):
    """Lagrange's polynomial through `points` (even) neighbours in frequency, all nodes of the rest.

    position: (n,) in steps; rate: (n,) of the table's first axis; weight: (n, b); table: (r, f, b, term); out: (term, n).
    """
    factor, value = np.empty(points), np.empty(table.shape[3])
    before = points // 2 - 1
    for n in range(position.shape[0]):
        base = min(max(int(np.floor(position[n])), before), table.shape[1] - points + before)
        t = position[n] - base
        for i in range(points):
            product = 1.0
            for j in range(points):
                if j != i:
                    product *= (t - (j - before)) / (i - j)
            factor[i] = product
        value[:] = 0.0
        own = table[rate[n]]
        for i in range(points):
            for b in range(table.shape[2]):
                w = factor[i] * weight[n, b]
                for k in range(value.shape[0]):
                    value[k] += w * own[base - before + i, b, k]
        for k in range(value.shape[0]):
            out[k, n] = value[k]
