"""Measured or simulated k-space, with all that an MRD file can carry and no more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from fullbore.data.encoding import Encoding
from fullbore.errors import ShapeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawData:
    """Readouts with their encoding.

    samples: complex64 (row, coil, sample), same rows as `encoding`.
    noise: complex64 (coil, n), a noise-only scan at `noise_dwell_s`, or None.
    trajectory_per_m: float64 (row, sample, 3) in LPS cycles/m, or None when only `encoding`'s nominal one is known.
    """

    encoding: Encoding
    samples: np.ndarray
    b0_T: float
    noise: np.ndarray | None = None
    noise_dwell_s: float = 0.0
    trajectory_per_m: np.ndarray | None = None
    coil_name: str = ""
    system: str = ""
    provenance: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.samples.ndim != 3 or (self.samples.shape[0], self.samples.shape[2]) != (
            self.encoding.rows,
            self.encoding.samples,
        ):
            wanted = f"({self.encoding.rows}, coil, {self.encoding.samples})"
            raise ShapeError(f"RawData.samples: got {self.samples.shape}, wanted {wanted}.")
        if self.noise is not None and (self.noise.ndim != 2 or self.noise.shape[0] != self.samples.shape[1]):
            raise ShapeError(f"RawData.noise: got {self.noise.shape}, wanted ({self.samples.shape[1]}, n).")

    @property
    def coils(self) -> int:
        """Number of receive channels."""
        return int(self.samples.shape[1])

    def take(self, rows: np.ndarray) -> RawData:
        """Only these readouts (indices or a mask)."""
        trajectory = None if self.trajectory_per_m is None else self.trajectory_per_m[rows]
        return replace(self, encoding=self.encoding.take(rows), samples=self.samples[rows], trajectory_per_m=trajectory)
