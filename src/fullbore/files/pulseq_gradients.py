"""Rows of [TRAP] and [GRADIENTS] to unique shapes: what each axis of each block plays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Gradient
from fullbore.files.pulseq_events import LARGEST_AMPLITUDE, LARGEST_TOTAL, LONGEST_US
from fullbore.files.pulseq_sections import PulseqFile
from fullbore.files.pulseq_text import Table
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

_US = 1e6  # dividing by it gives the float nearest to the time in s
_EPS_S = 1e-9
_ROUNDING = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Knots:
    """A gradient row's course: times from the block's start (n,), values (n,) in Hz/m per unit of `scale`.

    open_start: the value at the start is not known from the row (raster samples of a file before 1.5).
    last_Hz_per_m: value at the end. end_s: when it ends.
    """

    times_s: np.ndarray
    values: np.ndarray
    scale: float
    open_start: bool
    last_Hz_per_m: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gradients:
    """shapes, and by block and axis (block, 3): index (-1 for none), scale, end of the event."""

    shapes: tuple[Gradient, ...]
    index: np.ndarray
    scale: np.ndarray
    end_s: np.ndarray


def merged_rows(file: PulseqFile, blocks: Table, columns: tuple[int, int, int]) -> np.ndarray:
    """The event of each block and axis, (block, 3): rows of [TRAP], then those of [GRADIENTS]; -1 for none.

    Errors: FormatError when an id is in both sections or in none.
    """
    tables = [file.tables[name] for name in ("TRAP", "GRADIENTS") if name in file.tables]
    ids = np.concatenate([np.zeros(0, dtype=np.int64), *(table.ids for table in tables)])
    order = np.argsort(ids, kind="stable")
    twice = np.flatnonzero(np.diff(ids[order]) == 0)
    if len(twice):
        row = int(order[twice[0] + 1]) - len(file.tables["TRAP"].ids)
        raise file.tables["GRADIENTS"].error(row, f"the id {ids[order][twice[0]]} of a trapezoid", "an id of its own")
    result = np.full((len(blocks.ids), 3), -1, dtype=np.int32)
    for axis, column in enumerate(columns):
        wanted = blocks.whole(column, f"gradient id of axis {'xyz'[axis]}")
        at = np.minimum(np.searchsorted(ids[order], wanted), max(len(ids) - 1, 0))
        found = ids[order][at] == wanted if len(ids) else np.zeros(len(wanted), dtype=bool)
        missing = np.flatnonzero((wanted > 0) & ~found)
        if len(missing):
            got = f"gradient {wanted[missing[0]]} on axis {'xyz'[axis]}"
            raise blocks.error(int(missing[0]), got, "an event of [TRAP] or [GRADIENTS]", "Add the event.")
        if len(ids):
            result[:, axis] = np.where(wanted > 0, order[at], -1)
    return result


def courses(file: PulseqFile, event: np.ndarray) -> dict[int, Knots | None]:
    """The course of each event that is played; None for one that lasts no time."""
    traps = file.tables.get("TRAP")
    count = 0 if traps is None else len(traps.ids)
    used = np.flatnonzero(np.bincount(event[event >= 0]))
    result: dict[int, Knots | None] = {}
    if traps is not None and (used < count).any():
        result |= _trapezoids(traps, used[used < count])
    if (used >= count).any():
        result |= {row + count: knots for row, knots in _arbitrary(file, file.tables["GRADIENTS"], used[used >= count] - count)}
    return result


def _trapezoids(table: Table, rows: np.ndarray) -> dict[int, Knots | None]:
    amplitude = table.within(0, "amplitude", -LARGEST_AMPLITUDE, LARGEST_AMPLITUDE)
    spans = np.stack(
        [table.within(column, name, 0.0, LONGEST_US) for column, name in enumerate(("rise", "flat", "fall", "delay"), 1)]
    )
    keys, which = np.unique(spans[:, rows], axis=1, return_inverse=True)
    forms = [_trapezoid(*key) for key in keys.T]
    falls = [bool(np.any(np.diff(times) <= 0)) for times, _ in forms]
    result: dict[int, Knots | None] = {}
    for row, form, height in zip(rows.tolist(), which.reshape(-1).tolist(), amplitude[rows].tolist(), strict=True):
        times, values = forms[form]
        if falls[form]:
            raise table.error(int(row), "times that do not rise", "rise, flat and fall times that add to the delay")
        result[row] = (
            None
            if len(times) < 2
            else Knots(times_s=times, values=values, scale=height, open_start=False, last_Hz_per_m=0.0, end_s=float(times[-1]))
        )
    return result


def _trapezoid(rise: float, flat: float, fall: float, delay: float) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a unit trapezoid, times in us; an edge without duration is a jump at the end of the course."""
    times = np.array([delay, delay + rise, delay + rise + flat, delay + rise + flat + fall]) / _US
    keep = np.array([rise > 0, True, flat > 0, fall > 0])
    return times[keep], np.array([0.0, 1.0, 1.0, 0.0])[keep]


