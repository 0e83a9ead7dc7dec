"""When a cloud's pulses and readouts come, and how a block of spins goes through them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex64, Float, Int

from fullbore.simulate.cloud.dynamics_kernel import run_spins
from fullbore.simulate.cloud.pulses import CloudPulses
from fullbore.simulate.cloud.spots import Spots
from fullbore.simulate.timeline import Timeline

MOST_PROPAGATORS = 64
"""So many different pulses have their propagators made together; their memory is 48 bytes a spin each."""


class Schedule:
    """Intervals between pulses and from pulses to the middle of readouts."""

    def __init__(self, timeline: Timeline, middle: int, pulses: CloudPulses):
        last = timeline.last_pulse
        self._pulses = pulses
        self._turn = np.exp(-1j * timeline.phase_rad)
        self._move = np.diff(timeline.moment_per_m, axis=0, prepend=timeline.moment_per_m[:1])
        self._dt = np.diff(timeline.time_s, prepend=timeline.time_s[:1])
        self._row_move = timeline.sample_moment_per_m[:, middle] - timeline.moment_per_m[last]
        self._row_dt = timeline.sample_time_s[:, middle] - timeline.time_s[last]
        edges = np.searchsorted(last, np.arange(len(timeline.kind) + 1))
        self._rows = np.column_stack([edges[:-1], edges[1:]])
        lengths = np.round(np.concatenate([self._dt, self._row_dt]) * 1e10)
        self._lengths, which = np.unique(lengths, return_inverse=True)
        self._rest, self._row_rest = np.split(which.ravel(), [len(self._dt)])
        self._time_s, self._row_time_s = timeline.time_s, timeline.sample_time_s[:, middle]

    def run(self, spots: Spots) -> Complex64[np.ndarray, "row n"]:
        """Magnetisation of a part of the cloud at the middle sample of every readout."""
        part, laps = spots.cloud, spots.laps
        e1, e2 = (self._decay(times) for times in (part.t1_s, part.t2_s))
        size = np.abs(part.b1_scale)
        own = np.where(size > 0, part.b1_scale / np.where(size > 0, size, 1), 1).astype(np.complex64)
        out = np.empty((len(self._row_dt), len(part)), np.complex64)
        state = np.zeros((3, len(part)), np.float32)
        state[2] = 1
        where = np.ascontiguousarray(spots.home.T)
        start, speed, lap, hop = np.zeros(0), np.zeros(0), np.zeros(len(part)), np.zeros(3)
        way, row_way = np.zeros(len(self._dt)), np.zeros(len(self._row_dt))
        if laps is not None:
            start, speed, hop = laps.start, laps.speed, laps.hop_m
            way, row_way = laps.pace.integral(self._time_s), laps.pace.integral(self._row_time_s)
        for stretch in _stretches(self._pulses.which, 1 if laps is not None else MOST_PROPAGATORS):
            rows, kind = np.unique(self._pulses.which[stretch], return_inverse=True)
            place = spots.at(float(self._time_s[stretch.start]))
            run_spins(
                state, self._pulses.terms(part, place, rows), kind.ravel(), self._turn[stretch], own.real.copy(), own.imag.copy(),
                self._move[stretch], self._dt[stretch], self._rest[stretch], e1, e2, where, part.off_resonance_Hz,
                self._rows[stretch], self._row_move, self._row_dt, self._row_rest,
                start, speed, way[stretch], row_way, hop, lap, out,
            )  # fmt: skip
        return out

    def _decay(self, time_s: Float[np.ndarray, " n"]) -> Float[np.ndarray, "interval n"]:
        return np.exp(-1e-10 * self._lengths[:, None] / time_s).astype(np.float32)


def _stretches(which: Int[np.ndarray, " pulse"], most: int) -> list[slice]:
    """Consecutive pulses of at most `most` kinds; a pulse each for 1."""
    if most == 1:
        return [slice(pulse, pulse + 1) for pulse in range(len(which))]
    edges, held = [0], set[int]()
    for pulse, kind in enumerate(which.tolist()):
        if kind not in held and len(held) == most:
            edges.append(pulse)
            held = set()
        held.add(kind)
    return [slice(*pair) for pair in zip(edges, [*edges[1:], len(which)], strict=True)]
