"""What a solver sees of one slice or slab: its data and the linear model that made them.

Images are (frame, part, x, z, y): `part` counts the sets of coil maps whose images add up in the channels (one, unless
a recipe asks for more). Channels are whitened, so noise has variance 1 in every sample and the least-squares problem
is |A image - y|^2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quadratic:
    """A quadratic prior by its Hessian, and an approximate inverse of A^H A + Hessian (None for none)."""

    apply: Callable[[Tensor], Tensor]
    inverse: Callable[[Tensor], Tensor] | None


class EncodedVolume(ABC):
    """Data y of one slice or slab and their model A; a solver needs A^H y, A^H A and how large they are."""

    maps: Complex[Tensor, "part x channel z y"]

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int, int, int]:
        """(frame, part, x, z, y) of the image."""

    @abstractmethod
    def adjoint(self) -> Complex[Tensor, "frame part x z y"]:
        """A^H y."""

    @abstractmethod
    def normal(self, image: Complex[Tensor, "frame part x z y"]) -> Complex[Tensor, "frame part x z y"]:
        """A^H A image."""

    @abstractmethod
    def only(self, frame: int) -> EncodedVolume:
        """One frame of it; for models that mix frames this is not possible and raises."""

    @property
    def eigenvalue(self) -> float:
        """An upper bound of the eigenvalues of A^H A; 1 where maps have unit norm and the transform is unitary."""
        return 1.0

    @property
    def joins_frames(self) -> bool:
        """True when the model itself relates frames to each other, so that `only` is not possible."""
        return False

    @property
    def independent_axes(self) -> tuple[int, ...]:
        """Axes of the image along which A^H A does not couple: each index is a least-squares problem of its own."""
        return ()

    @abstractmethod
    def matched_variance(self) -> Float[Tensor, "x z y"]:
        """Noise variance of A^H y in the first frame, for noise of variance 1."""

    def combined(self) -> Complex[Tensor, "frame part x z y"]:
        """The image when nothing is missing: A^H y, weighed where samples are not spread evenly."""
        return self.adjoint()

    def combined_variance(self) -> Float[Tensor, "x z y"]:
        """Noise variance of `combined` in the first frame, for noise of variance 1."""
        return self.matched_variance()

    @property
    def variance_is_exact(self) -> bool:
        """False where `combined_variance` is an estimate."""
        return True

    def unaliased_variance(self) -> Float[Tensor, "x z y"]:
        """Noise variance of a least-squares solution in the first frame if the channels told all voxels apart (g = 1)."""
        return self.matched_variance() * self.acceleration**2

    def quadratic(self, damping: float, expected_power: float) -> Quadratic:
        """damping |x|^2, with damping relative to `eigenvalue`, plus expected_power times the prior of the data's spectrum.

        Errors: UsageError where the encoding does not know that prior.
        """
        if expected_power > 0:
            raise UsageError("recipe, solver.expected_power: for the encoding NonUniform only. Leave it at 0.")
        size = damping * self.eigenvalue
        return Quadratic(apply=lambda image: image * size, inverse=None)

    @property
    @abstractmethod
    def acceleration(self) -> float:
        """Positions of k-space that full sampling would measure, over those measured in the first frame."""

    @property
    @abstractmethod
    def has_gaps(self) -> bool:
        """True when positions are missing between measured ones, so that an image without coil maps would alias."""


class Prepared(ABC):
    """Raw data ready for reconstruction: channels whitened and compressed, everything placed."""

    @property
    @abstractmethod
    def frames(self) -> int:
        """Number of frames."""

    @property
    @abstractmethod
    def slices(self) -> int:
        """Number of slices; 1 for a slab."""

    def members(self, number: int) -> tuple[int, ...]:
        """The slices that are solved for as number `number` of `slices`: that one, unless several were excited together."""
        return (number,)

    @property
    @abstractmethod
    def columns_sampled(self) -> float:
        """Fraction of the readout's k-space that was measured; it scales the noise of the columns."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Number of virtual channels."""

    @property
    @abstractmethod
    def grid(self) -> tuple[int, int, int]:
        """(z, y, x) of one slice or slab."""

    @abstractmethod
    def mixed(self, matrix: Complex[Tensor, "out channel"]) -> Prepared:
        """The same data with channels combined by `matrix`."""

    @abstractmethod
    def strongest_samples(self, count: int) -> Complex[Tensor, "channel n"]:
        """Samples of the `count` readouts nearest to the centre of k-space: they hold most of the signal."""

    @abstractmethod
    def calibration(self, slice_: int, largest: int) -> Complex[Tensor, "frame channel kz ky kx"]:
        """Fully sampled centre of k-space on a grid, at most `largest` along each axis. Errors: DataError without one."""

    def sampled_centre(self, slice_: int, largest: int) -> tuple[Complex[Tensor, "channel kz ky kx"], Float[Tensor, "kz ky kx"]]:
        """The centre of k-space on a grid, gaps and all, and 1 where it was measured; as `calibration` where that is whole."""
        block = self.calibration(slice_, largest)[0]
        return block, torch.ones(block.shape[1:], dtype=torch.float32)

    @abstractmethod
    def volume(self, slice_: int, maps: Complex[Tensor, "part x channel z y"]) -> EncodedVolume:
        """The data of one slice or slab, encoded by these maps."""
