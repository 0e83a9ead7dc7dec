"""Coil maps from the centre of k-space by ESPIRiT: a Gram matrix, a projector, an eigenvector per coarse grid point.

Every k-space patch (kernel^d samples of all channels) of noiseless data lies in a subspace. With P its projector, the
maps at r are the eigenvector with eigenvalue 1 of
    H(r)[c, c'] = 1/K sum_{i, j} conj(P)[(c, i), (c', j)] exp(-2 pi i (j - i) . r),    K = kernel^d,
which depends on the patch offsets only through j - i: the projector is summed over equal lags once, and the sum has so
few terms that it is evaluated on a coarse grid; the maps are smooth and are interpolated from there.
Source: Uecker et al., Magn Reson Med 71:990 (2014), eqs. 11 to 15.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.numerics.fourier import fft_centred
from fullbore.numerics.interpolation import interpolate_separable
from fullbore.recon.recipe import Espirit

# Squarings of H: its eigenvalues to the power of 2^n separate the leading one.
_SQUARINGS = 5
_PATCH_BLOCK = 1 << 14
# 3 to 6 serve 2 to 16 channels alike; where noise is low the cut relative to the largest value rules.
_EDGE_OVER_QUARTILE = 5.0
_IMAGE_BYTES = 8 << 20


def coil_maps(
    block: Complex[Tensor, "frame coil kz ky kx"], shape: tuple[int, int, int], recipe: Espirit
) -> tuple[Complex[np.ndarray, "coil z y x"], Float[np.ndarray, "z y x"]]:
    """Unit-norm maps on the image grid and the eigenvalue of each voxel (near 1 where there is signal).

    block: calibration samples, k = 0 at n // 2 of each axis. shape: image grid over the same field of view.
    The phase of each voxel is such that the strongest channel combination of the calibration data, which sees the sample
    at k = 0 as positive, has a positive sensitivity.
    """
    if block.shape[1] == 1:
        return np.ones((1, *shape), np.complex64), np.ones(shape, np.float32)
    lags, kernel = _calibrated(block, recipe)
    grid = coarse_grid(shape, kernel, recipe.grid)
    vectors, values = leading_eigenvectors(_correlation(lags, kernel, grid))
    vectors = referenced(vectors, strongest_combination(block))
    return onto_image(vectors.T.reshape(-1, *grid).numpy(), values.reshape(grid).numpy(), shape, recipe.crop)


def several_maps(
    block: Complex[Tensor, "frame coil kz ky kx"], shape: tuple[int, int, int], recipe: Espirit
) -> tuple[Complex[Tensor, "part coil z y x"], Float[Tensor, "part z y x"]]:
    """`recipe.maps` orthonormal sets of maps, strongest first, and their eigenvalues; zero where the eigenvalue is too small.

    Eigenvectors of near eigenvalues turn into each other from one voxel to the next and cannot be interpolated; H can, so it
    is evaluated at every voxel, plane by plane.
    """
    lags, kernel = _calibrated(block, recipe)
    coils, count = block.shape[1], min(recipe.maps, block.shape[1])
    reference = strongest_combination(block)
    maps = torch.zeros((count, coils, *shape), dtype=block.dtype)
    found = torch.zeros((count, *shape), dtype=torch.float32)
    waves = [_waves(n, k, lags.dtype) for n, k in zip(shape, kernel, strict=True)]
    series = lags.reshape(*(2 * k - 1 for k in kernel), coils * coils)
    for z in range(shape[0]):
        plane = torch.einsum("yb,xa,bac->yxc", waves[1], waves[2], torch.einsum("d,dbac->bac", waves[0][z], series))
        h = plane.reshape(-1, coils, coils)
        maps_of_plane = torch.zeros((count, *h.shape[:2]), dtype=h.dtype)
        for part in range(count):
            vectors, values = leading_eigenvectors(h)
            kept = values >= (recipe.crop if part == 0 else max(recipe.crop, recipe.extra_crop))
            if part:
                earlier = maps_of_plane[:part]
                vectors = vectors - torch.einsum("qpc,qp->pc", earlier, torch.einsum("qpc,pc->qp", earlier.conj(), vectors))
                vectors = vectors / torch.linalg.vector_norm(vectors, dim=1, keepdim=True).clamp_min(1e-20)
            maps_of_plane[part] = vectors
            oriented = referenced(vectors, reference) * kept[:, None]
            maps[part, :, z] = oriented.T.reshape(coils, *shape[1:])
            found[part, z] = values.reshape(shape[1:])
            h = h - values[:, None, None] * (vectors[:, :, None] * vectors[:, None, :].conj())
    return maps, found


def _waves(points: int, kernel: int, dtype: torch.dtype) -> Complex[Tensor, "point lag"]:
    """exp(-2 pi i lag r) at the centres of `points` voxels."""
    r = (torch.arange(points, dtype=torch.float64) - points // 2) / points
    lag = torch.arange(-(kernel - 1), kernel, dtype=torch.float64)
    return torch.exp(-2j * math.pi * r[:, None] * lag).to(dtype)


def _calibrated(
    block: Complex[Tensor, "frame coil kz ky kx"], recipe: Espirit
) -> tuple[Complex[Tensor, "lag coil coil"], tuple[int, ...]]:
    kernel = tuple(_kernel_extent(n, recipe.kernel) for n in block.shape[2:])
    return _lag_sums(_projector(block, kernel, recipe.rank_cut), kernel, block.shape[1]), kernel


def coarse_grid(shape: tuple[int, ...], kernel: tuple[int, ...], wanted: int) -> tuple[int, ...]:
    """Points along each axis: as many as wanted, not more than voxels, at least two kernels; one where the kernel is flat."""
    return tuple(1 if k == 1 else min(max(wanted, 2 * k), max(n, 2 * k)) for k, n in zip(kernel, shape, strict=True))


def _kernel_extent(samples: int, wanted: int) -> int:
    return 1 if samples == 1 else max(2, min(wanted, samples // 2))


def _projector(block: Complex[Tensor, "frame coil kz ky kx"], kernel: tuple[int, ...], rank_cut: float) -> Complex[Tensor, "n n"]:
    """Projector onto the subspace of patches, from their Gram matrix; n = coil * kernel points."""
    patches = block
    for axis, extent in enumerate(kernel):
        patches = patches.unfold(2 + axis, extent, 1)
    patches = patches.permute(0, 2, 3, 4, 1, 5, 6, 7)
    size = block.shape[1] * math.prod(kernel)
    gram = torch.zeros((size, size), dtype=block.dtype)
    for part in patches.flatten(0, 1):
        matrix = part.reshape(-1, size)
        for rows in matrix.split(_PATCH_BLOCK):
            gram += rows.mH @ rows
    values, vectors = torch.linalg.eigh(gram)
    kept = vectors[:, values > max(rank_cut**2 * float(values[-1]), _noise_edge(values, math.prod(patches.shape[:4])))]
    return kept @ kept.mH


def _noise_edge(values: Float[Tensor, " n"], patches: int) -> float:
    """Below it lies noise: some times the lower quartile of the eigenvalues that so many patches can give; 0 where too few tell.

    Without it noise above the cut of a clean scan leaves every direction in the subspace, and maps mean nothing.
    """
    size = len(values)
    told = min(size, patches)
    return 0.0 if 2 * patches < size else _EDGE_OVER_QUARTILE * float(values[size - told + told // 4])


def _lag_sums(projector: Complex[Tensor, "n n"], kernel: tuple[int, ...], coils: int) -> Complex[Tensor, "lag coil coil"]:
    """conj(P) summed over patch offsets with equal j - i, over the number of patch points."""
    offsets = np.array(list(itertools.product(*(range(n) for n in kernel))))
    spans = np.array([2 * n - 1 for n in kernel])
    lag = offsets[None, :, :] - offsets[:, None, :] + (np.array(kernel) - 1)
    index = torch.from_numpy(np.ravel_multi_index(tuple(np.moveaxis(lag, -1, 0)), tuple(spans)).reshape(-1))
    points = len(offsets)
    pairs = projector.conj().reshape(coils, points, coils, points).permute(1, 3, 0, 2).reshape(points * points, coils * coils)
    sums = torch.zeros((int(spans.prod()), coils * coils), dtype=projector.dtype)
    sums.index_add_(0, index, pairs.contiguous())
    return (sums / points).reshape(-1, coils, coils)


def _correlation(
    lags: Complex[Tensor, "lag coil coil"], kernel: tuple[int, ...], grid: tuple[int, ...]
) -> Complex[Tensor, "point coil coil"]:
    """H on the coarse grid: a Fourier series over the lags."""
    coils = lags.shape[1]
    padded = torch.zeros((coils * coils, *grid), dtype=lags.dtype)
    where = tuple(slice(g // 2 - (k - 1), g // 2 + k) for g, k in zip(grid, kernel, strict=True))
    spans = tuple(2 * k - 1 for k in kernel)
    padded[(slice(None), *where)] = lags.permute(1, 2, 0).reshape(-1, *spans)
    spectrum = fft_centred(padded, (-3, -2, -1)) * math.sqrt(math.prod(grid))
    return spectrum.reshape(coils * coils, -1).T.reshape(-1, coils, coils).contiguous()


def leading_eigenvectors(h: Complex[Tensor, "point coil coil"]) -> tuple[Complex[Tensor, "point coil"], Float[Tensor, " point"]]:
    """Eigenvector of the largest eigenvalue, unit norm, and that eigenvalue, of Hermitian positive semi-definite matrices."""
    power = h
    for _ in range(_SQUARINGS):
        power = power @ power
        power = power / power.abs().amax((1, 2), keepdim=True).clamp_min(1e-30)
    # The column through the largest diagonal element cannot be orthogonal to the leading eigenvector.
    start = power.diagonal(dim1=1, dim2=2).real.argmax(1)
    vector = power.gather(2, start[:, None, None].expand(-1, h.shape[1], 1))
    for _ in range(2):
        vector = power @ vector
        vector = vector / torch.linalg.vector_norm(vector, dim=1, keepdim=True).clamp_min(1e-30)
    value = (vector.mH @ h @ vector).real.reshape(-1)
    return vector[:, :, 0], value


def strongest_combination(block: Complex[Tensor, "frame coil kz ky kx"]) -> Complex[Tensor, " coil"]:
    """The leading eigenvector; its free phase is such that it sees the sample at k = 0 as positive."""
    samples = block.movedim(1, 0).reshape(block.shape[1], -1)
    leading = torch.linalg.eigh(samples @ samples.mH)[1][:, -1]
    z, y, x = (n // 2 for n in block.shape[2:])
    seen = torch.vdot(leading, block[0, :, z, y, x])
    return leading * torch.exp(1j * torch.angle(seen))


def referenced(vectors: Complex[Tensor, "point coil"], reference: Complex[Tensor, " coil"]) -> Complex[Tensor, "point coil"]:
    """Each vector with the phase that makes it positive for the reference combination."""
    seen = vectors @ reference.conj()
    return vectors * torch.exp(-1j * torch.angle(seen))[:, None]


def onto_image(
    vectors: Complex[np.ndarray, "coil gz gy gx"], values: Float[np.ndarray, "gz gy gx"], shape: tuple[int, int, int], crop: float
) -> tuple[Complex[np.ndarray, "coil z y x"], Float[np.ndarray, "z y x"]]:
    """Interpolate, and bring the maps back to unit norm. H is periodic, so the grid is continued past its edges.

    Maps may be larger than the data: they are made in blocks of columns and lie in memory as (x, coil, z, y), as solvers want
    them.
    """
    around = tuple((0, 0) if n == 1 else (2, 2) for n in values.shape)
    gz, gy, gx = ((np.arange(-a, n + a) - n // 2) / n for n, (a, _) in zip(values.shape, around, strict=True))
    z, y, x = ((np.arange(n) - n // 2) / n for n in shape)
    vectors, values = np.pad(vectors, ((0, 0), *around), mode="wrap"), np.pad(values, around, mode="wrap")
    columns = np.empty((shape[2], len(vectors), *shape[:2]), vectors.dtype)
    kept = np.empty(shape, np.float32)
    step = max(1, _IMAGE_BYTES // columns[0].nbytes)
    for first in range(0, shape[2], step):
        block = slice(first, first + step)
        maps = interpolate_separable(vectors, (gz, gy, gx), (z, y, x[block]), "cubic")
        kept[..., block] = interpolate_separable(values, (gz, gy, gx), (z, y, x[block]), "linear")
        norm = np.sqrt(np.einsum("czyx,czyx->zyx", maps.real, maps.real) + np.einsum("czyx,czyx->zyx", maps.imag, maps.imag))
        maps *= np.where(kept[..., block] >= crop, 1 / np.maximum(norm, 1e-20), 0).astype(np.float32)
        columns[block] = maps.transpose(3, 0, 1, 2)
    return columns.transpose(1, 2, 3, 0), kept
