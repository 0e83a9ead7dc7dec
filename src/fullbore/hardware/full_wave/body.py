"""A body as a lattice of cubes with electric properties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float

from fullbore.data import Grid
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.physics.constants import SPEED_OF_LIGHT_M_PER_S, VACUUM_PERMEABILITY_N_PER_A2

VACUUM_PERMITTIVITY_F_PER_M = 1 / (VACUUM_PERMEABILITY_N_PER_A2 * SPEED_OF_LIGHT_M_PER_S**2)
_CUBIC = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VoxelBody:
    """What stands in a coil.

    permittivity (relative, 1 in air), conductivity (S/m), density (kg/m^3, of mass): (z, y, x). grid: cubes along LPS axes.
    """

    permittivity: np.ndarray
    conductivity: np.ndarray
    density: np.ndarray
    grid: Grid

    def __post_init__(self) -> None:
        for name, least in (("permittivity", 1.0), ("conductivity", 0.0), ("density", 0.0)):
            values = getattr(self, name)
            if values.shape != self.grid.shape:
                raise ShapeError(f"VoxelBody.{name}: got shape {values.shape}, wanted {self.grid.shape}.")
            if not (np.all(np.isfinite(values)) and values.min() >= least):
                raise ValueRangeError(f"VoxelBody.{name}: wanted finite values from {least:g}; fill air before.")
        square = self.grid.affine_m[:3, :3]
        if np.abs(square - self.spacing_m * np.eye(3)).max() > _CUBIC * self.spacing_m:
            raise ShapeError(f"VoxelBody.grid: got axes {square.tolist()}, wanted cubes along +x, +y, +z.")
        if not self.matter.any():
            raise ValueRangeError("VoxelBody: every voxel is air. Give a body.")

    @property
    def spacing_m(self) -> float:
        """Edge of a voxel."""
        return float(self.grid.affine_m[0, 0])

    @property
    def matter(self) -> Bool[np.ndarray, "z y x"]:
        """Voxels that are not air."""
        return np.asarray((self.permittivity != 1) | (self.conductivity != 0))

    @property
    def mass_kg(self) -> Float[np.ndarray, "z y x"]:
        """Mass of each voxel."""
        return np.asarray(self.density * self.spacing_m**3, np.float64)

    def edge_points_m(self) -> Float[np.ndarray, "xyz=3 z y x 3"]:
        """Middles of the lattice's edges along x, y and z; nodes are the voxels' corners, n + 1 along each axis."""
        nz, ny, nx = (n + 1 for n in self.grid.shape)
        z, y, x = np.meshgrid(np.arange(nz), np.arange(ny), np.arange(nx), indexing="ij")
        nodes = self.grid.affine_m[:3, 3] + self.spacing_m * (np.stack([x, y, z], axis=-1) - 0.5)
        return np.stack([nodes + self.spacing_m / 2 * np.eye(3)[i] for i in range(3)])

    def contrast(self, frequency_Hz: float) -> Complex[np.ndarray, "z y x"]:
        """Complex relative permittivity less 1, for exp(+i omega t): eps - 1 - i sigma / (omega eps0)."""
        loss = self.conductivity / (2 * np.pi * frequency_Hz * VACUUM_PERMITTIVITY_F_PER_M)
        return np.asarray(self.permittivity - 1 - 1j * loss, np.complex128)


def on_edges(values: np.ndarray) -> np.ndarray:
    """Mean over the four voxels around each edge, (3, z + 1, y + 1, x + 1) from (z, y, x); beyond the voxels there is 0."""
    wide = np.pad(values, 1)
    out = []
    for axis in (2, 1, 0):
        part = wide
        for other in {0, 1, 2} - {axis}:
            part = (_low(part, other) + _high(part, other)) / 2
        out.append(_high(part, axis))
    return np.stack(out)


def off_edges(values: np.ndarray, component: int) -> np.ndarray:
    """Mean over the four edges of each voxel along one component (0, 1, 2 = x, y, z): (..., z + 1, y + 1, x + 1) to (..., z, y,
    x).
    """
    for axis in (-1, -2, -3):
        values = _low(values, axis) if axis == -1 - component else (_low(values, axis) + _high(values, axis)) / 2
    return values


def _low(values: np.ndarray, axis: int) -> np.ndarray:
    return np.take(values, range(values.shape[axis] - 1), axis=axis)


def _high(values: np.ndarray, axis: int) -> np.ndarray:
    return np.take(values, range(1, values.shape[axis]), axis=axis)
