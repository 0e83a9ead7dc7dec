"""Currents on a thin cylinder in Fourier-Bessel form: inductance, resistance, decay and field.

A current sheet has a stream function psi (A), the magnetic moment per area along the outward normal n: K = grad psi x n. On a
cylinder psi = cos(m phi) sin(kappa (z + h)) / kappa, kappa = n pi / 2h, |z| < h, vanishes at the open ends; its azimuthal current
is cos(m phi) g(z), g = cos(kappa (z + h)). For m = 0 the ends may differ, and n = 0 is there too.
Outside sheets the field is the gradient of a harmonic potential, I_m(k r) within and K_m(k r) without, joined by a continuous
normal field and a step of mu0 psi. Source: Jackson, Classical Electrodynamics, ch. 3 (Green's function in cylinder coordinates).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import ive, kve

from fullbore.errors import ValueRangeError
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2

MU0 = VACUUM_PERMEABILITY_N_PER_A2
# The integrand falls with k^-3: what lies beyond is 1e-7 of an inductance.
LARGEST_WAVENUMBER_PER_M = 3000.0
_NODES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CylinderBasis:
    """Stream functions on a cylinder about z, centred: azimuthal order m, axial numbers n (from 1; from 0 when m = 0)."""

    radius_m: float
    half_length_m: float
    order: int
    numbers: tuple[int, ...]

    def __post_init__(self) -> None:
        first = 0 if self.order == 0 else 1
        if not (self.radius_m > 0 and self.half_length_m > 0 and self.order >= 0 and min(self.numbers) >= first):
            got = (self.radius_m, self.half_length_m, self.order, self.numbers[:3])
            raise ValueRangeError(f"CylinderBasis: got radius, half length, order, numbers {got}, wanted positive, n >= {first}.")

    @property
    def kappa_per_m(self) -> Float[np.ndarray, " n"]:
        """Axial wave numbers n pi / 2h."""
        return np.asarray(self.numbers) * np.pi / (2 * self.half_length_m)

    @property
    def even(self) -> np.ndarray:
        """Whether g is even in z, bool (n,)."""
        return np.asarray(self.numbers) % 2 == 0


def wave_numbers(
    longest_half_m: float, most_per_m: float = LARGEST_WAVENUMBER_PER_M
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Nodes and weights, 1/m, of an integral over k from 0: twelve for every turn of the fastest product of transforms."""
    panels = int(np.ceil(most_per_m * longest_half_m / np.pi))
    x, w = np.polynomial.legendre.leggauss(_NODES)
    width = most_per_m / panels
    starts = width * np.arange(panels)
    return (starts[:, None] + width * (x + 1) / 2).ravel(), np.tile(w * width / 2, panels)


