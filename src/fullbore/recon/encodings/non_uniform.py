"""Non-uniform encoding of a slice or slab: coil maps, and a Fourier transform to the points of a trajectory.

Inside, images are (part, z, x, y), which for a slice is the same memory as the solvers' (part, x, z, y).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float, Int
from torch import Tensor

from fullbore.data import RawData
from fullbore.errors import DataError
from fullbore.numerics.channel_toeplitz import ChannelToeplitz, circulant_spectrum
from fullbore.numerics.eigenvalue import largest_eigenvalue
from fullbore.numerics.toeplitz import Toeplitz
from fullbore.recon.admission import calibration_only_rows, imaging_rows
from fullbore.recon.calibration.gridded_centre import gridded_centre
from fullbore.recon.encodings.path import is_stack, measured_samples, path_per_m
from fullbore.recon.encodings.sampling import Sampling, common_support
from fullbore.recon.encodings.volume import EncodedVolume, Prepared, Quadratic
from fullbore.recon.frames import frame_of
from fullbore.recon.priors.power_spectrum import power_of_shells
from fullbore.recon.recipe import NonUniform

Values = tuple[Tensor, ...]
# Cells without a sample, as a fraction, above which an image without coil maps would show streaks.
_GAPS = 0.1
_POWER_STEPS, _MARGIN = 10, 1.02
# Added to the circulant before it is inverted, relative to the mean density: it is an approximation.
_RELIEF = 0.3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NonUniformVolume(EncodedVolume):
    """A^H A by its point spread function, one per frame (frames with the same points share it).

    A sees what of the image lies within the extent of all samples in k-space: beyond it, in the corners of the grid's k-space,
    nothing was measured but what the maps smear there, and errors of the maps would be fitted by it without limit.
    support: that extent, zero frequency first; None finds it from the samplings.
    samplings, values: of each frame; values plane by plane, (channel, n). maps: unit norm over parts and channels, or zero.
    weighted: samples count by their density compensation.
    """

    samplings: tuple[Sampling, ...]
    values: tuple[Values, ...]
    maps: Complex[Tensor, "part x channel z y"]
    weighted: bool
    support: Bool[Tensor, "_ x y"] | None = None
    _made: dict[tuple[str, int], Tensor | ChannelToeplitz] = field(init=False, repr=False, default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """(frame, part, x, z, y) of the image."""
        parts, x, _, z, y = self.maps.shape
        return len(self.samplings), parts, x, z, y

    def adjoint(self) -> Complex[Tensor, "frame part x z y"]:
        """A^H W y."""
        weights = [sampling.density() if self.weighted else None for sampling in self.samplings]
        return self._within(self._back(weights))

    def combined(self) -> Complex[Tensor, "frame part x z y"]:
        """Gridding: every sample counts by the share of k-space that it stands for. Source: Jackson et al. 1991."""
        return self._back([sampling.density() for sampling in self.samplings])

    def normal(self, image: Complex[Tensor, "frame part x z y"]) -> Complex[Tensor, "frame part x z y"]:
        """A^H W A image."""
        frames = [self._operator(index).forward(frame) for index, frame in enumerate(_inside(self._within(image)))]
        return self._within(_outside(torch.stack(frames)))

    def only(self, frame: int) -> NonUniformVolume:
        """One frame of it."""
        single = replace(self, samplings=(self.samplings[frame],), values=(self.values[frame],), support=self._support())
        single._made.update({(name, 0): made for (name, index), made in self._made.items() if index == frame})
        return single

    @property
    def eigenvalue(self) -> float:
        """By power iteration, and never more than the largest value of the spectra, which bounds it."""
        largest = 0.0
        for index in {self._first_alike(index) for index in range(len(self.samplings))}:
            operator = self._operator(index)
            assert isinstance(operator.toeplitz, Toeplitz)
            start = _inside(self.only(index).adjoint())[0]
            bound = float(operator.toeplitz.spectra.max()) * len(operator.toeplitz.spectra)
            if float(start.abs().max()) > 0:
                bound = min(bound, _MARGIN * largest_eigenvalue(operator.forward, start, _POWER_STEPS))
            largest = max(largest, bound)
        return largest

    def quadratic(self, damping: float, expected_power: float) -> Quadratic:
        """Damping relative to the mean density of samples, and 1 / S(k); inverted together with the nearest circulant."""
        diagonals = torch.stack([self._diagonal(index) for index in range(len(self.samplings))])
        mean = float(diagonals.mean())
        response = torch.full((1, 1, 1), damping * mean, device=diagonals.device)
        if expected_power > 0:
            response = response + expected_power / self._signal_power()
        inverse = 1 / (diagonals + response + _RELIEF * mean)
        return Quadratic(
            apply=lambda image: self._filtered(image, response), inverse=lambda image: self._filtered(image, inverse[:, None])
        )

    def _within(self, image: Complex[Tensor, "frame part x z y"]) -> Complex[Tensor, "frame part x z y"]:
        """The part of the image that the samples' extent in k-space holds."""
        inside = self._support()
        return image if bool(inside.all()) else self._filtered(image, inside.to(torch.float32))

    def _support(self) -> Bool[Tensor, "_ x y"]:
        if self.support is None:
            object.__setattr__(self, "support", common_support(self.samplings))
        assert self.support is not None
        return self.support

    def _filtered(
        self, image: Complex[Tensor, "frame part x z y"], response: Float[Tensor, "*_"]
    ) -> Complex[Tensor, "frame part x z y"]:
        """The image with its k-space (z, x, y), zero frequency first, multiplied by `response`."""
        if response.numel() == 1:
            return image * response.reshape(())
        inside = _inside(image)
        axes = (-3, -2, -1) if inside.shape[-3] > 1 and response.shape[-3] > 1 else (-2, -1)
        return _outside(torch.fft.ifftn(torch.fft.fftn(inside, dim=axes).mul_(response), dim=axes))

    def _signal_power(self) -> Float[Tensor, "z x y"]:
        """Expected |image|^2 of the unitary transform, zero frequency first, from the samples' own power in shells of |k|."""
        return power_of_shells(self.samplings[0].shape, *self._radii_and_power())

    def _radii_and_power(self) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        radii, power = [], []
        for sampling, values in zip(self.samplings, self.values, strict=True):
            radii.append(sampling.relative_radius())
            power.append(torch.cat([part.abs().square_().sum(0) for part in values]) - len(values[0]))
        return torch.cat(radii), torch.cat(power)

    def matched_variance(self) -> Float[Tensor, "x z y"]:
        """Noise variance of A^H W y in the first frame."""
        weights = self.samplings[0].density() if self.weighted else None
        return self._variance(weights)

    def combined_variance(self) -> Float[Tensor, "x z y"]:
        """Noise variance of `combined` in the first frame."""
        return self._variance(self.samplings[0].density())

    def unaliased_variance(self) -> Float[Tensor, "x z y"]:
        """Of a solution in the first frame whose channels tell all voxels apart: the mean inverse density of samples."""
        if self.weighted:
            return self.matched_variance() * self.acceleration**2
        density = self._diagonal(0)
        held = density > 2 * float(density.min())
        return float((1 / density[held]).sum() / density.numel()) * self._norm()

    @property
    def acceleration(self) -> float:
        """Cells of k-space within the extent of the samples over those that hold one."""
        held, cells = self.samplings[0].occupied()
        return cells / held

    @property
    def has_gaps(self) -> bool:
        """True when cells within the extent of the samples hold none."""
        return self.acceleration > 1 + _GAPS

    def _back(self, weights: list[tuple[Tensor, ...] | None]) -> Complex[Tensor, "frame part x z y"]:
        maps = self._maps()
        frames = []
        for sampling, values, weight in zip(self.samplings, self.values, weights, strict=True):
            weighed = values if weight is None else tuple(v * w for v, w in zip(values, weight, strict=True))
            frames.append((maps.conj() * sampling.channel_images(weighed)).sum(1))
        return _outside(torch.stack(frames))

    def _maps(self) -> Complex[Tensor, "part channel z x y"]:
        return self.maps.permute(0, 2, 3, 1, 4).contiguous()

    def _operator(self, index: int) -> ChannelToeplitz:
        key = ("operator", self._first_alike(index))
        if key not in self._made:
            sampling = self.samplings[key[1]]
            spread = sampling.spread(sampling.density() if self.weighted else None)
            maps = self._maps()
            self._made[key] = ChannelToeplitz(maps=maps, toeplitz=sampling.toeplitz(spread), threads=sampling.threads)
            self._made["diagonal", key[1]] = _mean_diagonal(spread, maps.flatten(0, 1), sampling.doubled)
        made = self._made[key]
        assert isinstance(made, ChannelToeplitz)
        return made

    def _diagonal(self, index: int) -> Float[Tensor, "_ x y"]:
        self._operator(index)
        made = self._made["diagonal", self._first_alike(index)]
        assert isinstance(made, Tensor)
        return made

    def _first_alike(self, index: int) -> int:
        """The first frame with the same points: `prepare` makes such frames share one `Sampling`."""
        return next(first for first, sampling in enumerate(self.samplings) if sampling is self.samplings[index])

    def _variance(self, weights: tuple[Tensor, ...] | None) -> Float[Tensor, "x z y"]:
        sampling = self.samplings[0]
        total = sampling.samples if weights is None else sum(float(part.square().sum()) for part in weights)
        return total / float(np.prod(sampling.shape)) * self._norm()

    def _norm(self) -> Float[Tensor, "x z y"]:
        return (self.maps.real.square() + self.maps.imag.square()).sum((0, 2))


