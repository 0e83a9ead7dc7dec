"""Frames of low rank: in small blocks, or as a background under sparse changes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Complex
from torch import Tensor

from fullbore.numerics.low_rank import block_matrices, blocks_to_images, shrink_singular_values
from fullbore.numerics.threshold import soft_threshold
from fullbore.recon.priors.strength import strength
from fullbore.recon.recipe import LocallyLowRank, LowRankPlusSparse


def locally_low_rank_proximal(
    prior: LocallyLowRank, right_side: Complex[Tensor, "frame part x z y"], rng: np.random.Generator
) -> Callable[[Tensor, float, int], Tensor]:
    """Singular values of blocks shrunk; the lattice of blocks is drawn anew each iteration.

    A block of m voxels by f frames of unit noise has a largest singular value near sqrt(m) + sqrt(f), which is the unit of
    the threshold. What the lattice leaves out at the ends passes; the next lattice takes it.
    """
    shape = right_side.shape[-3:]
    block = (min(prior.block, shape[0]), min(prior.block, shape[1]), min(prior.block, shape[2]))
    unit = math.sqrt(math.prod(block)) + math.sqrt(right_side.shape[0])
    weight = strength(prior.weight, prior.floor, right_side) * unit
    drawn: list[list[int]] = []

    def proximal(v: Tensor, step: float, iteration: int) -> Tensor:
        while len(drawn) <= iteration:
            drawn.append([int(s) for s in rng.integers(0, block)])
        return shrink_blocks(v, weight * step, block, drawn[iteration])

    return proximal


def shrink_blocks(
    x: Complex[Tensor, "frame part x z y"], threshold: float, block: tuple[int, int, int], shift: list[int]
) -> Complex[Tensor, "frame part x z y"]:
    """Proximal map of threshold * the sum of the blocks' nuclear norms, on a lattice rolled by `shift`."""
    axes = (-3, -2, -1)
    work = torch.roll(x, [-s for s in shift], axes)
    for part in range(x.shape[1]):
        matrices, counts = block_matrices(work[:, part], block)
        images = blocks_to_images(shrink_singular_values(matrices, threshold), counts, block)
        a, b, c = images.shape[1:]
        work[:, part, :a, :b, :c] = images
    return torch.roll(work, shift, axes)


def low_rank_plus_sparse_proximal(
    prior: LowRankPlusSparse, right_side: Complex[Tensor, "frame part x z y"]
) -> Callable[[Tensor, float, int], Tensor]:
    """Of (background, changes) stacked: singular values of the one, temporal frequencies of the other."""
    frames = right_side.shape[0]
    matrix = right_side.reshape(frames, -1)
    largest = float(torch.linalg.eigvalsh(matrix @ matrix.mH)[-1].clamp_min(0).sqrt())
    rank_weight = prior.low_rank * largest
    weight = strength(prior.weight, prior.floor, right_side)

    def proximal(v: Tensor, step: float, iteration: int) -> Tensor:
        background = shrink_singular_values(v[0].reshape(frames, -1), rank_weight * step).reshape(v[0].shape)
        spectrum = soft_threshold(torch.fft.fft(v[1], dim=0, norm="ortho"), weight * step)
        return torch.stack([background, torch.fft.ifft(spectrum, dim=0, norm="ortho")])

    return proximal
