"""Kernels of the distances of simple solids: (n, 3) points in metres to (n,), negative inside.

They run on one thread and release the interpreter: whoever samples a body shares its points among threads. Points come in a row
of neighbours, so a chunk of them looks only at the pieces of a tube and the edges of a section that can be its nearest.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

_CHUNK = 64
_WINDOW = 512


@numba.njit(cache=True, nogil=True)
@no_type_check
def ellipsoid_distance(points, centre, axes):
    """First-order distance to an ellipsoid along the axes."""
    out = np.empty(len(points))
    a, b, c = 1 / axes[0], 1 / axes[1], 1 / axes[2]
    least = axes.min()
    for i in range(len(points)):
        x, y, z = (points[i, 0] - centre[0]) * a, (points[i, 1] - centre[1]) * b, (points[i, 2] - centre[2]) * c
        scaled = np.sqrt(x * x + y * y + z * z)
        slope = np.sqrt((x * a) ** 2 + (y * b) ** 2 + (z * c) ** 2)
        out[i] = (scaled - 1) * (scaled / slope if scaled > 1e-9 else least)
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def ellipsoid_span(points, centre, axes, radius):
    """Least and most of `ellipsoid_distance` within a radius of each point.

    The distance is (k - 1) / |n|, k the scaled length, n its gradient. k changes by radius / a at most, a the shortest axis, and
    1 / |n| lies between the axes. Where n cannot vanish, changing by radius / (a^2 k), the slope is at most
    1 + |k - 1| / (k a^2 n^2). Both hold.
    """
    least, most = np.empty(len(points)), np.empty(len(points))
    distance, short, long = ellipsoid_distance(points, centre, axes), axes.min(), axes.max()
    for i in range(len(points)):
        x, y, z = (points[i, 0] - centre[0]) / axes[0], (points[i, 1] - centre[1]) / axes[1], (points[i, 2] - centre[2]) / axes[2]
        k = np.sqrt(x * x + y * y + z * z)
        low, high = max(k - radius / short, 0.0), k + radius / short
        least[i], most[i] = (low - 1) * (long if low < 1 else short), (high - 1) * (long if high > 1 else short)
        if low > 0:
            n = np.sqrt((x / axes[0]) ** 2 + (y / axes[1]) ** 2 + (z / axes[2]) ** 2) / k - radius / (short * short * low)
            if n > 0:
                change = radius * (1 + max(abs(low - 1), abs(high - 1)) / (low * (short * n) ** 2))
                least[i], most[i] = max(least[i], distance[i] - change), min(most[i], distance[i] + change)
    return least, most


@numba.njit(cache=True, nogil=True)
@no_type_check
def box_distance(points, centre, half, rounding):
    """Distance to a box along the axes, its edges rounded."""
    out = np.empty(len(points))
    for i in range(len(points)):
        x, y, z = abs(points[i, 0] - centre[0]), abs(points[i, 1] - centre[1]), abs(points[i, 2] - centre[2])
        x, y, z = x - (half[0] - rounding), y - (half[1] - rounding), z - (half[2] - rounding)
        outside = np.sqrt(max(x, 0.0) ** 2 + max(y, 0.0) ** 2 + max(z, 0.0) ** 2)
        out[i] = outside + min(max(x, y, z), 0.0) - rounding
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def along_tube_distance(points, path, radii):
    """Distance to a tube, and how far along it its nearest point lies, in points of the path."""
    out, along = np.empty(len(points)), np.empty(len(points))
    for i in range(len(points)):
        best, where = np.inf, 0.0
        for k in range(len(path) - 1):
            ax, ay, az = path[k + 1, 0] - path[k, 0], path[k + 1, 1] - path[k, 1], path[k + 1, 2] - path[k, 2]
            x, y, z = points[i, 0] - path[k, 0], points[i, 1] - path[k, 1], points[i, 2] - path[k, 2]
            part = min(max((x * ax + y * ay + z * az) / (ax * ax + ay * ay + az * az), 0.0), 1.0)
            far = np.sqrt((x - part * ax) ** 2 + (y - part * ay) ** 2 + (z - part * az) ** 2)
            far -= radii[k] + part * (radii[k + 1] - radii[k])
            if far < best:
                best, where = far, k + part
        out[i], along[i] = best, where
    return out, along


@numba.njit(cache=True, nogil=True)
@no_type_check
def tube_distance(points, path, radii):
    """Distance to the nearest piece's axis less the radius there."""
    out, least = np.empty(len(points)), np.empty(len(path) - 1)
    x, y, z, best = np.empty(_CHUNK), np.empty(_CHUNK), np.empty(_CHUNK), np.empty(_CHUNK)
    for first in range(0, len(points), _CHUNK):
        chunk = points[first : first + _CHUNK]
        best[:] = np.inf
        most = _tube_bounds(chunk, path, radii, least)
        count = _whole_lanes(len(chunk))
        for i in range(count):
            place = chunk[min(i, len(chunk) - 1)]
            x[i], y[i], z[i] = place[0], place[1], place[2]
        for k in range(len(path) - 1):
            if least[k] > most:
                continue
            ax, ay, az = path[k + 1, 0] - path[k, 0], path[k + 1, 1] - path[k, 1], path[k + 1, 2] - path[k, 2]
            px, py, pz, scale = path[k, 0], path[k, 1], path[k, 2], 1 / (ax * ax + ay * ay + az * az)
            radius, more = radii[k], radii[k + 1] - radii[k]
            for i in range(count):
                u, v, w = x[i] - px, y[i] - py, z[i] - pz
                part = min(max((u * ax + v * ay + w * az) * scale, 0.0), 1.0)
                u, v, w = u - part * ax, v - part * ay, w - part * az
                best[i] = min(best[i], np.sqrt(u * u + v * v + w * w) - (radius + part * more))
        out[first : first + len(chunk)] = best[: len(chunk)]
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def _tube_bounds(chunk, path, radii, least):
    """The most that the nearest piece of a tube is away from any point of a chunk; least: filled in, of each piece."""
    x, y, z = chunk[len(chunk) // 2]
    reach, most = 0.0, np.inf
    for i in range(len(chunk)):
        reach = max(reach, (chunk[i, 0] - x) ** 2 + (chunk[i, 1] - y) ** 2 + (chunk[i, 2] - z) ** 2)
    reach = np.sqrt(reach)
    for k in range(len(path) - 1):
        ax, ay, az = path[k + 1, 0] - path[k, 0], path[k + 1, 1] - path[k, 1], path[k + 1, 2] - path[k, 2]
        u, v, w = x - path[k, 0], y - path[k, 1], z - path[k, 2]
        part = min(max((u * ax + v * ay + w * az) / (ax * ax + ay * ay + az * az), 0.0), 1.0)
        far = np.sqrt((u - part * ax) ** 2 + (v - part * ay) ** 2 + (w - part * az) ** 2)
        most = min(most, far + reach - min(radii[k], radii[k + 1]))
        least[k] = far - reach - max(radii[k], radii[k + 1])
    return most


@numba.njit(cache=True, nogil=True)
@no_type_check
def nearest_point(points, centres):
    """Distance to the nearest of some centres."""
    out = np.empty(len(points))
    for i in range(len(points)):
        best = np.inf
        for k in range(len(centres)):
            x, y, z = points[i, 0] - centres[k, 0], points[i, 1] - centres[k, 1], points[i, 2] - centres[k, 2]
            best = min(best, x * x + y * y + z * z)
        out[i] = np.sqrt(best)
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def nearest_pin(points, centres, radii):
    """Distance to the nearest of some upright, endless cylinders."""
    out = np.empty(len(points))
    for i in range(len(points)):
        best = np.inf
        for k in range(len(centres)):
            best = min(best, np.hypot(points[i, 0] - centres[k, 0], points[i, 1] - centres[k, 1]) - radii[k])
        out[i] = best
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def polygon_edges(polygon):
    """Start, end, direction and one over the squared length of every edge, (k, 7)."""
    edges = np.empty((len(polygon), 7))
    for i in range(len(polygon)):
        a, b = polygon[i - 1], polygon[i]
        ex, ey = b[0] - a[0], b[1] - a[1]
        square = ex * ex + ey * ey
        edges[i] = np.array([a[0], a[1], b[0], b[1], ex, ey, 1 / square if square > 0 else 0.0])
    return edges


@numba.njit(cache=True, nogil=True)
@no_type_check
def _signed(px, py, edges):
    """Distance to the nearest edge, negative inside (even-odd rule)."""
    best, inside = np.inf, False
    for i in range(len(edges)):
        ay, by, ex, ey = edges[i, 1], edges[i, 3], edges[i, 4], edges[i, 5]
        x, y = px - edges[i, 0], py - ay
        if (ay > py) != (by > py) and x < ex * y / (by - ay):
            inside = not inside
        part = min(max((x * ex + y * ey) * edges[i, 6], 0.0), 1.0)
        x, y = x - part * ex, y - part * ey
        square = x * x + y * y
        if square < best:
            best = square
    return -np.sqrt(best) if inside else np.sqrt(best)


@numba.njit(cache=True, nogil=True)
@no_type_check
def polygon_distance(x, y, edges):
    """Distance of places in a plane to a polygon of `polygon_edges`."""
    out = np.empty(len(x))
    for i in range(len(x)):
        out[i] = _signed(x[i], y[i], edges)
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def wall_table(stack):
    """Each wall of a loft between two levels: its middle (x, y), reach about it, least and largest y, (level, corner, 5)."""
    out = np.empty((len(stack) - 1, stack.shape[1], 5))
    for k in range(len(stack) - 1):
        low, high = stack[k], stack[k + 1]
        for j in range(stack.shape[1]):
            u = (low[j - 1, 0] + low[j, 0] + high[j - 1, 0] + high[j, 0]) / 4
            v = (low[j - 1, 1] + low[j, 1] + high[j - 1, 1] + high[j, 1]) / 4
            size = 0.0
            for one in (low[j - 1], low[j], high[j - 1], high[j]):
                size = max(size, (one[0] - u) ** 2 + (one[1] - v) ** 2)
            out[k, j, 0], out[k, j, 1], out[k, j, 2] = u, v, np.sqrt(size)
            out[k, j, 3] = min(low[j - 1, 1], low[j, 1], high[j - 1, 1], high[j, 1])
            out[k, j, 4] = max(low[j - 1, 1], low[j, 1], high[j - 1, 1], high[j, 1])
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def lofted_distance(points, levels, stack, walls):
    """Distance within the section at each point's height, negative inside (even-odd rule). walls: `wall_table`."""
    out = np.empty(len(points))
    order, ends = np.empty(_WINDOW, np.int64), np.empty(len(levels), np.int64)
    least = np.empty(stack.shape[1])
    for start in range(0, len(points), _WINDOW):
        _by_level(points[start : start + _WINDOW, 2], levels, order, ends)
        first = 0
        for k in range(len(levels) - 1):
            for one in range(first, ends[k], _CHUNK):
                chunk = order[one : min(one + _CHUNK, ends[k])]
                _section_distance(points, start, chunk, levels[k], levels[k + 1], stack[k], stack[k + 1], walls[k], least, out)
            first = ends[k]
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def _section_distance(points, start, chunk, bottom, top, low, high, walls, least, out):
    """Distances of some points, numbered from a start, between two levels of a loft; out: filled in."""
    count = _whole_lanes(len(chunk))
    x, y, part, side, best = np.empty(_CHUNK), np.empty(_CHUNK), np.empty(_CHUNK), np.empty(_CHUNK), np.empty(_CHUNK)
    for i in range(count):
        place = points[start + chunk[min(i, len(chunk) - 1)]]
        x[i], y[i] = place[0], place[1]
        part[i] = (min(max(place[2], bottom), top) - bottom) / (top - bottom)
    best[:count], side[:count] = np.inf, 1.0
    most = _wall_bounds(x[:count], y[:count], walls, least)
    low_y, high_y = y[:count].min(), y[:count].max()
    for j in range(len(low)):
        crossed = walls[j, 3] <= high_y and walls[j, 4] >= low_y
        if least[j] > most and not crossed:
            continue
        (a, b), (c, d) = low[j - 1], low[j]
        (e, f), (g, h) = high[j - 1] - low[j - 1], high[j] - low[j]
        if least[j] <= most:
            for i in range(count):
                px, py = a + part[i] * e, b + part[i] * f
                ex, ey = c + part[i] * g - px, d + part[i] * h - py
                u, v = x[i] - px, y[i] - py
                along = min(max((u * ex + v * ey) / max(ex * ex + ey * ey, 1e-300), 0.0), 1.0)
                u, v = u - along * ex, v - along * ey
                best[i] = min(best[i], u * u + v * v)
        if crossed:
            for i in range(count):
                px, py, qy = a + part[i] * e, b + part[i] * f, d + part[i] * h
                ex, ey = c + part[i] * g - px, qy - py
                left = ((x[i] - px) * ey < ex * (y[i] - py)) == (ey > 0)
                side[i] = -side[i] if ((py > y[i]) != (qy > y[i])) & left else side[i]
    for i in range(len(chunk)):
        out[start + chunk[i]] = side[i] * np.sqrt(best[i])


@numba.njit(cache=True, nogil=True)
@no_type_check
def _whole_lanes(count):
    """A number of places that fills vector registers: the last place is repeated, since single ones take as long as eight."""
    return (count + 7) // 8 * 8


@numba.njit(cache=True, nogil=True)
@no_type_check
def _by_level(z, levels, order, ends):
    """Numbers of heights, those between the same two levels in a row; order, and ends of these rows: filled in."""
    found = np.empty(len(z), np.int64)
    ends[:] = 0
    for i in range(len(z)):
        found[i] = min(max(np.searchsorted(levels, min(max(z[i], levels[0]), levels[-1])) - 1, 0), len(levels) - 2)
        ends[found[i] + 1] += 1
    for k in range(1, len(ends)):
        ends[k] += ends[k - 1]
    # Where a row starts moves to where it ends as it fills.
    for i in range(len(z)):
        order[ends[found[i]]] = i
        ends[found[i]] += 1


@numba.njit(cache=True, nogil=True)
@no_type_check
def steepest_wall(z, levels, lean, radius):
    """How steep a loft's walls are within a radius of heights: the largest lean (of each piece between levels) there."""
    out = np.zeros(len(z))
    for i in range(len(z)):
        k = max(np.searchsorted(levels, z[i] - radius) - 1, 0)
        while k < len(lean) and levels[k] <= z[i] + radius:
            out[i] = max(out[i], lean[k])
            k += 1
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def _wall_bounds(x, y, walls, least):
    """The most that the nearest wall of a section is away from any place; least: filled in, of each wall between two levels."""
    mx, my, reach, most = x[len(x) // 2], y[len(x) // 2], 0.0, np.inf
    for i in range(len(x)):
        reach = max(reach, (x[i] - mx) ** 2 + (y[i] - my) ** 2)
    reach = np.sqrt(reach)
    for j in range(len(walls)):
        u, v, size = walls[j, 0] - mx, walls[j, 1] - my, walls[j, 2]
        far = np.sqrt(u * u + v * v)
        most = min(most, far + size + reach)
        least[j] = max(far - size - reach, 0.0)
    return most
