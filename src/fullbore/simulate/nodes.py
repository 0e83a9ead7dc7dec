"""Chebyshev nodes and the matrix that interpolates from them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def chebyshev_nodes(count: int, low: float, high: float) -> Float[np.ndarray, " n"]:
    """Chebyshev points of the first kind on [low, high], rising."""
    angle = (2 * np.arange(count) + 1) * np.pi / (2 * count)
    return np.asarray(0.5 * (low + high) - 0.5 * (high - low) * np.cos(angle))


def barycentric_matrix(nodes: Float[np.ndarray, " n"], points: Float[np.ndarray, " m"]) -> Float[np.ndarray, "m n"]:
    """Weights of the polynomial through values at Chebyshev `nodes`, at `points`.

    Source: Berrut and Trefethen 2004, eq. 4.2 with the weights of section 5.3.
    """
    if len(nodes) == 1 or np.ptp(nodes) == 0:
        return np.full((len(points), len(nodes)), 1.0 / len(nodes))
    n = len(nodes)
    weight = (-1.0) ** np.arange(n) * np.sin((2 * np.arange(n) + 1) * np.pi / (2 * n))
    distance = points[:, None] - nodes
    exact = np.abs(distance) < 1e-12 * np.ptp(nodes)
    ratio = weight / np.where(exact, 1.0, distance)
    result = ratio / ratio.sum(axis=1, keepdims=True)
    hit = exact.any(axis=1)
    result[hit] = exact[hit]
    return result


def chebyshev_terms(reach_rad: float, tolerance: float) -> int:
    """How many Chebyshev terms carry exp(i reach x) on [-1, 1] to the tolerance (Bessel functions beyond their turning point)."""
    terms, size = 1, 1.0
    while size > 0.1 * tolerance and reach_rad > 0:
        size *= 0.5 * reach_rad / terms
        terms += 1
    return terms
