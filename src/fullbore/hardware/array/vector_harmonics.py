"""Vector spherical harmonics: the angular part of every field in a sphere."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float, Int


def mode_orders(order: int) -> tuple[Int[np.ndarray, " mode"], Int[np.ndarray, " mode"]]:
    """Degree l = 1..order and m = -l..l of the modes, l slowest; order * (order + 2) of them."""
    degrees = np.repeat(np.arange(1, order + 1), 2 * np.arange(1, order + 1) + 1)
    return degrees, np.concatenate([np.arange(-n, n + 1) for n in range(1, order + 1)])


def spherical_harmonics(order: int, points_m: Float[np.ndarray, "p 3"]) -> Complex[np.ndarray, "mode p"]:
    """Y_lm, orthonormal on the unit sphere, with the Condon-Shortley phase, in the order of `mode_orders`.

    Stable upward recursion in l of the normalised Legendre functions. Source: Jackson, Classical Electrodynamics, 3.5.
    """
    radius = np.linalg.norm(points_m, axis=1)
    safe = np.where(radius > 0, radius, 1.0)
    cosine = np.where(radius > 0, points_m[:, 2] / safe, 1.0)
    turning = (points_m[:, 0] + 1j * points_m[:, 1]) / safe  # sin(theta) exp(i phi)
    out = np.zeros((order * (order + 2), len(points_m)), np.complex128)
    diagonal = np.full(len(points_m), np.sqrt(1 / (4 * np.pi)), np.complex128)
    for m in range(order + 1):
        if m:
            diagonal = -np.sqrt((2 * m + 1) / (2 * m)) * turning * diagonal
        before, now = np.zeros_like(diagonal), diagonal
        for n in range(m, order + 1):
            if n > m:
                grow = np.sqrt((4 * n * n - 1) / (n * n - m * m))
                shrink = np.sqrt(((n - 1) ** 2 - m * m) / (4 * (n - 1) ** 2 - 1))
                before, now = now, grow * (cosine * now - shrink * before)
            if n:
                out[n * n + n - 1 + m] = now
                out[n * n + n - 1 - m] = (-1) ** m * now.conj()
    return out


def transverse_harmonics(order: int, scalar: Complex[np.ndarray, "mode p"]) -> Complex[np.ndarray, "mode p xyz=3"]:
    """X_lm = L Y_lm / sqrt(l(l+1)), L = -i r x grad, in Cartesian components, from Y_lm by ladder operators.

    Orthonormal over the unit sphere and perpendicular to r. Source: Jackson, 9.119 and 9.104.
    """
    degrees, ms = mode_orders(order)
    root = np.sqrt(degrees * (degrees + 1.0))[:, None]
    raised, lowered = np.zeros_like(scalar), np.zeros_like(scalar)
    up, down = np.flatnonzero(ms < degrees), np.flatnonzero(ms > -degrees)
    raised[up] = np.sqrt((degrees - ms) * (degrees + ms + 1.0))[up, None] * scalar[up + 1]
    lowered[down] = np.sqrt((degrees + ms) * (degrees - ms + 1.0))[down, None] * scalar[down - 1]
    parts = ((raised + lowered) / 2, (raised - lowered) / 2j, ms[:, None] * scalar)
    return np.stack([part / root for part in parts], axis=-1)
