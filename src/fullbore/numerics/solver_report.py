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
