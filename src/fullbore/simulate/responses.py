"""What every class of spins answers at every readout: configuration states run tissue by tissue.

A class is a tissue, a plane, a node of water off-resonance and a node of transmit scale. The answer comes in slots: all
readouts that see a state with one k offset from the nominal trajectory and one timing.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Float32, Int

from fullbore.data import Tissue
from fullbore.errors import LimitError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.configuration_kernel import run_states
from fullbore.simulate.pulse_kernel import TERMS
from fullbore.simulate.pulses import FrequencyTable, propagators
from fullbore.simulate.repetition import Repeat, Shortened, find_repeats, shorten
from fullbore.simulate.timeline import PulseKind, Timeline

MOST_ROWS = 1 << 16
MERGE_TOLERANCE = 1e-2
FEWEST_STATES, STATE_VALUES = 140, 150_000
"""A tissue may hold so many states, and so many values (states times classes), before the faintest are let go earlier."""
SLOWEST_DIFFUSION_M2_PER_S = 0.7e-9
ERASED = 0.01
SETTLED = 10.0
"""Diffusion is not simulated, but a state that it would have attenuated to less than `ERASED` is let go; tissues whose
diffusivity is not known, or is less, count as white matter, the slowest watery tissue of the head."""
HASH = np.array([1.0, np.sqrt(2.0), np.sqrt(3.0), np.sqrt(5.0) * 1e4])
"""Weights of kx, ky, kz (cycles/m) and tau (s): keys with equal hash are one state."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassAxes:
    """The smooth axes of the classes: planes (m along slice, [0] when nothing selects), water off-resonance, transmit scale."""

    plane_m: Float[np.ndarray, " plane"]
    off_resonance_Hz: Float[np.ndarray, " f"]
    b1_scale: Float[np.ndarray, " b"]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(plane, f, b)."""
        return len(self.plane_m), len(self.off_resonance_Hz), len(self.b1_scale)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schedule:
    """Pulses that act on one group and the readouts between them, in the scan's frame.

    pulses: indices into the timeline. rows: (pulse, 2). low, high, reference: (row, 3), see `run_states`.
    since_s: (row,) from the pulse's centre to the first sample. cut_per_m: (3,). repeats: trains that are played again and again.
    excited: sine of the largest excitation flip.
    """

    pulses: Int[np.ndarray, " pulse"]
    rows: Int[np.ndarray, "pulse 2"]
    low: Float[np.ndarray, "row 3"]
    high: Float[np.ndarray, "row 3"]
    reference: Float[np.ndarray, "row 3"]
    since_s: Float[np.ndarray, " row"]
    cut_per_m: Float[np.ndarray, " 3"]
    repeats: tuple[Repeat, ...]
    excited: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slot:
    """Readouts (of the group) that see a state at one offset in k and time.

    shift_per_m: added to the nominal trajectory, in the scan's frame. tau_s: time for which off-resonance has acted at the
    first sample; since_s: time since the pulse. amplitude: per tissue (row, plane, f, b), None where a tissue has none.
    """

    shift_per_m: Float[np.ndarray, " 3"]
    tau_s: float
    since_s: float
    rows: Int[np.ndarray, " row"]
    amplitude: list[Complex[np.ndarray, "row plane f b"] | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """One tissue's states as seen by readouts: which row, (k offset, tau after the pulse), value per class."""

    row: Int[np.ndarray, " record"]
    key: Float[np.ndarray, "record 4"]
    value: Complex[np.ndarray, "record class"]
    states: int


