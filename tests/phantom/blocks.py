"""Grids over a part of a body, and what every body that is made from a seed keeps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fullbore.data import Grid
from fullbore.phantom.body import Body
from fullbore.phantom.sampling import shares


def block(low_mm: tuple[float, float, float], high_mm: tuple[float, float, float], spacing_m: float) -> Grid:
    """The first voxel's middle lies at `low_mm`."""
    size = np.ceil((np.array(high_mm) - low_mm) * 1e-3 / spacing_m).astype(int)
    affine = np.diag([spacing_m] * 3 + [1.0])
    affine[:3, 3] = np.array(low_mm) * 1e-3
    nx, ny, nz = (int(n) for n in size)
    return Grid(shape=(nz, ny, nx), affine_m=affine)


def check_seeds(make: Callable[[int], Body], grid: Grid) -> None:
    """The same seed gives the same bytes, another one another body."""
    assert shares(make(3), grid).tobytes() == shares(make(3), grid).tobytes()
    assert shares(make(3), grid).tobytes() != shares(make(4), grid).tobytes()