def _arbitrary(file: PulseqFile, table: Table, rows: np.ndarray) -> list[tuple[int, Knots]]:
    late, timed = file.version >= (1, 5, 0), file.version >= (1, 4, 0)
    amplitude = table.within(0, "amplitude", -LARGEST_AMPLITUDE, LARGEST_AMPLITUDE)
    shape = table.whole(3 if late else 1, "shape", 1)
    time = table.within(4 if late else 2, "time shape", -1.0, 2.0**31) if timed else np.zeros(len(shape))
    delay = table.within(-1, "delay", 0.0, LONGEST_US)
    edges = (
        np.stack(
            [table.within(column, name, -LARGEST_AMPLITUDE, LARGEST_AMPLITUDE) for column, name in ((1, "first"), (2, "last"))]
        )
        if late
        else None
    )
    result, total = [], 0
    for row in rows.tolist():
        samples = file.shape(int(shape[row]), table, row)
        total += len(samples)
        if total > LARGEST_TOTAL or np.abs(samples).max() > LARGEST_AMPLITUDE:
            raise table.error(row, f"{total} samples so far", f"at most {LARGEST_TOTAL} in all gradients, each from -1 to 1")
        scale = float(amplitude[row]) or 1.0
        values = samples if amplitude[row] else np.zeros(len(samples))
        ends = None if edges is None else (float(edges[0, row]) / scale, float(edges[1, row]) / scale)
        steps, values, is_open = _course(file, table, row, values, int(time[row]), ends)
        times = float(delay[row]) / _US + steps * file.raster_s("GradientRasterTime")
        if np.any(np.diff(times) <= 0):
            raise table.error(row, "times that do not rise", "steps that add to the delay")
        result.append(
            (
                row,
                Knots(
                    times_s=times,
                    values=values,
                    scale=scale,
                    open_start=is_open,
                    last_Hz_per_m=float(values[-1]) * scale,
                    end_s=float(times[-1]),
                ),
            )
        )
    return result