class PulseBank:
    """Propagators for the classes of any group; frequency tables are made once per pulse kind and tissue."""

    def __init__(self, timeline: Timeline, direction: Float[np.ndarray, " 3"], half_width_Hz: Float[np.ndarray, " kind"]):
        self._timeline = timeline
        self._direction = direction
        self._half_width = half_width_Hz
        self._tables: dict[tuple[int, Tissue, bytes], FrequencyTable] = {}

    def terms(
        self, kind: int, frequency_Hz: float, tissue: Tissue, shift_Hz: float, axes: ClassAxes
    ) -> Float32[np.ndarray, "12 n"]:
        """Propagators of one kind at one frequency offset, a column per class."""
        pulse = self._timeline.kinds[kind]
        gradient = pulse.gradient_Hz_per_m @ self._direction
        planes, fs, bs = axes.shape
        offset = (axes.off_resonance_Hz + shift_Hz - frequency_Hz)[None, :]
        if pulse.has_constant_gradient and gradient[0] != 0:
            value = self._table(kind, tissue, axes)((gradient[0] * axes.plane_m[:, None] + offset).ravel())
        elif pulse.has_constant_gradient:
            value = np.broadcast_to(self._direct(kind, tissue, np.zeros(1), offset, axes), (planes, fs, bs, TERMS))
        else:
            value = self._direct(kind, tissue, axes.plane_m, offset, axes)
        return np.ascontiguousarray(value.reshape(-1, TERMS).T, dtype=np.float32)

    def _table(self, kind: int, tissue: Tissue, axes: ClassAxes) -> FrequencyTable:
        key = (kind, tissue, axes.b1_scale.tobytes())
        if key not in self._tables:
            self._tables[key] = FrequencyTable(
                self._timeline.kinds[kind], self._half_width[kind], axes.b1_scale, tissue.t1_s, tissue.t2_s
            )
        return self._tables[key]

    def _direct(
        self, kind: int, tissue: Tissue, plane_m: Float[np.ndarray, " p"], offset: Float[np.ndarray, "1 f"], axes: ClassAxes
    ) -> Float[np.ndarray, "p f b 12"]:
        grid = np.meshgrid(plane_m, offset[0], axes.b1_scale, indexing="ij")
        position, off, scale = (part.ravel() for part in grid)
        t1, t2 = np.full_like(off, tissue.t1_s), np.full_like(off, tissue.t2_s)
        return propagators(self._timeline.kinds[kind], self._direction, position, off, scale, t1, t2).reshape(
            *grid[0].shape, TERMS
        )


def make_schedule(
    timeline: Timeline,
    nominal_per_m: Float[np.ndarray, "row sample 3"],
    frame: Float[np.ndarray, "3 3"],
    pulses: Int[np.ndarray, " pulse"],
    rows: Int[np.ndarray, " row"],
    cut_per_m: Float[np.ndarray, " 3"],
) -> Schedule:
    """The acting pulses and the group's readouts between them; nominal_per_m is the trajectory in LPS."""
    owner = np.searchsorted(pulses, timeline.last_pulse[rows], side="right") - 1
    k = nominal_per_m[rows] @ frame.T
    moved = timeline.sample_moment_per_m[rows, 0] - timeline.moment_per_m[pulses[owner]]
    edges = np.searchsorted(owner, np.arange(len(pulses) + 1))
    return Schedule(
        pulses=pulses,
        rows=np.column_stack([edges[:-1], edges[1:]]),
        low=k.min(axis=1),
        high=k.max(axis=1),
        reference=k[:, 0] - moved @ frame.T,
        since_s=timeline.sample_time_s[rows, 0] - timeline.time_s[pulses[owner]],
        cut_per_m=cut_per_m,
        repeats=tuple(find_repeats(pulse_signature(timeline, pulses, frame), intervals(timeline, pulses, frame)[0])),
        excited=max(_sine(timeline.kinds[kind]) for kind in np.unique(timeline.kind[pulses])),
    )


def _sine(pulse: PulseKind) -> float:
    """Sine of the flip on resonance, 1 beyond 90 degrees; 0 for what does not excite."""
    flip = 2 * np.pi * GYROMAGNETIC_RATIO_HZ_PER_T * abs(pulse.b1_T.sum()) * pulse.step_s
    return float(np.sin(min(flip, np.pi / 2))) if pulse.use == "e" else 0.0


def run_tissue(
    timeline: Timeline,
    schedule: Schedule,
    frame: Float[np.ndarray, "3 3"],
    bank: PulseBank,
    tissue: Tissue,
    axes: ClassAxes,
    b0_T: float,
    prune: float,
) -> Record:
    """States of one tissue through the schedule; trains that repeat are played until they have settled.

    prune: magnitude, as a part of what the excitation leaves of M0, below which a state is let go.
    Errors: LimitError when more states stay alive than fit.
    """
    player = _player(timeline, schedule, frame, bank, tissue, axes, b0_T, prune)
    repeats = list(schedule.repeats)
    while True:
        short = shorten(repeats, schedule.rows, schedule.low, schedule.high, schedule.reference)
        record = player(short.pulses, short.rows, short.low, short.high, short.reference)
        unsettled = _unsettled(record, short, prune)
        if not unsettled:
            return _expanded(record, short)
        tried = [repeat.longer() if number in unsettled else repeat for number, repeat in enumerate(repeats)]
        repeats = [repeat for repeat in tried if repeat is not None]


