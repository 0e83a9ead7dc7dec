"""From modes of the coil's cylinder to what sequences must keep clear of, and how loud they are.

An estimate with stated limits: a free cylinder of even material, the magnet's field uniform over it, and a bore whose air answers
the wall's velocity v by rho c v; a liner takes some decibels. Levels hold to some 10 dB, frequencies to some 10 per cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares

from fullbore.data import ForbiddenBand, SoundModel
from fullbore.hardware.eddy.vibration import CoilBody, ShellMotion

AIR_PA_S_PER_M = 413.0
"""Density of air times speed of sound at 20 degrees (Kinsler, Fundamentals of Acoustics, app. A: 415; 413.3 by ISO 9614)."""
FREQUENCIES_HZ = np.arange(100.0, 3000.5, 2.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundLimits:
    """velocity_m_per_s: amplitude of the wall's mean motion that the structure bears for long. share: bands are where a steady
    sine below this share of the largest gradient already reaches it. liner_dB: what the bore's liner takes away.
    """

    velocity_m_per_s: float = 0.1
    share: float = 0.4
    liner_dB: float = 15.0


def wall_velocity(
    body: CoilBody, motions: Sequence[ShellMotion], forces: Sequence[np.ndarray], frequency_Hz: Float[np.ndarray, " f"]
) -> Float[np.ndarray, " f"]:
    """Amplitude of the wall's outward velocity, root mean square over the surface, m/s for a sine of 1 T/m of one axis.

    forces: modal forces of the axis, one array for each of `motions`.
    """
    omega = 2 * np.pi * frequency_Hz
    total = np.zeros(len(omega))
    x, weight = np.polynomial.legendre.leggauss(60)
    for motion, force in zip(motions, forces, strict=True):
        own = (2 * np.pi * motion.frequency_Hz) ** 2
        answer = 1j * omega[:, None] * force / (own * (1 + 1j * body.loss_factor) - omega[:, None] ** 2)
        w = answer @ motion.shape(motion.outward, motion.half_length_m * x).T
        total += (np.abs(w) ** 2 @ weight) / 2 * (1.0 if motion.order == 0 else 0.5)
    return np.sqrt(total)


def sound_model(
    body: CoilBody, velocities: Sequence[Float[np.ndarray, " f"]], gradient_T_per_m: float, limits: SoundLimits | None = None
) -> SoundModel:
    """Forbidden bands and a plain pressure response from the wall's velocity of each axis over FREQUENCIES_HZ.

    Bands: where velocity_m_per_s is reached by less than `share` of the largest gradient on some axis; the limit is the
    least such gradient. ring_s: of the lowest band's mode, the longest memory. pressure, corner: least squares of the
    logarithm of root mean square over the axes, 200 Hz to 3 kHz.
    """
    limits = limits or SoundLimits()
    worst = np.maximum.reduce([np.asarray(v) for v in velocities])
    allowed = limits.velocity_m_per_s / worst
    bands = _bands(allowed, limits.share * gradient_T_per_m)
    lowest = (bands[0].high_Hz >= FREQUENCIES_HZ) if bands else np.ones(len(worst), bool)
    loudest = FREQUENCIES_HZ[int(np.where(lowest, worst, 0.0).argmax())]
    mean = np.sqrt(np.mean([np.asarray(v) ** 2 for v in velocities], axis=0))
    pressure = AIR_PA_S_PER_M * mean * 10 ** (-limits.liner_dB / 20)
    used = FREQUENCIES_HZ >= 200.0

    def stray(x: np.ndarray) -> np.ndarray:
        f = FREQUENCIES_HZ[used]
        return np.asarray(x[0] + np.log(f**2 / (f**2 + np.exp(2 * x[1]))) - np.log(pressure[used]))

    found = least_squares(stray, [np.log(pressure[used].mean()), np.log(800.0)], bounds=([-30, np.log(100)], [30, np.log(3000)]))
    return SoundModel(
        bands=bands, ring_s=float(1 / (np.pi * loudest * body.loss_factor)), pressure_Pa_m_per_T=float(np.exp(found.x[0])),
        corner_Hz=float(np.exp(found.x[1])), source="modes of the coil's cylinder; an estimate (levels to 10 dB)",
    )  # fmt: skip


def _bands(allowed_T_per_m: np.ndarray, threshold: float) -> tuple[ForbiddenBand, ...]:
    below = np.concatenate([[False], allowed_T_per_m < threshold, [False]])
    edges = np.flatnonzero(np.diff(below.astype(int)))
    step = FREQUENCIES_HZ[1] - FREQUENCIES_HZ[0]
    return tuple(
        ForbiddenBand(
            low_Hz=float(FREQUENCIES_HZ[first] - step), high_Hz=float(FREQUENCIES_HZ[last - 1] + step),
            limit_T_per_m=float(allowed_T_per_m[first:last].min()),
        )
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    )  # fmt: skip
