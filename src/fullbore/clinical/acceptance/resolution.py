"""High-contrast resolution (ACR test 2): the smallest holes whose rows are told apart."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.clinical.acceptance.plane import Plane

SEEN = 0.10
"""Modulation (bright - dark) / (bright + dark) from which four holes count as told apart; a choice for the eye's judgement."""


def row_modulation(plane: Plane, holes_m: Float[np.ndarray, "hole 2"]) -> float:
    """Of a row of holes: between its faintest hole and the brightest gap between two, negative when a gap outshines a hole.

    A gap counts its darkest place within a quarter of a pitch of its middle, a hole its brightest, as the eye does.
    """
    step = np.diff(holes_m, axis=0)
    shift = np.linspace(-0.25, 0.25, 11)[:, None, None]
    bright = _along(plane, holes_m[None] + shift * step[:1]).max(axis=0)
    dark = _along(plane, (holes_m[:-1] + holes_m[1:])[None] / 2 + shift * step[:1]).min(axis=0)
    faint, gap = float(bright.min()), float(dark.max())
    return (faint - gap) / (faint + gap) if faint + gap > 0 else -1.0


def finest_hole_m(modulations: dict[float, float]) -> float:
    """Smallest diameter (m) that is told apart, with all larger ones, from diameter -> modulation; infinity when none is."""
    finest = float("inf")
    for diameter in sorted(modulations, reverse=True):
        if modulations[diameter] < SEEN:
            break
        finest = diameter
    return finest


def _along(plane: Plane, points_m: np.ndarray) -> np.ndarray:
    return plane.at(np.ascontiguousarray(points_m[..., 0]), np.ascontiguousarray(points_m[..., 1]))
