"""The line of a given field about a magnet: the true contour of the full field."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.hardware.magnet.solenoid import solenoid_field

_FURTHEST_M, _STEP_M, _HALVINGS = 15.0, 0.1, 30


def stray_line(sections: Float[np.ndarray, "n 5"], field_T: float = 0.5e-3, directions: int = 121) -> Float[np.ndarray, "p 2"]:
    """Outermost points (r, z) where |B| is `field_T`, from the upper axis to the lower, to 1e-9 m along each ray.

    Rays start where all wires end; where the field is below the limit there already, the point lies at the start.
    """
    angle = np.linspace(0, np.pi, directions)
    rays = np.column_stack([np.sin(angle), np.cos(angle)])
    start = 1.02 * float(np.hypot(sections[:, 1], np.abs(sections[:, 2:4]).max(axis=1)).max())
    distances = np.arange(start, _FURTHEST_M, _STEP_M)
    sizes = np.stack([_size(sections, distance * rays) for distance in distances], axis=1)
    above = sizes > field_T
    last = np.where(above.any(axis=1), above.shape[1] - 1 - np.argmax(above[:, ::-1], axis=1), -1)
    low = np.where(last >= 0, distances[np.maximum(last, 0)], start)
    high = np.where(last >= 0, low + _STEP_M, start)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        outside = _size(sections, middle[:, None] * rays) <= field_T
        low, high = np.where(outside, low, middle), np.where(outside, middle, high)
    return np.asarray(high[:, None] * rays)


def _size(sections: Float[np.ndarray, "n 5"], points_m: Float[np.ndarray, "p 2"]) -> Float[np.ndarray, " p"]:
    return np.asarray(np.linalg.norm(solenoid_field(points_m, sections), axis=-1))
