"""The l1 norm of wavelet details, over all positions of the transform in turn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Complex
from torch import Tensor

from fullbore.numerics import wavelet
from fullbore.recon.recipe import Wavelet


def wavelet_proximal(
    prior: Wavelet, right_side: Complex[Tensor, "frame part x z y"], eigenvalue: float, rng: np.random.Generator
) -> Callable[[Tensor, float, int], Tensor]:
    """Soft thresholding of details; each iteration with a random shift of its own (cycle spinning).

    Weights are in standard deviations of one whitened channel; the floor is relative to the largest of A^H y / eigenvalue.
    """
    x, z, y = right_side.shape[-3:]
    transform = wavelet.Wavelet(shape=(x, z, y), name=prior.name, levels=prior.levels)
    weight = max(prior.weight, prior.floor * float(right_side.abs().max()))
    shifts: list[tuple[int, int, int]] = []

    def proximal(v: Tensor, step: float, iteration: int) -> Tensor:
        while len(shifts) <= iteration:
            a, b, c = (int(s) if n > 1 else 0 for s, n in zip(rng.integers(0, 1 << prior.levels, 3), (x, z, y), strict=True))
            shifts.append((a, b, c))
        return transform.shrink(v, weight * step, shifts[iteration])

    return proximal
