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
def _gather(place, f, move, dt, phase):
    """Turns that each spin gathers: move . place + f dt."""
    for n in range(f.shape[0]):
        phase[n] = move[0] * place[0, n] + move[1] * place[1, n] + move[2] * place[2, n] + f[n] * dt
    for c in range(3, move.shape[0]):
        if move[c] != 0:
            for n in range(f.shape[0]):
                phase[n] += move[c] * place[c, n]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def add_turns(walked, at, phase):
    """What walks add, event `at` of them; nothing for -1."""
    if at >= 0:
        for n in range(phase.shape[0]):
            phase[n] += walked[at, n]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _rest(mx, my, mz, e1, e2, phase):
    """Precession by `phase` turns, and relaxation."""
    for n in range(mx.shape[0]):
        c, s = turns(phase[n])
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
def _look(mx, my, e2, phase, out):
    for n in range(mx.shape[0]):
        c, s = turns(phase[n])
        out[n] = complex(e2[n] * (c * mx[n] + s * my[n]), e2[n] * (c * my[n] - s * mx[n]))


@numba.njit(cache=True, nogil=True)
@no_type_check
def _renew(state, start, speed, way, lap):
    """Spins that have begun a new lap come in at equilibrium."""
    for n in range(start.shape[0]):
        now = np.floor(start[n] + speed[n] * way)
        if now != lap[n]:
            state[0, n], state[1, n], state[2, n] = 0, 0, 1
            lap[n] = now


@numba.njit(cache=True, nogil=True)
@no_type_check
def _mute(start, speed, way, lap, out):
    for n in range(start.shape[0]):
        if np.floor(start[n] + speed[n] * way) != lap[n]:
            out[n] = 0


@numba.njit(cache=True, nogil=True)
@no_type_check
def run_spins(
    state, terms, kind, turn, shim, ar, ai, move, dt, rest, e1, e2, place, after, f, rows, row_move, row_dt, row_rest,
    start, speed, way, row_way, lap, walked, at, row_at, out,
):  # fmt: skip
    """Some pulses of a block of spins, on from `state` (3, n), which is changed.

    terms: float32 (kind, 12, n). kind, turn (complex), dt, rest: (pulse,), the interval before it; move: (pulse, part) of the
    moment clock. ar, ai: float32 (shim, n). e1, e2: float32 (interval, n), which `rest` and `row_rest` index. place, after:
    (part, n), before pulses and behind them. f: (n,) Hz. rows: (pulse, 2) first and last + 1 readout after it. row_move, row_dt,
    row_rest: from the pulse to the readout's middle. start, speed: (n,) of spins that renew themselves, (0,) when none do;
    way: (pulse,), row_way: (row,); lap: (n,) is changed. walked: float32 (event, n) turns, which at (pulse,) and row_at (row,)
    index; -1 for none. out: complex64 (row, n).
    """
    mx, my, mz = state[0], state[1], state[2]
    phase = np.empty(f.shape[0])
    for q in range(kind.shape[0]):
        if dt[q] > 0:
            _gather(place, f, move[q], dt[q], phase)
            add_turns(walked, at[q], phase)
            _rest(mx, my, mz, e1[rest[q]], e2[rest[q]], phase)
        _renew(state, start, speed, way[q], lap)
        _pulse(mx, my, mz, terms[kind[q]], turn[q], ar[shim[q]], ai[shim[q]])
        for i in range(rows[q, 0], rows[q, 1]):
            _gather(after, f, row_move[i], row_dt[i], phase)
            add_turns(walked, row_at[i], phase)
            _look(mx, my, e2[row_rest[i]], phase, out[i])
            _mute(start, speed, row_way[i], lap, out[i])
