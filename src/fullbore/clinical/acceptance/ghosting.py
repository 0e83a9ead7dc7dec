"""Percent signal ghosting: what of the object's signal lies in the air along the phase direction."""

from __future__ import annotations

from fullbore.clinical.acceptance.plane import Mark, Plane
from fullbore.errors import DataError

_SHARE = 0.8  # of the room between object and edge of the picture, that a region takes
_LENGTH = 0.5  # of the object's radius: half length of a region


def signal_ghosting(plane: Plane, centre_m: tuple[float, float], radius_m: float) -> tuple[float, tuple[Mark, ...]]:
    """100 |(top + bottom) - (left + right)| / (2 object) per cent of the means of four regions of air; and the regions.

    radius_m: of all of the object, its wall included. The object's mean is over four fifths of its radius. Source: Phantom Test
    Guidance for the ACR MRI Accreditation Program. Errors: DataError when there is no room beside the object.
    """
    boxes = _boxes(plane, centre_m, radius_m)
    left, right, top, bottom = (float(plane.values[plane.rectangle(*box)].mean()) for box in boxes)
    whole = float(plane.values[plane.disc(centre_m, 0.8 * radius_m)].mean())
    marks = tuple(Mark(kind="box", points_m=box) for box in boxes)
    return 100 * abs((top + bottom) - (left + right)) / (2 * whole), marks


def _boxes(plane: Plane, centre_m: tuple[float, float], radius_m: float) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Corners of the regions to the left, right, top and bottom."""
    half, (cx, cy) = _LENGTH * radius_m, centre_m
    found = []
    for positions, middle, other, across in (
        (plane.x_m, cx, cy, True),
        (plane.y_m, cy, cx, False),
    ):
        for side in (-1, 1):
            end = float(positions.min() if side < 0 else positions.max())
            edge = middle + side * radius_m
            room = side * (end - edge)
            if room < 3 * max(plane.pixel_m):
                raise DataError(f"ghosting: {room * 1e3:.1f} mm of air beside the object. Take a larger field of view.")
            near, far = edge + side * (1 - _SHARE) * room, edge + side * room
            low, high = min(near, far), max(near, far)
            corners = ((low, other - half), (high, other + half))
            found.append(corners if across else ((other - half, low), (other + half, high)))
    return found
