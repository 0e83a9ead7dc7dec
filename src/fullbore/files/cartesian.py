"""From line counters or sampling masks to an `Encoding`: what every reader of somebody's k-space needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import AcquisitionFlag, Encoding, Geometry
from fullbore.data.encoding import COUNTERS

# A fully sampled centre that is smaller than this along an encoded axis calibrates nothing.
SMALLEST_CALIBRATION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What a file says of the contrast, SI; 0 or () where it says nothing. Lists: one per `contrast`, one per `set`."""

    repetition_time_s: float = 0.0
    echo_times_s: tuple[float, ...] = ()
    inversion_times_s: tuple[float, ...] = ()
    flip_rad: float = 0.0
    dwell_s: float = 0.0
    echo_spacing_s: float = 0.0
    echo_train_length: int = 1


def calibration_region(mask: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
    """The largest fully sampled block centred on k = 0, as (first, last + 1) of lines and of partitions.

    mask: bool (line, partition), k = 0 at n // 2. ((0, 0), (0, 0)) when the block would be too small to calibrate with.
    """
    lines, partitions = mask.shape
    best, area = ((0, 0), (0, 0)), 0
    rows = np.ones(partitions, dtype=bool)
    for count in range(1, lines + 1):
        first = lines // 2 - count // 2
        newest = first if count % 2 == 0 else first + count - 1
        rows &= mask[newest]
        width = _centred_run(rows)
        if width == 0:
            break
        start = partitions // 2 - width // 2
        if count * width > area and min(count, lines) >= min(SMALLEST_CALIBRATION, lines) and _wide(width, partitions):
            best, area = ((first, first + count), (start, start + width)), count * width
    return best


def _wide(width: int, partitions: int) -> bool:
    return width >= min(SMALLEST_CALIBRATION, partitions)


def _centred_run(row: np.ndarray) -> int:
    """Length of the longest all-true run [n//2 - w//2, n//2 - w//2 + w)."""
    count = len(row)
    sums = np.concatenate([[0], np.cumsum(row)])
    widths = np.arange(1, count + 1)
    starts = count // 2 - widths // 2
    whole = sums[starts + widths] - sums[starts] == widths
    return int(widths[whole].max(initial=0))


def nominal_k(geometry: Geometry, centre_sample: int, line: np.ndarray, partition: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First sample's k and the step between samples, two (row, 3) in LPS cycles/m, of Cartesian readouts."""
    step = geometry.read / geometry.encoded_fov_m[0]
    along_phase = (line - geometry.encoded_matrix[1] // 2) / geometry.encoded_fov_m[1]
    along_slice = (partition - geometry.encoded_matrix[2] // 2) / geometry.encoded_fov_m[2] if geometry.is_3d else 0 * line
    first = along_phase[:, None] * geometry.phase + along_slice[:, None] * geometry.slice - centre_sample * step
    return np.asarray(first, dtype=np.float64), np.tile(step, (len(line), 1))


def sampling_mask(geometry: Geometry, counters: np.ndarray) -> np.ndarray:
    """Which (line, partition) the fullest frame and slice of `counters` (row, 9) sampled, bool."""
    line, partition = (counters[:, COUNTERS.index(name)] for name in ("line", "partition"))
    frame = counters[:, [COUNTERS.index(name) for name in ("slice", "contrast", "phase", "repetition", "set")]]
    _, which, sizes = np.unique(frame, axis=0, return_inverse=True, return_counts=True)
    fullest = np.ravel(which) == np.argmax(sizes)
    mask = np.zeros(geometry.encoded_matrix[1:], dtype=bool)
    mask[line[fullest], partition[fullest]] = True
    return mask


def cartesian_encoding(
    geometry: Geometry,
    *,
    samples: int,
    centre_sample: int,
    counters: np.ndarray,
    flags: np.ndarray,
    timing: Timing,
    protocol: str,
    on_grid: bool = True,
) -> Encoding:
    """The encoding of Cartesian readouts whose k-space positions follow from `counters` (row, 9) alone.

    `line` and `partition` must already have k = 0 at n // 2 of the encoded matrix. on_grid: False for curves, whose
    counters number spokes or arms: neither calibration nor acceleration can be read off them.
    """
    names = ("line", "partition", "contrast", "set")
    line, partition, contrast, which_set = (counters[:, COUNTERS.index(name)] for name in names)
    mask = sampling_mask(geometry, counters) if on_grid else np.ones((1, 1), dtype=bool)
    region = calibration_region(mask) if on_grid else ((0, 0), (0, 0))
    first, step = nominal_k(geometry, centre_sample, line, partition)
    return Encoding(
        geometry=geometry,
        samples=samples,
        centre_sample=centre_sample,
        counters=counters.astype(np.int32),
        flags=_mark_calibration(flags.astype(np.uint64), line, partition, region),
        k_first_per_m=first,
        k_step_per_m=step,
        echo_time_s=_per_row(timing.echo_times_s, contrast),
        inversion_time_s=_per_row(timing.inversion_times_s, which_set),
        repetition_time_s=timing.repetition_time_s,
        flip_rad=timing.flip_rad,
        dwell_s=timing.dwell_s,
        echo_spacing_s=timing.echo_spacing_s,
        echo_train_length=timing.echo_train_length,
        echo_times_s=timing.echo_times_s,
        inversion_times_s=timing.inversion_times_s,
        calibration=region,
        acceleration=(1 / float(mask.mean()), 1.0),
        protocol=protocol,
    )


def _mark_calibration(
    flags: np.ndarray, line: np.ndarray, partition: np.ndarray, region: tuple[tuple[int, int], tuple[int, int]]
) -> np.ndarray:
    (l0, l1), (p0, p1) = region
    inside = (line >= l0) & (line < l1) & (partition >= p0) & (partition < p1)
    plain = (flags & np.uint64(AcquisitionFlag.CALIBRATION)) == 0
    return np.asarray(flags | np.where(inside & plain, np.uint64(AcquisitionFlag.CALIBRATION_AND_IMAGING), np.uint64(0)))


def _per_row(times_s: tuple[float, ...], counter: np.ndarray) -> np.ndarray:
    """The time that belongs to each row's counter; NaN where the list is too short. One time serves all."""
    if len(times_s) == 1:
        return np.full(len(counter), times_s[0])
    table = np.full(int(counter.max(initial=0)) + 1, np.nan)
    table[: len(times_s)] = times_s[: len(table)]
    return table[counter]


def counters_table(rows: int, **columns: np.ndarray) -> np.ndarray:
    """Counters (row, 9) int32 with the named columns set and the others zero."""
    table = np.zeros((rows, len(COUNTERS)), dtype=np.int32)
    for name, values in columns.items():
        table[:, COUNTERS.index(name)] = values
    return table


def slice_stack(
    numbers: np.ndarray, places_m: np.ndarray, normal: np.ndarray, spacing_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order slices along `normal`: each row's rank, the offsets in rising order, and the centre that they count from.

    numbers: each row's slice counter (row,). places_m: where each row's slice centre is, LPS (row, 3). Slices that a file
    puts at one and the same place are set `spacing_m` apart.
    """
    unique, first_rows, which = np.unique(numbers, return_index=True, return_inverse=True)
    places = places_m[first_rows].astype(np.float64)
    along = places @ normal
    if len(unique) > 1 and np.diff(np.sort(along)).min() < 1e-6:
        along = np.arange(len(unique)) * spacing_m
    rank = np.argsort(np.argsort(along))
    return rank[np.ravel(which)], np.sort(along) - along.mean(), places.mean(axis=0)
