"""SPIRiT with channel images that are sparse together: for few, random and noisy samples.

In turn k-space takes a step towards what its neighbourhoods predict, wavelet details that no channel needs shrink (all
channels keep or drop a detail together), and measured samples are put back. The step is one down |(G - 1) x|^2 instead of
x := G x: kernels that were calibrated on noisy samples have eigenvalues beyond 1, with which that product grows without end.
Source: Lustig and Pauly, Magn Reson Med 64:457 (2010), l1-SPIRiT; cycle spinning as in the other priors.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Complex
from torch import Tensor

from fullbore.numerics.cycle_spinning import shrink_cycled
from fullbore.numerics.fourier import fft_centred, ifft_centred
from fullbore.numerics.proximal_gradient import change_ratio
from fullbore.numerics.wavelet import Wavelet
from fullbore.recon.completions.spirit import Prediction, misfit_matrix
from fullbore.recon.recipe.completions import SparseSpirit

_BLOCK_BYTES = 32 << 20
# Matrices of all columns are kept from one iteration to the next up to this, and made anew beyond.
_KEPT_BYTES = 512 << 20


def complete(
    kspace: Complex[Tensor, "x channel kz ky"], mask: Bool[np.ndarray, "kz ky"], prediction: Prediction, recipe: SparseSpirit
) -> Complex[Tensor, "x channel kz ky"]:
    """The same samples, and between them what predicts itself and is sparse; zero outside the box that was measured."""
    z, y = np.nonzero(mask)
    box = np.zeros_like(mask)
    box[z.min() : z.max() + 1, y.min() : y.max() + 1] = True
    missing = torch.from_numpy((box & ~mask).astype(np.float32)).to(kspace.device)
    predicted, sparse = _predicted(prediction, kspace), _sparse(kspace, recipe)
    result = kspace
    for iteration in range(recipe.iterations if bool(missing.any()) else 0):
        images = sparse(predicted(ifft_centred(result, (-2, -1))), iteration)
        following = fft_centred(images, (-2, -1)).mul_(missing).add_(kspace)
        change, result = change_ratio(following - result, following), following
        if change <= recipe.tolerance:
            break
    return result


def _predicted(prediction: Prediction, kspace: Complex[Tensor, "x channel kz ky"]) -> Callable[[Tensor], Tensor]:
    """Channel images (x, channel, z, y) nearer to their own prediction, block by block of columns."""
    x, channels, kz, ky = kspace.shape
    size = channels * channels * kz * ky * kspace.element_size()
    width = max(1, _BLOCK_BYTES // size)
    blocks = [slice(first, min(first + width, x)) for first in range(0, x, width)]

    def matrix(block: slice) -> Tensor:
        return misfit_matrix(prediction, (kz, ky), x, block, kspace)

    largest = max(_largest_eigenvalue(matrix(block)) for block in blocks)
    kept = [matrix(block) for block in blocks] if size * x <= _KEPT_BYTES else None

    def predicted(images: Tensor) -> Tensor:
        result = torch.empty_like(images)
        for number, block in enumerate(blocks):
            weights = kept[number] if kept is not None else matrix(block)
            step = torch.einsum("xijzy,xjzy->xizy", weights, images[block])
            result[block] = torch.sub(images[block], step, alpha=1 / largest)
        return result

    return predicted


def _largest_eigenvalue(matrices: Complex[Tensor, "x channel channel z y"]) -> float:
    """An upper bound: the largest sum of magnitudes along a row (Gershgorin)."""
    return max(float(matrix.abs().sum(1).max()) for matrix in matrices)


def _sparse(kspace: Complex[Tensor, "x channel kz ky"], recipe: SparseSpirit) -> Callable[[Tensor, int], Tensor]:
    """Details of all channels together; noise of unit variance in each has a magnitude of sqrt(channels)."""
    x, channels, z, y = (int(n) for n in kspace.shape)
    if recipe.weight == 0:
        return lambda images, _: images
    transform = Wavelet(shape=(x, z, y), name=recipe.name, levels=recipe.levels)
    rng = np.random.default_rng(recipe.seed)
    drawn = rng.integers(0, 1 << recipe.levels, (recipe.iterations, 3))
    threshold = recipe.weight * math.sqrt(channels)

    def sparse(images: Tensor, iteration: int) -> Tensor:
        a, b, c = (int(s) if n > 1 else 0 for s, n in zip(drawn[iteration], (x, z, y), strict=True))
        shrunk = shrink_cycled(transform, images.transpose(0, 1).contiguous(), threshold, 1.0, [(a, b, c)], recipe.penalty, 1)
        return shrunk.transpose(0, 1)

    return sparse
