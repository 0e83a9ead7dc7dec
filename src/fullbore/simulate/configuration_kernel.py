"""Numba kernel: configuration states of one tissue through all pulses, many classes side by side.

A state is F(k), the part of M+ that varies as exp(-2 pi i k.r), or Z(k) of Mz, with Z(-k) = conj Z(k); k has a fourth
component, the time tau for which off-resonance has acted. A scalar hash h of the key orders the states: F is kept sorted
by h, Z by h >= 0. A gradient moment adds one number to all of F and keeps the order, so the pairs F(k), F(-k), Z(k) that a
pulse mixes are found by one linear merge. Arrays of values are float32 pairs (row, class).
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
@no_type_check
def _pair(nf, hf, vf, rf, wf, nz, hz, vz, rz, wz, eps, h, v, w, rows):
    """Orbits (k, F(k) row, F(-k) row, Z(k) row; -1 if absent) in rising h; orbit 0 is k = 0. w: least wear of its members."""
    up = 0
    while up < nf and hf[up] < -eps:
        up += 1
    down = up - 1
    h[0] = 0.0
    v[0] = 0.0
    w[0] = 0.0
    rows[0, 0], rows[0, 1], rows[0, 2] = -1, -1, rz[0]
    if up < nf and hf[up] <= eps:
        rows[0, 0] = rf[up]
        up += 1
    z, n = 1, 1
    while up < nf or down >= 0 or z < nz:
        low = np.inf
        if up < nf:
            low = hf[up]
        if down >= 0 and -hf[down] < low:
            low = -hf[down]
        if z < nz and hz[z] < low:
            low = hz[z]
        h[n] = low
        rows[n] = -1
        w[n] = np.inf
        if z < nz and hz[z] <= low + eps:
            rows[n, 2] = rz[z]
            v[n] = vz[z]
            w[n] = wz[z]
            z += 1
        if down >= 0 and -hf[down] <= low + eps:
            rows[n, 1] = rf[down]
            v[n] = -vf[down]
            w[n] = min(w[n], wf[down])
            down -= 1
        if up < nf and hf[up] <= low + eps:
            rows[n, 0] = rf[up]
            v[n] = vf[up]
            w[n] = min(w[n], wf[up])
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
def _mix_zero(c, fr, fi, zr, peak):
    best = np.float32(0)
    for j in range(fr.shape[0]):
        a, b, z = fr[j], fi[j], zr[j]
        x = c[0, j] * a - c[1, j] * b + c[2, j] * a + c[3, j] * b + c[4, j] * z + c[9, j]
        y = c[0, j] * b + c[1, j] * a + c[3, j] * a - c[2, j] * b + c[5, j] * z + c[10, j]
        zr[j] = np.float32(2) * (c[6, j] * a - c[7, j] * b) + c[8, j] * z + c[11, j]
        fr[j] = x
        fi[j] = y
        best = max(best, x * x + y * y)
    peak[0] = best


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _mix(c, pr, pi, mr, mi, zr, zi, peak):
    """One orbit through a pulse, in place; peak: largest |F(k)|^2, |F(-k)|^2, |Z(k)|^2 over the classes."""
    p2, m2, z2 = np.float32(0), np.float32(0), np.float32(0)
    for j in range(pr.shape[0]):
        a, b = pr[j], pi[j]
        d, e = mr[j], -mi[j]
        s, t = zr[j], zi[j]
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
def _wear(nf, vf, wf, nz, vz, wz, move, wear):
    """Add wear * integral of |k|^2 over an interval in which k of F moves evenly and k of Z stays."""
    rate = wear * move[3]
    for i in range(nf):
        total = 0.0
        for a in range(3):
            total += vf[i, a] * (vf[i, a] + move[a]) + move[a] * move[a] / 3
        wf[i] += rate * total
    for i in range(nz):
        wz[i] += rate * (vz[i, 0] * vz[i, 0] + vz[i, 1] * vz[i, 1] + vz[i, 2] * vz[i, 2])


@numba.njit(cache=True, nogil=True)
@no_type_check
def _take(rows, slot, n, free, nfree, re, im):
    """Give orbit n a zeroed row where it has none; returns how many rows stay free."""
    if rows[n, slot] < 0:
        nfree -= 1
        row = free[nfree]
        re[row] = 0
        im[row] = 0
        rows[n, slot] = row
    return nfree


@numba.njit(cache=True, nogil=True)
@no_type_check
def _record(rows, low, high, reference, cut, weakest, nf, vf, rf, pf, fr, fi, count, out_row, out_key, out_value):
    """Write down every state that any sample of these readouts can see."""
    for r in range(rows[0], rows[1]):
        for i in range(nf):
            if pf[i] < weakest:
                continue
            seen = True
            for a in range(3):
                d = vf[i, a] - reference[r, a]
                seen = seen and low[r, a] + d <= cut[a] and high[r, a] + d >= -cut[a]
            if not seen:
                continue
            if count < out_row.shape[0]:
                out_row[count] = r
                for a in range(3):
                    out_key[count, a] = vf[i, a] - reference[r, a]
                out_key[count, 3] = vf[i, 3]
                for j in range(fr.shape[1]):
                    out_value[count, j] = complex(fr[rf[i], j], fi[rf[i], j])
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
@no_type_check
def run_states(
    terms, kind, phase, e1, e2, move, shift, rows, low, high, reference, cut,
    prune, weakest, wear, crowd, eps, capacity, out_row, out_key, out_value,
):  # fmt: skip
    """All pulses; returns (records wanted, most states held), or (-1, n) when `capacity` rows do not hold the states.

    terms: float32 (kind, 12, class). kind, phase, e1, e2, shift: (pulse,), interval before the pulse; move: (pulse, 4).
    rows: (pulse, 2) first and last + 1 readout after it. low, high, reference: (row, 3). cut: (3,).
    crowd: above so many states the threshold rises, doubling in magnitude from pulse to pulse until they are fewer.
    wear: 1 / (m^-2 s): a state is let go once the integral of |k|^2 dt over its path exceeds 1 / wear.
    out_row, out_key (record, 4), out_value (record, class): filled as far as they reach.
    """
    classes = terms.shape[2]
    fr, fi = np.zeros((capacity, classes), np.float32), np.zeros((capacity, classes), np.float32)
    zr, zi = np.zeros((capacity, classes), np.float32), np.zeros((capacity, classes), np.float32)
    ffree, zfree = np.arange(capacity), np.arange(capacity)
    nff, nzf = capacity, capacity - 1
    hf, vf, rf, pf = np.zeros(capacity), np.zeros((capacity, 4)), np.zeros(capacity, np.int64), np.zeros(capacity)
    hz, vz, rz = np.zeros(capacity), np.zeros((capacity, 4)), np.zeros(capacity, np.int64)
    wf, wz, w = np.zeros(capacity), np.zeros(capacity), np.zeros(capacity)
    h, v, orbit = np.zeros(capacity), np.zeros((capacity, 4)), np.zeros((capacity, 3), np.int64)
    keep = np.zeros((capacity, 2), np.float32)
    peak, c = np.zeros(3, np.float32), np.zeros((12, classes), np.float32)
    rz[0] = zfree[nzf]
    zr[rz[0]] = 1
    nf, nz, count, most = 0, 1, 0, 0
    faintest = prune
    for n in range(kind.shape[0]):
        if 3 * (nf + nz) + 4 > capacity:
            return -1, nf + nz
        _wear(nf, vf, wf, nz, vz, wz, move[n], wear)
        for i in range(nf):
            hf[i] += shift[n]
            for a in range(4):
                vf[i, a] += move[n, a]
        _coefficients(terms[kind[n]], phase[n], e1[n], e2[n], c)
        orbits = _pair(nf, hf, vf, rf, wf, nz, hz, vz, rz, wz, eps, h, v, w, orbit)
        nff = _take(orbit, 0, 0, ffree, nff, fr, fi)
        _mix_zero(c, fr[orbit[0, 0]], fi[orbit[0, 0]], zr[orbit[0, 2]], peak)
        keep[0, 0] = peak[0]
        negative, nz = 0, 1
        for i in range(1, orbits):
            nff = _take(orbit, 0, i, ffree, nff, fr, fi)
            nff = _take(orbit, 1, i, ffree, nff, fr, fi)
            nzf = _take(orbit, 2, i, zfree, nzf, zr, zi)
            p, m, z = orbit[i, 0], orbit[i, 1], orbit[i, 2]
            _mix(c, fr[p], fi[p], fr[m], fi[m], zr[z], zi[z], peak)
            if w[i] > 1.0:
                peak[:] = 0
            keep[i, 0], keep[i, 1] = peak[0], peak[1]
            if peak[2] > prune:
                hz[nz] = h[i]
                vz[nz] = v[i]
                rz[nz] = z
                wz[nz] = w[i]
                nz += 1
            else:
                zfree[nzf] = z
                nzf += 1
            if peak[1] > prune:
                negative += 1
            else:
                ffree[nff] = m
                nff += 1
        nf, below = negative + 1, negative
        hf[below], rf[below], pf[below] = 0.0, orbit[0, 0], keep[0, 0]
        vf[below] = 0.0
        wf[below] = 0.0
        for i in range(1, orbits):
            if keep[i, 1] > prune:
                below -= 1
                hf[below], rf[below], pf[below] = -h[i], orbit[i, 1], keep[i, 1]
                vf[below] = -v[i]
                wf[below] = w[i]
            if keep[i, 0] > prune:
                hf[nf], rf[nf], pf[nf] = h[i], orbit[i, 0], keep[i, 0]
                vf[nf] = v[i]
                wf[nf] = w[i]
                nf += 1
            else:
                ffree[nff] = orbit[i, 0]
                nff += 1
        most = max(most, nf + nz)
        prune = 4 * prune if nf + nz > crowd else max(prune / 4, faintest)
        if rows[n, 1] > rows[n, 0]:
            count = _record(
                rows[n], low, high, reference, cut, weakest, nf, vf, rf, pf, fr, fi, count, out_row, out_key, out_value
            )  # fmt: skip
    return count, most
