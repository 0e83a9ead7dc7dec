"""Where samples lie in k-space, in cells of the image's grid, and whether that is where the counters say."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float

from fullbore.data import Geometry, RawData

# Departure from the counters' line, in cells, above which data are not Cartesian.
_OFF_GRID = 0.5
# Departure from a partition, in cells, up to which a row belongs to it.
_OFF_PARTITION = 0.05


def path_per_m(raw: RawData) -> Float[np.ndarray, "row sample 3"]:
    """The trajectory, the nominal one where no other is known, along (read, phase, slice), cycles/m."""
    geometry = raw.encoding.geometry
    path = raw.encoding.trajectory_per_m() if raw.trajectory_per_m is None else raw.trajectory_per_m
    return np.asarray(path @ np.stack([geometry.read, geometry.phase, geometry.slice]).T)


def measured_samples(raw: RawData) -> Bool[np.ndarray, "row sample"]:
    """False where a short readout was filled up."""
    return np.asarray(np.arange(raw.encoding.samples)[None, :] < raw.encoding.samples_per_row()[:, None])


def is_on_grid(imaging: RawData) -> bool:
    """True when every readout runs along its counters' line (and partition), within half a cell.

    imaging: imaging readouts only. Along the readout samples may lie anywhere: ramp sampling is still a line.
    """
    path, used = path_per_m(imaging), measured_samples(imaging)
    for axis, name in phase_encoded(imaging.encoding.geometry).items():
        index = imaging.encoding.counter(name) - imaging.encoding.geometry.encoded_matrix[axis] // 2
        if departure(imaging, path, used, axis, index) > _OFF_GRID:
            return False
    return True


def is_curved(imaging: RawData) -> bool:
    """True when a readout leaves the line that it is on by more than half a cell, wherever the counters say that it is.

    imaging: imaging readouts only.
    """
    path, used = path_per_m(imaging), measured_samples(imaging)
    for axis in phase_encoded(imaging.encoding.geometry):
        middle = (path[:, 0, axis] + path[:, -1, axis]) / 2 * imaging.encoding.geometry.encoded_fov_m[axis]
        if departure(imaging, path, used, axis, middle) > _OFF_GRID:
            return True
    return False


def phase_encoded(geometry: Geometry) -> dict[int, str]:
    """Axes that counters encode, with their names."""
    return {1: "line", 2: "partition"} if geometry.is_3d else {1: "line"}


def departure(
    raw: RawData, path: Float[np.ndarray, "row sample 3"], used: Bool[np.ndarray, "row sample"], axis: int, cell: np.ndarray
) -> float:
    """Of samples from the cell of their row along an axis, the largest, in cells."""
    away = path[..., axis] * raw.encoding.geometry.encoded_fov_m[axis] - cell[:, None]
    return float(np.abs(away[used]).max(initial=0))


def outermost_samples(raw: RawData) -> Complex[np.ndarray, "n coil"]:
    """The tenth of the samples that is farthest from the centre of k-space, in cells of the image."""
    geometry = raw.encoding.geometry
    size = np.array(geometry.fov_m) / np.array(geometry.matrix) * np.array([1.0, 1.0, float(geometry.is_3d)])
    radius = np.where(measured_samples(raw), np.linalg.norm(path_per_m(raw) * size, axis=-1), -1.0)
    farthest = radius >= np.quantile(radius[radius >= 0], 0.9)
    return raw.samples.transpose(0, 2, 1)[farthest]


def is_stack(cells: Float[np.ndarray, "row sample"], used: Bool[np.ndarray, "row sample"]) -> bool:
    """True when every row stays on one partition; cells: k along the slice in cycles per field of view."""
    return bool(np.all(np.abs(cells - np.round(cells[:, :1]))[used] <= _OFF_PARTITION))
