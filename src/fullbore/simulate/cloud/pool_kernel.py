"""Numba kernels: what a pulse does to a spin of many pools, and a block of spins through all pulses."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

from fullbore.simulate.cloud.dynamics_kernel import turns

SMALL = 1.0
"""A step whose generator times its length has a norm below this is a Taylor series; a longer one is squared up."""


@numba.njit(cache=True, nogil=True)
@no_type_check
def _sparse(full, columns, counts):
    """Where the rows of the (size, size) generator are not zero."""
    for i in range(full.shape[0]):
        found = 0
        for j in range(full.shape[1]):
            if full[i, j] != 0.0:
                columns[i, found] = j
                found += 1
        counts[i] = found


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _series(full, columns, counts, dt, norm, state, term, work):
    """state <- exp(full dt) state by Taylor's series, for norm = |full| dt up to SMALL: to 1e-12."""
    size, width = state.shape
    term[:] = state
    bound, order = 1.0, 0
    while bound > 1e-12:
        order += 1
        bound *= norm / order
        factor = dt / order
        for i in range(size):
            for c in range(width):
                work[i, c] = 0.0
            for k in range(counts[i]):
                j = columns[i, k]
                a = full[i, j] * factor
                for c in range(width):
                    work[i, c] += a * term[j, c]
        for i in range(size):
            for c in range(width):
                term[i, c] = work[i, c]
                state[i, c] += work[i, c]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _times(a, b, out):
    """out = a b for square matrices."""
    size = a.shape[0]
    for i in range(size):
        for c in range(size):
            out[i, c] = 0.0
        for j in range(size):
            factor = a[i, j]
            if factor != 0.0:
                for c in range(size):
                    out[i, c] += factor * b[j, c]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _with_rf(full, base, pools, f, w, power, g, locking):
    """The generator under w (complex, rad/s) at f Hz. power: |w|^2 for the semisolid. locking: (pool,) 1/T2 - 1/T1rho."""
    size = base.shape[0]
    full[:] = base
    square = w.real * w.real + w.imag * w.imag
    for a in range(pools):
        x, y, z = a, pools + a, 2 * pools + a
        full[x, y] += 2 * np.pi * f
        full[y, x] -= 2 * np.pi * f
        full[x, z] -= w.imag
        full[z, x] += w.imag
        full[y, z] += w.real
        full[z, y] -= w.real
        if square > 0.0 and locking[a] != 0.0:
            extra = locking[a] / square
            full[x, x] += extra * w.real * w.real
            full[y, y] += extra * w.imag * w.imag
            full[x, y] += extra * w.real * w.imag
            full[y, x] += extra * w.real * w.imag
    if size > 3 * pools + 1:
        full[size - 2, size - 2] -= np.pi * power * g


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def propagate_pools(w, power, dt, gradient, base, which, pools, locking, position, offset, scale, absorption, out):
    """Affine maps of one pulse, from its start to its end, for many spins.

    w: (step,) complex gamma b1 in the signal's frame, rad/s; power: (step,) the mean of its square; dt: (step,) s.
    gradient: (step, axis) Hz/m; position: (spin, axis) m. base: (system, size, size) generators without RF at rest;
    which: (spin,) system. locking: (system, pool) 1/T2 - 1/T1rho. offset (Hz), scale: (spin,). absorption: (spin, 1 or step)
    of the semisolid, s. out: (spin, size - 1, size).
    """
    size = base.shape[1]
    full, state, square = np.empty((size, size)), np.empty((size, size)), np.empty((size, size))
    term, work = np.empty((size, size)), np.empty((size, size))
    columns, counts = np.empty((size, size), np.int64), np.empty(size, np.int64)
    for n in range(out.shape[0]):
        state[:] = 0.0
        for i in range(size):
            state[i, i] = 1.0
        for q in range(dt.shape[0]):
            f = offset[n]
            for a in range(gradient.shape[1]):
                f += gradient[q, a] * position[n, a]
            g = absorption[n, min(q, absorption.shape[1] - 1)]
            _with_rf(full, base[which[n]], pools, f, w[q] * scale[n], power[q] * scale[n] * scale[n], g, locking[which[n]])
            _sparse(full, columns, counts)
            norm = 0.0
            for i in range(size):
                row = 0.0
                for j in range(size):
                    row += abs(full[i, j])
                norm = max(norm, row * dt[q])
            if norm <= SMALL:
                _series(full, columns, counts, dt[q], norm, state, term, work)
                continue
            halvings = int(np.ceil(np.log2(norm / SMALL)))
            part = 0.5**halvings
            square[:] = 0.0
            for i in range(size):
                square[i, i] = 1.0
            _series(full, columns, counts, dt[q] * part, norm * part, square, term, work)
            for _ in range(halvings):
                _times(square, square, work)
                square[:] = work
            _times(square, state, work)
            state[:] = work
        out[n] = state[: size - 1]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _rest(state, pools, transverse, longitudinal, r, f, move, dt, walked, at, held):
    """Free exchange and precession. transverse: complex64 (pool, pool); longitudinal: float32 (all, all + 1)."""
    count = longitudinal.shape[0]
    for n in range(f.shape[0]):
        phase = f[n] * dt
        for a in range(r.shape[0]):
            phase += move[a] * r[a, n]
        if at >= 0:
            phase += walked[at, n]
        c, s = turns(phase)
        for a in range(pools):
            u, v = np.float32(0), np.float32(0)
            for b in range(pools):
                p, q = transverse[a, b].real, transverse[a, b].imag
                u += p * state[b, n] - q * state[pools + b, n]
                v += p * state[pools + b, n] + q * state[b, n]
            held[a], held[pools + a] = c * u + s * v, c * v - s * u
        for a in range(count):
            z = longitudinal[a, count]
            for b in range(count):
                z += longitudinal[a, b] * state[2 * pools + b, n]
            held[2 * pools + a] = z
        for i in range(state.shape[0]):
            state[i, n] = held[i]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _pulse(state, pools, terms, before, after, ar, ai, held):
    """terms: float32 (size - 1, size, n). before, after: complex, turn of the pulse at its start and end."""
    size = terms.shape[1]
    br, bi = np.float32(before.real), np.float32(before.imag)
    er, ei = np.float32(after.real), np.float32(after.imag)
    held[:] = np.float32(0)
    for n in range(ar.shape[0]):
        cr, ci = ar[n] * br - ai[n] * bi, ar[n] * bi + ai[n] * br
        for a in range(pools):
            x, y = state[a, n], state[pools + a, n]
            state[a, n], state[pools + a, n] = cr * x + ci * y, cr * y - ci * x
    for i in range(size - 1):
        for n in range(ar.shape[0]):
            held[i, n] = terms[i, size - 1, n]
        for j in range(size - 1):
            for n in range(ar.shape[0]):
                held[i, n] += terms[i, j, n] * state[j, n]
    state[:] = held
    for n in range(ar.shape[0]):
        cr, ci = ar[n] * er - ai[n] * ei, ar[n] * ei + ai[n] * er
        for a in range(pools):
            x, y = state[a, n], state[pools + a, n]
            state[a, n], state[pools + a, n] = cr * x - ci * y, cr * y + ci * x


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _look(state, pools, modes, r, f, move, dt, walked, at, out):
    """modes: complex64 (mode, pool), from the magnetisation after the pulse to each mode's part in the signal."""
    for n in range(f.shape[0]):
        phase = f[n] * dt
        for a in range(r.shape[0]):
            phase += move[a] * r[a, n]
        if at >= 0:
            phase += walked[at, n]
        c, s = turns(phase)
        turn = complex(c, -s)
        for m in range(modes.shape[0]):
            total = np.complex64(0)
            for b in range(pools):
                total += modes[m, b] * complex(state[b, n], state[pools + b, n])
            out[m, n] = total * turn


