"""What every door asks of a path that it reads or writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fullbore.errors import FormatError, ValueRangeError

MM_PER_M = 1e3
# No coil is larger: what is, has another unit.
_MOST_M = 20.0


def sound_path(points_m: np.ndarray, name: str) -> np.ndarray:
    """The path as float64 (n, 3). Errors: ValueRangeError for less than two points, a number that is none, or tens of metres."""
    points = np.asarray(points_m, dtype=np.float64)
    if points.ndim != 2 or points.shape[1:] != (3,) or len(points) < 2:
        raise ValueRangeError(f"path {name}: got an array {points.shape}, wanted (n, 3) with two points at least.")
    if not np.isfinite(points).all():
        raise ValueRangeError(f"path {name}: holds a coordinate that is no number. Leave out such points.")
    if np.abs(points).max() > _MOST_M:
        raise ValueRangeError(
            f"path {name}: reaches {np.abs(points).max():.4g} m, wanted within {_MOST_M:g} m. Check the unit of length."
        )
    return points


def read_path(points_m: np.ndarray, name: str, path: Path) -> np.ndarray:
    """The same of what a file holds. Errors: FormatError, with the file."""
    try:
        return sound_path(points_m, name)
    except ValueRangeError as error:
        raise FormatError(f"{path}: {error}") from error
