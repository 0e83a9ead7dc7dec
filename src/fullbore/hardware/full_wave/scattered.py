"""The magnetic field that a body's currents make in and around it."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Complex, Float
from scipy.ndimage import map_coordinates

from fullbore.errors import ValueRangeError
from fullbore.hardware.full_wave.lattice import Lattice
from fullbore.hardware.full_wave.solution import BodyFields
from fullbore.physics.constants import SPEED_OF_LIGHT_M_PER_S, VACUUM_PERMEABILITY_N_PER_A2

_MARGIN = 3
"""Cells beyond the outermost point, for the splines' ends."""
_MOST_NODES = 8_000_000


def scattered_magnetic(fields: BodyFields, points_m: Float[np.ndarray, "p 3"]) -> Complex[np.ndarray, "channel 3 p"]:
    """B of the body's currents at any points, T: the lattice is made as wide as they lie, with cubic splines between its cells.

    Smooth where matter ends, as no surface carries a current sheet, so the splines add less than the cells themselves.
    Errors: ValueRangeError for points so far off that the lattice would pass eight million nodes.
    """
    grid, h = fields.body.grid, fields.body.spacing_m
    index = (points_m - grid.affine_m[:3, 3]) / h
    low = np.minimum(np.floor(index.min(axis=0)).astype(int) - _MARGIN, 0)
    high = np.maximum(np.ceil(index.max(axis=0)).astype(int) + _MARGIN, np.array(grid.shape[::-1]))
    nz, ny, nx = (int(n) + 1 for n in (high - low)[::-1])
    if nz * ny * nx > _MOST_NODES:
        raise ValueRangeError(
            f"scattered_magnetic: points to {np.abs(points_m).max():.3g} m ask {nz} x {ny} x {nx} nodes, wanted at most "
            f"{_MOST_NODES}. Take points nearer to the body."
        )
    lattice = Lattice.of((nz, ny, nx), h, 2 * math.pi * fields.frequency_Hz / SPEED_OF_LIGHT_M_PER_S)
    begin = -low[::-1]
    window = tuple(slice(b, b + n) for b, n in zip(begin, fields.edge_current.shape[2:], strict=True))
    where = (index - low).T[::-1]
    out = np.empty((len(fields.edge_current), 3, len(points_m)), np.complex128)
    whole = torch.zeros((3, nz, ny, nx), dtype=lattice.spectrum.dtype)
    for channel, current in enumerate(fields.edge_current):
        whole[(slice(None), *window)] = torch.from_numpy(current)
        cells = lattice.magnetic(whole).numpy()
        for axis in range(3):
            out[channel, axis] = map_coordinates(cells[axis], where, order=3, mode="nearest")
    return VACUUM_PERMEABILITY_N_PER_A2 * out
