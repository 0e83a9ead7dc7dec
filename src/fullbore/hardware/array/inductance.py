"""Self and mutual inductance of loops by Neumann's integral."""

from __future__ import annotations

import math
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.hardware.array.loop import Loop
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2

_SCALE = VACUUM_PERMEABILITY_N_PER_A2 / (4 * math.pi)


def inductance_matrix(loops: tuple[Loop, ...], wire_radius_m: float) -> Float[np.ndarray, "loop loop"]:
    """Self (diagonal) and mutual inductance, H: mu0 / 4 pi * sum of dl . dl' / sqrt(R^2 + wire_radius^2).

    The wire's radius in the root makes a round wire's self-inductance at high frequency, mu0 R (log(8 R / wire) - 2), and keeps
    wires that cross a wire's radius apart. Error: about exp(-n wire_radius / loop radius) of n points on the wire.
    Source: Grover, Inductance Calculations, ch. 1; the circle is Maxwell's coaxial pair at the distance wire_radius.
    """
    count = len(loops)
    out = np.empty((count, count))
    for i in range(count):
        for j in range(i, count):
            one, other = loops[i], loops[j]
            out[i, j] = out[j, i] = _SCALE * _neumann(
                one.points_m, one.lengths_m, other.points_m, other.lengths_m, wire_radius_m**2
            )
    return out


def mutual_inductance_H(one: Loop, other: Loop, wire_radius_m: float) -> float:
    """Mutual inductance of two loops; see `inductance_matrix`."""
    return _SCALE * float(_neumann(one.points_m, one.lengths_m, other.points_m, other.lengths_m, wire_radius_m**2))


def coupling_matrix(inductance_H: Float[np.ndarray, "loop loop"]) -> Float[np.ndarray, "loop loop"]:
    """Coefficients k = M / sqrt(L L), 1 on the diagonal."""
    size = np.sqrt(np.diag(inductance_H))
    return np.asarray(inductance_H / np.outer(size, size))


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _neumann(points: np.ndarray, lengths: np.ndarray, others: np.ndarray, steps: np.ndarray, soft: float) -> float:
    total = 0.0
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        ax = ay = az = 0.0
        for j in range(len(others)):
            dx, dy, dz = others[j, 0] - x, others[j, 1] - y, others[j, 2] - z
            weight = 1 / math.sqrt(dx * dx + dy * dy + dz * dz + soft)
            ax += weight * steps[j, 0]
            ay += weight * steps[j, 1]
            az += weight * steps[j, 2]
        total += lengths[i, 0] * ax + lengths[i, 1] * ay + lengths[i, 2] * az
    return total
