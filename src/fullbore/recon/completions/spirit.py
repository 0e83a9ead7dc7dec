"""SPIRiT: fill k-space so that every sample is what its neighbours in all channels predict, for any mask.

With G the prediction and x the whole k-space of a column, |(G - 1) x|^2 is minimised over the samples that were not
measured. G is a matrix over the channels at every voxel, so (G - 1)^H (G - 1) is made once; columns are independent.
Source: Lustig and Pauly, Magn Reson Med 64:457 (2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float, Int
from torch import Tensor

from fullbore.numerics.conjugate_gradient import conjugate_gradient
from fullbore.numerics.fourier import fft_centred, ifft_centred
from fullbore.recon.completions.kernel import fourier_of_offsets, neighbourhood_gram, solve_weights
from fullbore.recon.recipe.completions import SparseSpirit, Spirit

_BLOCK_BYTES = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """Weights of the neighbours at `offsets` (kz, ky, kx): (source, from, to); a channel's own sample has weight 0."""

    offsets: Int[np.ndarray, "source 3"]
    weights: Complex[Tensor, "source channel channel"]


def calibrate(block: Complex[Tensor, "frame channel cz cy cx"], recipe: Spirit | SparseSpirit) -> Prediction:
    """The prediction from a calibration block. Errors: DataError when the kernel does not fit into it."""
    half = [min(recipe.kernel // 2, n - 1) for n in block.shape[2:]]
    axes = np.meshgrid(*(np.arange(-h, h + 1) for h in half), indexing="ij")
    offsets = np.stack([axis.reshape(-1) for axis in axes], axis=1)
    channels = block.shape[1]
    gram = neighbourhood_gram(block, offsets)
    everything = np.arange(len(gram))
    centre = int(np.flatnonzero(~offsets.any(axis=1))[0]) * channels
    weights = torch.zeros((len(gram), channels), dtype=block.dtype, device=block.device)
    for channel in range(channels):
        target = np.array([centre + channel])
        others = np.delete(everything, target)
        weights[torch.from_numpy(others), channel] = solve_weights(gram, others, target, recipe.damping)[:, 0]
    return Prediction(offsets=offsets, weights=weights.reshape(len(offsets), channels, channels))


def complete(
    kspace: Complex[Tensor, "x channel kz ky"], mask: Bool[np.ndarray, "kz ky"], prediction: Prediction, recipe: Spirit
) -> Complex[Tensor, "x channel kz ky"]:
    """The same samples, and those between them that fit the prediction best; zero outside the box that was measured."""
    z, y = np.nonzero(mask)
    free = np.zeros_like(mask)
    free[z.min() : z.max() + 1, y.min() : y.max() + 1] = True
    missing = torch.from_numpy((free & ~mask).astype(np.float32)).to(kspace.device)
    x, channels, kz, ky = kspace.shape
    result = kspace.clone()
    step = max(1, _BLOCK_BYTES // (channels * channels * kz * ky * kspace.element_size()))
    for first in range(0, x, step):
        block = slice(first, min(first + step, x))
        matrix = misfit_matrix(prediction, (kz, ky), x, block, kspace)
        result[block] += _missing_samples(kspace[block], missing, matrix, recipe)
    return result


def _missing_samples(
    kspace: Complex[Tensor, "x channel kz ky"],
    missing: Float[Tensor, "kz ky"],
    matrix: Complex[Tensor, "x channel channel kz ky"],
    recipe: Spirit,
) -> Complex[Tensor, "x channel kz ky"]:
    def normal(samples: Tensor) -> Tensor:
        images = ifft_centred(samples, (-2, -1))
        return fft_centred(torch.einsum("xijzy,xjzy->xizy", matrix, images), (-2, -1)) * missing

    return conjugate_gradient(
        normal, -normal(kspace), iterations=recipe.iterations, tolerance=recipe.tolerance, batch_axes=(0,)
    ).value


def _prediction_matrix(
    prediction: Prediction, shape: tuple[int, int], columns: int, block: slice, like: Complex[Tensor, "*_"]
) -> Complex[Tensor, "x channel channel kz ky"]:
    """G, (to, from), at the voxels of some columns."""
    offsets, channels = prediction.offsets, prediction.weights.shape[1]
    along_x = fourier_of_offsets(offsets[:, 2], columns, like)[block]
    waves = fourier_of_offsets(offsets[:, 0], shape[0], like)[:, None] * fourier_of_offsets(offsets[:, 1], shape[1], like)
    flat = waves.reshape(-1, len(offsets)).T
    # (to, from) at every voxel.
    taps = prediction.weights.permute(2, 1, 0).reshape(channels * channels, -1)
    found = torch.stack([(taps * phase) @ flat for phase in along_x])
    return found.reshape(-1, channels, channels, *shape)


def misfit_matrix(
    prediction: Prediction, shape: tuple[int, int], columns: int, block: slice, like: Complex[Tensor, "*_"]
) -> Complex[Tensor, "x channel channel kz ky"]:
    """(G - 1)^H (G - 1) at the voxels of some columns."""
    misfit = _prediction_matrix(prediction, shape, columns, block, like)
    misfit.diagonal(dim1=1, dim2=2).sub_(1)
    return torch.einsum("xkizy,xkjzy->xijzy", misfit.conj(), misfit)
