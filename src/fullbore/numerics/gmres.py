"""Generalised minimal residuals for any square operator, with a space of earlier answers to start from."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Inexact
from torch import Tensor

from fullbore.errors import ValueRangeError
from fullbore.numerics.solver_report import SolverReport


def gmres(
    operator: Callable[[Tensor], Tensor],
    right_side: Inexact[Tensor, " n"],
    *,
    start: Inexact[Tensor, " n"] | None = None,
    iterations: int = 200,
    restart: int = 100,
    tolerance: float = 1e-5,
    progress: Callable[[int, float], None] | None = None,
) -> SolverReport:
    """Solve operator(x) = right_side from `start` (0 when None).

    restart: directions kept at once (restart * n numbers). tolerance: stop at |right_side - operator(x)| <= tolerance
    |right_side|. progress: called with the number of iterations and the residual after each; what it raises ends the solve.
    Errors: ValueRangeError when the residual is no number. Source: Saad and Schultz 1986, SIAM J Sci Stat Comput 7:856.
    """
    size = float(torch.linalg.vector_norm(right_side))
    x = torch.zeros_like(right_side) if start is None else start.clone()
    if size == 0:
        return SolverReport(value=torch.zeros_like(right_side), iterations=0, residual=0.0, status="converged")
    history: list[float] = []
    while True:
        rest = right_side - operator(x) if start is not None or history else right_side
        residual = float(torch.linalg.vector_norm(rest)) / size
        if not residual < torch.inf:
            raise ValueRangeError(f"gmres: the residual is {residual}. The operator or the right side holds NaN or infinity.")
        if residual <= tolerance or len(history) >= iterations:
            break
        most = min(restart, iterations - len(history))
        x = x + _cycle(operator, rest, most, tolerance * size, size, history, progress)
    status = "converged" if residual <= tolerance else "iteration limit"
    return SolverReport(value=x, iterations=len(history), residual=residual, status=status, history=tuple(history))


def _cycle(
    operator: Callable[[Tensor], Tensor],
    rest: Tensor,
    most: int,
    aim: float,
    size: float,
    history: list[float],
    progress: Callable[[int, float], None] | None,
) -> Tensor:
    """One cycle of Arnoldi with Givens rotations; appends to `history` and gives the step."""
    basis = rest.new_zeros((most + 1, len(rest)))
    upper = torch.zeros((most + 1, most), dtype=torch.complex128)
    turns: list[tuple[complex, complex]] = []
    left = torch.zeros(most + 1, dtype=torch.complex128)
    left[0] = torch.linalg.vector_norm(rest).item()
    basis[0] = rest / left[0].item().real
    for step in range(most):
        image = operator(basis[step])
        column, image = _orthogonal(basis[: step + 1], image)
        length = float(torch.linalg.vector_norm(image))
        _turn(upper, left, turns, column, length)
        history.append(abs(left[step + 1].item()) / size)
        if progress is not None:
            progress(len(history), history[-1])
        if history[-1] * size <= aim or length == 0:
            break
        basis[step + 1] = image / length
    used = len(turns)
    weights = torch.linalg.solve_triangular(upper[:used, :used], left[:used, None], upper=True)[:, 0]
    weights = weights if basis.is_complex() else weights.real
    return weights.to(basis.dtype) @ basis[:used]


def _orthogonal(basis: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
    """Components along the basis, and what is left; twice, which is enough (Kahan and Parlett)."""
    # the vector is conjugated, not the basis: a copy of all directions would take five times the product
    column = (basis @ image.conj()).conj()
    image = image - column @ basis
    again = (basis @ image.conj()).conj()
    return column + again, image - again @ basis


def _turn(upper: Tensor, left: Tensor, turns: list[tuple[complex, complex]], column: Tensor, length: float) -> None:
    """Add a column to the triangle and turn the right side along."""
    step = len(turns)
    values = [complex(v) for v in column.tolist()] + [complex(length)]
    for row, (cosine, sine) in enumerate(turns):
        first, second = values[row], values[row + 1]
        values[row] = cosine.conjugate() * first + sine.conjugate() * second
        values[row + 1] = cosine * second - sine * first
    first, second = values[step], values[step + 1]
    norm = (abs(first) ** 2 + abs(second) ** 2) ** 0.5 or 1.0
    cosine, sine = first / norm, second / norm
    turns.append((cosine, sine))
    values[step], values[step + 1] = complex(norm), 0j
    upper[: step + 2, step] = torch.tensor(values, dtype=torch.complex128)
    left[step + 1] = -sine * left[step]
    left[step] = cosine.conjugate() * left[step]


def best_start(
    images: Inexact[Tensor, "m n"], answers: Inexact[Tensor, "m n"], right_side: Inexact[Tensor, " n"]
) -> Inexact[Tensor, " n"]:
    """The combination of answers of earlier solves whose image comes nearest to the right side (images: operator(answers))."""
    if len(images) == 0:
        return torch.zeros_like(right_side)
    weights = torch.linalg.lstsq(images.T.to(torch.complex128), right_side[:, None].to(torch.complex128)).solution[:, 0]
    return weights.to(answers.dtype) @ answers
