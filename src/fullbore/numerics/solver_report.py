"""What every iterative solver hands back."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolverReport:
    """value: the solution. iterations: how many were run. residual: the solver's own relative measure of what is left.

    status: "converged" or "iteration limit". history: the residual after each iteration.
    """

    value: Tensor
    iterations: int
    residual: float
    status: str
    history: tuple[float, ...] = ()

    @classmethod
    def after(cls, value: Tensor, history: list[float], tolerance: float) -> SolverReport:
        """Of the iterations in `history`, the residual after each: converged if the last one is within the tolerance."""
        residual = history[-1] if history else float("inf")
        status = "converged" if residual <= tolerance else "iteration limit"
        return cls(value=value, iterations=len(history), residual=residual, status=status, history=tuple(history))
