"""A field sampled on a grid: coil sensitivity, transmit field, main-field error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data.grid import Grid
from fullbore.errors import ShapeError, ValueRangeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldMap:
    """Samples of a smooth field.

    values: (channel, z, y, x), real or complex.
    unit: what a value of 1 means, e.g. "1" (relative B1+), "ppm" (of B0), "Hz", "T/A".
    """

    values: np.ndarray
    grid: Grid
    unit: str

    def __post_init__(self) -> None:
        if self.values.ndim != 4 or self.values.shape[1:] != self.grid.shape:
            raise ShapeError(f"FieldMap.values: got shape {self.values.shape}, wanted (channel, *{self.grid.shape}).")
        if not np.all(np.isfinite(self.values)):
            raise ValueRangeError("FieldMap.values: NaN or infinity. Mask or fill them before making the map.")
