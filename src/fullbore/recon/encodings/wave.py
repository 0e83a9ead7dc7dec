"""Wave-CAIPI: while a line is read, gradients along phase and partition swing, and voxels spread along the read direction.

The samples of all lines leave their line by the same course dk(kx), so in hybrid space (kx, z, y) the swing is a phase,
exp(-2 pi i (dk_y(kx) y + dk_z(kx) z)), between the transform along the readout and those along (z, y): folded voxels are
drawn out differently by where they come from, and the channels tell them apart with less noise.
Source: Bilgic et al., Magn Reson Med 73:2152 (2015), eqs. 2 to 5.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from fullbore.data import Encoding, Geometry, RawData
from fullbore.numerics.fourier import fft_centred, ifft_centred
from fullbore.recon.admission import imaging_rows
from fullbore.recon.calibration.central_block import calibration_block, has_gaps
from fullbore.recon.encodings.cartesian import CartesianData
from fullbore.recon.encodings.readouts import Readouts, check_complete, prepare_readouts
from fullbore.recon.encodings.volume import EncodedVolume
from fullbore.recon.frames import columns_of

# A swing of less than this part of a k-space step is no encoding, and lines may differ by so much and still be one course.
_LEAST_STEPS = 0.05
_CHECKED_ROWS = 64


def wave_course(raw: RawData) -> Float[np.ndarray, "sample 2"] | None:
    """How far (phase, slice; cycles/m) every sample leaves its line, when all readouts do so alike; None when they do not.

    None, too, for straight lines and for samples that differ along the readout from what the encoding says.
    """
    if raw.trajectory_per_m is None:
        return None
    geometry = raw.encoding.geometry
    rows = np.flatnonzero(imaging_rows(raw))
    rows = rows[np.linspace(0, len(rows) - 1, min(_CHECKED_ROWS, len(rows))).astype(int)]
    away = (raw.trajectory_per_m[rows] - _straight(raw.encoding.take(rows))) @ _frame(geometry).T
    step = 1 / np.array([geometry.encoded_fov_m[0], geometry.encoded_fov_m[1], geometry.encoded_fov_m[2] or np.inf])
    alike = np.abs(away - away[0]).max(axis=(0, 1)) < _LEAST_STEPS * step
    swings = np.abs(away[0]).max(axis=0) > _LEAST_STEPS * step
    return np.asarray(away[0][:, 1:]) if alike.all() and not swings[0] and swings[1:].any() else None


def _straight(encoding: Encoding) -> Float[np.ndarray, "row sample 3"]:
    """The lines of the encoding, (row, sample, LPS), cycles/m; of rows without a step those of their counters.

    Rows that follow a curve have no step; a file keeps that, though not the curve.
    """
    geometry = encoding.geometry
    line, partition = encoding.counter("line"), encoding.counter("partition")
    k = np.zeros((encoding.rows, encoding.samples, 3))
    k[..., 0] = (np.arange(encoding.samples) - encoding.centre_sample) / geometry.encoded_fov_m[0]
    k[..., 1] = ((line - geometry.encoded_matrix[1] // 2) / geometry.encoded_fov_m[1])[:, None]
    if geometry.is_3d:
        k[..., 2] = ((partition - geometry.encoded_matrix[2] // 2) / geometry.encoded_fov_m[2])[:, None]
    straight = replace(encoding, curve=None, curves=()).trajectory_per_m()
    stepping = np.asarray(encoding.k_step_per_m.any(axis=1))
    return np.asarray(np.where(stepping[:, None, None], straight, k @ _frame(geometry)))


def _frame(geometry: Geometry) -> Float[np.ndarray, "3 3"]:
    """Read, phase and slice as rows."""
    return np.stack([geometry.read, geometry.phase, geometry.slice])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaveVolume(EncodedVolume):
    """One slice or slab under a wave.

    readouts: values (row, channel, kx). spread_y: (kx, y), spread_z: (kx, z), the wave's phases. wide: samples along kx.
    """

    maps: Complex[Tensor, "part x channel z y"]
    readouts: Readouts
    rows: tuple[Int[np.ndarray, " n"], ...]
    counts: tuple[Int[np.ndarray, "kz ky"], ...]
    spread_y: Complex[Tensor, "kx y"]
    spread_z: Complex[Tensor, "kx z"]
    _phase: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_phase", self.spread_z[:, :, None] * self.spread_y[:, None, :])

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """(frame, part, x, z, y) of the image."""
        parts, x, _, z, y = self.maps.shape
        return len(self.rows), parts, x, z, y

    @property
    def independent_axes(self) -> tuple[int, ...]:
        """Frames."""
        return (0,)

    @property
    def has_gaps(self) -> bool:
        """As of the lines without the wave."""
        return has_gaps(self.counts[0] > 0)

    @property
    def acceleration(self) -> float:
        """Positions (kz, ky) over measured ones."""
        return float(self.counts[0].size) / float(np.count_nonzero(self.counts[0]))

    def only(self, frame: int) -> WaveVolume:
        """One frame of it."""
        return replace(self, rows=(self.rows[frame],), counts=(self.counts[frame],))

    def matched_variance(self) -> Float[Tensor, "x z y"]:
        """As without the wave: it only moves signal."""
        count = self.counts[0]
        measured = float(np.mean(np.where(count > 0, 1 / np.maximum(count, 1), 0.0)))
        return measured * (self.maps.real.square() + self.maps.imag.square()).sum((0, 2))

    def adjoint(self) -> Complex[Tensor, "frame part x z y"]:
        """A^H y."""
        result = torch.zeros(self.shape, dtype=self.maps.dtype, device=self.maps.device)
        for frame, rows in enumerate(self.rows):
            kspace = self.readouts.kspace(rows, slice(None))
            for channel in range(kspace.shape[1]):
                image = self._to_image(kspace[:, channel])
                result[frame] += self.maps[:, :, channel].conj() * image
        return result

    def normal(self, image: Complex[Tensor, "frame part x z y"]) -> Complex[Tensor, "frame part x z y"]:
        """A^H A image, one channel at a time."""
        result = torch.zeros_like(image)
        for frame, count in enumerate(self.counts):
            mask = torch.from_numpy((count > 0).astype(np.float32)).to(self.maps.device)
            for channel in range(self.maps.shape[2]):
                maps = self.maps[:, :, channel]
                kspace = self._to_kspace((maps * image[frame]).sum(0)).mul_(mask)
                result[frame] += maps.conj() * self._to_image(kspace)
        return result

    def _to_kspace(self, channel: Complex[Tensor, "x z y"]) -> Complex[Tensor, "kx kz ky"]:
        wide, x = len(self.spread_y), channel.shape[0]
        first = wide // 2 - x // 2
        embedded = torch.zeros((wide, *channel.shape[1:]), dtype=channel.dtype, device=channel.device)
        embedded[first : first + x] = channel
        return fft_centred(fft_centred(embedded, (0,)).mul_(self._phase), (1, 2))

    def _to_image(self, kspace: Complex[Tensor, "kx kz ky"]) -> Complex[Tensor, "x z y"]:
        wide, x = len(self.spread_y), self.maps.shape[1]
        first = wide // 2 - x // 2
        return ifft_centred(ifft_centred(kspace, (1, 2)).mul_(self._phase.conj()), (0,))[first : first + x]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaveData(CartesianData):
    """Readouts as (row, channel, kx) over the whole encoded field of view, with the course that all of them follow.

    course_steps: (kx, 2), the wave along y and z in steps of k-space. x: columns of the image.
    """

    course_steps: Float[np.ndarray, "kx 2"]
    x: int

    @property
    def grid(self) -> tuple[int, int, int]:
        """(z, y, x) of one slice or slab."""
        return (*self.readouts.matrix, self.x)

    def calibration(self, slice_: int, largest: int) -> Complex[Tensor, "frame channel kz ky kx"]:
        """The fully sampled centre with the wave taken off; its edges, where the wave reaches beyond it, are cut."""
        reach = np.ceil(np.abs(self.course_steps).max(axis=0)).astype(int)
        still = replace(self.readouts, values=ifft_centred(self.readouts.values, (-1,)))
        block = calibration_block(still, slice_, largest + 2 * int(reach.max()), wide=True)
        images = ifft_centred(block, (-3, -2))
        y, z = self._spread(images.shape[-2], 0), self._spread(images.shape[-3], 1)
        kspace = fft_centred(images * y.conj().T[None, None, None] * z.conj().T[None, None, :, None], (-3, -2))
        columns = ifft_centred(kspace, (-1,))
        wide = columns.shape[-1]
        inside = columns[..., wide // 2 - self.x // 2 : wide // 2 - self.x // 2 + self.x]
        kz, ky = (slice(r, n - r) if n > 2 * r + 1 else slice(None) for n, r in zip(block.shape[2:4], reach[::-1], strict=True))
        width = min(self.x, largest)
        full = fft_centred(inside.contiguous(), (-1,))
        return full[..., kz, ky, self.x // 2 - width // 2 : self.x // 2 - width // 2 + width].contiguous()

    def volume(self, slice_: int, maps: Complex[Tensor, "part x channel z y"]) -> WaveVolume:  # type: ignore[override]
        """One slice or slab with all its frames."""
        z, y, _ = self.grid
        return WaveVolume(
            maps=maps,
            readouts=self.readouts,
            rows=tuple(self.readouts.rows(frame, slice_) for frame in range(self.frames)),
            counts=tuple(self.readouts.mask(frame, slice_) for frame in range(self.frames)),
            spread_y=self._spread(y, 0),
            spread_z=self._spread(z, 1),
        )

    def _spread(self, voxels: int, axis: int) -> Complex[Tensor, "kx n"]:
        """Phases over `voxels` that span the encoded field of view."""
        place = (np.arange(voxels) - voxels // 2) / voxels
        return torch.from_numpy(np.exp(-2j * np.pi * np.outer(self.course_steps[:, axis], place)).astype(np.complex64)).to(
            self.readouts.values.device
        )


def prepare_wave(
    raw: RawData, mixing: Complex[np.ndarray, "out coil"], shift_m: Float[np.ndarray, 3], course: Float[np.ndarray, "sample 2"]
) -> WaveData:
    """Channels mixed, readouts placed along kx; `course` from `wave_course`, `shift_m` as in `prepare_readouts`."""
    geometry = raw.encoding.geometry
    wide = columns_of(raw)
    whole = replace(
        geometry,
        matrix=(wide, *geometry.matrix[1:]),
        fov_m=(geometry.encoded_fov_m[0], *geometry.fov_m[1:]),
    )
    readouts = prepare_readouts(replace(raw, encoding=replace(raw.encoding, geometry=whole)), mixing, shift_m)
    check_complete(readouts)
    kspace = fft_centred(readouts.values, (-1,))
    target = np.arange(raw.encoding.samples) - raw.encoding.centre_sample + wide // 2
    inside = (target >= 0) & (target < wide)
    placed = np.zeros((wide, 2))
    placed[target[inside]] = course[inside]
    # What the wave adds to the phase of the image's centre is no encoding.
    kspace *= torch.from_numpy(np.exp(2j * np.pi * (placed @ shift_m[1:])).astype(np.complex64))
    extent = np.array([geometry.encoded_fov_m[1], geometry.encoded_fov_m[2] if geometry.is_3d else 0.0])
    return WaveData(readouts=replace(readouts, values=kspace), course_steps=placed * extent, x=geometry.matrix[0])
