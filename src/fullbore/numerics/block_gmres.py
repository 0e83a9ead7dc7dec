"""Generalised minimal residuals for many right sides at once: all search in the space that all have built."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Inexact
from torch import Tensor

from fullbore.errors import ValueRangeError
from fullbore.numerics.solver_report import SolverReport

_KEPT = 1e-6
"""Directions shorter than this share of the longest of their block hold rounding alone, and are dropped."""
_CYCLE = 120
"""Steps of a cycle, at most: room for them is set aside at its start."""
_AGAIN = 0.1
"""Where orthogonalisation shrinks a vector further than this, its block is orthogonalised twice."""


def block_gmres(
    operator: Callable[[Tensor], Tensor],
    right_sides: Inexact[Tensor, "m n"],
    *,
    start: Inexact[Tensor, "m n"] | None = None,
    preconditioner: Callable[[Tensor], Tensor] = lambda block: block,
    iterations: int = 200,
    directions: int = 1000,
    tolerance: float = 1e-5,
    progress: Callable[[int, float], None] | None = None,
) -> SolverReport:
    """Solve operator(x) = b for every row b of `right_sides` from `start` (0 when None); value (m, n), its residual the worst.

    operator: linear, on batches (k, n). preconditioner: from the right, near the operator's inverse and linear. iterations:
    steps, each a batch of at most m. directions: kept at once (directions * n numbers, at least two blocks), then a new start.
    tolerance: of |b - operator(x)| / |b|, for each row. progress: called with the number of steps and the worst residual after
    each; what it raises ends the solve.
    Errors: ValueRangeError when a residual is no number. Source: Saad, Iterative Methods for Sparse Linear Systems, 6.12.
    """
    sizes = torch.linalg.vector_norm(right_sides, dim=1)
    scale = torch.where(sizes > 0, sizes, 1)[:, None]
    wanted = right_sides / scale
    x = torch.zeros_like(wanted) if start is None else start / scale
    history: list[float] = []
    while True:
        rest = wanted - operator(x) if start is not None or history else wanted
        residual = float(torch.linalg.vector_norm(rest, dim=1).max())
        if not residual < torch.inf:
            raise ValueRangeError(f"block gmres: the residual is {residual}. The operator or a right side holds NaN or infinity.")
        if residual <= tolerance or len(history) >= iterations:
            break
        most = iterations - len(history)
        step = _cycle(lambda block: operator(preconditioner(block)), rest, most, directions, tolerance, history, progress)
        x = x + preconditioner(step)
    status = "converged" if residual <= tolerance else "iteration limit"
    return SolverReport(value=x * scale, iterations=len(history), residual=residual, status=status, history=tuple(history))


def _cycle(
    operator: Callable[[Tensor], Tensor],
    rest: Tensor,
    steps: int,
    directions: int,
    tolerance: float,
    history: list[float],
    progress: Callable[[int, float], None] | None,
) -> Tensor:
    """One cycle of block Arnoldi; appends to `history` and gives the step of every row."""
    count = len(rest)
    most = min(max(directions, 2 * count), (min(steps, _CYCLE) + 1) * count)
    basis = rest.new_empty((most + count, rest.shape[1]))
    block, shares = _orthonormal(rest, 0.0)
    basis[: len(block)] = block
    fit = _Fit(most + count, shares)
    done, filled = 0, len(block)
    while filled > done and filled <= most and steps:
        image = operator(basis[done:filled])
        within, image = _cleared(basis[:filled], image)
        block, beyond = _orthonormal(image, float(torch.linalg.vector_norm(within, dim=1).max()))
        basis[filled : filled + len(block)] = block
        fit.add(torch.cat([within, beyond], dim=1).T)
        done, filled, steps = filled, filled + len(block), steps - 1
        history.append(fit.residual)
        if progress is not None:
            progress(len(history), history[-1])
        if history[-1] <= tolerance:
            break
    weights = fit.weights()
    weights = weights if basis.is_complex() else weights.real
    return weights.T.to(basis) @ basis[: weights.shape[0]]


class _Fit:
    """The small least-squares problem: columns are the images of directions in the basis, aims the right sides in it."""

    def __init__(self, most: int, shares: Tensor) -> None:
        self._turned = torch.zeros((most, most), dtype=torch.complex128)
        self._upper = torch.zeros((most, most), dtype=torch.complex128)
        self._aims = torch.zeros((shares.shape[0], most), dtype=torch.complex128).T
        self._aims[: shares.shape[1]] = shares.T
        self._left = self._aims.clone()
        self._columns = 0

    def add(self, columns: Tensor) -> None:
        """Columns, in all of the basis that is filled."""
        rows, begin, end = columns.shape[0], self._columns, self._columns + columns.shape[1]
        known = self._turned[:rows, :begin]
        self._upper[:begin, begin:end] = known.mH @ columns
        turned, upper = torch.linalg.qr(columns - known @ self._upper[:begin, begin:end])
        self._turned[:rows, begin:end], self._upper[begin:end, begin:end] = turned, upper
        self._left[:rows] -= turned @ (turned.mH @ self._left[:rows])
        self._columns = end

    @property
    def residual(self) -> float:
        """The worst right side's."""
        return float(torch.linalg.vector_norm(self._left, dim=0).max())

    def weights(self) -> Tensor:
        """(direction, right side)."""
        used = slice(self._columns)
        return torch.linalg.solve_triangular(self._upper[used, used], self._turned[:, used].mH @ self._aims, upper=True)


def _cleared(basis: Tensor, block: Tensor) -> tuple[Tensor, Tensor]:
    """Components (row of the block, direction) along the basis, on the host in double precision, and what is left."""
    before = torch.linalg.vector_norm(block, dim=1)
    shares = block @ basis.mH
    left = block - shares @ basis
    if bool((torch.linalg.vector_norm(left, dim=1) < _AGAIN * before).any()):
        more = left @ basis.mH
        shares, left = shares + more, left - more @ basis
    return shares.to("cpu", torch.complex128), left


def _orthonormal(block: Tensor, beside: float) -> tuple[Tensor, Tensor]:
    """Orthonormal rows Q and the shares S with block = S Q, without directions that hold rounding alone.

    beside: the longest of what was cleared from the block.
    """
    turned, upper = torch.linalg.qr(block.T)
    u, sizes, v = torch.linalg.svd(upper.T.to("cpu", torch.complex128))
    kept = sizes > _KEPT * max(float(sizes[0]), beside)
    rows = v[kept].to(turned) @ turned.T if turned.is_complex() else v[kept].real.to(turned) @ turned.T
    return rows, u[:, kept] * sizes[kept]
