"""Singular value shrinkage through the small Gram matrix: for matrices with few columns (frames) and many rows."""

from __future__ import annotations

import torch
from jaxtyping import Inexact
from torch import Tensor


def shrink_singular_values(x: Inexact[Tensor, "*batch frame voxel"], threshold: float) -> Inexact[Tensor, "*batch frame voxel"]:
    """argmin_u |u - x|^2 / 2 + threshold |u|_nuclear: every singular value lowered by `threshold`, to zero at the least.

    Singular values below 1e-3 (float32) of the largest lose their digits in the Gram matrix; they are below any threshold.
    Source: Cai, Candes and Shen 2010, theorem 2.1.
    """
    values, vectors = torch.linalg.eigh(x @ x.mH)
    singular = values.clamp_min(0).sqrt()
    factor = (1 - threshold / singular.clamp_min(torch.finfo(singular.dtype).tiny)).clamp_min(0)
    return (vectors * factor.unsqueeze(-2).to(x.dtype)) @ (vectors.mH @ x)


def block_matrices(
    x: Inexact[Tensor, "frame n0 n1 n2"], block: tuple[int, int, int]
) -> tuple[Inexact[Tensor, "count frame voxel"], tuple[int, int, int]]:
    """Blocks as matrices (frame, voxel), and how many there are along each axis; what is left at the ends is left out."""
    counts = tuple(n // b for n, b in zip(x.shape[1:], block, strict=True))
    frames = x.shape[0]
    (a, b, c), (p, q, r) = counts, block
    parts = x[:, : a * p, : b * q, : c * r].reshape(frames, a, p, b, q, c, r)
    return parts.permute(1, 3, 5, 0, 2, 4, 6).reshape(a * b * c, frames, p * q * r), (a, b, c)


def blocks_to_images(
    matrices: Inexact[Tensor, "count frame voxel"], counts: tuple[int, int, int], block: tuple[int, int, int]
) -> Inexact[Tensor, "frame m0 m1 m2"]:
    """The inverse of `block_matrices`, without what it left out."""
    (a, b, c), (p, q, r) = counts, block
    frames = matrices.shape[1]
    parts = matrices.reshape(a, b, c, frames, p, q, r).permute(3, 0, 4, 1, 5, 2, 6)
    return parts.reshape(frames, a * p, b * q, c * r)
