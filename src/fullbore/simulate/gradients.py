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
        since = (time_s - self.edges_s[piece])[:, None]
        result = np.zeros((len(time_s), 4))
        result[:, :3] = self.value[piece] + self.slope[piece] * since
        for mode, state in zip(self.response.modes, self.state, strict=True):
            rate = _rate(mode.time_constant_s, mode.frequency_Hz)
            gathered = np.exp(-rate * since) * state[piece] + _held_s(rate, since) * self.slope[piece]
            result -= gathered.real @ mode.amplitude.T
            if mode.sine is not None:
                result -= gathered.imag @ mode.sine.T
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


def _held_s(rate: complex, since_s: Float[np.ndarray, "t 1"]) -> Complex[np.ndarray, "t 1"]:
    """Integral of exp(-rate t), which is the time itself where nothing decays."""
    return np.asarray(-np.expm1(-rate * since_s) / rate if rate else since_s.astype(np.complex128))


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
