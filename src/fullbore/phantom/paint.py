"""Painting solids onto a lattice of mixtures: each stroke covers what lay below it."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np


@numba.njit(parallel=True, cache=True)
@no_type_check
def paint_layers(distances: np.ndarray, tissue: np.ndarray, tissues: int, edge: float) -> np.ndarray:
    """Tissue fractions on a lattice twice as fine as that of the solids.

    distances: float32 (layer, z, y, x), signed, negative inside, later layers over earlier ones.
    tissue: (layer,) index of what fills the layer, -1 for nothing. edge: width of the soft border, unit of the distances.
    Returns float32 (tissue, 2z - 1, 2y - 1, 2x - 1); fine index 2i is coarse index i, odd ones are interpolated linearly.
    A layer covers 1/2 - distance / edge of a voxel, clipped to 0..1: a box-filtered plane seen face on.
    """
    layers, nz, ny, nx = distances.shape
    out = np.zeros((tissues, 2 * nz - 1, 2 * ny - 1, 2 * nx - 1), np.float32)
    for z in numba.prange(2 * nz - 1):
        share = np.empty(tissues, np.float32)
        z0, z1 = z // 2, (z + 1) // 2
        for y in range(2 * ny - 1):
            y0, y1 = y // 2, (y + 1) // 2
            for x in range(2 * nx - 1):
                x0, x1 = x // 2, (x + 1) // 2
                share[:] = 0
                for k in range(layers):
                    d = distances[k]
                    low = d[z0, y0, x0] + d[z0, y0, x1] + d[z0, y1, x0] + d[z0, y1, x1]
                    high = d[z1, y0, x0] + d[z1, y0, x1] + d[z1, y1, x0] + d[z1, y1, x1]
                    cover = 0.5 - 0.125 * (low + high) / edge
                    if cover <= 0:
                        continue
                    cover = min(cover, 1.0)
                    for t in range(tissues):
                        share[t] *= 1 - cover
                    if tissue[k] >= 0:
                        share[tissue[k]] += cover
                out[:, z, y, x] = share
    return out
