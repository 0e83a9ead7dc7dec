"""When a cloud's pulses and readouts come, and how a block of spins goes through them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Complex64, Float, Float32, Int

from fullbore.simulate.cloud.changing import Changing
from fullbore.simulate.cloud.dynamics_kernel import run_spins
from fullbore.simulate.cloud.pulses import CloudPulses
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.cloud.spots import Spots
from fullbore.simulate.timeline import Timeline

MOST_PROPAGATORS = 64
"""So many different pulses have their propagators made together; their memory is 48 bytes a spin each."""

MOST_CHANGING = 128
"""So many pulses of spins whose rates change are played together: no two of their intervals are alike."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive pulses and all readouts between the first of them and the next piece."""

    pulses: slice
    rows: slice

    @property
    def count(self) -> int:
        """Number of readouts."""
        return int(self.rows.stop - self.rows.start)


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """Turns that a block's walks add in a piece: (event, n), and which event each pulse and readout is, -1 for none."""

    turns: Float32[np.ndarray, "event n"]
    pulse: Int[np.ndarray, " pulse"]
    row: Int[np.ndarray, " row"]


def at_home(piece: Piece) -> Walked:
    """Of spins that do not walk."""
    count = piece.pulses.stop - piece.pulses.start
    return Walked(np.zeros((0, 0), np.float32), np.full(count, -1), np.full(piece.count, -1))


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


@dataclass(frozen=True, slots=True, eq=False)
class _Renewal:
    """Which spins come in fresh when, as `run_spins` has it. begins: at which of a piece's pulses another window does."""

    start: Float[np.ndarray, " s"]
    speed: Float[np.ndarray, " s"]
    lap: Float[np.ndarray, " n"]
    way: Float[np.ndarray, " pulse"]
    row_way: Float[np.ndarray, " row"]
    begins: Bool[np.ndarray, " pulse"]


