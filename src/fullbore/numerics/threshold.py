"""Shrinkage: the proximal maps of the absolute value and of its logarithmic relative."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Inexact
from torch import Tensor

# "l1": |u|. "log": the penalty whose slope falls from 1 at zero like 1 / |u|, see `shrink_factor`.
Penalty = Literal["l1", "log"]


def soft_threshold(x: Inexact[Tensor, "*shape"], threshold: float) -> Inexact[Tensor, "*shape"]:
    """Shrink the magnitude of every element by `threshold`, to zero at the least; phases are kept."""
    magnitude = x.abs()
    return x * (torch.clamp_min(magnitude - threshold, 0) / torch.where(magnitude > 0, magnitude, 1))


def shrink_factor(squared: Float[Tensor, "*shape"], threshold: float, step: float, penalty: Penalty) -> Float[Tensor, "*shape"]:
    """u / |v| of argmin_u (u - |v|)^2 / 2 + step * penalty(u), from |v|^2.

    "l1": t |u|. "log": slope (sqrt(u^2 + 4 t^2) - u) / 2, which is t at zero and t^2 / u far from it, so that large
    coefficients are hardly biased; at step 1 its map is the garrote |v| - t^2 / |v| (Gao 1998). It is convex together with
    the square for steps below 2; t = threshold.
    """
    square, limit = squared.clamp_min(torch.finfo(squared.dtype).tiny), (step * threshold) ** 2
    if penalty == "l1":
        return torch.clamp_min(1 - step * threshold * square.rsqrt(), 0)
    share = threshold * threshold / square
    root = torch.clamp_min(1 - 4 * (step - 1) * share, 0).sqrt()
    return torch.where(square > limit, 2 * (1 - step * step * share) / (2 - step + step * root), 0.0)
