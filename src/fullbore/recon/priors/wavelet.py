"""Sparse wavelet details, over several positions of the transform in every iteration."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Complex
from torch import Tensor

from fullbore.numerics.cycle_spinning import shrink_cycled
from fullbore.numerics.wavelet import Volume
from fullbore.numerics.wavelet import Wavelet as Transform
from fullbore.recon.priors.strength import strength
from fullbore.recon.recipe import Wavelet, WaveletJoint


def wavelet_proximal(
    prior: Wavelet | WaveletJoint,
    right_side: Complex[Tensor, "frame part x z y"],
    rng: np.random.Generator,
    *,
    given_up: bool = False,
) -> Callable[[Tensor, float, int], Tensor]:
    """Shrinkage of details; each iteration with random shifts of its own (cycle spinning). given_up: as of `shrink_cycled`."""
    x, z, y = right_side.shape[-3:]
    transform = Transform(shape=(x, z, y), name=prior.name, levels=prior.levels)
    weight = strength(prior.weight, prior.floor, right_side)
    joint = 1 if isinstance(prior, WaveletJoint) else 0
    # The noise of f frames together has a magnitude of sqrt(f).
    weight *= math.sqrt(right_side.shape[0]) if joint else 1.0
    drawn: list[list[Volume]] = []

    def proximal(v: Tensor, step: float, iteration: int) -> Tensor:
        while len(drawn) <= iteration:
            drawn.append([_shift(rng, prior.levels, (x, z, y)) for _ in range(prior.shifts)])
        return shrink_cycled(transform, v, weight, step, drawn[iteration], prior.penalty, joint, given_up=given_up)

    return proximal


def _shift(rng: np.random.Generator, levels: int, shape: Volume) -> Volume:
    a, b, c = (int(s) if n > 1 else 0 for s, n in zip(rng.integers(0, 1 << levels, 3), shape, strict=True))
    return a, b, c
