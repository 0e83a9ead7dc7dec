"""Coupled loops and their preamplifiers: what comes out for what the spins and the noise put in."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float

from fullbore.hardware.array.conductor import COIL_K
from fullbore.hardware.array.preamplifier import NOISE_K
from fullbore.hardware.array.ultimate import BODY_K


def loop_impedance(
    sample_ohm: Complex[np.ndarray, "loop loop"],
    coil_ohm: Float[np.ndarray, " loop"],
    inductance_H: Float[np.ndarray, "loop loop"],
    omega: float,
) -> Complex[np.ndarray, "loop loop"]:
    """Impedance matrix of tuned loops, phasors exp(-i omega t): resistances, and -i omega M between loops."""
    mutual = inductance_H - np.diag(np.diag(inductance_H))
    return np.asarray(sample_ohm.real + np.diag(coil_ohm) - 1j * omega * mutual)


def transfer(
    impedance_ohm: Complex[np.ndarray, "loop loop"], loads_ohm: Float[np.ndarray, " loop"]
) -> Complex[np.ndarray, "loop loop"]:
    """Voltages at the preamplifiers for electromotive forces in the loops, 1 where a load is infinite: (1 + Z / load)^-1."""
    return np.asarray(np.linalg.inv(np.eye(len(loads_ohm)) + impedance_ohm / loads_ohm[:, None]))


def equivalent_noise_ohm(
    impedance_ohm: Complex[np.ndarray, "loop loop"],
    sample_ohm: Complex[np.ndarray, "loop loop"],
    coil_ohm: Float[np.ndarray, " loop"],
    noise_figure_dB: float,
) -> Complex[np.ndarray, "loop loop"]:
    """All noise as a resistance matrix at body temperature, in series with the loops.

    Sample (310 K), coil (293 K), and the amplifiers: voltage noise v, and current noise i that the impedance matrix turns into
    voltages in every loop, each matched to its loop alone, v / i = R, v^2 = 2 k 290 K R (F - 1). What the amplifiers' inputs do
    to currents does not change it: decoupling them alters crosstalk, not signal-to-noise ratio. Source: network theory as in
    Roemer 1990 (appendix) and Reykowski 1995, MRM 33:848.
    """
    own = np.diag(impedance_ohm).real
    share = (10 ** (noise_figure_dB / 10) - 1) / 2 * NOISE_K / BODY_K
    amplifier = share * (np.diag(own) + (impedance_ohm / own[None]) @ impedance_ohm.conj().T)
    total = sample_ohm + np.diag(coil_ohm) * COIL_K / BODY_K + amplifier
    return np.asarray((total + total.conj().T) / 2)


def noise_figures_dB(
    equivalent_ohm: Complex[np.ndarray, "loop loop"],
    sample_ohm: Complex[np.ndarray, "loop loop"],
    coil_ohm: Float[np.ndarray, " loop"],
) -> Float[np.ndarray, " loop"]:
    """Noise figure of each channel among its neighbours: all noise over that of loop and sample, as at 290 K."""
    passive = np.diag(sample_ohm).real + coil_ohm * COIL_K / BODY_K
    added = (np.diag(equivalent_ohm).real - passive) * BODY_K / NOISE_K
    return np.asarray(10 * np.log10(1 + added / (np.diag(sample_ohm).real + coil_ohm)))


def correlation(covariance: Complex[np.ndarray, "loop loop"]) -> Float[np.ndarray, "loop loop"]:
    """Magnitude of the noise correlation, 1 on the diagonal."""
    size = np.sqrt(np.diag(covariance).real)
    return np.abs(covariance) / np.outer(size, size)
