"""What every class of spins of a tissue answers at every readout: configuration states run through the pulses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex, Float, Float32, Int

from fullbore.data import Tissue
from fullbore.errors import LimitError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.classes import ClassAxes, PulseBank
from fullbore.simulate.configuration_kernel import run_states
from fullbore.simulate.diffusion import tensor_in
from fullbore.simulate.repetition import Shortened, shorten
from fullbore.simulate.schedule import Schedule
from fullbore.simulate.timeline import Timeline

MOST_ROWS = 1 << 16
MERGE_TOLERANCE = 1e-2
FEWEST_STATES, STATE_VALUES = 140, 150_000
"""A tissue may hold so many states, and so many values (states times classes), before the faintest are let go earlier."""
SETTLED = 10.0
"""A train has settled once its last two repetitions differ by less than so many thresholds of the states."""
HASH = np.array([1.0, np.sqrt(2.0), np.sqrt(3.0), np.sqrt(5.0) * 1e4])
"""Weights of kx, ky, kz (cycles/m) and tau (s): keys with equal hash are one state."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Experiment:
    """What the tissues of one group go through.

    frame: (3, 3) rows read, phase, slice. prune: magnitude, as a part of what the excitation leaves of M0, below which a
    state is let go.
    """

    timeline: Timeline
    schedule: Schedule
    frame: Float[np.ndarray, "3 3"]
    bank: PulseBank
    axes: ClassAxes
    b0_T: float
    prune: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """One tissue's states as seen by readouts: which row, (k offset, tau after the pulse), value per class."""

    row: Int[np.ndarray, " record"]
    key: Float[np.ndarray, "record 4"]
    value: Complex[np.ndarray, "record class"]
    states: int


