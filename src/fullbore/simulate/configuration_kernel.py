"""Numba kernel: configuration states of one tissue through all pulses, many classes side by side.

A state is F(k), the part of M+ that varies as exp(-2 pi i k.r), or Z(k) of Mz, with Z(-k) = conj Z(k); k has a fourth
component, the time tau for which off-resonance has acted. A scalar hash h of the key orders the states: F is kept sorted
by h, Z by h >= 0. A gradient moment adds one number to all of F and keeps the order, so the pairs F(k), F(-k), Z(k) that a
pulse mixes are found by one linear merge. Arrays of values are float32 pairs (row, class). What diffusion leaves of a state
over an interval is one number for all its classes, worked out as the state moves and multiplied in by the next pulse.
"""

from __future__ import annotations

from typing import NamedTuple, no_type_check

import numba
import numpy as np


class Store(NamedTuple):
    """States of one sort, F or Z. Of state i: hash h[i], key[i] (kx, ky, kz, tau), row[i] of its values, peak[i], and
    left[i], what diffusion has left of it since the last pulse.

    re, im: float32 (row, class). free: rows that no state holds, as a stack.
    """

    h: np.ndarray
    key: np.ndarray
    row: np.ndarray
    left: np.ndarray
    peak: np.ndarray
    re: np.ndarray
    im: np.ndarray
    free: np.ndarray


class Orbits(NamedTuple):
    """What a pulse mixes, in rising h; orbit 0 is k = 0. rows: of F(k), F(-k), Z(k), -1 if absent; left: of each."""

    h: np.ndarray
    key: np.ndarray
    left: np.ndarray
    rows: np.ndarray
    peak: np.ndarray


@numba.njit(cache=True, nogil=True)
@no_type_check
def _store(capacity, classes):
    return Store(
        np.zeros(capacity),
        np.zeros((capacity, 4)),
        np.zeros(capacity, np.int64),
        np.ones(capacity, np.float32),
        np.zeros(capacity),
        np.zeros((capacity, classes), np.float32),
        np.zeros((capacity, classes), np.float32),
        np.arange(capacity),
    )


