"""What the digital subject really is, on the grid of an image: for scoring and for pictures, never for reconstruction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Encoding, Image, ParameterMaps, Tissue
from fullbore.quant import expected_signal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """tissues and their occupancy (tissue, z, y, x) of the voxels; maps: true T1, T2, PD where a voxel is pure.

    shading: (z, y, x), the receive array's root-sum-of-squares sensitivity, by which an image without intensity
    correction is multiplied.
    """

    tissues: tuple[Tissue, ...]
    occupancy: np.ndarray
    maps: ParameterMaps
    shading: np.ndarray

    def pure(self, name: str, threshold: float = 0.98) -> np.ndarray:
        """Mask of the voxels that one tissue fills and whose neighbours it mostly fills, (z, y, x) bool."""
        index = [tissue.name for tissue in self.tissues].index(name)
        return np.asarray((self.occupancy[index] >= threshold) & (self.maps.status == 1))


def expected_image(truth: Truth, encoding: Encoding) -> np.ndarray:
    """The image that the sequence's signal equation gives for the true tissues, with receive shading, (z, y, x)."""
    weights = np.array([expected_signal(t.t1_s, t.t2_s, t.proton_density, encoding) for t in truth.tissues], dtype=np.float32)
    return np.asarray(np.tensordot(weights, truth.occupancy, axes=1) * truth.shading)


def image_error(image: Image, expected: np.ndarray) -> float:
    """Normalised root mean square difference of magnitudes inside the object, after the best common scale."""
    magnitude = np.abs(image.values if not image.axes else image.values[0])
    inside = expected > 0.05 * expected.max()
    measured, wanted = magnitude[inside].astype(np.float64), expected[inside].astype(np.float64)
    scale = float(measured @ wanted) / float(measured @ measured)
    return float(np.linalg.norm(scale * measured - wanted) / np.linalg.norm(wanted))
