"""Conjugate gradients for a Hermitian positive (semi-)definite operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Inexact
from torch import Tensor

from fullbore.numerics.solver_report import SolverReport


def conjugate_gradient(
    normal: Callable[[Tensor], Tensor],
    right_side: Inexact[Tensor, "*shape"],
    *,
    iterations: int = 30,
    tolerance: float = 1e-6,
    batch_axes: Sequence[int] = (),
    precondition: Callable[[Tensor], Tensor] | None = None,
    progress: Callable[[float], None] | None = None,
) -> SolverReport:
    """Solve normal(x) = right_side from x = 0.

    batch_axes: axes that count problems which are independent of each other; each has its own step.
    precondition: a Hermitian positive map near the inverse of `normal`; fewer iterations are then needed.
    tolerance: stop when |right_side - normal(x)| <= tolerance |right_side| in every problem; reported as the residual.
    Source: Hestenes and Stiefel 1952.
    """
    axes = tuple(axis for axis in range(right_side.ndim) if axis not in batch_axes)
    x = torch.zeros_like(right_side)
    rest = right_side.clone()
    aim = precondition(rest) if precondition else rest
    direction = aim.clone()
    energy = _energy(rest, axes)
    start = energy.clone()
    product = _product(rest, aim, axes) if precondition else energy
    residual, history = _relative(energy, start), []
    for _ in range(iterations):
        if residual <= tolerance:
            break
        image = normal(direction)
        step = product / _positive((direction.conj() * image).real.sum(axes, keepdim=True))
        x = x + step * direction
        rest = rest - step * image
        energy, previous = _energy(rest, axes), product
        aim = precondition(rest) if precondition else rest
        product = _product(rest, aim, axes) if precondition else energy
        direction = aim + (product / _positive(previous)) * direction
        residual = _relative(energy, start)
        history.append(residual)
        if progress is not None:
            progress(len(history) / iterations)
    status = "converged" if residual <= tolerance else "iteration limit"
    return SolverReport(value=x, iterations=len(history), residual=residual, status=status, history=tuple(history))


def _energy(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return (x.conj() * x).real.sum(axes, keepdim=True)


def _product(x: Tensor, y: Tensor, axes: tuple[int, ...]) -> Tensor:
    return (x.conj() * y).real.sum(axes, keepdim=True)


def _positive(x: Tensor) -> Tensor:
    # A problem that is solved, or empty, has no energy left: it must stay at rest, not divide by zero.
    return torch.where(x > 0, x, torch.inf)


def _relative(energy: Tensor, start: Tensor) -> float:
    return float((energy / _positive(start)).max().sqrt())
