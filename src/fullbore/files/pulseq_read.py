"""Pulseq files, versions 1.2 to 1.5: reading. Source: Pulseq file specification 1.2 to 1.5.1 (pulseq.github.io)."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from fullbore.data import Adc, RfPulse, Sequence, SoftDelay
from fullbore.errors import FormatError, UsageError
from fullbore.files.pulseq_encoding import encoding
from fullbore.files.pulseq_events import Library, adc_library, rf_library, rows_of
from fullbore.files.pulseq_extensions import Items, extension_items, labels_at, one_per_block, soft_delays, triggers
from fullbore.files.pulseq_gradients import Gradients, Knots, courses, gradients, merged_rows
from fullbore.files.pulseq_moments import Course
from fullbore.files.pulseq_rotations import rotated, rotation_matrices
from fullbore.files.pulseq_sections import RASTER_DEFAULTS_S, PulseqFile, number_in, parse_pulseq

DEFAULT_B0_T = 3.0
LONGEST_S = 1e7
NOTE = "ReaderNote"
"""Definition in which the reader keeps what it passed over; not written again."""
_OWN = ("Name", "TotalDuration")


def read_pulseq(path: str | Path, *, b0_T: float | None = None, soft_delays_s: dict[str, float] | None = None) -> Sequence:
    """The sequence of a Pulseq text file, versions 1.2.0 to 1.5.x.

    b0_T: field for offsets in ppm; by default the file's definition "B0", else 3 T. soft_delays_s: values of soft delays
    by their hint; those not named keep the durations in the file.
    Before 1.5 a file does not say what a pulse is for: it is guessed from its flip (`guessed_use`), and pulses that only an
    excitation follows count as inversions. Rotations are played out into gradient shapes. Blocks keep the durations that
    they state, also where an event is longer; the safety check says so. What was passed over (an unknown extension, a
    signature that does not fit) is in definitions["ReaderNote"].
    Errors: FormatError, with section and line, for what is not a sequence; UsageError for a soft delay that the file does
    not have or that would be negative.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: could not be read ({error.strerror}). Give the path of a Pulseq file (.seq).") from error
    if b"\0" in data[:4096]:
        raise FormatError(f"{path}: got binary data, wanted Pulseq's text form. Write the sequence as text.")
    text = [data.decode("utf-8", "replace")]
    del data
    # Handed over, not kept: a long sequence's text is as large as the sequence.
    return sequence_from_text(text.pop(), str(path), b0_T=b0_T, soft_delays_s=soft_delays_s)


def sequence_from_text(
    text: str, who: str, *, b0_T: float | None = None, soft_delays_s: dict[str, float] | None = None
) -> Sequence:
    """The same from the file's text; `who` names it in errors."""
    file = parse_pulseq(text, who)
    del text
    blocks = file.tables["BLOCKS"]
    field_T = _field_T(file, b0_T)
    rf = rf_library(file, rows_of(file.tables.get("RF"), blocks, 1, "RF"), field_T)
    adc = adc_library(file, rows_of(file.tables.get("ADC"), blocks, 5, "ADC"), field_T)
    event = merged_rows(file, blocks, (2, 3, 4))
    knots = courses(file, event)
    items = extension_items(file, blocks)
    delays = soft_delays(file, items)
    duration = _with_soft_delays(file, _durations_s(file, rf, adc, event, knots, items), delays, soft_delays_s or {})
    played = _turned(file, items, gradients(event, knots, duration))
    del event, knots
    return _sequence(file, rf, adc, played, duration, items, soft=delays, name=file.definitions.get("Name") or Path(who).stem)


def _sequence(
    file: PulseqFile,
    rf: Library[RfPulse],
    adc: Library[Adc],
    played: Gradients,
    duration: np.ndarray,
    items: dict[str, Items],
    *,
    soft: tuple[SoftDelay, ...],
    name: str,
) -> Sequence:
    """Everything put together."""
    course = _course(file, rf, adc, played, duration)
    labels = labels_at(file, items, np.flatnonzero(adc.index >= 0))
    shims, shim = _shims(file, items, len(duration))
    return Sequence(
        name=name,
        rf_pulses=course.rf_pulses,
        gradients=played.shapes,
        adcs=adc.nouns,
        duration_s=duration,
        rf=rf.index,
        rf_phase_rad=rf.phase_rad,
        rf_frequency_Hz=rf.frequency_Hz,
        gradient=played.index,
        gradient_scale=played.scale,
        adc=adc.index,
        adc_phase_rad=adc.phase_rad,
        adc_frequency_Hz=adc.frequency_Hz,
        rf_shim=shim,
        rf_shims=shims,
        triggers=triggers(file, items),
        soft_delays=soft,
        encoding=encoding(course, adc.nouns, adc.index, labels, rf.frequency_Hz, file.definitions, name),
        definitions=_definitions(file, duration),
    )


def _course(file: PulseqFile, rf: Library[RfPulse], adc: Library[Adc], played: Gradients, duration: np.ndarray) -> Course:
    """What moves through k-space, the uses of its pulses guessed where the file does not say."""
    course = Course(
        rf_pulses=rf.nouns,
        gradients=played.shapes,
        starts_s=np.concatenate([[0.0], np.cumsum(duration)[:-1]]),
        rf=rf.index,
        gradient=played.index,
        gradient_scale=played.scale,
    )
    return course if file.version >= (1, 5, 0) else _with_inversions(course, adc.index)


