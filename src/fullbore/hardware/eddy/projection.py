"""What a field is to a scan: its uniform part and its gradients."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def ball_points(radius_m: float = 0.15, polar: int = 8) -> tuple[Float[np.ndarray, "p 3"], Float[np.ndarray, " p"]]:
    """Points of a sphere and their weights (sum 1): exact for harmonics up to degree 2 polar - 1."""
    cosine, w = np.polynomial.legendre.leggauss(polar)
    angle = 2 * np.pi * np.arange(2 * polar) / (2 * polar)
    u, phi = (part.ravel() for part in np.meshgrid(cosine, angle, indexing="ij"))
    s = np.sqrt(1 - u * u)
    return radius_m * np.stack([s * np.cos(phi), s * np.sin(phi), u], axis=1), np.repeat(w, 2 * polar) / (4 * polar)


def projected(
    points_m: Float[np.ndarray, "p 3"], weights: Float[np.ndarray, " p"], bz_T: Float[np.ndarray, "*m p"]
) -> Float[np.ndarray, "*m 4"]:
    """(x, y, z gradient T/m, uniform field T) of Bz on a sphere: the first harmonics, whatever the higher ones.

    A harmonic field has the same first harmonics on every sphere about the centre, so they hold for the whole ball.
    """
    square = float((points_m**2).sum(axis=1) @ weights) / 3
    gradients = (bz_T * weights) @ points_m / square
    return np.concatenate([gradients, (bz_T @ weights)[..., None]], axis=-1)
