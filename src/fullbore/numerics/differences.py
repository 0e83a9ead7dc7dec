"""Forward differences of images and of vector fields, with their adjoints: zero across the last sample."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Inexact
from torch import Tensor


def difference(x: Inexact[Tensor, "*shape"], axis: int) -> Inexact[Tensor, "*shape"]:
    """x[i + 1] - x[i] along `axis`; 0 at the end."""
    result = torch.zeros_like(x)
    n = x.shape[axis]
    torch.sub(x.narrow(axis, 1, n - 1), x.narrow(axis, 0, n - 1), out=result.narrow(axis, 0, n - 1))
    return result


def difference_adjoint(y: Inexact[Tensor, "*shape"], axis: int) -> Inexact[Tensor, "*shape"]:
    """The adjoint of `difference`."""
    n = y.shape[axis]
    inner = y.narrow(axis, 0, n - 1)
    result = torch.zeros_like(y)
    result.narrow(axis, 1, n - 1).add_(inner)
    result.narrow(axis, 0, n - 1).sub_(inner)
    return result


def gradient(x: Inexact[Tensor, "*shape"], axes: Sequence[int]) -> Inexact[Tensor, "axis ..."]:
    """Differences along every one of `axes` (negative: counted from the end)."""
    return torch.stack([difference(x, axis) for axis in axes])


def gradient_adjoint(y: Inexact[Tensor, "axis ..."], axes: Sequence[int]) -> Inexact[Tensor, "*shape"]:
    """The adjoint of `gradient`: minus the divergence."""
    return torch.stack([difference_adjoint(part, axis) for part, axis in zip(y, axes, strict=True)]).sum(0)


def pairs_of(axes: Sequence[int]) -> list[tuple[int, int]]:
    """Positions (i, j), i <= j, of the components of a symmetric tensor."""
    return [(i, j) for i in range(len(axes)) for j in range(i, len(axes))]


def strain(v: Inexact[Tensor, "axis ..."], axes: Sequence[int]) -> Inexact[Tensor, "pair ..."]:
    """Symmetrised gradient of a vector field; mixed components times sqrt(2), so that their norm is that of the tensor."""
    return torch.stack(
        [
            difference(v[i], axes[i]) if i == j else (difference(v[i], axes[j]) + difference(v[j], axes[i])) * 0.5**0.5
            for i, j in pairs_of(axes)
        ]
    )


def strain_adjoint(e: Inexact[Tensor, "pair ..."], axes: Sequence[int]) -> Inexact[Tensor, "axis ..."]:
    """The adjoint of `strain`."""
    result = e.new_zeros((len(axes), *e.shape[1:]))
    for part, (i, j) in zip(e, pairs_of(axes), strict=True):
        if i == j:
            result[i] += difference_adjoint(part, axes[i])
        else:
            result[i] += difference_adjoint(part, axes[j]) * 0.5**0.5
            result[j] += difference_adjoint(part, axes[i]) * 0.5**0.5
    return result
