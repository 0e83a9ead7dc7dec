"""Where the image is, as far as a Pulseq file tells: its FOV definition, its k-space extent and its slices."""

from __future__ import annotations

import numpy as np

from fullbore.data import Geometry
from fullbore.data.encoding import COUNTERS

DEFAULT_FOV_M = 0.256
LARGEST_MATRIX = 4096
_LARGEST_FOV_M = 10.0
_STRAIGHT = 1e-3
_LINE, _PARTITION, _SLICE = (COUNTERS.index(name) for name in ("line", "partition", "slice"))


def geometry(
    first_per_m: np.ndarray,
    step_per_m: np.ndarray,
    samples: int,
    counters: np.ndarray,
    slices_m: np.ndarray,
    definitions: dict[str, str],
) -> Geometry:
    """A stack or slab about the isocentre on the scanner's own axes; rows as in the Encoding, navigators left out.

    The readout axis is the one along which a Cartesian scan reads, x otherwise; of the others, the one of more lines is
    `phase`. Matrices come from k-space over the field of view, or from the counters; those of curves from how far their ends
    reach, whatever lines are called.
    """
    axes = axes_of(first_per_m, step_per_m)
    frame = np.eye(3)[list(axes)]
    frame[2] = np.cross(frame[0], frame[1])
    stated = _stated_fov_m(definitions)
    lines, partitions = (int(counters[:, column].max(initial=0)) + 1 for column in (_LINE, _PARTITION))
    read_step = float(np.median(np.abs(step_per_m[:, axes[0]]))) if len(step_per_m) else 0.0
    encoded_read = 1 / read_step if read_step > 1 / _LARGEST_FOV_M else stated[axes[0]]
    counts = [samples, lines, partitions]
    fov = [stated[axis] for axis in axes]
    read_matrix = round(fov[0] / encoded_read * samples)
    if len(step_per_m) and not is_cartesian(step_per_m):
        counts = _curved_matrix(first_per_m, step_per_m, samples, fov, partitions)
        encoded_read, read_matrix = fov[0], counts[0]
    offsets, thickness = _stack(slices_m @ frame[2], counters[:, _SLICE], fov[2], partitions)
    matrix = tuple(int(min(max(size, 1), LARGEST_MATRIX)) for size in (read_matrix, *counts[1:]))
    encoded = tuple(int(max(size, 1)) for size in counts)
    return Geometry(
        read=frame[0],
        phase=frame[1],
        slice=frame[2],
        centre_m=np.zeros(3),
        fov_m=(fov[0], fov[1], thickness),
        matrix=(matrix[0], matrix[1], matrix[2]),
        encoded_fov_m=(encoded_read, fov[1], thickness),
        encoded_matrix=(encoded[0], encoded[1], encoded[2]),
        slice_offsets_m=offsets,
    )


def _curved_matrix(
    first_per_m: np.ndarray, step_per_m: np.ndarray, samples: int, fov_m: list[float], partitions: int
) -> list[int]:
    """Voxels across the field of view that the ends of the readouts resolve; at least one cycle of it counts."""
    last = first_per_m + (samples - 1) * step_per_m
    reach = np.maximum(np.abs(first_per_m), np.abs(last)).max(axis=0)
    in_plane = float(reach[:2].max())
    cycles = [in_plane * fov_m[0], in_plane * fov_m[1], float(reach[2]) * fov_m[2]]
    sizes = [2 * max(round(count), 1) if count > 1 else 1 for count in cycles]
    return [*sizes[:2], partitions if partitions > 1 else sizes[2]]


def is_cartesian(step_per_m: np.ndarray) -> bool:
    """True when all readouts run along one of the scanner's axes."""
    if not len(step_per_m):
        return False
    size = np.abs(step_per_m)
    largest = size.max(axis=1)
    axis = int(np.argmax(size.sum(axis=0)))
    others = np.delete(size, axis, axis=1).max(axis=1)
    return bool(largest.max() > 0 and (largest > 0.5 * largest.max()).all() and (others <= _STRAIGHT * largest).all())


