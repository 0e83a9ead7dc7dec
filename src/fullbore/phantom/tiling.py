"""Parts of a grid's voxels as blocks of 4 x 4 x 4, in halves within the block, and back: kernels on one thread."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

from fullbore.phantom.strokes import PAGE


@numba.njit(cache=True, nogil=True)
@no_type_check
def tiles(z, y, x, size, affine):
    """Places (point, 3) at indices z, y, x of a grid, a multiple of 4 each, in blocks of 4 x 4 x 4, in halves within the block;
    and sight (point,): one where the index is one of the first `size` along its axis.
    """
    count = len(z) * len(y) * len(x)
    points, sight = np.empty((count, 3)), np.zeros(count, np.float32)
    for k in range(len(z)):
        for j in range(len(y)):
            row = _start(k, j, len(y), len(x))
            for i in range(len(x)):
                at = row + _along(i)
                for axis in range(3):
                    points[at, axis] = z[k] * affine[axis, 2] + y[j] * affine[axis, 1] + x[i] * affine[axis, 0] + affine[axis, 3]
                if k < size[0] and j < size[1] and i < size[2]:
                    sight[at] = 1
    return points, sight


@numba.njit(cache=True, nogil=True)
@no_type_check
def untiled(values, pages, column, size, padded):
    """Shares in a column, in the order of `tiles`, as a grid (z, y, x) of a size; padded: that of the tiles."""
    out = np.zeros((size[0], size[1], size[2]), np.float32)
    ny, nx = padded[1] >> 2, padded[2] >> 2
    for row in range(pages.shape[1]):
        page = pages[column, row]
        if page == 0:
            continue
        z, y, x = row // (ny * nx) * 4, row // nx % ny * 4, row % nx * 4
        for k in range(z, min(z + 4, size[0])):
            for j in range(y, min(y + 4, size[1])):
                for i in range(x, min(x + 4, size[2])):
                    out[k, j, i] = values[page, (_start(k, j, padded[1], padded[2]) + _along(i)) % PAGE]
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def mixed(values, pages, first, last, members, least):
    """Numbers and shares of those points of some rows of pages that have more than a least share in some columns together, and
    their shares in each of these, (column, point).
    """
    count = _mixed(values, pages, first, last, members, least, np.empty(0, np.int64), np.empty(0, np.float32), np.empty((0, 0)))
    number, total, own = np.empty(count, np.int64), np.empty(count, np.float32), np.empty((len(members), count))
    _mixed(values, pages, first, last, members, least, number, total, own)
    return number, total, own


@numba.njit(cache=True, nogil=True)
@no_type_check
def _mixed(values, pages, first, last, members, least, number, total, own):
    """What `mixed` does: how many points there are; they are filled in where there is room."""
    count = 0
    for row in range(first, last):
        some = False
        for column in members:
            some |= pages[column, row] != 0
        if not some:
            continue
        for i in range(PAGE):
            share = values[pages[members[0], row], i]
            for column in members[1:]:
                share += values[pages[column, row], i]
            if share > least:
                if count < len(number):
                    number[count], total[count] = row * PAGE + i, share
                    for k in range(len(members)):
                        own[k, count] = values[pages[members[k], row], i]
                count += 1
    return count


@numba.njit(cache=True, nogil=True)
@no_type_check
def _start(k, j, ny, nx):
    """Number of the point (k, j, 0)."""
    block = ((k >> 2) * (ny >> 2) + (j >> 2)) * (nx >> 2)
    return block * 64 + ((k >> 1) & 1) * 32 + ((j >> 1) & 1) * 16 + (k & 1) * 4 + (j & 1) * 2


@numba.njit(cache=True, nogil=True)
@no_type_check
def _along(i):
    """How much later a point's number is than that of the point at the row's start."""
    return (i >> 2) * 64 + ((i >> 1) & 1) * 8 + (i & 1)
