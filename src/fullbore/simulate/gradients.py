"""The gradients as they are in the bore: what was asked for, late, and with what eddy currents and vibrations add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Complex, Float

from fullbore.data import GradientResponse, Sequence


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlayedGradients:
    """Straight pieces between edges, and the state of every eddy mode at each edge.

    edges_s: (edge,). value, slope: (piece, 3), T/m and T/m/s at the start of each piece.
    state: (mode, piece, 3) complex, what the mode has gathered of each axis's changes, T/m.
    """

    edges_s: Float[np.ndarray, " edge"]
    value: Float[np.ndarray, "piece 3"]
    slope: Float[np.ndarray, "piece 3"]
    state: Complex[np.ndarray, "mode piece 3"]
    response: GradientResponse

    def at(self, time_s: Float[np.ndarray, " t"]) -> Float[np.ndarray, "t 4"]:
        """x, y, z gradient (T/m) and uniform field (T) at times inside the sequence."""
        piece = np.clip(np.searchsorted(self.edges_s, time_s, side="right") - 1, 0, len(self.value) - 1)
        modes = self.response.modes
        rates = np.array([_rate(mode.time_constant_s, mode.frequency_Hz) for mode in modes], np.complex128)
        none = np.zeros((4, 3))
        by_real = np.array([mode.amplitude for mode in modes], np.float64).reshape(-1, 4, 3)
        by_imaginary = np.array([none if mode.sine is None else mode.sine for mode in modes], np.float64).reshape(-1, 4, 3)
        result = np.zeros((len(time_s), 4))
        since = time_s - self.edges_s[piece]
        _look(piece, since, self.value, self.slope, self.state, rates, by_real, by_imaginary, result)
        return result


def play_gradients(sequence: Sequence, response: GradientResponse | None = None) -> PlayedGradients:
    """The gradients of a whole sequence. `None`: as they were asked for."""
    response = response or GradientResponse()
    starts = np.round(sequence.block_starts_s(), 12)
    lines = [_line(sequence, starts, axis, response.delay_s[axis]) for axis in range(3)]
    end = starts[-1] + sequence.duration_s[-1]
    edges = np.unique(np.concatenate([[0.0, end], starts, *(times for times, _ in lines)]))
    third = np.diff(edges) / 3
    one, two = ([np.interp(edges[:-1] + k * third, *line) for line in lines] for k in (1, 2))
    slope = (np.stack(two, axis=1) - np.stack(one, axis=1)) / third[:, None]
    value = np.stack(one, axis=1) - slope * third[:, None]
    rates = np.array([_rate(mode.time_constant_s, mode.frequency_Hz) for mode in response.modes], np.complex128)
    state = np.zeros((len(rates), len(value), 3), np.complex128)
    _gather(rates, np.diff(edges), value, slope, state)
    return PlayedGradients(edges_s=edges, value=value, slope=slope, state=state, response=response)


def _rate(time_constant_s: float, frequency_Hz: float) -> complex:
    return 1 / time_constant_s - 2j * np.pi * frequency_Hz


def _line(
    sequence: Sequence, starts: Float[np.ndarray, " b"], axis: int, delay_s: float
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Corners of one axis through the whole sequence, with a zero before and after every event."""
    times, values = [np.zeros(1)], [np.zeros(1)]
    for block in np.flatnonzero(sequence.gradient[:, axis] >= 0):
        shape = sequence.gradients[sequence.gradient[block, axis]]
        at = np.round(starts[block] + delay_s + shape.times_s, 12)
        times.append(np.concatenate([at[:1], at, at[-1:]]))
        values.append(sequence.gradient_scale[block, axis] * np.pad(shape.values_T_per_m, 1))
    return np.maximum.accumulate(np.concatenate(times)), np.concatenate(values)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _look(piece, since, value, slope, state, rates, by_real, by_imaginary, out):
    """What was asked for less what every mode has gathered; what a mode holds of a slope is the time itself where none decays."""
    for m in range(rates.shape[0]):
        rate, plain = rates[m], rates[m].imag == 0
        for t in range(since.shape[0]):
            i, s = piece[t], since[t]
            if rate == 0:
                decay, held = 1.0 + 0j, s + 0j
            elif plain:
                gone = np.expm1(-rate.real * s)
                decay, held = 1.0 + gone + 0j, -gone / rate.real + 0j
            else:
                decay = np.exp(-rate * s)
                held = (1.0 - decay) / rate
            for a in range(3):
                now = decay * state[m, i, a] + held * slope[i, a]
                for c in range(4):
                    out[t, c] -= by_real[m, c, a] * now.real + by_imaginary[m, c, a] * now.imag
    for t in range(since.shape[0]):
        for a in range(3):
            out[t, a] += value[piece[t], a] + slope[piece[t], a] * since[t]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _gather(rates, length, value, slope, state):
    """Every mode's state at the start of each piece; a jump between pieces counts as an instant change."""
    for m in range(rates.shape[0]):
        for a in range(3):
            now, last = 0j, 0.0
            for i in range(length.shape[0]):
                now += value[i, a] - last
                state[m, i, a] = now
                decay = np.exp(-rates[m] * length[i])
                held = length[i] + 0j if rates[m] == 0 else (1 - decay) / rates[m]
                now = decay * now + held * slope[i, a]
                last = value[i, a] + slope[i, a] * length[i]
