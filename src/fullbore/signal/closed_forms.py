"""Signals that have a formula. Unit equilibrium magnetisation; times in seconds, angles in radians; everything broadcasts."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float

from fullbore.errors import ValueRangeError

Real = float | np.floating | Float[np.ndarray, " ..."]


def _decay(dt_s: Real, time_constant_s: Real) -> Float[np.ndarray, " ..."]:
    return np.asarray(np.exp(-np.asarray(dt_s, float) / np.asarray(time_constant_s, float)))


def ernst_angle(t1_s: Real, tr_s: Real) -> Real:
    """Flip that gives a spoiled gradient echo its largest signal. Source: Ernst 1966, Rev Sci Instrum 37:93."""
    return np.arccos(_decay(tr_s, t1_s))


def spoiled_gradient_echo(t1_s: Real, tr_s: Real, flip_rad: Real, t2_star_s: Real = np.inf, te_s: Real = 0.0) -> Real:
    """Steady-state magnitude of a perfectly spoiled gradient echo."""
    e1 = _decay(tr_s, t1_s)
    return np.sin(flip_rad) * (1 - e1) / (1 - np.cos(flip_rad) * e1) * _decay(te_s, t2_star_s)


def spin_echo(t1_s: Real, t2_s: Real, tr_s: Real, te_s: Real) -> Real:
    """Magnitude of a 90-180 spin echo repeated every `tr_s`; the 180 at te/2 inverts what has recovered since the 90."""
    return (1 - 2 * _decay(tr_s - np.asarray(te_s) / 2, t1_s) + _decay(tr_s, t1_s)) * _decay(te_s, t2_s)


def turbo_spin_echo(t1_s: Real, t2_s: Real, tr_s: Real, echo_spacing_s: float, echoes: int) -> Float[np.ndarray, "*voxel echo"]:
    """Magnitudes of the echoes of a train of perfect 180s after a 90, the whole repeated every `tr_s`."""
    t1, t2, tr = np.broadcast_arrays(*(np.asarray(x, float) for x in (t1_s, t2_s, tr_s)))
    m_z = 1 - _decay(echo_spacing_s / 2, t1)
    for _ in range(echoes - 1):
        m_z = 1 - (1 + m_z) * _decay(echo_spacing_s, t1)
    m_z = 1 - (1 + m_z) * _decay(tr - (echoes - 0.5) * echo_spacing_s, t1)
    return m_z[..., None] * _decay(echo_spacing_s * np.arange(1, echoes + 1), t2[..., None])


def pseudo_steady_state(refocusing_rad: Real) -> Real:
    """Echo level of a long CPMG train of constant refocusing flips without relaxation. Source: Alsop 1997, MRM 37:176."""
    return np.sin(np.asarray(refocusing_rad) / 2)


def balanced_steady_state(
    t1_s: Real, t2_s: Real, tr_s: Real, flip_rad: Real, off_resonance_Hz: Real = 0.0
) -> Complex[np.ndarray, " ..."]:
    """Transverse steady state right after each pulse of a balanced sequence whose pulses all have phase 0.

    Complex, in the rotation sense of `fullbore.signal.bloch`. Pulses of alternating phase, the usual case, are this at an
    off-resonance of 1 / (2 tr). Source: Freeman & Hill 1971, J Magn Reson 4:366 (rotation sense mirrored).
    """
    e1, e2 = _decay(tr_s, t1_s), _decay(tr_s, t2_s)
    turn = -2 * np.pi * np.asarray(off_resonance_Hz) * tr_s
    cos, sin = np.cos(flip_rad), np.sin(flip_rad)
    determinant = (1 - e1 * cos) * (1 - e2 * np.cos(turn)) - e2 * (e1 - cos) * (e2 - np.cos(turn))
    return np.asarray(1j * (1 - e1) * sin * (1 - e2 * np.exp(-1j * turn)) / determinant)


def inversion_recovery(t1_s: Real, ti_s: Real, tr_s: Real = np.inf, efficiency: Real = 1.0) -> Real:
    """Signed longitudinal magnetisation `ti_s` after an inversion that is preceded by a 90 `tr_s` before the next one.

    tr_s: time from one inversion to the next, the 90 at `ti_s` in each; inf for full recovery. efficiency: Mz becomes
    -efficiency * Mz.
    """
    before = 1 - _decay(np.asarray(tr_s) - ti_s, t1_s)
    return 1 - (1 + np.asarray(efficiency) * before) * _decay(ti_s, t1_s)


def inversion_train(
    t1_s: Real, tr_s: float, ti_s: float, echo_spacing_s: float, flip_rad: Real, views: int, efficiency: float = 1.0
) -> Float[np.ndarray, " view *voxel"]:
    """Steady-state signals of all views of an inversion-prepared spoiled gradient-echo train (MPRAGE).

    One period `tr_s`: inversion, a wait, `views` pulses every `echo_spacing_s` of which number views // 2 is played `ti_s`
    after the inversion, and recovery. Signed, at the pulse. t1_s and flip_rad broadcast over voxels.
    Errors: ValueRangeError when the train does not fit between the inversion and the end of the period.
    """
    before = ti_s - views // 2 * echo_spacing_s
    after = tr_s - before - views * echo_spacing_s
    if before < 0 or after < 0:
        need = f"wait {before:.4g} s before and {after:.4g} s after it"
        raise ValueRangeError(f"inversion_train: {views} views every {echo_spacing_s} s leave a {need}; wanted both >= 0.")
    t1, flip = np.broadcast_arrays(np.asarray(t1_s, float), np.asarray(flip_rad, float))

    def period(m_z: Real) -> tuple[np.ndarray, Real]:
        """Mz at each view, and at the end of the period that began with `m_z`."""
        m_z, at_view = 1 - (1 + efficiency * m_z) * _decay(before, t1), []
        for _ in range(views):
            at_view.append(m_z)
            m_z = 1 - (1 - m_z * np.cos(flip)) * _decay(echo_spacing_s, t1)
        return np.array(at_view), 1 - (1 - m_z) * _decay(after, t1)

    from_zero, from_one = period(np.zeros(t1.shape))[1], period(np.ones(t1.shape))[1]
    steady = from_zero / (1 - (from_one - from_zero))  # one period is affine in Mz
    return period(steady)[0] * np.sin(flip)
