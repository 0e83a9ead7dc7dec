"""The share of k-space that each sample stands for."""

from __future__ import annotations

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.numerics.nufft import nonuniform_plan

_TOLERANCE = 1e-3
_APART = 16


def density_compensation(
    points: Float[Tensor, "n d"], shape: tuple[int, ...], iterations: int = 12, threads: int | None = None
) -> Float[Tensor, " n"]:
    """Weights w in cells of k-space with sum_j w_j C(k_i - k_j) = 1 at every sample, by w <- w / (C w).

    points: cycles per field of view. C is the transform of the overlap of two balls that fill the field of view: nowhere
        negative, of the weight of one cell, and without a say outside twice the field of view, so that the point spread
        function is made flat where images can show it. A sample with no other near it weighs about a cell: it is not
        asked to speak for a gap.
    Source: Pipe and Menon, Magn Reson Med 41:179 (1999); the kernel: Johnson and Pipe, Magn Reson Med 61:439 (2009).
    """
    # A grid's k-space is periodic: a few cells more keep opposite rims from feeling each other.
    wide = tuple(n + _APART if n > 1 else 1 for n in shape)
    doubled = tuple(2 * n for n in wide)
    like = torch.ones(len(points), dtype=torch.complex64, device=points.device)
    threads = threads or torch.get_num_threads()
    # The doubled grid has twice the field of view, hence twice as many cycles.
    spread, collect = (nonuniform_plan(kind, 2 * points, doubled, 1, _TOLERANCE, like, threads) for kind in (1, 2))
    taper = _taper(wide, shape, points.device)

    def convolved(weights: Tensor) -> Tensor:
        return collect.execute(spread.execute(weights).reshape(doubled) * taper).reshape(-1)

    weights = torch.ones(len(points), dtype=torch.float32, device=points.device)
    for _ in range(iterations):
        weights = weights / convolved(weights.to(torch.complex64)).real.clamp_min(1e-3)
    return weights


def _taper(wide: tuple[int, ...], shape: tuple[int, ...], device: torch.device) -> Complex[Tensor, ...]:
    """Overlap of two balls of one field of view against their distance, lags -n to n - 1, over the number of points."""
    square = torch.zeros((), device=device)
    for axis, n in enumerate(wide):
        line = (torch.arange(-n, n, device=device) / n) ** 2
        square = square + line.reshape(2 * n, *[1] * (len(wide) - axis - 1))
    distance = square.sqrt().clamp_max(1)
    overlap = {
        1: lambda r: 1 - r,
        2: lambda r: (torch.acos(r) - r * torch.sqrt(1 - r.square())) * (2 / math.pi),
        3: lambda r: 1 - 1.5 * r + 0.5 * r**3,
    }[sum(n > 1 for n in shape)](distance)
    return (overlap / math.prod(wide)).to(torch.complex64)
