"""Numba kernels: propagators of many pulses as polynomials about a common one, spin by spin."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

CHUNK = 128
"""Spins whose coefficients stay in the fastest memory while all pulses pass: a constant, so that compilers see it."""


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def find_ranges(place, course, middle, half):
    """What the courses (row, way, part) span at each spin's place (part, n): the middle and half of it, (way, n)."""
    low, high = np.empty(CHUNK), np.empty(CHUNK)
    for a in range(course.shape[1]):
        for first in range(0, place.shape[1], CHUNK):
            size = min(CHUNK, place.shape[1] - first)
            low[:], high[:] = np.inf, -np.inf
            for k in range(course.shape[0]):
                for n in range(size):
                    value = 0.0
                    for c in range(course.shape[2]):
                        value += course[k, a, c] * place[c, first + n]
                    low[n], high[n] = min(low[n], value), max(high[n], value)
            for n in range(size):
                middle[a, first + n] = 0.5 * (low[n] + high[n])
                half[a, first + n] = 0.5 * (high[n] - low[n])


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _monomials(course, place, middle, inverse, parent, way, x, power):
    """Rows of `CHUNK` spins: x = (course . place - middle) inverse of each way, and all monomials of them but the first."""
    for a in range(course.shape[0]):
        own, mid, scale = x[a * CHUNK :], middle[a * CHUNK :], inverse[a * CHUNK :]
        for n in range(CHUNK):
            own[n] = -mid[n]
        for c in range(course.shape[1]):
            factor, where = course[a, c], place[c * CHUNK :]
            for n in range(CHUNK):
                own[n] += factor * where[n]
        for n in range(CHUNK):
            own[n] *= scale[n]
    for j in range(1, parent.shape[0]):
        new, old, own = power[j * CHUNK :], power[parent[j] * CHUNK :], x[way[j] * CHUNK :]
        for n in range(CHUNK):
            new[n] = old[n] * own[n]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _cut(rows, first, size, out):
    """A chunk of spins of each row, one row after the other; what it lacks in length is zero."""
    out[:] = 0.0
    for r in range(rows.shape[0]):
        for n in range(size):
            out[r * CHUNK + n] = rows[r, first + n]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _eight(x, y, out):
    """Add to `out` the products of eight rows of x and of y. Indices from zero on are what compilers can lay side by side."""
    for n in range(out.shape[0]):
        out[n] += (
            x[n] * y[n]
            + x[n + CHUNK] * y[n + CHUNK]
            + x[n + 2 * CHUNK] * y[n + 2 * CHUNK]
            + x[n + 3 * CHUNK] * y[n + 3 * CHUNK]
            + x[n + 4 * CHUNK] * y[n + 4 * CHUNK]
            + x[n + 5 * CHUNK] * y[n + 5 * CHUNK]
            + x[n + 6 * CHUNK] * y[n + 6 * CHUNK]
            + x[n + 7 * CHUNK] * y[n + 7 * CHUNK]
        )


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def expand(place, course, middle, inverse, parent, way, coefficient, rows, out):
    """Values out[rows[k]] (term of the propagator, n) of sum over j of monomial j times coefficient (term * monomial, n).

    place: float32 (part, n); course: float32 (row, way, part); middle, inverse: float32 (way, n), so that x is at most 1.
    Monomial 0 is 1; monomial j is parent[j] times x along way[j]; their number is a multiple of eight.
    """
    count, terms = parent.shape[0], out.shape[1]
    x, power = np.empty(course.shape[1] * CHUNK, np.float32), np.ones(count * CHUNK, np.float32)
    here, centre, scale = np.empty(place.shape[0] * CHUNK, np.float32), np.empty_like(x), np.empty_like(x)
    factor = np.empty(count * terms * CHUNK, np.float32)
    for first in range(0, place.shape[1], CHUNK):
        size = min(CHUNK, place.shape[1] - first)
        _cut(place, first, size, here)
        _cut(middle, first, size, centre)
        _cut(inverse, first, size, scale)
        _cut(coefficient, first, size, factor)
        for k in range(course.shape[0]):
            _monomials(course[k], here, centre, scale, parent, way, x, power)
            for t in range(terms):
                own = out[rows[k], t, first : first + size]
                own[:] = 0.0
                for j in range(0, count, 8):
                    _eight(power[j * CHUNK :], factor[(t * count + j) * CHUNK :], own)
