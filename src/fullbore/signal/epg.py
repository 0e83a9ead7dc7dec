"""Extended phase graphs: an ensemble of isochromats that gradients wind evenly, as a few configuration states.

States are a complex array (3, order, *voxel): F_k, conj(F_-k) and Z_k for k = 0, 1, ..., with the rotation sense of
`fullbore.signal.bloch`: a pulse of flip a and phase p turns equilibrium into Mxy = i sin(a) exp(i p).
Source: Weigel 2015, J Magn Reson Imaging 41:266, eqs. 15, 18 and 23-25 (rotation sense mirrored).
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Complex, Float
from numba import njit, prange

from fullbore.errors import ShapeError

Real = float | np.floating | Float[np.ndarray, " ..."]


def equilibrium(orders: int, voxels: tuple[int, ...] = ()) -> Complex[np.ndarray, "3 order *voxel"]:
    """States of fully relaxed magnetisation with room for `orders` configuration orders."""
    states = np.zeros((3, orders, *voxels), complex)
    states[2, 0] = 1
    return states


def rotate_states(
    states: Complex[np.ndarray, "3 order *voxel"], flip_rad: Real, phase_rad: Real = 0.0
) -> Complex[np.ndarray, "3 order *voxel"]:
    """Play an instantaneous pulse; flip and phase broadcast over voxels."""
    cos2, sin2 = np.cos(np.asarray(flip_rad) / 2) ** 2, np.sin(np.asarray(flip_rad) / 2) ** 2
    sin, cos = np.sin(flip_rad), np.cos(flip_rad)
    turn = np.exp(1j * np.asarray(phase_rad))
    plus, minus, z = states
    return np.stack(
        [
            cos2 * plus + turn**2 * sin2 * minus + 1j * turn * sin * z,
            turn**-2 * sin2 * plus + cos2 * minus - 1j / turn * sin * z,
            0.5j * sin * (plus / turn - minus * turn) + cos * z,
        ]
    )


def relax_states(
    states: Complex[np.ndarray, "3 order *voxel"], t1_s: Real, t2_s: Real, dt_s: float
) -> Complex[np.ndarray, "3 order *voxel"]:
    """Let `dt_s` pass: T2 decay of F, T1 decay of Z, recovery of Z_0."""
    e1, e2 = np.exp(-dt_s / np.asarray(t1_s)), np.exp(-dt_s / np.asarray(t2_s))
    relaxed = np.stack([states[0] * e2, states[1] * e2, states[2] * e1])
    relaxed[2, 0] += 1 - e1
    return relaxed


def shift_states(states: Complex[np.ndarray, "3 order *voxel"]) -> Complex[np.ndarray, "3 order *voxel"]:
    """Wind every configuration by one unit of gradient area; the highest order falls off."""
    plus, minus, z = states
    minus = np.concatenate([minus[1:], np.zeros_like(minus[:1])])
    plus = np.concatenate([np.conj(minus[:1]), plus[:-1]])
    return np.stack([plus, minus, z])


def spoiled_gradient_train(
    t1_s: Real, t2_s: Real, tr_s: float, flip_rad: Real, pulses: int, increment_rad: float = np.deg2rad(117.0)
) -> Complex[np.ndarray, " pulse *voxel"]:
    """Signal right after each pulse of a gradient- and RF-spoiled train from equilibrium, in the receiver's phase.

    The phase of pulse n is increment * n (n + 1) / 2; every TR winds one unit. Exact: all `pulses` orders are kept.
    """
    t1, t2, flip = np.broadcast_arrays(*(np.asarray(x, float) for x in (t1_s, t2_s, flip_rad)))
    states, signal = equilibrium(pulses, t1.shape), []
    for n in range(pulses):
        phase = increment_rad * (n * (n + 1) // 2)
        states = rotate_states(states, flip, phase)
        signal.append(states[0, 0] * np.exp(-1j * phase))
        states = shift_states(relax_states(states, t1, t2, tr_s))
    return np.array(signal)


def spin_echo_train(
    t1_s: Real,
    t2_s: Real,
    echo_spacing_s: float,
    refocusing_rad: Float[np.ndarray, " echo"],
    excitation_rad: float = np.pi / 2,
    b1: Real = 1.0,
) -> Float[np.ndarray, "*voxel echo"]:
    """Echo amplitudes of a crushed CPMG train from Mz = 1; t1_s, t2_s and b1 broadcast over voxels.

    refocusing_rad: nominal flip of each refocusing pulse, about the axis along which the excitation left the magnetisation.
    b1: transmit field relative to nominal; it scales the excitation and all refocusing flips.
    Recovery between pulses never reaches an echo of an evenly spaced crushed train, so it is not computed.
    Errors: ShapeError for an empty train.
    """
    if len(refocusing_rad) == 0:
        raise ShapeError("epg.spin_echo_train: got no refocusing flips, wanted at least one.")
    t1, t2, scale = np.broadcast_arrays(*(np.asarray(x, float) for x in (t1_s, t2_s, b1)))
    half = echo_spacing_s / 2
    e1, e2, m = np.exp(-2 * half / t1).ravel(), np.exp(-half / t2).ravel(), np.sin(scale * excitation_rad).ravel()
    echoes = _trains(e1, e2, m, scale.ravel(), np.ascontiguousarray(refocusing_rad, dtype=float))
    return echoes.reshape(*t1.shape, -1)


def constant_flip_train(
    t1_s: Real, t2_s: Real, echo_spacing_s: float, echoes: int, cos_refocusing: Real
) -> Float[np.ndarray, "*voxel echo"]:
    """Echo amplitudes of a crushed CPMG train of one refocusing flip, from unit transverse magnetisation.

    The amplitudes are polynomials in the *cosine* of the flip: flips a and 2 pi - a give the same train. As polynomials they
    go on smoothly below cos = -1, where no flip is; an estimator may step there and stay unbiased for flips close to pi.
    """
    t1, t2, cos = np.broadcast_arrays(*(np.asarray(x, float) for x in (t1_s, t2_s, cos_refocusing)))
    half = echo_spacing_s / 2
    train = _constant_trains(np.exp(-2 * half / t1).ravel(), np.exp(-half / t2).ravel(), cos.ravel(), echoes)
    return train.reshape(*t1.shape, echoes)


@njit(cache=True)
@no_type_check
def _echoes(e1, half_e2, m, cos, to_f, to_z, echo):
    """Fill `echo` (n,): states before pulse i have orders 2 j + 1 in units of half an echo spacing; Z is divided by i.

    e1: T1 decay over a whole spacing; half_e2: T2 decay over half of it. cos, to_f, to_z: (n,) of each pulse: cosine of the
    flip, and the factors of Z into F and of F into Z, whose product is the squared sine.
    """
    n = len(echo)
    plus, minus, z = np.zeros(n // 2 + 3), np.zeros(n // 2 + 3), np.zeros(n // 2 + 3)
    e2 = half_e2 * half_e2
    plus[0] = m * half_e2
    for i in range(n):
        top = min(i, n - 1 - i)  # orders above i are empty, orders above n - 1 - i cannot return in time
        keep, swap = (1 + cos[i]) / 2, (1 - cos[i]) / 2
        for j in range(top + 1):
            p, q, longitudinal = plus[j], minus[j], z[j]
            plus[j] = e2 * (keep * p + swap * q + to_f[i] * longitudinal)
            minus[j] = e2 * (swap * p + keep * q - to_f[i] * longitudinal)
            z[j] = e1 * (to_z[i] * (q - p) / 2 + cos[i] * longitudinal)
        returning = minus[0]
        echo[i] = returning / half_e2
        for j in range(top + 1):
            minus[j] = minus[j + 1]
        for j in range(top + 1, 0, -1):
            plus[j] = plus[j - 1]
        plus[0] = returning


@njit(cache=True, parallel=True)
@no_type_check
def _trains(e1, half_e2, m, scale, refocusing):
    out = np.empty((len(e1), len(refocusing)))
    for v in prange(len(e1)):
        sin = np.sin(scale[v] * refocusing)
        _echoes(e1[v], half_e2[v], m[v], np.cos(scale[v] * refocusing), sin, sin, out[v])
    return out


@njit(cache=True, parallel=True)
@no_type_check
def _constant_trains(e1, half_e2, cos, echoes):
    out = np.empty((len(e1), echoes))
    for v in prange(len(e1)):
        to_f = np.full(echoes, 1 - cos[v] * cos[v])
        _echoes(e1[v], half_e2[v], 1.0, np.full(echoes, cos[v]), to_f, np.ones(echoes), out[v])
    return out
