"""Vector spherical harmonics and the radial functions that go with them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.special import hankel2, jv


class Harmonics(NamedTuple):
    """Scalar harmonics and their surface gradients at points: (mode, point).

    value: Y_lm, orthonormal, with the phase of Condon and Shortley. theta, phi: components of r grad Y / sqrt(l (l + 1)).
    """

    value: Complex[np.ndarray, "mode p"]
    theta: Complex[np.ndarray, "mode p"]
    phi: Complex[np.ndarray, "mode p"]


def mode_list(degree: int, orders: tuple[int, ...] | None = None) -> tuple[Int[np.ndarray, " mode"], Int[np.ndarray, " mode"]]:
    """Degrees l = 1..degree and orders m of the modes, m slowest; orders: those wanted, None for all."""
    wanted = range(-degree, degree + 1) if orders is None else sorted(set(orders))
    pairs = [(n, m) for m in wanted for n in range(max(1, abs(m)), degree + 1)]
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def harmonics(
    theta_rad: Float[np.ndarray, " p"], phi_rad: Float[np.ndarray, " p"], degree: int, orders: tuple[int, ...] | None = None
) -> Harmonics:
    """Harmonics of the modes of `mode_list` at directions; regular at the poles."""
    _, all_orders = mode_list(degree, orders)
    value, along, across = [], [], []
    for m in dict.fromkeys(all_orders.tolist()):
        size, sign = abs(m), (-1) ** abs(m) if m < 0 else 1
        legendre, slope, over_sine = _legendre(np.cos(theta_rad), np.sin(theta_rad), size, degree)
        wave = sign * np.exp(1j * m * phi_rad)
        norm = 1 / np.sqrt(np.arange(max(1, size), degree + 1) * (np.arange(max(1, size), degree + 1) + 1.0))[:, None]
        value.append(legendre * wave)
        along.append(norm * slope * wave)
        across.append(1j * m * norm * over_sine * wave)
    return Harmonics(np.concatenate(value), np.concatenate(along), np.concatenate(across))


def _legendre(
    cosine: Float[np.ndarray, " p"], sine: Float[np.ndarray, " p"], order: int, degree: int
) -> tuple[Float[np.ndarray, "l p"], Float[np.ndarray, "l p"], Float[np.ndarray, "l p"]]:
    """Orthonormal P_lm(cos theta), its slope with theta, and P_lm / sin theta, for l = max(1, order)..degree."""
    if order == 0:
        first, _, _ = _legendre(cosine, sine, 1, degree)
        table = _upward(cosine, np.full_like(cosine, np.sqrt(1 / (4 * np.pi))), 0, degree)
        steps = np.arange(1, degree + 1)
        return table[1:], np.sqrt(steps * (steps + 1.0))[:, None] * first, np.zeros_like(first)
    start = np.sqrt(1 / (4 * np.pi)) * (-1.0) ** order
    for step in range(1, order + 1):
        start *= np.sqrt((2 * step + 1) / (2 * step))
    over_sine = _upward(cosine, start * sine ** (order - 1), order, degree)
    steps = np.arange(order, degree + 1)[:, None]
    below = np.concatenate([np.zeros_like(over_sine[:1]), over_sine[:-1]])
    factor = np.sqrt((2 * steps + 1.0) * (steps**2 - order**2) / (2 * steps - 1.0))
    return over_sine * sine, steps * cosine * over_sine - factor * below, over_sine


def _upward(cosine: Float[np.ndarray, " p"], start: Float[np.ndarray, " p"], order: int, degree: int) -> Float[np.ndarray, "l p"]:
    """The three-term recursion in degree, from l = order."""
    rows = [start]
    for n in range(order + 1, degree + 1):
        factor = np.sqrt((4.0 * n * n - 1) / (n * n - order * order))
        last = factor * cosine * rows[-1]
        if n > order + 1:
            last -= factor * np.sqrt(((n - 1.0) ** 2 - order * order) / (4.0 * (n - 1) ** 2 - 1)) * rows[-2]
        rows.append(last)
    return np.stack(rows)


def radial(
    x: Complex[np.ndarray, " p"], degree: int, outgoing: bool
) -> tuple[Complex[np.ndarray, "l p"], Complex[np.ndarray, "l p"]]:
    """Spherical Bessel z_l(x) and (x z_l)' / x for l = 1..degree: j_l, or h_l of the second kind (outgoing)."""
    orders = np.arange(degree + 1)[:, None] + 0.5
    function = hankel2 if outgoing else jv
    z = np.sqrt(np.pi / (2 * x)) * function(orders, x)
    steps = np.arange(1, degree + 1)[:, None]
    return z[1:], z[:-1] - steps * z[1:] / x
