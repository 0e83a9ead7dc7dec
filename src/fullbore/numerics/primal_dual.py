"""Smooth plus a simple function of a linear operator: the primal-dual method, without inner iterations."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Inexact
from torch import Tensor

from fullbore.numerics.proximal_gradient import change_ratio
from fullbore.numerics.solver_report import SolverReport


def primal_dual(
    gradient: Callable[[Tensor], Tensor],
    forward: Callable[[Tensor], Tensor],
    adjoint: Callable[[Tensor], Tensor],
    project: Callable[[Tensor], Tensor],
    start: Inexact[Tensor, "*shape"],
    *,
    lipschitz: float,
    norm_squared: float,
    iterations: int = 100,
    tolerance: float = 1e-4,
    progress: Callable[[float], None] | None = None,
) -> SolverReport:
    """Minimise f(x) + g(K x) for a norm g.

    gradient: of f, with Lipschitz constant `lipschitz`. forward, adjoint: K and K^H, |K|^2 at most norm_squared.
    project: onto the unit ball of g's dual norm, which is the proximal map of its conjugate for every step.
    tolerance: stop when |x_new - x_old| <= tolerance |x_new| and likewise for the dual variable; reported as the residual.
    Source: Condat 2013, J. Optim. Theory Appl. 158, algorithm 3.1; Vu 2013.
    """
    # Both terms of 1 / tau = L / 2 + sigma |K|^2 alike: the image moves as far per step as a plain gradient would take it.
    sigma, tau = 0.5 * lipschitz / norm_squared, 1 / lipschitz
    x, dual = start, torch.zeros_like(forward(start))
    history: list[float] = []
    for iteration in range(iterations):
        new = torch.sub(x, gradient(x).add_(adjoint(dual)), alpha=tau)
        pulled = project(torch.add(dual, forward(torch.add(new, new - x)), alpha=sigma))
        residual = max(change_ratio(new - x, new), change_ratio(pulled - dual, pulled))
        history.append(residual)
        x, dual = new, pulled
        if residual <= tolerance:
            break
        if progress is not None:
            progress((iteration + 1) / iterations)
    return SolverReport.after(x, history, tolerance)
