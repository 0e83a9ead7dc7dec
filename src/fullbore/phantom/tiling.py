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
    rows = np.empty(last - first, np.int64)
    most = 0
    for row in range(first, last):
        for column in members:
            if pages[column, row] != 0:
                rows[most] = row
                most += 1
                break
    number, total, own = np.empty(most * PAGE, np.int64), np.empty(most * PAGE, np.float32), np.empty((len(members), most * PAGE))
    share, count = np.empty(PAGE, np.float32), 0
    for row in rows[:most]:
        share[:] = values[pages[members[0], row]]
        for column in members[1:]:
            share += values[pages[column, row]]
        for i in range(PAGE):
            number[count], total[count] = row * PAGE + i, share[i]
            for k in range(len(members)):
                own[k, count] = values[pages[members[k], row], i]
            count += share[i] > least
    return number[:count], total[:count], own[:, :count].copy()


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