def _mean_diagonal(
    spread: Complex[Tensor, "lag_z lag_x lag_y"], maps: Complex[Tensor, "channel z x y"], doubled: tuple[bool, ...]
) -> Float[Tensor, "_ x y"]:
    """The diagonal in k-space; where slices are independent, its mean over them."""
    slices = maps.shape[1]
    if spread.shape[0] == 1 and slices > 1:
        return circulant_spectrum(spread, maps.flatten(0, 1)[:, None], doubled) / slices
    return circulant_spectrum(spread, maps, doubled)


def _inside(image: Tensor) -> Tensor:
    return image.permute(0, 1, 3, 2, 4).contiguous()


def _outside(image: Tensor) -> Tensor:
    return image.permute(0, 1, 3, 2, 4).contiguous()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NonUniformData(Prepared):
    """Rows with their positions.

    values: whitened samples. cells: positions (z, x, y) in cycles per field of view of the grid. used: samples within the
        grid's k-space. frame, slice_number, for_calibration: of each row. stacked: partitions are on the grid.
    """

    values: Complex[Tensor, "row channel sample"]
    cells: Float[Tensor, "row sample 3"]
    used: Bool[Tensor, "row sample"]
    frame: Int[np.ndarray, " row"]
    slice_number: Int[np.ndarray, " row"]
    for_calibration: Bool[np.ndarray, " row"]
    frame_count: int
    slice_count: int
    matrix: tuple[int, int, int]
    stacked: bool
    encoding: NonUniform
    threads: int

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.frame_count

    @property
    def slices(self) -> int:
        """Number of slices; 1 for a slab."""
        return self.slice_count

    @property
    def channels(self) -> int:
        """Number of virtual channels."""
        return int(self.values.shape[1])

    @property
    def grid(self) -> tuple[int, int, int]:
        """(z, y, x) of one slice or slab."""
        return self.matrix[0], self.matrix[2], self.matrix[1]

    @property
    def columns_sampled(self) -> float:
        """Readouts are not transformed to columns: 1."""
        return 1.0

    def mixed(self, matrix: Complex[Tensor, "out channel"]) -> NonUniformData:
        """Channels combined by `matrix`."""
        return replace(self, values=matrix @ self.values)

    def strongest_samples(self, count: int) -> Complex[Tensor, "channel n"]:
        """As many samples as `count` rows have, those nearest to k = 0."""
        radius = self.cells.square().sum(-1).masked_fill(~self.used, torch.inf).reshape(-1)
        number = min(int(self.used.sum()), count * int(self.values.shape[2]))
        chosen = torch.topk(radius, number, largest=False).indices
        return self.values.movedim(1, 0).reshape(self.channels, -1)[:, chosen]

    def calibration(self, slice_: int, largest: int) -> Complex[Tensor, "frame channel kz ky kx"]:
        """The centre of k-space on a grid: from the calibration scan, or from all frames together."""
        rows = np.flatnonzero((self.slice_number == slice_) & self.for_calibration)
        if len(rows) == 0:
            rows = np.flatnonzero((self.slice_number == slice_) & ~self.for_calibration)
        return gridded_centre(*self._gathered(rows), largest)

    def volume(self, slice_: int, maps: Complex[Tensor, "part x channel z y"]) -> NonUniformVolume:
        """One slice or slab with all its frames."""
        samplings: list[Sampling] = []
        values = []
        for frame in range(self.frames):
            sampling, samples = self._gathered(self._rows(frame, slice_))
            samplings.append(next((known for known in samplings if known.same_points(sampling)), sampling))
            values.append(samples)
        return NonUniformVolume(
            samplings=tuple(samplings), values=tuple(values), maps=maps, weighted=self.encoding.weights == "density"
        )

    def of_samples(self, frame: int, slice_: int, quantity: Float[Tensor, "row sample"]) -> Float[Tensor, " n"]:
        """What belongs to every sample of all rows, in the order of the samples of a volume's frame, planes joined."""
        return torch.cat([quantity[rows][used] for _, rows, used in self._planes(self._rows(frame, slice_))])

    def _rows(self, frame: int, slice_: int) -> Int[np.ndarray, " n"]:
        return np.flatnonzero((self.frame == frame) & (self.slice_number == slice_) & ~self.for_calibration)

    def _planes(self, rows: Int[np.ndarray, " n"]) -> Iterator[tuple[int, Int[Tensor, " m"], Bool[Tensor, "m sample"]]]:
        """Of each plane: its number, its rows and which of their samples are used."""
        plane = np.zeros(len(rows), dtype=np.int64)
        if self.stacked:
            plane = np.round(self.cells[rows, 0, 0].numpy()).astype(np.int64) + self.matrix[0] // 2
        for number in np.unique(plane):
            chosen = torch.from_numpy(rows[plane == number])
            yield int(number), chosen, self.used[chosen]

    def _gathered(self, rows: Int[np.ndarray, " n"]) -> tuple[Sampling, Values]:
        if not bool(self.used[torch.from_numpy(rows)].any()):
            raise DataError("raw data: a frame of a slice has no sample within the image's k-space. Leave it out.")
        points, values, planes = [], [], []
        for number, chosen, used in self._planes(rows):
            points.append(self.cells[chosen][used][:, 1:] if self.stacked else self.cells[chosen][used])
            values.append(self.values[chosen].movedim(1, 0)[:, used])
            planes.append(number)
        sampling = Sampling(
            points=tuple(points),
            planes=tuple(planes) if self.stacked else (),
            shape=self.matrix,
            tolerance=self.encoding.tolerance,
            threads=self.threads,
        )
        return sampling, tuple(values)


