"""Cartesian data whose gaps are filled before the channels are combined."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.errors import DataError
from fullbore.numerics.fourier import ifft_centred
from fullbore.recon.completions import grappa, partial_fourier, sparse_spirit, spirit
from fullbore.recon.encodings.cartesian import CartesianData
from fullbore.recon.encodings.on_cartesian import OnCartesian
from fullbore.recon.encodings.volume import EncodedVolume, Prepared
from fullbore.recon.recipe.completions import Completion, Grappa, PartialFourier, SparseSpirit, Spirit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompletedVolume(EncodedVolume):
    """Channel images of completed k-space: A is the channels' maps alone.

    images: (frame, channel, x, z, y). variance: of the combined image, a closed form when `exact`.
    undersampling: before the completion.
    """

    images: Complex[Tensor, "frame channel x z y"]
    maps: Complex[Tensor, "part x channel z y"]
    variance: Float[Tensor, "x z y"]
    undersampling: float
    exact: bool = True

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """(frame, part, x, z, y) of the image."""
        parts, x, _, z, y = self.maps.shape
        return self.images.shape[0], parts, x, z, y

    def adjoint(self) -> Complex[Tensor, "frame part x z y"]:
        """Matched-filter combination."""
        result = torch.zeros(self.shape, dtype=self.maps.dtype, device=self.maps.device)
        for channel in range(self.images.shape[1]):
            result += self.maps[:, :, channel].conj() * self.images[:, None, channel]
        return result

    def normal(self, image: Complex[Tensor, "frame part x z y"]) -> Complex[Tensor, "frame part x z y"]:
        """Maps and their adjoint."""
        channels = torch.einsum("pxczy,fpxzy->fxczy", self.maps, image)
        return torch.einsum("pxczy,fxczy->fpxzy", self.maps.conj(), channels)

    def only(self, frame: int) -> CompletedVolume:
        """One frame of it."""
        return replace(self, images=self.images[frame : frame + 1])

    def matched_variance(self) -> Float[Tensor, "x z y"]:
        """What the completion made of the noise."""
        return self.variance

    @property
    def variance_is_exact(self) -> bool:
        """Not SPIRiT's."""
        return self.exact

    @property
    def acceleration(self) -> float:
        """Before the completion."""
        return self.undersampling

    @property
    def has_gaps(self) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompletedData(OnCartesian):
    """Cartesian data and how their gaps are filled."""

    completion: Completion | None
    partial_fourier: PartialFourier | None
    with_noise: bool

    @property
    def slices(self) -> int:
        """Number of slices; 1 for a slab."""
        return self.data.slices

    def volume(self, slice_: int, maps: Complex[Tensor, "part x channel z y"]) -> CompletedVolume:
        """One slice or slab, completed."""
        readouts = self.data.readouts
        rows = [readouts.rows(frame, slice_) for frame in range(self.frames)]
        counts = [readouts.mask(frame, slice_) for frame in range(self.frames)]
        given = [readouts.kspace(part, slice(None)) for part in rows]
        filled, variance = self._filled(slice_, given, counts, maps[0])
        if self.partial_fourier is None:
            images = torch.stack([ifft_centred(part, (-2, -1)).transpose(0, 1) for part in filled])
        else:
            extents = partial_fourier.extents(counts[0] > 0, readouts.column_extent, maps.shape[1])
            images = torch.stack([partial_fourier.images(part, extents, self.partial_fourier) for part in filled])
            variance = variance * (partial_fourier.noise_factor(extents, self.partial_fourier) / self.columns_sampled)
        before = float(counts[0].size) / float(np.count_nonzero(counts[0]))
        return CompletedVolume(
            images=images,
            maps=maps,
            variance=variance,
            undersampling=before,
            exact=not isinstance(self.completion, Spirit | SparseSpirit),
        )

    def _filled(
        self, slice_: int, given: list[Tensor], counts: list[np.ndarray], maps: Complex[Tensor, "x channel z y"]
    ) -> tuple[list[Tensor], Float[Tensor, "x z y"]]:
        masks = [count > 0 for count in counts]
        size = (maps.real.square() + maps.imag.square()).sum(1)
        plain = size * float(np.mean(np.where(masks[0], 1 / np.maximum(counts[0], 1), 0.0)))
        match self.completion:
            case Grappa():
                block = self.data.calibration(slice_, self.completion.calibration)
                kernels = grappa.calibrate(block, masks[0], maps.shape[0], self.completion)
                variance = grappa.noise_variance(kernels, maps, counts[0]) if self.with_noise else plain
                return [kernels.complete(part, mask) for part, mask in zip(given, masks, strict=True)], variance
            case Spirit() | SparseSpirit():
                block = self.data.calibration(slice_, self.completion.calibration)
                taps = spirit.calibrate(block, self.completion)
                filled = [_by_spirit(part, mask, taps, self.completion) for part, mask in zip(given, masks, strict=True)]
                # Its noise depends on the mask without a closed form: undersampling with perfect geometry is stated.
                return filled, plain * float(masks[0].size / masks[0].sum()) ** 2
            case None:
                return given, plain


def _by_spirit(
    kspace: Complex[Tensor, "x channel kz ky"], mask: np.ndarray, taps: spirit.Prediction, recipe: Spirit | SparseSpirit
) -> Complex[Tensor, "x channel kz ky"]:
    if isinstance(recipe, Spirit):
        return spirit.complete(kspace, mask, taps, recipe)
    return sparse_spirit.complete(kspace, mask, taps, recipe)


def completed(data: Prepared, completion: Completion | None, partial: PartialFourier | None, with_noise: bool) -> Prepared:
    """`data`, with its gaps filled where a recipe says so. Errors: DataError when the data are not Cartesian."""
    if completion is None and partial is None:
        return data
    if not isinstance(data, CartesianData):
        raise DataError("completion: k-space is not Cartesian, so it has no gaps to fill. Leave the completion out.")
    return CompletedData(data=data, completion=completion, partial_fourier=partial, with_noise=with_noise)
