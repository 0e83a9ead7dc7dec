"""One picture with a place: what every measurement of the acceptance test looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import map_coordinates

from fullbore.data import Image
from fullbore.errors import DataError, ShapeError, ValueRangeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plane:
    """Magnitudes (row, column) and where they are: x_m (column,), y_m (row,), rising or falling evenly.

    For an axial slice x is patient L and y patient P; for others x and y are the directions of read and phase.
    """

    values: np.ndarray
    x_m: np.ndarray
    y_m: np.ndarray

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.y_m), len(self.x_m)) or min(self.values.shape) < 2:
            raise ShapeError(f"Plane.values: got {self.values.shape}, wanted {(len(self.y_m), len(self.x_m))}, at least 2 x 2.")
        if not np.isfinite(self.values).all():
            raise ValueRangeError("Plane.values: NaN or infinity; wanted finite magnitudes. Look at the reconstruction.")

    @property
    def pixel_m(self) -> tuple[float, float]:
        """Size of a pixel along x and y."""
        return abs(float(self.x_m[1] - self.x_m[0])), abs(float(self.y_m[1] - self.y_m[0]))

    def points(self) -> tuple[Float[np.ndarray, "y x"], Float[np.ndarray, "y x"]]:
        """x and y of every pixel."""
        x, y = np.meshgrid(self.x_m, self.y_m)
        return x, y

    def at(self, x_m: Float[np.ndarray, "*n"], y_m: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
        """Values at any places, cubic between pixels; the edge's beyond it."""
        column = (x_m - self.x_m[0]) / (self.x_m[1] - self.x_m[0])
        row = (y_m - self.y_m[0]) / (self.y_m[1] - self.y_m[0])
        return np.asarray(map_coordinates(self.values, [row, column], order=3, mode="nearest"), np.float64)

    def disc(self, centre_m: tuple[float, float], radius_m: float) -> Bool[np.ndarray, "y x"]:
        """Pixels whose middle lies within a circle. Errors: DataError when there are fewer than four."""
        x, y = self.points()
        return _filled(np.hypot(x - centre_m[0], y - centre_m[1]) < radius_m, f"a circle of {radius_m * 1e3:.3g} mm")

    def rectangle(self, low_m: tuple[float, float], high_m: tuple[float, float]) -> Bool[np.ndarray, "y x"]:
        """Pixels whose middle lies within a box. Errors: DataError when there are fewer than four."""
        x, y = self.points()
        inside = (x > low_m[0]) & (x < high_m[0]) & (y > low_m[1]) & (y < high_m[1])
        return _filled(inside, f"a box of {(high_m[0] - low_m[0]) * 1e3:.3g} x {(high_m[1] - low_m[1]) * 1e3:.3g} mm")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mark:
    """What was measured, to be drawn: kind "line" (points joined), "circle" (middle, a point of the rim), "box" (two corners)."""

    kind: str
    points_m: tuple[tuple[float, float], ...]
    good: bool = True


def plane_of(image: Image, slice_number: int = 0, frame: int = 0, shading: Float[np.ndarray, "z y x"] | None = None) -> Plane:
    """A slice of an image; shading: of the array, (z, y, x) on the image's grid, is divided out. Errors: DataError."""
    values = image.values.reshape(-1, *image.grid.shape)
    if not (0 <= frame < len(values) and 0 <= slice_number < image.grid.shape[0]):
        raise DataError(f"{image.name}: no slice {slice_number} of frame {frame}; it has {image.grid.shape[0]} of {len(values)}.")
    shown = np.abs(values[frame, slice_number]).astype(np.float64)
    if shading is not None:
        shown = shown / np.maximum(shading[slice_number], 1e-3 * float(shading.max()))
    affine, spacing = image.grid.affine_m, image.grid.spacing_m
    origin = affine[:3, 3] + affine[:3, 2] * slice_number
    across, along = affine[:3, 0] / spacing[0], affine[:3, 1] / spacing[1]
    x = origin @ across + spacing[0] * np.arange(shown.shape[1])
    y = origin @ along + spacing[1] * np.arange(shown.shape[0])
    turn_x, turn_y = _sign(across), _sign(along)
    return Plane(values=shown, x_m=turn_x * x, y_m=turn_y * y)


def centre_of(plane: Plane) -> tuple[float, float]:
    """Middle of the object: of the box around what is brighter than a quarter of the bright end (95th percentile)."""
    bright = plane.values > 0.25 * np.percentile(plane.values, 95)
    bright = bright & (np.roll(bright, 1, 0) & np.roll(bright, -1, 0) & np.roll(bright, 1, 1) & np.roll(bright, -1, 1))
    if not bright.any():
        raise DataError("acceptance: the picture shows no object. Look at the reconstruction.")
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    return (
        float(plane.x_m[columns[0]] + plane.x_m[columns[-1]]) / 2,
        float(plane.y_m[rows[0]] + plane.y_m[rows[-1]]) / 2,
    )


def _sign(direction: np.ndarray) -> float:
    """+1 where a direction's largest part points along a patient axis, else -1."""
    return float(np.sign(direction[np.argmax(np.abs(direction))]))


def _filled(inside: np.ndarray, what: str) -> Bool[np.ndarray, "y x"]:
    if inside.sum() < 4:
        raise DataError(f"acceptance: {what} holds {int(inside.sum())} pixels, wanted at least 4. Take a finer matrix.")
    return np.asarray(inside)
