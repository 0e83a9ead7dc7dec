"""The Encoding that a Pulseq file implies: counters from its labels, k-space from its gradients, a header as good as can be."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from fullbore.data import AcquisitionFlag, Adc, Encoding
from fullbore.data.encoding import COUNTERS
from fullbore.files.pulseq_curves import Curves, along, curves_of
from fullbore.files.pulseq_geometry import cartesian_counters, centre_sample, geometry
from fullbore.files.pulseq_labels import LABELS
from fullbore.files.pulseq_moments import EXCITING, REFOCUSING, Course, positions_per_m

_SIMPLE_FLAGS = {
    "NAV": AcquisitionFlag.NAVIGATION,
    "REV": AcquisitionFlag.REVERSE,
    "NOISE": AcquisitionFlag.NOISE,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Timing:
    """What the Encoding calls by the same names."""

    echo_time_s: np.ndarray
    repetition_time_s: float
    flip_rad: float
    refocusing_flip_rad: float
    echo_spacing_s: float
    echo_train_length: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """(row,): lengths, dwell times and times of the first samples in their blocks; (row, 3): k there, and from sample to sample.

    farthest_per_m: the largest component of k at the ends of all rows.
    """

    samples: np.ndarray
    dwell_s: np.ndarray
    start_s: np.ndarray
    first_per_m: np.ndarray
    step_per_m: np.ndarray
    farthest_per_m: float


def encoding(
    course: Course,
    adcs: tuple[Adc, ...],
    adc: np.ndarray,
    labels: dict[str, np.ndarray],
    rf_frequency_Hz: np.ndarray,
    definitions: dict[str, str],
    name: str,
) -> Encoding:
    """One row per block that samples; adc, rf_frequency_Hz: (block,); labels: (row,) each.

    Readouts under a constant gradient lie at k_first + j * k_step, others follow a curve from k_first. Without any counter
    among the labels, lines, partitions and slices of a Cartesian scan are counted from k-space.
    """
    blocks = np.flatnonzero(adc >= 0)
    if not len(blocks):
        return _empty(name)
    rows, samples = _rows(course, blocks, adc[blocks], adcs), max(item.samples for item in adcs)
    first, step = rows.first_per_m, rows.step_per_m
    counters, flags, others = _from_labels(labels, len(blocks))
    slices = _slice_positions_m(course, blocks, rf_frequency_Hz)
    if not any(label in labels for label in LABELS.values()):
        counters = cartesian_counters(first, step, rows.samples, slices, counters)
    image = flags & np.uint64(AcquisitionFlag.NAVIGATION | AcquisitionFlag.NOISE) == 0
    middle = centre_sample(first[image], step[image], samples)
    header = _timing(course, blocks, rows.start_s + np.minimum(middle, rows.samples - 1) * rows.dwell_s)
    where = geometry(first[image], step[image], samples, counters[image], slices[image], definitions)
    return Encoding(
        geometry=where,
        samples=samples,
        dwell_s=float(rows.dwell_s[0]),
        centre_sample=middle,
        counters=counters,
        flags=flags,
        **_paths(rows, along(curves_of(course, blocks, adc[blocks], adcs, rows.farthest_per_m), where)),
        labels=others,
        protocol=name,
        inversion_time_s=np.full(len(blocks), np.nan),
        **{field.name: getattr(header, field.name) for field in fields(header)},
    )


def _rows(course: Course, blocks: np.ndarray, adc: np.ndarray, adcs: tuple[Adc, ...]) -> _Rows:
    """blocks, adc: (row,) each."""
    count = np.array([item.samples for item in adcs])
    dwell = np.array([item.dwell_s for item in adcs])
    ends = np.array([[item.delay_s + 0.5 * item.dwell_s, item.delay_s + (item.samples - 0.5) * item.dwell_s] for item in adcs])
    position = positions_per_m(course, blocks, adc, ends)
    return _Rows(
        samples=count[adc],
        dwell_s=dwell[adc],
        start_s=ends[adc, 0],
        first_per_m=position[:, 0],
        step_per_m=(position[:, 1] - position[:, 0]) / np.maximum(count[adc] - 1, 1)[:, None],
        farthest_per_m=float(np.abs(position).max()),
    )


def _paths(rows: _Rows, bent: Curves) -> dict[str, Any]:
    """What says where the samples of a row lie, as the Encoding calls it."""
    step = rows.step_per_m
    return {
        "k_first_per_m": rows.first_per_m,
        "k_step_per_m": step if bent.curve is None else np.where(bent.curve[:, None] >= 0, 0.0, step),
        "curves": bent.curves,
        "curve": bent.curve,
        "turns": bent.turns,
        "row_samples": _where_differing(rows.samples),
        "row_dwell_s": _where_differing(rows.dwell_s),
    }


def _where_differing(column: np.ndarray) -> np.ndarray | None:
    """A column that says something, None when all rows are alike."""
    return column if np.any(column != column[0]) else None


def _from_labels(labels: dict[str, np.ndarray], rows: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Counters (row, 9), flags (row,) and the labels that neither can hold."""
    counters = np.zeros((rows, len(COUNTERS)), dtype=np.int32)
    for column, name in enumerate(COUNTERS):
        counters[:, column] = labels.get(LABELS[name], 0)
    flags = np.zeros(rows, dtype=np.uint64)
    for label, flag in _SIMPLE_FLAGS.items():
        flags |= np.where(labels.get(label, np.zeros(rows)) != 0, np.uint64(flag), np.uint64(0))
    reference = np.asarray(labels.get("REF", np.zeros(rows))) != 0
    imaging = np.asarray(labels.get("IMA", np.zeros(rows))) != 0
    flags |= np.where(reference & ~imaging, np.uint64(AcquisitionFlag.CALIBRATION), np.uint64(0))
    flags |= np.where(reference & imaging, np.uint64(AcquisitionFlag.CALIBRATION_AND_IMAGING), np.uint64(0))
    held = {*LABELS.values(), *_SIMPLE_FLAGS, "REF"} | (set() if (imaging & ~reference).any() else {"IMA"})
    others = {name: column for name, column in labels.items() if name not in held or _is_odd_flag(name, column)}
    return counters, flags, others


