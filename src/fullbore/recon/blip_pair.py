"""One image of two echo-planar acquisitions whose blips go opposite ways: a field between them, and both in one model.

What one presses together the other pulls apart, so that both together are solvable where neither is alone.
Sources: Andersson, Skare and Ashburner, NeuroImage 20:870 (2003), for the field; Zahneisen et al., Magn Reson Med 77:2057
(2017), for the joint inversion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Complex, Float
from scipy import ndimage
from torch import Tensor

from fullbore.data import FieldMap, Image, RawData
from fullbore.errors import DataError
from fullbore.numerics.conjugate_gradient import conjugate_gradient
from fullbore.recon.assembly import SolvedSlice, assemble
from fullbore.recon.calibration.field_map import displacement_of_pair
from fullbore.recon.calibration.maps import estimate_maps
from fullbore.recon.default_recipe import default_recipe
from fullbore.recon.encodings.cartesian import CartesianVolume
from fullbore.recon.encodings.readouts import kept_rows
from fullbore.recon.encodings.sample_times import row_times_s
from fullbore.recon.encodings.turning_lines import TurningLines, time_per_line_s, turning_lines
from fullbore.recon.encodings.volume import EncodedVolume, Prepared
from fullbore.recon.off_resonance import FEW
from fullbore.recon.parts import join_parts
from fullbore.recon.preparation import prepare, prepare_white
from fullbore.recon.recipe import OffResonance, Recipe
from fullbore.recon.solvers.solved import Solved

# Smoothing, in voxels, of the phase between the two images.
_SMOOTH_PHASE = 3.0
# Echo spacings of both that differ by more, relatively, are not of one pair: clocks tick coarsely.
_UNLIKE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairImage:
    """image: of both acquisitions. field: Hz, where the spins are. misfit: |A x - y| / |y| of plus and minus."""

    image: Image
    field: FieldMap
    misfit: tuple[float, float]


def reconstruct_pair(plus: RawData, minus: RawData, off_resonance: OffResonance | None = None) -> PairImage:
    """The image and the field of one 2D echo-planar acquisition with blips both ways.

    plus, minus: one frame each, of the same geometry, with `line` counting the k of both the same way (see
    `with_lines_reversed`). off_resonance: gives the echo spacing where the data do not.
    The field is that which makes both magnitudes agree; the phase between both, which other things than the field cause
    (other prephasers, drifts), is found between their corrected images and kept.
    Errors: DataError where the two do not match or their lines follow each other the same way.
    """
    wanted = off_resonance or OffResonance()
    geometry = plus.encoding.geometry
    if geometry.is_3d or geometry.encoded_matrix != minus.encoding.geometry.encoded_matrix or plus.coils != minus.coils:
        raise DataError("pair: wanted two acquisitions of slices with one matrix and as many channels each.")
    recipe = pair_recipe(plus, wanted)
    data, channels = prepare(plus, recipe, 1)
    white = np.einsum("ij,rjs->ris", channels.mixing, minus.samples).astype(np.complex64)
    other = prepare_white(replace(minus, samples=white, noise=None), recipe, channels, 1)
    if data.frames > 1 or other.frames > 1 or data.slices != other.slices:
        raise DataError("pair: wanted one frame of the same slices in each. Take one repetition or echo of either.")
    found = [_slice(number, (plus, minus), (data, other), recipe, wanted) for number in range(data.slices)]
    misfit = np.sqrt(np.mean(np.square([part.misfit for part in found]), axis=0))
    image = assemble(plus, recipe, data, channels, [part.solved for part in found])
    image.report.update(warning="none", misfit_plus=round(float(misfit[0]), 4), misfit_minus=round(float(misfit[1]), 4))
    field = np.concatenate([part.field_Hz.transpose(1, 2, 0) for part in found])
    grid = replace(geometry, matrix=(geometry.matrix[0], geometry.encoded_matrix[1], 1)).grid()
    return PairImage(
        image=image, field=FieldMap(values=field[None], grid=grid, unit="Hz"), misfit=(float(misfit[0]), float(misfit[1]))
    )


def pair_recipe(plus: RawData, off_resonance: OffResonance | None = None) -> Recipe:
    """What `reconstruct_pair` does with either of the two. Errors: those of `default_recipe`."""
    found = off_resonance or OffResonance()
    return replace(default_recipe(plus), solver=FEW, completion=None, prior=None, off_resonance=found, noise_map="estimated")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    solved: SolvedSlice
    field_Hz: Float[np.ndarray, "x z y"]
    misfit: tuple[float, float]


def _slice(
    number: int, raws: tuple[RawData, RawData], data: tuple[Prepared, Prepared], recipe: Recipe, wanted: OffResonance
) -> _Found:
    volumes = [part.volume(number, estimate_maps(part, number, recipe.coils)) for part in data]
    plus, minus = volumes
    assert isinstance(plus, CartesianVolume) and isinstance(minus, CartesianVolume)
    field = _field(plus, minus, raws, number, wanted)
    one, two = (turning_lines(volume, raw, number, field, wanted) for volume, raw in zip((plus, minus), raws, strict=True))
    phase = _phase_between(_solved([one]), _solved([two]))
    both = [one, turning_lines(replace(minus, maps=minus.maps * phase[None, :, None]), raws[1], number, field, wanted)]
    image = _solved(both)
    solved = Solved(
        values=image,
        # Two acquisitions of the same lines: half the variance of one where both see a voxel as it is.
        noise_variance=0.5 * one.matched_variance(),
        iterations=FEW.iterations,
        residual=0.0,
        converged=True,
    )
    misfit = (_misfit(both[0], image), _misfit(both[1], image))
    return _Found(solved=SolvedSlice(solved=solved, maps=one.maps, acceleration=one.acceleration), field_Hz=field, misfit=misfit)


def _field(
    plus: CartesianVolume, minus: CartesianVolume, raws: tuple[RawData, RawData], number: int, wanted: OffResonance
) -> Float[np.ndarray, "x z y"]:
    slopes = [
        time_per_line_s(volume.readouts, row_times_s(raw, wanted.echo_spacing_s)[kept_rows(raw)], number)
        for volume, raw in zip((plus, minus), raws, strict=True)
    ]
    if abs(slopes[0] + slopes[1]) > _UNLIKE * abs(slopes[0]):
        raise DataError(
            f"pair: lines follow each other every {1e3 * slopes[0]:.3f} and {1e3 * slopes[1]:.3f} ms, wanted opposite signs. If "
            "the second file counts its lines as they were acquired, use with_lines_reversed (recon --lines-as-acquired); if "
            "both have the same blips, they are no pair."
        )
    seen = [join_parts(volume.combined(), volume.maps)[0, :, 0].T.abs().double().numpy() for volume in (plus, minus)]
    shift = displacement_of_pair(seen[0], seen[1])
    return np.ascontiguousarray(shift.T[:, None] / (slopes[0] * plus.readouts.matrix[1]))


def _solved(volumes: Sequence[EncodedVolume]) -> Complex[Tensor, "frame part x z y"]:
    """Least squares of all volumes together, few iterations."""
    damping = FEW.damping * len(volumes)
    return conjugate_gradient(
        lambda x: torch.stack([volume.normal(x) for volume in volumes]).sum(0).add_(x, alpha=damping),
        torch.stack([volume.adjoint() for volume in volumes]).sum(0),
        iterations=FEW.iterations,
        tolerance=FEW.tolerance,
    ).value


def _phase_between(
    one: Complex[Tensor, "frame part x z y"], two: Complex[Tensor, "frame part x z y"]
) -> Complex[Tensor, "x z y"]:
    """exp(i of the phase of `two` against `one`): a constant, a ramp, and what is left of it when it is smoothed."""
    product = (two * one.conj())[0].sum(0).numpy()
    ramp = np.zeros(product.shape)
    for axis, n in enumerate(product.shape):
        if n > 1:
            line = np.moveaxis(product, axis, 0)
            step = float(np.angle(np.sum(line[1:] * line[:-1].conj())))
            ramp += step * (np.arange(n) - n // 2).reshape([n if other == axis else 1 for other in range(3)])
    rest, size = product * np.exp(-1j * ramp), [_SMOOTH_PHASE, 0, _SMOOTH_PHASE]
    smooth = ndimage.gaussian_filter(rest.real, size) + 1j * ndimage.gaussian_filter(rest.imag, size)
    return torch.from_numpy(np.exp(1j * (ramp + np.angle(smooth))).astype(np.complex64))


def _misfit(volume: EncodedVolume, image: Complex[Tensor, "frame part x z y"]) -> float:
    if not isinstance(volume, TurningLines):
        return 0.0
    data = volume.samples()
    rest = [part - encoding.forward(image[0]) for part, encoding in zip(data, volume.encodings[0], strict=True)]
    left, size = (sum(float(part.abs().square().sum()) for part in parts) for parts in (rest, data))
    return float(np.sqrt(left / max(size, 1e-30)))


def with_lines_reversed(raw: RawData) -> RawData:
    """Lines counted from the other end of k-space, for files that number them as they were acquired.

    The first line, which has no counterpart on a grid with k = 0 at n // 2, wraps around to where it is equivalent.
    """
    counters = raw.encoding.counters.copy()
    lines = raw.encoding.geometry.encoded_matrix[1]
    counters[:, 0] = (2 * (lines // 2) - counters[:, 0]) % lines
    times = row_times_s(raw)
    encoding = replace(raw.encoding, counters=counters, echo_time_s=times - times.min())
    return replace(raw, encoding=encoding)
