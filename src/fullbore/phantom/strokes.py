"""What the painter does to single points: finds those in sight, how much a shape covers of them, and gives them their matter.

Points are numbered through all blocks; a group is eight or more of them in a row. Kernels run on one thread and release the
interpreter. What they do in NumPy is `plain_painting`.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

HIDDEN = 1e-6


@numba.njit(cache=True, nogil=True)
@no_type_check
def seen(points, sight, groups, size, low, high):
    """Numbers and places of those points of some groups, `size` points each, that are in sight and in a box."""
    number, place = np.empty(len(groups) * size, np.int64), np.empty((len(groups) * size, 3))
    count = 0
    for group in groups:
        for i in range(group * size, (group + 1) * size):
            if sight[i] > HIDDEN:
                x, y, z = points[i, 0], points[i, 1], points[i, 2]
                if low[0] <= x <= high[0] and low[1] <= y <= high[1] and low[2] <= z <= high[2]:
                    number[count] = i
                    place[count, 0], place[count, 1], place[count, 2] = x, y, z
                    count += 1
    return number[:count], place[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def boxed(number, place, low, high):
    """Those of some points that lie in a box."""
    kept, where = np.empty(len(number), np.int64), np.empty((len(number), 3))
    count = 0
    for i in range(len(number)):
        x, y, z = place[i, 0], place[i, 1], place[i, 2]
        if low[0] <= x <= high[0] and low[1] <= y <= high[1] and low[2] <= z <= high[2]:
            kept[count] = number[i]
            where[count, 0], where[count, 1], where[count, 2] = x, y, z
            count += 1
    return kept[:count], where[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def covered(number, place, distance, sight, width):
    """Of points at some distances: those that the shape takes anything of, with their places and distances, and how much."""
    kept, where = np.empty(len(number), np.int64), np.empty((len(number), 3))
    far, cover = np.empty(len(number)), np.empty(len(number))
    count = 0
    for i in range(len(number)):
        part = min(max(0.5 - distance[i] / width, 0.0), 1.0) if width > 0 else (1.0 if distance[i] < 0 else 0.0)
        part -= np.float32(1) - sight[number[i]]
        if part > 0:
            kept[count], far[count], cover[count] = number[i], distance[i], part
            where[count, 0], where[count, 1], where[count, 2] = place[i, 0], place[i, 1], place[i, 2]
            count += 1
    return kept[:count], where[:count], far[:count], cover[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def give(values, sight, number, cover, parts, columns):
    """Add parts (n, tissue) of what is covered to columns of values (column, point), and take them from the sight."""
    taken = np.zeros(len(number))
    for k in range(len(columns)):
        column = columns[k]
        for i in range(len(number)):
            if parts[i, k] != 0:
                taken[i] += parts[i, k]
                if column >= 0:
                    values[column, number[i]] += np.float32(cover[i] * parts[i, k])
    for i in range(len(number)):
        # Rounding could leave less than nothing.
        left = sight[number[i]] - np.float32(cover[i] * min(taken[i], 1.0))
        sight[number[i]] = max(left, np.float32(0))


@numba.njit(cache=True, nogil=True)
@no_type_check
def fill(values, sight, groups, size, column):
    """Give all that is in sight of some groups to a column, to none if it is negative."""
    for group in groups:
        for i in range(group * size, (group + 1) * size):
            if column >= 0:
                values[column, i] += sight[i]
            sight[i] = 0


@numba.njit(cache=True, nogil=True)
@no_type_check
def lit(sight, groups, size):
    """Those groups of which a point is in sight."""
    out = np.empty(len(groups), np.int64)
    count = 0
    for group in groups:
        for i in range(group * size, (group + 1) * size):
            if sight[i] > HIDDEN:
                out[count] = group
                count += 1
                break
    return out[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def near(middles, sight, groups, size, low, high):
    """Those groups whose middles lie in a box and of which a point is in sight, and these middles."""
    out, where = np.empty(len(groups), np.int64), np.empty((len(groups), 3))
    count = 0
    for group in groups:
        x, y, z = middles[group, 0], middles[group, 1], middles[group, 2]
        if low[0] <= x <= high[0] and low[1] <= y <= high[1] and low[2] <= z <= high[2]:
            for i in range(group * size, (group + 1) * size):
                if sight[i] > HIDDEN:
                    out[count] = group
                    where[count, 0], where[count, 1], where[count, 2] = x, y, z
                    count += 1
                    break
    return out[:count], where[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def unknown(groups, share, known):
    """Which of the larger groups, `share` of the given ones each, are not known yet; from now on they are (in place)."""
    out = np.empty(len(groups), np.int64)
    count = 0
    for group in groups:
        larger = group // share
        if not known[larger]:
            known[larger] = True
            out[count] = larger
            count += 1
    return out[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def reaching(places, reach, low, high, stretch):
    """Which boxes lie within a reach of which places, times each box's stretch: (box, place)."""
    out = np.empty((len(low), len(places)), np.bool_)
    for i in range(len(low)):
        for j in range(len(places)):
            far, close = stretch[i] * reach[j], True
            for axis in range(3):
                close &= low[i, axis] - far <= places[j, axis] <= high[i, axis] + far
            out[i, j] = close
    return out


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
def untiled(values, size, padded):
    """Values (point,) in the order of `tiles` as a grid (z, y, x) of a size; padded: that of the tiles."""
    out = np.empty((size[0], size[1], size[2]), np.float32)
    for k in range(size[0]):
        for j in range(size[1]):
            row = _start(k, j, padded[1], padded[2])
            for i in range(size[2]):
                out[k, j, i] = values[row + _along(i)]
    return out


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
