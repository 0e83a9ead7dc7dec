"""Noise of the receive channels, and the change of channels that makes it white."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex

# A channel combination with less noise than this fraction of the largest is held up to it: it would dominate otherwise.
_FLOOR = 1e-6


def noise_covariance(
    noise: Complex[np.ndarray, "coil n"], noise_dwell_s: float, dwell_s: float
) -> Complex[np.ndarray, "coil coil"]:
    """E[n n^H] of one complex sample of the acquisition, from a noise scan.

    The noise power is proportional to the receiver's bandwidth, 1 / dwell; 0 means that both dwell times are equal.
    With fewer than two samples per channel only the variances are trusted.
    """
    covariance = (noise @ noise.conj().T / noise.shape[1]).astype(np.complex128)
    if noise.shape[1] < 2 * len(noise):
        covariance = np.diag(np.diag(covariance))
    scale = noise_dwell_s / dwell_s if noise_dwell_s > 0 and dwell_s > 0 else 1.0
    return np.asarray(covariance * scale)


def periphery_noise(samples: Complex[np.ndarray, " n"]) -> float:
    """Standard deviation of complex noise from samples at the edge of k-space, where little signal is left.

    The magnitude of complex noise has the median sqrt(ln 2) of its standard deviation; the median is not moved by a few
    samples with signal. An upper bound for images whose detail reaches the edge; 0 when most samples are zero.
    """
    return float(np.median(np.abs(samples)) / np.sqrt(np.log(2)))


def whitening_matrix(covariance: Complex[np.ndarray, "coil coil"]) -> Complex[np.ndarray, "coil coil"]:
    """W with W C W^H = 1: the inverse of the Cholesky factor."""
    size = float(np.trace(covariance).real) / len(covariance)
    if size == 0:
        return np.eye(len(covariance), dtype=np.complex128)
    held = covariance + _FLOOR * size * np.eye(len(covariance)) * (np.linalg.cond(covariance) > 1 / _FLOOR)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(held)))
