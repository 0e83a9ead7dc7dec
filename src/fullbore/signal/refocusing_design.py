"""Refocusing flips that make a crushed CPMG train follow a prescribed signal, found echo by echo with extended phase graphs.

Source: Mugler 2000, Radiology 216:891 and 2014, J Magn Reson Imaging 39:745; Busse 2006, Magn Reson Med 55:1030.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from fullbore.errors import ValueRangeError
from fullbore.signal.epg import equilibrium, relax_states, rotate_states, shift_states

_BISECTIONS = 40


def prescribed_signal(echoes: int, level: float, hold: float, echo_spacing_s: float, fall_s: float) -> Float[np.ndarray, " echo"]:
    """A signal that falls halfway to `level` with each echo, stays there, and decays exponentially at the end.

    Relative to the magnetisation that the excitation tips. hold: share of the train before the decay. fall_s: time constant
    of the decay.
    """
    number = np.arange(1, echoes + 1)
    late = np.maximum(number - hold * echoes, 0.0) * echo_spacing_s
    return (level + (1 - level) * 0.5**number) * np.exp(-late / fall_s)


def refocusing_for(
    wanted: Float[np.ndarray, " echo"], t1_s: float, t2_s: float, echo_spacing_s: float
) -> Float[np.ndarray, " echo"]:
    """Flips (rad) whose echoes are `wanted` times what the excitation tips, for one T1 and T2; NaN from where none does.

    Of the flips that make an echo the smaller is taken, which keeps more for later ones.
    """
    half = echo_spacing_s / 2
    return _followed(np.exp(-2 * half / t1_s), np.exp(-half / t2_s), np.ascontiguousarray(wanted, dtype=float))


def highest_level(
    echoes: int, hold: float, echo_spacing_s: float, fall_s: float, t1_s: float, t2_s: float, most_rad: float
) -> float:
    """The highest level of `prescribed_signal` that flips up to `most_rad` can hold, 0 when there is none."""
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        wanted = prescribed_signal(echoes, middle, hold, echo_spacing_s, fall_s)
        flips = refocusing_for(wanted, t1_s, t2_s, echo_spacing_s)
        fits = bool(np.isfinite(flips).all() and flips.max() <= most_rad)
        low, high = (middle, high) if fits else (low, middle)
    return low


def after_train(
    m_z: float,
    t1_s: float,
    t2_s: float,
    echo_spacing_s: float,
    refocusing_rad: Float[np.ndarray, " echo"],
    excitation_rad: float = np.pi / 2,
    store_rad: float = 0.0,
) -> tuple[Float[np.ndarray, " echo"], float]:
    """Echoes of a crushed CPMG train that starts from `m_z`, and Mz half an echo spacing after its last echo.

    With recovery, which no echo feels but the next train does. store_rad: flip of a pulse at one more echo, made by
    repeating the last refocusing pulse, in the excitation's phase: pi / 2 puts what is left transverse along -z (a
    flip-down), -pi / 2 along +z; Mz is then that right after the pulse, and what stays transverse is taken for spoiled.
    Errors: ValueRangeError for an empty train.
    """
    if len(refocusing_rad) == 0:
        raise ValueRangeError("after_train: got no refocusing flips, wanted at least one.")
    flips = refocusing_rad if store_rad == 0.0 else np.append(refocusing_rad, refocusing_rad[-1])
    states = equilibrium(len(flips) + 2)
    states[2, 0] = m_z
    states, echoes = rotate_states(states, excitation_rad, 0.0), []
    for flip in flips:
        states = shift_states(relax_states(states, t1_s, t2_s, echo_spacing_s / 2))
        states = rotate_states(states, flip, np.pi / 2)
        states = shift_states(relax_states(states, t1_s, t2_s, echo_spacing_s / 2))
        echoes.append(float(states[0, 0].imag))
    stored = rotate_states(states, store_rad, 0.0)
    states = stored if store_rad else relax_states(states, t1_s, t2_s, echo_spacing_s / 2)
    return np.array(echoes[: len(refocusing_rad)]), float(states[2, 0].real)


@njit(cache=True)
@no_type_check
def _followed(e1, half_e2, wanted):
    """Flips one after the other; states as in `fullbore.signal.epg`, orders 2 j + 1 in units of half an echo spacing."""
    n = len(wanted)
    flips = np.full(n, np.nan)
    plus, minus, z = np.zeros(n + 2), np.zeros(n + 2), np.zeros(n + 2)
    e2 = half_e2 * half_e2
    plus[0] = half_e2
    for i in range(n):
        p, q, longitudinal = plus[0], minus[0], z[0]
        mean, half = (p + q) / 2, (q - p) / 2
        size = np.hypot(half, longitudinal)
        level = (wanted[i] / half_e2 - mean) / size if size > 0 else 2.0
        if not -1 <= level <= 1:
            return flips
        lead, turn = np.arctan2(longitudinal, half), np.arccos(level)
        first, second = (turn - lead) % (2 * np.pi), (-turn - lead) % (2 * np.pi)
        flip = min(first, second)
        if flip > np.pi:
            return flips
        flips[i] = flip
        cos, sin = np.cos(flip), np.sin(flip)
        keep, swap = (1 + cos) / 2, (1 - cos) / 2
        for j in range(i + 1):
            p, q, longitudinal = plus[j], minus[j], z[j]
            plus[j] = e2 * (keep * p + swap * q + sin * longitudinal)
            minus[j] = e2 * (swap * p + keep * q - sin * longitudinal)
            z[j] = e1 * (sin * (q - p) / 2 + cos * longitudinal)
        returning = minus[0]
        for j in range(i + 1):
            minus[j] = minus[j + 1]
        for j in range(i + 1, 0, -1):
            plus[j] = plus[j - 1]
        plus[0] = returning
    return flips
