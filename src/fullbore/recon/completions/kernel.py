"""Prediction of k-space samples from their neighbours: calibration by least squares, and the kernel on image columns.

A kernel w of offsets s predicts K(k) from sum_s w(s) K(k + s). Along a fully sampled axis of n points it is a multiplication
in image space by sum_s w(s) exp(-2 pi i s (x - n // 2) / n).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Complex, Int
from torch import Tensor

from fullbore.errors import DataError

_ROWS, _COLUMNS = 1 << 13, 64


def neighbourhood_gram(
    block: Complex[Tensor, "frame channel cz cy cx"], offsets: Int[np.ndarray, "source 3"]
) -> Complex[Tensor, "n n"]:
    """A^H A of the samples at `offsets` (kz, ky, kx) around every position of the block; n = source * channel.

    Errors: DataError when the offsets span more than the block.
    """
    half = np.maximum(-offsets.min(axis=0), 0).tolist()
    spans = (np.maximum(offsets.max(axis=0), 0) + half + 1).tolist()
    starts = [n - span + 1 for n, span in zip(block.shape[2:], spans, strict=True)]
    if min(starts) < 1:
        raise DataError(
            f"calibration: the fully sampled centre of k-space is {tuple(block.shape[2:])} (kz, ky, kx), the kernel spans "
            f"{tuple(spans)}. Acquire more calibration lines or choose a smaller kernel."
        )
    size = len(offsets) * block.shape[1]
    gram = torch.zeros((size, size), dtype=block.dtype, device=block.device)
    channel_last = block.permute(0, 2, 3, 4, 1)
    depth = max(1, _ROWS // (starts[1] * starts[2]))
    for frame in channel_last:
        for first in range(0, starts[0], depth):
            count = min(depth, starts[0] - first)
            parts = [
                frame[h0 + dz + first : h0 + dz + first + count, h1 + dy : h1 + dy + starts[1], h2 + dx : h2 + dx + starts[2]]
                for (dz, dy, dx), (h0, h1, h2) in ((offset.tolist(), half) for offset in offsets)
            ]
            rows = torch.stack(parts, dim=3).reshape(-1, size)
            # The other half is the mirror image.
            for left in range(0, size, _COLUMNS):
                gram[left : left + _COLUMNS, left:].addmm_(rows[:, left : left + _COLUMNS].mH, rows[:, left:])
    return gram.triu() + gram.triu(1).mH


def solve_weights(
    gram: Complex[Tensor, "n m"], sources: Int[np.ndarray, " s"], targets: Int[np.ndarray, " t"], damping: float
) -> Complex[Tensor, "s t"]:
    """Least-squares weights of columns `sources` of A that give its columns `targets`; damping: of the mean eigenvalue."""
    wide = gram.to(torch.complex128)
    rows = torch.from_numpy(sources).to(gram.device)
    square = wide[rows][:, rows]
    right = wide[rows][:, torch.from_numpy(targets).to(gram.device)]
    level = float(square.diagonal().real.mean())
    # Rounding of a single-precision Gram matrix is held down even where no damping is asked for.
    square.diagonal().add_((damping + 1e-7) * level or 1.0)
    return torch.cholesky_solve(right, torch.linalg.cholesky(square)).to(gram.dtype)


def fourier_of_offsets(offsets: Int[np.ndarray, " s"], n: int, like: Complex[Tensor, "*_"]) -> Complex[Tensor, "n s"]:
    """exp(-2 pi i s (x - n // 2) / n) of every offset at every voxel of an axis."""
    turns = np.outer(np.arange(n) - n // 2, offsets) % n
    return torch.from_numpy(np.exp(-2j * math.pi * turns / n)).to(like.dtype).to(like.device)
