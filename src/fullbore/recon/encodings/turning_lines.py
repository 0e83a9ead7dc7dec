"""Lines of a grid while every voxel turns at its own off-resonance: echo-planar trains above all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from scipy.ndimage import map_coordinates
from torch import Tensor

from fullbore.data import RawData
from fullbore.numerics.eigenvalue import largest_eigenvalue
from fullbore.numerics.fourier import fft_centred
from fullbore.numerics.phase_factors import PhaseFactors, phase_factors
from fullbore.numerics.phased_transform import AxesFourier, ChannelEncoding, PhasedTransform
from fullbore.recon.encodings.cartesian import CartesianVolume
from fullbore.recon.encodings.readouts import Readouts, kept_rows
from fullbore.recon.encodings.sample_times import readout_times_s, row_times_s
from fullbore.recon.encodings.volume import EncodedVolume, Quadratic
from fullbore.recon.recipe.off_resonance import OffResonance

_POWER_ITERATIONS, _MARGIN = 12, 1.1
# Lines around the centre whose times say how far the maps found in them are displaced.
_CENTRAL = 24
# Times that differ by less are one.
_SAME_TIME_S = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TurningLines(EncodedVolume):
    """A Cartesian volume with the time of every sample in its model.

    parts: of each frame, volumes of one frame in which a position of k-space has one time; encodings: the same, (part,
    channel, x, z, y). factors: of the whole. maps: where the object is, not where the data show it.
    """

    plain: CartesianVolume
    maps: Complex[Tensor, "part x channel z y"]
    parts: tuple[tuple[CartesianVolume, ...], ...]
    encodings: tuple[tuple[ChannelEncoding, ...], ...]
    factors: PhaseFactors
    _made: dict[str, float] = field(init=False, repr=False, default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """(frame, part, x, z, y) of the image."""
        return len(self.parts), *self.plain.shape[1:]

    def adjoint(self) -> Complex[Tensor, "frame part x z y"]:
        """A^H y; alone it is the conjugate-phase image."""
        frames = []
        for parts, encodings in zip(self.parts, self.encodings, strict=True):
            images = [encoding.adjoint(_samples(part, encoding)) for part, encoding in zip(parts, encodings, strict=True)]
            frames.append(torch.stack(images).sum(0))
        return torch.stack(frames)

    def samples(self) -> list[Complex[Tensor, "channel kx kz ky"]]:
        """What the encodings of the first frame give: y, still along x where the readout's own time does not matter."""
        return [_samples(part, encoding) for part, encoding in zip(self.parts[0], self.encodings[0], strict=True)]

    def normal(self, image: Complex[Tensor, "frame part x z y"]) -> Complex[Tensor, "frame part x z y"]:
        """A^H A image."""
        frames = [
            torch.stack([encoding.normal(frame) for encoding in encodings]).sum(0)
            for frame, encodings in zip(image, self.encodings, strict=True)
        ]
        return torch.stack(frames)

    def only(self, frame: int) -> TurningLines:
        """One frame of it."""
        return replace(self, plain=self.plain.only(frame), parts=(self.parts[frame],), encodings=(self.encodings[frame],))

    @property
    def eigenvalue(self) -> float:
        """Where the field folds voxels together it is more than 1: power iterations, which come from below."""
        if "eigenvalue" not in self._made:
            seed = torch.Generator().manual_seed(0)
            start = torch.randn(self.shape, dtype=torch.complex64, generator=seed).to(self.maps.device)
            self._made["eigenvalue"] = _MARGIN * largest_eigenvalue(self.normal, start, _POWER_ITERATIONS)
        return self._made["eigenvalue"]

    def quadratic(self, damping: float, expected_power: float) -> Quadratic:
        """Damping relative to 1 for each time that k-space is covered: the eigenvalue without folding, which costs nothing."""
        if expected_power > 0:
            return super().quadratic(damping, expected_power)
        size = damping * len(self.parts[0])
        return Quadratic(apply=lambda image: image * size, inverse=None)

    @property
    def independent_axes(self) -> tuple[int, ...]:
        """Frames."""
        return (0,)

    def matched_variance(self) -> Float[Tensor, "x z y"]:
        """As without off-resonance: a turn changes no noise."""
        return torch.stack([part.matched_variance() for part in self.parts[0]]).sum(0)

    @property
    def acceleration(self) -> float:
        """Positions over measured ones, all parts together."""
        return max(1.0, 1 / sum(1 / part.acceleration for part in self.parts[0]))

    @property
    def has_gaps(self) -> bool:
        """As of the lines themselves."""
        return self.plain.has_gaps


