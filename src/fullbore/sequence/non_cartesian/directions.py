"""How shots are turned: rotations in the plane, and frames whose first axis is a direction in space."""

from __future__ import annotations

import numpy as np

from fullbore.sequence.refusal import Refusal
from fullbore.sequence.sampling.angles import golden_means


def in_plane(angle_rad: np.ndarray) -> np.ndarray:
    """Rotations about the slice axis, (angle, 3, 3)."""
    turn = np.zeros((len(angle_rad), 3, 3))
    turn[:, 0, 0] = turn[:, 1, 1] = np.cos(angle_rad)
    turn[:, 1, 0] = np.sin(angle_rad)
    turn[:, 0, 1] = -turn[:, 1, 0]
    turn[:, 2, 2] = 1.0
    return turn


def along(direction: np.ndarray) -> np.ndarray:
    """Rotations whose first column is a direction, (n, 3) unit vectors -> (n, 3, 3)."""
    first = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    # The axis that the direction is farthest from is a safe start for the second column.
    other = np.eye(3)[np.abs(first).argmin(axis=1)]
    second = np.cross(first, other)
    second /= np.linalg.norm(second, axis=1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=2)


def whole_sphere(count: int) -> np.ndarray:
    """Directions of half-spokes, (count, 3): golden means stretched from the upper half to the whole sphere."""
    upper = golden_means(count)
    z = 2 * upper[:, 2] - 1
    azimuth = np.arctan2(upper[:, 1], upper[:, 0])
    across = np.sqrt(np.maximum(1 - z * z, 0.0))
    return np.stack([across * np.cos(azimuth), across * np.sin(azimuth), z], axis=1)


def pole_to_pole(count: int) -> np.ndarray:
    """Directions on a spiral from pole to pole, (count, 3), evenly spread and with small steps.

    Source: Saff, Kuijlaars, Math Intelligencer 19:5 (1997).
    """
    z = 1 - (2 * np.arange(count) + 1) / count
    azimuth = np.sqrt(count * np.pi) * np.arcsin(z)
    across = np.sqrt(1 - z * z)
    return np.stack([across * np.cos(azimuth), across * np.sin(azimuth), z], axis=1)


def refuse_unequal(matrix: tuple[int, ...], fov_m: tuple[float, ...], axes: int) -> None:
    """Raise Refusal unless the first `axes` sizes are equal: turned readouts reach equally far in all directions."""
    reason = "turned readouts reach equally far in all directions"
    for field, sizes in (("matrix", matrix), ("fov", fov_m)):
        legal = (*[sizes[0]] * axes, *sizes[axes:])
        if any(abs(size - sizes[0]) > 1e-9 for size in sizes[:axes]):
            raise Refusal(field=field, asked=sizes, legal=legal, bound="nearest", reason=reason)
