"""Numba: what surrounds the Fourier transform in `sensitivity.SliceEncoding.normal`. Complex numbers are pairs of floats.

maps (part, slice, coil, 2 * voxel); images (part, slice, 2 * voxel) of slices first to last - 1, channels (slice, coil,
2 * voxel) of these and coils begin to end - 1.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _times(a, b, result, added):
    for k in range(result.size // 2):
        re = a[2 * k] * b[2 * k] - a[2 * k + 1] * b[2 * k + 1]
        im = a[2 * k] * b[2 * k + 1] + a[2 * k + 1] * b[2 * k]
        if added:
            result[2 * k] += re
            result[2 * k + 1] += im
        else:
            result[2 * k] = re
            result[2 * k + 1] = im


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _conjugate_times(a, b, result, added):
    for k in range(result.size // 2):
        re = a[2 * k] * b[2 * k] + a[2 * k + 1] * b[2 * k + 1]
        im = a[2 * k] * b[2 * k + 1] - a[2 * k + 1] * b[2 * k]
        if added:
            result[2 * k] += re
            result[2 * k + 1] += im
        else:
            result[2 * k] = re
            result[2 * k + 1] = im


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def spread(
    maps: Float[np.ndarray, "part slice coil n"], images: Float[np.ndarray, "part slice n"], first: int, last: int,
    begin: int, end: int, channels: Float[np.ndarray, "few some n"],
) -> None:  # fmt: skip
    """Channels of images."""
    for part in range(maps.shape[0]):
        for s in range(first, last):
            for c in range(begin, end):
                _times(maps[part, s, c], images[part, s - first], channels[s - first, c - begin], part > 0)


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def masked(spectra: Float[np.ndarray, "count n"], weight: Float[np.ndarray, " m"]) -> None:
    """Every spectrum times the weight, in place."""
    for line in spectra:
        for k in range(weight.size):
            line[2 * k] *= weight[k]
            line[2 * k + 1] *= weight[k]


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def combine(
    maps: Float[np.ndarray, "part slice coil n"], channels: Float[np.ndarray, "few some n"], first: int, last: int,
    begin: int, end: int, images: Float[np.ndarray, "part slice n"], added: bool,
) -> None:  # fmt: skip
    """Images of channels; added: to what `images` holds."""
    for part in range(maps.shape[0]):
        for s in range(first, last):
            for c in range(begin, end):
                _conjugate_times(maps[part, s, c], channels[s - first, c - begin], images[part, s - first], added or c > begin)
