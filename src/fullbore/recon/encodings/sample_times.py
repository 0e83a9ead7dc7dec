"""When each sample was taken, as far as off-resonance is concerned: since the spins of its row were last in phase.

Only differences within a frame matter: images are as at the time when their centre of k-space was read.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import AcquisitionFlag, RawData
from fullbore.errors import DataError
from fullbore.recon.admission import imaging_rows
from fullbore.recon.calibration.epi_phase import backward_rows
from fullbore.recon.encodings.path import measured_samples, path_per_m
from fullbore.recon.encodings.ramp import kinds_of, readout_positions

_FRAME = ("slice", "set", "contrast", "repetition", "phase")
# Echo times of one frame that differ by less are one echo time.
_SAME_TIME_S = 1e-7


def row_times_s(raw: RawData, echo_spacing_s: float = 0.0) -> Float[np.ndarray, " row"]:
    """When each row reads the centre of its line, up to a constant in each frame.

    echo_spacing_s: of a train where the data do not tell, 0 for what they tell. In this order: with a given spacing, the
    place in the train times it; echo times that differ within a frame, unless every row has a refocusing pulse of its own;
    in an echo-planar train (polarity alternates from row to row) the header's echo spacing; else all rows are alike.
    Errors: DataError for a train whose spacing nobody tells.
    """
    encoding = raw.encoding
    train = _is_train(raw)
    if train and echo_spacing_s > 0:
        return place_in_train(raw) * echo_spacing_s
    if _varies(raw) and (train or encoding.refocusing_flip_rad == 0):
        return np.asarray(encoding.echo_time_s, dtype=np.float64)
    if not train:
        return np.zeros(encoding.rows)
    if encoding.echo_spacing_s <= 0:
        raise DataError(
            "off-resonance: an echo-planar train, but neither its rows' echo times nor its echo spacing are in the data. "
            "Set off_resonance.echo_spacing_s (the time between neighbouring readouts)."
        )
    return place_in_train(raw) * encoding.echo_spacing_s


def readout_times_s(raw: RawData, rows: Int[np.ndarray, " n"], columns: int) -> Float[np.ndarray, "n kx"]:
    """When the k of an image of `columns` voxels was read along each row, from k = 0 on; k = 0 at columns // 2.

    What was not read takes the time of the nearest sample. Readouts that a reader has turned round run backwards in time.
    """
    encoding, geometry = raw.encoding, raw.encoding.geometry
    positions, turned = readout_positions(raw, rows)
    flagged = (encoding.flags[rows].astype(np.uint64) & np.uint64(AcquisitionFlag.REVERSE)) != 0
    # Stored as they came and now turned, or turned before they were stored.
    backwards = turned | (backward_rows(raw)[rows] & ~flagged)
    dwell = encoding.dwell_per_row_s()[rows] * np.where(backwards, -1.0, 1.0)
    wanted = (np.arange(columns) - columns // 2) * (geometry.encoded_fov_m[0] / geometry.fov_m[0])
    kinds, kind = kinds_of(positions)
    index = np.arange(encoding.samples)
    steps = np.stack([np.interp(wanted, positions[row], index) - np.interp(0.0, positions[row], index) for row in kinds])
    return np.asarray(steps[kind] * dwell[:, None])


def curve_times_s(raw: RawData, rows: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n sample"]:
    """When each sample of rows on curves was taken, up to a constant in each frame.

    A row's echo time, where rows differ in it, is that of the encoding's centre sample; else rows are alike, and the sample
    nearest to k = 0 is the origin of each.
    """
    encoding = raw.encoding
    steps = np.arange(encoding.samples)[None, :] * encoding.dwell_per_row_s()[rows][:, None]
    part = raw.take(rows)
    if _varies(part) and encoding.refocusing_flip_rad == 0:
        return encoding.echo_time_s[rows][:, None] + steps - steps[:, encoding.centre_sample][:, None]
    used = np.array([1.0, 1.0, float(encoding.geometry.is_3d)])
    radius = np.where(measured_samples(part), np.linalg.norm(path_per_m(part) * used, axis=-1), np.inf)
    nearest = np.argmin(radius, axis=1)
    return np.asarray(steps - np.take_along_axis(steps, nearest[:, None], axis=1))


def place_in_train(raw: RawData) -> Int[np.ndarray, " row"]:
    """How many rows of its train came before each row.

    A train is a run of rows of one frame, slice, partition and average whose lines go one way. Rows that make no image are
    beside it: their place is 0.
    """
    encoding = raw.encoding
    place = np.zeros(encoding.rows, dtype=np.int64)
    rows = np.flatnonzero(imaging_rows(raw))
    labels = np.stack([encoding.counter(name)[rows] for name in (*_FRAME, "partition", "average")], axis=1)
    line = encoding.counter("line")[rows].astype(np.int64)
    direction = 0
    for index in range(1, len(rows)):
        step = int(np.sign(line[index] - line[index - 1]))
        goes_on = step != 0 and direction in (0, step) and bool(np.all(labels[index] == labels[index - 1]))
        direction = step if goes_on else 0
        place[rows[index]] = place[rows[index - 1]] + 1 if goes_on else 0
    return place


def _is_train(raw: RawData) -> bool:
    """Imaging rows of one frame alternate in polarity."""
    backward = backward_rows(raw)[imaging_rows(raw)]
    labels = _frames(raw)
    alternates = backward[1:] != backward[:-1]
    same = np.all(labels[1:] == labels[:-1], axis=1)
    return bool(len(backward) > 2 and np.sum(alternates & same) > 0.5 * len(backward))


def _frames(raw: RawData) -> Int[np.ndarray, "n 5"]:
    rows = imaging_rows(raw)
    return np.stack([raw.encoding.counter(name)[rows] for name in _FRAME], axis=1)


def _varies(raw: RawData) -> bool:
    """Whether echo times, all of them known, differ within a frame."""
    times = raw.encoding.echo_time_s[imaging_rows(raw)]
    if len(times) == 0 or not np.all(np.isfinite(times)):
        return False
    _, which = np.unique(_frames(raw), axis=0, return_inverse=True)
    which = which.reshape(-1)
    low, high = np.full(which.max() + 1, np.inf), np.full(which.max() + 1, -np.inf)
    np.minimum.at(low, which, times)
    np.maximum.at(high, which, times)
    return bool(np.any(high - low > _SAME_TIME_S))
