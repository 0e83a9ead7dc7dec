"""Pulseq 1.5 and 1.4 files: writing. Source: Pulseq file specification 1.4.0 and 1.5.0 (pulseq.github.io)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from fullbore.data import Gradient, RfPulse, Sequence
from fullbore.errors import FormatError
from fullbore.files.atomic import atomic_path
from fullbore.files.pulseq_digits import lines_of
from fullbore.files.pulseq_lists import extension_lists
from fullbore.files.pulseq_read import NOTE
from fullbore.files.pulseq_sections import number_in
from fullbore.files.pulseq_shapes import ShapeLibrary
from fullbore.numerics.unique_rows import unique_rows
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.physics.units import gradient_to_Hz_per_m

RASTERS: dict[str, float] = {
    "AdcRasterTime": 1e-7,
    "BlockDurationRaster": 1e-5,
    "GradientRasterTime": 1e-5,
    "RadiofrequencyRasterTime": 1e-6,
}
"""Definitions that every file carries, with the values (s) for a sequence that does not name its own."""

Sections = list[tuple[str, str | bytes]]
"""Titles and bodies."""

Version = Literal["1.5", "1.4"]
_VERSION = "[VERSION]\nmajor 1\nminor {}\nrevision {}\n"
_TITLES: dict[Version, tuple[str, str, str]] = {
    "1.5": (
        "# id ampl(Hz) mag_id phase_id time_id centre(us) delay(us) freqPPM phasePPM freq(Hz) phase(rad) use\n[RF]",
        "# id ampl(Hz/m) first last shape_id time_id delay(us)\n[GRADIENTS]",
        "# id num dwell(ns) delay(us) freqPPM phasePPM freq(Hz) phase(rad) phase_id\n[ADC]",
    ),
    "1.4": (
        "# id ampl(Hz) mag_id phase_id time_id delay(us) freq(Hz) phase(rad)\n[RF]",
        "# id ampl(Hz/m) shape_id time_id delay(us)\n[GRADIENTS]",
        "# id num dwell(ns) delay(us) freq(Hz) phase(rad)\n[ADC]",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    """A section's rows by block: ids (block, ...) counted from 1, 0 for none, and the section's body."""

    ids: np.ndarray
    body: str


def write_pulseq(sequence: Sequence, path: str | Path, *, version: Version = "1.5") -> None:
    """Write a sequence as a signed Pulseq 1.5.0 text file (1.5.1 with RF shims); the file appears whole or not at all.

    Counters, flags and further labels of the Encoding become labels. Nothing else is lost but the Encoding's header. Turned
    gradients are written as the axes play them, without the rotation extension, which few interpreters know.
    version "1.4": for older interpreters; what each pulse is for and where its centre lies has no place there, and readers guess.
    Errors: FormatError when a time is off the rasters that the file states, and for what 1.4 has no words for; OutputError when
    the file cannot be written.
    """
    parts = _parts(sequence, version)
    digest = hashlib.md5(usedforsecurity=False)
    for part in parts:
        digest.update(part)
    signature = f"\n[SIGNATURE]\n# md5 of all bytes before the empty line above\nType md5\nHash {digest.hexdigest()}\n"
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.writelines([*parts, signature.encode()])


def pulseq_text(sequence: Sequence, *, version: Version = "1.5") -> str:
    """The file's text without its signature. Errors: FormatError as `write_pulseq`."""
    return b"".join(_parts(sequence, version)).decode()


def _refuse_newer(sequence: Sequence) -> None:
    """Errors: FormatError for what Pulseq 1.4 has no words for."""
    newer = {
        "soft delays": bool(sequence.soft_delays),
        "RF shims": bool((sequence.rf_shim >= 0).any()),
        "phases within a readout": any(adc.phase_rad for adc in sequence.adcs),
    }
    for what in (name for name, there in newer.items() if there):
        raise FormatError(f"Pulseq: {sequence.name} has {what}, which version 1.4 cannot say. Write version 1.5.")


def _parts(sequence: Sequence, version: Version) -> list[bytes]:
    """The file's text in pieces, without its signature."""
    late = version == "1.5"
    if not late:
        _refuse_newer(sequence)
    raster = rasters_s(sequence)
    shapes = ShapeLibrary()
    rf = _rf_table(sequence, shapes, raster["RadiofrequencyRasterTime"], late)
    gradient, traps, arbitrary = _gradient_tables(sequence, shapes, raster["GradientRasterTime"], late)
    adc = _adc_table(sequence, shapes, late)
    lists = extension_lists(sequence)
    sections: Sections = [
        ("[DEFINITIONS]", _definition_lines(sequence, raster)),
        (
            "# NUM DUR RF GX GY GZ ADC EXT\n[BLOCKS]",
            _block_lines(sequence, raster["BlockDurationRaster"], rf.ids, gradient, adc.ids, lists.extension),
        ),
        (_TITLES[version][0], rf.body),
        (_TITLES[version][1], arbitrary),
        ("# id ampl(Hz/m) rise flat fall delay(us)\n[TRAP]", traps),
        (_TITLES[version][2], adc.body),
        *((title, body) for title, body in lists.sections),
        ("[SHAPES]\n", shapes.text()),
    ]
    said = _VERSION.format(version[-1], int((sequence.rf_shim >= 0).any()))
    parts: list[str | bytes] = [f"# Pulseq sequence file\n# Created by Fullbore\n\n{said}"]
    for title, body in sections:
        parts += [f"\n{title}\n", body, "\n"] if body else []
    return [part.encode() if isinstance(part, str) else part for part in parts]


