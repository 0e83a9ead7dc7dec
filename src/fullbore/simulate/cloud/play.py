"""Play a sequence to a cloud of spins."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np
from jaxtyping import Complex64, Float32
from threadpoolctl import threadpool_limits

from fullbore.data import Flaws, RawData, ScannerSpec, Sequence
from fullbore.simulate.cloud.pulses import CloudPulses
from fullbore.simulate.cloud.readouts import Readouts
from fullbore.simulate.cloud.schedule import Piece, Schedule, pieces
from fullbore.simulate.cloud.spins import SpinCloud, in_static_field
from fullbore.simulate.cloud.spots import make_spots
from fullbore.simulate.fields import make_bore
from fullbore.simulate.receiving import Progress, Run, played_sequence, record
from fullbore.simulate.timeline import compile_timeline

MOST_SPINS = 8192
FEWEST_SPINS = 512
MOST_ROWS = 512
MEMORY_BYTES = 1_000_000_000
SPIN_BYTES = 4000
"""What a spin of a block takes beside its readouts: propagators and patterns."""


def play_cloud(
    cloud: SpinCloud,
    sequence: Sequence,
    spec: ScannerSpec | None = None,
    *,
    tolerance: float = 1e-6,
    threads: int = 2,
    memory_bytes: int = MEMORY_BYTES,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Complex64[np.ndarray, "row coil sample"]:
    """Noiseless samples of every spin's own Bloch equation.

    Pulses act as exact maps of shaped RF with relaxation, intervals and samples in closed form; any gradients, any
    trajectory. spec: the machine whose flaws are felt, an ideal one if None. tolerance: of the patterns that samples along a
    line are made of. memory_bytes: what the work may take beside the cloud and its samples. The result does not depend on
    `threads`. Errors: UsageError and ValueRangeError by name; AcquisitionInterrupted for Ctrl-C when readouts are complete.
    """
    run = CloudRun(cloud, sequence, spec, tolerance=tolerance, memory_bytes=memory_bytes, threads=threads)
    for _ in run.pieces(lambda fraction, what: progress(fraction)):
        pass
    return run.samples


class CloudRun(Run):
    """A cloud, a sequence and a machine, ready to play; pieces of the sequence come one after the other."""

    def __init__(
        self,
        cloud: SpinCloud,
        sequence: Sequence,
        spec: ScannerSpec | None,
        *,
        tolerance: float,
        memory_bytes: int,
        threads: int = 2,
    ):
        flaws = spec.flaws if spec is not None else Flaws()
        moved = cloud.motion.gradients() if cloud.motion is not None else None
        bore = make_bore(flaws, spec.b0_T if spec is not None else 0.0, moved)
        cloud = in_static_field(cloud, spec)
        self._timeline = timeline = compile_timeline(sequence, bore)
        spots = make_spots(cloud, bore, sequence.rf_shims)
        self._readouts = Readouts(timeline, _rates(cloud), tolerance, spots.are_fixed)
        self._spots = spots.take(self._readouts.order(spots))
        self._schedule = Schedule(timeline, CloudPulses(timeline, self._spots))
        self._threads, self._memory_bytes = threads, memory_bytes
        self.shape = (len(timeline.last_pulse), len(cloud.sensitivity), timeline.sample_time_s.shape[1])
        self.samples = np.zeros(self.shape, np.complex64)
        self.how = {"simulator": "isochromats", "spins": str(len(cloud))}
        row_bytes = 16 * self.shape[1] * self.shape[2]
        self._most_rows = int(np.clip(memory_bytes // (2 * (threads + 2) * row_bytes), 1, MOST_ROWS))
        spin_bytes = SPIN_BYTES + 16 * min(self._most_rows, self.shape[0])
        size = int(np.clip(memory_bytes // (2 * threads * spin_bytes), FEWEST_SPINS, MOST_SPINS))
        self._blocks = [slice(first, first + size) for first in range(0, len(cloud), size)]

    def outlook(self) -> str:
        """What will be done, in a sentence, with a guess of its time on two cores such as laptops have."""
        seconds = 0.5 + len(self._spots.cloud) * (8e-9 * len(self._timeline.kind) + self._readouts.cost_s(self.shape[1]))
        total = (self.samples.nbytes + 200 * len(self._spots.cloud) + self._memory_bytes) / 1e9
        return f"{len(self._spots.cloud)} isochromats on {self._threads} threads, at most {total:.1f} GB, about {seconds:.0f} s"

    def pieces(self, progress: Progress) -> Iterator[slice]:
        """Piece by piece until the last readout. Spins are added in a fixed order."""
        turn = np.exp(1j * self._timeline.receiver_phase_rad)[:, None]
        states = [np.zeros((3, len(self._spots.cloud.amount[block])), np.float32) for block in self._blocks]
        for state in states:
            state[2] = 1
        with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(self._threads) as pool:
            yield slice(0, int((self._timeline.last_pulse < 0).sum()))  # silent: nothing has been excited
            todo = pieces(self._timeline.last_pulse, self._most_rows)
            for number, piece in enumerate(todo):
                total = np.zeros((piece.count, *self.shape[1:]), np.complex128)
                both = zip(self._blocks, states, strict=True)
                tasks = [partial(self._play_block, block, piece, state) for block, state in both]
                for block, found in enumerate(_in_order(pool, tasks, self._threads + 1)):
                    total += found
                    progress((number + (block + 1) / len(tasks)) / len(todo), "spins through pulses and readouts")
                self.samples[piece.rows] = total * turn[piece.rows]
                yield piece.rows

    def _play_block(
        self, block: slice, piece: Piece, state: Float32[np.ndarray, "3 n"]
    ) -> Complex64[np.ndarray, "row coil sample"]:
        part = self._spots.take(block)
        found = np.zeros((piece.count, *self.shape[1:]), np.complex64)
        self._readouts.collect(part, piece.rows, self._schedule.run(part, piece, state), found)
        return found


def _rates(cloud: SpinCloud) -> tuple[float, float]:
    rate = 1 / cloud.t2_s
    return float(rate.min()), float(rate.max())


def acquire_cloud(
    cloud: SpinCloud,
    sequence: Sequence,
    spec: ScannerSpec,
    *,
    seed: int = 0,
    threads: int = 2,
    memory_bytes: int = MEMORY_BYTES,
    progress: Callable[[float], None] = lambda fraction: None,
) -> RawData:
    """Raw data of `sequence` on a cloud in `spec`, with its flaws and noise, as `simulate.acquire` gives them for a phantom.

    Errors: those of `play_cloud`, ShapeError when the cloud is seen by another number of coils than the array has, and
    AcquisitionInterrupted, with the readouts that are complete, for Ctrl-C.
    """
    played = played_sequence(sequence, spec)
    run = CloudRun(cloud, played, spec, tolerance=1e-6, memory_bytes=memory_bytes, threads=threads)
    return record(run, sequence, spec, seed, lambda fraction, what: progress(fraction))


def _in_order(pool: ThreadPoolExecutor, tasks: Iterable[Callable], ahead: int) -> Iterator:
    """Results in the order of the tasks, with few of them held at once."""
    waiting: deque[Future] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(task))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
