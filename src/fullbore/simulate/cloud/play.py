"""Play a sequence to a cloud of spins."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Complex64, Float
from threadpoolctl import threadpool_limits

from fullbore.data import Flaws, Flow, RawData, ScannerSpec, Sequence
from fullbore.errors import UsageError
from fullbore.numerics.vessel import Vessel
from fullbore.simulate.cloud.player import PlainPlayer, Player
from fullbore.simulate.cloud.pool_player import PoolPlayer
from fullbore.simulate.cloud.schedule import as_in, pieces
from fullbore.simulate.cloud.spins import SpinCloud, in_static_field
from fullbore.simulate.cloud.spots import Ways, make_spots, make_ways, moving_bore
from fullbore.simulate.cloud.stream import Flowing
from fullbore.simulate.cloud.walk import make_walk
from fullbore.simulate.fields import Bore, make_bore
from fullbore.simulate.receiving import Progress, Run, played_sequence, record
from fullbore.simulate.timeline import Timeline, compile_timeline

SILENT, STEEPEST = 35.0, 60.0
"""Exponents of what T2 leaves: of spins that nobody hears, and of those that single precision cannot follow in a readout."""
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
    `threads`. Errors: UsageError (for pools that flow in fresh, too) and ValueRangeError by name.
    """
    run = CloudRun(cloud, sequence, spec, tolerance=tolerance, memory_bytes=memory_bytes, threads=threads)
    for _ in run.pieces(lambda fraction, what: progress(fraction)):
        pass
    return run.samples


