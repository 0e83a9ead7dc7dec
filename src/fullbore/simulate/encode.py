"""From cells to samples: separable Fourier sums over slice, phase and read.

One component of one slot is an image on the lattice. Times the coils' sensitivities, and moved along read by its
off-resonance (a readout of constant gradient sees off-resonance f as a shift f / gradient, exactly), it is summed over z and
y for each readout's kz and ky; `reads` sums what a block of x holds over x.
Sums over lattice points are made transforms of the continuous object by each axis' transfer.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
from jaxtyping import Complex64, Float, Int

from fullbore.numerics.fourier_sum import FourierSum
from fullbore.simulate.lattice import LatticeAxis
from fullbore.simulate.reads import ReadSum, read_sum
from fullbore.simulate.spreading import WIDEST_K, spreading_transform
from fullbore.simulate.tracks import Tracks, chains, joint_labels

SAME_K_PER_M = 1e-2
FEWEST_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Partition:
    """Lines at one kz. k_phase_per_m: of the lines; first: number of the first of them in the comb."""

    k_phase_per_m: Float[np.ndarray, " own"]
    first: int

    @property
    def lines(self) -> slice:
        """Numbers of the lines."""
        return slice(self.first, self.first + len(self.k_phase_per_m))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comb:
    """Readouts that share one set of read positions.

    rows: of the slot. k_read_per_m: of the samples. k_slice_per_m: unique kz, one partition each. line: of each row, among
    those of all partitions. turn: factor of each row.
    step_m: grid along read that carries k within the comb. shift_m_per_Hz: how far off-resonance moves a spin, 0 when
    the samples are not evenly spaced in k.
    """

    rows: Int[np.ndarray, " n"]
    k_read_per_m: Float[np.ndarray, " sample"]
    k_slice_per_m: Float[np.ndarray, " kz"]
    partitions: tuple[Partition, ...]
    line: Int[np.ndarray, " n"]
    turn: Complex64[np.ndarray, " n"]
    step_m: float
    shift_m_per_Hz: float

    @property
    def lines(self) -> int:
        """Number of lines."""
        return self.partitions[-1].lines.stop

    @property
    def k_centre_per_m(self) -> float:
        """k in the middle of the readout."""
        return float(0.5 * (self.k_read_per_m[0] + self.k_read_per_m[-1]))

    def read_sum(self, points_m: Float[np.ndarray, " x"], axis: LatticeAxis, volume_m3: float, spread: bool) -> ReadSum:
        """Of exp(-2 pi i (k - centre) x) over cells of this volume, the axis' transfer, and spreading, accounted for."""
        k = self.k_read_per_m - self.k_centre_per_m
        gain = axis.transfer(self.k_read_per_m) * volume_m3
        return read_sum(k, points_m, gain / spreading_transform(k * self.step_m) if spread else gain)


def runs_along_read(k_per_m: Tracks) -> bool:
    """Whether all readouts run along read, those that begin and end at one place the same way."""
    if not (k_per_m.still(1, SAME_K_PER_M) & k_per_m.still(2, SAME_K_PER_M)).all():
        return False
    first, which = _read_sets(k_per_m)
    apart = k_per_m.start[:, 0] - k_per_m.start[first[which], 0]
    pairs, number = joint_labels(which, k_per_m.kind)
    low, high = np.full(len(pairs), np.inf), np.full(len(pairs), -np.inf)
    np.minimum.at(low, number, apart)
    np.maximum.at(high, number, apart)
    between = k_per_m.course[k_per_m.kind[pairs], :, 0] - k_per_m.course[k_per_m.kind[first[which[pairs]]], :, 0]
    return bool(max((between.max(axis=1) + high).max(), -(between.min(axis=1) + low).min()) <= SAME_K_PER_M)


