"""A body as spins, for a simulator: plain arrays in blocks, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import Grid
from fullbore.phantom.body import Body, families, family
from fullbore.phantom.painting import tissue_columns
from fullbore.phantom.sampling import paint_slab, slabs, voxel_parts

_LEAST_SHARE = 1e-3


class SpinBlock(NamedTuple):
    """Spins, one for each tissue at each place. position_m: LPS at the time asked for. volume_m3: of the matter it stands for.

    tissue: index into `families(body)`; variants of a textured tissue are one, at the mean of their rates. amount: proton density
    times volume. What is not here (species, susceptibility, diffusion, ...) is the same in all of a tissue.
    """

    position_m: Float[np.ndarray, "n 3"]
    volume_m3: Float[np.ndarray, " n"]
    tissue: Int[np.ndarray, " n"]
    amount: Float[np.ndarray, " n"]
    t1_s: Float[np.ndarray, " n"]
    t2_s: Float[np.ndarray, " n"]
    t2_prime_s: Float[np.ndarray, " n"]


def spins(body: Body, grid: Grid, *, oversampling: int = 1, time_s: float | int = 0.0) -> Iterator[SpinBlock]:
    """The body's spins at a time, at the middles of the equal parts of a grid's voxels, a block for every slab of the grid.

    oversampling: parts along a voxel's shortest edge. Shares below 0.1 % make no spin.
    """
    parts = voxel_parts(grid, oversampling)
    volume = grid.voxel_volume_m3 / float(np.prod(parts))
    columns = tissue_columns(body)
    for piece in slabs(grid, parts):
        used, shares, places = paint_slab(body, grid, piece, parts, float(time_s), columns, len(body.tissues))
        yield _block(body, dict(zip(used.tolist(), shares.reshape(len(used), -1), strict=True)), places.reshape(-1, 3), volume)


def family_shares(body: Body, shares: Float[np.ndarray, "tissue ..."]) -> Float[np.ndarray, "family ..."]:
    """Shares with the variants of every textured tissue added up, in the order of `families`."""
    names = families(body)
    out = np.zeros((len(names), *shares.shape[1:]), np.float32)
    for tissue, share in zip(body.tissues, shares, strict=True):
        out[names.index(family(tissue.name))] += share
    return out


def _block(body: Body, shares: dict[int, np.ndarray], places: np.ndarray, volume_m3: float) -> SpinBlock:
    parts: list[SpinBlock] = []
    for number, name in enumerate(families(body)):
        members = [index for index, tissue in enumerate(body.tissues) if index in shares and family(tissue.name) == name]
        if not members:
            continue
        total = np.sum([shares[index] for index in members], axis=0)
        held = np.flatnonzero(total > _LEAST_SHARE)
        if len(held) == 0:
            continue
        own = np.stack([shares[index][held] for index in members]).astype(np.float64)
        density = np.array([body.tissues[index].proton_density for index in members]) @ own
        times = (mean_time(body, members, own, name) for name in ("t1_s", "t2_s", "t2_prime_s"))
        t1, t2, t2_prime = times
        parts.append(
            SpinBlock(
                places[held], total[held] * volume_m3, np.full(len(held), number, np.int32), density * volume_m3, t1, t2, t2_prime
            )
        )
    if not parts:
        empty = np.zeros(0)
        return SpinBlock(np.zeros((0, 3)), empty, np.zeros(0, np.int32), empty, empty, empty, empty)
    return SpinBlock(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def mean_time(body: Body, members: list[int], shares: np.ndarray, name: str) -> np.ndarray:
    """Relaxation time of a mixture of tissues: one over the mean of their rates, weighted with their protons.

    members: indices into body.tissues. shares: (member, n). It is the slope at which the mixture's signal starts to fall.
    """
    rate = np.array([1 / getattr(body.tissues[index], name) for index in members])
    protons = np.array([max(body.tissues[index].proton_density, 1e-9) for index in members])
    if len(members) == 1:
        return np.full(shares.shape[1], 1 / rate[0])
    weight = protons[:, None] * shares
    return np.asarray(weight.sum(axis=0) / np.maximum(rate @ weight, 1e-30))