def prepare_non_uniform(
    raw: RawData, encoding: NonUniform, mixing: Complex[np.ndarray, "out coil"], shift_m: Float[np.ndarray, 3], threads: int
) -> NonUniformData:
    """Channels mixed, samples placed and moved to the image's centre.

    raw: as `arranged` gives it. shift_m: (read, phase, slice) of the image's centre as seen from the trajectory's origin.
    """
    imaging = imaging_rows(raw)
    kept = np.flatnonzero(imaging | calibration_only_rows(raw))
    geometry, part = raw.encoding.geometry, raw.take(kept)
    path, measured = path_per_m(part), measured_samples(part)
    in_plane = np.array([1.0, 1.0, float(geometry.is_3d)])
    cells = path * in_plane * np.array(geometry.encoded_fov_m)
    inside = np.all(np.abs(cells) <= np.array(geometry.encoded_matrix) / 2 + 1e-3, axis=-1)
    stacked = not geometry.is_3d or is_stack(cells[imaging[kept], :, 2], measured[imaging[kept]])
    frame, frames = frame_of(raw, kept, imaging)
    values = np.einsum("ij,rjs->ris", mixing.astype(np.complex64), part.samples.astype(np.complex64))
    values *= np.exp(2j * np.pi * (path * in_plane) @ shift_m).astype(np.complex64)[:, None, :]
    x, y, z = geometry.encoded_matrix
    return NonUniformData(
        values=torch.from_numpy(values),
        cells=torch.from_numpy(np.ascontiguousarray(cells[..., [2, 0, 1]], dtype=np.float32)),
        used=torch.from_numpy(inside & measured),
        frame=frame,
        slice_number=np.zeros(len(kept), np.int64) if geometry.is_3d else part.encoding.counter("slice").astype(np.int64),
        for_calibration=~imaging[kept],
        frame_count=frames,
        slice_count=1 if geometry.is_3d else len(geometry.slice_offsets_m),
        matrix=(z, x, y),
        stacked=stacked,
        encoding=encoding,
        threads=threads,
    )