def _is_odd_flag(name: str, column: np.ndarray) -> bool:
    """True for a flag that has other values than 0 and 1, which its bit cannot tell apart."""
    return name in (*_SIMPLE_FLAGS, "REF") and not np.isin(column, (0, 1)).all()


def _uses(course: Course) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(pulse,): block, time of the centre, use of every pulse that is played."""
    blocks = np.flatnonzero(course.rf >= 0)
    centre = np.array([pulse.delay_s + pulse.centre_s for pulse in course.rf_pulses] or [0.0])[course.rf[blocks]]
    use = np.array([pulse.use for pulse in course.rf_pulses] or [""])[course.rf[blocks]]
    return blocks, course.starts_s[blocks] + centre, use


def _slice_positions_m(course: Course, rows: np.ndarray, rf_frequency_Hz: np.ndarray) -> np.ndarray:
    """Where the last excitation before each row is on resonance along its gradient, (row, 3); 0 where it has none."""
    blocks, _, use = _uses(course)
    blocks = blocks[np.isin(use, list(EXCITING))]
    if not len(blocks):
        return np.zeros((len(rows), 3))
    pulses = course.rf_pulses
    edge = np.array([[max(p.delay_s + p.centre_s - p.raster_s, 0.0), p.delay_s + p.centre_s + p.raster_s] for p in pulses])
    across = positions_per_m(_silent(course), blocks, course.rf[blocks], edge)
    gradient = (across[:, 1] - across[:, 0]) / np.maximum(np.diff(edge, axis=1)[course.rf[blocks]], 1e-12)
    square = (gradient**2).sum(axis=1)
    steep = square > 1.0
    position = np.where(steep[:, None], rf_frequency_Hz[blocks, None] * gradient / np.where(steep, square, 1.0)[:, None], 0.0)
    last = np.searchsorted(blocks, rows, side="right") - 1
    return np.asarray(np.where((last >= 0)[:, None], position[last], 0.0))


def _silent(course: Course) -> Course:
    """The course without its pulses, so that positions are plain moments."""
    return Course(
        rf_pulses=(),
        gradients=course.gradients,
        starts_s=course.starts_s,
        rf=np.full_like(course.rf, -1),
        gradient=course.gradient,
        gradient_scale=course.gradient_scale,
    )


def _timing(course: Course, rows: np.ndarray, centre_s: np.ndarray) -> _Timing:
    """Echo times by row (NaN before the first excitation), and the medians that a header wants."""
    blocks, time, use = _uses(course)
    excites = np.isin(use, list(EXCITING))
    started = time[excites]
    at = course.starts_s[rows] + centre_s
    last = np.searchsorted(started, at, side="right") - 1
    echo = np.where(last >= 0, at - started[last], np.nan) if len(started) else np.full(len(rows), np.nan)
    shots, sizes = np.unique(last[last >= 0], return_counts=True)
    train = int(sizes.max()) if len(sizes) else 1
    spacing = np.diff(at)[np.diff(last) == 0] if train > 1 else np.zeros(0)
    imaging = started[shots] if len(shots) else started
    pulses = np.array([pulse.flip_rad for pulse in course.rf_pulses] or [0.0])[course.rf[blocks]] if len(blocks) else np.zeros(0)
    return _Timing(
        echo_time_s=echo,
        repetition_time_s=float(np.median(np.diff(imaging))) if len(imaging) > 1 else 0.0,
        flip_rad=_median(pulses[excites]),
        refocusing_flip_rad=_median(pulses[use == REFOCUSING]),
        echo_spacing_s=_median(spacing),
        echo_train_length=train,
    )


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _empty(name: str) -> Encoding:
    """The encoding of a sequence that never samples."""
    none = np.zeros((0, 3))
    counters = np.zeros((0, len(COUNTERS)), dtype=np.int32)
    return Encoding(
        geometry=geometry(none, none, 1, counters, none, {}),
        samples=1,
        dwell_s=1e-5,
        centre_sample=0,
        counters=counters,
        flags=np.zeros(0, dtype=np.uint64),
        k_first_per_m=none,
        k_step_per_m=none,
        echo_time_s=np.zeros(0),
        inversion_time_s=np.zeros(0),
        repetition_time_s=0.0,
        flip_rad=0.0,
        protocol=name,
    )
