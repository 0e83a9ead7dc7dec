"""What a quantitative model is: it sees the samples of foreground voxels and returns estimates with their uncertainty."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, UInt8

from fullbore.data import FitStatus

UNDETERMINED = 3.0  # standard deviation of the logarithm of a time: known to no better than a factor of 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """The foreground voxels of an image, and how their frames were acquired.

    signal: (voxel, frame). noise_std: (voxel,) of the real part, or None when unknown.
    echo_time_s, inversion_time_s: (frame,), NaN where a frame has none.
    refocusing_flip_rad, echo_spacing_s: nominal, of the spin-echo train; 0 where there is none.
    """

    signal: Complex[np.ndarray, "voxel frame"]
    noise_std: Float[np.ndarray, " voxel"] | None
    echo_time_s: Float[np.ndarray, " frame"]
    inversion_time_s: Float[np.ndarray, " frame"]
    refocusing_flip_rad: float = 0.0
    echo_spacing_s: float = 0.0

    def frames(self, index: Int[np.ndarray, " some"]) -> Samples:
        """Only the frames of `index`, in that order."""
        return replace(
            self,
            signal=self.signal[:, index],
            echo_time_s=self.echo_time_s[index],
            inversion_time_s=self.inversion_time_s[index],
        )

    def voxels(self, part: slice) -> Samples:
        """Only the voxels of `part`."""
        noise_std = None if self.noise_std is None else self.noise_std[part]
        return replace(self, signal=self.signal[part], noise_std=noise_std)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate:
    """One parameter of all voxels: value and standard deviation (voxel,) in `unit`."""

    value: Float[np.ndarray, " voxel"]
    std: Float[np.ndarray, " voxel"]
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimates:
    """All parameters by name, the FitStatus of each voxel, and what the model left unexplained.

    residual_power: sum over frames of |signal - model|^2; freedom: its degrees of freedom, so that for a true model its mean
    is freedom * noise_std^2.
    """

    parameters: dict[str, Estimate]
    status: UInt8[np.ndarray, " voxel"]
    residual_power: Float[np.ndarray, " voxel"]
    freedom: int


class SignalModel(ABC):
    """How a tissue's parameters make the frames of an image, and how to find them."""

    @abstractmethod
    def estimate(self, samples: Samples) -> Estimates:
        """Fit every voxel. Errors: DataError when the frames cannot determine the parameters, saying what is needed."""


def status_of(
    converged: Bool[np.ndarray, " voxel"], at_bound: Bool[np.ndarray, " voxel"], std: Float[np.ndarray, "voxel theta"]
) -> UInt8[np.ndarray, " voxel"]:
    """FAILED where a fit did not converge or the data say nothing (std: of the fitted theta), else AT_BOUND or OK."""
    found = converged & np.all(std < UNDETERMINED, axis=1)
    return np.where(found, np.where(at_bound, FitStatus.AT_BOUND, FitStatus.OK), FitStatus.FAILED).astype(np.uint8)
