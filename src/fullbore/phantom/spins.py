"""A body as spins, for a simulator: plain arrays in blocks, so that memory does not grow with their number."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import Grid
from fullbore.phantom.body import Body, families, family
from fullbore.phantom.canvas import Canvas, tissue_columns
from fullbore.phantom.sampling import paint_slabs, stacked, voxel_parts
from fullbore.phantom.strokes import PAGE
from fullbore.phantom.tiling import mixed

_LEAST_SHARE = 1e-3
# Each slab that is being painted holds up to a tenth of a gigabyte.
_MOST_WORKERS = 4


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

    oversampling: parts along a voxel's shortest edge. Shares below 0.1 % make no spin. Slabs are painted side by side, as many
    at a time as there are processors, four at most; no more are painted ahead of the one that is asked for.
    """
    parts = voxel_parts(grid, oversampling)
    volume = grid.voxel_volume_m3 / float(np.prod(parts))
    columns, kinds = tissue_columns(body), _members(body)

    def work(stack: list[tuple[slice, slice]]) -> list[SpinBlock]:
        whole = paint_slabs(body, grid, stack, parts, float(time_s), columns, len(body.tissues))[0]
        return [_block(body, kinds, whole, part, volume) for part in range(len(stack))]

    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    pool, ahead = ThreadPoolExecutor(workers), deque[Future[list[SpinBlock]]]()
    try:
        for stack in stacked(grid, parts, workers):
            ahead.append(pool.submit(work, stack))
            if len(ahead) > workers:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def family_shares(body: Body, shares: Float[np.ndarray, "tissue ..."]) -> Float[np.ndarray, "family ..."]:
    """Shares with the variants of every textured tissue added up, in the order of `families`."""
    names = families(body)
    out = np.zeros((len(names), *shares.shape[1:]), np.float32)
    for tissue, share in zip(body.tissues, shares, strict=True):
        out[names.index(family(tissue.name))] += share
    return out


def _members(body: Body) -> list[list[int]]:
    """Indices into body.tissues of the variants of each family."""
    names = [family(tissue.name) for tissue in body.tissues]
    return [[index for index, other in enumerate(names) if other == name] for name in families(body)]


def _block(body: Body, kinds: list[list[int]], canvas: Canvas, part: int, volume_m3: float) -> SpinBlock:
    """The spins of a painted slab, a part of the canvas. kinds: `_members`."""
    parts: list[SpinBlock] = []
    rows = part * canvas.part // PAGE, min((part + 1) * canvas.part // PAGE, canvas.pages.shape[1])
    for number, every in enumerate(kinds):
        members = [index for index in every if canvas.used[part, index]]
        if not members:
            continue
        which, total, own = mixed(canvas.values, canvas.pages, *rows, np.array(members), np.float32(_LEAST_SHARE))
        if len(which) == 0:
            continue
        density = np.array([body.tissues[index].proton_density for index in members]) @ own
        t1, t2, t2_prime = (mean_time(body, members, own, name) for name in ("t1_s", "t2_s", "t2_prime_s"))
        kind = np.full(len(which), number, np.int32)
        parts.append(SpinBlock(canvas.points_m[which], total * volume_m3, kind, density * volume_m3, t1, t2, t2_prime))
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
