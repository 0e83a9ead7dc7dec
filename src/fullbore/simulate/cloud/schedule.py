"""When a cloud's pulses and readouts come, and how a block of spins goes through them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Complex64, Float, Float32, Int

from fullbore.simulate.cloud.dynamics_kernel import run_spins
from fullbore.simulate.cloud.pulses import CloudPulses
from fullbore.simulate.cloud.spots import Spots
from fullbore.simulate.timeline import Timeline

MOST_PROPAGATORS = 64
"""So many different pulses have their propagators made together; their memory is 48 bytes a spin each."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive pulses and all readouts between the first of them and the next piece."""

    pulses: slice
    rows: slice

    @property
    def count(self) -> int:
        """Number of readouts."""
        return int(self.rows.stop - self.rows.start)


def pieces(last_pulse: Int[np.ndarray, " row"], most_rows: int) -> list[Piece]:
    """A sequence in pieces of about `most_rows` readouts; those of one pulse stay together. What follows the last is left out."""
    held = np.searchsorted(last_pulse, np.arange(last_pulse.max() + 2))  # first row after each pulse
    edges = [0]
    for pulse in range(1, len(held)):
        if pulse == len(held) - 1 or held[pulse + 1] - held[edges[-1]] > most_rows:
            edges.append(pulse)
    return [Piece(slice(a, b), slice(int(held[a]), int(held[b]))) for a, b in pairwise(edges)]


def as_in(own: Timeline, piece: Piece, common: Timeline) -> Piece:
    """A piece of a timeline in another of the same sequence, which has further pulses that do nothing."""
    if len(own.time_s) == len(common.time_s):
        return piece
    edges = np.searchsorted(own.time_s, common.time_s)
    edges[0] = 0  # what comes before the first pulse
    edges = np.append(edges, len(own.time_s))
    return Piece(slice(int(edges[piece.pulses.start]), int(edges[piece.pulses.stop])), piece.rows)


def stretches(which: Int[np.ndarray, " pulse"], pulses: slice, most: int) -> list[slice]:
    """Consecutive pulses of a slice, of at most `most` different ones; a pulse each for 1."""
    if most == 1:
        return [slice(pulse, pulse + 1) for pulse in range(pulses.start, pulses.stop)]
    edges, held = [pulses.start], set[int]()
    for pulse, kind in enumerate(which[pulses].tolist(), start=pulses.start):
        if kind not in held and len(held) == most:
            edges.append(pulse)
            held = set()
        held.add(kind)
    return [slice(*pair) for pair in zip(edges, [*edges[1:], pulses.stop], strict=True)]


class Schedule:
    """Intervals between pulses and from pulses to the middle of readouts."""

    def __init__(self, timeline: Timeline, pulses: CloudPulses):
        last, rows = timeline.last_pulse, np.arange(len(timeline.last_pulse))
        middle = timeline.samples // 2
        self._pulses = pulses
        self._turn, self._shim = np.exp(-1j * timeline.phase_rad), timeline.shim
        self._move = np.diff(timeline.moment_per_m, axis=0, prepend=timeline.moment_per_m[:1])
        self._dt = np.diff(timeline.time_s, prepend=timeline.time_s[:1])
        self._row_move = timeline.sample_moment_per_m[rows, middle] - timeline.moment_per_m[last]
        self._time_s, self._row_time_s = timeline.time_s, timeline.sample_time_s[rows, middle]
        self._row_dt = self._row_time_s - timeline.time_s[last]
        edges = np.searchsorted(last, np.arange(len(timeline.kind) + 1))
        self._rows = np.column_stack([edges[:-1], edges[1:]])

    def run(self, spots: Spots, piece: Piece, state: Float32[np.ndarray, "3 n"]) -> Complex64[np.ndarray, "row n"]:
        """Magnetisation of a part of the cloud at the middle sample of every readout of a piece; `state` goes on."""
        part, stream = spots.cloud, spots.stream
        out = np.zeros((piece.count, len(part)), np.complex64)
        lengths, rest, row_rest = self._lengths(piece)
        e1, e2 = (np.exp(-1e-10 * lengths[:, None] / time_s).astype(np.float32) for time_s in (part.t1_s, part.t2_s))
        size = np.abs(spots.drive)
        own = np.where(size > 0, spots.drive / np.where(size > 0, size, 1), 1)
        own_r, own_i = own.real.astype(np.float32), own.imag.astype(np.float32)
        begins_s = float(self._time_s[max(piece.pulses.start - 1, 0)])
        place = spots.at(begins_s)
        where = np.array(place.T, order="C")
        start, speed, lap = np.zeros(0), np.zeros(0), np.zeros(len(part))
        way, row_way, window = np.zeros(len(self._dt)), np.zeros(piece.count), np.zeros(len(self._dt), int)
        if stream is not None:
            windows, flowing = stream.term.windows, stream.streams
            start, speed = flowing.begin_m / flowing.length_m, flowing.velocity_m_per_s / flowing.length_m
            window = windows.index(self._time_s)
            way, row_way = windows.first[window], windows.pace.integral(self._row_time_s[piece.rows])
            now = int(windows.index(np.array([begins_s]))[0])
            lap = np.floor(start + speed * windows.first[now])
            window = np.diff(window[piece.pulses], prepend=now)
        for pulses in stretches(self._pulses.which, piece.pulses, 1 if stream is not None else MOST_PROPAGATORS):
            rows, kind = np.unique(self._pulses.which[pulses], return_inverse=True)
            where_after = where
            if stream is not None and window[pulses.start - piece.pulses.start]:
                place = spots.at(float(self._time_s[pulses.start]))
                where_after = np.array(place.T, order="C")
            own_rest = rest[pulses.start - piece.pulses.start : pulses.stop - piece.pulses.start]
            run_spins(
                state, self._pulses.terms(spots, place, rows), kind.ravel(), self._turn[pulses], self._shim[pulses], own_r, own_i,
                self._move[pulses], self._dt[pulses], own_rest, e1, e2, where, where_after, part.off_resonance_Hz,
                self._rows[pulses] - piece.rows.start, self._row_move[piece.rows], self._row_dt[piece.rows], row_rest,
                start, speed, way[pulses], row_way, lap, out,
            )  # fmt: skip
            where = where_after
        return out

    def _lengths(self, piece: Piece) -> tuple[Float[np.ndarray, " m"], Int[np.ndarray, " pulse"], Int[np.ndarray, " row"]]:
        """The different lengths of a piece's intervals, in 0.1 ns, and which is whose."""
        both = np.round(np.concatenate([self._dt[piece.pulses], self._row_dt[piece.rows]]) * 1e10)
        lengths, which = np.unique(both, return_inverse=True)
        rest, row_rest = np.split(which.ravel(), [piece.pulses.stop - piece.pulses.start])
        return lengths, rest, row_rest
