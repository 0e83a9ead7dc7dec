"""How nerves and the heart answer a changing magnetic field: the strength-duration law as a filter.

A nerve fires when the response R(t) = 1/rheobase * integral of dB/dt(s) c / (c + t - s)^2 ds reaches 1, with c the chronaxie.
For a ramp of constant dB/dt and duration ts this is dB/dt = rheobase (1 + c / ts), the curve of IEC 60601-2-33; the
heart's fibres follow an exponential instead, dB/dt = rheobase / (1 - exp(-ts / tau)).
Source: IEC 60601-2-33 (51.105); den Boer 2002, J Magn Reson Imaging 15:520, eq. 3.

Both kernels are sums of decaying exponentials, so the response to a piecewise linear gradient is exact and streams:
its cost is one pass over the corners of the waveform, however long the memory of the filter.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

# IEC 60601-2-33: cardiac limit dB/dt < 20 / (1 - exp(-ts / 3 ms)) T/s in every operating mode.
CARDIAC_LIMIT_T_PER_S = 20.0
CARDIAC_TIME_CONSTANT_S = 3e-3

# c / (c + t)^2 as a sum of exponentials, rates in units of 1 / c: least squares of rates and weights over t from 0 to 1e6 c,
# the slowest node set so that the weights over the rates add to 1. Differs from the kernel by less than 1e-5 of its value at
# t = 0 (tested).
_RATES = np.array(
    [4e-4, 2.71070362e-3, 1.55501456e-2, 5.86973529e-2, 0.1705467, 0.419570108, 0.923298891, 1.87842348, 3.62601007, 6.89890695]
)
_WEIGHTS = np.array(
    [
        0.0,
        1.53618948e-5,
        3.57534478e-4,
        3.82586502e-3,
        2.38265315e-2,
        9.69382995e-2,
        0.25226304,
        0.366461709,
        0.224468956,
        0.0318418234,
    ]
)
_WEIGHTS[0] = _RATES[0] * (1.0 - np.sum(_WEIGHTS / _RATES))


def ramp_threshold_T_per_s(ramp_s: np.ndarray | float, rheobase_T_per_s: float, chronaxie_s: float) -> np.ndarray | float:
    """dB/dt at which a ramp of the given duration just stimulates: rheobase (1 + chronaxie / ramp)."""
    return rheobase_T_per_s * (1.0 + chronaxie_s / ramp_s)


def cardiac_threshold_T_per_s(ramp_s: np.ndarray | float) -> np.ndarray | float:
    """IEC limit of dB/dt for the heart, any operating mode, for a ramp of the given duration."""
    return CARDIAC_LIMIT_T_PER_S / (1.0 - np.exp(-np.asarray(ramp_s) / CARDIAC_TIME_CONSTANT_S))


def nerve_kernel_per_s(time_s: np.ndarray, chronaxie_s: float) -> np.ndarray:
    """Impulse response c / (c + t)^2 of a nerve, 1/s; its integral over all t is 1."""
    return np.asarray(chronaxie_s / (chronaxie_s + time_s) ** 2)


def nerve_exponentials(chronaxie_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates (1/s) and weights (1/s) such that sum(weights * exp(-rates * t)) is the nerve kernel.

    Error: below 1e-5 of the kernel's value at t = 0, everywhere.
    """
    return _RATES / chronaxie_s, _WEIGHTS / chronaxie_s


def cardiac_exponentials() -> tuple[np.ndarray, np.ndarray]:
    """Rate and weight (1/s) of the heart's filter, exp(-t / tau) / tau: a ramp S reaches S (1 - exp(-ts / tau))."""
    rate = np.array([1.0 / CARDIAC_TIME_CONSTANT_S])
    return rate, rate.copy()


@numba.njit(cache=True)
@no_type_check
def _write_worst(response: np.ndarray, state: np.ndarray, best: float) -> float:
    """Keep the response of this instant when its length is larger than `best`; returns the new best."""
    axes, nodes = state.shape
    total = 0.0
    for a in range(axes):
        value = 0.0
        for m in range(nodes):
            value += state[a, m]
        total += value * value
    if total > best:
        for a in range(axes):
            value = 0.0
            for m in range(nodes):
                value += state[a, m]
            response[a] = value
        return total
    return best


@numba.njit(cache=True)
@no_type_check
def filter_peaks(
    duration_s: np.ndarray, dbdt: np.ndarray, step: np.ndarray, rates: np.ndarray, weights: np.ndarray, state: np.ndarray
) -> np.ndarray:
    """Response of a filter sum(weights * exp(-rates t)) to a piecewise constant dB/dt.

    duration_s: (n,) length of each segment. dbdt: (n, axis) its constant rate, T/s. step: (n, axis) jump of B at the
    segment's start, T. rates, weights: (m,), 1/s. state: (axis, m), the filter's memory, updated in place, so that a
    long waveform can be fed in pieces.
    Returns (n, axis): the response in T/s at the segment's worst instant (start, middle or end, by root sum of squares).
    """
    n, axes = dbdt.shape
    response = np.zeros((n, axes))
    for i in range(n):
        for a in range(axes):
            if step[i, a] != 0.0:
                state[a] += weights * step[i, a]
        best = _write_worst(response[i], state, -1.0)
        for _ in range(2):
            for m in range(len(rates)):
                decay = np.exp(-0.5 * rates[m] * duration_s[i])
                gain = weights[m] * (1.0 - decay) / rates[m]
                for a in range(axes):
                    state[a, m] = state[a, m] * decay + gain * dbdt[i, a]
            best = _write_worst(response[i], state, best)
    return response
