"""Solutions in one step: the matched filter, and SENSE along one axis by a dense system per readout column."""

from __future__ import annotations

import numpy as np
import torch

from fullbore.recon.encodings.cartesian import CartesianVolume
from fullbore.recon.encodings.volume import EncodedVolume
from fullbore.recon.recipe import Direct
from fullbore.recon.solvers.column_cholesky import between_columns, factorise, point_spread
from fullbore.recon.solvers.solved import Solved

_BLOCK_BYTES = 8 << 20


def combine(volume: EncodedVolume) -> Solved:
    """A^H y: right when nothing is missing."""
    return Solved(
        values=volume.combined(),
        noise_variance=volume.combined_variance(),
        noise_is_exact=volume.variance_is_exact,
        iterations=0,
        residual=0.0,
        converged=True,
    )


def solve_columns(volume: CartesianVolume, solver: Direct, noise_stride: int = 1) -> Solved:
    """Exact SENSE of 2D data with one set of maps; frames with the same lines share their factors.

    noise_stride: the noise is computed in every so many columns and interpolated between them.
    Factors are made for a few columns at a time: those of all would outweigh the data a hundredfold.
    """
    maps = volume.maps[0, :, :, 0]
    columns = len(maps)
    values = torch.empty(volume.shape, dtype=maps.dtype, device=maps.device)
    variance = torch.empty((-(-columns // noise_stride), maps.shape[2]), dtype=torch.float32, device=maps.device)
    condition = 0.0
    step = noise_stride * max(1, _BLOCK_BYTES // (noise_stride * maps.shape[2] ** 2 * maps.element_size()))
    room = torch.empty((2, min(step, columns), maps.shape[2], maps.shape[2]), dtype=maps.dtype, device=maps.device)
    for number, frames in enumerate(_alike(volume)):
        measured = torch.from_numpy((volume.counts[frames[0]][0] > 0).astype(np.float32)).to(maps.device)
        spread = point_spread(measured).to(maps.dtype)
        right = torch.cat([volume.only(frame).adjoint()[:, 0, :, 0] for frame in frames])
        for first in range(0, columns, step):
            factors = factorise(maps[first : first + step], spread, solver.damping, room)
            values[frames, 0, first : first + step, 0] = factors.solve(right[:, first : first + step])
            if number == 0:
                chosen = torch.arange(0, len(factors.factors), noise_stride)
                variance[first // noise_stride :][: len(chosen)] = factors.variances(chosen)
                if first <= columns // 2 < first + step:
                    condition = factors.condition(columns // 2 - first)
    count = volume.counts[0]
    return Solved(
        values=values,
        noise_variance=between_columns(variance, columns, noise_stride)[:, None] * float(np.mean(1 / count[count > 0])),
        noise_is_exact=True,
        iterations=1,
        residual=0.0,
        converged=True,
        condition=condition,
    )


def _alike(volume: CartesianVolume) -> list[list[int]]:
    """Frames with the same lines, the first frame's before all others."""
    groups: dict[bytes, list[int]] = {}
    for frame, count in enumerate(volume.counts):
        groups.setdefault((count > 0).tobytes(), []).append(frame)
    return list(groups.values())