@numba.njit(cache=True, nogil=True)
@no_type_check
def _pair(f, nf, z, nz, eps, orbit):
    """Fill the orbits from the sorted states; returns how many there are."""
    up = 0
    while up < nf and f.h[up] < -eps:
        up += 1
    down = up - 1
    orbit.h[0] = 0.0
    orbit.key[0] = 0.0
    orbit.left[0] = 1.0
    orbit.rows[0, 0], orbit.rows[0, 1], orbit.rows[0, 2] = -1, -1, z.row[0]
    if up < nf and f.h[up] <= eps:
        orbit.rows[0, 0] = f.row[up]
        orbit.left[0, 0] = f.left[up]
        up += 1
    still, n = 1, 1
    while up < nf or down >= 0 or still < nz:
        low = min(f.h[up] if up < nf else np.inf, -f.h[down] if down >= 0 else np.inf, z.h[still] if still < nz else np.inf)
        orbit.h[n] = low
        orbit.rows[n] = -1
        orbit.left[n] = 1.0
        if still < nz and z.h[still] <= low + eps:
            orbit.rows[n, 2] = z.row[still]
            orbit.key[n] = z.key[still]
            orbit.left[n, 2] = z.left[still]
            still += 1
        if down >= 0 and -f.h[down] <= low + eps:
            orbit.rows[n, 1] = f.row[down]
            orbit.key[n] = -f.key[down]
            orbit.left[n, 1] = f.left[down]
            down -= 1
        if up < nf and f.h[up] <= low + eps:
            orbit.rows[n, 0] = f.row[up]
            orbit.key[n] = f.key[up]
            orbit.left[n, 0] = f.left[up]
            up += 1
        n += 1
    return n


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _coefficients(terms, phase, e1, e2, c):
    """Interval decay and RF phase folded into the pulse's terms, (12, class) float32."""
    cr, ci = np.cos(phase), -np.sin(phase)
    dr, di = cr * cr - ci * ci, 2 * cr * ci
    for j in range(terms.shape[1]):
        c[0, j] = terms[0, j] * e2
        c[1, j] = terms[1, j] * e2
        c[2, j] = (terms[2, j] * dr - terms[3, j] * di) * e2
        c[3, j] = (terms[2, j] * di + terms[3, j] * dr) * e2
        pr = terms[4, j] * cr - terms[5, j] * ci
        pi = terms[4, j] * ci + terms[5, j] * cr
        c[4, j] = pr * e1
        c[5, j] = pi * e1
        c[6, j] = (terms[6, j] * cr + terms[7, j] * ci) * e2
        c[7, j] = (terms[7, j] * cr - terms[6, j] * ci) * e2
        c[8, j] = terms[8, j] * e1
        c[9, j] = terms[9, j] * cr - terms[10, j] * ci + pr * (1 - e1)
        c[10, j] = terms[9, j] * ci + terms[10, j] * cr + pi * (1 - e1)
        c[11, j] = terms[11, j] + terms[8, j] * (1 - e1)


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _mix_zero(c, fr, fi, zr, left, peak):
    best, still = np.float32(0), left[0]
    for j in range(fr.shape[0]):
        a, b, z = fr[j] * still, fi[j] * still, zr[j]
        x = c[0, j] * a - c[1, j] * b + c[2, j] * a + c[3, j] * b + c[4, j] * z + c[9, j]
        y = c[0, j] * b + c[1, j] * a + c[3, j] * a - c[2, j] * b + c[5, j] * z + c[10, j]
        zr[j] = np.float32(2) * (c[6, j] * a - c[7, j] * b) + c[8, j] * z + c[11, j]
        fr[j] = x
        fi[j] = y
        best = max(best, x * x + y * y)
    peak[0] = best


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _mix(c, pr, pi, mr, mi, zr, zi, left, peak):
    """One orbit through a pulse, in place; peak: largest |F(k)|^2, |F(-k)|^2, |Z(k)|^2 over the classes."""
    p2, m2, z2 = np.float32(0), np.float32(0), np.float32(0)
    p, m, q = left[0], left[1], left[2]
    for j in range(pr.shape[0]):
        a, b = pr[j] * p, pi[j] * p
        d, e = mr[j] * m, -mi[j] * m
        s, t = zr[j] * q, zi[j] * q
        x = c[0, j] * a - c[1, j] * b + c[2, j] * d - c[3, j] * e + c[4, j] * s - c[5, j] * t
        y = c[0, j] * b + c[1, j] * a + c[2, j] * e + c[3, j] * d + c[4, j] * t + c[5, j] * s
        u = c[2, j] * a + c[3, j] * b + c[0, j] * d + c[1, j] * e + c[4, j] * s + c[5, j] * t
        w = c[2, j] * b - c[3, j] * a + c[0, j] * e - c[1, j] * d + c[4, j] * t - c[5, j] * s
        zr[j] = c[6, j] * (a + d) - c[7, j] * (b - e) + c[8, j] * s
        zi[j] = c[6, j] * (b + e) + c[7, j] * (a - d) + c[8, j] * t
        pr[j] = x
        pi[j] = y
        mr[j] = u
        mi[j] = -w
        p2 = max(p2, x * x + y * y)
        m2 = max(m2, u * u + w * w)
        z2 = max(z2, zr[j] * zr[j] + zi[j] * zi[j])
    peak[0], peak[1], peak[2] = p2, m2, z2


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _advance(f, nf, z, nz, move, shift, tensor, path, spread):
    """An interval: k of F moves and k of Z stays. See `fullbore.simulate.diffusion` for what that leaves of them."""
    diffuses = tensor[0, 0] + tensor[1, 1] + tensor[2, 2] > 0
    for i in range(nf):
        if diffuses:
            lost = _quadratic(tensor, f.key[i], f.key[i]) * move[3] + 2 * _quadratic(tensor, f.key[i], path) + spread
            f.left[i] = np.exp(-max(lost, 0.0))
        f.h[i] += shift
        for a in range(4):
            f.key[i, a] += move[a]
    if diffuses:
        for i in range(nz):
            z.left[i] = np.exp(-_quadratic(tensor, z.key[i], z.key[i]) * move[3])


@numba.njit(cache=True, nogil=True)
@no_type_check
def _quadratic(tensor, left, right):
    total = 0.0
    for a in range(3):
        for b in range(3):
            total += left[a] * tensor[a, b] * right[b]
    return total


@numba.njit(cache=True, nogil=True)
@no_type_check
def _take(store, rows, slot, n, nfree):
    """Give orbit n a zeroed row where it has none; returns how many rows stay free."""
    if rows[n, slot] < 0:
        nfree -= 1
        row = store.free[nfree]
        store.re[row] = 0
        store.im[row] = 0
        rows[n, slot] = row
    return nfree


@numba.njit(cache=True, nogil=True)
@no_type_check
def _act(c, f, z, orbit, orbits, nff, nzf, prune):
    """A pulse on all orbits; keeps the Z states above `prune`. Returns (free F rows, free Z rows, Z states)."""
    rows, peak = orbit.rows, np.zeros(3, np.float32)
    nff = _take(f, rows, 0, 0, nff)
    _mix_zero(c, f.re[rows[0, 0]], f.im[rows[0, 0]], z.re[rows[0, 2]], orbit.left[0], peak)
    orbit.peak[0, 0] = peak[0]
    nz = 1
    for i in range(1, orbits):
        nff = _take(f, rows, 0, i, nff)
        nff = _take(f, rows, 1, i, nff)
        nzf = _take(z, rows, 2, i, nzf)
        p, m, s = rows[i, 0], rows[i, 1], rows[i, 2]
        _mix(c, f.re[p], f.im[p], f.re[m], f.im[m], z.re[s], z.im[s], orbit.left[i], peak)
        orbit.peak[i, 0], orbit.peak[i, 1] = peak[0], peak[1]
        if peak[2] > prune:
            _put(z, nz, orbit.h[i], orbit.key[i], s, peak[2], 1.0)
            nz += 1
        else:
            z.free[nzf] = s
            nzf += 1
    return nff, nzf, nz


