"""Non-uniform transform, weights and adjoint in one: a convolution with the point spread function of the points.

A^H W A is Toeplitz: (A^H W A x)[r] = sum_q p[r - q] x[q], with p[l] = N^-1 sum_j w_j exp(2 pi i k_j . l / n). A periodic
convolution on a grid of twice the extent holds it exactly. Its spectrum is real, since p is Hermitian. No array of twice
the extent is needed to apply it: the even and the odd frequencies of the doubled grid are two transforms of the plain
grid, the second of x exp(-pi i r / n), so that along d axes
    A^H W A x = 2^-d sum_s conj(m_s) IFFT(K_s FFT(m_s x)),   s in {0, 1}^d,   K_s[f] = K[2 f + s],
where every step fits the cache and the work is less than with zeros filled in.
Source of the embedding: Wajer and Pruessmann, ISMRM 2001, 767; Fessler et al. 2005.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.errors import ShapeError
from fullbore.numerics.linear_operator import LinearOperator
from fullbore.numerics.nufft import nonuniform_plan


def point_spread(
    points: Float[Tensor, "n d"],
    weights: Float[Tensor, " n"] | None,
    shape: tuple[int, ...],
    tolerance: float = 1e-6,
    threads: int | None = None,
) -> Complex[Tensor, "*doubled"]:
    """p of lags -n to n - 1 along every axis, lag 0 at index 0 and negative lags at the end; zero at lag -n.

    points: cycles per field of view. weights: 1 for None; their dtype gives the precision (float32 for None).
    """
    strengths = torch.ones(len(points), dtype=torch.float32, device=points.device) if weights is None else weights
    strengths = strengths.to(torch.complex64 if strengths.dtype == torch.float32 else torch.complex128)
    doubled = tuple(2 * n for n in shape)
    if len(points) == 0:
        return strengths.new_zeros(doubled)
    half = points * 2  # cycles per two fields of view
    plan = nonuniform_plan(1, half, doubled, 1, tolerance, strengths, threads or torch.get_num_threads())
    spread = plan.execute(strengths).reshape(doubled) * (1 / math.prod(shape))
    for axis in range(len(shape)):
        spread.select(axis, 0).zero_()
    return torch.fft.ifftshift(spread)


def spectra_of(spread: Complex[Tensor, "*lags"], doubled: Sequence[bool]) -> Float[Tensor, "shift ..."]:
    """K_s over 2^d, s counted with the last doubled axis fastest; axes that are not doubled are periodic as they are."""
    spectrum = torch.fft.fftn(spread).real
    parts = []
    for shift in _shifts(doubled):
        index = tuple(slice(s, None, 2) if twice else slice(None) for s, twice in zip(shift, doubled, strict=True))
        parts.append(spectrum[index])
    return torch.stack(parts) * (1 / len(parts))


def _shifts(doubled: Sequence[bool]) -> list[tuple[int, ...]]:
    return list(itertools.product(*((0, 1) if twice else (0,) for twice in doubled)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Toeplitz(LinearOperator):
    """A^H W A by its spectra: Hermitian, so forward = adjoint. For real weights.

    spectra: from `spectra_of`; an axis of extent 1 where `shape` has more does not couple (each index by itself).
    doubled: along which axes the points were not on the grid.
    """

    spectra: Float[Tensor, "shift ..."]
    shape: tuple[int, ...]
    doubled: tuple[bool, ...]
    patterns: tuple[tuple[Tensor, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        grid = tuple(self.spectra.shape[1:])
        fits = len(grid) == len(self.shape) == len(self.doubled) and all(
            a in (1, b) for a, b in zip(grid, self.shape, strict=True)
        )
        if not fits or len(self.spectra) != 2 ** sum(self.doubled):
            raise ShapeError(
                f"Toeplitz: got spectra {tuple(self.spectra.shape)} for a grid {self.shape}, doubled {self.doubled}."
            )
        patterns = tuple(_pattern(shift, self.shape, self.spectra) for shift in _shifts(self.doubled))
        object.__setattr__(self, "patterns", patterns)

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """The grid."""
        return self.shape

    @property
    def range_shape(self) -> tuple[int, ...]:
        """The grid."""
        return self.shape

    def _forward(self, x: Tensor) -> Tensor:
        axes = tuple(axis - len(self.shape) for axis, n in enumerate(self.spectra.shape[1:]) if n > 1)
        result: Tensor | None = None
        for spectrum, factors in zip(self.spectra, self.patterns, strict=True):
            part = x
            for factor in factors:
                part = part * factor
            part = torch.fft.fftn(part, dim=axes).mul_(spectrum) if axes else part * spectrum
            part = torch.fft.ifftn(part, dim=axes) if axes else part
            for factor in factors[:-1]:
                part.mul_(factor.conj())
            result = part if result is None else result.addcmul_(part, factors[-1].conj())
        assert result is not None
        return result

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._forward(y)

    def _normal(self, x: Tensor) -> Tensor:
        return self._forward(self._forward(x))


def _pattern(shift: tuple[int, ...], shape: tuple[int, ...], like: Tensor) -> tuple[Tensor, ...]:
    """exp(-pi i s . r / n) as at most two factors that broadcast: the first axis of three, and the others; () for s = 0."""
    kind = torch.complex64 if like.dtype == torch.float32 else torch.complex128
    lines: list[Tensor] = []
    for axis, (s, n) in enumerate(zip(shift, shape, strict=True)):
        if s:
            angle = torch.arange(n, dtype=torch.float64, device=like.device) * (-math.pi / n)
            line = torch.polar(torch.ones_like(angle), angle)
            lines.append(line.reshape(n, *[1] * (len(shape) - axis - 1)))
    if len(lines) == len(shape) == 3:
        return lines[0].to(kind), (lines[1] * lines[2]).to(kind)
    return () if not lines else (math.prod(lines[1:], start=lines[0]).to(kind),)
