"""Which readouts belong to which frame, and when a frame was seen."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import RawData
from fullbore.recon.admission import imaging_rows

_FRAME_COUNTERS = ("set", "contrast", "repetition", "phase")


def frame_times(raw: RawData) -> tuple[Float[np.ndarray, " frame"], Float[np.ndarray, " frame"]]:
    """Echo and inversion time of each frame: those of its row nearest to the centre of k-space."""
    imaging = imaging_rows(raw)
    kept = np.flatnonzero(imaging)
    frame, frames = frame_of(raw, kept, imaging)
    geometry = raw.encoding.geometry
    line, partition = (raw.encoding.counter(name)[kept] for name in ("line", "partition"))
    distance = np.abs(line - geometry.encoded_matrix[1] // 2) + np.abs(partition - geometry.encoded_matrix[2] // 2)
    central = [kept[np.flatnonzero(frame == index)[np.argmin(distance[frame == index])]] for index in range(frames)]
    return raw.encoding.echo_time_s[central], raw.encoding.inversion_time_s[central]


def frame_of(raw: RawData, kept: Int[np.ndarray, " row"], imaging: np.ndarray) -> tuple[Int[np.ndarray, " row"], int]:
    """The frame (set, contrast, repetition, phase) of the `kept` rows, counted from 0, and how many frames there are.

    imaging: which rows make images, bool (row,); others belong to frame 0.
    """
    columns = np.stack([raw.encoding.counter(name) for name in _FRAME_COUNTERS], axis=1)
    unique, which = np.unique(columns[imaging], axis=0, return_inverse=True)
    frame = np.zeros(raw.encoding.rows, dtype=np.int64)
    frame[imaging] = which.reshape(-1)
    return frame[kept], len(unique)


def frame_count(raw: RawData) -> int:
    """How many frames the imaging readouts make."""
    columns = np.stack([raw.encoding.counter(name) for name in _FRAME_COUNTERS], axis=1)[imaging_rows(raw)]
    return len(np.unique(columns, axis=0))


def columns_of(raw: RawData) -> int:
    """Samples across the encoded field of view at the image's resolution along the readout."""
    geometry = raw.encoding.geometry
    return round(geometry.matrix[0] * geometry.encoded_fov_m[0] / geometry.fov_m[0])
