"""Biot-Savart's law for wires of straight pieces, in closed form.

Source: Hanson and Hirshman 2002, Phys Plasmas 9:4410 (field and potential of a straight piece without cancellation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.errors import ShapeError
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2

_SCALE = VACUUM_PERMEABILITY_N_PER_A2 / (4 * math.pi)
_COLUMNS = 3
# A piece shorter than this share of the sum of its ends' distances is far.
_FAR = 0.03
# Corners nearer than this are one.
_SAME_M = 1e-9


def track_pieces(tracks: Sequence[np.ndarray]) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Begins and ends, m, of the straight pieces of tracks (corner, 3); a track is closed when its last corner is its first.

    Repeated corners are left out. Errors: ShapeError for a track that is no (corner, 3) of at least two corners.
    """
    for number, track in enumerate(tracks):
        if track.ndim != 2 or track.shape[1] != _COLUMNS or len(track) < 2:
            raise ShapeError(f"track {number}: got {track.shape}, wanted (corner, 3) with at least two corners.")
    begins = np.concatenate([np.zeros((0, 3)), *(track[:-1] for track in tracks)])
    ends = np.concatenate([np.zeros((0, 3)), *(track[1:] for track in tracks)])
    real = np.linalg.norm(ends - begins, axis=1) > _SAME_M
    return np.ascontiguousarray(begins[real]), np.ascontiguousarray(ends[real])


def piece_field_T(
    points_m: Float[np.ndarray, "p 3"], begins_m: Float[np.ndarray, "n 3"], ends_m: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "p 3"]:
    """Field, T, of one ampere through straight pieces; endless on them."""
    return np.asarray(_SCALE * _field(np.ascontiguousarray(points_m, dtype=np.float64), begins_m, ends_m))


def piece_potential_T_m(
    points_m: Float[np.ndarray, "p 3"], begins_m: Float[np.ndarray, "n 3"], ends_m: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "p 3"]:
    """Vector potential, T m, of one ampere through straight pieces: mu0/2pi artanh(l / (a + b)) along each."""
    return np.asarray(2 * _SCALE * _potential(np.ascontiguousarray(points_m, dtype=np.float64), begins_m, ends_m))


@numba.njit(parallel=True, cache=True, nogil=True)
@no_type_check
def _potential(points, begins, ends):
    out = np.zeros((len(points), 3))
    lengths = np.sqrt(((ends - begins) ** 2).sum(axis=1))
    for p in numba.prange(len(points)):
        x, y, z = 0.0, 0.0, 0.0
        for n in range(len(begins)):
            ax, ay, az = points[p, 0] - begins[n, 0], points[p, 1] - begins[n, 1], points[p, 2] - begins[n, 2]
            bx, by, bz = points[p, 0] - ends[n, 0], points[p, 1] - ends[n, 1], points[p, 2] - ends[n, 2]
            around = math.sqrt(ax * ax + ay * ay + az * az) + math.sqrt(bx * bx + by * by + bz * bz)
            share = lengths[n] / around
            square = share * share
            # artanh(s) / s; far away its series, whose next term is below 1e-13
            grows = 1.0 + square * (1 / 3 + square * (1 / 5 + square / 7)) if share < _FAR else math.atanh(share) / share
            weight = grows / around
            x += weight * (ends[n, 0] - begins[n, 0])
            y += weight * (ends[n, 1] - begins[n, 1])
            z += weight * (ends[n, 2] - begins[n, 2])
        out[p, 0], out[p, 1], out[p, 2] = x, y, z
    return out


@numba.njit(parallel=True, cache=True, nogil=True)
@no_type_check
def _field(points, begins, ends):
    out = np.zeros((len(points), 3))
    for p in numba.prange(len(points)):
        x, y, z = 0.0, 0.0, 0.0
        for n in range(len(begins)):
            ax, ay, az = points[p, 0] - begins[n, 0], points[p, 1] - begins[n, 1], points[p, 2] - begins[n, 2]
            bx, by, bz = points[p, 0] - ends[n, 0], points[p, 1] - ends[n, 1], points[p, 2] - ends[n, 2]
            a, b = math.sqrt(ax * ax + ay * ay + az * az), math.sqrt(bx * bx + by * by + bz * bz)
            # piece x R_begin = R_begin x R_end turned round: B = mu0/4pi (1/a + 1/b) / (a b + a.b) (a x b)
            weight = (a + b) / (a * b * (a * b + ax * bx + ay * by + az * bz))
            x += weight * (ay * bz - az * by)
            y += weight * (az * bx - ax * bz)
            z += weight * (ax * by - ay * bx)
        out[p, 0], out[p, 1], out[p, 2] = x, y, z
    return out
