"""A reconstructed image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fullbore.data.encoding import Encoding
from fullbore.data.grid import Grid
from fullbore.errors import ShapeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """Coil-combined complex image.

    values: complex64 (*frame, z, y, x); `axes` names the frame axes: () for a single image, ("frame",) for several.
    echo_time_s, inversion_time_s: one per frame ((1,) when there is no frame axis), NaN where there is none; None unknown.
    noise_std: float32 (z, y, x), standard deviation of the real (= of the imaginary) part of the first frame, or None.
    g_factor: float32 (z, y, x), noise over that of full sampling times sqrt(acceleration); 0 without sensitivity; or None.
    encoding: of the raw data it came from (times, flips, geometry).
    report: what the reconstruction did: solver, iterations, residual, recipe hash.
    sensitivities: complex64 (coil, z, y, x) estimated maps, or None.
    """

    name: str
    values: np.ndarray
    axes: tuple[str, ...]
    grid: Grid
    encoding: Encoding
    echo_time_s: np.ndarray | None = None
    inversion_time_s: np.ndarray | None = None
    noise_std: np.ndarray | None = None
    g_factor: np.ndarray | None = None
    sensitivities: np.ndarray | None = None
    report: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("noise_std", "g_factor"):
            held = getattr(self, name)
            if held is not None and held.shape != self.grid.shape:
                raise ShapeError(f"Image.{name}: got {held.shape}, wanted {self.grid.shape}.")
        if self.values.ndim != len(self.axes) + 3 or self.values.shape[-3:] != self.grid.shape:
            raise ShapeError(f"Image.values: got {self.values.shape}, wanted ({', '.join((*self.axes, ''))}*{self.grid.shape}).")
