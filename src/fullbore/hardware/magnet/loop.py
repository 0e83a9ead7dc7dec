"""The circular loop: field, vector potential and mutual inductance by elliptic integrals."""

from __future__ import annotations

import math
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.hardware.magnet.elliptic import cel, cel_two
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2

MU0 = VACUUM_PERMEABILITY_N_PER_A2


def loop_field(
    points_m: Float[np.ndarray, "p 2"], loops_m: Float[np.ndarray, "n 2"], currents_A: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "p 2"]:
    """Field (Br, Bz), T, of coaxial loops. points_m: (r, z). loops_m: (radius, z). Not on a wire.

    Error: 1e-15 of the field of the largest loop. Source: Smythe, Static and Dynamic Electricity, 7.10, written with
    Bulirsch's integral so that nothing cancels near the axis.
    """
    return np.asarray(_field(points_m, loops_m, currents_A))


def loop_matrix(points_m: Float[np.ndarray, "p 2"], loops_m: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "2 p n"]:
    """Field of each loop at each point for one ampere, T/A: Br and Bz."""
    return np.asarray(_matrix(points_m, loops_m))


def loop_potential(
    points_m: Float[np.ndarray, "p 2"], loops_m: Float[np.ndarray, "n 2"], currents_A: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " p"]:
    """Azimuthal vector potential, T m, of coaxial loops at (r, z)."""
    return np.asarray(_potential(points_m, loops_m, currents_A))


def loop_mutual_inductance(one_m: Float[np.ndarray, "n 2"], other_m: Float[np.ndarray, "p 2"]) -> Float[np.ndarray, "n p"]:
    """Mutual inductance, H, of coaxial loops given as (radius, z): the flux 2 pi r A through one of an ampere in the other."""
    inductance = np.empty((len(one_m), len(other_m)))
    for index, loop in enumerate(one_m):
        inductance[index] = 2 * np.pi * other_m[:, 0] * loop_potential(other_m, loop[None], np.ones(1))
    return inductance


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def loop_terms(a: float, r: float, d: float) -> tuple[float, float]:
    """(Br, Bz), T/A, of a loop of radius a at the radius r and the height d above its plane."""
    near, far = (a - r) ** 2 + d * d, (a + r) ** 2 + d * d
    square = near / far
    kc = math.sqrt(square)
    scale = MU0 / (2 * math.pi * math.sqrt(far))
    share = (a * a - r * r - d * d) / near
    difference, mixed = cel_two(kc, (1.0, -square), (1.0 + share, 1.0 + share * square))
    return scale * d * 2 * a / near * difference, scale * mixed


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _field(points: np.ndarray, loops: np.ndarray, currents: np.ndarray) -> np.ndarray:
    out = np.zeros((len(points), 2))
    for p in range(len(points)):
        for n in range(len(loops)):
            radial, axial = loop_terms(loops[n, 0], points[p, 0], points[p, 1] - loops[n, 1])
            out[p, 0] += currents[n] * radial
            out[p, 1] += currents[n] * axial
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _matrix(points: np.ndarray, loops: np.ndarray) -> np.ndarray:
    out = np.empty((2, len(points), len(loops)))
    for p in range(len(points)):
        for n in range(len(loops)):
            out[0, p, n], out[1, p, n] = loop_terms(loops[n, 0], points[p, 0], points[p, 1] - loops[n, 1])
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _potential(points: np.ndarray, loops: np.ndarray, currents: np.ndarray) -> np.ndarray:
    out = np.zeros(len(points))
    for p in range(len(points)):
        r = points[p, 0]
        for n in range(len(loops)):
            a, d = loops[n, 0], points[p, 1] - loops[n, 1]
            far = (a + r) ** 2 + d * d
            kc = math.sqrt(((a - r) ** 2 + d * d) / far)
            out[p] += currents[n] * MU0 * a / (math.pi * math.sqrt(far)) * cel(kc, 1.0, -1.0, 1.0)
    return out
