"""SENSE along one phase-encoded axis, solved exactly: a small dense system per image column."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnFactors:
    """Cholesky factors (x, y, y) of A^H A + damping, one per readout column; A depends on maps and mask alone."""

    factors: Complex[Tensor, "x y y"]
    damping: float

    def solve(self, right_side: Complex[Tensor, "frame x y"]) -> Complex[Tensor, "frame x y"]:
        """(A^H A + damping)^-1 A^H y for any number of frames that share the mask."""
        return torch.cholesky_solve(right_side.permute(1, 2, 0), self.factors).permute(2, 0, 1)

    def variances(self, columns: Int[Tensor, " n"]) -> Float[Tensor, "n y"]:
        """Noise variance of the voxels of some columns for white noise of variance 1. Pruessmann 1999, eq. 23, with damping.

        With B the inverse of A^H A + damping it is the diagonal of B A^H A B = B - damping B B.
        """
        inverse = torch.cholesky_inverse(self.factors[columns])
        variance = inverse.diagonal(dim1=1, dim2=2).real - self.damping * torch.view_as_real(inverse).square().sum((1, 3))
        return variance.clamp_min(0)

    def noise_variance(self) -> Float[Tensor, "x y"]:
        """`variances` of all columns."""
        return self.variances(torch.arange(self.factors.shape[0]))

    def condition(self, column: int) -> float:
        """Largest over smallest eigenvalue of A^H A + damping in a column."""
        factor = self.factors[column]
        values = torch.linalg.svdvals(factor)
        return float((values[0] / values[-1]) ** 2)


def point_spread(mask: Float[Tensor, " y"]) -> Complex[Tensor, "y y"]:
    """Of the measured lines, from every voxel of a column to every other: circulant. k = 0 at n // 2."""
    spread = torch.fft.ifft(torch.fft.ifftshift(mask.to(torch.complex128)))
    index = torch.arange(len(mask))
    return spread[(index[:, None] - index) % len(mask)]


def factorise(
    maps: Complex[Tensor, "x coil y"],
    spread: Complex[Tensor, "y y"],
    damping: float,
    room: Complex[Tensor, "2 more y y"] | None = None,
) -> ColumnFactors:
    """Factors for some columns of a slice.

    maps: unit norm over coil. spread: `point_spread`. A^H A is the Gram matrix of the maps times it. room: for this work,
    used again by the next call; large arrays that come and go scatter memory.
    """
    columns, _, lines = maps.shape
    work = maps.new_empty((2, columns, lines, lines)) if room is None else room
    gram, factors = work[0, :columns], work[1, :columns]
    torch.matmul(maps.mH, maps, out=gram)
    gram.mul_(spread)
    gram.diagonal(dim1=1, dim2=2).add_(damping)
    torch.linalg.cholesky(gram, out=factors)
    return ColumnFactors(factors=factors, damping=damping)


def between_columns(variance: Float[Tensor, "n y"], columns: int, stride: int) -> Float[Tensor, "x y"]:
    """Every `stride`-th column's noise on all columns, linearly: it varies slowly along the readout."""
    position = torch.arange(columns, dtype=variance.dtype, device=variance.device) / stride
    below = position.floor().long().clamp_max(len(variance) - 1)
    above = (below + 1).clamp_max(len(variance) - 1)
    return torch.lerp(variance[below], variance[above], (position - below)[:, None])
