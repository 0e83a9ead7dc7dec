"""Smooth random fields that are pure functions of position: the same at every resolution, for ever from the same seed."""

from __future__ import annotations

from collections.abc import Callable
from math import erf
from typing import no_type_check

import numba
import numpy as np
from scipy.special import gammaincinv

from fullbore.errors import ValueRangeError

_CHUNK = 512


def smooth_field(seed: int, length_m: float, waves: int = 32) -> Callable[[np.ndarray], np.ndarray]:
    """A field (n, 3) metres -> (n,) in [-1, 1], evenly distributed there (root mean square 1 / sqrt 3), with mean 0.

    It is a sum of plane waves of random direction and phase whose wave numbers are those of a Gaussian of standard deviation
    1 / length_m on each axis, so that its correlation falls as exp(-r^2 / (2 length_m^2)); the sum, nearly normal, goes through
    the error function. Source: random Fourier features, e.g. Rahimi and Recht 2007.
    """
    if not (0 < length_m < np.inf and waves >= 8 and seed >= 0):
        raise ValueRangeError(f"smooth_field: seed {seed}, length {length_m} m, {waves} waves; wanted >= 0, > 0 and >= 8.")
    generator = np.random.default_rng(seed)
    turns = _wave_numbers(generator, waves) / (2 * np.pi * length_m)
    phases = generator.uniform(0, 1, waves)
    return lambda points: _field(points, turns, phases)


def _wave_numbers(generator: np.random.Generator, waves: int) -> np.ndarray:
    """(waves, 3) normal vectors, spread evenly: lengths one from each equal part of their distribution, directions on a turned
    spiral over the sphere. Few waves then already have the stated correlation along every axis.
    """
    length = np.sqrt(2 * gammaincinv(1.5, (generator.permutation(waves) + generator.random(waves)) / waves))
    height = 1 - (2 * np.arange(waves) + 1) / waves
    angle = np.pi * (3 - np.sqrt(5)) * np.arange(waves)
    around = np.sqrt(1 - height**2)
    directions = np.stack([around * np.cos(angle), around * np.sin(angle), height], axis=1)
    frame, _ = np.linalg.qr(generator.standard_normal((3, 3)))
    return np.asarray(length[:, None] * (directions @ frame.T))


@numba.njit(cache=True, nogil=True)
@no_type_check
def _field(points, turns, phases):
    """Points in chunks, waves outside, so that the inner loop runs on vector registers; a cosine is a polynomial to 4e-6."""
    out, total = np.empty(len(points)), np.empty(_CHUNK)
    x, y, z = np.empty(_CHUNK), np.empty(_CHUNK), np.empty(_CHUNK)
    for first in range(0, len(points), _CHUNK):
        count = min(_CHUNK, len(points) - first)
        total[:] = 0.0
        for i in range(count):
            x[i], y[i], z[i] = points[first + i, 0], points[first + i, 1], points[first + i, 2]
        for k in range(len(phases)):
            a, b, c, d = turns[k, 0], turns[k, 1], turns[k, 2], phases[k]
            for i in range(count):
                t = x[i] * a + y[i] * b + z[i] * c + d
                v = (0.25 - abs(t - np.floor(t + 0.5))) * (2 * np.pi)
                w = v * v
                total[i] += v * (1 - w * (1 / 6) * (1 - w * (1 / 20) * (1 - w * (1 / 42) * (1 - w * (1 / 72)))))
        for i in range(count):
            # The sum has the variance waves / 2; erf(z / sqrt 2) makes a normal z uniform.
            out[first + i] = erf(total[i] / np.sqrt(len(phases)))
    return out
