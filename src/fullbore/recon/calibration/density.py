"""The share of k-space that each sample stands for."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from fullbore.numerics.nufft import nonuniform_plan

_TOLERANCE = 1e-3


def density_compensation(
    points: Float[Tensor, "n d"], shape: tuple[int, ...], iterations: int = 20, threads: int | None = None
) -> Float[Tensor, " n"]:
    """Weights w in cells of k-space with sum_j w_j C(k_i - k_j) = 1 at every sample, by w <- w / (C w).

    points: cycles per field of view. C(k) = prod_a sinc(k_a)^2 is nowhere negative, has the weight of one cell, and its
    transform ends at the edge of twice the field of view, so that the point spread function is flat there and free
    outside. A sample with no other within a cell weighs 1: it is not asked to speak for a gap.
    Source: Pipe and Menon, Magn Reson Med 41:179 (1999); the kernel: Johnson and Pipe, Magn Reson Med 61:439 (2009).
    """
    doubled = tuple(2 * n for n in shape)
    like = torch.ones(len(points), dtype=torch.complex64, device=points.device)
    threads = threads or torch.get_num_threads()
    # The doubled grid has twice the field of view, hence twice as many cycles.
    spread, collect = (nonuniform_plan(kind, 2 * points, doubled, 1, _TOLERANCE, like, threads) for kind in (1, 2))
    taper = _taper(shape, points.device)

    def convolved(weights: Tensor) -> Tensor:
        if weights.is_cuda:
            return collect.execute(spread.execute(weights) * taper).reshape(-1)
        grid = torch.from_numpy(spread.execute(weights.numpy())).reshape(doubled) * taper
        return torch.from_numpy(collect.execute(grid.numpy())).reshape(-1)

    weights = torch.ones(len(points), dtype=torch.float32, device=points.device)
    for _ in range(iterations):
        weights = weights / convolved(weights.to(torch.complex64)).real.clamp_min(1e-3)
    return weights


def _taper(shape: tuple[int, ...], device: torch.device) -> Float[Tensor, "*doubled"]:
    """Triangles of lag -n to n - 1, over the number of points."""
    result = torch.ones((), device=device)
    for axis, n in enumerate(shape):
        line = 1 - torch.arange(-n, n, device=device).abs() / n
        result = result * line.reshape(2 * n, *[1] * (len(shape) - axis - 1))
    return (result / math.prod(shape)).to(torch.complex64)