def rasters_s(sequence: Sequence) -> dict[str, float]:
    """Rasters by name, from the sequence's definitions or by default.

    Errors: FormatError for a definition that is no time.
    """
    result = {}
    for name, default in RASTERS.items():
        text = sequence.definitions.get(name, str(default))
        result[name] = number_in(text)
        if not 1e-10 <= result[name] <= 1.0:
            raise FormatError(
                f"Pulseq: {sequence.name} defines {name} as {text!r}, wanted a time from 1e-10 to 1 s. Correct the definition."
            )
    return result


def _definition_lines(sequence: Sequence, raster: dict[str, float]) -> str:
    """Definitions, sorted by name."""
    items = {**{name: f"{value:g}" for name, value in raster.items()}, "Name": sequence.name, **sequence.definitions}
    items.pop(NOTE, None)
    items["TotalDuration"] = f"{sequence.total_duration_s:.9g}"
    return "\n".join(f"{name} {value}" for name, value in sorted(items.items()))


def _block_lines(
    sequence: Sequence, raster_s: float, rf: np.ndarray, gradient: np.ndarray, adc: np.ndarray, extension: np.ndarray
) -> bytes:
    """One line per block."""
    steps = sequence.duration_s / raster_s
    off = np.flatnonzero(np.abs(steps - np.round(steps)) > 1e-3)
    if len(off):
        raise FormatError(
            f"Pulseq: block {off[0] + 1} of {sequence.name} lasts {sequence.duration_s[off[0]]:.9g} s, "
            f"not a multiple of {raster_s:g} s. Put its duration on the raster."
        )
    columns = [np.arange(1, sequence.blocks + 1), np.round(steps), rf, *gradient.T, adc, extension]
    return lines_of(np.stack(columns, axis=1, dtype=np.int64, casting="unsafe")).removesuffix(b"\n")


