"""Play a sequence to a cloud of spins."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from jaxtyping import Complex64, Float, Int
from threadpoolctl import threadpool_limits

from fullbore.data import RawData, ScannerSpec, Sequence
from fullbore.simulate.cloud.dynamics_kernel import run_spins
from fullbore.simulate.cloud.pulses import CloudPulses
from fullbore.simulate.cloud.readouts import Readouts
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.receiving import receive
from fullbore.simulate.timeline import Timeline, compile_timeline
from fullbore.simulate.trajectory import trajectory

MOST_SPINS = 8192
FEWEST_SPINS = 128
BLOCK_BYTES = 64_000_000


def play_cloud(
    cloud: SpinCloud,
    sequence: Sequence,
    *,
    tolerance: float = 1e-6,
    threads: int = 2,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Complex64[np.ndarray, "row coil sample"]:
    """Noiseless samples of every spin's own Bloch equation.

    Pulses act as exact maps of shaped RF with relaxation, intervals and samples in closed form; any gradients, any
    trajectory. tolerance: of the patterns that samples along a line are made of. The result does not depend on `threads`.
    Memory is bounded by the blocks in which spins are taken. Errors: UsageError and ValueRangeError by name.
    """
    timeline = compile_timeline(sequence)
    dwell = sequence.encoding.dwell_s
    rates = float((1 / cloud.t2_s).min()), float((1 / cloud.t2_s).max())
    readouts = Readouts(timeline, dwell, rates, tolerance)
    pulses = CloudPulses(timeline, cloud)
    schedule = _Schedule(timeline, readouts.middle)
    ordered = cloud.take(readouts.order(cloud))
    shape = (len(timeline.last_pulse), len(cloud.sensitivity), timeline.sample_time_s.shape[1])
    size = int(np.clip(BLOCK_BYTES // (8 * shape[0]), FEWEST_SPINS, MOST_SPINS))
    blocks = [np.arange(first, min(first + size, len(cloud))) for first in range(0, len(cloud), size)]

    def play_block(which: Int[np.ndarray, " n"]) -> Complex64[np.ndarray, "row coil sample"]:
        part = ordered.take(which)
        found = np.zeros(shape, np.complex64)
        readouts.collect(part, schedule.run(part, pulses), found)
        return found

    total = np.zeros(shape, np.complex128)
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        for number, found in enumerate(_in_order(pool, play_block, blocks, threads + 1)):
            total += found
            progress((number + 1) / len(blocks))
    return (total * np.exp(1j * timeline.adc_phase_rad)[:, None, None]).astype(np.complex64)


def acquire_cloud(
    cloud: SpinCloud,
    sequence: Sequence,
    spec: ScannerSpec,
    *,
    seed: int = 0,
    threads: int = 2,
    progress: Callable[[float], None] = lambda fraction: None,
) -> RawData:
    """Raw data of `sequence` on a cloud in `spec`, with noise, as `simulate.acquire` gives them for a phantom.

    Errors: those of `play_cloud`, and ShapeError when the cloud is seen by another number of coils than the array has.
    """
    samples = play_cloud(cloud, sequence, threads=threads, progress=progress)
    return receive(samples, sequence, spec, trajectory(sequence), {"simulator": "isochromats", "spins": str(len(cloud))}, seed)


def _in_order(pool: ThreadPoolExecutor, task: Callable, items: list, ahead: int) -> Iterator:
    """Results in the order of the items, with few of them held at once."""
    waiting: deque[Future] = deque()
    for item in items:
        waiting.append(pool.submit(task, item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Schedule:
    """Intervals between pulses and from pulses to the middle of readouts."""

    def __init__(self, timeline: Timeline, middle: int):
        last = timeline.last_pulse
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

    def run(self, part: SpinCloud, pulses: CloudPulses) -> Complex64[np.ndarray, "row n"]:
        """Magnetisation of a part of the cloud at the middle sample of every readout."""
        e1, e2 = (self._decay(times) for times in (part.t1_s, part.t2_s))
        size = np.abs(part.b1_scale)
        own = np.where(size > 0, part.b1_scale / np.where(size > 0, size, 1), 1).astype(np.complex64)
        out = np.empty((len(self._row_dt), len(part)), np.complex64)
        run_spins(
            pulses.terms(part), pulses.which, self._turn, own.real.copy(), own.imag.copy(), self._move, self._dt, self._rest,
            e1, e2, np.ascontiguousarray(part.position_m.T), part.off_resonance_Hz, self._rows, self._row_move, self._row_dt,
            self._row_rest, out,
        )  # fmt: skip
        return out

    def _decay(self, time_s: Float[np.ndarray, " n"]) -> Float[np.ndarray, "interval n"]:
        return np.exp(-1e-10 * self._lengths[:, None] / time_s).astype(np.float32)
