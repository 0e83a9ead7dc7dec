"""Largest eigenvalue of a Hermitian operator by power iteration."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Inexact
from torch import Tensor


def largest_eigenvalue(operator: Callable[[Tensor], Tensor], start: Inexact[Tensor, "*shape"], iterations: int = 30) -> float:
    """Norm of operator(v) after `iterations` steps from `start`, a lower bound that converges to the eigenvalue.

    operator: Hermitian positive semi-definite. start: any array that is not orthogonal to the leading eigenvector.
    """
    v, value = start, 0.0
    for _ in range(iterations):
        v = v / torch.linalg.vector_norm(v)
        v = operator(v)
        value = float(torch.linalg.vector_norm(v))
    return value