def _player(
    timeline: Timeline,
    schedule: Schedule,
    frame: Float[np.ndarray, "3 3"],
    bank: PulseBank,
    tissue: Tissue,
    axes: ClassAxes,
    b0_T: float,
    prune: float,
) -> Callable[..., Record]:
    """Plays any selection of the schedule's pulses: (kept, rows, low, high, reference) -> Record."""
    pulses, faintest = schedule.pulses, prune * schedule.excited
    diffusivity = max(tissue.diffusivity_m2_per_s, SLOWEST_DIFFUSION_M2_PER_S)
    wear = (2 * np.pi) ** 2 * diffusivity / np.log(1 / ERASED)
    shift = tissue.chemical_shift_ppm * 1e-6 * b0_T * GYROMAGNETIC_RATIO_HZ_PER_T
    played, which = np.unique(
        np.column_stack([timeline.kind[pulses], timeline.frequency_Hz[pulses]]), axis=0, return_inverse=True
    )
    terms = np.stack([bank.terms(int(kind), float(f), tissue, shift, axes) for kind, f in played])
    interval, moment = intervals(timeline, pulses, frame)
    move = np.column_stack([moment, interval])
    crowd = max(FEWEST_STATES, STATE_VALUES // terms.shape[2])
    e1, e2 = np.exp(-interval / tissue.t1_s), np.exp(-interval / tissue.t2_s)
    phase, kind = timeline.phase_rad[pulses], which.ravel()

    def play(kept, rows, low, high, reference) -> Record:  # type: ignore[no-untyped-def]
        records, capacity = len(low) * 2 + 16, 2048
        while True:
            row, key = np.empty(records, np.int64), np.empty((records, 4))
            value = np.empty((records, terms.shape[2]), np.complex64)
            wanted, states = run_states(
                terms, kind[kept], phase[kept], e1[kept], e2[kept], move[kept], move[kept] @ HASH,
                rows, low, high, reference, schedule.cut_per_m,
                faintest**2, (2 * faintest) ** 2, wear, crowd, MERGE_TOLERANCE, capacity, row, key, value,
            )  # fmt: skip
            if wanted < 0 and capacity >= MOST_ROWS:
                raise LimitError(
                    f"Configuration states of {tissue.name}: more than {states} alive, limit {MOST_ROWS // 3}. "
                    "Raise the tolerance, or spoil or rewind the gradients so that states coincide."
                )
            if 0 <= wanted <= records:
                return Record(row=row[:wanted], key=key[:wanted], value=value[:wanted], states=states)
            capacity, records = (capacity * 4, records) if wanted < 0 else (capacity, wanted)

    return play


def intervals(
    timeline: Timeline, pulses: Int[np.ndarray, " pulse"], frame: Float[np.ndarray, "3 3"]
) -> tuple[Float[np.ndarray, " pulse"], Float[np.ndarray, "pulse 3"]]:
    """Time and gradient moment (in the scan's frame) from the pulse before, zero for the first."""
    interval = np.diff(timeline.time_s[pulses], prepend=timeline.time_s[pulses[0]])
    moment = np.diff(timeline.moment_per_m[pulses], axis=0, prepend=timeline.moment_per_m[pulses[:1]])
    return interval, moment @ frame.T


def pulse_signature(
    timeline: Timeline, pulses: Int[np.ndarray, " pulse"], frame: Float[np.ndarray, "3 3"]
) -> Int[np.ndarray, " pulse"]:
    """A number per pulse, the same for pulses of one kind, frequency, phase and interval before them."""
    interval, moment = intervals(timeline, pulses, frame)
    phase = np.round(np.mod(timeline.phase_rad[pulses] + 1e-7, 2 * np.pi), 5)
    columns = [
        timeline.kind[pulses],
        np.round(timeline.frequency_Hz[pulses], 2),
        phase,
        np.round(interval, 8),
        np.round(moment, 1),
    ]
    _, which = np.unique(np.column_stack(columns) + 0.0, axis=0, return_inverse=True)
    return np.asarray(which.ravel())


def _unsettled(record: Record, short: Shortened, prune: float) -> set[int]:
    """Numbers of the trains whose last kept repetition answers otherwise, in its strongest echoes, than the one before it."""
    size = np.abs(record.value).max(axis=1, initial=0.0)
    limit = SETTLED * prune * float(size.max(initial=0.0))
    order = np.lexsort((-size, record.row))
    rows = record.row[order]
    strongest = order[np.flatnonzero(np.diff(rows, prepend=-1))]
    held = {int(record.row[i]): i for i in strongest}
    numbers = set()
    for now, before, train in short.previous:
        a, b = held.get(int(now)), held.get(int(before))
        if a is None or b is None:
            if a is not b:
                numbers.add(int(train))
        elif np.abs(record.value[a] - record.value[b]).max() > limit:
            numbers.add(int(train))
    return numbers


def _expanded(record: Record, short: Shortened) -> Record:
    """Records of stand-in rows as records of all the rows they answer for."""
    order = np.argsort(record.row, kind="stable")
    first = np.searchsorted(record.row[order], short.actual[:, 0], side="left")
    last = np.searchsorted(record.row[order], short.actual[:, 0], side="right")
    take = np.concatenate([order[a:b] for a, b in zip(first, last, strict=True)]) if len(first) else order[:0]
    row = np.repeat(short.actual[:, 1], last - first)
    return Record(row=row, key=record.key[take], value=record.value[take], states=record.states)


def run_group(
    tissues: tuple[Tissue, ...],
    present: list[bool],
    run: Callable[[Tissue], Record],
    schedule: Schedule,
    axes: ClassAxes,
    threads: int = 2,
) -> tuple[list[Slot], int]:
    """Slots of one group, strongest first, and the most states any tissue held."""
    with ThreadPoolExecutor(threads) as pool:
        order = sorted((i for i in range(len(tissues)) if present[i]), key=lambda i: -tissues[i].t2_s)
        futures = {i: pool.submit(run, tissues[i]) for i in order}
        records = [futures[i].result() if present[i] else None for i in range(len(tissues))]
    return gather_slots(records, schedule, axes), max(record.states for record in records if record is not None)


def gather_slots(records: list[Record | None], schedule: Schedule, axes: ClassAxes) -> list[Slot]:
    """Sort the records of all tissues into slots."""
    keys = []
    for record in records:
        if record is not None:
            since = schedule.since_s[record.row]
            keys.append(np.column_stack([record.key[:, :3], record.key[:, 3] + since, since]))
    if not keys:
        return []
    step = np.array([2 * MERGE_TOLERANCE] * 3 + [1e-7, 1e-7])
    unique, which = _cluster(np.concatenate(keys), step)
    slots = []
    for number, key in enumerate(unique):
        slots.append(_fill_slot(number, key, which, records, axes))
    return sorted(slots, key=lambda slot: -sum(float(np.linalg.norm(a)) for a in slot.amplitude if a is not None))


def _cluster(
    keys: Float[np.ndarray, "n d"], step: Float[np.ndarray, " d"]
) -> tuple[Float[np.ndarray, "m d"], Int[np.ndarray, " n"]]:
    """Keys within a step of each other (chained, per component) become one."""
    label = np.zeros((len(keys), keys.shape[1]), dtype=np.int64)
    for d in range(keys.shape[1]):
        order = np.argsort(keys[:, d], kind="stable")
        label[order, d] = np.concatenate([[0], np.cumsum(np.diff(keys[order, d]) > step[d])])
    _, first, which = np.unique(label, axis=0, return_index=True, return_inverse=True)
    return keys[first], which.ravel()


def _fill_slot(
    number: int, key: Float[np.ndarray, " 5"], which: Int[np.ndarray, " n"], records: list[Record | None], axes: ClassAxes
) -> Slot:
    start = 0
    parts: list[tuple[Int[np.ndarray, " n"], Complex[np.ndarray, "n c"]] | None] = []
    for record in records:
        if record is None:
            parts.append(None)
            continue
        mine = np.flatnonzero(which[start : start + len(record.row)] == number)
        start += len(record.row)
        parts.append((record.row[mine], record.value[mine]) if len(mine) else None)
    rows = np.unique(np.concatenate([part[0] for part in parts if part is not None]))
    amplitude: list[Complex[np.ndarray, "row plane f b"] | None] = []
    for part in parts:
        if part is None:
            amplitude.append(None)
            continue
        full = np.zeros((len(rows), part[1].shape[1]), np.complex64)
        np.add.at(full, np.searchsorted(rows, part[0]), part[1])
        amplitude.append(full.reshape(len(rows), *axes.shape))
    return Slot(shift_per_m=key[:3], tau_s=float(key[3]), since_s=float(key[4]), rows=rows, amplitude=amplitude)
