"""Play a sequence to a cloud of spins whose pools exchange magnetisation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Complex64, Complex128, Int
from threadpoolctl import threadpool_limits

from fullbore.data import Sequence
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.simulate.cloud.play import _in_order, play_cloud
from fullbore.simulate.cloud.pool_clocks import clocks
from fullbore.simulate.cloud.pool_kernel import run_pools
from fullbore.simulate.cloud.pool_modes import free_maps, modes
from fullbore.simulate.cloud.pool_pulses import SystemPulses
from fullbore.simulate.cloud.pools import PoolSystem
from fullbore.simulate.cloud.readouts import Readouts
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.timeline import Timeline, compile_timeline

BLOCK_BYTES = 64_000_000
MOST_SPINS = 4096
FEWEST_SPINS = 64
GONE = 1e-9
"""A mode that has decayed below this by the first sample of a readout is not in it."""
UNDAMPED_PER_S = 1e-9
"""The rate with which readouts see spins: a mode's own decay is common to all spins of a system and comes after."""


def play_pools(
    cloud: SpinCloud,
    systems: tuple[PoolSystem, ...],
    kind: Int[np.ndarray, " n"],
    sequence: Sequence,
    *,
    tolerance: float = 1e-6,
    threads: int = 2,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Complex64[np.ndarray, "row coil sample"]:
    """Noiseless samples of spins that exchange: spin i is made of systems[kind[i]], or a plain spin where kind[i] is -1.

    The cloud's T1 and T2 are those of its plain spins only; off-resonance and pool shifts add. Pulses are affine maps of all
    pools together (tables where spins are many), intervals matrix exponentials, and during a readout every mode of the
    exchanging pools has its own decay and frequency: exchange goes on all the time. The result does not depend
    on `threads`; memory is bounded by the blocks in which spins are taken. Errors: ShapeError, ValueRangeError by name, and
    those of `play_cloud`.
    """
    check_kinds(cloud, systems, kind)
    used = [number for number in range(len(systems)) if np.any(kind == number)]
    plain = np.flatnonzero(kind == -1)
    total = np.zeros((int((sequence.adc >= 0).sum()), len(cloud.sensitivity), sequence.encoding.samples), np.complex128)
    done = 0

    def report(fraction: float, spins: int) -> None:
        progress((done + fraction * spins) / len(cloud))

    if len(plain):
        so_far = partial(report, spins=len(plain))
        total += play_cloud(cloud.take(plain), sequence, tolerance=tolerance, threads=threads, progress=so_far)
        done += len(plain)
    timeline = compile_timeline(sequence)
    for number in used:
        part = cloud.take(np.flatnonzero(kind == number))
        player = _SystemPlayer(timeline, systems[number], part, sequence.encoding.dwell_s, tolerance, threads)
        total += player.play(threads, partial(report, spins=len(part)))
        done += len(part)
    return total.astype(np.complex64)


def check_kinds(cloud: SpinCloud, systems: tuple[PoolSystem, ...], kind: Int[np.ndarray, " n"]) -> None:
    """Refuse kinds that do not name a system for every spin."""
    if kind.shape != (len(cloud),):
        raise ShapeError(f"play_pools, kind: got {kind.shape}, wanted ({len(cloud)},), one system for each spin.")
    if kind.min() < -1 or kind.max() >= len(systems):
        worst = int(np.argmax((kind < -1) | (kind >= len(systems))))
        raise ValueRangeError(f"play_pools, kind: spin {worst} is of system {kind[worst]}, wanted -1 to {len(systems) - 1}.")


class _SystemPlayer:
    """All spins of one system through a timeline."""

    def __init__(
        self, timeline: Timeline, system: PoolSystem, spins: SpinCloud, dwell_s: float, tolerance: float, threads: int
    ):  # fmt: skip
        self._timeline, self._modes = timeline, modes(system)
        self._start = np.concatenate([np.zeros(2 * system.pools), system.all_fractions]).astype(np.float32)
        self._readouts = Readouts(timeline, dwell_s, (UNDAMPED_PER_S, UNDAMPED_PER_S), tolerance)
        self._clocks = clocks(timeline, self._readouts.middle)
        self._transverse, self._longitudinal = free_maps(system, self._clocks.lengths_s)
        self._looks = self._modes.at(np.maximum(self._clocks.lengths_s - self._readouts.middle * dwell_s, 0))
        self._onwards = self._modes.onwards(dwell_s * np.arange(timeline.sample_time_s.shape[1]))
        self._heard = np.flatnonzero(self._modes.rate_per_s * self._clocks.first_dt_s.min() < -np.log(GONE))
        self._spins = spins.take(self._readouts.order(spins))
        played, which = np.unique(np.column_stack([timeline.kind, timeline.frequency_Hz]), axis=0, return_inverse=True)
        self._which = which.ravel()
        self._pulses = SystemPulses(timeline, system, spins, played, threads)

    def play(self, threads: int, progress: Callable[[float], None]) -> Complex128[np.ndarray, "row coil sample"]:
        """The samples of all spins, blocks added in their order."""
        each = 8 * len(self._clocks.row_dt_s) * len(self._onwards) + self._pulses.bytes_per_spin
        size = int(np.clip(BLOCK_BYTES // each, FEWEST_SPINS, MOST_SPINS))
        blocks = [np.arange(first, min(first + size, len(self._spins))) for first in range(0, len(self._spins), size)]
        total = np.zeros(self._shape, np.complex128)
        with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
            for number, found in enumerate(_in_order(pool, self._play_block, blocks, threads + 1)):
                total += found
                progress((number + 1) / len(blocks))
        return np.asarray(total * np.exp(1j * self._timeline.adc_phase_rad)[:, None, None])

    @property
    def _shape(self) -> tuple[int, int, int]:
        return (*self._timeline.sample_time_s.shape[:1], len(self._spins.sensitivity), self._timeline.sample_time_s.shape[1])

    def _play_block(self, which: Int[np.ndarray, " n"]) -> Complex64[np.ndarray, "row coil sample"]:
        part = self._spins.take(which)
        first = self._run(part)
        undamped = replace(part, t2_s=np.full(len(part), 1 / UNDAMPED_PER_S))
        total = np.zeros(self._shape, np.complex64)
        for mode in self._heard:
            found = np.zeros(self._shape, np.complex64)
            self._readouts.collect(undamped, np.ascontiguousarray(first[:, mode]), found)
            total += found * self._onwards[mode]
        return total

    def _run(self, part: SpinCloud) -> Complex64[np.ndarray, "row mode n"]:
        """Every mode's part in the signal: as large as at a readout's first sample, with a spin's own phase at its middle."""
        size, clock = np.abs(part.b1_scale), self._clocks
        own = np.where(size > 0, part.b1_scale / np.where(size > 0, size, 1), 1).astype(np.complex64)
        out = np.zeros((len(clock.row_dt_s), len(self._onwards), len(part)), np.complex64)
        run_pools(
            self._start, self._pulses.terms(part), self._which, clock.before, clock.after, own.real.copy(), own.imag.copy(),
            clock.move_per_m, clock.dt_s, clock.rest, self._transverse, self._longitudinal,
            np.ascontiguousarray(part.position_m.T), part.off_resonance_Hz, clock.rows, clock.row_move_per_m, clock.row_dt_s,
            clock.row_rest, self._looks, out,
        )  # fmt: skip
        return out
