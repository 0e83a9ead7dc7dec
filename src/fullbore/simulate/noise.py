"""Thermal noise of the receive array."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Complex64

from fullbore.errors import ValueRangeError

NOISE_SAMPLES = 8192
ROWS_PER_STREAM = 256


def mixing_matrix(covariance_per_Hz: Complex[np.ndarray, "coil coil"], dwell_s: float) -> Complex[np.ndarray, "coil coil"]:
    """Takes unit complex noise to samples of covariance C / dwell.

    Errors: ValueRangeError when the covariance is not positive semidefinite.
    """
    values, vectors = np.linalg.eigh(covariance_per_Hz)
    if values.min() < -1e-9 * max(values.max(), 0):
        raise ValueRangeError(
            f"noise covariance: smallest eigenvalue {values.min():.3g}, wanted none below zero. Check the coil set."
        )
    return np.asarray(vectors * np.sqrt(np.clip(values, 0, None) / dwell_s))


def add_noise(samples: Complex64[np.ndarray, "row coil sample"], mixing: Complex[np.ndarray, "coil coil"], seed: int) -> None:
    """Add noise to every sample, in place; each block of readouts draws from a stream of its own."""
    matrix = mixing.astype(np.complex64)
    for number, first in enumerate(range(0, len(samples), ROWS_PER_STREAM)):
        block = samples[first : first + ROWS_PER_STREAM]
        block += matrix @ unit_noise(block.shape, seed, number + 1)


def noise_scan(mixing: Complex[np.ndarray, "coil coil"], seed: int) -> Complex64[np.ndarray, "coil n"]:
    """A noise-only measurement."""
    return np.asarray(mixing.astype(np.complex64) @ unit_noise((len(mixing), NOISE_SAMPLES), seed, 0))


def unit_noise(shape: tuple[int, ...], seed: int, stream: int) -> Complex64[np.ndarray, "*shape"]:
    """Complex Gaussian numbers of unit variance (a half in each part)."""
    rng = np.random.default_rng([seed, stream])
    pair = rng.standard_normal((*shape, 2), dtype=np.float32)
    return np.asarray((pair * np.float32(np.sqrt(0.5))).view(np.complex64)[..., 0])
