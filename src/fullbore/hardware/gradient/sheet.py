"""Currents on a cylinder as Fourier modes of a stream function: fields, energies and images, exact in the wave number.

psi(phi, z) = cos(m phi) s(z), current per length J = grad psi x n (n outward): J_phi = ds/dz. Transverse coils have m = 1 and an
odd s, so that Bz goes as x; a z coil has m = 0 and an even s, so that Bz goes as z. The other parity of each gives no gradient
at all, but shims: Bz is even in z where s is odd, and odd where it is even. Source: Turner 1993, Magn Reson Imaging 11:903;
Jackson, Classical Electrodynamics, 3.11 (Green's function).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import ive, kve

from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2 as MU0

# Gauss nodes a panel; a panel of 2 per m is a third of a period of the shortest oscillation: exact to rounding.
_NODES = 8
FIELD_LIMIT_PER_M, ENERGY_LIMIT_PER_M = 400.0, 3000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One cylinder: radius, length from end to end, number of modes, order m (0 for z coils, 1 for transverse ones).

    parity: "odd" or "even" s; "gradient" is the one that gives a gradient, odd for m > 0 and even for m = 0.
    """

    radius_m: float
    length_m: float
    modes: int
    order: int
    parity: str = "gradient"

    @property
    def odd(self) -> bool:
        """Whether s is odd in z."""
        return self.order > 0 if self.parity == "gradient" else self.parity == "odd"

    @property
    def wave_numbers_per_m(self) -> Float[np.ndarray, " n"]:
        """q of sin(q z) (odd s) or cos(q z) (even s); every mode vanishes at both ends."""
        n = np.arange(1, self.modes + 1)
        return 2 * np.pi * n / self.length_m if self.odd else (2 * n - 1) * np.pi / self.length_m


def sampled(sheet: Sheet, heights_m: Float[np.ndarray, " z"]) -> Float[np.ndarray, "z n"]:
    """Modes s_n(z); 0 beyond the ends."""
    phase = np.outer(heights_m, sheet.wave_numbers_per_m)
    inside = np.abs(heights_m[:, None]) <= sheet.length_m / 2
    return np.asarray(np.where(inside, np.sin(phase) if sheet.odd else np.cos(phase), 0.0))


def slopes(sheet: Sheet, heights_m: Float[np.ndarray, " z"]) -> Float[np.ndarray, "z n"]:
    """ds_n/dz = azimuthal current per length (A/m) of each mode; 0 beyond the ends."""
    q = sheet.wave_numbers_per_m
    phase = np.outer(heights_m, q)
    inside = np.abs(heights_m[:, None]) <= sheet.length_m / 2
    return np.asarray(np.where(inside, q * (np.cos(phase) if sheet.odd else -np.sin(phase)), 0.0))


def transform(sheet: Sheet, k_per_m: Float[np.ndarray, " k"]) -> Float[np.ndarray, "n k"]:
    """Integral of s_n(z) sin(k z) (odd s) or s_n(z) cos(k z) (even s) over the length."""
    half, q = sheet.length_m / 2, sheet.wave_numbers_per_m[:, None]
    minus, plus = (half * np.sinc((q + sign * k_per_m) * half / np.pi) for sign in (-1, 1))
    return np.asarray(minus - plus if sheet.odd else minus + plus)


def wave_grid(limit_per_m: float, panel_per_m: float = 2.0) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Nodes and weights of an integral over wave numbers from 0 to the limit."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edges = np.linspace(0, limit_per_m, round(limit_per_m / panel_per_m) + 1)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()


