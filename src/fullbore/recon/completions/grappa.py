"""GRAPPA on columns: the readout is fully sampled, so its taps become weights that differ from column to column.

Each class of missing samples (its place relative to the lattice of measured ones) has one kernel, found by one regularised
least squares from the calibration block and applied as one matrix product. Sources: Griswold et al., Magn Reson Med
47:1202 (2002); Breuer et al., Magn Reson Med 62:739 (2009) for the noise; CAIPIRINHA lattices need no other treatment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float, Int
from torch import Tensor

from fullbore.errors import DataError
from fullbore.numerics.threads import run_threaded
from fullbore.recon.completions.kernel import fourier_of_offsets, neighbourhood_gram, solve_weights
from fullbore.recon.completions.lattice import Lattice, find_lattice
from fullbore.recon.recipe.completions import Grappa

_BLOCK_ELEMENTS = 1 << 18
# A sample is predicted when more than this share of its sources was measured: not beyond the edge of what was measured.
_ENOUGH = 0.52


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kernel:
    """One class of missing samples: its sources (kz, ky), and their weights on every column."""

    sources: Int[np.ndarray, "source 2"]
    weights: Complex[Tensor, "x sc channel"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrappaKernels:
    """Kernels of all classes of a lattice but the first, the lattice itself."""

    lattice: Lattice
    kernels: tuple[Kernel, ...]

    def complete(
        self, kspace: Complex[Tensor, "x channel kz ky"], mask: Bool[np.ndarray, "kz ky"]
    ) -> Complex[Tensor, "x channel kz ky"]:
        """The same samples, and what they predict between them; zero beyond the edge of what was measured."""
        lattice = find_lattice(mask)
        _same(self.lattice, lattice)
        x, channels, kz, ky = kspace.shape
        table = torch.zeros((x, kz * ky + 1, channels), dtype=kspace.dtype, device=kspace.device)
        table[:, :-1] = kspace.permute(0, 2, 3, 1).reshape(x, kz * ky, channels)
        z, y = np.nonzero(~mask)
        number = lattice.class_of(z, y)
        for which, kernel in enumerate(self.kernels, start=1):
            chosen = number == which
            _predict(table, mask & _lattice_mask(lattice, mask.shape), z[chosen], y[chosen], kernel)
        return table[:, :-1].reshape(x, kz, ky, channels).permute(0, 3, 1, 2)

    def noise_gain(self, maps: Complex[Tensor, "x channel z y"]) -> Float[Tensor, "x z y"]:
        """R times the noise variance of the combined image of one lattice: g^2 R for maps of unit norm. Breuer 2009, eq. 9."""
        x, channels, z, y = maps.shape
        gain = torch.empty((x, z, y), dtype=torch.float32)
        offsets = np.concatenate([kernel.sources for kernel in self.kernels]) if self.kernels else np.zeros((0, 2), int)
        along_z = fourier_of_offsets(offsets[:, 0], z, maps)
        along_y = fourier_of_offsets(offsets[:, 1], y, maps)
        waves = (along_z[:, None] * along_y[None]).reshape(z * y, -1).T.contiguous()
        # weights (x, source, from, to): what of `from` at this offset goes into `to`.
        taps = [kernel.weights.reshape(x, -1, channels, channels) for kernel in self.kernels]

        def column(index: int) -> None:
            here = maps[index].reshape(channels, -1).conj()
            total = here.clone()
            if taps:
                joint = torch.cat([part[index] for part in taps]).permute(1, 2, 0).reshape(channels * channels, -1)
                unfold = (joint @ waves).reshape(channels, channels, -1)
                total += torch.einsum("jv,ljv->lv", here, unfold)
            gain[index] = (total.real.square() + total.imag.square()).sum(0).reshape(z, y)

        run_threaded(column, range(x))
        return gain


def calibrate(
    block: Complex[Tensor, "frame channel cz cy cx"], mask: Bool[np.ndarray, "kz ky"], columns: int, recipe: Grappa
) -> GrappaKernels:
    """Kernels for a mask from its calibration block, on `columns` voxels along the readout.

    Errors: DataError when the mask is no lattice or the block is smaller than a kernel.
    """
    lattice = find_lattice(mask)
    if lattice.acceleration == 1 and not mask.all() and _has_inner_gaps(mask):
        raise DataError("GRAPPA: the measured lines are no regular lattice. Use Spirit, or ProximalGradient with a prior.")
    taps = np.arange(recipe.columns) - recipe.columns // 2
    taps = taps[np.abs(taps) <= (block.shape[4] - 1) // 2]
    phases = fourier_of_offsets(taps, columns, block)
    kernels = []
    for number in range(1, lattice.acceleration):
        sources = lattice.sources(number, recipe.reach, (mask.shape[0], mask.shape[1]))
        kernels.append(Kernel(sources=sources, weights=_column_weights(block, sources, taps, phases, recipe.damping)))
    return GrappaKernels(lattice=lattice, kernels=tuple(kernels))


def noise_variance(
    kernels: GrappaKernels, maps: Complex[Tensor, "x channel z y"], count: Int[np.ndarray, "kz ky"]
) -> Float[Tensor, "x z y"]:
    """Of the combined image for white noise of variance 1 and unitary transforms.

    Where the centre is fully sampled nothing is predicted: its share of k-space has the noise of full sampling. Effects at
    the edges of these regions are left out.
    """
    mask = count > 0
    on_lattice = _lattice_mask(kernels.lattice, mask.shape) & mask
    extra = int((mask & ~on_lattice).sum())
    surrounded = min(extra / max(1, kernels.lattice.acceleration - 1), float(on_lattice.sum()))
    alone = float(on_lattice.sum()) - surrounded
    repeats = float(np.mean(1 / count[mask]))
    size = (maps.real.square() + maps.imag.square()).sum(1)
    return (kernels.noise_gain(maps) * alone + size * (extra + surrounded)) * (repeats / mask.size)


def _column_weights(
    block: Complex[Tensor, "frame channel cz cy cx"],
    sources: Int[np.ndarray, "source 2"],
    taps: Int[np.ndarray, " tap"],
    phases: Complex[Tensor, "x tap"],
    damping: float,
) -> Complex[Tensor, "x sc channel"]:
    channels = block.shape[1]
    offsets = np.concatenate([np.repeat(sources, len(taps), axis=0), np.tile(taps, len(sources))[:, None]], axis=1)
    offsets = np.concatenate([offsets, np.zeros((1, 3), offsets.dtype)])
    half = (int(np.abs(sources[:, 0]).max()), int(np.abs(sources[:, 1]).max()), int(np.abs(taps).max()))
    gram = neighbourhood_gram(block, offsets, half)
    known = (len(offsets) - 1) * channels
    found = solve_weights(gram, np.arange(known), np.arange(known, known + channels), damping)
    found = found.reshape(len(sources), len(taps), channels * channels).permute(1, 0, 2).reshape(len(taps), -1)
    return (phases @ found).reshape(phases.shape[0], len(sources) * channels, channels)


def _predict(
    table: Complex[Tensor, "x place channel"],
    known: Bool[np.ndarray, "kz ky"],
    z: Int[np.ndarray, " point"],
    y: Int[np.ndarray, " point"],
    kernel: Kernel,
) -> None:
    """Fill the rows of `table` of the positions (z, y); its last row is zero and stands for sources that are not there."""
    ky = known.shape[1]
    place, enough = _source_places(known, z, y, kernel.sources)
    place = place[enough]
    goal = torch.from_numpy((z * ky + y)[enough]).to(table.device)
    index = torch.from_numpy(place).to(table.device)
    x, _, channels = table.shape
    wide = max(1, _BLOCK_ELEMENTS // (len(kernel.sources) * channels))
    points, columns = min(wide, max(1, len(goal))), max(1, wide // max(1, len(goal)))

    def fill(block: tuple[int, int]) -> None:
        column, first = slice(block[0], block[0] + columns), slice(block[1], block[1] + points)
        taken = table[column].index_select(1, index[first].reshape(-1))
        taken = taken.reshape(taken.shape[0], -1, len(kernel.sources) * channels)
        table[column].index_copy_(1, goal[first], torch.bmm(taken, kernel.weights[column]))

    run_threaded(fill, [(column, first) for column in range(0, x, columns) for first in range(0, len(goal), points)])


def _source_places(
    known: Bool[np.ndarray, "kz ky"], z: Int[np.ndarray, " point"], y: Int[np.ndarray, " point"], sources: Int[np.ndarray, "s 2"]
) -> tuple[Int[np.ndarray, "point s"], Bool[np.ndarray, " point"]]:
    """The place of every source, that of the zero row where it was not measured, and which points have enough of them."""
    kz, ky = known.shape
    half_z, half_y = (int(n) for n in np.abs(sources).max(axis=0))
    table = np.full((kz + 2 * half_z, ky + 2 * half_y), -1, dtype=np.int32)
    inner = table[half_z : half_z + kz, half_y : half_y + ky]
    inner[...] = np.where(known, np.arange(kz * ky, dtype=np.int32).reshape(kz, ky), kz * ky)
    width = table.shape[1]
    start = ((z + half_z) * width + y + half_y).astype(np.int32)
    place = table.reshape(-1)[start[:, None] + (sources[:, 0] * width + sources[:, 1]).astype(np.int32)]
    enough = np.ones(len(place), dtype=bool)
    # Both kinds of missing source are found in one pass: as unsigned numbers, -1 is the largest.
    poor = np.flatnonzero(place.view(np.uint32).max(axis=1) >= kz * ky)
    inside = place[poor] >= 0
    enough[poor] = ((place[poor] < kz * ky) & inside).sum(axis=1) > _ENOUGH * inside.sum(axis=1)
    place[place < 0] = kz * ky
    return place, enough


def _lattice_mask(lattice: Lattice, shape: tuple[int, ...]) -> Bool[np.ndarray, "kz ky"]:
    z, y = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    return lattice.contains(z, y)


def _same(one: Lattice, two: Lattice) -> None:
    if (one.partitions, one.lines, one.shift) != (two.partitions, two.lines, two.shift):
        raise DataError("GRAPPA: frames differ in their undersampling. Reconstruct them one by one.")


def _has_inner_gaps(mask: Bool[np.ndarray, "kz ky"]) -> bool:
    z, y = np.nonzero(mask)
    return not mask[z.min() : z.max() + 1, y.min() : y.max() + 1].all()
