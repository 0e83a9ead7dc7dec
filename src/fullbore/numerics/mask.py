"""Pointwise weights: which samples were taken, and how much each counts."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from fullbore.numerics.linear_operator import LinearOperator


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mask(LinearOperator):
    """Multiplication by real `weights`, which carry the full trailing shape of what they act on."""

    weights: Float[Tensor, "*shape"]

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """Shape of the weights."""
        return tuple(self.weights.shape)

    @property
    def range_shape(self) -> tuple[int, ...]:
        """Shape of the weights."""
        return tuple(self.weights.shape)

    def _forward(self, x: Tensor) -> Tensor:
        return x * self.weights

    def _adjoint(self, y: Tensor) -> Tensor:
        return y * self.weights

    def _normal(self, x: Tensor) -> Tensor:
        return x * (self.weights * self.weights)