def _unique(columns: list[np.ndarray], playing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows among the playing ones, (row, column), and the id of each entry, 0 where nothing plays."""
    # Adding 0 makes a zero of -0, so that equal rows have equal bits.
    table = np.stack([column[playing] for column in columns], axis=1, dtype=np.float64, casting="unsafe") + 0.0
    first, which = unique_rows(table.view(np.int64))
    ids = np.zeros(playing.shape, dtype=np.int32)
    ids[playing] = which + 1
    return table[first], ids


def _microseconds(time_s: float) -> str:
    """A time in us without float noise."""
    return f"{round(time_s * 1e6, 6):.12g}"


def _rf_table(sequence: Sequence, shapes: ShapeLibrary, raster_s: float, late: bool) -> _Table:
    """[RF]: one row per distinct pulse, phase and frequency."""
    rows, ids = _unique([sequence.rf, sequence.rf_frequency_Hz, sequence.rf_phase_rad], sequence.rf >= 0)
    events = {i: _rf_event(pulse, shapes, raster_s, late) for i, pulse in enumerate(sequence.rf_pulses)}
    uses = [f" {pulse.use}" if late else "" for pulse in sequence.rf_pulses]
    lines = [
        f"{number} {events[int(index)]} {frequency:.12g} {phase:.12g}{uses[int(index)]}"
        for number, (index, frequency, phase) in enumerate(rows, start=1)
    ]
    return _Table(ids=ids, body="\n".join(lines))


def _rf_event(pulse: RfPulse, shapes: ShapeLibrary, raster_s: float, late: bool) -> str:
    """Amplitude, shapes, centre, delay and offsets in ppm, up to the frequency; steps are repeated on the file's RF raster."""
    repeats = round(pulse.raster_s / raster_s)
    if repeats < 1 or abs(repeats * raster_s - pulse.raster_s) > 1e-12:
        raise FormatError(f"Pulseq: an RF pulse has steps of {pulse.raster_s:g} s, not a multiple of {raster_s:g} s.")
    magnitude = np.abs(pulse.b1_T)
    peak = float(magnitude.max())
    turn = np.mod(np.angle(pulse.b1_T) / (2 * np.pi), 1.0)
    magnitude_id = shapes.id_of(np.repeat(magnitude / (peak or 1.0), repeats))
    phase_id = shapes.id_of(np.repeat(turn, repeats))
    amplitude = peak * GYROMAGNETIC_RATIO_HZ_PER_T
    delay = _microseconds(pulse.delay_s)
    times = f"{_microseconds(pulse.centre_s)} {delay} 0 0" if late else delay
    return f"{amplitude:.12g} {magnitude_id} {phase_id} 0 {times}"


def _gradient_tables(sequence: Sequence, shapes: ShapeLibrary, raster_s: float, late: bool) -> tuple[np.ndarray, str, str]:
    """Ids (block, 3), the body of [TRAP] and the body of [GRADIENTS]: one row per distinct shape and scale."""
    rows, ids = _unique([sequence.gradient, sequence.gradient_scale], sequence.gradient >= 0)
    traps, arbitrary = [], []
    events = [_trapezoid(shape) or _shaped(shape, shapes, raster_s, late) for shape in sequence.gradients]
    for number, (index, scale) in enumerate(rows, start=1):
        amplitude, values, times = events[int(index)]
        height = amplitude * scale
        if values is None:
            traps.append(f"{number} {height:.12g} {times}")
        else:
            first, last = (value * height for value in values[:2])
            ends = f"{first:.12g} {last:.12g} " if late else ""
            arbitrary.append(f"{number} {height:.12g} {ends}{times}")
    return ids, "\n".join(traps), "\n".join(arbitrary)


def _trapezoid(shape: Gradient) -> tuple[float, tuple[float, float] | None, str] | None:
    """Amplitude (Hz/m) and times of a trapezoid or triangle; None for any other shape."""
    t, g = shape.times_s, shape.values_T_per_m
    if len(t) not in (3, 4) or g[0] != 0 or g[-1] != 0 or g[1] != g[-2]:
        return None
    rise, flat, fall = t[1] - t[0], t[-2] - t[1], t[-1] - t[-2]
    times = " ".join(_microseconds(value) for value in (rise, flat, fall, t[0]))
    return gradient_to_Hz_per_m(float(g[1])), None, times


def _shaped(shape: Gradient, shapes: ShapeLibrary, raster_s: float, late: bool) -> tuple[float, tuple[float, float], str]:
    """Amplitude (Hz/m), relative first and last value, and shape numbers of a time-shaped gradient.

    Without `late` all corners are told with their times, for no first and last value stands beside samples on the raster.
    """
    t, g = shape.times_s, shape.values_T_per_m
    peak = float(g[np.argmax(np.abs(g))]) or 1.0
    steps = (t - t[0]) / raster_s
    halves = np.round(2 * steps)
    if np.abs(2 * steps - halves).max() > 2e-3:
        raise FormatError(f"Pulseq: a gradient has corners off the raster of {raster_s:g} s. Put them on it.")
    ends = (float(g[0] / peak), float(g[-1] / peak))
    # A jump takes less than the rounding of its corners, so they stay as they are.
    times = halves / 2 if (np.diff(halves) > 0).all() else steps
    inner = _raster_time(halves) if late else None
    samples = g / peak if inner is None else g[1:-1] / peak
    time_id = shapes.id_of(times) if inner is None else inner
    shape_id = shapes.id_of(samples, float(np.diff(times).max()) if inner is None else 1.0)
    return gradient_to_Hz_per_m(peak), ends, f"{shape_id} {time_id} {_microseconds(float(t[0]))}"


def _raster_time(halves: np.ndarray) -> int | None:
    """0 for inner corners at the middle of all raster steps, -1 for all half steps, None for others; halves: (corner,)."""
    inner = len(halves) - 2
    if inner < 1:
        return None
    if np.array_equal(halves, np.concatenate([[0], 2 * np.arange(inner) + 1, [2 * inner]])):
        return 0
    return -1 if inner % 2 and np.array_equal(halves, np.arange(inner + 2)) else None


def _adc_table(sequence: Sequence, shapes: ShapeLibrary, late: bool) -> _Table:
    """[ADC]: one row per distinct window, frequency and phase."""
    rows, ids = _unique([sequence.adc, sequence.adc_frequency_Hz, sequence.adc_phase_rad], sequence.adc >= 0)
    lines = []
    phases = [shapes.id_of(np.array(adc.phase_rad)) if adc.phase_rad else 0 for adc in sequence.adcs]
    for number, (index, frequency, phase) in enumerate(rows, start=1):
        adc = sequence.adcs[int(index)]
        window = f"{adc.samples} {round(adc.dwell_s * 1e9, 3):.12g} {_microseconds(adc.delay_s)}"
        offsets = f"{frequency:.12g} {phase:.12g}"
        lines.append(f"{number} {window} 0 0 {offsets} {phases[int(index)]}" if late else f"{number} {window} {offsets}")
    return _Table(ids=ids, body="\n".join(lines))