def bessel_slopes(order: int, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """exp(-x) I'_m(x) and exp(x) K'_m(x)."""
    low = abs(order - 1)
    return (ive(low, x) + ive(order + 1, x)) / 2, -(kve(low, x) + kve(order + 1, x)) / 2


def axial_field(sheet: Sheet, points_m: Float[np.ndarray, "p 2"]) -> Float[np.ndarray, "p n"]:
    """Bz (T) at (r, z) and phi = 0 of each mode with amplitude 1 A; within the cylinder and without, not on it.

    A point nearer than 4 cm to the cylinder is beyond what the limit of wave numbers resolves.
    """
    k, weights = wave_grid(FIELD_LIMIT_PER_M)
    radius, order = sheet.radius_m, sheet.order
    own_i, own_k = bessel_slopes(order, k * radius)
    spectrum = MU0 * radius * k**2 * weights / np.pi * transform(sheet, k)
    found = np.empty((len(points_m), sheet.modes))
    for index, (r, z) in enumerate(points_m):
        inside = r < radius
        radial = own_k * ive(order, k * r) if inside else own_i * kve(order, k * r)
        wave = -np.cos(k * z) if sheet.odd else np.sin(k * z)
        found[index] = spectrum @ (radial * np.exp(-k * abs(radius - r)) * wave)
    return found


def image_field(sheet: Sheet, bore_m: float, points_m: Float[np.ndarray, "p 2"]) -> Float[np.ndarray, "p n"]:
    """Bz (T) at (r, z), phi = 0, of the currents that each mode makes in a long perfect conductor at radius bore_m.

    They keep the radial field off the bore: their stream function is -a I'(k a) / (c I'(k c)) times the mode's, for each k.
    """
    k, weights = wave_grid(FIELD_LIMIT_PER_M)
    order, radius = sheet.order, sheet.radius_m
    ratio = bessel_slopes(order, k * radius)[0] / bessel_slopes(order, k * bore_m)[0]
    spectrum = MU0 * radius * k**2 * weights / np.pi * transform(sheet, k) * ratio * bessel_slopes(order, k * bore_m)[1]
    found = np.empty((len(points_m), sheet.modes))
    for index, (r, z) in enumerate(points_m):
        wave = np.cos(k * z) if sheet.odd else -np.sin(k * z)
        found[index] = spectrum @ (ive(order, k * r) * np.exp(-k * (2 * bore_m - radius - r)) * wave)
    return found


def inductances(first: Sheet, second: Sheet) -> Float[np.ndarray, "n o"]:
    """Mutual inductances (H) of the modes of two sheets of one order: energy = 1/2 x^T L x for amplitudes x in ampere."""
    k, weights = wave_grid(ENERGY_LIMIT_PER_M)
    low, high = sorted((first.radius_m, second.radius_m))
    share = np.pi if first.order else 2 * np.pi
    coupling = -bessel_slopes(first.order, k * low)[0] * bessel_slopes(first.order, k * high)[1]
    kernel = MU0 * share / np.pi * first.radius_m * second.radius_m * k**2 * coupling * np.exp(-k * (high - low)) * weights
    found = (transform(first, k) * kernel) @ transform(second, k).T
    return np.asarray(found + _tail(first) if first == second else found)


def _tail(sheet: Sheet) -> np.ndarray:
    """Beyond the limit of wave numbers: there I'K' is -1/(2 k^2 a^2) and the oscillation's square a half on average."""
    q = sheet.wave_numbers_per_m * (-1.0) ** np.arange(sheet.modes)
    share = 1.0 if sheet.order else 2.0
    # transforms are 2 q sin(k L/2) / k^2 (transverse); those of a z coil are 2 q cos(k L/2) / k^2
    return np.asarray(MU0 * share * sheet.radius_m / 2 * np.outer(q, q) * 4 / 2 / (2 * ENERGY_LIMIT_PER_M**2))


def dissipations(sheet: Sheet) -> Float[np.ndarray, " n"]:
    """Integral of |grad psi|^2 over the cylinder for each mode (they are orthogonal): times ohm per square it is power."""
    share = np.pi if sheet.order else 2 * np.pi
    squares = (sheet.order / sheet.radius_m) ** 2 + sheet.wave_numbers_per_m**2
    return np.asarray(share * sheet.radius_m * sheet.length_m / 2 * squares)
