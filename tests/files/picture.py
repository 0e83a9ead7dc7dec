"""The plainest reconstruction, for looking at what a reader read."""

from __future__ import annotations

import numpy as np

from fullbore.data import RawData


def picture(raw: RawData) -> np.ndarray:
    """Root sum of squares (partition, phase, read) of the first contrast, zero-filled, oversampling cut off."""
    encoding, geometry = raw.encoding, raw.encoding.geometry
    columns, lines, partitions = geometry.encoded_matrix
    k = np.zeros((raw.coils, partitions, lines, columns), np.complex64)
    rows = encoding.counter("contrast") == encoding.counter("contrast").min()
    first = columns // 2 - encoding.centre_sample
    place = (slice(None), encoding.counter("partition")[rows], encoding.counter("line")[rows])
    k[(*place, slice(first, first + encoding.samples))] = raw.samples[rows].transpose(1, 0, 2)
    axes = (1, 2, 3)
    image = np.fft.fftshift(np.fft.ifftn(np.fft.ifftshift(k, axes=axes), axes=axes), axes=axes)
    start = columns // 2 - geometry.matrix[0] // 2
    return np.asarray(np.linalg.norm(image, axis=0)[..., start : start + geometry.matrix[0]])
