"""Chebyshev polynomials of tensors, and what multiplies them."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from numpy.polynomial import chebyshev
from torch import Tensor


def chebyshev_rows(x: Float32[Tensor, " n"], count: int) -> Float32[Tensor, "n count"]:
    """T_0 to T_(count - 1) of x in [-1, 1], by their recurrence."""
    rows = [torch.ones_like(x), x]
    while len(rows) < count:
        rows.append(2 * x * rows[-1] - rows[-2])
    return torch.stack(rows[:count], dim=1)


def scaled(value: Float64[Tensor, " n"], low: float, high: float) -> Float32[Tensor, " n"]:
    """Values between two bounds carried to [-1, 1]; zero where the bounds coincide."""
    return ((2 * value - low - high) / max(high - low, 1e-9)).to(torch.float32)


def coefficients_at(nodes: Float[np.ndarray, " b"], values: Float[np.ndarray, "r f b k"]) -> Float[np.ndarray, "r f b k"]:
    """Chebyshev coefficients along axis b of what has these values at its Chebyshev nodes."""
    count = len(nodes)
    ideal = -np.cos((2 * np.arange(count) + 1) * np.pi / (2 * count))
    inverse = np.linalg.inv(chebyshev.chebvander(ideal, count - 1))
    return np.asarray(np.einsum("cb,rfbk->rfck", inverse, values))
