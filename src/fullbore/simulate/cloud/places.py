"""Where spins stand in a phantom's cells and in their Lorentzian lines, and what they find there."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.ndimage import map_coordinates

from fullbore.data import Phantom
from fullbore.simulate.cloud.walk_kernel import TOGETHER
from fullbore.simulate.lattice import LatticeAxis

PLASTIC, THREE = 1.3247179572447460, (np.sqrt(3) - 1, np.sqrt(5) - 2, np.sqrt(2) - 1)
"""Irrational steps: of two quasi-random dimensions in place, and of one in frequency that does not go with them."""
WIDEST_LINE_HZ = 2e4
"""A Lorentzian line has no end; spins beyond this have dephased at once, and would only widen the tables of pulses."""


def block_numbers(shape: tuple[int, int, int]) -> Int[np.ndarray, " n"]:
    """Of all places (z, y, x): 64 consecutive ones are a block of 4 x 4 x 4."""
    z, y, x = np.indices(shape).reshape(3, -1)
    blocks = [-(-count // 4) for count in shape]
    block = ((z // 4) * blocks[1] + y // 4) * blocks[2] + x // 4
    return np.asarray(TOGETHER * block + 16 * (z % 4) + 4 * (y % 4) + x % 4)


def finer_share(
    phantom: Phantom,
    weights: tuple[np.ndarray, ...],
    places_m: Float[np.ndarray, "n 3"] | None,
    share: Float[np.ndarray, "z y x"],
    held: Int[np.ndarray, " m"] | None = None,
) -> Float[np.ndarray, " k"]:
    """Shares on the phantom's grid at places_m, or at the middles of parts of its cells: of all of them or of those held."""
    if places_m is not None:
        return share_at(phantom, share, places_m if held is None else places_m[held])
    finer = np.einsum("zyx,kz,jy,ix->kji", share.astype(np.float64), *weights[::-1], optimize=True)
    finer = np.ascontiguousarray(finer).ravel()
    return finer if held is None else finer[held]


def sheared(shape: tuple[int, int, int], random: np.random.Generator) -> Float[np.ndarray, "n 3"]:
    """Where in its part of a cell each spin of a lattice (z, y, x) is, -0.5 to 0.5: as far on as its row and plane say.

    Seen along any axis the spins of a few rows stand evenly between each other, so that what is spoiled along it stays spoiled
    with few of them: the lattice's echoes are at moments that no sequence plays. Source of the irrational steps: the plastic
    number, Roberts 2018, "The unreasonable effectiveness of quasirandom sequences".
    """
    z, y, x = np.indices(shape).reshape(3, -1)
    one, two = 1 / PLASTIC, 1 / PLASTIC**2
    along = np.stack([one * y + two * z, two * x + one * z, one * x + two * y], axis=1)
    return np.asarray((along + random.random(3)) % 1 - 0.5)


def moved_field(values: Num[np.ndarray, "channel z y x"], step: Float[np.ndarray, "n 3"] | None) -> Num[np.ndarray, "channel n"]:
    """A field on a lattice at places that are parts of a step (x, y, z) away; it is smooth on that scale."""
    result = values.reshape(len(values), -1).copy()
    if step is not None:
        for channel, value in enumerate(values):
            for axis in range(3):
                result[channel] += np.gradient(value, axis=2 - axis).ravel() * step[:, axis]
    return result


def share_at(phantom: Phantom, share: Float[np.ndarray, "z y x"], place_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """A share on the phantom's grid at any places, linear between the phantom's points and to nothing beyond them."""
    to_index = np.linalg.inv(phantom.grid.affine_m)
    where = 1 + place_m @ to_index[:3, :3].T + to_index[:3, 3]
    padded = np.pad(share.astype(np.float64), 1)
    return np.asarray(map_coordinates(padded, where.T[::-1], order=1))


def in_line_of(
    widest_per_s: float, shape: tuple[int, int, int], held: Int[np.ndarray, " n"], random: np.random.Generator | None
) -> Float[np.ndarray, " n"]:
    """Places in the Lorentzian line (Hz per 1/s of R2', which will be widest_per_s at most), even among neighbours of a lattice;
    zeros without a generator.
    """
    if random is None:
        return np.zeros(len(held))
    z, y, x = np.unravel_index(held, shape)
    part = (x * THREE[0] + y * THREE[1] + z * THREE[2] + random.random()) % 1
    in_line = np.tan(np.pi * (np.clip(part, 1e-9, 1 - 1e-9) - 0.5)) / (2 * np.pi)
    most = WIDEST_LINE_HZ / max(widest_per_s, 1e-9)
    return np.asarray(np.clip(in_line, -most, most))


def fine_axis(phantom: Phantom, axis: int, per_cell: int) -> tuple[LatticeAxis, Float[np.ndarray, "fine point"]]:
    """Midpoints of equal parts of the phantom's cells along one of its axes, and the weights of its points there."""
    points, spacing = phantom.grid.axis_positions_m(axis), phantom.grid.spacing_m[axis]
    fine = points.min() - spacing + (np.arange((len(points) + 1) * per_cell) + 0.5) * spacing / per_cell
    weight = np.clip(1 - np.abs(fine[:, None] - points) / spacing, 0, None)
    return LatticeAxis(
        points_m=fine, spacing_m=spacing / per_cell, weights=None, window=slice(None), hat_m=0.0, cut_per_m=np.inf
    ), weight
