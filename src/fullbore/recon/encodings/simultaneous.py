"""Slices excited together as one encoding: each with coil maps and a blip phase of its own, added up in the channels.

    y(ky) = M sum_s exp(-2 pi i k_z(ky) z_s) F S_s x_s

The slices of a group take the place of `part`. Blips may be any: their phase is taken line by line. How raw data say which
slices are together is told in `completions.slice_grappa`. Sources: Larkman et al., J Magn Reson Imaging 13:313 (2001);
Breuer et al., Magn Reson Med 53:684 (2005).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from fullbore.data import RawData
from fullbore.errors import DataError
from fullbore.numerics.eigenvalue import largest_eigenvalue
from fullbore.numerics.fourier import fft_centred, ifft_centred
from fullbore.recon.completions.slice_grappa import check_measured_alone, groups_of, simultaneous_rows, slice_k, slice_places
from fullbore.recon.encodings.cartesian import CartesianData
from fullbore.recon.encodings.on_cartesian import OnCartesian
from fullbore.recon.encodings.readouts import Readouts, kept_rows
from fullbore.recon.encodings.volume import EncodedVolume, Prepared

_POWER_STEPS, _MARGIN = 15, 1.05
# Readouts of one line whose blips differ by more than this phase (rad) cannot be averaged.
_SAME = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimultaneousVolume(EncodedVolume):
    """One group; independent along the readout.

    rows, counts: of each frame, as in `CartesianVolume`. phases: of each frame, slice and line. maps: unit norm per slice.
    """

    readouts: Readouts
    rows: tuple[Int[np.ndarray, " n"], ...]
    counts: tuple[Int[np.ndarray, "kz ky"], ...]
    phases: Complex[Tensor, "frame part ky"]
    maps: Complex[Tensor, "part x channel z y"]

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """(frame, slice, x, 1, y) of the images."""
        parts, x, _, z, y = self.maps.shape
        return len(self.rows), parts, x, z, y

    def adjoint(self) -> Complex[Tensor, "frame part x z y"]:
        """A^H y."""
        frames = [self._back(self.readouts.kspace(rows, slice(None)), frame) for frame, rows in enumerate(self.rows)]
        return torch.stack(frames)

    def normal(self, image: Complex[Tensor, "frame part x z y"]) -> Complex[Tensor, "frame part x z y"]:
        """A^H A image."""
        return torch.stack([self._back(self.forward(part, frame), frame) for frame, part in enumerate(image)])

    def forward(self, image: Complex[Tensor, "part x z y"], frame: int) -> Complex[Tensor, "x channel z y"]:
        """k-space of one frame, zero where nothing was measured."""
        total = torch.zeros(self.maps.shape[1:], dtype=self.maps.dtype, device=self.maps.device)
        for maps, one, phase in zip(self.maps, image, self.phases[frame], strict=True):
            total += fft_centred(maps * one[:, None], (-1,)) * phase
        return total * self._mask(frame)

    def _back(self, kspace: Complex[Tensor, "x channel z y"], frame: int) -> Complex[Tensor, "part x z y"]:
        measured = kspace * self._mask(frame)
        images = [ifft_centred(measured * phase.conj(), (-1,)) for phase in self.phases[frame]]
        return torch.stack([(maps.conj() * one).sum(1) for maps, one in zip(self.maps, images, strict=True)])

    def _mask(self, frame: int) -> Float[Tensor, "kz ky"]:
        return torch.from_numpy((self.counts[frame] > 0).astype(np.float32)).to(self.maps.device)

    def only(self, frame: int) -> SimultaneousVolume:
        """One frame of it."""
        return replace(self, rows=(self.rows[frame],), counts=(self.counts[frame],), phases=self.phases[frame : frame + 1])

    @property
    def eigenvalue(self) -> float:
        """By power iteration on the first frame; never more than the number of slices."""
        single, bound = self.only(0), float(self.maps.shape[0])
        start = single.adjoint()
        if float(start.abs().max()) == 0:
            return bound
        return min(bound, _MARGIN * largest_eigenvalue(single.normal, start, _POWER_STEPS))

    @property
    def independent_axes(self) -> tuple[int, ...]:
        """Frames and columns."""
        return 0, 2

    def matched_variance(self) -> Float[Tensor, "x z y"]:
        """Of the first slice's A^H y; repeats that were averaged lower it."""
        count = self.counts[0]
        measured = float(np.mean(np.where(count > 0, 1 / np.maximum(count, 1), 0.0)))
        return measured * (self.maps[0].real.square() + self.maps[0].imag.square()).sum(1)

    @property
    def acceleration(self) -> float:
        """Within the planes: lines over measured ones."""
        return float(self.counts[0].size) / float(np.count_nonzero(self.counts[0]))

    @property
    def has_gaps(self) -> bool:
        """Always: several slices lie on each other."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimultaneousData(OnCartesian):
    """Readouts of groups of slices. The centre of k-space is that of slices measured alone.

    groups: the slices of each. along_per_m: k along the slices of each row. places_m: of each slice, on the same origin.
    """

    groups: tuple[tuple[int, ...], ...]
    along_per_m: Float[np.ndarray, " row"]
    places_m: Float[np.ndarray, " slice"]

    @property
    def slices(self) -> int:
        """Number of groups."""
        return len(self.groups)

    def members(self, number: int) -> tuple[int, ...]:
        """The slices of a group."""
        return self.groups[number]

    def volume(self, slice_: int, maps: Complex[Tensor, "part x channel z y"]) -> SimultaneousVolume:
        """One group; maps: of its slices, in order."""
        readouts = self.data.readouts
        rows = tuple(readouts.rows(frame, slice_) for frame in range(self.frames))
        phases = np.stack([self._phases(part, self.groups[slice_]) for part in rows])
        return SimultaneousVolume(
            readouts=readouts,
            rows=rows,
            counts=tuple(readouts.mask(frame, slice_) for frame in range(self.frames)),
            phases=torch.from_numpy(phases.astype(np.complex64)),
            maps=maps,
        )

    def _phases(self, rows: Int[np.ndarray, " n"], members: tuple[int, ...]) -> Complex[np.ndarray, "band ky"]:
        line = self.data.readouts.line[rows]
        phase = np.exp(-2j * np.pi * self.along_per_m[rows] * self.places_m[list(members)][:, None])
        table = np.ones((len(members), self.data.readouts.matrix[1]), dtype=complex)
        table[:, line] = phase
        if np.abs(table[:, line] - phase).max(initial=0) > _SAME:
            raise DataError("simultaneous slices: repeats of a line have different blips. Give them frames of their own.")
        return table


def simultaneous(data: CartesianData, raw: RawData) -> Prepared:
    """The data with groups of slices, or as they are when no slices were excited together.

    data: not yet separated, one row for each of `kept_rows`. Errors: DataError for partitions, for single slices among the
    groups, for groups that are incomplete, and without calibration.
    """
    readouts, kept = data.readouts, kept_rows(raw)
    imaging = ~readouts.for_calibration
    together = simultaneous_rows(raw)[kept] & imaging
    if not together.any():
        return data
    if not together[imaging].all() or readouts.matrix[0] > 1:
        raise DataError("simultaneous slices: some imaging readouts are of a single slice or a slab. Use SliceGrappa.")
    numbers = groups_of(readouts, together)
    for frame in range(readouts.frames):
        for number in numbers:
            if not len(readouts.rows(frame, int(number))):
                raise DataError(f"raw data, frame {frame}, group {number}: not one readout was measured. Leave the frame out.")
    for number in range(readouts.slices):
        check_measured_alone(readouts, number)
    groups = tuple(tuple(range(int(number), readouts.slices, len(numbers))) for number in numbers)
    return SimultaneousData(data=data, groups=groups, along_per_m=slice_k(raw, kept), places_m=slice_places(raw))
