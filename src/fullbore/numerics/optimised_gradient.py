"""The proximal optimised gradient method: as cheap a step as FISTA, half its worst-case bound."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Inexact
from torch import Tensor

from fullbore.numerics.proximal_gradient import change_ratio
from fullbore.numerics.solver_report import SolverReport


def optimised_gradient(
    gradient: Callable[[Tensor], Tensor],
    proximal: Callable[[Tensor, float, int], Tensor],
    start: Inexact[Tensor, "*shape"],
    *,
    step: float,
    iterations: int = 50,
    tolerance: float = 1e-4,
    progress: Callable[[float], None] | None = None,
) -> SolverReport:
    """Minimise f(x) + g(x) with `gradient` of f.

    proximal(v, s, iteration) = argmin_x |x - v|^2 / 2 + s g(x); s differs between iterations.
    step: at most 1 / (largest eigenvalue of the Hessian of f).
    tolerance: stop when |x_new - x_old| <= tolerance |x_new|; reported as the residual.
    Source: POGM' with restart of Kim and Fessler 2018, SIAM J. Optim. 28, section 6; Taylor et al. 2017.
    """
    x, w, z, theta, size = start, start, start, 1.0, step
    residual, history = float("inf"), []
    for iteration in range(iterations):
        new_w = torch.sub(x, gradient(x), alpha=step)
        following = (1 + (1 + 4 * theta * theta) ** 0.5) / 2
        new_size = step * (2 * theta + following - 1) / following
        new_z = torch.add(new_w, new_w - w, alpha=(theta - 1) / following).add_(new_w - x, alpha=theta / following)
        new_z.add_(z - x, alpha=step * (theta - 1) / (size * following))
        new = proximal(new_z, new_size, iteration)
        residual = change_ratio(new - x, new)
        history.append(residual)
        if residual <= tolerance:
            return SolverReport(
                value=new, iterations=iteration + 1, residual=residual, status="converged", history=tuple(history)
            )
        # The composite gradient points against the last step: the momentum carries uphill.
        uphill = torch.sub(x - new_w, new - new_z, alpha=step / new_size)
        if _inner(uphill, new_w - w) > 0:
            following, new_size, new_z = 1.0, step, new
            new_w = new
        x, w, z, theta, size = new, new_w, new_z, following, new_size
        if progress is not None:
            progress((iteration + 1) / iterations)
    return SolverReport(value=x, iterations=iterations, residual=residual, status="iteration limit", history=tuple(history))


def _inner(a: Tensor, b: Tensor) -> float:
    return float(torch.real(torch.vdot(a.flatten(), b.flatten())))