def transforms(basis: CylinderBasis, k: Float[np.ndarray, " k"]) -> Float[np.ndarray, "n k"]:
    """Integral of g cos(k z) (even g) or g sin(k z) (odd g) over the cylinder, m."""
    h, kappa = basis.half_length_m, basis.kappa_per_m[:, None]
    below, above = (h * np.sinc((kappa + sign * k) * h / np.pi) for sign in (-1, 1))
    number = np.asarray(basis.numbers)[:, None]
    sign = np.where(number // 2 % 2 == 0, 1.0, -1.0)
    return np.asarray(sign * np.where(number % 2 == 0, below + above, -(below - above)))


def coupling(order: int, k: Float[np.ndarray, " k"], inner_m: float, outer_m: float) -> Float[np.ndarray, " k"]:
    """-I'_m(k inner) K'_m(k outer): how sheets of wave number k see each other."""
    slope_i = (ive(abs(order - 1), k * inner_m) + ive(order + 1, k * inner_m)) / 2
    slope_k = (kve(abs(order - 1), k * outer_m) + kve(order + 1, k * outer_m)) / 2
    return np.asarray(slope_i * slope_k * np.exp(-k * (outer_m - inner_m)))


def mutual_inductance_H(one: CylinderBasis, other: CylinderBasis) -> Float[np.ndarray, "n p"]:
    """Inductance, H, between each of one and each of the other (both cos or both sin, same order, coaxial).

    M = (1 + delta_m0) mu0 a b integral of G1 G2 (-I'(k a) K'(k b)) dk over k > 0, a <= b. Error: 1e-6 of a self-inductance.
    """
    if one.order != other.order:
        return np.zeros((len(one.numbers), len(other.numbers)))
    k, w = wave_numbers(max(one.half_length_m, other.half_length_m))
    a, b = sorted((one.radius_m, other.radius_m))
    weight = w * coupling(one.order, k, a, b) * MU0 * a * b * (2 if one.order == 0 else 1)
    same = one.even[:, None] == other.even
    return np.asarray(same * ((transforms(one, k) * weight) @ transforms(other, k).T))


def resistance_ohm(basis: CylinderBasis, sheet_ohm: float) -> Float[np.ndarray, " n"]:
    """Resistance of each, ohm (diagonal): sheet resistance 1 / (sigma t) times the integral of K^2 over the sheet."""
    h, a, kappa = basis.half_length_m, basis.radius_m, basis.kappa_per_m
    azimuthal = np.where(kappa > 0, h, 2 * h)
    axial = (basis.order / a) ** 2 * h / np.where(kappa > 0, kappa, 1) ** 2
    return np.asarray(sheet_ohm * np.pi * a * (2 if basis.order == 0 else 1) * (azimuthal + axial))


def decay_time_s(order: int, wavenumber_per_m: float, radius_m: float, conductance_S: float) -> float:
    """Time constant of a wave exp(i (m phi + k z)) on an endless cylinder; conductance_S: sigma times thickness.

    tau = mu0 sigma t a k^2 (-I'_m(ka) K'_m(ka)) / (k^2 + m^2/a^2); for long waves mu0 sigma t a / 2 (m = 0, 1), / 2m beyond.
    """
    k = np.array([wavenumber_per_m])
    shape = float(coupling(order, k, radius_m, radius_m)[0]) * wavenumber_per_m**2
    return MU0 * conductance_S * radius_m * shape / (wavenumber_per_m**2 + (order / radius_m) ** 2)


def stream(basis: CylinderBasis, z_m: Float[np.ndarray, " z"]) -> Float[np.ndarray, "n z"]:
    """psi over z, of one ampere per metre of largest g; zero at the ends, and beyond (m = 0: kept beyond the upper end)."""
    h, kappa = basis.half_length_m, basis.kappa_per_m[:, None]
    at = np.clip(z_m, -h, h) + h
    return np.asarray(np.where(kappa > 0, np.sin(kappa * at) / np.where(kappa > 0, kappa, 1), at))


def azimuthal_current(basis: CylinderBasis, z_m: Float[np.ndarray, " z"]) -> Float[np.ndarray, "n z"]:
    """g over z."""
    h = basis.half_length_m
    return np.asarray(np.where(np.abs(z_m) <= h, np.cos(basis.kappa_per_m[:, None] * (z_m + h)), 0.0))


def field_T(basis: CylinderBasis, points_m: Float[np.ndarray, "p 3"], sine: bool = False) -> Float[np.ndarray, "n p 3"]:
    """Field (x, y, z), T, of each basis current at points within the cylinder. sine: psi goes with sin(m phi).

    Errors: ValueRangeError for points beyond 0.97 of the radius, where the integral converges slowly.
    """
    x, y, z = points_m.T
    rho, phi, m, a = np.hypot(x, y), np.arctan2(y, x), basis.order, basis.radius_m
    if rho.max(initial=0.0) > 0.97 * a:
        raise ValueRangeError(f"field_T: a point at {rho.max():.4g} m from the axis, wanted at most 0.97 of {a:.4g} m.")
    # the integrand falls as exp(-k (a - rho)): 40 of these are 4e-18
    k, w = wave_numbers(basis.half_length_m + float(np.abs(z).max(initial=0.0)), min(40 / (a - rho.max(initial=0.0)), 4000.0))
    slope_k = (kve(abs(m - 1), k * a) + kve(m + 1, k * a)) / 2
    weight = transforms(basis, k) * (w * MU0 * a * k / np.pi * slope_k)
    radial, azimuthal, axial = _potentials(m, k, rho, a)
    even = basis.even[:, None]
    cosine, sinus = np.cos(np.outer(k, z)), np.sin(np.outer(k, z))

    def summed(part: np.ndarray, straight: bool) -> np.ndarray:
        if straight:
            return np.asarray(np.where(even, weight @ (part * cosine), weight @ (part * sinus)))
        return np.asarray(np.where(even, weight @ (part * sinus), -(weight @ (part * cosine))))

    around, across = (np.sin(m * phi), np.cos(m * phi)) if sine else (np.cos(m * phi), -np.sin(m * phi))
    b_rho, b_phi, b_z = summed(radial, False) * around, summed(azimuthal, False) * across, summed(axial, True) * around
    cos, sin = np.cos(phi), np.sin(phi)
    return np.stack([b_rho * cos - b_phi * sin, b_rho * sin + b_phi * cos, b_z], axis=-1)


def _potentials(
    m: int, k: Float[np.ndarray, " k"], rho: Float[np.ndarray, " p"], a: float
) -> tuple[Float[np.ndarray, "k p"], Float[np.ndarray, "k p"], Float[np.ndarray, "k p"]]:
    """I'_m(k rho), m I_m / (k rho) and I_m(k rho), each times exp(-k a)."""
    x = np.outer(k, rho)
    fall = np.exp(x - k[:, None] * a)
    below, above = ive(abs(m - 1), x) * fall, ive(m + 1, x) * fall
    return (below + above) / 2, (below - above) / 2 if m else np.zeros_like(x), ive(m, x) * fall