@numba.njit(cache=True, nogil=True)
@no_type_check
def run_pools(
    state, terms, kind, before, after, shim, ar, ai, move, dt, rest, transverse, longitudinal, r, f,
    rows, row_move, row_dt, row_first, modes, walked, at, row_at, out,
):  # fmt: skip
    """Consecutive pulses of a block of spins of one system. state: float32 (size - 1, n), changed in place.

    terms: float32 (kind, size - 1, size, n). kind, before, after (complex), shim, dt, rest: (pulse,), the interval before it;
    move: (pulse, axis) cycles/m. ar, ai: float32 (shim, n). transverse, longitudinal: (interval, ...) as in _rest, which `rest`
    indexes; modes: (length, mode, pool), which `row_first` indexes. r: (axis, n) m. f: (n,) Hz. rows: (pulse, 2) first and
    last + 1 readout after it. row_move, row_dt: from the pulse's end to the readout's middle. walked: float32 (event, n) turns,
    which at (pulse,) and row_at (row,) index; -1 for none. out: complex64 (row, mode, n).
    """
    pools = transverse.shape[1]
    column, block = np.empty(state.shape[0], np.float32), np.empty_like(state)
    for q in range(kind.shape[0]):
        if dt[q] > 0 or at[q] >= 0:
            _rest(state, pools, transverse[rest[q]], longitudinal[rest[q]], r, f, move[q], dt[q], walked, at[q], column)
        _pulse(state, pools, terms[kind[q]], before[q], after[q], ar[shim[q]], ai[shim[q]], block)
        for i in range(rows[q, 0], rows[q, 1]):
            _look(state, pools, modes[row_first[i]], r, f, row_move[i], row_dt[i], walked, row_at[i], out[i])
