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
    k = abs(kc)
    root = math.sqrt(p)
    pp, cc, ss, em = root, c, s / root, 1.0
    f = cc
    cc += ss / pp
    g = k / pp
    ss = 2 * (ss + f * g)
    pp += g
    g = em
    em += k
    kk = k
    while abs(g - k) > g * _PRECISION:
        k = 2 * math.sqrt(kk)
        kk = k * em
        f = cc
        cc += ss / pp
        g = kk / pp
        ss = 2 * (ss + f * g)
        pp += g
        g = em
        em += k
    return math.pi / 2 * (ss + cc * em) / (em * (em + pp))