def audible(cloud: SpinCloud, timeline: Timeline) -> SpinCloud:
    """The plain spins of which more than exp(-SILENT) is left at the first sample of any readout, and all that exchange.

    Errors: UsageError for spins that are heard, but decay by more than exp(STEEPEST) within half a readout.
    """
    heard = timeline.last_pulse >= 0
    since_s = (timeline.sample_time_s[:, 0] - timeline.time_s[timeline.last_pulse])[heard].min(initial=np.inf)
    half_s = 0.5 * float((timeline.samples * timeline.dwell_s).max())
    kept = cloud.t2_s * SILENT > since_s
    if cloud.kind is not None:
        kept |= cloud.kind >= 0
    if cloud.courses:
        kept[:] = True
    steep = kept & (cloud.t2_s * STEEPEST < half_s)
    if steep.any():
        raise UsageError(
            f"CloudRun: spins of T2 {1e6 * cloud.t2_s[steep].min():.3g} us decay too fast in readouts of {2e3 * half_s:.3g} ms. "
            "Give them a longer T2, leave them out, or read for a shorter time."
        )
    if not kept.any():
        one = cloud.take(np.arange(1))
        return replace(one, amount=0 * one.amount, t2_s=one.t1_s)
    return cloud if kept.all() else cloud.take(np.flatnonzero(kept))


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
        flaws, b0_T = (spec.flaws, spec.b0_T) if spec is not None else (Flaws(), 0.0)
        given, cloud = len(cloud), audible(cloud.numbered(), compile_timeline(sequence))
        self._players: list[Player] = []
        self._times: list[Timeline] = []  # each player's own, which differ by the fields and by marks of flow
        for ways, flow, stream in _streams(cloud):
            bore = make_bore(flaws, b0_T, stream.motion is not None or flow is not None)
            vessel = Vessel(flow) if flow is not None else None
            bore = moving_bore(bore, stream, ways, vessel, sequence)
            met = bore.terms[0].fields if isinstance(bore.terms[0], Flowing) else bore.terms
            marks_s = bore.terms[0].windows.edges_s if isinstance(bore.terms[0], Flowing) else None
            timeline = compile_timeline(sequence, bore, marks_s)
            for system, part in (stream if flow is not None else in_static_field(stream, spec)).sorts():
                own, clock = in_course(part, bore, timeline, sequence, marks_s)
                spots = make_spots(part, own, sequence.rf_shims, vessel, ways)
                walk = make_walk(part, met, bore.response, sequence, clock)
                self._times.append(clock)
                if system is None:
                    self._players.append(PlainPlayer(clock, spots, tolerance, walk))
                else:
                    self._players.append(PoolPlayer(clock, system, spots, tolerance, threads, walk))
        self._timeline = timeline = compile_timeline(sequence) if cloud.flows else self._times[0]
        self.shape = (len(timeline.last_pulse), len(cloud.sensitivity), timeline.sample_time_s.shape[1])
        self._threads, self._spins, self._memory_bytes = threads, given, memory_bytes
        self.samples = np.zeros(self.shape, np.complex64)
        self.how = {"simulator": "isochromats", "spins": str(given)}
        row_bytes = 16 * self.shape[1] * self.shape[2]
        self._most_rows = int(np.clip(memory_bytes // (2 * (threads + 2) * row_bytes), 1, MOST_ROWS))

    def _blocks(self, player: Player) -> list[slice]:
        """A player's spins in as many as the memory holds at a time."""
        spin_bytes = player.spin_bytes + 16 * player.looks * min(self._most_rows, self.shape[0])
        size = int(np.clip(self._memory_bytes // (2 * self._threads * spin_bytes), FEWEST_SPINS, MOST_SPINS))
        return [slice(first, first + size) for first in range(0, len(player.spots.cloud), size)]

    def outlook(self) -> str:
        """What will be done, in a sentence, with a guess of its time on two cores such as laptops have."""
        seconds = 0.5
        for player, own in zip(self._players, self._times, strict=True):  # flowing blood has a timeline of more events
            one_s = player.looks * 8e-9 * len(own.kind) + player.cost_s(self.shape[1])
            seconds += len(player.spots.cloud) * one_s
        held = sum(player.held_bytes for player in self._players)
        total = (self.samples.nbytes + 200 * self._spins + self._memory_bytes + held) / 1e9
        return f"{self._spins} isochromats on {self._threads} threads, at most {total:.1f} GB, about {duration_text(seconds)}"

    def pieces(self, progress: Progress) -> Iterator[slice]:
        """Piece by piece until the last readout. Spins are added in a fixed order."""
        turn = np.exp(1j * self._timeline.receiver_phase_rad)[:, None]
        sorts = zip(self._players, self._times, strict=True)
        blocks = [(player, own, block, player.start(block)) for player, own in sorts for block in self._blocks(player)]
        with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(self._threads) as pool:
            yield slice(0, int((self._timeline.last_pulse < 0).sum()))  # silent: nothing has been excited
            todo = pieces(self._timeline.last_pulse, self._most_rows)
            for number, piece in enumerate(todo):
                total = np.zeros((piece.count, *self.shape[1:]), np.complex128)
                cuts = {id(own): as_in(own, piece, self._timeline) for own in self._times}
                tasks = [partial(player.play, block, cuts[id(own)], state) for player, own, block, state in blocks]
                for block, found in enumerate(_in_order(pool, tasks, self._threads + 1)):
                    total += found
                    progress((number + (block + 1) / len(tasks)) / len(todo), "spins through pulses and readouts")
                self.samples[piece.rows] = total * turn[piece.rows]
                yield piece.rows


def duration_text(seconds: float) -> str:
    """In seconds, or in hours from two hours on."""
    return f"{seconds:.0f} s" if seconds < 7200 else f"{seconds / 3600:.0f} hours"


def _streams(cloud: SpinCloud) -> Iterator[tuple[Ways, Flow | None, SpinCloud]]:
    """Spins that one motion moves and that flow in one vessel or none."""
    for body in cloud.bodies():
        ways = make_ways(body)
        yield from ((ways, flow, stream) for flow, stream in body.streams())


def in_course(
    part: SpinCloud, bore: Bore, timeline: Timeline, sequence: Sequence, marks_s: Float[np.ndarray, " m"] | None
) -> tuple[Bore, Timeline]:
    """The bore and its timeline as spins of one sort feel them, whose own frequency may change in time."""
    terms = () if part.changing is None else part.changing.terms(part.line)
    if not terms:
        return bore, timeline
    own = replace(bore, terms=(*bore.terms, *terms))
    return own, compile_timeline(sequence, own, marks_s)


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
