"""Image uniformity: ACR's percent integral uniformity and NEMA MS 3's peak deviation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool
from scipy.ndimage import convolve

from fullbore.clinical.acceptance.plane import Plane
from fullbore.errors import DataError

SMALL_M2 = 1.0e-4
"""Area of the small region that is moved about to find the darkest and the brightest place."""


def integral_uniformity(plane: Plane, inside: Bool[np.ndarray, "y x"]) -> tuple[float, tuple[float, float], tuple[float, float]]:
    """100 (1 - (high - low) / (high + low)) per cent of means over circles of 1 cm^2 that lie wholly inside; and (x, y) of both.

    Returns (per cent, place of the darkest, place of the brightest). Source: Phantom Test Guidance for the ACR MRI Accreditation
    Program (percent integral uniformity). Errors: DataError when no circle fits.
    """
    means = _small_means(plane, inside)
    low, high = float(np.nanmin(means)), float(np.nanmax(means))
    dark, bright = (np.unravel_index(int(place), means.shape) for place in (np.nanargmin(means), np.nanargmax(means)))
    where = [(float(plane.x_m[column]), float(plane.y_m[row])) for row, column in (dark, bright)]
    return 100 * (1 - (high - low) / (high + low)), where[0], where[1]


def peak_deviation(plane: Plane, inside: Bool[np.ndarray, "y x"]) -> float:
    """NEMA MS 3's non-uniformity: 100 (high - low) / (high + low) per cent of the image smoothed by its nine-point filter.

    Source: NEMA MS 3 (from memory: weights 1 2 1, 2 4 2, 1 2 1).
    """
    weights = np.array([1.0, 2.0, 1.0]) / 4
    smooth = sum(weights[i + 1] * weights[j + 1] * np.roll(plane.values, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))
    seen = np.asarray(smooth)[inside]
    return float(100 * (seen.max() - seen.min()) / (seen.max() + seen.min()))


def _small_means(plane: Plane, inside: np.ndarray) -> np.ndarray:
    """Mean over a small circle about each pixel, (y, x); NaN where the circle leaves the region."""
    radius, (dx, dy) = np.sqrt(SMALL_M2 / np.pi), plane.pixel_m
    half_x, half_y = int(radius / dx), int(radius / dy)
    x, y = np.meshgrid(np.arange(-half_x, half_x + 1) * dx, np.arange(-half_y, half_y + 1) * dy)
    kernel = (np.hypot(x, y) <= radius).astype(np.float64)
    whole = convolve(inside.astype(np.float64), kernel, mode="constant") > kernel.sum() - 0.5
    if not whole.any():
        raise DataError("uniformity: a region of 1 cm2 does not fit inside the object. Take a larger field of view.")
    means = convolve(plane.values.astype(np.float64), kernel / kernel.sum(), mode="nearest")
    return np.where(whole, means, np.nan)