def separate(k_per_m: Tracks, dwell_s: float) -> tuple[Comb, ...] | None:
    """Product structure of a slot's trajectory (read, phase, slice), or None when it has none."""
    if not runs_along_read(k_per_m):
        return None
    centre = k_per_m.at(k_per_m.samples // 2)[:, 1:]
    first, which = _read_sets(k_per_m)
    return tuple(
        _comb(np.flatnonzero(which == i), k_per_m.row(row)[:, 0], centre, dwell_s) for i, row in enumerate(first.tolist())
    )


def _read_sets(k_per_m: Tracks) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " n"]]:
    return _clusters(np.column_stack([k_per_m.at(0)[:, 0], k_per_m.at(-1)[:, 0]]))


def _comb(
    rows: Int[np.ndarray, " n"], read: Float[np.ndarray, " sample"], centre: Float[np.ndarray, "row 2"], dwell_s: float
) -> Comb:
    first, which = _clusters(centre[rows, 1:])
    lead, line = joint_labels(which, chains(centre[rows, 0], SAME_K_PER_M))
    firsts = np.searchsorted(which[lead], np.arange(len(first) + 1)).tolist()
    k_phase = centre[rows[lead], 0]
    steps = np.diff(read)
    even = len(steps) > 0 and np.abs(steps - steps.mean()).max() < 1e-4 * abs(steps.mean())
    half = max(0.5 * abs(float(read[-1] - read[0])), 0.5 * float(np.ptp(read)), 1e-3)
    return Comb(
        rows=rows,
        k_read_per_m=read,
        k_slice_per_m=centre[rows[first], 1],
        partitions=tuple(Partition(k_phase_per_m=k_phase[a:b], first=a) for a, b in pairwise(firsts)),
        line=line,
        turn=np.ones(len(rows), np.complex64),
        step_m=WIDEST_K / half,
        shift_m_per_Hz=dwell_s / float(steps.mean()) if even else 0.0,
    )


def in_plane(comb: Comb, z: LatticeAxis) -> Comb:
    """The comb for an object of one plane: kz is a factor of each readout, and lines differ in ky alone."""
    sizes = [len(part.k_phase_per_m) for part in comb.partitions]
    k_phase = np.concatenate([part.k_phase_per_m for part in comb.partitions])
    k_slice = np.repeat(comb.k_slice_per_m, sizes)
    turn = fourier_matrix(k_slice, z)[:, 0]
    first, which = _clusters(k_phase[:, None])
    return replace(
        comb,
        k_slice_per_m=np.zeros(1),
        partitions=(Partition(k_phase_per_m=k_phase[first], first=0),),
        line=which[comb.line],
        turn=turn[comb.line],
    )


def _clusters(values: Float[np.ndarray, "n d"]) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " n"]]:
    """First member of each cluster of nearly equal rows, and the cluster of each row."""
    return joint_labels(*(chains(column, SAME_K_PER_M) for column in values.T))


def fourier_matrix(k_per_m: Float[np.ndarray, " k"], axis: LatticeAxis) -> Complex64[np.ndarray, "k n"]:
    """exp(-2 pi i k x) times the axis' transfer; phases in float64."""
    phase = np.exp(-2j * np.pi * np.outer(k_per_m, axis.points_m))
    return np.asarray((axis.transfer(k_per_m)[:, None] * phase).astype(np.complex64))


def sum_lines(
    slab: Complex64[np.ndarray, "kz y x coil"],
    partitions: tuple[Partition, ...],
    over_y: list[FourierSum],
    out: Complex64[np.ndarray, "line x coil"],
    pool: Executor,
) -> None:
    """Sum over y for the lines that each kz holds; few kz are shared out in parts of x."""
    width, coils = slab.shape[2:]
    edges = np.linspace(0, width, min(width, max(1, FEWEST_PARTS // len(partitions))) + 1).astype(int).tolist()

    def sum_part(work: tuple[int, tuple[int, int]]) -> None:
        number, (first, last) = work
        own, plane = partitions[number], slab[number].reshape(slab.shape[1], -1)
        held = over_y[number](plane[:, first * coils : last * coils])
        out[own.lines, first:last] = held.reshape(-1, last - first, coils)

    list(pool.map(sum_part, product(range(len(partitions)), pairwise(edges))))
