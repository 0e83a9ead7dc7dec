"""The ultimate intrinsic signal-to-noise ratio: the best that any coils outside a sphere could do."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Complex, Float

from fullbore.hardware.array.sphere import Sphere, mode_losses, mode_signals
from fullbore.physics.constants import BOLTZMANN_J_PER_K, GYROMAGNETIC_RATIO_HZ_PER_T, PLANCK_J_S

BODY_K = 310.0
# Protons of water at 310 K: 0.9933 g/cm3, two in 18.015 g/mol.
_PROTONS_PER_M3 = 0.9933e6 / 18.0153 * 2 * 6.02214076e23


def magnetisation_A_per_m(b0_T: float, temperature_K: float = BODY_K) -> float:
    """Equilibrium magnetisation of water, N gamma^2 hbar^2 B0 / (4 k T). Source: Abragam, ch. I (Curie's law, spin 1/2)."""
    moment = GYROMAGNETIC_RATIO_HZ_PER_T * PLANCK_J_S
    return _PROTONS_PER_M3 * moment**2 * b0_T / (4 * BOLTZMANN_J_PER_K * temperature_K)


def intrinsic_snr(
    sphere_omega: float,
    b0_T: float,
    sensitivity_T_per_A: Complex[np.ndarray, "loop *rest point"],
    resistance_ohm: Complex[np.ndarray, "loop loop"],
) -> Float[np.ndarray, "*rest point"]:
    """Signal-to-noise ratio of water per volume and root time, sqrt(Hz) / m3, of optimally combined loops.

    omega M0 sqrt(s^H R^-1 s) / sqrt(4 k T) with s = Bx + i By per ampere and R the noise resistance at body temperature.
    Source: Hoult and Richards 1976, J Magn Reson 24:71; Roemer 1990, MRM 16:192.
    """
    flat = sensitivity_T_per_A.reshape(len(resistance_ohm), -1)
    power = np.einsum("ip,ip->p", flat.conj(), np.linalg.solve(resistance_ohm, flat)).real
    scale = sphere_omega * magnetisation_A_per_m(b0_T) / math.sqrt(4 * BOLTZMANN_J_PER_K * BODY_K)
    return np.asarray(scale * np.sqrt(np.maximum(power, 0))).reshape(sensitivity_T_per_A.shape[1:])


def ultimate_snr(sphere: Sphere, points_m: Float[np.ndarray, "p 3"], order: int) -> Float[np.ndarray, " p"]:
    """The most that `intrinsic_snr` can be at points within the sphere, with modes up to `order`.

    Every field that sources outside can make in the sphere is a sum of its modes, whose losses are orthogonal, so the best
    signal at a point over the root of noise is the root of the sum of |Bx + i By|^2 / loss.
    Source: Ocali and Atalar 1998, MRM 39:462; Wiesinger 2004, MRM 52:376; Lattanzi and Sodickson 2012, MRM 68:286.
    """
    scale = sphere.omega * magnetisation_A_per_m(sphere.b0_T) / math.sqrt(4 * BOLTZMANN_J_PER_K * BODY_K)
    power = np.concatenate(
        [
            (np.abs(mode_signals(sphere, order, part)) ** 2 / mode_losses(sphere, order)[..., None]).sum(axis=(0, 1))
            for part in np.array_split(points_m, max(1, len(points_m) // 256))
        ]
    )
    return np.asarray(scale * np.sqrt(power))


def ultimate_snr_at_centre(sphere: Sphere) -> float:
    """The same at the centre at low frequency: M0 sqrt(15 / (pi sigma a^5)) / sqrt(4 k T).

    A uniform circular field is best there; a linear one loses 2 pi sigma omega^2 B^2 a^5 / 15 (Hoult and Lauterbur 1979,
    J Magn Reson 34:425), and two of them in quadrature double the signal's power at equal noise.
    """
    loss = sphere.conductivity_S_per_m * sphere.radius_m**5
    scale = magnetisation_A_per_m(sphere.b0_T) / math.sqrt(4 * BOLTZMANN_J_PER_K * BODY_K)
    return scale * math.sqrt(15 / (math.pi * loss))
