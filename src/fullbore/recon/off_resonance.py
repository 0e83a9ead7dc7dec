"""The field in the model: from a map anywhere, or from the echoes themselves, to a volume whose voxels turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Complex, Float
from scipy import ndimage

from fullbore.data import FieldMap, Geometry, Grid, RawData
from fullbore.errors import DataError, UsageError
from fullbore.recon.calibration.field_map import field_map_Hz
from fullbore.recon.encodings.cartesian import CartesianVolume
from fullbore.recon.encodings.non_uniform import NonUniformData, NonUniformVolume
from fullbore.recon.encodings.turning_curves import TurningCurves, turning_curves
from fullbore.recon.encodings.turning_lines import TurningLines, turning_lines
from fullbore.recon.encodings.volume import EncodedVolume, Prepared
from fullbore.recon.frames import frame_times
from fullbore.recon.parts import join_parts
from fullbore.recon.recipe import Combination, ConjugateGradient, Direct, NonUniform, OffResonance, Recipe
from fullbore.recon.solvers.solve import solve_volume

# Echo times that differ by less are one.
_SAME_TIME_S = 1e-5
# Standard deviations, in voxels, by which a field found in echoes is smoothed inside and carried on outside.
_SMOOTH, _REACH = 1.2, (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
# Without noise the error of corrected echo-planar images was least after about as many.
FEW = ConjugateGradient(iterations=6, damping=1e-3)
# Of the image's voxels, the least that a given map must reach.
_LEAST_COVERED = 0.05


def with_field(
    volume: EncodedVolume,
    data: Prepared,
    raw: RawData,
    slice_: int,
    recipe: Recipe,
    field_Hz: FieldMap | None,
    progress: Callable[[float], None],
) -> EncodedVolume:
    """The volume as it is when nobody speaks of off-resonance, else with the given or estimated field in its model.

    Errors: UsageError for a map that is missing or in another unit, and for a solver that cannot use it; DataError for data
    whose encoding or times do not allow it, and for a map that lies elsewhere.
    """
    if field_Hz is None and recipe.off_resonance is None:
        return volume
    wanted = recipe.off_resonance or OffResonance()
    _check(volume, recipe, wanted, field_Hz)
    grid = _grid(raw.encoding.geometry, isinstance(recipe.encoding, NonUniform), slice_)

    def turning(field: Float[np.ndarray, "x z y"]) -> EncodedVolume:
        if isinstance(volume, CartesianVolume):
            return turning_lines(volume, raw, slice_, field, wanted)
        assert isinstance(volume, NonUniformVolume) and isinstance(data, NonUniformData)
        return turning_curves(volume, data, raw, slice_, field, wanted)

    if wanted.source == "given":
        assert field_Hz is not None
        return turning(_sampled(field_Hz, grid))
    return _from_echoes(volume, turning, frame_times(raw)[0], recipe, wanted.rounds, progress)


def for_field(recipe: Recipe, source: Literal["given", "echoes"] = "given") -> tuple[Recipe, dict[str, str]]:
    """A recipe that was chosen without a field, made fit for one, and why each part was changed."""
    why = {"off_resonance": "a field map" if source == "given" else "the field from the echoes"}
    changed = replace(recipe, off_resonance=recipe.off_resonance or OffResonance(source=source))
    if isinstance(recipe.solver, Combination | Direct) or recipe.completion is not None:
        why["solver"] = "voxels that turn are not told apart in one step; few iterations, since folded voxels cannot be at all"
        changed = replace(changed, solver=FEW, completion=None, partial_fourier=None)
    if changed.noise_map != "none":
        changed = replace(changed, noise_map="estimated")
    return changed, why


def field_report(volume: EncodedVolume) -> dict[str, float]:
    """Range of the field (Hz), terms and error of the model; empty for a volume without one."""
    if not isinstance(volume, TurningLines | TurningCurves):
        return {}
    factors = volume.factors
    reach = (float(factors.frequencies_Hz[0]), float(factors.frequencies_Hz[-1]))
    return {
        "field_low_Hz": round(factors.middle_Hz + reach[0], 2),
        "field_high_Hz": round(factors.middle_Hz + reach[1], 2),
        "field_terms": float(factors.terms),
        "field_error": float(f"{factors.error:.2g}"),
    }


def _check(volume: EncodedVolume, recipe: Recipe, wanted: OffResonance, field_Hz: FieldMap | None) -> None:
    if isinstance(recipe.solver, Direct):
        raise UsageError("off-resonance: the Direct solver cannot use it. Use ConjugateGradient.")
    if recipe.completion is not None or recipe.partial_fourier is not None or recipe.multiband is not None:
        raise UsageError("off-resonance: lines that a completion makes have no time. Leave completion and multiband out.")
    if not isinstance(volume, CartesianVolume | NonUniformVolume):
        raise DataError("off-resonance: this encoding cannot hold it. Use Cartesian or NonUniform.")
    if wanted.source == "given" and field_Hz is None:
        raise UsageError('off-resonance: no field map was given. Give field_Hz, or take source "echoes".')
    if field_Hz is not None and (field_Hz.unit != "Hz" or len(field_Hz.values) != 1 or np.iscomplexobj(field_Hz.values)):
        got = f"{len(field_Hz.values)} {field_Hz.values.dtype} maps in {field_Hz.unit!r}"
        raise UsageError(f"off-resonance, field_Hz: got {got}, wanted one real map in 'Hz'.")


def _grid(geometry: Geometry, whole: bool, slice_: int) -> Grid:
    """Of one slice or slab as it is solved for; whole: along the readout it is the encoded one."""
    matrix = (geometry.encoded_matrix if whole else geometry.matrix)[0], *geometry.encoded_matrix[1:]
    fov = (geometry.encoded_fov_m if whole else geometry.fov_m)[0], *geometry.encoded_fov_m[1:]
    offsets = geometry.slice_offsets_m if geometry.is_3d else geometry.slice_offsets_m[slice_ : slice_ + 1]
    matrix = (matrix[0], matrix[1], matrix[2] if geometry.is_3d else 1)
    return replace(geometry, matrix=matrix, encoded_matrix=matrix, fov_m=fov, encoded_fov_m=fov, slice_offsets_m=offsets).grid()


def _sampled(field: FieldMap, grid: Grid) -> Float[np.ndarray, "x z y"]:
    """The map at the grid's voxels, linear between its own; beyond its edge the edge's value."""
    points = np.concatenate([grid.points_m().reshape(-1, 3).T, np.ones((1, int(np.prod(grid.shape))))])
    index = (np.linalg.inv(field.grid.affine_m) @ points)[2::-1]
    size = np.array(field.grid.shape)[:, None]
    # A single slice is as thick as its spacing says; half a voxel beyond the outermost centres is still inside.
    covered = float(np.mean(np.all((index > -0.51) & (index < size - 0.49), axis=0)))
    if covered < _LEAST_COVERED:
        raise DataError(
            f"off-resonance: the field map covers {100 * covered:.0f} % of the image's voxels. Check that both lie in the same "
            "patient coordinates."
        )
    values = ndimage.map_coordinates(field.values[0].astype(np.float64), index, order=1, mode="nearest")
    return np.ascontiguousarray(values.reshape(grid.shape).transpose(2, 0, 1))


def _from_echoes(
    volume: EncodedVolume,
    turning: Callable[[Float[np.ndarray, "x z y"]], EncodedVolume],
    times: Float[np.ndarray, " frame"],
    recipe: Recipe,
    rounds: int,
    progress: Callable[[float], None],
) -> EncodedVolume:
    """Image, field, image with the field, field of that, and so on: echoes are displaced and blurred by what they measure."""
    chosen = _distinct(times)
    if len(chosen) < 2:
        raise DataError(
            f"off-resonance: the frames have echo times of {np.unique(np.round(1e3 * times, 3))} ms; a field needs two that "
            'differ. Give field_Hz with source "given".'
        )
    current = volume
    for number in range(rounds):
        progress(number / rounds)
        echoes = torch.cat([solve_volume(current.only(int(frame)), recipe, lambda done: None).values for frame in chosen])
        images = join_parts(echoes, current.maps).permute(0, 2, 3, 1).numpy()
        field = _carried_on(images, times[chosen])
        current = turning(field)
    return current


def _distinct(times: Float[np.ndarray, " frame"]) -> np.ndarray:
    """The first frame of each echo time, in the order of time."""
    finite = np.flatnonzero(np.isfinite(times))
    order = finite[np.argsort(times[finite], kind="stable")]
    new = np.diff(times[order], prepend=-np.inf) > _SAME_TIME_S
    return np.asarray(order[new])


def _carried_on(images: Complex[np.ndarray, "echo z y x"], times_s: Float[np.ndarray, " echo"]) -> Float[np.ndarray, "x z y"]:
    """The field of the echoes, smoothed a little, and beyond the object the mean of the nearest parts of it."""
    found, mask = field_map_Hz(images.astype(np.complex128), np.asarray(times_s))
    if not mask.any():
        raise DataError("off-resonance: no voxel has signal in every echo. Give field_Hz.")
    weight = np.where(mask, np.abs(images).min(axis=0).astype(np.float64) ** 2, 0.0)
    sigma = lambda size: [0.0 if n == 1 else size for n in found.shape]  # noqa: E731
    blurred = lambda size: (  # noqa: E731
        ndimage.gaussian_filter(weight * found, sigma(size), mode="constant"),
        ndimage.gaussian_filter(weight, sigma(size), mode="constant"),
    )
    result = np.full(found.shape, float((weight * found).sum() / weight.sum()))
    for size in (*_REACH[::-1], _SMOOTH):
        top, bottom = blurred(size)
        known = bottom > 1e-3 * weight.max()
        result = np.where(known, top / np.maximum(bottom, 1e-30), result)
    return np.ascontiguousarray(result.transpose(2, 0, 1))
