"""Directions of spokes: golden and tiny golden angles, golden means and phyllotaxis on the sphere and on a Cartesian grid."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int

from fullbore.errors import UsageError

_GOLDEN = (1 + np.sqrt(5)) / 2
_CUBIC = 1.4655712318767680  # real root of x^3 = x^2 + 1: the golden ratio's cousin for two dimensions


def golden_angle_rad(order: int = 1) -> float:
    """pi / (golden ratio + order - 1): 111.25 deg for 1, the tiny golden angles after it (7: 23.63 deg).

    Source: Winkelmann 2007, IEEE TMI 26:68; Wundrak 2015, IEEE TMI 34:1262.
    """
    if order < 1:
        raise UsageError(f"golden angle: got order {order}, wanted 1 (golden) or more (tiny golden).")
    return float(np.pi / (_GOLDEN + order - 1))


def golden_spokes_rad(count: int, order: int = 1, first: int = 0) -> Float[np.ndarray, " spoke"]:
    """Angles of spokes `first` ... `first + count - 1`, in [0, 2 pi): any run of them has at most three different gaps."""
    return np.mod((first + np.arange(count)) * golden_angle_rad(order), 2 * np.pi)


def golden_means(count: int, first: int = 0) -> Float[np.ndarray, "spoke 3"]:
    """Directions (x, y, z) of a kooshball on the upper half sphere, even over any run of spokes.

    z = frac(n 0.4656), azimuth = 2 pi frac(n 0.6823), from the modified Fibonacci sequence. Source: Chan 2009, MRM 61:354.
    """
    n = first + np.arange(count)
    z, azimuth = np.mod(n * (_CUBIC - 1), 1.0), 2 * np.pi * np.mod(n / _CUBIC, 1.0)
    return _unit(z, azimuth)


def phyllotaxis(interleaves: int, spokes: int) -> Float[np.ndarray, "interleaf spoke 3"]:
    """Directions of a 3D radial scan, interleaves of spirals from the pole to the equator, evenly over the half sphere together.

    Spoke n of all N = interleaves * spokes lies at the polar angle (pi / 2) sqrt(n / N) and azimuth n times the golden
    angle of 137.51 deg; interleaf j holds n = j, j + interleaves, ... Steps are small when `interleaves` is a Fibonacci number.
    Source: Piccini 2011, MRM 66:1049.
    """
    total = interleaves * spokes
    n = np.arange(1, total + 1)
    polar = np.pi / 2 * np.sqrt(n / total)
    return _unit(np.cos(polar), n * 2 * np.pi * (1 - 1 / _GOLDEN)).reshape(spokes, interleaves, 3).swapaxes(0, 1).copy()


def spiral_phyllotaxis(
    shape: tuple[int, int], interleaves: int, points: int, density_power: float = 0.75
) -> Int[np.ndarray, "interleaf point 2"]:
    """(row, column) of a Cartesian scan whose interleaves are spirals from the centre out; no point is measured twice.

    Point n of all N lies at the radius (n / N)^density_power of the ellipse (0.5: even density; larger: denser centre) and
    at n times 137.51 deg, moved to the nearest free grid point. Interleaf j holds n = j, j + interleaves, ...
    Errors: UsageError for more points than the grid holds. Source: Prieto 2015, JMRI 41:738.
    """
    total = interleaves * points
    if not 1 <= total <= shape[0] * shape[1] or density_power <= 0:
        raise UsageError(f"spiral_phyllotaxis: got {total} points, wanted 1 to {shape[0] * shape[1]} on this grid.")
    n = np.arange(total)
    radius, angle = ((n + 0.5) / total) ** density_power, n * 2 * np.pi * (1 - 1 / _GOLDEN)
    row = shape[0] // 2 + radius * (shape[0] / 2 - 0.5) * np.sin(angle)
    column = shape[1] // 2 + radius * (shape[1] / 2 - 0.5) * np.cos(angle)
    placed = _placed(row, column, np.zeros(shape, dtype=np.bool_))
    return np.asarray(placed.reshape(points, interleaves, 2).swapaxes(0, 1)).copy()


def _unit(z: Float[np.ndarray, " n"], azimuth: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 3"]:
    """Unit vectors of a height and an azimuth."""
    across = np.sqrt(np.maximum(1 - z * z, 0.0))
    return np.stack([across * np.cos(azimuth), across * np.sin(azimuth), z], axis=1)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _placed(row: np.ndarray, column: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """The nearest free grid point of each position, in turn; rings of growing size are searched, so it always ends."""
    rows, columns = taken.shape
    out = np.zeros((len(row), 2), np.int64)
    for n in range(len(row)):
        r0 = min(max(int(np.round(row[n])), 0), rows - 1)
        c0 = min(max(int(np.round(column[n])), 0), columns - 1)
        best, reach = np.inf, 0
        # A ring at reach q holds nothing nearer than q - 0.5, so the search may stop there.
        while reach <= max(rows, columns) and (reach - 0.5) * abs(reach - 0.5) < best:
            for i in range(max(r0 - reach, 0), min(r0 + reach, rows - 1) + 1):
                whole = abs(i - r0) == reach
                step = 1 if whole or reach == 0 else 2 * reach
                for j in range(c0 - reach, c0 + reach + 1, step):
                    if 0 <= j < columns and not taken[i, j]:
                        distance = (i - row[n]) ** 2 + (j - column[n]) ** 2
                        if distance < best:
                            best = distance
                            out[n, 0], out[n, 1] = i, j
            reach += 1
        taken[out[n, 0], out[n, 1]] = True
    return out