def _course(
    file: PulseqFile, table: Table, row: int, samples: np.ndarray, time_id: int, ends: tuple[float, float] | None
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Times in raster steps, values, and whether the first value is open.

    Samples on the raster lie at the middle of its steps, oversampled ones at every half step; the values at both ends are
    stated since 1.5. Before, the last is the line through the last two samples, as the writers extrapolate.
    """
    count = len(samples)
    if time_id > 0:
        steps = file.shape(time_id, table, row)
        if len(steps) != count or count < 2 or steps[0] < 0 or np.any(np.diff(steps) <= 0) or steps[-1] > 1e12:
            raise table.error(row, f"times of shape {time_id}", f"{max(count, 2)} rising times, one a sample")
        if not np.array_equal(steps, np.arange(count) + 0.5):
            return steps, samples, False
    if time_id == -1:
        if count % 2 == 0:
            raise table.error(row, f"{count} samples, oversampled", "an odd number")
        steps = 0.5 * np.arange(1, count + 1)
    else:
        steps = np.arange(count) + 0.5
    length = (count + 1) / 2 if time_id == -1 else count
    if ends is None:
        ends = (0.0, float(1.5 * samples[-1] - 0.5 * samples[-2]) if count > 1 else float(samples[-1]))
        return np.concatenate([[0.0], steps, [length]]), np.concatenate([[ends[0]], samples, [ends[1]]]), True
    return np.concatenate([[0.0], steps, [length]]), np.concatenate([[ends[0]], samples, [ends[1]]]), False


def gradients(event: np.ndarray, knots: dict[int, Knots | None], duration_s: np.ndarray) -> Gradients:
    """Shapes shared by all blocks that play them at different scales.

    event: (block, 3) from `merged_rows`. An open first value continues what the block before ends with, when that lasts
    to its block's end and nothing is delayed; it is zero otherwise. A known one does so where it is equal but for rounding.
    """
    size = int(event.max(initial=-1)) + 2
    scale, begin, last, end, delay = (np.zeros(size) for _ in range(5))
    is_open, is_none = np.zeros(size, dtype=bool), np.ones(size, dtype=bool)
    for row, course in knots.items():
        if course is not None:
            scale[row], last[row], end[row] = course.scale, course.last_Hz_per_m, course.end_s
            begin[row] = course.values[0] * course.scale
            delay[row], is_open[row], is_none[row] = course.times_s[0], course.open_start, False
    if is_none[:-1].any():
        event = np.where(is_none[event], -1, event)
    first = None
    if is_open.any() or begin.any():
        first = _first_values(event, duration_s, last=last, end=end, begin=begin, scale=scale, delay=delay, is_open=is_open)
    return _shared(event, knots, first, scale[event], end[event])


def _first_values(
    event: np.ndarray,
    duration_s: np.ndarray,
    *,
    last: np.ndarray,
    end: np.ndarray,
    begin: np.ndarray,
    scale: np.ndarray,
    delay: np.ndarray,
    is_open: np.ndarray,
) -> np.ndarray:
    """What each axis of each block, (block, 3), takes over from the block before, Hz/m, 0 for nothing; tables by event."""
    carried = np.where(end[event] + _EPS_S >= duration_s[:, None], last[event], 0.0)
    before = np.vstack([np.zeros((1, 3)), carried[:-1]])
    # Files round amplitudes to six digits, which leaves steps of that size where one block's gradient goes on in the next.
    step = np.abs(before - begin[event])
    is_rounding = (step > 0) & (step <= _ROUNDING * np.maximum(np.abs(before), np.abs(scale[event]))) & (begin[event] != 0)
    return np.asarray(np.where((is_open[event] | is_rounding) & (delay[event] <= 0), before, 0.0))


def _shared(
    event: np.ndarray, knots: dict[int, Knots | None], first_Hz_per_m: np.ndarray | None, scale: np.ndarray, end_s: np.ndarray
) -> Gradients:
    """One shape for all courses that differ by a factor only; the factor is at most 1."""
    playing = event >= 0
    heard = event[playing]
    if first_Hz_per_m is not None:
        pairs, which = np.unique(np.stack([heard, first_Hz_per_m[playing]], axis=1), axis=0, return_inverse=True)
        which = which.reshape(-1)
    else:
        counts = np.bincount(heard)
        rows, which = np.flatnonzero(counts), (np.cumsum(counts > 0) - 1)[heard]
        pairs = np.stack([rows, np.zeros(len(rows))], axis=1)
    forms: dict[tuple[bytes, bytes], int] = {}
    members: list[tuple[np.ndarray, np.ndarray]] = []
    form_of = np.zeros(len(pairs), dtype=np.int64)
    for number, (row, first) in enumerate(pairs.tolist()):
        course = knots[int(row)]
        assert course is not None  # rows without duration were taken out of `event`
        values = course.values
        if first:
            values = np.concatenate([[first / course.scale], values[1:]])
        form_of[number] = forms.setdefault((course.times_s.tobytes(), values.tobytes()), len(forms))
        if form_of[number] == len(members):
            members.append((course.times_s, values))
    index = np.full(event.shape, -1, dtype=np.int32)
    index[playing] = form_of[which]
    peak = np.zeros(len(members) + 1)
    np.maximum.at(peak, index, np.where(playing, np.abs(scale), 0.0))
    peak[peak == 0] = 1.0
    shapes = tuple(
        Gradient(times_s=times, values_T_per_m=values * (height / GYROMAGNETIC_RATIO_HZ_PER_T))
        for (times, values), height in zip(members, peak, strict=False)
    )
    return Gradients(shapes=shapes, index=index, scale=np.where(playing, scale / peak[index], 0.0), end_s=end_s * playing)
