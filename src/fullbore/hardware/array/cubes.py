"""A uniform body as cubes of the right volume, for the full-wave solver."""

from __future__ import annotations

import math

import numpy as np

from fullbore.data import Grid
from fullbore.hardware.array.body import Body
from fullbore.hardware.full_wave import VoxelBody

_TISSUE_KG_PER_M3 = 1000.0
_LEAST_SIZE, _SIZES = 0.94, 7


def body_cubes(body: Body, spacing_m: float) -> VoxelBody:
    """The body on a lattice about the origin: as many cubes as make its volume, those furthest within it.

    Mirror images stay together, so a few cubes may be too many or too few; of sizes from 0.94 `spacing_m` up to it, that with the
    least error is taken. Eddy losses go with the fifth power of a radius: a volume 3 % off would make them 5 % wrong. A cylinder
    is a whole number of layers of its section's area; its ends are half a cube off at most, and volume is kept by the section.
    """
    sizes = spacing_m * np.linspace(_LEAST_SIZE, 1, _SIZES)
    made = [_cubes(body, float(size)) for size in sizes]
    return min(made, key=lambda cubes: abs(int(cubes.matter.sum()) * cubes.spacing_m**3 - body.volume_m3))


def _cubes(body: Body, spacing_m: float) -> VoxelBody:
    half = np.array(body.half_axes_m)
    layers = max(1, round(2 * half[2] / spacing_m))
    counts = [2 * math.ceil(h / spacing_m) + 2 for h in half]
    counts[2] = layers if body.form == "cylinder" else counts[2]
    x, y, z = (spacing_m / 2 * (count % 2 == 0) for count in counts)  # the origin is the grid's middle, or a cube's
    grid = Grid.centred((counts[2], counts[1], counts[0]), (spacing_m,) * 3, (x, y, z))
    shares = (grid.points_m() / half) ** 2
    if body.form == "ellipsoid":
        inside = _nearest(shares.sum(axis=-1), round(body.volume_m3 / spacing_m**3))
    else:
        section = _nearest(shares[0, ..., :2].sum(axis=-1), round(body.volume_m3 / spacing_m**3 / layers))
        inside = np.broadcast_to(section, grid.shape)
    return VoxelBody(
        permittivity=np.where(inside, body.permittivity, 1.0),
        conductivity=np.where(inside, body.conductivity_S_per_m, 0.0),
        density=np.where(inside, _TISSUE_KG_PER_M3, 0.0),
        grid=grid,
    )


def _nearest(level: np.ndarray, count: int) -> np.ndarray:
    """The places of the `count` lowest levels, or a few more or less: mirror images stay together."""
    order = np.sort(level.ravel())
    count = min(max(count, 1), order.size - 1)
    edge = order[count - 1]
    equal = np.isclose(order, edge, rtol=1e-9)
    below = int(np.argmax(equal))
    whole = below + int(equal.sum())
    take_edge = whole - count <= count - below or below == 0
    return np.asarray(level <= edge * (1 + 1e-9) if take_edge else level < edge * (1 - 1e-9))
