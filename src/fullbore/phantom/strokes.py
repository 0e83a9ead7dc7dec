"""What the painter does to groups of points and to single ones: finds those in sight, how much a shape covers, gives matter.

Points are numbered through all blocks; a group is eight or more of them in a row. Kernels run on one thread and release the
interpreter. What they do in NumPy is `plain_painting`.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

HIDDEN = 1e-6
PAGE = 64


@numba.njit(cache=True, nogil=True)
@no_type_check
def lit(sight, size):
    """Those groups of `size` points of which a point is in sight."""
    out = np.empty(len(sight) // size, np.int64)
    count = 0
    for group in range(len(out)):
        if _lit(sight, group, size):
            out[count] = group
            count += 1
    return out[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _lit(sight, group, size):
    some = False
    for i in range(group * size, (group + 1) * size):
        if sight[i] > HIDDEN:
            some = True
            break
    return some


@numba.njit(cache=True, nogil=True)
@no_type_check
def _in_box(x, y, z, low, high, reach):
    near = low[0] - reach <= x <= high[0] + reach and low[1] - reach <= y <= high[1] + reach
    return near and low[2] - reach <= z <= high[2] + reach


@numba.njit(cache=True, nogil=True)
@no_type_check
def of_cells(close, first, groups, gone):
    """Groups of the cells that are close, but for those gone. first: of each cell in groups, and their number."""
    most, count = 0, 0
    for cell in range(len(close)):
        most += first[cell + 1] - first[cell] if close[cell] else 0
    out = np.empty(most, np.int64)
    for cell in range(len(close)):
        if close[cell]:
            for group in groups[first[cell] : first[cell + 1]]:
                if not gone[group]:
                    out[count] = group
                    count += 1
    return out[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def picked(middles, sight, groups, size, low, high, reach, gone):
    """Those groups whose middles lie within a reach of a box and of which a point is in sight; and these middles.

    gone: groups that are known to be out of sight (in place).
    """
    out, where, count = np.empty(len(groups), np.int64), np.empty((len(groups), 3)), 0
    for group in groups:
        x, y, z = middles[group, 0], middles[group, 1], middles[group, 2]
        if not _in_box(x, y, z, low, high, reach):
            continue
        if not _lit(sight, group, size):
            gone[group] = True
            continue
        out[count] = group
        where[count, 0], where[count, 1], where[count, 2] = x, y, z
        count += 1
    return out[:count], where[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def near(middles, sight, groups, parts, size, low, high, reach):
    """Those of the `parts` parts, `size` points each, of some groups whose middles lie within a reach of a box and of which a
    point is in sight; and these middles.
    """
    out, where = np.empty(len(groups) * parts, np.int64), np.empty((len(groups) * parts, 3))
    count = 0
    for group in groups:
        for one in range(group * parts, (group + 1) * parts):
            x, y, z = middles[one, 0], middles[one, 1], middles[one, 2]
            if _in_box(x, y, z, low, high, reach) and _lit(sight, one, size):
                out[count] = one
                where[count, 0], where[count, 1], where[count, 2] = x, y, z
                count += 1
    return out[:count], where[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def split(groups, least, most, depth):
    """Groups that lie in a shape deeper than a depth, and those that its surface may cross or that lie above that depth."""
    inside, across = np.empty(len(groups), np.int64), np.empty(len(groups), np.int64)
    m, n = 0, 0
    for i in range(len(groups)):
        if most[i] < -depth:
            inside[m] = groups[i]
            m += 1
        elif least[i] <= 0:
            across[n] = groups[i]
            n += 1
    return inside[:m], across[:n]


@numba.njit(cache=True, nogil=True)
@no_type_check
def seen(points, sight, groups, size, low, high, reach):
    """Numbers and places of those points of some groups, `size` points each, that are in sight and within a reach of a box."""
    number, place = np.empty(len(groups) * size, np.int64), np.empty((len(groups) * size, 3))
    count = 0
    for group in groups:
        for i in range(group * size, (group + 1) * size):
            if sight[i] > HIDDEN:
                x, y, z = points[i, 0], points[i, 1], points[i, 2]
                if _in_box(x, y, z, low, high, reach):
                    number[count] = i
                    place[count, 0], place[count, 1], place[count, 2] = x, y, z
                    count += 1
    return number[:count], place[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def boxed(number, place, low, high, reach):
    """Those of some points that lie within a reach of a box."""
    kept, where = np.empty(len(number), np.int64), np.empty((len(number), 3))
    count = 0
    for i in range(len(number)):
        x, y, z = place[i, 0], place[i, 1], place[i, 2]
        if _in_box(x, y, z, low, high, reach):
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
def _page(values, pages, taken, row, column):
    """The page of a column's shares of the points of a row; a new, empty one where there is none."""
    page = pages[column, row]
    if page == 0:
        taken[0] += 1
        page = taken[0]
        pages[column, row] = page
        values[page] = 0
    return page