def _shims(file: PulseqFile, items: dict[str, Items], blocks: int) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Weights of the transmit channels, and which of them each block plays, (block,)."""
    shim = one_per_block(items, "RF_SHIMS", blocks)
    used, rank = np.unique(shim[shim >= 0], return_inverse=True)
    shim[shim >= 0] = rank.reshape(-1)
    return tuple(file.shims[number] for number in used.tolist()), shim.astype(np.int32)


def _field_T(file: PulseqFile, b0_T: float | None) -> float:
    """The field: as asked, as defined, or 3 T."""
    if b0_T is not None:
        if not (math.isfinite(b0_T) and b0_T > 0):
            raise UsageError(f"read_pulseq: got a field of {b0_T} T, wanted a positive one. Give b0_T in tesla.")
        return b0_T
    stated = number_in(file.definitions.get("B0", ""))
    return stated if 0 < stated <= 100 else DEFAULT_B0_T


def _gradient_ends(event: np.ndarray, knots: dict[int, Knots | None]) -> np.ndarray:
    """When each axis of each block ends, (block, 3)."""
    end = np.zeros(int(event.max(initial=-1)) + 2)
    for row, course in knots.items():
        end[row] = 0.0 if course is None else course.end_s
    return np.asarray(end[event])


def _durations_s(
    file: PulseqFile,
    rf: Library[RfPulse],
    adc: Library[Adc],
    event: np.ndarray,
    knots: dict[int, Knots | None],
    items: dict[str, Items],
) -> np.ndarray:
    """Block durations, (block,): stated since 1.4; before, the longest of the block's delay and events."""
    blocks = file.tables["BLOCKS"]
    if file.version >= (1, 4, 0):
        duration = blocks.within(0, "duration", 0.0, 1e15) * file.raster_s("BlockDurationRaster")
    else:
        table = file.tables.get("DELAYS")
        row = rows_of(table, blocks, 0, "DELAYS")
        delay = np.zeros(1) if table is None else table.within(0, "delay", 0.0, 1e15) / 1e6
        sent = triggers(file, items)
        signals = np.zeros(len(row))
        np.maximum.at(signals, np.array([t.block for t in sent], dtype=np.int64), [t.delay_s + t.duration_s for t in sent])
        ends = [signals, rf.end_s, adc.end_s, *_gradient_ends(event, knots).T]
        duration = np.max([np.where(row >= 0, delay[row], 0.0), *ends], axis=0)
    if not duration.sum() <= LONGEST_S:
        raise blocks.error(
            int(np.argmax(duration)),
            f"a sequence of {duration.sum():.3g} s",
            f"at most {LONGEST_S:g} s",
            "Correct the durations.",
        )
    return np.asarray(duration)


def _with_soft_delays(
    file: PulseqFile, duration: np.ndarray, delays: tuple[SoftDelay, ...], wanted: dict[str, float]
) -> np.ndarray:
    """Durations with the operator's choices, on the block raster."""
    hints = sorted({delay.hint for delay in delays})
    for hint, value in wanted.items():
        if hint not in hints or not math.isfinite(value):
            known = ", ".join(hints) or "none"
            raise UsageError(f"{file.who}: got the soft delay {hint!r} of {value} s, wanted one of: {known}. Name one of these.")
    raster, result = file.raster_s("BlockDurationRaster"), duration.copy()
    for delay in delays:
        if delay.hint in wanted:
            length = round((wanted[delay.hint] / delay.factor + delay.offset_s) / raster) * raster
            if length < 0:
                raise UsageError(
                    f"{file.who}: the soft delay {delay.hint!r} of {wanted[delay.hint]:g} s makes block {delay.block} "
                    f"{length:.6g} s long. Choose a {'longer' if delay.factor > 0 else 'shorter'} one."
                )
            result[delay.block] = length
    return result


def _turned(file: PulseqFile, items: dict[str, Items], played: Gradients) -> Gradients:
    """Gradients with the file's rotations."""
    which = one_per_block(items, "ROTATIONS", len(played.index))
    if not (which >= 0).any():
        return played
    table = file.extension_tables["ROTATIONS"]
    return rotated(played, rotation_matrices(table), which, table)


def _with_inversions(course: Course, adc: np.ndarray) -> Course:
    """Guessed refocusing pulses that meet an excitation before any readout, wherever they are played, invert."""
    use = np.array([pulse.use for pulse in course.rf_pulses] or [""])
    excited = np.flatnonzero((course.rf >= 0) & (use[course.rf] == "e"))
    sampled = np.flatnonzero(adc >= 0)
    none = len(adc)
    pulses = list(course.rf_pulses)
    for index in np.flatnonzero(use == "r").tolist() if len(pulses) else []:
        at = np.flatnonzero(course.rf == index)
        following = [np.append(where, none)[np.searchsorted(where, at, side="right")] for where in (excited, sampled)]
        before = np.append(sampled, none)[np.searchsorted(sampled, at, side="left")]
        if len(at) and (following[0] < np.minimum(following[1], before)).all():
            pulses[index] = replace(pulses[index], use="i")
    return replace(course, rf_pulses=tuple(pulses))


def _definitions(file: PulseqFile, duration: np.ndarray) -> dict[str, str]:
    """The file's definitions and the notes; a file before 1.4 gets the block raster on which its durations lie."""
    result = {name: text for name, text in file.definitions.items() if name not in (*_OWN, NOTE)}
    if file.version < (1, 4, 0):
        for raster in (RASTER_DEFAULTS_S["BlockDurationRaster"], 1e-6, 1e-7, 1e-8, 1e-9):
            steps = duration / raster
            result["BlockDurationRaster"] = f"{raster:g}"
            if np.abs(steps - np.round(steps)).max() < 1e-3:
                break
    if file.notes:
        result[NOTE] = "; ".join(file.notes)
    return result