class Schedule:
    """Intervals between pulses and from pulses to the middle of readouts."""

    def __init__(self, timeline: Timeline, pulses: CloudPulses, changing: Changing | None = None):
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
        self._taken: Float[np.ndarray, "pulse 2"] | None = None
        if changing is not None:
            clock = changing.taken_by(timeline.time_s)
            self._taken = np.diff(clock, axis=0, prepend=clock[:1])
            self._row_taken = changing.taken_by(self._row_time_s) - clock[last]

    def run(
        self, spots: Spots, piece: Piece, state: Float32[np.ndarray, "3 n"], walked: Walked
    ) -> Complex64[np.ndarray, "row n"]:
        """Magnetisation of a part of the cloud at the middle sample of every readout of a piece; `state` goes on."""
        part, flows = spots.cloud, spots.stream is not None
        out = np.zeros((piece.count, len(part)), np.complex64)
        size = np.abs(spots.drive)
        own = np.where(size > 0, spots.drive / np.where(size > 0, size, 1), 1)
        own_r, own_i = own.real.astype(np.float32), own.imag.astype(np.float32)
        begins_s = float(self._time_s[max(piece.pulses.start - 1, 0)])
        place = spots.at(begins_s)
        where = np.array(place.T, order="C")
        renewal = self._renewal(spots, piece, begins_s)
        e1, e2, rest, row_rest = self._decays(part, piece if self._taken is None else Piece(slice(0, 0), slice(0, 0)))
        expansions = self._pulses.expansions(spots, place, np.unique(self._pulses.which[piece.pulses]))
        for pulses in self._stretches(piece, 1 if flows else MOST_PROPAGATORS):
            rows, kind = np.unique(self._pulses.which[pulses], return_inverse=True)
            first, last = pulses.start - piece.pulses.start, pulses.stop - piece.pulses.start
            where_after = where
            if renewal.begins[first]:
                place = spots.at(float(self._time_s[pulses.start]))
                where_after = np.array(place.T, order="C")
            own_rest = rest[first:last]
            if self._taken is not None:
                held = slice(int(self._rows[pulses.start, 0]), int(self._rows[pulses.stop - 1, 1]))
                e1, e2, own_rest, found = self._decays(part, Piece(pulses, held))
                row_rest = np.zeros(piece.count, np.int64)
                row_rest[held.start - piece.rows.start : held.stop - piece.rows.start] = found
            terms = self._pulses.terms(spots, place, rows, expansions)
            run_spins(
                state, terms, kind.ravel(), self._turn[pulses], self._shim[pulses], own_r, own_i,
                self._move[pulses], self._dt[pulses], own_rest, e1, e2, where, where_after, part.off_resonance_Hz,
                self._rows[pulses] - piece.rows.start, self._row_move[piece.rows], self._row_dt[piece.rows], row_rest,
                renewal.start, renewal.speed, renewal.way[first:last], renewal.row_way, renewal.lap,
                walked.turns, walked.pulse[first:last], walked.row, out,
            )  # fmt: skip
            where = where_after
        return out

    def _renewal(self, spots: Spots, piece: Piece, begins_s: float) -> _Renewal:
        """Of a part of the cloud, all zeros where none flow."""
        count, stream = piece.pulses.stop - piece.pulses.start, spots.stream
        if stream is None:
            none, still = np.zeros(0), np.zeros(count)
            return _Renewal(none, none, np.zeros(len(spots.cloud)), still, np.zeros(piece.count), still.astype(bool))
        windows, flowing = stream.term.windows, stream.streams
        start, speed = flowing.begin_m / flowing.length_m, flowing.velocity_m_per_s / flowing.length_m
        now, window = int(windows.index(np.array([begins_s]))[0]), windows.index(self._time_s[piece.pulses])
        return _Renewal(
            start=start,
            speed=speed,
            lap=np.floor(start + speed * windows.first[now]),
            way=windows.first[window],
            row_way=windows.pace.integral(self._row_time_s[piece.rows]),
            begins=np.diff(window, prepend=now) != 0,
        )

    def _stretches(self, piece: Piece, most: int) -> list[slice]:
        """Stretches of a piece's pulses, short ones where few intervals are alike."""
        found = stretches(self._pulses.which, piece.pulses, most)
        if self._taken is None:
            return found
        parts = [range(part.start, part.stop, MOST_CHANGING) for part in found]
        return [slice(i, min(i + MOST_CHANGING, part.stop)) for part in parts for i in part]

    def _decays(
        self, part: SpinCloud, piece: Piece
    ) -> tuple[Float32[np.ndarray, "m n"], Float32[np.ndarray, "m n"], Int[np.ndarray, " pulse"], Int[np.ndarray, " row"]]:
        """What intervals leave of Mz - 1 and of Mxy, and which interval is whose."""
        if self._taken is None:
            lengths, rest, row_rest = self._lengths(piece)
            e1, e2 = (np.exp(-1e-10 * lengths[:, None] / time_s).astype(np.float32) for time_s in (part.t1_s, part.t2_s))
            return e1, e2, rest, row_rest
        length = np.concatenate([self._dt[piece.pulses], self._row_dt[piece.rows]])[:, None]
        taken = np.concatenate([self._taken[piece.pulses], self._row_taken[piece.rows]])
        number = np.arange(len(length))
        e1, e2 = (
            np.exp(-length / time_s - own[:, None]).astype(np.float32)
            for time_s, own in zip((part.t1_s, part.t2_s), taken.T, strict=True)
        )
        return e1, e2, number[: len(number) - piece.count], number[len(number) - piece.count :]

    def _lengths(self, piece: Piece) -> tuple[Float[np.ndarray, " m"], Int[np.ndarray, " pulse"], Int[np.ndarray, " row"]]:
        """The different lengths of a piece's intervals, in 0.1 ns, and which is whose."""
        both = np.round(np.concatenate([self._dt[piece.pulses], self._row_dt[piece.rows]]) * 1e10)
        lengths, which = np.unique(both, return_inverse=True)
        rest, row_rest = np.split(which.ravel(), [piece.pulses.stop - piece.pulses.start])
        return lengths, rest, row_rest
