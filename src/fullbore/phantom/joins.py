"""Kernels of what joins distances: fillets, the flat ends of prisms, what lies near a box. One thread each, see `distances`."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

from fullbore.phantom.distances import steepest_wall


@numba.njit(cache=True, nogil=True)
@no_type_check
def fillet(first, second, width):
    """Distance to two solids together, with a fillet of a width."""
    out = np.empty(len(first))
    for i in range(len(first)):
        share = max(width - abs(first[i] - second[i]), 0.0) / width
        out[i] = min(first[i], second[i]) - share * share * (width / 4)
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def _cap(across, above):
    """Distance to the part of an upright prism within its ends, from that to the prism and that to the ends."""
    a, b = max(across, 0.0), max(above, 0.0)
    outside = a if b == 0 else b if a == 0 else np.hypot(a, b)
    return min(max(across, above), 0.0) + outside


@numba.njit(cache=True, nogil=True)
@no_type_check
def capped(across, points, middle, half):
    """Distances to an upright prism cut half a height above and below a middle, from those to the endless one."""
    out = np.empty(len(across))
    for i in range(len(across)):
        out[i] = _cap(across[i], abs(points[i, 2] - middle) - half)
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def lofted_span(across, points, levels, lean, middle, half, radius):
    """Least and most of a loft's distance within a radius of points, from its distance within the section there.

    lean: of the walls between two levels.
    """
    least, most = np.empty(len(across)), np.empty(len(across))
    steep = steepest_wall(points[:, 2].copy(), levels, lean, radius)
    for i in range(len(across)):
        above, change = abs(points[i, 2] - middle) - half, radius * np.hypot(1.0, steep[i])
        least[i], most[i] = _cap(across[i] - change, above - radius), _cap(across[i] + change, above + radius)
    return least, most


@numba.njit(cache=True, nogil=True)
@no_type_check
def near_box(points, low, high, margin):
    """Distances to a box, 0 within; which points are no farther than a margin, and these points."""
    out, where, places = np.empty(len(points)), np.empty(len(points), np.int64), np.empty((len(points), 3))
    count = 0
    for i in range(len(points)):
        x = max(low[0] - points[i, 0], points[i, 0] - high[0], 0.0)
        y = max(low[1] - points[i, 1], points[i, 1] - high[1], 0.0)
        z = max(low[2] - points[i, 2], points[i, 2] - high[2], 0.0)
        out[i] = np.sqrt(x * x + y * y + z * z)
        if out[i] <= margin:
            where[count] = i
            places[count, 0], places[count, 1], places[count, 2] = points[i, 0], points[i, 1], points[i, 2]
            count += 1
    return out, where[:count], places[:count]
