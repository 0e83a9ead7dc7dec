"""Numba kernel: the walks of a block of spins, drawn by counters, so that a spin's walk is the same in any block and thread."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

TOGETHER = 64
"""Spins of consecutive numbers share each of their draws: a lattice of so many points with a random shift and order, every
spin's own draws independent and Gaussian, and their sum nearly that of the distribution itself."""


@numba.njit(inline="always")
@no_type_check
def _mixed(x):
    """Source: Steele, Lea, Flood 2014 (OOPSLA), splitmix64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@numba.njit(inline="always")
@no_type_check
def _normal(u):
    """The Gaussian's quantile, to 1e-7. Source: Wichura 1988 (Applied Statistics 37:477), PPND7."""
    q = u - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        above = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
        return q * above / (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0)
    r = np.sqrt(-np.log(u if q < 0 else 1.0 - u))
    if r <= 5.0:
        r -= 1.6
        above = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
        found = above / ((0.12021132975 * r + 0.73700164250) * r + 1.0)
    else:
        r -= 5.0
        above = ((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150
        found = above / ((0.012258202635 * r + 0.24197894225) * r + 1.0)
    return -found if q < 0 else found


@numba.njit(inline="always")
@no_type_check
def _draw(key, number):
    """One draw of a spin; key: of the seed, the event and which of its draws."""
    group, place = np.uint64(number >> 6), np.uint64(number & 63)
    h = _mixed(_mixed(key + (group + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)))
    turned = (
        (place ^ ((h >> np.uint64(5)) & np.uint64(63))) * (((h & np.uint64(31)) << np.uint64(1)) | np.uint64(1))
    ) & np.uint64(63)
    u = (float(h >> np.uint64(12)) + 0.5) / 4503599627370496.0 + float(turned) / 64.0
    return _normal(u - 1.0 if u >= 1.0 else u)


@numba.njit(inline="always")
@no_type_check
def _key(seed, event, which):
    """Of a draw: 0 to 2 the three steps, 3 the bridge."""
    return _mixed(np.uint64(seed) + np.uint64(4 * event + which + 1) * np.uint64(0xD1B54A32D192ED03))


@numba.njit(cache=True, nogil=True)
@no_type_check
def draws(seed, event, number, out):
    """out: (4, n), the draws of spins of these numbers for one event."""
    for which in range(4):
        key = _key(seed, event, which)
        for n in range(number.shape[0]):
            out[which, n] = _draw(key, number[n])


@numba.njit(cache=True, nogil=True)
@no_type_check
def _coefficients(length, moment, path, spread, heard, shape, out):
    """What each of the tables (k, 3, part) makes of a stretch: out (k, 10): start's 3, step's 3, the bridge, the picture's 3."""
    parts = moment.shape[0]
    for k in range(shape.shape[0]):
        bridge = 0.0
        for c in range(3):
            m, p, q = 0.0, 0.0, 0.0
            for i in range(parts):
                a = shape[k, c, i]
                m += a * moment[i]
                p += a * path[i]
                q += a * heard[i]
                row = 0.0
                for j in range(parts):
                    row += spread[i, j] * shape[k, c, j]
                bridge += a * row
            if length > 0:
                bridge -= p * p / length
                p /= length
            out[k, c], out[k, 3 + c], out[k, 7 + c] = m, m - p, q
        out[k, 6] = np.sqrt(max(2.0 * bridge, 0.0))


@numba.njit(cache=True, nogil=True)
@no_type_check
def walk(seed, first, is_pulse, length, moment, path, spread, heard, shape, of, number, state, out):
    """Turns that walks add between pulses, and from pulses to the middle of readouts.

    first: number of the first event; is_pulse, length, moment, path, spread, heard: (event, ...) as `WalkClock` has them.
    shape: (k, 3, part), the bore's shapes along the three steps of unit variance per 2 s; of: (n,) which of them is a spin's.
    number: (n,). state: float32 (4, n), a spin's place in such steps and the turns since the last pulse; goes on.
    out: float32 (event, n).
    """
    table = np.empty((shape.shape[0], 10))
    for e in range(length.shape[0]):
        _coefficients(length[e], moment[e], path[e], spread[e], heard[e], shape, table)
        one, two, three, four = (
            _key(seed, first + e, 0),
            _key(seed, first + e, 1),
            _key(seed, first + e, 2),
            _key(seed, first + e, 3),
        )
        step = np.sqrt(2.0 * max(length[e], 0.0))
        bridged = table[:, 6].max() > 0.0
        for n in range(of.shape[0]):
            k = of[n]
            x, y, z = state[0, n], state[1, n], state[2, n]
            a, b, c = step * _draw(one, number[n]), step * _draw(two, number[n]), step * _draw(three, number[n])
            turned = state[3, n] + table[k, 0] * x + table[k, 1] * y + table[k, 2] * z
            turned += table[k, 3] * a + table[k, 4] * b + table[k, 5] * c
            if bridged:
                turned += table[k, 6] * _draw(four, number[n])
            x, y, z = x + a, y + b, z + c
            turned -= np.rint(turned)
            seen = turned - table[k, 7] * x - table[k, 8] * y - table[k, 9] * z
            out[e, n] = seen - np.rint(seen)
            state[0, n], state[1, n], state[2, n] = x, y, z
            state[3, n] = 0.0 if is_pulse[e] else turned
