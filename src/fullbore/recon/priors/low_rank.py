"""Frames of low rank: in small blocks, or as a background under sparse changes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Complex
from torch import Tensor

from fullbore.numerics.low_rank import block_places, shrink_placed_blocks, shrink_singular_values
from fullbore.numerics.threads import run_threaded
from fullbore.numerics.threshold import soft_threshold
from fullbore.recon.priors.strength import strength
from fullbore.recon.recipe import LocallyLowRank, LowRankPlusSparse

# What a thread is given at a time.
_BLOCKS = 64


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
    frames, parts = x.shape[:2]
    where = torch.from_numpy(block_places((int(x.shape[-3]), int(x.shape[-2]), int(x.shape[-1])), block, shift))
    result = x.clone(memory_format=torch.contiguous_format)
    images = result.reshape(frames, parts, -1)
    groups = where.split(_BLOCKS) if x.device.type == "cpu" else (where.to(x.device),)
    run_threaded(
        lambda task: shrink_placed_blocks(images[:, task[0]], task[1], threshold),
        [(part, places) for part in range(parts) for places in groups],
    )
    return result


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
