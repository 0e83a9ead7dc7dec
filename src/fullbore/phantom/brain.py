"""From a blurred average of 152 brains to one crisp brain."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from fullbore.phantom.atlas import Atlas

# Template intensity of white matter, grey matter and CSF (modes and deep-ventricle median of the template's histogram)
# and the spread allowed to each after local contrast has been raised.
_INTENSITY = (0.885, 0.67, 0.28)
_SPREAD = (0.12, 0.12, 0.24)
_DETAIL = 1.5
_DETAIL_VOXELS = 3.0
_PURE_MARGIN = 0.02
_RESOLVE_POWER = 2.0
# Brighter than this where brain is less likely than that: a vein or the tentorium, not brain.
_VEIN_INTENSITY = 0.68
_VEIN_BRAIN_SHARE = 0.55


def brain_mask(atlas: Atlas) -> np.ndarray:
    """True (z, y, x) inside the template's own skull-strip."""
    return np.asarray(atlas.template > 0)


def sharpen(atlas: Atlas) -> np.ndarray:
    """Fractions of white matter, grey matter and CSF, float32 (3, z, y, x), sum 1 inside the brain mask and 0 outside.

    The atlas is a mean of 152 heads: its probabilities are blurred by anatomy, not by partial volume. So (1) local
    contrast of the maps and of the template is raised (unsharp masking within the mask, 3 voxels), which reopens sulci and
    thin gyri; (2) the raised probabilities to the power 1.5 are multiplied with a Gaussian likelihood of the raised template
    intensity, and the product squared and normalised; (3) the ends 2 % are clipped, so that deep voxels are pure. What
    remains between is a border about a voxel wide: of the voxels with any white matter, grey matter or CSF, 79, 73 and 67 %
    hold at least 0.98 of it.
    The result is one plausible brain, not any person's. Deep grey matter counts as grey matter; veins and dura count as CSF.
    """
    mask = brain_mask(atlas).astype(np.float32)
    weight = np.maximum(gaussian_filter(mask, _DETAIL_VOXELS, truncate=2.5), 1e-3)
    white = np.clip(_raise_detail(atlas.white, mask, weight), 0, 1)
    tissue = np.clip(_raise_detail(atlas.white + atlas.grey, mask, weight), 0, 1)
    template = _raise_detail(atlas.template, mask, weight)
    template[(atlas.template > _VEIN_INTENSITY) & (atlas.white + atlas.grey < _VEIN_BRAIN_SHARE)] = _INTENSITY[2]
    fractions = np.stack([white, np.maximum(tissue - white, 0), 1 - tissue])
    for share, mean, spread in zip(fractions, _INTENSITY, _SPREAD, strict=True):
        np.maximum(share, 1e-5, out=share)
        share *= np.sqrt(share) * np.exp(-0.5 * ((template - mean) / spread) ** 2)
        share **= _RESOLVE_POWER
    fractions /= fractions.sum(axis=0)
    np.clip((fractions - _PURE_MARGIN) / (1 - 2 * _PURE_MARGIN), 0, 1, out=fractions)
    fractions *= mask / fractions.sum(axis=0)
    return fractions


def _raise_detail(volume: np.ndarray, mask: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Unsharp masking that does not see beyond the mask."""
    mean = gaussian_filter(volume * mask, _DETAIL_VOXELS, truncate=2.5) / weight
    return np.asarray(volume + _DETAIL * (volume - mean), dtype=np.float32)
