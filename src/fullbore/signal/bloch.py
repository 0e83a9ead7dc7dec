"""The readable Bloch reference: isochromats driven by piecewise-constant RF and gradients, in float64.

The equation, in the frame that turns with the scanner's centre frequency:
    dMxy/dt = -2 pi i f Mxy + i gamma b1 Mz - Mxy / T2
    dMz/dt  = gamma Im(conj(Mxy) b1) + (1 - Mz) / T1
with f = off-resonance + gamma/2pi G . r. This is dM/dt = gamma M x B, so a free spin gathers exp(-2 pi i f t), and with
no off-resonance exp(-2 pi i k . r): the signal law of `fullbore.data`. Equilibrium is Mz = 1.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float, Num

from fullbore.errors import ShapeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T


def rotate(
    m_xy: Complex[np.ndarray, "*n"],
    m_z: Float[np.ndarray, "*n"],
    b1_T: Num[np.ndarray, "*#n"],
    frequency_Hz: Float[np.ndarray, "*#n"],
    dt_s: float,
) -> tuple[Complex[np.ndarray, "*n"], Float[np.ndarray, "*n"]]:
    """Turn magnetisation about its effective field for `dt_s`, exactly (Rodrigues), without relaxation.

    b1_T: complex transmit field in the spin's own frame; frequency_Hz: its off-resonance f, gradients included.
    """
    turn_xy = -GYROMAGNETIC_RATIO_RAD_PER_S_T * b1_T
    turn_z = -2 * np.pi * frequency_Hz
    rate = np.sqrt(np.abs(turn_xy) ** 2 + turn_z**2)
    safe = np.where(rate > 0, rate, 1.0)
    n_xy, n_z = turn_xy / safe, turn_z / safe
    cos, sin = np.cos(rate * dt_s), np.sin(rate * dt_s)
    along = (1 - cos) * ((np.conj(n_xy) * m_xy).real + n_z * m_z)
    return (
        cos * m_xy + sin * 1j * (n_z * m_xy - n_xy * m_z) + along * n_xy,
        cos * m_z + sin * (np.conj(n_xy) * m_xy).imag + along * n_z,
    )


def free_precession(
    m_xy: Complex[np.ndarray, "*n"],
    m_z: Float[np.ndarray, "*n"],
    t1_s: Float[np.ndarray, "*#n"],
    t2_s: Float[np.ndarray, "*#n"],
    frequency_Hz: Float[np.ndarray, "*#n"],
    dt_s: float,
) -> tuple[Complex[np.ndarray, "*n"], Float[np.ndarray, "*n"]]:
    """Precession and relaxation towards Mz = 1 for `dt_s` without RF, exactly."""
    recovery = -np.expm1(-dt_s / t1_s)
    return m_xy * np.exp(-dt_s / t2_s - 2j * np.pi * frequency_Hz * dt_s), m_z + (1 - m_z) * recovery


def play(
    *,
    position_m: Float[np.ndarray, "n 3"],
    t1_s: Float[np.ndarray, " n"],
    t2_s: Float[np.ndarray, " n"],
    off_resonance_Hz: Float[np.ndarray, " n"],
    b1_scale: Num[np.ndarray, " n"],
    weight: Num[np.ndarray, "coil n"],
    dt_s: Float[np.ndarray, " step"],
    b1_T: Num[np.ndarray, " step"],
    gradient_T_per_m: Float[np.ndarray, "step 3"],
    sampled: Bool[np.ndarray, " step"],
    carrier_Hz: Float[np.ndarray, " step"] | None = None,
    start: tuple[Complex[np.ndarray, " n"], Float[np.ndarray, " n"]] | None = None,
) -> tuple[Complex[np.ndarray, "coil sample"], tuple[Complex[np.ndarray, " n"], Float[np.ndarray, " n"]]]:
    """The signal of n isochromats through steps of constant b1 and gradient, and the state (Mxy, Mz) that they end in.

    weight: what each spin adds to each coil; `np.eye(n)` gives every spin's own signal. b1_scale: transmit field of each
    spin relative to `b1_T` (complex if its phase varies too). sampled: True where a sample is taken at the *end* of a step.
    carrier_Hz: b1 turns as exp(-2 pi i carrier t) from its value at the start of a step; still if None.
    start: state to begin with, equilibrium if None. A step without RF is exact at any length; a step with RF is split into
    half a step of relaxation, the exact rotation, and the other half, whose error is of third order in dt / T2.
    Errors: ShapeError when the arrays' lengths disagree.
    """
    n, steps = len(position_m), len(dt_s)
    _check_lengths("t1_s, t2_s, off_resonance_Hz, b1_scale", (t1_s, t2_s, off_resonance_Hz, b1_scale), n)
    _check_lengths("weight", (weight.T,), n)
    _check_lengths("b1_T, gradient_T_per_m, sampled", (b1_T, gradient_T_per_m, sampled), steps)
    m_xy, m_z = (np.zeros(n, complex), np.ones(n)) if start is None else start
    carrier = np.zeros(steps) if carrier_Hz is None else carrier_Hz
    signal = []
    for step in range(steps):
        f = off_resonance_Hz + GYROMAGNETIC_RATIO_HZ_PER_T * (position_m @ gradient_T_per_m[step])
        if b1_T[step] == 0:
            m_xy, m_z = free_precession(m_xy, m_z, t1_s, t2_s, f, float(dt_s[step]))
        else:
            m_xy, m_z = _driven(m_xy, m_z, t1_s, t2_s, b1_scale * b1_T[step], f, float(carrier[step]), float(dt_s[step]))
        if sampled[step]:
            signal.append(weight @ m_xy)
    return np.array(signal, dtype=complex).reshape(len(signal), len(weight)).T, (m_xy, m_z)


def _driven(
    m_xy: np.ndarray,
    m_z: np.ndarray,
    t1_s: np.ndarray,
    t2_s: np.ndarray,
    b1_T: np.ndarray,
    frequency_Hz: np.ndarray,
    carrier_Hz: float,
    dt_s: float,
) -> tuple[np.ndarray, np.ndarray]:
    """A step with RF, whose carrier turns: half of the relaxation, the rotation, the other half."""
    still = np.zeros(len(m_z))
    m_xy, m_z = free_precession(m_xy, m_z, t1_s, t2_s, still, dt_s / 2)
    m_xy, m_z = rotate(m_xy, m_z, b1_T, frequency_Hz - carrier_Hz, dt_s)
    m_xy = m_xy * np.exp(-2j * np.pi * carrier_Hz * dt_s)
    return free_precession(m_xy, m_z, t1_s, t2_s, still, dt_s / 2)


def _check_lengths(names: str, columns: tuple[np.ndarray, ...], wanted: int) -> None:
    got = {len(column) for column in columns}
    if got != {wanted}:
        raise ShapeError(f"bloch.play, {names}: got lengths {sorted(got)}, wanted {wanted} like position_m or dt_s.")
