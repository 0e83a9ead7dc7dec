"""Signal to noise (NEMA MS 1), and whether every element of the array hears."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float

from fullbore.data import RawData
from fullbore.errors import DataError, ShapeError

RAYLEIGH = float(np.sqrt(2 - np.pi / 2))
"""Standard deviation of the magnitude of pure noise of one channel, over that of its real part: 0.655."""

_NORMAL = 1.4826
"""Standard deviation of a Gaussian over its median absolute deviation."""


def difference_snr(
    first: Float[np.ndarray, "y x"], second: Float[np.ndarray, "y x"], inside: Bool[np.ndarray, "y x"]
) -> tuple[float, float]:
    """(signal to noise, noise) of a pair of like images: mean over the standard deviation of their difference over root 2.

    Source: NEMA MS 1, the method of two images (from memory). Holds for arrays too. The deviation is 1.4826 times the median
    absolute one, the same for Gaussian noise: coil maps that are estimated from each scan jump in a few pixels, which would count
    as noise. Errors: DataError without any noise.
    """
    change = first[inside] - second[inside]
    noise = float(np.median(np.abs(change - np.median(change)))) * _NORMAL / np.sqrt(2)
    if noise == 0:
        raise DataError("NEMA MS 1: the two images are the same; wanted two scans, each with noise of its own.")
    return float(first[inside].mean() + second[inside].mean()) / 2 / noise, noise


def background_snr(
    image: Float[np.ndarray, "y x"], inside: Bool[np.ndarray, "y x"], background: Bool[np.ndarray, "y x"]
) -> float:
    """Signal to noise of one image of one channel: the air's standard deviation is 0.655 of the noise's.

    Source: NEMA MS 1, the method of one image (from memory); Rayleigh's law. Not for arrays or filtered images.
    """
    return float(image[inside].mean() / (image[background].std() / RAYLEIGH))


def element_snr(raw: RawData) -> Float[np.ndarray, " coil"]:
    """How loudly each channel hears the object: its root mean power in the readouts, less the noise's, over the noise's.

    Errors: DataError when the data hold no noise scan.
    """
    if raw.noise is None:
        raise DataError("array elements: the raw data hold no noise scan; wanted one beside the readouts.")
    return power_ratio(raw.samples, raw.noise)


def power_ratio(
    samples: Complex[np.ndarray, "row coil sample"], noise: Complex[np.ndarray, "coil n"]
) -> Float[np.ndarray, " coil"]:
    """Root of (mean power of samples / mean power of noise - 1), 0 where that is negative."""
    if samples.shape[1] != len(noise):
        raise ShapeError(f"power_ratio: samples of {samples.shape[1]} channels, noise of {len(noise)}.")
    power = (np.abs(samples.astype(np.complex128)) ** 2).mean(axis=(0, 2))
    quiet = (np.abs(noise.astype(np.complex128)) ** 2).mean(axis=1)
    return np.sqrt(np.clip(power / quiet - 1, 0, None))
