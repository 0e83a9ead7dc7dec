"""The complete elliptic integral from which every field of circular currents is made."""

from __future__ import annotations

import math
from typing import no_type_check

import numba

_PRECISION = 1e-9  # of the arithmetic-geometric mean, which doubles its digits with each step


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def cel(kc: float, p: float, c: float, s: float) -> float:
    """Integral from 0 to pi/2 of (c cos^2 + s sin^2) / ((cos^2 + p sin^2) sqrt(cos^2 + kc^2 sin^2)); kc > 0, p > 0.

    K = cel(kc, 1, 1, 1), E = cel(kc, 1, 1, kc^2). Error: 1e-15 of the largest term.
    Source: Bulirsch 1965, Numer. Math. 7:78 and 353; as in Derby and Olbert 2010, Am. J. Phys. 78:229.
    """
    root = math.sqrt(p)
    pp, cc, ss = root, c, s / root
    k, kk, em = abs(kc), abs(kc), 1.0
    while True:
        f = cc
        cc += ss / pp
        g = kk / pp
        ss = 2 * (ss + f * g)
        pp += g
        g = em
        em += k
        if abs(g - k) <= g * _PRECISION:
            return math.pi / 2 * (ss + cc * em) / (em * (em + pp))
        k = 2 * math.sqrt(kk)
        kk = k * em


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def cel_two(kc: float, one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """cel(kc, 1, *one) and cel(kc, 1, *other), which share their means."""
    pp, c1, s1, c2, s2 = 1.0, one[0], one[1], other[0], other[1]
    k, kk, em = abs(kc), abs(kc), 1.0
    while True:
        f1, f2 = c1, c2
        c1 += s1 / pp
        c2 += s2 / pp
        g = kk / pp
        s1, s2 = 2 * (s1 + f1 * g), 2 * (s2 + f2 * g)
        pp += g
        g = em
        em += k
        if abs(g - k) <= g * _PRECISION:
            scale = math.pi / 2 / (em * (em + pp))
            return scale * (s1 + c1 * em), scale * (s2 + c2 * em)
        k = 2 * math.sqrt(kk)
        kk = k * em
