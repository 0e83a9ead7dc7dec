"""The recipe that suits an acquisition, chosen from what was measured."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from fullbore.data import RawData
from fullbore.recon.admission import admit, imaging_rows, live_channels
from fullbore.recon.calibration.central_block import central_block, has_gaps
from fullbore.recon.recipe import Combination, Direct, Espirit, ProximalGradient, Recipe, Wavelet

_VIRTUAL_COILS = 8


def default_recipe(raw: RawData) -> Recipe:
    """Combination when nothing is missing, exact SENSE for regular 2D undersampling, l1-wavelet for everything else.

    Errors: those of `admit`.
    """
    admit(raw)
    mask = _union_mask(raw)
    is_3d = mask.shape[0] > 1
    coils = Espirit(kernel=5, grid=40) if is_3d and raw.encoding.geometry.matrix[0] > 1 else Espirit()
    virtual = _VIRTUAL_COILS if is_3d else None
    if not has_gaps(mask):
        return Recipe(coils=coils, solver=Combination(), virtual_coils=virtual)
    if not is_3d and _is_regular(mask[0]) and int(live_channels(raw).sum()) > 1:
        return Recipe(coils=coils, solver=Direct(), virtual_coils=virtual)
    return Recipe(coils=coils, solver=ProximalGradient(), prior=Wavelet(shifts=1 if is_3d else 2), virtual_coils=virtual)


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