def turning_lines(
    volume: CartesianVolume, raw: RawData, slice_: int, field_Hz: Float[np.ndarray, "x z y"], recipe: OffResonance
) -> TurningLines | CartesianVolume:
    """The volume with off-resonance in its model; itself where nothing turns.

    field_Hz: on the volume's grid. Errors: those of `row_times_s` and `phase_factors`.
    """
    rows = kept_rows(raw)
    lines = row_times_s(raw, recipe.echo_spacing_s)[rows]
    within = readout_times_s(raw, rows, volume.shape[2])
    maps = _where_the_object_is(volume, lines, slice_, field_Hz)
    plain = replace(volume, maps=maps)
    parts = tuple(_parts(plain, frame, lines, within) for frame in range(len(volume.rows)))
    times = [[_times(part, lines, within, origin) for part in frame_parts] for frame_parts, origin in parts]
    every = np.concatenate([np.array([t.min(), t.max()]) for frame in times for t in frame])
    turns = max(abs(float(field_Hz.min())), abs(float(field_Hz.max()))) * float(np.abs(every).max())
    if 2 * np.pi * turns < 0.01 * recipe.error:
        return volume
    factors = phase_factors(field_Hz, every, recipe.error, recipe.segments or None)
    of_voxels = factors.of_field(field_Hz)
    encodings = tuple(
        tuple(_encoding(part, t, factors, of_voxels) for part, t in zip(frame_parts, frame_times, strict=True))
        for (frame_parts, _), frame_times in zip(parts, times, strict=True)
    )
    return TurningLines(plain=plain, maps=maps, parts=tuple(own for own, _ in parts), encodings=encodings, factors=factors)


