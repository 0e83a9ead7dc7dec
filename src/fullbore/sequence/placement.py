"""Where the image lies: orientation names to right-handed axes, and the Geometry of a slab or a stack."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from fullbore.data import Geometry

# name -> directions (read, phase, slice) in LPS: + L left, P back, S head. Each row is right-handed.
ORIENTATIONS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "axial": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "sagittal": ((0, 0, -1), (0, 1, 0), (1, 0, 0)),
    "coronal": ((0, 0, -1), (1, 0, 0), (0, -1, 0)),
}


Angles = tuple[float, float, float]
UPRIGHT: Angles = (0.0, 0.0, 0.0)


def axes_of(orientation: str, tilt_rad: Angles = UPRIGHT) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors (read, phase, slice), LPS; tilt_rad: the orientation is turned about L, then P, then S."""
    frame = np.array(ORIENTATIONS[orientation], dtype=np.float64)
    if any(tilt_rad):
        frame = frame @ Rotation.from_euler("xyz", tilt_rad).as_matrix().T
    return frame[0], frame[1], frame[2]


def slab(
    orientation: str,
    centre_m: tuple[float, float, float],
    fov_m: tuple[float, float, float],
    matrix: tuple[int, int, int],
    oversampling: int,
    tilt_rad: Angles = UPRIGHT,
) -> Geometry:
    """A 3D slab; sizes in order (read, phase, partition)."""
    return _geometry(axes_of(orientation, tilt_rad), centre_m, fov_m, matrix, oversampling, np.zeros(1))


def stack(
    orientation: str,
    centre_m: tuple[float, float, float],
    fov_m: tuple[float, float],
    matrix: tuple[int, int],
    oversampling: int,
    slices: int,
    thickness_m: float,
    gap_m: float,
    tilt_rad: Angles = UPRIGHT,
) -> Geometry:
    """A stack of equidistant 2D slices around `centre_m`, offsets rising along the slice normal."""
    offsets = (np.arange(slices) - (slices - 1) / 2) * (thickness_m + gap_m)
    axes = axes_of(orientation, tilt_rad)
    return _geometry(axes, centre_m, (*fov_m, thickness_m), (*matrix, 1), oversampling, offsets)


def _geometry(
    axes: tuple[np.ndarray, np.ndarray, np.ndarray],
    centre_m: tuple[float, float, float],
    fov_m: tuple[float, float, float],
    matrix: tuple[int, int, int],
    oversampling: int,
    offsets_m: np.ndarray,
) -> Geometry:
    """Common part of slab and stack."""
    read, phase, normal = axes
    return Geometry(
        read=read,
        phase=phase,
        slice=normal,
        centre_m=np.array(centre_m, dtype=np.float64),
        fov_m=fov_m,
        matrix=matrix,
        encoded_fov_m=(fov_m[0] * oversampling, fov_m[1], fov_m[2]),
        encoded_matrix=(matrix[0] * oversampling, matrix[1], matrix[2]),
        slice_offsets_m=offsets_m,
    )


def interleaved(slices: int) -> list[int]:
    """Playing order of a stack: every second slice, then the others, so that neighbours are far apart in time."""
    return [*range(0, slices, 2), *range(1, slices, 2)]
