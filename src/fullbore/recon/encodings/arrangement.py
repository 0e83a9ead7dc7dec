"""Raw data as the recipe's encoding wants them: the grid that is solved for, frames of one continuous acquisition, delays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fullbore.data import Geometry, RawData
from fullbore.data.encoding import COUNTERS
from fullbore.errors import DataError
from fullbore.recon.admission import imaging_rows
from fullbore.recon.calibration.gradient_delays import corrected_path, estimate_delays
from fullbore.recon.encodings.path import is_on_grid, is_stack, measured_samples, path_per_m
from fullbore.recon.encodings.recounting import recounted
from fullbore.recon.recipe import Cartesian, EncodingModel, NonUniform, Wave


def arranged(raw: RawData, encoding: EncodingModel) -> tuple[RawData, dict[str, object]]:
    """The same data with geometry, counters and trajectory as `encoding` asks, and what was done for the report.

    Errors: DataError when the trajectory leaves the grid that a Cartesian encoding stands for.
    """
    if isinstance(encoding, Wave):
        return raw, {}
    if isinstance(encoding, Cartesian):
        return _on_grid(raw)
    arranged_raw = _in_frames(raw, encoding.readouts_per_frame) if encoding.readouts_per_frame else raw
    stacked = is_stacked(arranged_raw)
    geometry = _solved_grid(raw.encoding.geometry, encoding.extent, stacked)
    arranged_raw = replace(arranged_raw, encoding=replace(arranged_raw.encoding, geometry=geometry))
    told: dict[str, object] = {"trajectory": _kind(geometry.is_3d, stacked)}
    return _without_delays(arranged_raw, encoding, told), told


def _on_grid(raw: RawData) -> tuple[RawData, dict[str, object]]:
    if raw.trajectory_per_m is None or is_on_grid(raw.take(np.flatnonzero(imaging_rows(raw)))):
        return raw, {}
    counted = recounted(raw)
    if counted is None:
        raise DataError(
            "recipe, encoding Cartesian: the trajectory leaves the lines that the counters say by more than half a cell. "
            "Use the encoding NonUniform, or correct the counters."
        )
    return counted, {"counters": "contradict the trajectory; lines and partitions were counted by the trajectory"}


def _kind(is_3d: bool, stacked: bool) -> str:
    return "curves in each slice" if not is_3d else "stack of curves" if stacked else "curves in 3D"


def is_stacked(raw: RawData) -> bool:
    """True for curves in slices or in the partitions of a slab, False for curves through all three axes."""
    if not raw.encoding.geometry.is_3d:
        return True
    rows = raw.take(np.flatnonzero(imaging_rows(raw)))
    return is_stack(path_per_m(rows)[..., 2] * raw.encoding.geometry.encoded_fov_m[2], measured_samples(rows))


def _solved_grid(geometry: Geometry, extent: float, stacked: bool) -> Geometry:
    """The image's resolution over `extent` times its field of view; partitions of a stack as they were encoded."""
    across = [round(n * extent) if n > 1 else n for n in geometry.matrix]
    matrix = (across[0], across[1], geometry.encoded_matrix[2] if stacked else across[2])
    fov = tuple(f * wide / n for f, wide, n in zip(geometry.fov_m, across, geometry.matrix, strict=True))
    thickness = geometry.encoded_fov_m[2] if stacked else fov[2]
    return replace(geometry, encoded_matrix=matrix, encoded_fov_m=(fov[0], fov[1], thickness))


def _in_frames(raw: RawData, readouts: int) -> RawData:
    """Successive readouts of each slice and counted frame become repetitions; a rest that fills no frame is left out."""
    names = ("slice", "set", "contrast", "repetition", "phase")
    labels = np.stack([raw.encoding.counter(name) for name in names], axis=1)
    imaging = imaging_rows(raw)
    frame = np.zeros(raw.encoding.rows, dtype=np.int64)
    kept = ~imaging
    _, group = np.unique(labels, axis=0, return_inverse=True)
    for number in np.unique(group[imaging]):
        rows = np.flatnonzero((group.reshape(-1) == number) & imaging)
        frame[rows] = np.arange(len(rows)) // readouts
        kept[rows[: len(rows) // readouts * readouts]] = True
    if not np.any(kept & imaging):
        raise DataError(f"recipe, readouts_per_frame: got {readouts}, more than there are of any slice. Choose a smaller number.")
    counters = raw.encoding.counters.copy()
    column = COUNTERS.index("repetition")
    counters[:, column] = counters[:, column] * (int(frame.max()) + 1) + frame
    return replace(raw, encoding=replace(raw.encoding, counters=counters)).take(np.flatnonzero(kept))


def _without_delays(raw: RawData, encoding: NonUniform, told: dict[str, object]) -> RawData:
    if encoding.delays == "none":
        return raw
    delays = estimate_delays(raw, isotropic=encoding.delays == "isotropic")
    told["gradient_delays_samples"] = [[round(float(value), 4) for value in row] for row in delays]
    return corrected_path(raw, delays)
