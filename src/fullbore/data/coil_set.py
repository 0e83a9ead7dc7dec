"""A receive array: sensitivities and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data.field_map import FieldMap
from fullbore.errors import ShapeError, ValueRangeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoilSet:
    """Receive coils.

    sensitivity: complex (coil, z, y, x), B1- relative to the array's own scale (dimensionless; the signal of a
        voxel is magnetisation * volume * sensitivity).
    noise_covariance: (coil, coil) complex Hermitian, variance per hertz of receiver bandwidth of the complex
        sample, in the units of the signal squared; a sample taken with dwell time dt has covariance C / dt.
    """

    name: str
    sensitivity: FieldMap
    noise_covariance: np.ndarray

    def __post_init__(self) -> None:
        coils = self.sensitivity.values.shape[0]
        if self.noise_covariance.shape != (coils, coils):
            raise ShapeError(f"CoilSet.noise_covariance: got {self.noise_covariance.shape}, wanted ({coils}, {coils}).")
        if not np.allclose(self.noise_covariance, self.noise_covariance.conj().T):
            raise ValueRangeError("CoilSet.noise_covariance: not Hermitian.")
        if np.linalg.eigvalsh(self.noise_covariance).min() < 0:
            raise ValueRangeError("CoilSet.noise_covariance: has a negative eigenvalue.")

    @property
    def coils(self) -> int:
        """Number of receive channels."""
        return int(self.noise_covariance.shape[0])
