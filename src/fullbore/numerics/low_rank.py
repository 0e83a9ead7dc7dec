"""Singular value shrinkage through the small Gram matrix: for matrices with few columns (frames) and many rows."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Inexact, Int
from torch import Tensor

from fullbore.numerics.low_rank_kernels import shrink_placed


def shrink_singular_values(x: Inexact[Tensor, "*batch frame voxel"], threshold: float) -> Inexact[Tensor, "*batch frame voxel"]:
    """argmin_u |u - x|^2 / 2 + threshold |u|_nuclear: every singular value lowered by `threshold`, to zero at the least.

    Singular values below 1e-3 (float32) of the largest lose their digits in the Gram matrix; they are below any threshold.
    Source: Cai, Candes and Shen 2010, theorem 2.1.
    """
    values, vectors = torch.linalg.eigh(x @ x.mH)
    singular = values.clamp_min(0).sqrt()
    factor = (1 - threshold / singular.clamp_min(torch.finfo(singular.dtype).tiny)).clamp_min(0)
    return ((vectors * factor.unsqueeze(-2)) @ vectors.mH) @ x


def block_places(shape: tuple[int, int, int], block: tuple[int, int, int], shift: list[int]) -> Int[np.ndarray, "count voxel"]:
    """Flat indices of the voxels of every block of a lattice that begins at `shift`, around the end; incomplete ones are left."""
    lines = [(np.arange(n // b * b) + s) % n for n, b, s in zip(shape, block, shift, strict=True)]
    flat = (lines[0][:, None, None] * shape[1] + lines[1][:, None]) * shape[2] + lines[2]
    (a, b, c), (p, q, r) = (n // m for n, m in zip(shape, block, strict=True)), block
    return flat.reshape(a, p, b, q, c, r).transpose(0, 2, 4, 1, 3, 5).reshape(a * b * c, p * q * r)


def shrink_placed_blocks(images: Inexact[Tensor, "frame n"], places: Int[Tensor, "count voxel"], threshold: float) -> None:
    """`shrink_singular_values` of the blocks (frame, voxel) at these places, which do not overlap, in place."""
    if images.device.type != "cpu" or not images.is_complex():
        images[:, places] = shrink_singular_values(images[:, places].movedim(0, 1), threshold).movedim(1, 0)
        return
    shrink_placed(torch.view_as_real(images).numpy(), places.numpy(), threshold)
