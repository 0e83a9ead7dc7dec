"""GRAPPA on columns: the readout is fully sampled, so its taps become weights that differ from column to column.

Around every point of the lattice of measured samples lies a cell of missing ones. All of a cell is predicted from the
same sources: one regularised least squares from the calibration block, applied as one matrix product. CAIPIRINHA
lattices need no other treatment. Sources: Griswold et al., Magn Reson Med 47:1202 (2002); Breuer et al., Magn Reson Med
62:739 (2009) for the noise.
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
class GrappaKernels:
    """Sources and targets (kz, ky) around a point of a lattice, and the weights on every column."""

    lattice: Lattice
    sources: Int[np.ndarray, "source 2"]
    targets: Int[np.ndarray, "target 2"]
    weights: Complex[Tensor, "x sc tc"]

    def complete(
        self, kspace: Complex[Tensor, "x channel kz ky"], mask: Bool[np.ndarray, "kz ky"]
    ) -> Complex[Tensor, "x channel kz ky"]:
        """The same samples, and what they predict between them; zero beyond the edge of what was measured."""
        lattice = find_lattice(mask)
        _same(self.lattice, lattice)
        if not len(self.targets):
            return kspace
        x, channels, kz, ky = kspace.shape
        # Two more rows: zero as a source that is not there, and the place of targets that are not wanted. Sources are
        # measured and targets are not, so that both may lie in one table.
        table = torch.empty((x, kz * ky + 2, channels), dtype=kspace.dtype, device=kspace.device)
        table[:, :-2].view(x, kz, ky, channels).copy_(kspace.permute(0, 2, 3, 1))
        table[:, -2:] = 0
        place, goal = self._places(lattice, mask)
        _predict(table, torch.from_numpy(place).to(table.device), torch.from_numpy(goal).to(table.device), self.weights)
        return table[:, :-2].view(x, kz, ky, channels).permute(0, 3, 1, 2)

    def _places(
        self, lattice: Lattice, mask: Bool[np.ndarray, "kz ky"]
    ) -> tuple[Int[np.ndarray, "cell source"], Int[np.ndarray, "cell target"]]:
        """Rows of the table of every cell's sources and targets."""
        kz, ky = mask.shape
        z, y = lattice.points((kz, ky))
        nowhere = kz * ky
        unwanted = nowhere + 1
        offsets = np.concatenate([self.sources, self.targets])
        low, high = -offsets.min(axis=0) + lattice.partitions + lattice.lines, offsets.max(axis=0)
        width = ky + int(low[1] + high[1])
        start = ((z + low[0]) * width + y + low[1]).astype(np.int32)[:, None]
        index, inner = np.arange(nowhere, dtype=np.int32).reshape(kz, ky), np.s_[low[0] : low[0] + kz, low[1] : low[1] + ky]
        rows = np.full((2, kz + low[0] + high[0], width), -1, dtype=np.int32)
        rows[0][inner], rows[1][inner] = np.where(mask, index, nowhere), np.where(mask, unwanted, index)
        flat = (offsets[:, 0] * width + offsets[:, 1]).astype(np.int32)
        place = rows[0].reshape(-1)[start + flat[: len(self.sources)]]
        goal = rows[1].reshape(-1)[start + flat[len(self.sources) :]]
        # Missing sources are found in one pass: as an unsigned number, -1 (outside) is the largest.
        poor = np.flatnonzero(place.view(np.uint32).max(axis=1) >= nowhere)
        measured, outside = (place[poor] >= 0) & (place[poor] < nowhere), place[poor] < 0
        enough = measured.sum(axis=1) > _ENOUGH * (~outside).sum(axis=1)
        place[poor] = np.where(measured, place[poor], nowhere)
        goal[poor[~enough]] = unwanted
        goal[goal < 0] = unwanted
        return place, goal.astype(np.int64)

    def noise_gain(self, maps: Complex[Tensor, "x channel z y"]) -> Float[Tensor, "x z y"]:
        """R times the noise variance of the combined image of one lattice: g^2 R for maps of unit norm. Breuer 2009, eq. 9."""
        x, channels, z, y = maps.shape
        gain = torch.empty((x, z, y), dtype=torch.float32)
        # What lies at a source goes into a target: the kernel's offsets are their differences.
        offsets = (self.sources[:, None] - self.targets[None]).reshape(-1, 2)
        along_z = fourier_of_offsets(offsets[:, 0], z, maps)
        along_y = fourier_of_offsets(offsets[:, 1], y, maps)
        waves = (along_z[:, None] * along_y[None]).reshape(z * y, -1).T.contiguous()
        shape = (len(self.sources), channels, len(self.targets), channels)

        def column(index: int) -> None:
            here = maps[index].reshape(channels, -1).conj()
            total = here.clone()
            if len(self.targets):
                # (from, to) at every offset.
                joint = self.weights[index].reshape(shape).permute(1, 3, 0, 2).reshape(channels * channels, -1)
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
    sources, targets = lattice.sources(recipe.reach, (mask.shape[0], mask.shape[1])), lattice.targets()
    weights = _column_weights(block, sources, targets, taps, phases, recipe.damping)
    return GrappaKernels(lattice=lattice, sources=sources, targets=targets, weights=weights)


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
    targets: Int[np.ndarray, "target 2"],
    taps: Int[np.ndarray, " tap"],
    phases: Complex[Tensor, "x tap"],
    damping: float,
) -> Complex[Tensor, "x sc tc"]:
    channels, columns = block.shape[1], phases.shape[0]
    into = len(targets) * channels
    if not into:
        return torch.zeros((columns, len(sources) * channels, 0), dtype=block.dtype)
    around = np.concatenate([np.repeat(sources, len(taps), axis=0), np.tile(taps, len(sources))[:, None]], axis=1)
    middle = np.concatenate([targets, np.zeros((len(targets), 1), targets.dtype)], axis=1)
    gram = neighbourhood_gram(block, np.concatenate([around, middle]))
    known = len(around) * channels
    found = solve_weights(gram, np.arange(known), np.arange(known, known + into), damping)
    found = found.reshape(len(sources), len(taps), channels * into).permute(1, 0, 2).reshape(len(taps), -1)
    return (phases @ found).reshape(columns, len(sources) * channels, into)