def axes_of(first_per_m: np.ndarray, step_per_m: np.ndarray) -> tuple[int, int, int]:
    """Which of x, y, z are read, phase and slice."""
    if not is_cartesian(step_per_m):
        return 0, 1, 2
    read = int(np.argmax(np.abs(step_per_m).sum(axis=0)))
    others = [axis for axis in range(3) if axis != read]
    lines = [len(np.unique(np.round(first_per_m[:, axis], 3))) for axis in others]
    phase, rest = others if lines[0] >= lines[1] else others[::-1]
    return read, phase, rest


def centre_sample(first_per_m: np.ndarray, step_per_m: np.ndarray, samples: int) -> int:
    """The sample next to k = 0 along the readout, median of all rows; the middle when readouts do not pass it."""
    if not len(step_per_m):
        return samples // 2
    square = (step_per_m**2).sum(axis=1)
    moving = square > 0
    if not moving.any():
        return samples // 2
    at = -(first_per_m[moving] * step_per_m[moving]).sum(axis=1) / square[moving]
    middle = float(np.median(at))
    return round(middle) if -0.5 <= middle <= samples - 0.5 and np.isfinite(middle) else samples // 2


def cartesian_counters(
    first_per_m: np.ndarray, step_per_m: np.ndarray, samples: np.ndarray, slices_m: np.ndarray, counters: np.ndarray
) -> np.ndarray:
    """Counters with lines, partitions and slices counted from k-space and slice positions, where readouts are Cartesian."""
    if not is_cartesian(step_per_m) or len(np.unique(samples)) > 1:
        return counters
    read, phase, rest = axes_of(first_per_m, step_per_m)
    result = counters.copy()
    result[:, _LINE] = _numbered(first_per_m[:, phase])
    along = slices_m[:, [axis for axis in range(3) if axis != read]].sum(axis=1)
    result[:, _SLICE] = np.unique(np.round(along, 6), return_inverse=True)[1].reshape(-1)
    partition = _numbered(first_per_m[:, rest])
    # Spoilers leave a slice of a stack at a few values of k too; a slab fills more than half of lines times partitions.
    full = (result[:, _LINE].max() + 1) * (partition.max() + 1)
    if result[:, _SLICE].max() == 0 and 2 * len(np.unique(result[:, _LINE] * (partition.max() + 1) + partition)) > full:
        result[:, _PARTITION] = partition
    return result


def _numbered(k_per_m: np.ndarray) -> np.ndarray:
    """Line numbers of evenly spaced positions; their rank where they are not evenly spaced or too many."""
    values = np.unique(np.round(k_per_m, 3))
    if len(values) < 2:
        return np.zeros(len(k_per_m), dtype=np.int64)
    step = float(np.diff(values).min())
    number = np.round((k_per_m - values[0]) / step)
    even = number.max() < LARGEST_MATRIX and np.abs((k_per_m - values[0]) / step - number).max() < 0.05
    return number.astype(np.int64) if even else np.searchsorted(values, np.round(k_per_m, 3))


def _stated_fov_m(definitions: dict[str, str]) -> tuple[float, float, float]:
    """The FOV definition along x, y, z in m; files that state millimetres are told by their size."""
    try:
        values = [float(word) for word in definitions.get("FOV", "").split()]
    except ValueError:
        values = []
    good = [value for value in values if np.isfinite(value) and value > 0]
    if len(good) != len(values) or not good:
        good = [DEFAULT_FOV_M]
    if max(good) > _LARGEST_FOV_M:
        good = [value * 1e-3 for value in good]
    good = (good + [good[-1]] * 2)[:3]
    return good[0], good[1], good[2]


def _stack(position_m: np.ndarray, number: np.ndarray, fov_m: float, partitions: int) -> tuple[np.ndarray, float]:
    """Offset of each slice and the thickness of one; the slab itself when there are partitions or a single slice."""
    count = int(number.max(initial=0)) + 1
    if partitions > 1 or not 1 < count <= LARGEST_MATRIX or number.min(initial=0) < 0:
        middle = float(np.median(position_m)) if len(position_m) else 0.0
        return np.array([middle]), fov_m
    offsets = np.zeros(count)
    offsets[number] = position_m
    gaps = np.diff(np.sort(offsets))
    spacing = float(np.median(gaps)) if len(gaps) and np.median(gaps) > 1e-6 else fov_m / count
    return offsets, min(spacing, fov_m)
