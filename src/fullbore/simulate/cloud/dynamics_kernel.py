"""Numba kernel: a block of spins through all pulses; what each readout finds at its middle sample."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np


@numba.njit(inline="always")
@no_type_check
def turns(phase):
    """cos and sin of 2 pi `phase` (turns, float64) in float32, to 1e-7: reduced to an eighth of a turn, then Taylor."""
    near = phase - np.rint(phase)
    quarter = np.rint(4.0 * near)
    t = np.float32(2.0 * np.pi * (near - 0.25 * quarter))
    u = t * t
    s = t * (np.float32(1) + u * (np.float32(-1 / 6) + u * (np.float32(1 / 120) + u * (np.float32(-1 / 5040)))))
    s += t * u * u * u * u * np.float32(1 / 362880)
    c = np.float32(1) + u * (
        np.float32(-1 / 2) + u * (np.float32(1 / 24) + u * (np.float32(-1 / 720) + u * np.float32(1 / 40320)))
    )
    odd = quarter == 1.0 or quarter == -1.0
    a = s if odd else c
    b = c if odd else s
    cosine = -a if quarter == 1.0 or quarter == 2.0 or quarter == -2.0 else a
    sine = -b if quarter == -1.0 or quarter == 2.0 or quarter == -2.0 else b
    return cosine, sine


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _rest(mx, my, mz, e1, e2, r, f, move, dt):
    """Precession by turns move . r + f dt, and relaxation."""
    for n in range(mx.shape[0]):
        c, s = turns(move[0] * r[0, n] + move[1] * r[1, n] + move[2] * r[2, n] + f[n] * dt)
        x, y = mx[n], my[n]
        mx[n] = e2[n] * (c * x + s * y)
        my[n] = e2[n] * (c * y - s * x)
        mz[n] = np.float32(1) + e1[n] * (mz[n] - np.float32(1))


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _pulse(mx, my, mz, p, turn, ar, ai):
    """Propagator p (12, n) of a pulse whose b1 is turned by `turn` times the spin's own (ar, ai), of magnitude 1."""
    tr, ti = np.float32(turn.real), np.float32(turn.imag)
    two = np.float32(2)
    for n in range(mx.shape[0]):
        cr, ci = ar[n] * tr - ai[n] * ti, ar[n] * ti + ai[n] * tr
        x, y, z = mx[n], my[n], mz[n]
        # in the frame of the pulse
        a, b = cr * x + ci * y, cr * y - ci * x
        u = (p[0, n] + p[2, n]) * a + (p[3, n] - p[1, n]) * b + p[4, n] * z + p[9, n]
        v = (p[1, n] + p[3, n]) * a + (p[0, n] - p[2, n]) * b + p[5, n] * z + p[10, n]
        mz[n] = two * (p[6, n] * a - p[7, n] * b) + p[8, n] * z + p[11, n]
        mx[n] = cr * u - ci * v
        my[n] = cr * v + ci * u


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _look(mx, my, e2, r, f, move, dt, out):
    for n in range(mx.shape[0]):
        c, s = turns(move[0] * r[0, n] + move[1] * r[1, n] + move[2] * r[2, n] + f[n] * dt)
        out[n] = complex(e2[n] * (c * mx[n] + s * my[n]), e2[n] * (c * my[n] - s * mx[n]))


@numba.njit(cache=True, nogil=True)
@no_type_check
def run_spins(terms, kind, turn, ar, ai, move, dt, rest, e1, e2, r, f, rows, row_move, row_dt, row_rest, out):
    """All pulses of a block of spins from equilibrium.

    terms: float32 (kind, 12, n). kind, turn (complex), dt, rest: (pulse,), the interval before it; move: (pulse, 3) cycles/m.
    ar, ai: float32 (n,). e1, e2: float32 (interval, n), which `rest` and `row_rest` index. r: (3, n) m. f: (n,) Hz.
    rows: (pulse, 2) first and last + 1 readout after it. row_move, row_dt, row_rest: from the pulse to the readout's middle.
    out: complex64 (row, n).
    """
    count = f.shape[0]
    mx, my, mz = np.zeros(count, np.float32), np.zeros(count, np.float32), np.ones(count, np.float32)
    for q in range(kind.shape[0]):
        if dt[q] > 0:
            _rest(mx, my, mz, e1[rest[q]], e2[rest[q]], r, f, move[q], dt[q])
        _pulse(mx, my, mz, terms[kind[q]], turn[q], ar, ai)
        for i in range(rows[q, 0], rows[q, 1]):
            _look(mx, my, e2[row_rest[i]], r, f, row_move[i], row_dt[i], out[i])
