"""Cartesian encoding of a slice or slab: coil maps, a Fourier transform along (z, y), and what each frame measured."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from fullbore.data import RawData
from fullbore.numerics.sensitivity import SliceEncoding
from fullbore.recon.calibration.central_block import calibration_block, has_gaps, sampled_centre
from fullbore.recon.completions.slice_grappa import separated
from fullbore.recon.encodings.readouts import Readouts, check_complete, kept_rows, prepare_readouts
from fullbore.recon.encodings.volume import EncodedVolume, Prepared
from fullbore.recon.recipe import Recipe, SmsSense

_BLOCK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CartesianVolume(EncodedVolume):
    """Readout columns are independent of each other: everything happens along (z, y).

    rows: of each frame, into `readouts`. counts: how often each frame measured each (kz, ky); repeats are averaged.
    maps: unit norm over parts and channels, or zero.
    """

    readouts: Readouts
    rows: tuple[Int[np.ndarray, " n"], ...]
    counts: tuple[Int[np.ndarray, "kz ky"], ...]
    maps: Complex[Tensor, "part x channel z y"]
    _encodings: tuple[SliceEncoding, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        masks = [torch.from_numpy((count > 0).astype(np.float32)).to(self.maps.device) for count in self.counts]
        first = SliceEncoding(maps=self.maps, mask=masks[0])
        object.__setattr__(self, "_encodings", (first, *(first.with_mask(mask) for mask in masks[1:])))

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """(frame, part, x, z, y) of the image."""
        parts, x, _, z, y = self.maps.shape
        return len(self.rows), parts, x, z, y

    def adjoint(self) -> Complex[Tensor, "frame part x z y"]:
        """A^H y: the data are gridded, transformed and combined in blocks of columns, so the gridded whole never exists."""
        result = torch.empty(self.shape, dtype=self.maps.dtype, device=self.maps.device)
        per_column = self.maps[:, 0].numel() * self.maps.element_size()
        step = max(1, _BLOCK_BYTES // per_column)
        everything = torch.ones(self.maps.shape[-2:], dtype=torch.float32, device=self.maps.device)
        whole = self._encodings[0].with_mask(everything)
        for first in range(0, self.maps.shape[1], step):
            block = slice(first, first + step)
            encoding = whole.of_slices(block)
            for frame, rows in enumerate(self.rows):
                result[frame, :, block] = encoding.adjoint(self.readouts.kspace(rows, block))
        return result

    def normal(self, image: Complex[Tensor, "frame part x z y"]) -> Complex[Tensor, "frame part x z y"]:
        """A^H A image."""
        if len(self._encodings) == 1:
            return self._encodings[0].normal(image)
        result = torch.empty_like(image)
        for encoding, frame, found in zip(self._encodings, image, result, strict=True):
            found.copy_(encoding.normal(frame))
        return result

    def only(self, frame: int) -> CartesianVolume:
        """One frame of it."""
        return replace(self, rows=(self.rows[frame],), counts=(self.counts[frame],))

    @property
    def independent_axes(self) -> tuple[int, ...]:
        """Frames and columns."""
        return 0, 2

    def matched_variance(self) -> Float[Tensor, "x z y"]:
        """Repeats that were averaged lower it."""
        count = self.counts[0]
        measured = float(np.mean(np.where(count > 0, 1 / np.maximum(count, 1), 0.0)))
        size = torch.empty((self.maps.shape[1], *self.maps.shape[-2:]), dtype=torch.float32, device=self.maps.device)
        # Column by column: squares of all maps at once would take their memory once more.
        for found, column in zip(size, self.maps.unbind(1), strict=True):
            torch.sum(torch.view_as_real(column).square(), (0, 1, -1), out=found)
        return size.mul_(measured)

    @property
    def acceleration(self) -> float:
        """Positions (kz, ky) over measured ones."""
        return float(self.counts[0].size) / float(np.count_nonzero(self.counts[0]))

    @property
    def has_gaps(self) -> bool:
        """True when a position is missing between measured ones along kz or ky."""
        return has_gaps(self.counts[0] > 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CartesianData(Prepared):
    """Readouts on a grid."""

    readouts: Readouts

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.readouts.frames

    @property
    def slices(self) -> int:
        """Number of slices; 1 for a slab."""
        return self.readouts.slices

    @property
    def channels(self) -> int:
        """Number of virtual channels."""
        return int(self.readouts.values.shape[1])

    @property
    def grid(self) -> tuple[int, int, int]:
        """(z, y, x) of one slice or slab."""
        return (*self.readouts.matrix, int(self.readouts.values.shape[2]))

    @property
    def columns_sampled(self) -> float:
        """Fraction of the readout's k-space that was measured."""
        return self.readouts.columns_sampled

    def mixed(self, matrix: Complex[Tensor, "out channel"]) -> CartesianData:
        """Channels combined by `matrix`."""
        return replace(self, readouts=replace(self.readouts, values=matrix @ self.readouts.values))

    def mixed_columns(self, matrices: Complex[Tensor, "x out channel"]) -> CartesianData:
        """Channels combined by a matrix of each column's own."""
        values = torch.einsum("xoc,rcx->rox", matrices, self.readouts.values)
        return replace(self, readouts=replace(self.readouts, values=values.contiguous()))

    def strongest_columns(self, count: int) -> Complex[Tensor, "x channel n"]:
        """`strongest_samples` column by column."""
        return self.strongest_samples(count).reshape(self.channels, -1, self.grid[2]).permute(2, 0, 1)

    def strongest_samples(self, count: int) -> Complex[Tensor, "channel n"]:
        """Samples of the `count` readouts nearest to the centre of k-space."""
        readouts = self.readouts
        distance = np.abs(readouts.line - readouts.matrix[1] // 2) + np.abs(readouts.partition - readouts.matrix[0] // 2)
        rows = torch.from_numpy(np.argsort(distance, kind="stable")[:count]).to(readouts.values.device)
        return readouts.values[rows].movedim(1, 0).reshape(self.channels, -1)

    def calibration(self, slice_: int, largest: int) -> Complex[Tensor, "frame channel kz ky kx"]:
        """The fully sampled centre of k-space."""
        return calibration_block(self.readouts, slice_, largest)

    def sampled_centre(self, slice_: int, largest: int) -> tuple[Complex[Tensor, "channel kz ky kx"], Float[Tensor, "kz ky kx"]]:
        """The central samples of the first frame, zero in the gaps, and where there are none."""
        return sampled_centre(self.readouts, slice_, largest)

    def volume(self, slice_: int, maps: Complex[Tensor, "part x channel z y"]) -> CartesianVolume:
        """One slice or slab with all its frames."""
        rows = tuple(self.readouts.rows(frame, slice_) for frame in range(self.frames))
        counts = tuple(self.readouts.mask(frame, slice_) for frame in range(self.frames))
        return CartesianVolume(readouts=self.readouts, rows=rows, counts=counts, maps=maps)


def prepare_cartesian(
    raw: RawData, mixing: Complex[np.ndarray, "out coil"], shift_m: Float[np.ndarray, 3], recipe: Recipe | None = None
) -> CartesianData:
    """Channels mixed, readouts transformed and placed, `SliceGrappa` carried out; `shift_m` as in `prepare_readouts`.

    Errors: DataError when a frame lacks a slice; those of `separated`.
    """
    recipe = recipe or Recipe()
    readouts = prepare_readouts(raw, mixing, shift_m, recipe.readout_phase)
    if isinstance(recipe.multiband, SmsSense):
        return CartesianData(readouts=readouts)
    readouts = separated(readouts, raw, kept_rows(raw), recipe.multiband)
    check_complete(readouts)
    return CartesianData(readouts=readouts)
