"""Play a sequence to a cloud of spins."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np
from jaxtyping import Complex64
from threadpoolctl import threadpool_limits

from fullbore.data import Flaws, RawData, ScannerSpec, Sequence
from fullbore.errors import AcquisitionInterrupted
from fullbore.simulate.cloud.player import PlainPlayer, Player
from fullbore.simulate.cloud.pool_player import PoolPlayer
from fullbore.simulate.cloud.schedule import pieces
from fullbore.simulate.cloud.spins import SpinCloud, in_static_field
from fullbore.simulate.cloud.spots import make_spots
from fullbore.simulate.fields import make_bore
from fullbore.simulate.receiving import receive
from fullbore.simulate.timeline import compile_timeline
from fullbore.simulate.trajectory import trajectory

MOST_SPINS = 8192
FEWEST_SPINS = 512
MOST_ROWS = 512
MEMORY_BYTES = 1_000_000_000


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
    """Noiseless samples of every spin's own Bloch equation, or Bloch and McConnell's where it is made of pools.

    Pulses act as exact maps of shaped RF with relaxation, intervals and samples in closed form; any gradients, any
    trajectory. spec: the machine whose flaws are felt, an ideal one if None. tolerance: of the patterns that samples along a
    line are made of. memory_bytes: what the work may take beside the cloud and its samples. The result does not depend on
    `threads`. Errors: UsageError (for pools that flow in fresh, too) and ValueRangeError by name; AcquisitionInterrupted for
    Ctrl-C when readouts are complete.
    """
    run = CloudRun(cloud, sequence, spec, tolerance=tolerance, memory_bytes=memory_bytes, threads=threads)
    samples = np.zeros(run.shape, np.complex64)
    for rows, value in run.pieces():
        samples[rows] = value
        progress(rows.stop / len(samples))
    return samples


class CloudRun:
    """A cloud, a sequence and a machine, ready to play; pieces of the sequence come one after the other."""

    def __init__(
        self,
        cloud: SpinCloud,
        sequence: Sequence,
        spec: ScannerSpec | None,
        *,
        tolerance: float,
        memory_bytes: int,
        threads: int,
    ):
        flaws = spec.flaws if spec is not None else Flaws()
        moved = cloud.motion.gradients() if cloud.motion is not None else None
        bore = make_bore(flaws, spec.b0_T if spec is not None else 0.0, moved)
        cloud = in_static_field(cloud, spec)
        self._timeline = timeline = compile_timeline(sequence, bore)
        self.shape = (len(timeline.last_pulse), len(cloud.sensitivity), timeline.sample_time_s.shape[1])
        self._players: list[Player] = []
        for system, part in cloud.sorts():
            spots = make_spots(part, bore, sequence.rf_shims)
            if system is None:
                self._players.append(PlainPlayer(timeline, spots, tolerance))
            else:
                self._players.append(PoolPlayer(timeline, system, spots, tolerance, threads))
        self._threads = threads
        row_bytes = 16 * self.shape[1] * self.shape[2]
        self._most_rows = int(np.clip(memory_bytes // (2 * (threads + 2) * row_bytes), 1, MOST_ROWS))
        self._memory_bytes = memory_bytes // (2 * threads)

    def _blocks(self, player: Player) -> list[slice]:
        """A player's spins in as many as the memory holds at a time."""
        spin_bytes = player.spin_bytes + 16 * player.looks * min(self._most_rows, self.shape[0])
        size = int(np.clip(self._memory_bytes // spin_bytes, FEWEST_SPINS, MOST_SPINS))
        return [slice(first, first + size) for first in range(0, len(player.spots.cloud), size)]

    def pieces(self) -> Iterator[tuple[slice, Complex64[np.ndarray, "row coil sample"]]]:
        """Consecutive readouts and their samples, until the last. Spins are added in a fixed order."""
        turn = np.exp(1j * self._timeline.receiver_phase_rad)[:, None]
        blocks = [(player, block, player.start(block)) for player in self._players for block in self._blocks(player)]
        with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(self._threads) as pool:
            early = int((self._timeline.last_pulse < 0).sum())
            yield slice(0, early), np.zeros((early, *self.shape[1:]), np.complex64)
            for piece in pieces(self._timeline.last_pulse, self._most_rows):
                total = np.zeros((piece.count, *self.shape[1:]), np.complex128)
                tasks = [partial(player.play, block, piece, state) for player, block, state in blocks]
                for found in _in_order(pool, tasks, self._threads + 1):
                    total += found
                yield piece.rows, (total * turn[piece.rows]).astype(np.complex64)


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
    how = {"simulator": "isochromats", "spins": str(len(cloud))}
    run = CloudRun(cloud, sequence, spec, tolerance=1e-6, memory_bytes=memory_bytes, threads=threads)
    samples, complete = np.zeros(run.shape, np.complex64), 0
    try:
        for rows, value in run.pieces():
            samples[rows], complete = value, rows.stop
            progress(complete / len(samples))
    except KeyboardInterrupt:
        if not complete:
            raise
    raw = receive(samples, sequence, spec, trajectory(sequence), how, seed)
    if complete < len(samples):
        text = f"Interrupted after {complete} of {len(samples)} readouts of {sequence.name}."
        raise AcquisitionInterrupted(text, raw.take(np.arange(len(samples)) < complete))
    return raw


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