@numba.njit(cache=True, nogil=True)
@no_type_check
def _put(store, i, h, key, row, peak, sign):
    store.h[i], store.row[i], store.left[i], store.peak[i] = sign * h, row, 1.0, peak
    for a in range(4):
        store.key[i, a] = sign * key[a]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _sort(f, orbit, orbits, nff, prune):
    """F states above `prune` in rising h: the F(-k) backwards, F(0), the F(k). Returns (states, free rows)."""
    negative = 0
    for i in range(1, orbits):
        negative += orbit.peak[i, 1] > prune
    below, n = negative, negative + 1
    _put(f, below, 0.0, orbit.key[0], orbit.rows[0, 0], orbit.peak[0, 0], 1.0)
    for i in range(1, orbits):
        if orbit.peak[i, 1] > prune:
            below -= 1
            _put(f, below, orbit.h[i], orbit.key[i], orbit.rows[i, 1], orbit.peak[i, 1], -1.0)
        else:
            f.free[nff] = orbit.rows[i, 1]
            nff += 1
        if orbit.peak[i, 0] > prune:
            _put(f, n, orbit.h[i], orbit.key[i], orbit.rows[i, 0], orbit.peak[i, 0], 1.0)
            n += 1
        else:
            f.free[nff] = orbit.rows[i, 0]
            nff += 1
    return n, nff


@numba.njit(cache=True, nogil=True)
@no_type_check
def _record(rows, low, high, reference, cut, weakest, f, nf, count, out_row, out_key, out_value):
    """Write down every state that any sample of these readouts can see."""
    for r in range(rows[0], rows[1]):
        for i in range(nf):
            if f.peak[i] < weakest:
                continue
            seen = True
            for a in range(3):
                d = f.key[i, a] - reference[r, a]
                seen = seen and low[r, a] + d <= cut[a] and high[r, a] + d >= -cut[a]
            if not seen:
                continue
            if count < out_row.shape[0]:
                out_row[count] = r
                for a in range(3):
                    out_key[count, a] = f.key[i, a] - reference[r, a]
                out_key[count, 3] = f.key[i, 3]
                for j in range(f.re.shape[1]):
                    out_value[count, j] = complex(f.re[f.row[i], j], f.im[f.row[i], j])
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
@no_type_check
def run_states(
    terms, kind, phase, e1, e2, move, shift, tensor, path, spread, rows, low, high, reference, cut,
    prune, weakest, crowd, eps, capacity, out_row, out_key, out_value,
):  # fmt: skip
    """All pulses; returns (records wanted, most states held), or (-1, n) when `capacity` rows do not hold the states.

    terms: float32 (kind, 12, class). kind, phase, e1, e2, shift: (pulse,), interval before the pulse; move: (pulse, 4).
    tensor: (3, 3), 4 pi^2 times the diffusion tensor; path: (pulse, 3), spread: (pulse,) its product with the interval's.
    rows: (pulse, 2) first and last + 1 readout after it. low, high, reference: (row, 3). cut: (3,).
    crowd: above so many states the threshold rises, doubling in magnitude from pulse to pulse until they are fewer.
    out_row, out_key (record, 4), out_value (record, class): filled as far as they reach.
    """
    classes = terms.shape[2]
    f, z = _store(capacity, classes), _store(capacity, classes)
    orbit = Orbits(
        np.zeros(capacity), np.zeros((capacity, 4)), np.ones((capacity, 3), np.float32), np.zeros((capacity, 3), np.int64),
        np.zeros((capacity, 2), np.float32),
    )  # fmt: skip
    c = np.zeros((12, classes), np.float32)
    nff, nzf = capacity, capacity - 1
    z.row[0] = z.free[nzf]
    z.re[z.row[0]] = 1
    nf, nz, count, most, faintest = 0, 1, 0, 0, prune
    for n in range(kind.shape[0]):
        if 3 * (nf + nz) + 4 > capacity:
            return -1, nf + nz
        _advance(f, nf, z, nz, move[n], shift[n], tensor, path[n], spread[n])
        _coefficients(terms[kind[n]], phase[n], e1[n], e2[n], c)
        orbits = _pair(f, nf, z, nz, eps, orbit)
        nff, nzf, nz = _act(c, f, z, orbit, orbits, nff, nzf, prune)
        nf, nff = _sort(f, orbit, orbits, nff, prune)
        most = max(most, nf + nz)
        prune = 4 * prune if nf + nz > crowd else max(prune / 4, faintest)
        if rows[n, 1] > rows[n, 0]:
            count = _record(rows[n], low, high, reference, cut, weakest, f, nf, count, out_row, out_key, out_value)
    return count, most
