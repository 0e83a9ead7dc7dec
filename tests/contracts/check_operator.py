"""The contract of a LinearOperator, for anyone to run on theirs."""

from __future__ import annotations

import pytest
import torch

from fullbore.errors import ShapeError
from fullbore.numerics.linear_operator import LinearOperator


def check_operator(op: LinearOperator, x: torch.Tensor) -> None:
    """Assert: linear, adjoint to 1e-12, normal = A^H A, batch = loop, dtype kept, wrong rank raises.

    op: an operator in complex128. x: complex128 of shape `op.domain_shape`.
    """
    generator = torch.Generator().manual_seed(1)
    other = torch.randn(op.domain_shape, dtype=x.dtype, generator=generator)
    y = torch.randn(op.range_shape, dtype=x.dtype, generator=generator)
    ax = op.forward(x)
    assert tuple(ax.shape) == op.range_shape
    _close(op.forward((2 - 1j) * x + 0.5 * other), (2 - 1j) * ax + 0.5 * op.forward(other))
    left, right = torch.vdot(y.flatten(), ax.flatten()), torch.vdot(op.adjoint(y).flatten(), x.flatten())
    assert abs(left - right) <= 1e-12 * torch.linalg.vector_norm(y) * torch.linalg.vector_norm(x)
    _close(op.normal(x), op.adjoint(ax))
    _check_batch(op, torch.stack([x, other]), torch.stack([y, -2j * y]))
    assert ax.dtype == op.adjoint(y).dtype == op.normal(x).dtype == x.dtype
    for verb, array in ((op.forward, x), (op.normal, x), (op.adjoint, y)):
        with pytest.raises(ShapeError):
            verb(array[0])
        with pytest.raises(ShapeError):
            verb(array[..., :-1])


def _check_batch(op: LinearOperator, xs: torch.Tensor, ys: torch.Tensor) -> None:
    _close(op.forward(xs), torch.stack([op.forward(x) for x in xs]))
    _close(op.adjoint(ys), torch.stack([op.adjoint(y) for y in ys]))
    _close(op.normal(xs), torch.stack([op.normal(x) for x in xs]))


def _close(got: torch.Tensor, wanted: torch.Tensor) -> None:
    assert torch.linalg.vector_norm(got - wanted) <= 1e-12 * max(1.0, float(torch.linalg.vector_norm(wanted)))
