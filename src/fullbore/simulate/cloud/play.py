"""Play a sequence to a cloud of spins."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from jaxtyping import Complex64
from threadpoolctl import threadpool_limits

from fullbore.data import Flaws, RawData, ScannerSpec, Sequence
from fullbore.simulate.cloud.pulses import CloudPulses
from fullbore.simulate.cloud.readouts import Readouts
from fullbore.simulate.cloud.schedule import Schedule
from fullbore.simulate.cloud.spins import SpinCloud, in_static_field
from fullbore.simulate.cloud.spots import make_spots
from fullbore.simulate.fields import make_bore
from fullbore.simulate.receiving import receive
from fullbore.simulate.timeline import compile_timeline
from fullbore.simulate.trajectory import trajectory

MOST_SPINS = 8192
FEWEST_SPINS = 128
BLOCK_BYTES = 64_000_000


def play_cloud(
    cloud: SpinCloud,
    sequence: Sequence,
    spec: ScannerSpec | None = None,
    *,
    tolerance: float = 1e-6,
    threads: int = 2,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Complex64[np.ndarray, "row coil sample"]:
    """Noiseless samples of every spin's own Bloch equation.

    Pulses act as exact maps of shaped RF with relaxation, intervals and samples in closed form; any gradients, any
    trajectory. spec: the machine whose flaws are felt, an ideal one if None. tolerance: of the patterns that samples along a
    line are made of. The result does not depend on `threads`. Memory is bounded by the blocks in which spins are taken.
    Errors: UsageError and ValueRangeError by name.
    """
    flaws = spec.flaws if spec is not None else Flaws()
    moved = cloud.motion.gradients() if cloud.motion is not None else None
    bore = make_bore(flaws, spec.b0_T if spec is not None else 0.0, moved)
    cloud = in_static_field(cloud, spec)
    timeline = compile_timeline(sequence, bore)
    spots = make_spots(cloud, bore)
    readouts = Readouts(timeline, sequence.encoding.dwell_s, _rates(cloud), tolerance, spots.are_fixed)
    ordered = spots.take(readouts.order(cloud, spots.home))
    schedule = Schedule(timeline, readouts.middle, CloudPulses(timeline, ordered))
    shape = (len(timeline.last_pulse), len(cloud.sensitivity), timeline.sample_time_s.shape[1])
    size = int(np.clip(BLOCK_BYTES // (8 * shape[0]), FEWEST_SPINS, MOST_SPINS))
    blocks = [slice(first, first + size) for first in range(0, len(cloud), size)]

    def play_block(which: slice) -> Complex64[np.ndarray, "row coil sample"]:
        part, found = ordered.take(which), np.zeros(shape, np.complex64)
        readouts.collect(part, schedule.run(part), found)
        return found

    total = np.zeros(shape, np.complex128)
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        for number, found in enumerate(_in_order(pool, play_block, blocks, threads + 1)):
            total += found
            progress((number + 1) / len(blocks))
    return (total * np.exp(1j * timeline.adc_phase_rad)[:, None, None]).astype(np.complex64)


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
    progress: Callable[[float], None] = lambda fraction: None,
) -> RawData:
    """Raw data of `sequence` on a cloud in `spec`, with its flaws and noise, as `simulate.acquire` gives them for a phantom.

    Errors: those of `play_cloud`, and ShapeError when the cloud is seen by another number of coils than the array has.
    """
    samples = play_cloud(cloud, sequence, spec, threads=threads, progress=progress)
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
