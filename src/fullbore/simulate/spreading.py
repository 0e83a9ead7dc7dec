"""Spreading points off a regular grid onto it, and the transform of the spreading function (Kaiser-Bessel).

Source: Beatty, Nishimura, Pauly 2005, eq. 4 and 5.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32

WIDTH = 6
BINS = 512
WIDEST_K = 0.36
"""Largest k times grid step that is kept exactly, to about 1e-4."""


def _beta() -> float:
    oversampling = 0.5 / WIDEST_K
    return float(np.pi * np.sqrt((WIDTH / oversampling) ** 2 * (oversampling - 0.5) ** 2 - 0.8))


def spreading_weights() -> Float32[np.ndarray, "bin tap"]:
    """Weights of the WIDTH grid points around a point that lies a fraction bin / BINS past point WIDTH / 2 - 1."""
    fraction = np.arange(BINS + 1)[:, None] / BINS
    distance = np.arange(WIDTH)[None, :] - (WIDTH // 2 - 1) - fraction
    return (np.i0(_beta() * np.sqrt(np.clip(1 - (2 * distance / WIDTH) ** 2, 0, None))) / np.i0(_beta())).astype(np.float32)


def spreading_transform(k_cells: Float[np.ndarray, "*k"]) -> Float[np.ndarray, "*k"]:
    """Transform of the spreading function at k (cycles per grid step)."""
    argument = np.sqrt((_beta() ** 2 - (np.pi * WIDTH * k_cells) ** 2).astype(complex))
    return np.asarray((WIDTH * np.sinh(argument) / argument).real / np.i0(_beta()))