def _predict(
    table: Complex[Tensor, "x place channel"],
    place: Int[Tensor, "cell source"],
    goal: Int[Tensor, "cell target"],
    weights: Complex[Tensor, "x sc tc"],
) -> None:
    """Write what the rows `place` of `table` predict into its rows `goal`, in blocks of columns and cells."""
    x, _, channels = table.shape
    cells, sources = place.shape
    wide = max(1, _BLOCK_ELEMENTS // (sources * channels))
    high, columns = min(wide, max(1, cells)), max(1, wide // max(1, cells))

    def fill(block: tuple[int, int]) -> None:
        column, cell = slice(block[0], block[0] + columns), slice(block[1], block[1] + high)
        taken = table[column].index_select(1, place[cell].reshape(-1))
        taken = taken.reshape(taken.shape[0], -1, sources * channels)
        found = torch.bmm(taken, weights[column])
        table[column].index_copy_(1, goal[cell].reshape(-1), found.reshape(found.shape[0], -1, channels))

    run_threaded(fill, [(column, cell) for column in range(0, x, columns) for cell in range(0, cells, high)])


def _lattice_mask(lattice: Lattice, shape: tuple[int, ...]) -> Bool[np.ndarray, "kz ky"]:
    z, y = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    return lattice.contains(z, y)


def _same(one: Lattice, two: Lattice) -> None:
    if (one.partitions, one.lines, one.shift) != (two.partitions, two.lines, two.shift):
        raise DataError("GRAPPA: frames differ in their undersampling. Reconstruct them one by one.")


def _has_inner_gaps(mask: Bool[np.ndarray, "kz ky"]) -> bool:
    z, y = np.nonzero(mask)
    return not mask[z.min() : z.max() + 1, y.min() : y.max() + 1].all()
