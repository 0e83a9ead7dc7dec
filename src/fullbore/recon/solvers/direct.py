"""Solutions in one step: the matched filter, and SENSE along one axis by a dense system per readout column."""

from __future__ import annotations

import numpy as np
import torch

from fullbore.recon.encodings.cartesian import CartesianVolume
from fullbore.recon.encodings.volume import EncodedVolume
from fullbore.recon.recipe import Direct
from fullbore.recon.solvers.column_cholesky import factorise
from fullbore.recon.solvers.solved import Solved


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
    """
    maps = volume.maps[0, :, :, 0]
    values = torch.empty(volume.shape, dtype=volume.maps.dtype)
    groups: dict[bytes, list[int]] = {}
    for frame, count in enumerate(volume.counts):
        groups.setdefault((count > 0).tobytes(), []).append(frame)
    variance, condition = None, None
    for frames in groups.values():
        count = volume.counts[frames[0]]
        factors = factorise(maps, torch.from_numpy((count[0] > 0).astype(np.float32)), solver.damping)
        right = torch.cat([volume.only(frame).adjoint()[:, 0, :, 0] for frame in frames])
        values[frames] = factors.solve(right)[:, None, :, None]
        if variance is None:
            variance = factors.noise_variance(noise_stride)[:, None] * float(np.mean(1 / count[count > 0]))
            condition = factors.condition()
    assert variance is not None
    return Solved(
        values=values,
        noise_variance=variance,
        noise_is_exact=True,
        iterations=1,
        residual=0.0,
        converged=True,
        condition=condition,
    )
