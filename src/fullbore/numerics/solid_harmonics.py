"""Regular solid harmonics: r^l P_l^m(cos theta) cos or sin(m phi), of which every field without sources in a ball is made."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import assoc_legendre_p_all


def solid_harmonic(degree: int, order: int, points: Float[np.ndarray, "*any 3"]) -> Float[np.ndarray, "*any"]:
    """r^l P_l^|m|(cos theta) times cos(m phi), for order < 0 sin(|m| phi); without the Condon-Shortley phase.

    (1, 0), (1, 1), (1, -1) are z, x and y; (2, 0) is z^2 - (x^2 + y^2) / 2; (2, 2) is 3 (x^2 - y^2).
    """
    x, y, z = np.moveaxis(points, -1, 0)
    phase = abs(order) * np.arctan2(y, x)
    return meridian_harmonic(degree, abs(order), np.hypot(x, y), z) * (np.sin(phase) if order < 0 else np.cos(phase))


def meridian_harmonic(degree: int, order: int, r: Float[np.ndarray, "*any"], z: Float[np.ndarray, "*any"]) -> np.ndarray:
    """rho^l P_l^m(cos theta) at distance r from the axis and height z."""
    rho = np.hypot(r, z)
    cosine = np.divide(z, rho, out=np.zeros_like(rho), where=rho > 0)
    # scipy's P carries the phase (-1)^m
    legendre = assoc_legendre_p_all(degree, order, cosine)[0, degree, order]
    return np.asarray((-1.0) ** order * rho**degree * legendre)
