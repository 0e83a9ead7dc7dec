"""Rows of [RF] and [ADC] to unique pulses and readout windows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from fullbore.data import Adc, RfPulse
from fullbore.files.pulseq_sections import PulseqFile
from fullbore.files.pulseq_text import Table
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

LONGEST_US = 1e9
LARGEST_AMPLITUDE = 1e12
LARGEST_TOTAL = 2**23
USES = "erispou"
Noun = TypeVar("Noun", RfPulse, Adc)
_US = 1e6  # dividing by it gives the float nearest to the time in s
# A guessed excitation turns by at most this; more refocuses. The margin covers short pulses' rounding.
_LARGEST_EXCITATION_RAD = math.radians(90.01)
FAT_AT_1_5_T_HZ = -3.45e-6 * 1.5 * GYROMAGNETIC_RATIO_HZ_PER_T
_SHORTEST_FAT_PULSE_S = 6e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Library(Generic[Noun]):
    """Events of one kind: the nouns and, by block, (block,) each: index of the noun, -1 for none; frequency and phase; end.

    end_s: when the event ends after its block's start, 0 for none.
    """

    nouns: tuple[Noun, ...]
    index: np.ndarray
    frequency_Hz: np.ndarray
    phase_rad: np.ndarray
    end_s: np.ndarray


def rows_of(table: Table | None, blocks: Table, column: int, title: str) -> np.ndarray:
    """Which row of `table` each block plays, (block,), -1 for none.

    Errors: FormatError when a block names an event that is not there.
    """
    wanted = blocks.whole(column, f"{title} id")
    ids = np.zeros(0, dtype=np.int64) if table is None else table.ids
    order = np.argsort(ids)
    at = np.searchsorted(ids[order], wanted)
    row = np.where(at < len(ids), order[np.minimum(at, len(ids) - 1)], -1) if len(ids) else np.full(len(wanted), -1)
    found = (row >= 0) & (ids[row] == wanted) if len(ids) else np.zeros(len(wanted), dtype=bool)
    missing = np.flatnonzero((wanted > 0) & ~found)
    if len(missing):
        raise blocks.error(int(missing[0]), f"event {wanted[missing[0]]}", f"an event of [{title}]", "Add the event.")
    return np.asarray(np.where((wanted > 0) & found, row, -1))


def rf_library(file: PulseqFile, row: np.ndarray, b0_T: float) -> Library[RfPulse]:
    """The pulses that blocks play; row: (block,), row of [RF] or -1."""
    if not (row >= 0).any():
        return _empty(len(row))
    table = file.tables["RF"]
    columns = _rf_columns(table, file.version)
    used = np.flatnonzero(np.bincount(row[row >= 0]))
    frequency, phase = _offsets(columns, b0_T)
    uses = np.array(
        [USES.index(text) if text in tuple(USES) else USES.index("u") for text in table.texts] or [-1] * len(table.ids)
    )
    names = ("amplitude", "magnitude", "phase_shape", "time", "centre", "delay")
    on_fat = np.abs(columns["frequency"] / FAT_AT_1_5_T_HZ - 1) < 0.05 / 3.45
    keys, which = _distinct([columns[name][used] for name in names] + [uses[used], on_fat[used]], used)
    pulses, total = [], 0
    for first in keys.tolist():
        declared = file.shapes[shape_id][0] if (shape_id := int(columns["magnitude"][first])) in file.shapes else 0
        if total + declared <= LARGEST_TOTAL:
            pulses.append(_pulse(file, table, first, columns, int(uses[first]), bool(on_fat[first])))
        total += max(declared, len(pulses[-1].b1_T) if pulses else 0)
        if total > LARGEST_TOTAL:
            raise table.error(first, f"{total} samples in all pulses so far", f"at most {LARGEST_TOTAL}", "Split the sequence.")
    end = np.array([pulse.delay_s + pulse.duration_s for pulse in pulses])
    return _by_block(tuple(pulses), row, used, which, frequency, phase, end)


def adc_library(file: PulseqFile, row: np.ndarray, b0_T: float) -> Library[Adc]:
    """The readout windows that blocks play; row: (block,), row of [ADC] or -1."""
    if not (row >= 0).any():
        return _empty(len(row))
    table = file.tables["ADC"]
    columns = _adc_columns(table, file.version)
    used = np.flatnonzero(np.bincount(row[row >= 0]))
    frequency, phase = _offsets(columns, b0_T)
    keys, which = _distinct([columns[name][used] for name in ("samples", "dwell", "delay", "phase_shape")], used)
    phases = np.cumsum(np.where(columns["phase_shape"][keys] > 0, columns["samples"][keys], 0))
    if (phases > LARGEST_TOTAL // 2).any():
        over = int(np.argmax(phases > LARGEST_TOTAL // 2))
        most = f"at most {LARGEST_TOTAL // 2}"
        raise table.error(int(keys[over]), f"{phases[over]} samples so far that have phases of their own", most, "Split it.")
    adcs = tuple(_adc(file, table, int(first), columns) for first in keys)
    end = np.array([adc.delay_s + adc.samples * adc.dwell_s for adc in adcs])
    return _by_block(adcs, row, used, which, frequency, phase, end)


def _empty(blocks: int) -> Library[Noun]:
    zero = np.zeros(blocks)
    return Library(nouns=(), index=np.full(blocks, -1, dtype=np.int32), frequency_Hz=zero, phase_rad=zero, end_s=zero)


def _distinct(columns: list[np.ndarray], used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First row of each distinct combination, in order of appearance, and which one each used row is."""
    table = np.stack([column.astype(np.float64) for column in columns], axis=1)
    _, first, which = np.unique(table, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return used[first[order]], rank[which.reshape(-1)]


def _by_block(
    nouns: tuple[Noun, ...],
    row: np.ndarray,
    used: np.ndarray,
    which: np.ndarray,
    frequency: np.ndarray,
    phase: np.ndarray,
    end: np.ndarray,
) -> Library[Noun]:
    playing = row >= 0
    noun = np.zeros(int(used.max()) + 1, dtype=np.int32)
    noun[used] = which
    index = np.where(playing, noun[row * playing], -1).astype(np.int32)
    return Library(
        nouns=nouns,
        index=index,
        frequency_Hz=np.where(playing, frequency[row], 0.0),
        phase_rad=np.where(playing, phase[row], 0.0),
        end_s=np.where(playing, end[index], 0.0),
    )


def _offsets(columns: dict[str, np.ndarray], b0_T: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequency (Hz) and phase (rad) with their parts that scale with the field."""
    larmor_MHz = 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * b0_T
    return (
        columns["frequency"] + columns["frequency_ppm"] * larmor_MHz,
        columns["phase"] + columns["phase_ppm"] * larmor_MHz,
    )


def _rf_columns(table: Table, version: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """The columns of [RF] by name, whatever the version; a centre that is not there is NaN."""
    late, timed = version >= (1, 5, 0), version >= (1, 4, 0)
    none = np.zeros(len(table.ids))
    at = 5 if late else 4 if timed else 3
    return {
        "amplitude": table.within(0, "amplitude", -LARGEST_AMPLITUDE, LARGEST_AMPLITUDE),
        "magnitude": table.whole(1, "magnitude shape", 1),
        "phase_shape": table.whole(2, "phase shape"),
        "time": table.whole(3, "time shape") if timed else none.astype(np.int64),
        "centre": table.within(4, "centre", 0.0, LONGEST_US) if late else np.full(len(none), -1.0),
        "delay": table.within(at, "delay", 0.0, LONGEST_US),
        "frequency_ppm": _limited(table, at + 1, "frequency") if late else none,
        "phase_ppm": _limited(table, at + 2, "phase") if late else none,
        "frequency": _limited(table, -2, "frequency"),
        "phase": _limited(table, -1, "phase"),
    }


def _adc_columns(table: Table, version: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """The columns of [ADC] by name."""
    late = version >= (1, 5, 0)
    none = np.zeros(len(table.ids))
    return {
        "samples": table.whole(0, "number of samples", 1),
        "dwell": table.within(1, "dwell time", 1e-3, LONGEST_US * 1e3),
        "delay": table.within(2, "delay", 0.0, LONGEST_US),
        "frequency_ppm": _limited(table, 3, "frequency") if late else none,
        "phase_ppm": _limited(table, 4, "phase") if late else none,
        "frequency": _limited(table, 5 if late else 3, "frequency"),
        "phase": _limited(table, 6 if late else 4, "phase"),
        "phase_shape": table.whole(7, "phase shape") if late else none.astype(np.int64),
    }


def _limited(table: Table, column: int, name: str) -> np.ndarray:
    return table.within(column, name, -LARGEST_AMPLITUDE, LARGEST_AMPLITUDE)


def _pulse(file: PulseqFile, table: Table, row: int, columns: dict[str, np.ndarray], use: int, on_fat: bool) -> RfPulse:
    """One pulse. Its centre in files before 1.5: the middle of the magnitude's plateau."""
    raster_s = file.raster_s("RadiofrequencyRasterTime")
    signal = _signal(file, table, row, columns)
    time_id = int(columns["time"][row])
    if time_id:
        times = np.asarray(file.shape(time_id, table, row) * raster_s)
        if len(times) != len(signal):
            raise table.error(row, f"{len(times)} times for {len(signal)} samples", "one time a sample")
        if len(times) < 2 or times[0] < 0 or np.any(np.diff(times) <= 0) or times[-1] > LARGEST_TOTAL * raster_s:
            raise table.error(row, f"times of shape {time_id}", f"two or more that rise within 0 to {LARGEST_TOTAL} steps")
        b1 = uniform_steps(times, signal, raster_s)
    else:
        times = np.asarray((np.arange(len(signal)) + 0.5) * raster_s)
        b1 = np.asarray(signal)
    centre = float(columns["centre"][row]) / _US if columns["centre"][row] >= 0 else _peak_s(times, np.abs(signal))
    flip = float(2 * np.pi * abs(b1.sum()) * raster_s)
    return RfPulse(
        b1_T=b1 / GYROMAGNETIC_RATIO_HZ_PER_T,
        raster_s=raster_s,
        delay_s=float(columns["delay"][row]) / _US,
        centre_s=centre,
        flip_rad=flip,
        use=USES[use] if use >= 0 else guessed_use(flip, len(b1) * raster_s, on_fat),
    )


def _signal(file: PulseqFile, table: Table, row: int, columns: dict[str, np.ndarray]) -> np.ndarray:
    """Complex samples in Hz as stored, (sample,)."""
    magnitude = file.shape(int(columns["magnitude"][row]), table, row)
    phase_id = int(columns["phase_shape"][row])
    phase = file.shape(phase_id, table, row) if phase_id else np.zeros(len(magnitude))
    if len(phase) != len(magnitude):
        raise table.error(row, f"{len(phase)} phases for {len(magnitude)} magnitudes", "shapes of one length")
    if np.abs(magnitude).max() > LARGEST_AMPLITUDE or np.abs(phase).max() > LARGEST_AMPLITUDE:
        raise table.error(row, "a shape beyond 1e12", "shapes from -1 to 1")
    return np.asarray(columns["amplitude"][row] * magnitude * np.exp(2j * np.pi * phase))


def uniform_steps(times_s: np.ndarray, values: np.ndarray, raster_s: float) -> np.ndarray:
    """Means over each raster interval from 0 of what is linear between (times, values) and zero outside; the area is kept."""
    count = max(math.ceil(times_s[-1] / raster_s - 1e-6), 1)
    edges = np.arange(count + 1) * raster_s
    area = np.concatenate([[0.0], np.cumsum(0.5 * (values[1:] + values[:-1]) * np.diff(times_s))])
    inside = np.clip(edges, times_s[0], times_s[-1])
    i = np.clip(np.searchsorted(times_s, inside, side="right") - 1, 0, len(times_s) - 2)
    step = inside - times_s[i]
    slope = (values[i + 1] - values[i]) / (times_s[i + 1] - times_s[i])
    return np.asarray(np.diff(area[i] + step * (values[i] + 0.5 * slope * step)) / raster_s)


def _peak_s(times_s: np.ndarray, magnitude: np.ndarray) -> float:
    """Middle of the plateau on which a pulse is largest."""
    top = np.flatnonzero(magnitude >= magnitude.max() * 0.99999)
    return float(times_s[top[0]] + times_s[top[-1]]) / 2


def guessed_use(flip_rad: float, duration_s: float, on_fat: bool) -> str:
    """What a pulse of a file before 1.5 is for: up to 90 degrees excites, more refocuses, long and on fat saturates.

    An adiabatic pulse's net flip says little, so it may pass for an excitation. Source: PyPulseq's reader, same rule.
    """
    if flip_rad < _LARGEST_EXCITATION_RAD:
        return "e"
    return "s" if duration_s > _SHORTEST_FAT_PULSE_S and on_fat else "r"


def _adc(file: PulseqFile, table: Table, row: int, columns: dict[str, np.ndarray]) -> Adc:
    samples, phase_id = int(columns["samples"][row]), int(columns["phase_shape"][row])
    if samples > LARGEST_TOTAL:
        raise table.error(row, f"{samples} samples", f"at most {LARGEST_TOTAL}")
    phase = file.shape(phase_id, table, row) if phase_id else np.zeros(0)
    if phase_id and len(phase) != samples:
        raise table.error(row, f"{len(phase)} phases for {samples} samples", "one phase a sample")
    return Adc(
        samples=samples,
        dwell_s=float(columns["dwell"][row]) / 1e9,
        delay_s=float(columns["delay"][row]) / _US,
        phase_rad=tuple(phase.tolist()),
    )
