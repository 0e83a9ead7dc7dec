"""What the digital subject really is, on the grid of an image: for scoring and for pictures, never for reconstruction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import minimum_filter

from fullbore.data import Encoding, FitStatus, Image, ParameterMaps, Tissue
from fullbore.quant import expected_signal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """tissues and their occupancy (tissue, z, y, x) of the voxels; maps: true T1, T2, PD where a voxel is pure.

    shading: (z, y, x), the receive array's root-sum-of-squares sensitivity, by which an image without intensity
    correction is multiplied. flip_scale: (z, y, x), true over nominal flip.
    """

    tissues: tuple[Tissue, ...]
    occupancy: np.ndarray
    maps: ParameterMaps
    shading: np.ndarray
    flip_scale: np.ndarray

    def share(self, names: tuple[str, ...]) -> np.ndarray:
        """How much of each voxel these tissues fill together, (z, y, x)."""
        return np.asarray(sum(self.occupancy[i] for i, tissue in enumerate(self.tissues) if tissue.name in names))

    def pure(self, name: str, own: float = 0.995, neighbours: float = 0.98) -> np.ndarray:
        """Mask of the voxels that one tissue fills, and whose neighbours (within slices) it fills too, (z, y, x) bool.

        So strict because little matters: 2 % of grey matter make the T2 of cerebrospinal fluid read 7 % low.
        """
        share = self.occupancy[[tissue.name for tissue in self.tissues].index(name)]
        spacing = self.maps.grid.spacing_m[::-1]
        size = [3 if step < 1.5 * spacing.min() else 1 for step in spacing]
        return np.asarray((share >= own) & (minimum_filter(share, size=size) >= neighbours) & (self.maps.status == FitStatus.OK))


def expected_level(tissue: Tissue, encoding: Encoding, flip_scale: float = 1.0) -> float:
    """What the sequence's signal equation gives for one tissue, at its true flips."""
    refocusing = encoding.refocusing_flip_rad * flip_scale
    encoding = replace(encoding, flip_rad=encoding.flip_rad * flip_scale, refocusing_flip_rad=refocusing)
    t2_star_s = 1.0 / (1.0 / tissue.t2_s + 1.0 / tissue.t2_prime_s)
    return expected_signal(tissue.t1_s, tissue.t2_s, t2_star_s, tissue.proton_density, encoding)


def expected_image(truth: Truth, encoding: Encoding) -> np.ndarray:
    """The image that the sequence's signal equation gives for the true tissues, with receive shading, (z, y, x)."""
    weights = np.array([expected_level(tissue, encoding) for tissue in truth.tissues], dtype=np.float32)
    return np.asarray(np.tensordot(weights, truth.occupancy, axes=1) * truth.shading)


def principal_frame(image: Image) -> np.ndarray:
    """Magnitude of the frame that a person looks at first, (z, y, x): without inversion, at the shortest echo time."""
    if not image.axes:
        return np.abs(image.values)
    frames = np.abs(image.values.reshape(-1, *image.grid.shape))
    if image.echo_time_s is None or image.inversion_time_s is None:
        return np.asarray(frames[0])
    plain = np.isnan(image.inversion_time_s)
    return np.asarray(frames[np.argmin(np.where(plain | ~plain.any(), image.echo_time_s, np.inf))])


def brain_error(image: Image, expected: np.ndarray, brain: np.ndarray) -> float:
    """Normalised root mean square difference of magnitudes where `brain` (z, y, x bool) holds, after the median common scale.

    Only there: scalp fat is brighter than all else and displaced by its chemical shift, and would be most of the figure.
    """
    measured, wanted = principal_frame(image)[brain].astype(np.float64), expected[brain].astype(np.float64)
    scale = float(np.median(wanted / np.maximum(measured, 1e-30)))
    return float(np.linalg.norm(scale * measured - wanted) / np.linalg.norm(wanted))
