"""Centred, unitary Fourier transforms without moving data: the centring is a phase pattern on either side.

Index n//2 is the origin on both sides. With c = n//2,
    X[k] = n^-1/2 sum_j x[j] exp(-2 pi i (k-c)(j-c)/n) = w p[k] FFT(p x)[k],
with p[j] = exp(2 pi i c j / n) and w = exp(-2 pi i c^2 / n), so for even n the pattern is (-1)^j, and it folds into
whatever is multiplied with the array anyway (maps, masks, data).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Complex
from torch import Tensor

from fullbore.numerics.linear_operator import LinearOperator


def fft_centred(x: Complex[Tensor, "*shape"], axes: Sequence[int]) -> Complex[Tensor, "*shape"]:
    """Unitary centred transform (exponent -2 pi i) along `axes` (negative: counted from the end)."""
    return torch.fft.fftn(_patterned(x, axes, +1, False), dim=tuple(axes), norm="ortho").mul_(_joint(x, axes, +1, True))


def ifft_centred(x: Complex[Tensor, "*shape"], axes: Sequence[int]) -> Complex[Tensor, "*shape"]:
    """Inverse (= adjoint) of `fft_centred`."""
    return torch.fft.ifftn(_patterned(x, axes, -1, True), dim=tuple(axes), norm="ortho").mul_(_joint(x, axes, -1, False))


def centring_pattern(shape: Sequence[int], like: Complex[Tensor, "*_"], with_constant: bool = False) -> Complex[Tensor, "*_"]:
    """p over the trailing axes `shape`, times w when `with_constant`: FFT_centred(x) = (w p) FFT(p x).

    like: gives dtype and device.
    """
    result = torch.ones((), dtype=torch.complex128, device=like.device)
    for axis, n in enumerate(shape):
        line = _line_pattern(n, +1, with_constant, like.device)
        result = result * line.reshape(n, *([1] * (len(shape) - axis - 1)))
    return result.to(like.dtype)


def _line_pattern(n: int, sign: int, with_constant: bool, device: torch.device) -> Tensor:
    c = n // 2
    # Integers reduced modulo n first, so the angle is exact to the last bit.
    turns = (c * torch.arange(n, device=device) - (c * c if with_constant else 0)) % n
    angle = turns.to(torch.float64) * (sign * 2 * math.pi / n)
    return torch.polar(torch.ones_like(angle), angle)


def _joint(x: Tensor, axes: Sequence[int], sign: int, with_constant: bool) -> Tensor:
    result = torch.ones((), dtype=torch.complex128, device=x.device)
    for axis in axes:
        line = _line_pattern(x.shape[axis], sign, with_constant, x.device)
        place = [1] * x.ndim
        place[axis] = -1
        result = result * line.reshape(place)
    return result.to(x.dtype)


def _patterned(x: Tensor, axes: Sequence[int], sign: int, with_constant: bool) -> Tensor:
    return x * _joint(x, axes, sign, with_constant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fourier(LinearOperator):
    """`fft_centred` over all axes of `shape`: unitary, so adjoint = inverse and normal = identity."""

    shape: tuple[int, ...]

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """Image shape."""
        return self.shape

    @property
    def range_shape(self) -> tuple[int, ...]:
        """k-space shape, the same."""
        return self.shape

    def _axes(self) -> tuple[int, ...]:
        return tuple(range(-len(self.shape), 0))

    def _forward(self, x: Tensor) -> Tensor:
        return fft_centred(x, self._axes())

    def _adjoint(self, y: Tensor) -> Tensor:
        return ifft_centred(y, self._axes())

    def _normal(self, x: Tensor) -> Tensor:
        return x.clone()
