"""Soft threshold: the proximal map of the absolute value."""

from __future__ import annotations

import torch
from jaxtyping import Inexact
from torch import Tensor


def soft_threshold(x: Inexact[Tensor, "*shape"], threshold: float) -> Inexact[Tensor, "*shape"]:
    """Shrink the magnitude of every element by `threshold`, to zero at the least; phases are kept."""
    magnitude = x.abs()
    return x * (torch.clamp_min(magnitude - threshold, 0) / torch.where(magnitude > 0, magnitude, 1))
