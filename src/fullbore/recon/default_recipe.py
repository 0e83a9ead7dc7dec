"""The recipe that suits an acquisition, chosen from what was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from fullbore.data import RawData
from fullbore.recon.admission import admit, imaging_rows, live_channels
from fullbore.recon.calibration.central_block import central_block, has_gaps
from fullbore.recon.calibration.epi_phase import backward_rows
from fullbore.recon.completions.slice_grappa import simultaneous_rows
from fullbore.recon.encodings.path import is_on_grid
from fullbore.recon.encodings.wave import wave_course
from fullbore.recon.recipe import (
    Combination,
    ConjugateGradient,
    Direct,
    EpiPhase,
    Espirit,
    NonUniform,
    ProximalGradient,
    Recipe,
    SliceGrappa,
    Wave,
    Wavelet,
)

_VIRTUAL_COILS = 8


def default_recipe(raw: RawData) -> Recipe:
    """Combination when nothing is missing, exact SENSE for regular 2D undersampling, l1-wavelet for everything else.

    Lines that swing alike are a wave, solved by conjugate gradients; any other trajectory that leaves the lines of the
    counters is taken as it is: `NonUniform`, by conjugate gradients. The phase between readouts of both polarities is
    removed where there are both, and simultaneous slices are told apart.
    Errors: those of `admit`.
    """
    admit(raw)
    if wave_course(raw) is not None:
        return _wave_recipe(raw)
    if raw.trajectory_per_m is not None and not is_on_grid(raw.take(np.flatnonzero(imaging_rows(raw)))):
        return _non_uniform_recipe(raw)
    backward = backward_rows(raw)[imaging_rows(raw)]
    chosen = _by_mask(raw)
    if simultaneous_rows(raw).any():
        chosen = replace(chosen, multiband=SliceGrappa())
    return replace(chosen, readout_phase=EpiPhase()) if backward.any() and not backward.all() else chosen


def _by_mask(raw: RawData) -> Recipe:
    mask = _union_mask(raw)
    is_3d = mask.shape[0] > 1
    coils = Espirit(kernel=5, grid=40) if is_3d and raw.encoding.geometry.matrix[0] > 1 else Espirit()
    virtual = _VIRTUAL_COILS if is_3d else None
    if not has_gaps(mask):
        return Recipe(coils=coils, solver=Combination(), virtual_coils=virtual)
    if not is_3d and _is_regular(mask[0]) and int(live_channels(raw).sum()) > 1:
        return Recipe(coils=coils, solver=Direct(), virtual_coils=virtual)
    return Recipe(coils=coils, solver=ProximalGradient(), prior=Wavelet(), virtual_coils=virtual)


def _wave_recipe(raw: RawData) -> Recipe:
    """A wave makes each voxel a streak: it must be solved even where every line was measured."""
    coils = Espirit(kernel=5, grid=40) if raw.encoding.geometry.is_3d else Espirit()
    if live_channels(raw).sum() == 1 and has_gaps(_union_mask(raw)):
        return Recipe(coils=coils, encoding=Wave(), solver=ProximalGradient(), prior=Wavelet())
    return Recipe(coils=coils, encoding=Wave(), solver=ConjugateGradient(), virtual_coils=_VIRTUAL_COILS)


def _non_uniform_recipe(raw: RawData) -> Recipe:
    """Least squares with the expected power spectrum; gridding where a single channel leaves no choice."""
    is_3d = raw.encoding.geometry.is_3d
    if live_channels(raw).sum() == 1:
        return Recipe(encoding=NonUniform(), solver=Combination())
    solver = ConjugateGradient(iterations=20, tolerance=1e-4, expected_power=1.0)
    coils = Espirit(kernel=5, grid=40) if is_3d else Espirit()
    return Recipe(coils=coils, encoding=NonUniform(), solver=solver, virtual_coils=_VIRTUAL_COILS if is_3d else None)


def _union_mask(raw: RawData) -> Bool[np.ndarray, "kz ky"]:
    """Which (kz, ky) the first frame and slice measured."""
    encoding = raw.encoding
    rows = np.flatnonzero(imaging_rows(raw))
    names = ("slice", "set", "contrast", "repetition", "phase")
    labels = np.stack([encoding.counter(name)[rows] for name in names], axis=1)
    rows = rows[np.all(labels == labels[0], axis=1)]
    mask = np.zeros((encoding.geometry.encoded_matrix[2], encoding.geometry.encoded_matrix[1]), dtype=bool)
    mask[encoding.counter("partition")[rows], encoding.counter("line")[rows]] = True
    return mask


def _is_regular(lines: Bool[np.ndarray, " ky"]) -> bool:
    """Evenly spaced lines outside the fully sampled centre."""
    centre = central_block(lines[None], len(lines))[1]
    outer = np.concatenate([np.flatnonzero(lines[: centre.start]), np.flatnonzero(lines[centre.stop :]) + centre.stop])
    left, right = np.diff(outer[outer < centre.start]), np.diff(outer[outer >= centre.stop])
    steps = np.concatenate([left, right])
    return bool(len(steps) == 0 or np.all(steps == steps[0]))
