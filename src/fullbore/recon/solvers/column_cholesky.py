"""SENSE along one phase-encoded axis, solved exactly: a small dense system per image column."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.numerics.fourier import ifft_centred


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnFactors:
    """Cholesky factors (x, y, y) of A^H A + damping, one per readout column; A depends on maps and mask alone."""

    factors: Complex[Tensor, "x y y"]
    damping: float

    def solve(self, right_side: Complex[Tensor, "frame x y"]) -> Complex[Tensor, "frame x y"]:
        """(A^H A + damping)^-1 A^H y for any number of frames that share the mask."""
        return torch.cholesky_solve(right_side.permute(1, 2, 0), self.factors).permute(2, 0, 1)

    def noise_variance(self, stride: int = 1) -> Float[Tensor, "x y"]:
        """Variance of each voxel for white noise of variance 1. Pruessmann 1999, eq. 23, with damping.

        With B the inverse of A^H A + damping it is the diagonal of B A^H A B = B - damping B B.
        stride: invert every so many columns and interpolate between them; the noise varies slowly along the readout.
        """
        columns = self.factors.shape[0]
        chosen = torch.arange(0, columns, stride)
        inverse = torch.cholesky_inverse(self.factors[chosen])
        variance = inverse.diagonal(dim1=1, dim2=2).real - self.damping * torch.view_as_real(inverse).square().sum((1, 3))
        variance = variance.clamp_min(0)
        position = torch.arange(columns, dtype=variance.dtype) / stride
        below = position.floor().long().clamp_max(len(chosen) - 1)
        above = (below + 1).clamp_max(len(chosen) - 1)
        return torch.lerp(variance[below], variance[above], (position - below)[:, None])

    def condition(self) -> float:
        """Largest over smallest eigenvalue of A^H A + damping in the middle column."""
        factor = self.factors[self.factors.shape[0] // 2]
        values = torch.linalg.svdvals(factor)
        return float((values[0] / values[-1]) ** 2)


def factorise(maps: Complex[Tensor, "x coil y"], mask: Float[Tensor, " y"], damping: float) -> ColumnFactors:
    """Factors for one slice.

    maps: unit norm over coil. mask: 1 where a line was measured, k = 0 at n // 2. A^H A is the Gram matrix of the maps
    times the mask's point spread function.
    """
    lines = mask.shape[0]
    basis = ifft_centred(torch.eye(lines, dtype=torch.complex128), (0,))
    spread = (basis * mask) @ basis.mH
    gram = torch.einsum("xcy,xcw->xyw", maps.conj(), maps) * spread.to(maps.dtype)
    gram.diagonal(dim1=1, dim2=2).add_(damping)
    return ColumnFactors(factors=torch.linalg.cholesky(gram), damping=damping)
