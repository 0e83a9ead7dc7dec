"""Spins of one system of pools, which exchange magnetisation all the time, through a timeline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Complex64, Float32

from fullbore.errors import UsageError
from fullbore.simulate.cloud.player import Player
from fullbore.simulate.cloud.pool_clocks import clocks
from fullbore.simulate.cloud.pool_kernel import run_pools
from fullbore.simulate.cloud.pool_modes import free_maps, modes
from fullbore.simulate.cloud.pool_pulses import SystemPulses
from fullbore.simulate.cloud.pools import PoolSystem
from fullbore.simulate.cloud.readouts import Readouts
from fullbore.simulate.cloud.schedule import Piece, at_home, stretches
from fullbore.simulate.cloud.spots import Spots
from fullbore.simulate.cloud.walk import STATE, Walk
from fullbore.simulate.timeline import Timeline

MOST_PROPAGATORS = 16
"""So many different pulses have their propagators made together."""
GONE = 1e-9
"""A mode that has decayed below this by the first sample of a readout is not in it."""
UNDAMPED_PER_S = 1e-9
"""The rate with which readouts see spins: a mode's own decay is common to all spins of a system and comes after."""


class PoolPlayer(Player):
    """Spins that are all made of one system.

    Pulses are affine maps of all pools together, intervals matrix exponentials, and during a readout every mode of the
    exchanging pools has its own decay and frequency. A cloud's T1 and T2 are not read; off-resonance and pool shifts add.
    Errors: UsageError for spins that flow in fresh.
    """

    def __init__(
        self, timeline: Timeline, system: PoolSystem, spots: Spots, tolerance: float, threads: int, walk: Walk | None = None
    ):
        if spots.stream is not None and np.any(spots.stream.streams.velocity_m_per_s > 0):
            raise UsageError("play_cloud, SpinCloud.flow: spins of pools do not flow in fresh. Let only plain spins flow.")
        spots = replace(spots, cloud=replace(spots.cloud, t2_s=np.full(len(spots.cloud), 1 / UNDAMPED_PER_S)))
        self._readouts = Readouts(timeline, (UNDAMPED_PER_S, UNDAMPED_PER_S), tolerance, spots.are_fixed, spots.home)
        self.spots = spots.take(self._readouts.order(spots))
        self._equilibrium = np.concatenate([np.zeros(2 * system.pools), system.all_fractions]).astype(np.float32)
        self._clocks, own, self._walk = clocks(timeline), modes(system), walk
        self._transverse, self._longitudinal = free_maps(system, self._clocks.lengths_s)
        self._looks = own.at(self._clocks.first_s)
        dwell_s, self._dwell = np.unique(timeline.dwell_s, return_inverse=True)
        self._onwards = np.stack([own.onwards(step * np.arange(timeline.sample_time_s.shape[1])) for step in dwell_s])
        self._heard = np.flatnonzero(own.rate_per_s * self._clocks.first_s.min() < -np.log(GONE))
        self._pulses, self._shim = SystemPulses(timeline, system, self.spots, threads), timeline.shim
        size = self._pulses.size
        most = min(len(self._pulses.played), MOST_PROPAGATORS)
        self.spin_bytes, self.looks = 1000 + 12 * most * (size - 1) * size, system.pools

    def start(self, block: slice) -> Float32[np.ndarray, "state n"]:
        """Equilibrium of all pools, at home."""
        still = self._equilibrium if self._walk is None else np.append(self._equilibrium, np.zeros(STATE, np.float32))
        return np.repeat(still[:, None], len(self.spots.cloud.amount[block]), axis=1)

    def play(self, block: slice, piece: Piece, state: Float32[np.ndarray, "state n"]) -> Complex64[np.ndarray, "row coil sample"]:
        """Pulse by pulse, then mode by mode as if each were a plain spin's magnetisation that does not decay."""
        part = self.spots.take(block)
        first = self._run(part, piece, state)
        total = np.zeros((piece.count, len(part.cloud.sensitivity), self._onwards.shape[2]), np.complex64)
        for mode in self._heard:
            found = np.zeros_like(total)
            self._readouts.collect(part, piece.rows, np.ascontiguousarray(first[:, mode]), found)
            total += found * self._onwards[self._dwell[piece.rows], mode][:, None]
        if self._walk is not None and self._walk.onwards is not None:
            total *= self._walk.onwards[piece.rows][:, None]
        return total

    def cost_s(self, coils: int) -> float:
        """Of every mode's readouts and its walk."""
        return len(self._heard) * self._readouts.cost_s(coils) + (0.0 if self._walk is None else self._walk.cost_s)

    def _run(self, part: Spots, piece: Piece, state: Float32[np.ndarray, "state n"]) -> Complex64[np.ndarray, "row mode n"]:
        """Every mode's part in the signal: as large as at a readout's first sample, with a spin's own phase at its middle."""
        clock, drive, rows = self._clocks, np.abs(part.drive), piece.rows
        own = np.where(drive > 0, part.drive / np.where(drive > 0, drive, 1), 1).astype(np.complex64)
        out = np.zeros((piece.count, self._onwards.shape[1], len(part.cloud)), np.complex64)
        where, size = np.ascontiguousarray(part.home.T), len(self._equilibrium)
        walked = at_home(piece) if self._walk is None else self._walk.play(part.cloud, piece, state[size:])
        for pulses in stretches(self._pulses.which, piece.pulses, MOST_PROPAGATORS):
            played, kind = np.unique(self._pulses.which[pulses], return_inverse=True)
            held = slice(pulses.start - piece.pulses.start, pulses.stop - piece.pulses.start)
            run_pools(
                state[:size], self._pulses.terms(part, played), kind.ravel(), clock.before[pulses], clock.after[pulses],
                self._shim[pulses], own.real.copy(), own.imag.copy(), clock.move_per_m[pulses], clock.dt_s[pulses],
                clock.rest[pulses], self._transverse, self._longitudinal, where, part.cloud.off_resonance_Hz,
                clock.rows[pulses] - rows.start, clock.row_move_per_m[rows], clock.row_dt_s[rows], clock.row_first[rows],
                self._looks, walked.turns, walked.pulse[held], walked.row, out,
            )  # fmt: skip
        return out
