"""How the image becomes samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fullbore.recon.recipe.check import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Cartesian:
    """Samples on the lines of a grid, placed by their counters; separable along the readout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NonUniform:
    """Samples anywhere, placed by the trajectory: radial, spiral, PROPELLER, stacks of them, kooshball, any curve.

    tolerance: relative error of the non-uniform Fourier transforms.
    extent: the grid that is solved for reaches over so many times the image's field of view, for objects that stick out.
    readouts_per_frame: cuts one continuous acquisition into frames of so many successive readouts of each slice; None
        leaves the frames to the counters.
    weights: "none" is least squares; "density" weighs every sample by its share of k-space, which converges faster in
        solvers that cannot be preconditioned, at some cost in noise.
    delays: what is estimated from the data and corrected: "none", "isotropic" (one delay of all axes) or "anisotropic".
    """

    tolerance: float = 1e-4
    extent: float = 1.0
    readouts_per_frame: int | None = None
    weights: Literal["none", "density"] = "none"
    delays: Literal["none", "isotropic", "anisotropic"] = "none"

    def __post_init__(self) -> None:
        require(self, 0 < self.tolerance < 0.1 and 1 <= self.extent <= 4, "a tolerance below 0.1 and an extent of 1 to 4")
        require(self, self.readouts_per_frame is None or self.readouts_per_frame > 0, "readouts_per_frame > 0")
        require(self, self.weights in ("none", "density"), 'weights "none" or "density"')
        require(self, self.delays in ("none", "isotropic", "anisotropic"), 'delays "none", "isotropic" or "anisotropic"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Lines of a grid that swing along phase and partition while they are read, all alike. Source: Bilgic et al. 2015."""


EncodingModel = Cartesian | NonUniform | Wave