def _parts(
    volume: CartesianVolume, frame: int, lines: Float[np.ndarray, " row"], within: Float[np.ndarray, "row kx"]
) -> tuple[tuple[CartesianVolume, ...], float]:
    """The frame cut so that a position has one time, and when its centre was read."""
    rows, readouts = volume.rows[frame], volume.readouts
    away = np.abs(readouts.line[rows] - readouts.matrix[1] // 2) + np.abs(readouts.partition[rows] - readouts.matrix[0] // 2)
    origin = float(lines[rows[away == away.min()]].mean())
    place = readouts.partition[rows] * readouts.matrix[1] + readouts.line[rows]
    stamp = np.round(np.stack([lines[rows] - origin, within[rows, -1]], axis=1) / _SAME_TIME_S).astype(np.int64)
    _, kind = np.unique(np.column_stack([place, stamp]), axis=0, return_inverse=True)
    first = np.full(int(kind.max()) + 1, len(rows), dtype=np.int64)
    np.minimum.at(first, kind.reshape(-1), np.arange(len(rows)))
    # The n-th time at which a position was read goes to the n-th part.
    turn: dict[int, list[int]] = {}
    number = np.zeros(len(first), dtype=np.int64)
    for which in np.argsort(first):
        seen = turn.setdefault(int(place[first[which]]), [])
        number[which] = len(seen)
        seen.append(int(which))
    part_of = number[kind.reshape(-1)]
    parts = []
    for index in range(int(part_of.max()) + 1):
        chosen = rows[part_of == index]
        count = np.zeros(readouts.matrix, dtype=np.int64)
        np.add.at(count, (readouts.partition[chosen], readouts.line[chosen]), 1)
        parts.append(replace(volume, rows=(chosen,), counts=(count,)))
    return tuple(parts), origin


def _times(
    part: CartesianVolume, lines: Float[np.ndarray, " row"], within: Float[np.ndarray, "row kx"], origin: float
) -> Float[np.ndarray, "kx kz ky"]:
    """Of each sample on the grid; the nearest line's where nothing was measured, which no one sees."""
    rows, readouts = part.rows[0], part.readouts
    result = np.zeros((within.shape[1], *readouts.matrix))
    result[:, readouts.partition[rows], readouts.line[rows]] = (lines[rows, None] - origin + within[rows]).T
    return result


def _encoding(
    part: CartesianVolume,
    times: Float[np.ndarray, "kx kz ky"],
    factors: PhaseFactors,
    of_voxels: Complex[Tensor, "term x z y"],
) -> ChannelEncoding:
    mask = torch.from_numpy((part.counts[0] > 0).astype(np.float32)).to(part.maps.device)
    along_x = float(np.ptp(times, axis=0).max()) * np.ptp(factors.frequencies_Hz, axis=0) * 2 * np.pi
    uniform = along_x < factors.error and abs(factors.middle_Hz) * float(np.ptp(times, axis=0).max()) * 2 * np.pi < factors.error
    if uniform:
        times = times[times.shape[0] // 2][None]
    axes = tuple(axis for axis in (-3, -2, -1) if of_voxels.shape[axis] > 1 and not (axis == -3 and uniform))
    fourier = AxesFourier(shape=tuple(of_voxels.shape[1:]), axes=axes)
    before, after = fourier.centred(of_voxels)
    inner = PhasedTransform(inner=fourier, voxels=of_voxels * before, samples=factors.of_times(times) * (mask * after))
    return ChannelEncoding(maps=part.maps.permute(0, 2, 1, 3, 4).contiguous(), inner=inner)


def _samples(part: CartesianVolume, encoding: ChannelEncoding) -> Complex[Tensor, "channel kx kz ky"]:
    data = part.readouts.kspace(part.rows[0], slice(None)).transpose(0, 1)
    inner = encoding.inner
    assert isinstance(inner, PhasedTransform) and isinstance(inner.inner, AxesFourier)
    return fft_centred(data, (-3,)) if -3 in inner.inner.axes else data


def _where_the_object_is(
    volume: CartesianVolume, lines: Float[np.ndarray, " row"], slice_: int, field_Hz: Float[np.ndarray, "x z y"]
) -> Complex[Tensor, "part x channel z y"]:
    """Maps found in data that show everything displaced along y, brought back by as much."""
    readouts = volume.readouts
    slope = time_per_line_s(readouts, lines, slice_)
    shift = slope * readouts.matrix[1] * field_Hz
    if volume.maps.shape[2] == 1 or float(np.abs(shift).max()) < 0.01:
        return volume.maps
    x, z, y = np.meshgrid(*(np.arange(n) for n in field_Hz.shape), indexing="ij")
    where = np.stack([x, z, y + shift])
    old = volume.maps.permute(0, 2, 1, 3, 4).numpy()
    sample = lambda part: map_coordinates(part, where, order=1, mode="nearest", output=np.float32)  # noqa: E731
    moved = np.stack([[sample(channel.real) + 1j * sample(channel.imag) for channel in part] for part in old])
    size = np.sqrt((np.abs(moved) ** 2).sum(axis=1, keepdims=True))
    moved = np.where(size > 0.5, moved / np.maximum(size, 1e-6), 0)
    return torch.from_numpy(moved.astype(np.complex64)).permute(0, 2, 1, 3, 4).contiguous()


def time_per_line_s(readouts: Readouts, lines: Float[np.ndarray, " row"], slice_: int) -> float:
    """From each line to the next, near k = 0: of the calibration scan where there is one, since the maps came from it."""
    rows: Int[np.ndarray, " n"] = readouts.calibration_rows(slice_)
    rows = rows if len(rows) else readouts.rows(0, slice_)
    distance = readouts.line[rows] - readouts.matrix[1] // 2
    near = np.abs(distance) <= _CENTRAL // 2
    if np.ptp(distance[near]) == 0:
        return 0.0
    return float(np.polyfit(distance[near], lines[rows][near], 1)[0])
