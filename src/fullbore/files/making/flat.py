"""A wire on cylinders round z, unrolled: what is cut from flat plate or laid out on a table before it is bent."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from fullbore.errors import ValueRangeError
from fullbore.files.making.path_check import MM_PER_M, sound_path


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlatPiece:
    """A run of wire near one cylinder.

    points_m: along the bore (z), around it (angle times radius, continuous over the cut), height over the cylinder.
    """

    radius_m: float
    points_m: Float[np.ndarray, "n 3"]


def unrolled(track_m: Float[np.ndarray, "n 3"], radii_m: tuple[float, ...]) -> list[FlatPiece]:
    """Runs in the order of the current, each flat on the cylinder that most of it is nearest to; radii to the micrometre.

    A run of more than one turn is cut at the back, half a turn from x. A run ends in the first point of the next, so that nothing
    is lost between. Errors: ValueRangeError for no path, or a path
    through the axis.
    """
    points = sound_path(track_m, "track")
    radii = np.round(np.array(radii_m) * MM_PER_M, 3) / MM_PER_M
    if not (len(radii) and radii.min() > 0):
        raise ValueRangeError(f"unrolled: got radii {radii_m}, wanted positive ones.")
    distance = np.hypot(points[:, 0], points[:, 1])
    if distance.min() < 1e-3 * radii.min():
        raise ValueRangeError("unrolled: the track goes through the axis, where it has no angle.")
    nearest = np.abs(distance[:, None] - radii).argmin(axis=1)
    angle = np.unwrap(np.arctan2(points[:, 1], points[:, 0]))
    pieces = []
    for first, last in _runs(nearest, angle):
        run, radius = slice(first, last + 1), float(radii[nearest[first]])
        flat = np.stack([points[run, 2], angle[run] * radius, distance[run] - radius], axis=1)
        turns = np.round(flat[:, 1].mean() / (2 * np.pi * radius))
        flat[:, 1] -= turns * 2 * np.pi * radius
        if len(flat) > 1:
            pieces.append(FlatPiece(radius_m=radius, points_m=flat))
    return pieces


def _runs(nearest: np.ndarray, angle: np.ndarray) -> list[tuple[int, int]]:
    """Where the cylinder changes; and, on a run longer than one turn, where it comes round to the back of the sheet."""
    found = []
    for first, last in pairwise([0, *(np.flatnonzero(np.diff(nearest)) + 1), len(angle)]):
        own = angle[first:last]
        sheet = np.round(own / (2 * np.pi)) if np.ptp(own) > 2 * np.pi else np.zeros(len(own))
        found += list(pairwise([first, *(first + np.flatnonzero(np.diff(sheet)) + 1), last]))
    return [(int(first), int(last)) for first, last in found]


def folded(pieces: list[FlatPiece], tolerance_m: float = 1e-5) -> Float[np.ndarray, "n 3"]:
    """The wire that runs were unrolled from. Errors: ValueRangeError when one does not begin where the one before it ends."""
    if not pieces:
        raise ValueRangeError("folded: got no pieces, wanted one at least.")
    found: list[np.ndarray] = []
    for number, piece in enumerate(pieces):
        along, around, height = piece.points_m.T
        angle, distance = around / piece.radius_m, piece.radius_m + height
        points = np.stack([distance * np.cos(angle), distance * np.sin(angle), along], axis=1)
        if found:
            gap = float(np.linalg.norm(found[-1][-1] - points[0]))
            if not gap <= tolerance_m:
                raise ValueRangeError(
                    f"folded: piece {number + 1} begins {1e3 * gap:.4g} mm from where piece {number} ends. Keep their order."
                )
            found[-1] = found[-1][:-1]
        found.append(points)
    return np.concatenate(found)
