"""A gradient waveform played through a response, in closed form."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float

from fullbore.data import GradientResponse


def played(
    response: GradientResponse,
    times_s: Float[np.ndarray, " k"],
    asked_T_per_m: Float[np.ndarray, "k 3"],
    at_s: Float[np.ndarray, " t"],
) -> Float[np.ndarray, "t 4"]:
    """x, y, z gradient (T/m) and uniform field (T) at times, of straight lines between corners; zero before and after.

    Exact for modes and delays. A jump is two corners at one time.
    """
    result = np.zeros((len(at_s), 4))
    for axis in range(3):
        at = at_s - response.delay_s[axis]
        result[:, axis] += _line(times_s, asked_T_per_m[:, axis], at)
        for mode in response.modes:
            rate = 1 / mode.time_constant_s - 2j * np.pi * mode.frequency_Hz
            gathered = _gathered(rate, times_s, asked_T_per_m[:, axis], at)
            result -= gathered.real[:, None] * mode.amplitude[:, axis]
            if mode.sine is not None:
                result -= gathered.imag[:, None] * mode.sine[:, axis]
    return result


def _line(times: np.ndarray, values: np.ndarray, at: np.ndarray) -> Float[np.ndarray, " t"]:
    """The waveform itself, its later value at a jump."""
    piece = np.searchsorted(times, at, side="right") - 1
    inside = (piece >= 0) & (piece < len(times) - 1)
    low = np.clip(piece, 0, len(times) - 2)
    length = times[low + 1] - times[low]
    share = np.where(length > 0, (at - times[low]) / np.where(length > 0, length, 1), 1.0)
    return np.asarray(np.where(inside, values[low] + share * (values[low + 1] - values[low]), 0.0))


def _gathered(rate: complex, times: np.ndarray, values: np.ndarray, at: np.ndarray) -> Complex[np.ndarray, " t"]:
    """Integral of exp(-rate (t - t')) dG(t'): the state of a mode."""
    length = np.diff(times)
    slope = np.where(length > 0, np.diff(values) / np.where(length > 0, length, 1), 0.0)
    jump = np.where(length > 0, 0.0, np.diff(values))
    state = np.zeros(len(times), np.complex128)
    state[0] = values[0]
    for k, dt in enumerate(length):
        state[k + 1] = state[k] * np.exp(-rate * dt) + _held(rate, dt) * slope[k] + jump[k]
    state[-1] -= values[-1]  # it drops to zero when it ends
    piece = np.searchsorted(times, at, side="right") - 1
    low = np.clip(piece, 0, len(times) - 1)
    since = np.maximum(at - times[low], 0.0)
    flow = np.append(slope, 0.0)[low]
    return np.asarray(np.where(piece >= 0, state[low] * np.exp(-rate * since) + _held(rate, since) * flow, 0.0))


def _held(rate: complex, since: np.ndarray | float) -> np.ndarray:
    """Integral of exp(-rate t) from 0 to since."""
    return np.asarray(-np.expm1(-rate * np.asarray(since)) / rate if rate else np.asarray(since, np.complex128))
