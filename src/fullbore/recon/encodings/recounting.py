"""Counters that contradict the trajectory, made to agree with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fullbore.data import RawData
from fullbore.data.encoding import COUNTERS
from fullbore.recon.admission import calibration_only_rows, imaging_rows
from fullbore.recon.encodings.path import departure, measured_samples, path_per_m, phase_encoded

# Departure from a line, in cells, up to which a readout is on it.
_OFF_LINE = 0.1


def recounted(raw: RawData) -> RawData | None:
    """The data with lines and partitions counted by the trajectory, when every readout is on one line of the grid.

    What was played counts more than what was labelled: sequences may run through k-space backwards. None when a readout is
    on no line, or beyond the encoded matrix.
    """
    rows = np.flatnonzero(imaging_rows(raw) | calibration_only_rows(raw))
    part, counters = raw.take(rows), raw.encoding.counters.copy()
    path, used = path_per_m(part), measured_samples(part)
    for axis, name in phase_encoded(raw.encoding.geometry).items():
        count = raw.encoding.geometry.encoded_matrix[axis]
        cells = path[..., axis] * raw.encoding.geometry.encoded_fov_m[axis]
        line = np.round((cells * used).sum(1) / np.maximum(used.sum(1), 1)).astype(np.int64)
        if np.abs(line).max() > count // 2 or departure(part, path, used, axis, line) > _OFF_LINE:
            return None
        # The two ends of an even grid are one and the same line.
        counters[rows, COUNTERS.index(name)] = (line + count // 2) % count
    return replace(raw, encoding=replace(raw.encoding, counters=counters))
