"""Curves through k-space while every voxel turns at its own off-resonance: spirals, spokes, long readouts of any shape."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.data import RawData
from fullbore.numerics.channel_toeplitz import ChannelToeplitz
from fullbore.numerics.eigenvalue import largest_eigenvalue
from fullbore.numerics.fourier import fft_centred, ifft_centred
from fullbore.numerics.linear_operator import LinearOperator
from fullbore.numerics.nufft import NonUniformFourier
from fullbore.numerics.phase_differences import PhasedToeplitz, time_segments
from fullbore.numerics.phase_factors import PhaseFactors, phase_factors
from fullbore.numerics.phased_transform import ChannelEncoding, PhasedTransform
from fullbore.recon.encodings.non_uniform import NonUniformData, NonUniformVolume
from fullbore.recon.encodings.readouts import kept_rows
from fullbore.recon.encodings.sample_times import curve_times_s
from fullbore.recon.encodings.sampling import Sampling
from fullbore.recon.encodings.volume import EncodedVolume, Quadratic
from fullbore.recon.recipe.off_resonance import OffResonance

_POWER_ITERATIONS, _MARGIN = 10, 1.05
# Error of A^H W A relative to that of A: it must not take from the smallest eigenvalues.
_FINER = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurvesFourier(LinearOperator):
    """(z, x, y) to the samples of all planes, one after the other."""

    sampling: Sampling
    _made: list[NonUniformFourier] = field(init=False, repr=False, default_factory=list)

    def __post_init__(self) -> None:
        sampling = self.sampling
        grid = sampling.shape[1:] if sampling.stacked else sampling.shape
        for number, points in enumerate(sampling.points):
            same = number > 0 and torch.equal(points, sampling.points[number - 1])
            made = NonUniformFourier(points=points, shape=grid, tolerance=sampling.tolerance, threads=sampling.threads)
            self._made.append(self._made[-1] if same else made)

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """(z, x, y)."""
        return self.sampling.shape

    @property
    def range_shape(self) -> tuple[int, ...]:
        """(samples of all planes,)."""
        return (self.sampling.samples,)

    def _forward(self, x: Tensor) -> Tensor:
        sampling = self.sampling
        if not sampling.stacked:
            return self._made[0].forward(x)
        planes = fft_centred(x, (-3,)) if sampling.shape[0] > 1 else x
        pairs = zip(self._made, sampling.planes, strict=True)
        return torch.cat([transform.forward(planes[..., plane, :, :]) for transform, plane in pairs], dim=-1)

    def _adjoint(self, y: Tensor) -> Tensor:
        sampling = self.sampling
        if not sampling.stacked:
            return self._made[0].adjoint(y)
        result = y.new_zeros((*y.shape[:-1], *sampling.shape))
        parts = torch.split(y, [len(points) for points in sampling.points], dim=-1)
        for transform, plane, part in zip(self._made, sampling.planes, parts, strict=True):
            result[..., plane, :, :] += transform.adjoint(part)
        return ifft_centred(result, (-3,)) if sampling.shape[0] > 1 else result

    def _normal(self, x: Tensor) -> Tensor:
        return self._adjoint(self._forward(x))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TurningCurves(EncodedVolume):
    """A non-uniform volume with the time of every sample in its model.

    encodings: A of each frame, (part, channel, z, x, y) to samples. grams: A^H W A of each frame.
    """

    plain: NonUniformVolume
    encodings: tuple[ChannelEncoding, ...]
    grams: tuple[ChannelToeplitz, ...]
    factors: PhaseFactors
    _made: dict[str, float] = field(init=False, repr=False, default_factory=dict)

    @property
    def maps(self) -> Complex[Tensor, "part x channel z y"]:  # type: ignore[override]
        """Of the volume without off-resonance: the centre of curves is read at once, so its maps are where the object is."""
        return self.plain.maps

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """(frame, part, x, z, y) of the image."""
        return self.plain.shape

    def adjoint(self) -> Complex[Tensor, "frame part x z y"]:
        """A^H W y."""
        return self._back(self.plain.weighted)

    def combined(self) -> Complex[Tensor, "frame part x z y"]:
        """The conjugate-phase image: gridding that turns every voxel back. Source: Noll et al. 1991."""
        return self._back(True)

    def _back(self, weighted: bool) -> Complex[Tensor, "frame part x z y"]:
        frames = []
        for encoding, sampling, values in zip(self.encodings, self.plain.samplings, self.plain.values, strict=True):
            samples = torch.cat(values, dim=-1)
            frames.append(encoding.adjoint(samples * torch.cat(sampling.density()) if weighted else samples))
        return torch.stack(frames).permute(0, 1, 3, 2, 4).contiguous()

    def normal(self, image: Complex[Tensor, "frame part x z y"]) -> Complex[Tensor, "frame part x z y"]:
        """A^H W A image."""
        frames = [gram.forward(frame) for gram, frame in zip(self.grams, image.permute(0, 1, 3, 2, 4).contiguous(), strict=True)]
        return torch.stack(frames).permute(0, 1, 3, 2, 4).contiguous()

    def only(self, frame: int) -> TurningCurves:
        """One frame of it."""
        return replace(self, plain=self.plain.only(frame), encodings=(self.encodings[frame],), grams=(self.grams[frame],))

    @property
    def eigenvalue(self) -> float:
        """By power iteration, which comes from below."""
        if "eigenvalue" not in self._made:
            self._made["eigenvalue"] = _MARGIN * largest_eigenvalue(self.normal, self.adjoint(), _POWER_ITERATIONS)
        return self._made["eigenvalue"]

    def quadratic(self, damping: float, expected_power: float) -> Quadratic:
        """As without off-resonance, whose circulant is near enough to help."""
        return self.plain.quadratic(damping, expected_power)

    def matched_variance(self) -> Float[Tensor, "x z y"]:
        """As without off-resonance: a turn changes no noise."""
        return self.plain.matched_variance()

    def combined_variance(self) -> Float[Tensor, "x z y"]:
        """As without off-resonance."""
        return self.plain.combined_variance()

    def unaliased_variance(self) -> Float[Tensor, "x z y"]:
        """As without off-resonance."""
        return self.plain.unaliased_variance()

    @property
    def acceleration(self) -> float:
        """Of the curves."""
        return self.plain.acceleration

    @property
    def has_gaps(self) -> bool:
        """Of the curves."""
        return self.plain.has_gaps


def turning_curves(
    volume: NonUniformVolume,
    data: NonUniformData,
    raw: RawData,
    slice_: int,
    field_Hz: Float[np.ndarray, "x z y"],
    recipe: OffResonance,
) -> TurningCurves | NonUniformVolume:
    """The volume with off-resonance in its model; itself where nothing turns.

    field_Hz: on the volume's grid. Errors: those of `phase_factors`.
    """
    seconds = torch.from_numpy(curve_times_s(raw, kept_rows(raw)))
    times = []
    for frame, sampling in enumerate(volume.samplings):
        own = data.of_samples(frame, slice_, seconds).numpy()
        # Images are as at the time when the centre of k-space was read.
        times.append(own - own[int(torch.argmin(sampling.relative_radius()))])
    reach = np.array([[t.min(), t.max()] for t in times])
    if 2 * math.pi * float(np.abs(field_Hz).max()) * float(np.abs(reach).max()) < 0.01 * recipe.error:
        return volume
    turned = np.ascontiguousarray(field_Hz.transpose(1, 0, 2))
    factors = phase_factors(turned, reach, recipe.error, recipe.segments or None)
    segments = time_segments(
        float(np.ptp(turned)), float(reach.min()), float(reach.max()), _FINER * recipe.error, 2 * recipe.segments or None
    )
    of_voxels, turns = factors.of_field(turned), _turns(turned - factors.middle_Hz, segments.times_s)
    maps = volume.maps.permute(0, 2, 3, 1, 4).contiguous()
    encodings, grams = [], []
    transforms: dict[int, CurvesFourier] = {}
    for sampling, own in zip(volume.samplings, times, strict=True):
        fourier = transforms.setdefault(id(sampling), CurvesFourier(sampling=sampling))
        inner = PhasedTransform(inner=fourier, voxels=of_voxels, samples=factors.of_times(own))
        # FINUFFT has threads of its own and takes one call at a time.
        encodings.append(ChannelEncoding(maps=maps, inner=inner, threads=1))
        gram = _gram(sampling, segments.weights(own), turns, volume.weighted)
        grams.append(ChannelToeplitz(maps=maps, toeplitz=gram, threads=sampling.threads))
    return TurningCurves(plain=volume, encodings=tuple(encodings), grams=tuple(grams), factors=factors)


def _turns(field_Hz: Float[np.ndarray, "z x y"], times_s: Float[np.ndarray, " term"]) -> Complex[Tensor, "term z x y"]:
    turns = [np.exp(-2j * np.pi * t * field_Hz).astype(np.complex64) for t in times_s]
    return torch.from_numpy(np.stack(turns))


def _gram(
    sampling: Sampling, weights: Float[np.ndarray, "term n"], turns: Complex[Tensor, "term z x y"], weighted: bool
) -> PhasedToeplitz:
    """A^H W A of one channel. weights: of each segment, of every sample."""
    sizes = [len(points) for points in sampling.points]
    density = torch.cat(sampling.density()) if weighted else torch.ones(sum(sizes), dtype=torch.float32)
    strengths = [torch.from_numpy(own.astype(np.float32)) * density for own in weights]
    convolutions = [sampling.toeplitz(sampling.spread(torch.split(own, sizes))) for own in strengths]
    return PhasedToeplitz(turns=turns, convolutions=tuple(convolutions))
