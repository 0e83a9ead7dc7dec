"""Coil maps from the channels' coarse images: leading eigenvectors of their local covariance.

Source: Walsh, Gmitro and Marcellin, Magn Reson Med 43:682 (2000).
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Complex
from torch import Tensor

from fullbore.numerics.fourier import ifft_centred
from fullbore.recon.calibration.espirit import coarse_grid, leading_eigenvectors, onto_image, referenced, strongest_combination
from fullbore.recon.recipe import Walsh


def adaptive_maps(
    block: Complex[Tensor, "frame coil kz ky kx"], shape: tuple[int, int, int], recipe: Walsh
) -> Complex[np.ndarray, "coil z y x"]:
    """Unit-norm maps on the image grid; phase as in ESPIRiT's.

    block: calibration samples, k = 0 at n // 2 of each axis. shape: image grid over the same field of view.
    """
    coils = block.shape[1]
    if coils == 1:
        return np.ones((1, *shape), np.complex64)
    grid = coarse_grid(shape, tuple(block.shape[2:]), recipe.grid)
    padded = torch.zeros((*block.shape[:2], *grid), dtype=block.dtype)
    where = tuple(slice(g // 2 - n // 2, g // 2 - n // 2 + n) for g, n in zip(grid, block.shape[2:], strict=True))
    padded[(slice(None), slice(None), *where)] = block * _window(tuple(block.shape[2:]))
    images = ifft_centred(padded, (-3, -2, -1))
    covariance = torch.einsum("fczyx,fdzyx->cdzyx", images, images.conj())
    for axis in (-3, -2, -1):
        covariance = _running_mean(covariance, axis, recipe.patch)
    matrices = covariance.reshape(coils, coils, -1).permute(2, 0, 1)
    # Far out there is no signal and no scale; the eigenvector is that of rounding then, but finite.
    matrices = matrices / matrices.abs().amax((1, 2), keepdim=True).clamp_min(1e-30)
    vectors, values = leading_eigenvectors(matrices)
    vectors = referenced(vectors, strongest_combination(block))
    return onto_image(vectors.T.reshape(-1, *grid).numpy(), values.reshape(grid).numpy(), shape, 0.0)[0]


def _window(extent: tuple[int, ...]) -> Tensor:
    """A Hann window over the block: without it the coarse images ring."""
    result = torch.ones(())
    for axis, n in enumerate(extent):
        line = torch.ones(1) if n == 1 else torch.cos(torch.pi * (torch.arange(n) - n // 2) / (n + 1)).square()
        result = result * line.reshape(n, *([1] * (len(extent) - axis - 1)))
    return result


def _running_mean(values: Tensor, axis: int, width: int) -> Tensor:
    """Mean over `width` neighbours along a periodic axis."""
    if values.shape[axis] == 1 or width == 1:
        return values
    shifts = range(-(width // 2), width - width // 2)
    return torch.stack([values.roll(shift, axis) for shift in shifts]).mean(0)
