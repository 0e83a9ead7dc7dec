"""Accelerated proximal gradient for smooth + simple convex functions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Inexact
from torch import Tensor

from fullbore.numerics.iterate_sums import relative, sums_of_step
from fullbore.numerics.solver_report import SolverReport


def proximal_gradient(
    gradient: Callable[[Tensor], Tensor],
    proximal: Callable[[Tensor, int], Tensor],
    start: Inexact[Tensor, "*shape"],
    *,
    step: float,
    iterations: int = 50,
    tolerance: float = 1e-4,
    progress: Callable[[float], None] | None = None,
) -> SolverReport:
    """Minimise f(x) + g(x) with `gradient` of f and `proximal` of step * g.

    proximal(v, iteration) = argmin_x |x - v|^2 / 2 + step g(x); the iteration number is there for proximal maps that
        change a random shift from one iteration to the next. v is not read again: the map may work in its memory.
    step: at most 1 / (largest eigenvalue of the Hessian of f).
    tolerance: stop when |x_new - x_old| <= tolerance |x_new|; reported as the residual.
    Source: Beck and Teboulle 2009 (FISTA); restart when the momentum points uphill, O'Donoghue and Candes 2015, eq. 13.
    """
    x, lead, momentum = start, start, 1.0
    # Nothing that is not used again is held on to: images are large.
    del start
    history: list[float] = []
    for iteration in range(iterations):
        new = proximal(torch.sub(lead, gradient(lead), alpha=step), iteration)
        changed, size, slope = sums_of_step(x, new, lead)
        residual = relative(changed, size)
        history.append(residual)
        if residual <= tolerance:
            return SolverReport.after(new, history, tolerance)
        del lead
        if slope > 0:
            momentum = 1.0
        following = (1 + (1 + 4 * momentum * momentum) ** 0.5) / 2
        lead = torch.lerp(x, new, 1 + (momentum - 1) / following)  # noqa: F841 (deleted above once used)
        x, momentum = new, following
        if progress is not None:
            progress((iteration + 1) / iterations)
    return SolverReport.after(x, history, tolerance)


def change_ratio(change: Tensor, value: Tensor) -> float:
    """|change| over |value|; 0 for nothing."""
    size = _norm(value)
    return _norm(change) / size if size > 0 else 0.0


def _norm(x: Tensor) -> float:
    # torch's norm of complex numbers is many times slower than that of the same numbers as pairs.
    return float(torch.linalg.vector_norm(torch.view_as_real(x) if x.is_complex() else x))
