"""From a prior's weight to its factor in the objective."""

from __future__ import annotations

from jaxtyping import Complex
from torch import Tensor


def strength(weight: float, floor: float, right_side: Complex[Tensor, "frame part x z y"]) -> float:
    """lambda of |A x - y|^2 / 2 + lambda * norm: `weight` standard deviations of the noise, at least `floor` of A^H y."""
    return max(weight, floor * float(right_side.abs().max()))
