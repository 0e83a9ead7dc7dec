"""Spins set in a phantom: as many in each of its cells as asked for, one for each tissue that is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from fullbore.data import Flow, Phantom, ScannerSpec
from fullbore.data.motion import sliding_in
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.cloud.lumens import Lumens
from fullbore.simulate.cloud.movers import cells_of, pieces_moved
from fullbore.simulate.cloud.places import block_numbers, fine_axis, finer_share, in_line_of, moved_field, sheared
from fullbore.simulate.cloud.sorts import Line, Sorts, unmixed
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.cloud.walk_kernel import TOGETHER
from fullbore.simulate.lattice import sample_field


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ground:
    """Where spins may stand and what is there.

    places_m: (n, 3). numbers: (n,) by blocks of neighbours. ppm, transmit, coils: fields at the places, (channel, n).
    finer: a share on the phantom's grid at some of the places. still: the same where the places were before they were sheared.
    """

    phantom: Phantom
    b0_T: float
    random: np.random.Generator | None
    shape: tuple[int, int, int]
    spacing_m: Float[np.ndarray, " 3"]
    places_m: Float[np.ndarray, "n 3"]
    numbers: Int[np.ndarray, " n"]
    ppm: Float[np.ndarray, " n"]
    transmit: Complex[np.ndarray, "channel n"]
    coils: Complex[np.ndarray, "coil n"]
    finer: Callable[..., np.ndarray]
    still: Callable[..., np.ndarray]


def scatter(
    phantom: Phantom, spec: ScannerSpec, per_cell: tuple[int, int, int], *, seed: int | None = None, diffusing: bool = True
) -> SpinCloud:
    """Spins in an axis-aligned phantom, `per_cell` (x, y, z) in each of its cells, one for each tissue that is there.

    seed None: on a regular grid, and without T2'. Neighbours come back in phase when a spoiler has turned them by whole cycles:
    where transverse magnetisation outlives a repetition, take spins much closer than the spoiler's cycle, or give a seed.
    Otherwise rows and planes are moved against each other (`sheared`), so that spoiled magnetisation stays spoiled, and every
    spin has an off-resonance of its tissue's Lorentzian line, so that a voxel of many spins decays with T2'.
    With a seed spins of tissues that diffuse walk, unless not `diffusing`. Compartments then, and species of a tissue, are spins
    of their own in the same places. Tissues with pools are spins of a `PoolSystem`, those that the
    phantom has courses for follow them (their R2' only with a seed).
    The phantom's fractions are linear between its points. Fields are cubic between theirs. `simulate.acquire` with states
    knows complete spoiling and T2' without counting spins.
    """
    ground = _ground(phantom, spec, per_cell, None if seed is None else np.random.default_rng(seed))
    sorts = Sorts(phantom, spec.b0_T, diffusing and seed is not None)
    lumens = _lumens(ground)
    parts: list[tuple] = []
    together = (int(ground.numbers.max()) // TOGETHER + 1) * TOGETHER
    for line in sorts.lines:
        for part in _spins_of(line, sorts, ground, lumens):
            *columns, walker, mover = part
            parts.append((*columns, walker + len(parts) * together, mover))
    through = spec.receive.sensitivity if phantom.motion is not None or phantom.flows else None
    cloud, mover = _joined([part[:-1] for part in parts], sorts, phantom.flows), np.concatenate([part[-1] for part in parts])
    slides = sliding_in(phantom.motion) is not None
    return replace(cloud, motion=phantom.motion, mover=mover if slides else None, through=through, walk_seed=seed or 0)


def _ground(phantom: Phantom, spec: ScannerSpec, per_cell: tuple[int, int, int], random: np.random.Generator | None) -> _Ground:
    """The places, and the fields there; on a regular grid without `random`."""
    axes, weights = zip(*(fine_axis(phantom, axis, per_cell[axis]) for axis in range(3)), strict=True)
    shape = len(axes[2].points_m), len(axes[1].points_m), len(axes[0].points_m)
    spacing = np.array([axis.spacing_m for axis in axes])
    z, y, x = (part.ravel() for part in np.meshgrid(*(axis.points_m for axis in axes[::-1]), indexing="ij"))
    moved = np.zeros((len(x), 3)) if random is None else spacing * sheared(shape, random)
    places = np.stack([x, y, z], axis=1) + moved
    step = None if random is None else moved / spacing
    ppm, transmit, coils = (
        moved_field(sample_field(field, np.eye(3), axes).reshape(len(field.values), *shape), step)
        for field in (phantom.field_ppm, spec.transmit, spec.receive.sensitivity)
    )
    return _Ground(
        phantom=phantom, b0_T=spec.b0_T, random=random, shape=shape, spacing_m=spacing, places_m=places,
        numbers=block_numbers(shape), ppm=ppm[0].real, transmit=transmit, coils=coils,
        finer=partial(finer_share, phantom, weights, None if random is None else places),
        still=partial(finer_share, phantom, weights, None),
    )  # fmt: skip


def _spins_of(line: Line, sorts: Sorts, ground: _Ground, lumens: Lumens) -> Iterator[tuple]:
    """The columns that `_joined` takes of the spins of one line, and their mover, for each part that moves some."""
    tissue, fraction = line.tissue, ground.phantom.fractions[line.owner]
    held = lumens.held(tissue.name, ground.still(fraction))
    settled = lumens.settled(tissue.name, ground.finer(fraction, held), held, ground.places_m[held])
    held, settled = held[settled > 0], settled[settled > 0]
    in_line = in_line_of(sorts.widest_per_s(line), ground.shape, held, ground.random)
    place_m = ground.places_m[held]
    flow = lumens.flow_of(tissue.name, place_m)
    field_Hz = 1e-6 * ground.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T * (ground.ppm[held] + tissue.chemical_shift_ppm)
    field_Hz = field_Hz + in_line / tissue.t2_prime_s
    amount = line.share * settled * float(np.prod(ground.spacing_m)) * tissue.proton_density
    times = np.full(len(held), tissue.t1_s), np.full(len(held), tissue.t2_s)
    seen = ground.transmit[:, held].T, ground.coils[:, held].T
    kind = *sorts.of(line, len(held)), flow, np.full(len(held), sorts.diffuses(line))
    for own in pieces_moved(ground.phantom, tissue.name, flow, held, ground.finer):
        column = place_m, amount, *times, field_Hz, in_line, *seen, *kind, ground.numbers[held]
        place, whole, *others = (part[own.which] for part in column)
        yield place, whole * own.weight, *others, own.mover


def _joined(parts: list[tuple], sorts: Sorts, flows: tuple[Flow, ...]) -> SpinCloud:
    """One cloud of the columns of all lines."""
    position, amount, t1, t2, field, in_line, b1, coil, kind, t1rho, follows, flow, diffuses, walker = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    tensors = sorts.tensors_m2_per_s
    return SpinCloud(
        position_m=position, amount=amount, t1_s=t1, t2_s=t2, off_resonance_Hz=field.astype(np.float64),
        b1_scale=b1.T[0] if b1.shape[1] == 1 else b1.T,
        sensitivity=coil.T.astype(np.complex64), systems=sorts.systems, kind=kind if sorts.systems else None,
        t1rho_s=t1rho if (t1rho != t2).any() else None, courses=sorts.courses, follows=follows if sorts.courses else None,
        line=in_line if sorts.courses else None, flows=flows, flow=flow if flows else None,
        tensors_m2_per_s=tensors, diffuses=None if tensors is None else diffuses, walker=None if tensors is None else walker,
    )  # fmt: skip


def _lumens(ground: _Ground) -> Lumens:
    """The phantom's vessels, told what else is there."""
    phantom = ground.phantom
    lumens = Lumens(phantom, ground.places_m, ground.spacing_m)
    if lumens.near:
        named = [tissue.name for tissue in phantom.tissues]
        shares = {name: ground.finer(phantom.fractions[named.index(name)]) for name in lumens.near}
        lumens.told(shares, ground.finer(phantom.fractions.sum(axis=0)), ground.finer(np.ones(phantom.grid.shape)))
    return lumens


def scattered(phantom: Phantom, per_cell: tuple[int, int, int], diffusing: bool = False) -> int:
    """How many spins `scatter` makes, at most."""
    lines = np.bincount([line.owner for line in unmixed(phantom.tissues, diffusing)], minlength=len(phantom.tissues))
    held = [sum(map(_padded_count, cells_of(phantom, tissue))) for tissue in range(len(phantom.tissues))]
    return int(np.array(held) @ lines) * int(np.prod(per_cell))


def _padded_count(cells: Bool[np.ndarray, "z y x"]) -> int:
    """How many cells between points have any of these at a corner."""
    padded = np.pad(cells, 1)
    for axis in range(3):
        low, high = (np.take(padded, np.arange(padded.shape[axis] - 1) + step, axis=axis) for step in (0, 1))
        padded = low | high
    return int(padded.sum())