class _Player:
    """Plays any selection of an experiment's pulses to one tissue, or to one compartment of it."""

    def __init__(self, experiment: Experiment, tissue: Tissue, tensor_m2_per_s: Float[np.ndarray, "3 3"]):
        timeline, pulses = experiment.timeline, experiment.schedule.pulses
        shift = tissue.chemical_shift_ppm * 1e-6 * experiment.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T
        played, which = np.unique(
            np.column_stack([timeline.kind[pulses], timeline.frequency_Hz[pulses]]), axis=0, return_inverse=True
        )
        bank, axes = experiment.bank, experiment.axes
        before = experiment.schedule.before
        self._name = tissue.name
        self._terms: Float32[np.ndarray, "kind 12 class"] = np.stack(
            [bank.terms(int(kind), float(f), tissue, shift, axes) for kind, f in played]
        )
        self._kind, self._phase = which.ravel(), timeline.phase_rad[pulses]
        self._e1, self._e2 = np.exp(-before.time_s / tissue.t1_s), np.exp(-before.time_s / tissue.t2_s)
        self._move = np.column_stack([before.moment_per_m, before.time_s])
        self._tensor = 4 * np.pi**2 * tensor_m2_per_s
        self._path = before.path_s_per_m
        self._spread = np.einsum("nij,ij->n", before.spread_s_per_m2, self._tensor)
        self._cut = experiment.schedule.cut_per_m
        self._faintest = experiment.prune * experiment.schedule.excited
        self._crowd = max(FEWEST_STATES, STATE_VALUES // self._terms.shape[2])

    def play(self, short: Shortened) -> Record:
        """Errors: LimitError when more states stay alive than fit."""
        kept, readouts = short.pulses, (short.rows, short.low, short.high, short.reference)
        records, capacity = len(short.low) * 2 + 16, 2048
        while True:
            row, key = np.empty(records, np.int64), np.empty((records, 4))
            value = np.empty((records, self._terms.shape[2]), np.complex64)
            wanted, states = run_states(
                self._terms, self._kind[kept], self._phase[kept], self._e1[kept], self._e2[kept],
                self._move[kept], self._move[kept] @ HASH, self._tensor, self._path[kept], self._spread[kept],
                *readouts, self._cut, self._faintest**2, (2 * self._faintest) ** 2, self._crowd, MERGE_TOLERANCE, capacity,
                row, key, value,
            )  # fmt: skip
            if wanted < 0 and capacity >= MOST_ROWS:
                raise LimitError(
                    f"Configuration states of {self._name}: more than {states} alive, limit {MOST_ROWS // 3}. "
                    "Raise the tolerance, or spoil or rewind the gradients so that states coincide."
                )
            if 0 <= wanted <= records:
                return Record(row=row[:wanted], key=key[:wanted], value=value[:wanted], states=states)
            capacity, records = (capacity * 4, records) if wanted < 0 else (capacity, wanted)


def run_tissue(experiment: Experiment, tissue: Tissue) -> Record:
    """States of one tissue through the schedule, those of all its compartments together.

    Errors: LimitError when more states stay alive than fit.
    """
    parts = [
        (fraction, _run_part(experiment, tissue, tensor)) for fraction, tensor in tensor_in(experiment.frame, tissue) if fraction
    ]
    if len(parts) == 1:
        return parts[0][1]
    return Record(
        row=np.concatenate([part.row for _, part in parts]),
        key=np.concatenate([part.key for _, part in parts]),
        value=np.concatenate([np.complex64(fraction) * part.value for fraction, part in parts]),
        states=max(part.states for _, part in parts),
    )


def _run_part(experiment: Experiment, tissue: Tissue, tensor_m2_per_s: Float[np.ndarray, "3 3"]) -> Record:
    """One compartment; trains that repeat are played until they have settled."""
    player, schedule = _Player(experiment, tissue, tensor_m2_per_s), experiment.schedule
    repeats, short = list(schedule.repeats), schedule.shortened
    while True:
        record = player.play(short)
        unsettled = _unsettled(record, short, experiment.prune)
        if not unsettled:
            return _diffused(_expanded(record, short), schedule, tensor_m2_per_s)
        tried = [repeat.longer() if number in unsettled else repeat for number, repeat in enumerate(repeats)]
        repeats = [repeat for repeat in tried if repeat is not None]
        short = shorten(repeats, schedule.rows, schedule.low, schedule.high, schedule.reference)


def _unsettled(record: Record, short: Shortened, prune: float) -> set[int]:
    """Numbers of the trains whose last kept repetition answers otherwise, in its strongest echoes, than the one before it."""
    if not len(short.previous):
        return set()
    size = np.abs(record.value).max(axis=1, initial=0.0)
    limit = SETTLED * prune * float(size.max(initial=0.0))
    order = np.lexsort((-size, record.row))
    rows = record.row[order]
    strongest = order[np.flatnonzero(np.diff(rows, prepend=-1))]
    held = {int(record.row[i]): i for i in strongest}
    numbers = set()
    for last, earlier, train in short.previous:
        a, b = held.get(int(last)), held.get(int(earlier))
        if a is None or b is None:
            if a is not b:
                numbers.add(int(train))
        elif np.abs(record.value[a] - record.value[b]).max() > limit:
            numbers.add(int(train))
    return numbers


def _expanded(record: Record, short: Shortened) -> Record:
    """Records of stand-in rows as records of all the rows they answer for."""
    if not len(short.previous):
        return record
    order = np.argsort(record.row, kind="stable")
    first = np.searchsorted(record.row[order], short.actual[:, 0], side="left")
    last = np.searchsorted(record.row[order], short.actual[:, 0], side="right")
    take = np.concatenate([order[a:b] for a, b in zip(first, last, strict=True)]) if len(first) else order[:0]
    row = np.repeat(short.actual[:, 1], last - first)
    return Record(row=row, key=record.key[take], value=record.value[take], states=record.states)


def _diffused(record: Record, schedule: Schedule, tensor_m2_per_s: Float[np.ndarray, "3 3"]) -> Record:
    """Records with what diffusion leaves of them between the pulse and the middle of the readout."""
    if not tensor_m2_per_s.any():
        return record
    k = record.key[:, :3] + schedule.reference[record.row]
    left = np.exp(-schedule.until.taken(record.row).exponent(k, tensor_m2_per_s)).astype(np.float32)
    return replace(record, value=record.value * left[:, None])
