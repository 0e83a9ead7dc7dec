"""Wires along paths: field in closed form, mutual inductance by Neumann's integral.

Source: Grover 1946 (mean distances of sections).
"""

from __future__ import annotations

import math
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2 as MU0
from fullbore.physics.straight_wires import piece_field_T, track_pieces

_SCALE = MU0 / (4 * math.pi)
# Pairs farther apart than this many lengths count as points at their middles; nearer ones are exact along one of the two.
_FAR = 6.0
# Two points a segment hold a product of cubics, which near neighbours on one wire ask for.
_GAUSS = 0.5 / math.sqrt(3)


def wire_field(points_m: Float[np.ndarray, "p 3"], paths: list[np.ndarray]) -> Float[np.ndarray, "p 3"]:
    """B (T) at 1 A of wires along the paths, (n, 3) m each; exact for straight pieces, endless on them."""
    return piece_field_T(points_m, *track_pieces(paths))


def axial_wire_field(points_m: Float[np.ndarray, "p 3"], path_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " p"]:
    """Bz (T) at 1 A of one open or closed path: `wire_field` for maps of many points, several times as fast."""
    points = np.ascontiguousarray(points_m.T, dtype=np.float64)
    real = np.concatenate([[True], np.linalg.norm(np.diff(path_m, axis=0), axis=1) > 1e-9])
    return np.asarray(_SCALE * _axial_field(points, np.ascontiguousarray(path_m[real])))


def mutual_inductance(first: list[np.ndarray], second: list[np.ndarray], mean_distance_m: float) -> float:
    """Neumann's integral (H) of two sets of paths; with one and the same set it is the self inductance.

    mean_distance_m: geometric mean distance of the conductor's section from itself (0.2235 (width + thickness) for a rectangle,
    0.7788 times the radius for a round wire); it counts where a wire meets itself, or another less far off.
    The current is even in the section.
    """
    return float(_SCALE * _neumann(*track_pieces(first), *track_pieces(second), mean_distance_m, first is second))


_BLOCK = 256


@numba.njit(parallel=True, cache=True, nogil=True, error_model="numpy")
@no_type_check
def _axial_field(points: np.ndarray, path: np.ndarray) -> np.ndarray:
    """Blocks of points, so that a vector unit takes several at once; what a piece's end holds is the next one's begin."""
    count = points.shape[1]
    out = np.zeros(count)
    for block in numba.prange((count + _BLOCK - 1) // _BLOCK):
        first, last = block * _BLOCK, min(count, (block + 1) * _BLOCK)
        px, py, pz = points[0, first:last], points[1, first:last], points[2, first:last]
        found = np.zeros(last - first)
        ax, ay, az = px - path[0, 0], py - path[0, 1], pz - path[0, 2]
        a = np.sqrt(ax * ax + ay * ay + az * az)
        for n in range(1, len(path)):
            x, y, z = path[n, 0], path[n, 1], path[n, 2]
            for p in range(last - first):
                bx, by, bz = px[p] - x, py[p] - y, pz[p] - z
                b = math.sqrt(bx * bx + by * by + bz * bz)
                product = a[p] * b
                dot = ax[p] * bx + ay[p] * by + az[p] * bz
                found[p] += (a[p] + b) / (product * (product + dot)) * (ax[p] * by - ay[p] * bx)
                ax[p], ay[p], az[p], a[p] = bx, by, bz, b
        out[first:last] = found
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def _line_potential(p: np.ndarray, a: np.ndarray, b: np.ndarray, least: float) -> float:
    """Integral of 1/r along the segment a to b, seen from p; a distance across counts as `least` where it is less."""
    length = math.sqrt((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2 + (b[2] - a[2]) ** 2)
    ux, uy, uz = (b[0] - a[0]) / length, (b[1] - a[1]) / length, (b[2] - a[2]) / length
    px, py, pz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    along = px * ux + py * uy + pz * uz
    across = math.sqrt(max(px * px + py * py + pz * pz - along * along, least * least))
    return math.asinh((length - along) / across) + math.asinh(along / across)


@numba.njit(parallel=True, cache=True, nogil=True)
@no_type_check
def _neumann(
    begins: np.ndarray, ends: np.ndarray, others: np.ndarray, other_ends: np.ndarray, mean_distance: float, same: bool
) -> float:
    total = np.zeros(len(begins))
    middles, lengths = (others + other_ends) / 2, other_ends - others
    sizes = np.sqrt((lengths**2).sum(axis=1))
    for i in numba.prange(len(begins)):
        own = ends[i] - begins[i]
        size = math.sqrt(own[0] ** 2 + own[1] ** 2 + own[2] ** 2)
        mx, my, mz = (begins[i] + ends[i]) / 2
        gauss = np.empty((2, 3))
        gauss[0] = begins[i] + (0.5 - _GAUSS) * own
        gauss[1] = begins[i] + (0.5 + _GAUSS) * own
        found = 0.0
        for j in range(len(others)):
            dot = own[0] * lengths[j, 0] + own[1] * lengths[j, 1] + own[2] * lengths[j, 2]
            dx, dy, dz = mx - middles[j, 0], my - middles[j, 1], mz - middles[j, 2]
            distance = math.sqrt(dx * dx + dy * dy + dz * dz)
            if distance > _FAR * max(size, sizes[j]):
                found += dot / distance
            elif same and i == j:
                # integral of asinh along the segment itself, in closed form
                ratio = size / mean_distance
                found += 2 * size * (math.asinh(ratio) - (math.sqrt(1 + ratio * ratio) - 1) / ratio)
            else:
                found += 0.5 * dot / sizes[j] * _line_potential(gauss[0], others[j], other_ends[j], mean_distance)
                found += 0.5 * dot / sizes[j] * _line_potential(gauss[1], others[j], other_ends[j], mean_distance)
        total[i] = found
    return total.sum()
