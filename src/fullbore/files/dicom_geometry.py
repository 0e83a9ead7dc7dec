"""Voxel grids as DICOM planes, turned in their plane to the way radiologists look at them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from fullbore.data import Encoding, Grid
from fullbore.errors import ValueRangeError
from fullbore.files.dicom_attributes import decimal, decimals, item
from fullbore.physics.units import UNITS

_MM = 1.0 / UNITS["length"]["mm"]

# Plane seen along L, P or S -> where its rows and columns should run (LPS): sagittal back and down, coronal left and
# down, axial left and back.
_DISPLAY = (((0, 1, 0), (0, 0, -1)), ((1, 0, 0), (0, 0, -1)), ((1, 0, 0), (0, 1, 0)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planes:
    """A stack of planes in mm.

    grid: of the arrays after `turn`. row, column: unit vectors along which the column and row index rise.
    """

    grid: Grid
    swap: bool
    flip_rows: bool
    flip_columns: bool

    def turn(self, values: np.ndarray) -> np.ndarray:
        """Bring an array (..., z, y, x) of the original grid into the order of these planes."""
        values = np.swapaxes(values, -1, -2) if self.swap else values
        values = values[..., ::-1, :] if self.flip_columns else values
        return values[..., ::-1] if self.flip_rows else values

    @property
    def directions(self) -> np.ndarray:
        """Unit vectors along the x, y, z index, the rows of a (3, 3)."""
        return np.asarray((self.grid.affine_m[:3, :3] / self.grid.spacing_m).T)

    @property
    def orientation(self) -> list:
        """Value of ImageOrientationPatient."""
        return decimals(self.directions[:2].ravel())

    @property
    def pixel_spacing(self) -> list:
        """Value of PixelSpacing: between rows, between columns, mm."""
        return decimals(self.grid.spacing_m[[1, 0]] * _MM)

    @property
    def slice_spacing_mm(self) -> float:
        """Distance between slice centres."""
        return float(self.grid.spacing_m[2] * _MM)

    def position(self, index: int) -> list:
        """Value of ImagePositionPatient of one slice, mm."""
        return decimals((self.grid.affine_m[:3, 3] + index * self.grid.affine_m[:3, 2]) * _MM)

    def slice_location_mm(self, index: int) -> float:
        """Distance of a slice from the origin along the stack."""
        centre = self.grid.affine_m[:3, 3] + index * self.grid.affine_m[:3, 2]
        return float(self.directions[2] @ centre * _MM)


def planes(grid: Grid) -> Planes:
    """Turn a grid in its plane (swap and flip rows and columns; slices stay) to the usual display.

    Errors: ValueRangeError for a sheared grid, which DICOM planes cannot carry.
    """
    axes = grid.affine_m[:3, :3] / grid.spacing_m
    if np.abs(axes.T @ axes - np.eye(3)).max() > 1e-5:
        raise ValueRangeError("DICOM: the grid is sheared; wanted three perpendicular axes. Resample it first.")
    row, column = (np.array(v, dtype=np.float64) for v in _DISPLAY[int(np.abs(np.cross(axes[:, 0], axes[:, 1])).argmax())])
    swap = bool(abs(axes[:, 1] @ row) > abs(axes[:, 0] @ row))
    affine = grid.affine_m[:, [1, 0, 2, 3]] if swap else grid.affine_m.copy()
    shape = (grid.shape[0], grid.shape[2], grid.shape[1]) if swap else grid.shape
    flips = []
    for axis, wanted in ((0, row), (1, column)):
        flips.append(bool(affine[:3, axis] @ wanted < 0))
        if flips[-1]:
            affine[:3, 3] += affine[:3, axis] * (shape[2 - axis] - 1)
            affine[:3, axis] *= -1
    return Planes(grid=Grid(shape=shape, affine_m=affine), swap=swap, flip_rows=flips[0], flip_columns=flips[1])


def thickness_mm(where: Planes, encoding: Encoding) -> float:
    """Slice thickness: the excited one of a 2D stack, the voxel of a 3D slab."""
    return where.slice_spacing_mm if encoding.geometry.is_3d else float(encoding.geometry.fov_m[2] * _MM)


def pixel_measures(where: Planes, thickness: float) -> Dataset:
    """The Pixel Measures functional group."""
    return item(
        PixelSpacing=where.pixel_spacing, SliceThickness=decimal(thickness), SpacingBetweenSlices=decimal(where.slice_spacing_mm)
    )
