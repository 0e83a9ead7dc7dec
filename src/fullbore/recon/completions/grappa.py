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
from fullbore.recon.completions.cells import lay_out, predicted
from fullbore.recon.completions.kernel import fourier_of_offsets, neighbourhood_gram, solve_weights
from fullbore.recon.completions.lattice import Lattice, find_lattice
from fullbore.recon.recipe.completions import Grappa

# Cells that are predicted together, so that their results stay in a core's own cache; and the fewest that are worth a thread.
_BLOCK_CELLS, _FEWEST_CELLS = 1 << 13, 1 << 12
# A sample is predicted when more than this share of its sources was measured: not beyond the edge of what was measured.
_ENOUGH = 0.52


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrappaKernels:
    """Sources and targets (kz, ky) around a point of the lattice of a mask, and the weights on every column."""

    lattice: Lattice
    mask: Bool[np.ndarray, "kz ky"]
    sources: Int[np.ndarray, "source 2"]
    targets: Int[np.ndarray, "target 2"]
    weights: Complex[Tensor, "x sc tc"]

    def complete(
        self, kspace: Complex[Tensor, "x channel kz ky"], mask: Bool[np.ndarray, "kz ky"]
    ) -> Complex[Tensor, "x channel kz ky"]:
        """The same samples, and what they predict between them; zero beyond the edge of what was measured."""
        lattice = self.lattice if np.array_equal(mask, self.mask) else find_lattice(mask)
        _same(self.lattice, lattice)
        if not len(self.targets):
            return kspace
        channels = kspace.shape[1]
        filled = kspace.clone(memory_format=torch.contiguous_format)
        flat = filled.flatten(2)
        cells = lay_out(lattice, (mask.shape[0], mask.shape[1]), self.sources)
        # Measured positions beside the lattice are overwritten with their prediction and put back.
        beside = torch.from_numpy(np.flatnonzero(mask & ~cells.contains())).to(flat.device)
        kept = flat.index_select(2, beside)
        table, known = cells.table(filled), cells.well_known(mask, _ENOUGH)
        every = cells.rows * cells.width
        columns, share = max(1, _BLOCK_CELLS // every), -(-every * len(filled) // torch.get_num_threads())

        def fill(piece: tuple[int, int, tuple[int, int]]) -> None:
            first, number, rows = piece
            column = slice(first, first + columns)
            found = predicted(cells, table[column], self.weights[column], number, rows)
            if known is not None:
                found *= known[number, slice(*rows), :, None].to(found.device)
            for target, part in zip(self.targets.tolist(), found.split(channels, dim=-1), strict=True):
                cells.put(part, filled[column], number, (target[0], target[1]), rows)

        starts = range(0, len(filled), columns)
        run_threaded(
            fill, [(first, number, rows) for first in starts for number, rows in cells.pieces(max(share, _FEWEST_CELLS))]
        )
        flat.index_copy_(2, beside, kept)
        return filled

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
    return GrappaKernels(lattice=lattice, mask=mask, sources=sources, targets=targets, weights=weights)


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


def _lattice_mask(lattice: Lattice, shape: tuple[int, ...]) -> Bool[np.ndarray, "kz ky"]:
    z, y = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    return lattice.contains(z, y)


def _same(one: Lattice, two: Lattice) -> None:
    if (one.partitions, one.lines, one.shift) != (two.partitions, two.lines, two.shift):
        raise DataError("GRAPPA: frames differ in their undersampling. Reconstruct them one by one.")


def _has_inner_gaps(mask: Bool[np.ndarray, "kz ky"]) -> bool:
    z, y = np.nonzero(mask)
    return not mask[z.min() : z.max() + 1, y.min() : y.max() + 1].all()
