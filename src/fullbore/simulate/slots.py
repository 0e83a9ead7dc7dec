"""What readouts see, sorted into slots: all readouts that see a state with one k offset and one timing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int

from fullbore.simulate.classes import ClassAxes
from fullbore.simulate.responses import MERGE_TOLERANCE, Record
from fullbore.simulate.schedule import Schedule
from fullbore.simulate.tracks import chains, joint_labels


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
    first, which = joint_labels(*(chains(column, width) for column, width in zip(keys.T, step, strict=True)))
    return keys[first], which


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
