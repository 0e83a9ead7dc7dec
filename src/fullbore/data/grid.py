"""A regular lattice of voxels placed in patient space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.errors import ShapeError, ValueRangeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Where the voxels of an array are.

    shape: number of voxels along the array's axes, (z, y, x).
    affine_m: (4, 4) float64, maps the homogeneous voxel index (x, y, z, 1) to its centre in LPS metres.
    """

    shape: tuple[int, int, int]
    affine_m: np.ndarray

    def __post_init__(self) -> None:
        affine = np.asarray(self.affine_m, dtype=np.float64)
        if affine.shape != (4, 4):
            raise ShapeError(f"Grid.affine_m: got shape {affine.shape}, wanted (4, 4).")
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ShapeError(f"Grid.shape: got {self.shape}, wanted three positive sizes (z, y, x).")
        if not np.all(np.isfinite(affine)) or abs(np.linalg.det(affine[:3, :3])) < 1e-18:
            raise ValueRangeError("Grid.affine_m: not finite or not invertible. Give each axis a direction and a spacing.")
        object.__setattr__(self, "affine_m", affine)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @classmethod
    def centred(
        cls, shape: tuple[int, int, int], spacing_m: tuple[float, float, float], centre_m: tuple[float, float, float] = (0, 0, 0)
    ) -> Grid:
        """Axis-aligned grid. shape (z, y, x); spacing (x, y, z); `centre_m` is where the index n/2 (FFT centre, n//2) lies."""
        affine = np.diag([*spacing_m, 1.0])
        index = np.array([n // 2 for n in reversed(shape)], dtype=np.float64)
        affine[:3, 3] = np.asarray(centre_m) - index * np.asarray(spacing_m)
        return cls(shape=shape, affine_m=affine)

    @property
    def spacing_m(self) -> np.ndarray:
        """Distance between neighbours along x, y, z index, (3,)."""
        return np.asarray(np.linalg.norm(self.affine_m[:3, :3], axis=0))

    @property
    def voxel_volume_m3(self) -> float:
        """Volume of one voxel."""
        return float(abs(np.linalg.det(self.affine_m[:3, :3])))

    def axis_positions_m(self, axis: int) -> np.ndarray:
        """Patient coordinate `axis` (0, 1, 2 = L, P, S) of the voxel centres along index `axis`; for axis-aligned grids."""
        if np.abs(self.affine_m[:3, :3] - np.diag(np.diag(self.affine_m[:3, :3]))).max() > 1e-12:
            raise ShapeError("Grid.axis_positions_m: the grid is oblique; its axes have no single coordinate.")
        return np.asarray(self.affine_m[axis, 3] + self.affine_m[axis, axis] * np.arange(self.shape[2 - axis]))

    def points_m(self) -> np.ndarray:
        """All voxel centres in patient space, (z, y, x, 3)."""
        z, y, x = np.meshgrid(*(np.arange(n) for n in self.shape), indexing="ij")
        return np.asarray(np.stack([x, y, z], axis=-1) @ self.affine_m[:3, :3].T + self.affine_m[:3, 3])
