"""Zonal harmonics of Bz about the centre: loops and thin solenoids in closed form, thick solenoids by radial quadrature."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.hardware.magnet.loop import MU0

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)


def loop_harmonics(
    radius_m: Float[np.ndarray, " n"], z_m: Float[np.ndarray, " n"], order: int, reference_m: float
) -> Float[np.ndarray, "k n"]:
    """Coefficients c_0 .. c_order, T/A, of Bz = sum of c_k (rho / reference)^k P_k(cos theta), for each coaxial loop.

    Holds for rho below the distance s of the wire from the centre. c_k = mu0 sin^2(alpha) / (2 s) P'_{k+1}(cos alpha)
    (reference / s)^k with alpha the polar angle of the wire. Source: Smythe, Static and Dynamic Electricity, 7.13.
    """
    distance = np.hypot(radius_m, z_m)
    cosine = z_m / distance
    slopes = legendre_slopes(cosine, order + 1)
    powers = (reference_m / distance) ** np.arange(order + 1)[:, None]
    return np.asarray(MU0 / 2 * radius_m**2 / distance**3 * slopes[1:] * powers)


def sheet_harmonics(
    radius_m: Float[np.ndarray, " n"],
    low_m: Float[np.ndarray, " n"],
    high_m: Float[np.ndarray, " n"],
    order: int,
    reference_m: float,
) -> Float[np.ndarray, "k n"]:
    """Coefficients as of `loop_harmonics`, T per A/m, of thin solenoids: the integral of the loop's over its height.

    A loop moved by dz has c_k' = -(k + 1) c_{k+1} / reference, so c_k integrates to the loop's c_{k-1}.
    """
    ends = [loop_harmonics(radius_m, end, max(order - 1, 0), reference_m) for end in (low_m, high_m)]
    degree = np.arange(1, order + 1)[:, None]
    first = MU0 / 2 * (high_m / np.hypot(radius_m, high_m) - low_m / np.hypot(radius_m, low_m))
    higher = -reference_m / degree * (ends[1] - ends[0])[:order]
    return np.concatenate([first[None], higher])


def solenoid_harmonics(sections: Float[np.ndarray, "n 5"], order: int, reference_m: float) -> Float[np.ndarray, "k n"]:
    """Coefficients, T, of each thick solenoid (rows as of `solenoid_field`).

    Ten radial nodes: 1e-12 of c_0 for windings thinner than a third of their radius and balls within two thirds of it.
    """
    inner, outer, low, high, density = sections.T
    total = np.zeros((order + 1, len(sections)))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        radius = (inner + outer) / 2 + node * (outer - inner) / 2
        total += weight * (outer - inner) / 2 * density * sheet_harmonics(radius, low, high, order, reference_m)
    return total


def solenoid_harmonic_slopes(sections: Float[np.ndarray, "n 5"], order: int, reference_m: float) -> Float[np.ndarray, "k n 4"]:
    """Derivative of `solenoid_harmonics`, T/m, with respect to inner and outer radius, lower and upper end.

    Moving an edge adds the sheet or the disc of current that it sweeps.
    """
    inner, outer, low, high, density = sections.T
    slopes = np.zeros((order + 1, len(sections), 4))
    slopes[..., 0] = -density * sheet_harmonics(inner, low, high, order, reference_m)
    slopes[..., 1] = density * sheet_harmonics(outer, low, high, order, reference_m)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        radius, share = (inner + outer) / 2 + node * (outer - inner) / 2, weight * (outer - inner) / 2 * density
        slopes[..., 2] -= share * loop_harmonics(radius, low, order, reference_m)
        slopes[..., 3] += share * loop_harmonics(radius, high, order, reference_m)
    return slopes


def harmonic_values(order: int, reference_m: float, points_m: Float[np.ndarray, "p 2"]) -> Float[np.ndarray, "p k"]:
    """(rho / reference)^k P_k(cos theta) at (r, z): Bz is this times the coefficients."""
    distance = np.hypot(points_m[:, 0], points_m[:, 1])
    cosine = np.divide(points_m[:, 1], distance, out=np.ones_like(distance), where=distance > 0)
    values = np.polynomial.legendre.legvander(cosine, order)
    return np.asarray(values * (distance[:, None] / reference_m) ** np.arange(order + 1))


def legendre_slopes(x: Float[np.ndarray, " n"], order: int) -> Float[np.ndarray, "k n"]:
    """P_0'(x) .. P_order'(x)."""
    values, slopes = [np.ones_like(x), x], [np.zeros_like(x), np.ones_like(x)]
    for k in range(1, order):
        values.append(((2 * k + 1) * x * values[k] - k * values[k - 1]) / (k + 1))
        slopes.append(slopes[k - 1] + (2 * k + 1) * values[k])
    return np.stack(slopes[: order + 1])
