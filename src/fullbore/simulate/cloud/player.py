"""Spins of one sort through a timeline: what all sorts have in common, and plain spins."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Complex64, Float32

from fullbore.simulate.cloud.pulses import CloudPulses
from fullbore.simulate.cloud.readouts import Readouts
from fullbore.simulate.cloud.schedule import Piece, Schedule, at_home
from fullbore.simulate.cloud.spots import Spots
from fullbore.simulate.cloud.walk import STATE, Walk
from fullbore.simulate.timeline import Timeline

CHANGING_SPIN_BYTES = 10_000
"""Of a spin whose rates change: few intervals are alike to it."""


class Player(ABC):
    """Spins of one sort, played block by block and piece by piece.

    spots: the spins in the order in which they are played. spin_bytes: what one takes beside its readouts; looks: how many
    numbers of 16 bytes one takes for each readout. held_bytes: of tables that serve all of them.
    """

    spots: Spots
    spin_bytes: int
    looks: int
    held_bytes: int = 0

    @abstractmethod
    def start(self, block: slice) -> Float32[np.ndarray, "state n"]:
        """The spins of a block at rest."""

    @abstractmethod
    def play(self, block: slice, piece: Piece, state: Float32[np.ndarray, "state n"]) -> Complex64[np.ndarray, "row coil sample"]:
        """What a block gives in the readouts of a piece; `state` goes on."""

    @abstractmethod
    def cost_s(self, coils: int) -> float:
        """About how long one spin takes on two cores, beside what passes between pulses and readouts."""


class PlainPlayer(Player):
    """Spins that follow Bloch's equation each by itself."""

    spin_bytes, looks = 4000, 1

    def __init__(self, timeline: Timeline, spots: Spots, tolerance: float, walk: Walk | None = None):
        rate, self._changing = 1 / spots.cloud.t2_s, spots.cloud.changing
        rates = float(rate.min()), float(rate.max())
        self._readouts = Readouts(timeline, rates, tolerance, spots.are_fixed, spots.home)
        self.spots = spots.take(self._readouts.order(spots))
        pulses = CloudPulses(timeline, self.spots)
        self._schedule, self._pulses_s = Schedule(timeline, pulses, self._changing), pulses.cost_s
        self.spin_bytes += pulses.spin_bytes
        self.held_bytes = pulses.held_bytes
        self._time_s, self._samples = timeline.sample_time_s, timeline.sample_time_s.shape[1]
        self._middle = timeline.samples // 2
        if self._changing is not None:
            self.spin_bytes += CHANGING_SPIN_BYTES
        self._walk = walk
        if walk is not None:
            self.looks = 2

    def start(self, block: slice) -> Float32[np.ndarray, "state n"]:
        """Equilibrium, at home."""
        state = np.zeros((3 if self._walk is None else 3 + STATE, len(self.spots.cloud.amount[block])), np.float32)
        state[2] = 1
        return state

    def play(self, block: slice, piece: Piece, state: Float32[np.ndarray, "state n"]) -> Complex64[np.ndarray, "row coil sample"]:
        """Pulse by pulse, then line by line."""
        part = self.spots.take(block)
        walked = at_home(piece) if self._walk is None else self._walk.play(part.cloud, piece, state[3:])
        found = np.zeros((piece.count, len(part.cloud.sensitivity), self._samples), np.complex64)
        self._readouts.collect(part, piece.rows, self._schedule.run(part, piece, state[:3], walked), found)
        if self._walk is not None and self._walk.onwards is not None:
            found *= self._walk.onwards[piece.rows][:, None]
        if self._changing is not None:
            found *= self._changing.onwards(self._time_s[piece.rows], self._middle[piece.rows])[:, None].astype(np.float32)
        return found

    def cost_s(self, coils: int) -> float:
        """Of its pulses, its readouts and its walk."""
        return self._pulses_s + self._readouts.cost_s(coils) + (0.0 if self._walk is None else self._walk.cost_s)
