"""The readable Bloch-Torrey reference: spins that diffuse along a periodic line, by split steps, in float64.

The equation is that of `fullbore.signal.bloch` with D d2/dx2 of all three components added (Torrey 1956).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float, Num

from fullbore.errors import ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.signal.bloch import free_precession, rotate


def diffuse(
    *,
    length_m: float,
    diffusivity_m2_per_s: float,
    t1_s: float,
    t2_s: float,
    off_resonance_Hz: Float[np.ndarray, " x"],
    dt_s: Float[np.ndarray, " step"],
    b1_T: Num[np.ndarray, " step"],
    gradient_T_per_m: Float[np.ndarray, " step"],
    sampled: Bool[np.ndarray, " step"],
) -> Complex[np.ndarray, " sample"]:
    """Mean transverse magnetisation of an even line at the end of every sampled step; error of second order in dt.

    A gradient's ramp in phase is kept apart as its moment, for which the line need not be periodic, and put onto the spins by
    pulses and samples; there moments must be whole turns over the line. Gradients rest during pulses.
    off_resonance_Hz: of even points on it. Errors: ValueRangeError for a moment that is not whole, a pulse under a gradient.
    """
    points = len(off_resonance_Hz)
    x, k = np.arange(points) * length_m / points, np.fft.fftfreq(points, length_m / points)
    m_xy, m_z, moment, signal = np.zeros(points, complex), np.ones(points), 0.0, []
    t1, t2, still = np.full(points, t1_s), np.full(points, t2_s), np.zeros(points)
    z_keeps = np.exp(-np.outer(dt_s, diffusivity_m2_per_s * (2 * np.pi * k) ** 2))
    for n, dt in enumerate(dt_s):
        before, moment = moment, moment + GYROMAGNETIC_RATIO_HZ_PER_T * gradient_T_per_m[n] * dt
        wave, f = 2 * np.pi * (k - 0.5 * (before + moment)), off_resonance_Hz if b1_T[n] == 0 else still
        m_xy = np.fft.ifft(np.fft.fft(m_xy) * np.exp(-diffusivity_m2_per_s * wave**2 * dt))
        m_z = np.fft.ifft(np.fft.fft(m_z) * z_keeps[n]).real
        m_xy, m_z = free_precession(m_xy, m_z, t1, t2, f, float(dt) / 2)
        if b1_T[n] != 0 or sampled[n]:
            turns = moment * length_m
            if abs(turns - round(turns)) > 1e-6 or (b1_T[n] != 0 and gradient_T_per_m[n] != 0):
                raise ValueRangeError(f"bloch_torrey, step {n}: {turns:.6g} turns over the line; wanted whole ones, no gradient.")
            m_xy, moment = m_xy * np.exp(-2j * np.pi * moment * x), 0.0
        if b1_T[n] != 0:
            m_xy, m_z = rotate(m_xy, m_z, np.full(points, b1_T[n]), off_resonance_Hz, float(dt))
        m_xy, m_z = free_precession(m_xy, m_z, t1, t2, f, float(dt) / 2)
        if sampled[n]:
            signal.append(m_xy.mean())
    return np.array(signal, dtype=complex)
