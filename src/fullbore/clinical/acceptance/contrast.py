"""Low-contrast detectability (ACR test 7): spokes of faint discs that stand out of the noise."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from fullbore.clinical.acceptance.plane import Plane
from fullbore.errors import ShapeError

DETECTED = 3.0
"""Matched-filter signal over its noise from which a disc counts as seen; a choice (Rose asks for 3 to 5)."""


def disc_scores(
    plane: Plane, centres_m: Float[np.ndarray, "disc 2"], radii_m: Float[np.ndarray, " disc"], noise: float
) -> Float[np.ndarray, " disc"]:
    """How far each disc stands out of what lies around it, in standard deviations of that difference by noise alone.

    The difference is of the mean within the disc and the mean of a ring from 1.4 to 2.2 radii (at least two pixels wide). noise:
    standard deviation of a pixel there, taken as white.
    """
    x, y = plane.points()
    wide = max(plane.pixel_m)
    scores = np.empty(len(radii_m))
    for number, (centre, radius) in enumerate(zip(centres_m, radii_m, strict=True)):
        away = np.hypot(x - centre[0], y - centre[1])
        disc = np.clip((radius - away) / wide + 0.5, 0, 1)
        inner = max(1.4 * radius, radius + wide)
        ring = (away > inner) & (away < max(2.2 * radius, inner + 2 * wide))
        spread = noise * np.sqrt((disc**2).sum() / disc.sum() ** 2 + 1 / ring.sum())
        scores[number] = ((disc * plane.values).sum() / disc.sum() - plane.values[ring].mean()) / spread
    return scores


def complete_spokes(seen: Bool[np.ndarray, " disc"], discs: int = 3) -> int:
    """Spokes, from the largest, all of whose discs are seen, up to the first that is not complete.

    Source: Phantom Test Guidance for the ACR MRI Accreditation Program. Errors: ShapeError for a part of a spoke.
    """
    if len(seen) % discs:
        raise ShapeError(f"complete_spokes: {len(seen)} discs, wanted a multiple of {discs}.")
    whole = seen.reshape(-1, discs).all(axis=1)
    return int(np.argmin(np.append(whole, False)))
