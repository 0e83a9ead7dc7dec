"""How strongly a semisolid absorbs radio frequency at an offset: absorption lineshapes g(offset), in seconds.

A semisolid's longitudinal magnetisation is saturated at the rate pi omega1^2 g. A lineshape's integral over the angular
frequency is 1. Source: Henkelman et al. 1993 (Magn Reson Med 29, 759); Morrison and Henkelman 1995 (33, 475).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.errors import ValueRangeError

CUT_HZ = 1500.0
"""The super-Lorentzian has a pole on resonance, which tissue has not; nearer than this it is continued smoothly."""

_SPLIT = 0.4
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def lorentzian(offset_Hz: Float[np.ndarray, "*n"], t2_s: float) -> Float[np.ndarray, "*n"]:
    """T2 / pi / (1 + (2 pi offset T2)^2), in s: a semisolid like agar, or a slow liquid."""
    return np.asarray(t2_s / np.pi / (1 + (2 * np.pi * offset_Hz * t2_s) ** 2))


def gaussian(offset_Hz: Float[np.ndarray, "*n"], t2_s: float) -> Float[np.ndarray, "*n"]:
    """T2 / sqrt(2 pi) exp(-(2 pi offset T2)^2 / 2), in s: gels."""
    return np.asarray(t2_s / np.sqrt(2 * np.pi) * np.exp(-0.5 * (2 * np.pi * offset_Hz * t2_s) ** 2))


def super_lorentzian(offset_Hz: Float[np.ndarray, "*n"], t2_s: float) -> Float[np.ndarray, "*n"]:
    """Dipolar-coupled lines of all orientations, in s: tissue. T2 is about 10 us.

    g = integral over u from 0 to 1 of sqrt(2 / pi) T2 / |3 u^2 - 1| exp(-2 (2 pi offset T2 / (3 u^2 - 1))^2).
    Within `CUT_HZ` of resonance the parabola that goes on with the same value and slope: 1.5e-5 s on resonance for 12 us, where
    Gloor et al. 2008 (Magn Reson Med 60, 691), who extrapolate too, have 1.4e-5 s. Quadrature: within 1e-9 of g.
    Errors: ValueRangeError when t2_s is not positive.
    """
    if not t2_s > 0:
        raise ValueRangeError(f"super_lorentzian, t2_s: got {t2_s}, wanted more than 0 s. Take about 1e-5 s.")
    x = np.abs(np.atleast_1d(offset_Hz)) / CUT_HZ
    result = np.empty(x.shape)
    far = x >= 1
    result[far] = t2_s * _powder_average(2 * np.pi * CUT_HZ * t2_s * x[far])
    result[~far] = t2_s * np.polynomial.polynomial.polyval(x[~far] ** 2, _continuation(2 * np.pi * CUT_HZ * t2_s))
    return result.reshape(np.shape(offset_Hz))


def _continuation(x_cut: float) -> Float[np.ndarray, " 2"]:
    """Coefficients of 1 and x^2 (x = 1 at the cut) from the average's value and slope there."""
    step = 0.02
    value = _powder_average(x_cut * (1 + step * np.arange(-3, 4)))
    slope = (value[6] - value[0] - 9 * (value[5] - value[1]) + 45 * (value[4] - value[2])) / 60 / step
    return np.array([value[3] - 0.5 * slope, 0.5 * slope])


def _powder_average(x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The integral above over T2, for x = 2 pi |offset| T2 > 0.

    Gauss-Legendre: in u far from the magic angle, in log |3 u^2 - 1| near it, where the integrand is smooth.
    """
    node, weight = 0.5 * (_NODES + 1), 0.5 * _WEIGHTS
    v = 1 - 3 * (_SPLIT * node) ** 2
    total = (_SPLIT * weight / v * np.exp(-2 * (x[:, None] / v) ** 2)).sum(axis=1)
    for side, widest in ((-1, 1 - 3 * _SPLIT**2), (1, 2.0)):
        reach = np.log(np.maximum(6 * widest / x, 1.0))[:, None]  # further on the exponential is below 1e-31
        v = widest * np.exp(-reach * node)
        total += (reach * weight / (2 * np.sqrt(3 * (1 + side * v))) * np.exp(-2 * (x[:, None] / v) ** 2)).sum(axis=1)
    return np.asarray(np.sqrt(2 / np.pi) * total)
