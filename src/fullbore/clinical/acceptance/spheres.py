"""Spheres of known T1 and T2: what the maps say of each, beside what they hold."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.clinical.acceptance.plane import Plane

# Milliseconds at 3 T and 20 C, spheres 1 to 14. Source: Stupic 2021, MRM 86:1194, supplement.
NICKEL_T1_MS = (1989, 1454, 984.1, 706.0, 496.7, 351.5, 247.13, 175.3, 125.9, 89.0, 62.70, 44.53, 30.84, 21.72)
MANGANESE_T2_MS = (581.3, 403.5, 278.1, 190.94, 133.27, 96.89, 64.07, 46.42, 31.97, 22.56, 15.81, 11.24, 7.91, 5.59)
RING_M, SQUARE_M, SPHERE_RADIUS_M = 0.050, 0.020, 7.5e-3


def sphere_centres_m() -> Float[np.ndarray, "sphere 2"]:
    """(x, y) of the spheres of a plate: ten on a circle of 100 mm from the front on, four on a square of 40 mm."""
    angle = 2 * np.pi * np.arange(10) / 10 - np.pi / 2
    ring = RING_M * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([ring, SQUARE_M * np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])])


def sphere_medians(maps: Float[np.ndarray, "y x"], plane: Plane, share: float = 0.6) -> Float[np.ndarray, " sphere"]:
    """Median of a map (y, x) within `share` of each sphere's radius; NaN where less than half of that was fitted."""
    found = np.full(len(sphere_centres_m()), np.nan)
    for number, (x, y) in enumerate(sphere_centres_m()):
        values = maps[plane.disc((float(x), float(y)), share * SPHERE_RADIUS_M)]
        if np.isfinite(values).mean() >= 0.5:
            found[number] = np.nanmedian(values)
    return found