@numba.njit(cache=True, nogil=True)
@no_type_check
def give(values, pages, taken, used, part, sight, number, cover, parts, columns):
    """Add parts (n, tissue) of what is covered to columns, and take them from the sight."""
    first = last = 0
    for i in range(len(number)):
        n, whole = number[i], 0.0
        if not first <= n < last:
            first = n // part * part
            last = first + part
            for column in columns:
                if column >= 0:
                    used[n // part, column] = True
        for k in range(len(columns)):
            if parts[i, k] != 0:
                whole += parts[i, k]
                if columns[k] >= 0:
                    page = _page(values, pages, taken, n // PAGE, columns[k])
                    values[page, n % PAGE] += np.float32(cover[i] * parts[i, k])
        # Rounding could leave less than nothing.
        left = sight[n] - np.float32(cover[i] * min(whole, 1.0))
        sight[n] = max(left, np.float32(0))


@numba.njit(cache=True, nogil=True)
@no_type_check
def fill(values, pages, taken, used, part, sight, groups, size, column):
    """Give all that is in sight of some groups to a column, to none if it is negative."""
    for group in groups:
        start = group * size
        if column >= 0:
            used[start // part, column] = True
            page = _page(values, pages, taken, start // PAGE, column)
            for i in range(start, start + size):
                values[page, i % PAGE] += sight[i]
        sight[start : start + size] = 0


@numba.njit(cache=True, nogil=True)
@no_type_check
def unpaged(values, pages, column):
    """The shares of all points in a column."""
    out = np.empty((pages.shape[1], PAGE), np.float32)
    for row in range(len(out)):
        out[row] = values[pages[column, row]]
    return out.ravel()


@numba.njit(cache=True, nogil=True)
@no_type_check
def unknown(groups, size, grain, known):
    """Which grains, `grain` points each, of some groups of `size` points are not known yet; from now on they are (in place)."""
    out = np.empty(len(groups) * max(1, size // grain), np.int64)
    count = 0
    for group in groups:
        first = group * size // grain
        for one in range(first, first + max(1, size // grain)):
            if not known[one]:
                known[one] = True
                out[count] = one
                count += 1
    return out[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def missing(numbers, known):
    """Where in some numbers those are that are not known yet; from now on they are (in place)."""
    out = np.empty(len(numbers), np.int64)
    count = 0
    for i in range(len(numbers)):
        if not known[numbers[i]]:
            known[numbers[i]] = True
            out[count] = i
            count += 1
    return out[:count]


@numba.njit(cache=True, nogil=True)
@no_type_check
def middles(points, grains, grain, size):
    """Middles of the groups of `size` points, whose first and last are opposite corners, of grains of `grain` points."""
    parts = grain // size
    out = np.empty((len(grains) * parts, 3))
    for k in range(len(grains)):
        for j in range(parts):
            first = grains[k] * grain + j * size
            for axis in range(3):
                a, b = points[first, axis], points[first + size - 1, axis]
                out[k * parts + j, axis] = a if size == 1 else 0.5 * (a + b)
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def gathered(places, rows, size):
    """The places of some rows of `size` places."""
    out = np.empty((len(rows) * size, 3))
    for k in range(len(rows)):
        out[k * size : (k + 1) * size] = places[rows[k] * size : (rows[k] + 1) * size]
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def scatter(places, rows, found):
    """Put found places into some rows of places (in place)."""
    size = len(found) // len(rows)
    for k in range(len(rows)):
        places[rows[k] * size : (rows[k] + 1) * size] = found[k * size : (k + 1) * size]


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
