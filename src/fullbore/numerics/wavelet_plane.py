"""Numba: shift, wavelet transform, shrinkage, inverse and shift back of one plane, without leaving the cache.

Complex numbers are pairs of floats next to each other: planes are real (n1, n2 * pairs). Filters come with a multiple of
eight taps (see `padded`). Every filter runs down the rows of its array, so that all arithmetic is on contiguous numbers; for
the other axis the plane is turned on its side while it is written. Each level is stored with its axes exchanged once more
than the one before: shrinkage does not mind.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int

from fullbore.numerics.wavelet_rows import rows_down, rows_up

# Rows that are turned at a time: eight complex numbers fill a cache line.
TILE = 8
# Columns more than needed: rows a power of two apart share few lines of the cache.
GAP = 8


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def turn(tile, rows, columns, target, at, cut, pairs):
    """target[(k - cut) % columns, at + i] = tile[i, k]."""
    for k in range(columns):
        # Loops from zero over views: an index that might be negative is not vectorised.
        goal = target[k - cut if k >= cut else k - cut + columns, at * pairs :]
        if pairs == 2 and rows == TILE:
            for i in range(TILE):
                goal[2 * i] = tile[i, 2 * k]
                goal[2 * i + 1] = tile[i, 2 * k + 1]
        else:
            for i in range(rows):
                for p in range(pairs):
                    goal[i * pairs + p] = tile[i, k * pairs + p]


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def down_turned(source, offset, cut, n, columns, takes_part, target, tiles, pairs, low, high):
    """Rows offset to offset + n - 1 (cyclic) of `source`, analysed where asked, as columns of `target`; column `cut` first."""
    width, stride = columns * pairs, n // 2 if takes_part else n
    for i in range(0, stride, TILE):
        rows = min(TILE, stride - i)
        for r in range(rows):
            if takes_part:
                rows_down(source, (offset, source.shape[0], 1, 0), i + r, n, width, low, high, tiles[0, r], tiles[1, r])
            else:
                tiles[0, r, :width] = source[(offset + i + r) % source.shape[0], :width]
        turn(tiles[0], rows, columns, target, i, cut, pairs)
        if takes_part:
            turn(tiles[1], rows, columns, target, stride + i, cut, pairs)


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def up_turned(source, n, columns, takes_part, target, tiles, pairs, low, high):
    """The corner (n, columns) of `source`, synthesised where asked, as columns of `target`."""
    width = columns * pairs
    for i in range(0, n, TILE):
        rows = min(TILE, n - i)
        if takes_part:
            for r in range(0, rows, 2):
                rows_up(source, (1, 0), (i + r) // 2, n // 2, width, low, high, tiles[0, r], tiles[0, r + 1])
        else:
            for r in range(rows):
                tiles[0, r, :width] = source[i + r, :width]
        turn(tiles[0], rows, columns, target, i, 0, pairs)


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def down(source, n, columns, takes_part, target, pairs, low, high):
    """Rows 0 to n - 1, analysed where asked."""
    width = columns * pairs
    for i in range(n // 2 if takes_part else n):
        if takes_part:
            rows_down(source, (0, n, 1, 0), i, n, width, low, high, target[i], target[n // 2 + i])
        else:
            target[i, :width] = source[i, :width]


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def up(source, n, columns, takes_part, target, pairs, low, high):
    """The inverse of `down`."""
    width = columns * pairs
    for i in range(n // 2 if takes_part else n):
        if takes_part:
            rows_up(source, (1, 0), i, n // 2, width, low, high, target[2 * i], target[2 * i + 1])
        else:
            target[i, :width] = source[i, :width]


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _shrink_row(row, pairs, t, s, logarithmic):
    """See `threshold.shrink_factor`. One loop per penalty, without branches."""
    one, zero, two, four = row.dtype.type(1), row.dtype.type(0), row.dtype.type(2), row.dtype.type(4)
    squared, tiny = t * t, row.dtype.type(1e-30)
    if pairs == 1:
        for k in range(row.size // pairs):
            share = squared / max(row[k] * row[k], tiny)
            root = np.sqrt(max(one - four * (s - one) * share, zero))
            factor = two * (one - s * s * share) / (two - s + s * root) if logarithmic else one - s * np.sqrt(share)
            row[k] *= max(factor, zero)
    elif not logarithmic:
        for k in range(row.size // pairs):
            share = squared / max(row[2 * k] * row[2 * k] + row[2 * k + 1] * row[2 * k + 1], tiny)
            factor = max(one - s * np.sqrt(share), zero)
            row[2 * k] *= factor
            row[2 * k + 1] *= factor
    elif s == one:
        for k in range(row.size // pairs):
            share = squared / max(row[2 * k] * row[2 * k] + row[2 * k + 1] * row[2 * k + 1], tiny)
            factor = max(one - share, zero)
            row[2 * k] *= factor
            row[2 * k + 1] *= factor
    else:
        for k in range(row.size // pairs):
            share = squared / max(row[2 * k] * row[2 * k] + row[2 * k + 1] * row[2 * k + 1], tiny)
            root = np.sqrt(max(one - four * (s - one) * share, zero))
            factor = max(two * (one - s * s * share) / (two - s + s * root), zero)
            row[2 * k] *= factor
            row[2 * k + 1] *= factor


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def shrink_details(
    plane: Float[np.ndarray, "n1 width"], rows: int, columns: int, corner_rows: int, corner_columns: int, pairs: int,
    threshold: float, step: float, logarithmic: bool,
) -> None:  # fmt: skip
    """The block (rows, columns) but for its corner, in place."""
    t, s = plane.dtype.type(threshold), plane.dtype.type(step)
    for i in range(rows):
        first = corner_columns if i < corner_rows else 0
        _shrink_row(plane[i, first * pairs : columns * pairs], pairs, t, s, logarithmic)


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def added(row, at, columns, cut, pairs, weight, result):
    """result[at] += weight * row, whose element 0 lies at column `cut` (cyclic)."""
    goal = result[at % result.shape[0], cut * pairs :]
    until = min(columns * pairs, goal.size)
    for q in range(until):
        goal[q] += weight * row[q]
    rest, behind = row[until:], result[at % result.shape[0]]
    for q in range(columns * pairs - until):
        behind[q] += weight * rest[q]


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _up_added(source, n, columns, takes_part, result, offset, cut, tiles, pairs, low, high, weight):
    """`up`, added to the rolled `result`."""
    width = columns * pairs
    for i in range(n // 2 if takes_part else n):
        if takes_part:
            rows_up(source, (1, 0), i, n // 2, width, low, high, tiles[0, 0], tiles[0, 1])
            added(tiles[0, 0], offset + 2 * i, columns, cut, pairs, weight, result)
            added(tiles[0, 1], offset + 2 * i + 1, columns, cut, pairs, weight, result)
        else:
            added(source[i], offset + i, columns, cut, pairs, weight, result)


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _left_added(source, result, n1, n2, first, cut, pairs, weight):
    """What lies outside the block (n1, n2) passes."""
    rows, width = source.shape
    for i in range(rows):
        at = (first + i) % rows
        for k in range(n2 if i < n1 else 0, width // pairs):
            for p in range(pairs):
                q = (k + cut) * pairs % width + p
                result[at, q] += weight * source[at, q]


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _scratch(source, extents, pairs):
    """Memory for the rows that are turned, for the plane upright, and for the plane on its side and the details of all levels."""
    rows, columns = source.shape[0], source.shape[1] // pairs
    tall, wide = (rows + GAP) * pairs, (columns + GAP) * pairs
    most, used = max(tall, wide), 2 * TILE * max(tall, wide)
    total = used + rows * wide + columns * tall
    for level in range(len(extents)):
        total += extents[level, 1 - level % 2] * (extents[level, level % 2] + GAP) * pairs
    # One piece of memory: the allocator gives many large ones back to the system, and fresh pages are slow.
    scratch = np.empty(total, source.dtype)
    tiles = scratch[:used].reshape(2, TILE, most)
    upright = scratch[used : used + rows * wide].reshape(rows, wide)
    used += rows * wide
    turned = scratch[used : used + columns * tall].reshape(columns, tall)
    used += columns * tall
    details = [turned]
    for level in range(len(extents)):
        lines, width = extents[level, 1 - level % 2], (extents[level, level % 2] + GAP) * pairs
        details.append(scratch[used : used + lines * width].reshape(lines, width))
        used += lines * width
    return tiles, upright, details


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def shrink_plane(
    source: Float[np.ndarray, "n1 width"], result: Float[np.ndarray, "n1 width"], shifts: Int[np.ndarray, "n 2"],
    extents: Int[np.ndarray, "level 4"], pairs: int, low, high,
    threshold: float, step: float, logarithmic: bool, weight: float,
) -> None:  # fmt: skip
    """result += weight * (source with details shrunk), for every shift.

    extents: finest level first: the corner (n1, n2) that a level transforms and whether axes 1 and 2 take part.
    """
    rows, columns = source.shape[0], source.shape[1] // pairs
    w = source.dtype.type(weight)
    if len(extents) == 0:
        result += w * len(shifts) * source
        return
    tiles, upright, details = _scratch(source, extents, pairs)
    turned = details[0]
    for number in range(len(shifts)):
        first, cut = shifts[number, 0] % rows, shifts[number, 1] % columns
        for level in range(len(extents)):
            a, b = level % 2, 1 - level % 2
            n1, n2, part_1, part_2 = extents[level, a], extents[level, b], extents[level, 2 + a], extents[level, 2 + b]
            work = upright if a else turned
            # One call for both: another kind of argument would be another kernel to compile.
            above, begin, at, across = (details[level], 0, 0, n2) if level else (source, first, cut, columns)
            down_turned(above, begin, at, n1, across, part_1, work, tiles, pairs, low, high)
            down(work, n2, n1, part_2, details[level + 1], pairs, low, high)
            corner_2, corner_1 = n2 // 2 if part_2 else n2, n1 // 2 if part_1 else n1
            shrink_details(details[level + 1], n2, n1, corner_2, corner_1, pairs, threshold, step, logarithmic)
        for level in range(len(extents) - 1, -1, -1):
            a, b = level % 2, 1 - level % 2
            n1, n2, part_1, part_2 = extents[level, a], extents[level, b], extents[level, 2 + a], extents[level, 2 + b]
            work = turned if a else upright
            up_turned(details[level + 1], n2, n1, part_2, work, tiles, pairs, low, high)
            if level:
                up(work, n1, n2, part_1, details[level], pairs, low, high)
            else:
                _up_added(work, n1, n2, part_1, result, first, cut, tiles, pairs, low, high, w)
        if extents[0, 0] < rows or extents[0, 1] < columns:
            _left_added(source, result, extents[0, 0], extents[0, 1], first, cut, pairs, w)
