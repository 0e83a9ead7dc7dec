"""What surrounds the brain: a modelled skull, scalp, face and neck, as a painter's list of solids.

Only the brain is data. Everything else is a model that follows the brain's own hull (so it fits any deformation of it),
with thicknesses from common anatomy: subarachnoid space 1 to 2.5 mm, skull 3 mm (temporal) to 8 mm (occiput) with outer table,
marrow and inner table, scalp fat 4 mm, skin 2 mm, temporal muscle; orbits with fat, eyes and optic nerves; frontal,
ethmoid, sphenoid and maxillary sinuses, mastoid cells, nose and airway as holes without signal; jaw, upper spine and cord.
Not modelled: ears, teeth, vessels, dura, glands. Positions are in millimetres of atlas LPS, origin at the anterior commissure.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

from fullbore.phantom import solids

# Closing radius of the brain's hull, and skin and scalp-fat thickness, millimetres.
_CLOSING_MM = 6.0
_SKIN_MM = 2.0
_SCALP_FAT_MM = 4.0


class Layer(NamedTuple):
    """One stroke of the painter: a solid's signed distance (z, y, x) in millimetres and the tissue that fills it, "" for air."""

    tissue: str
    distance: np.ndarray


def hull_distance(mask: np.ndarray, step_mm: float | int) -> np.ndarray:
    """Signed distance (mm) to the closed and smoothed hull of a mask (z, y, x) on a lattice of the given step."""
    outside = distance_transform_edt(~mask, sampling=step_mm)
    dilated = outside <= _CLOSING_MM
    inside = distance_transform_edt(dilated, sampling=step_mm)
    distance = np.where(dilated, _CLOSING_MM - inside, outside).astype(np.float32)
    return np.asarray(gaussian_filter(distance, 1.2))


def paint_head(points: np.ndarray, hull: np.ndarray, texture: np.ndarray) -> list[Layer]:
    """All layers from skin to cord, later ones over earlier ones; the brain itself comes after them.

    points: (z, y, x, 3) mm of atlas LPS. hull: (z, y, x) from `hull_distance`. texture: (z, y, x) smooth noise of unit variance.
    """
    pair = solids.mirrored(points)
    temple = _temple(pair)
    cavity = hull - (1.7 + 0.3 * np.clip(texture, -2, 2))
    skull = cavity - _skull_thickness(points, temple)
    scalp = gaussian_filter(skull, 2.0) - (_SKIN_MM + _SCALP_FAT_MM) - 7.0 * temple
    head = _surface(points, pair, scalp)
    spine = _spine(points)
    face = _face_bones(points, pair)
    streaks = np.maximum(0.9 - texture, head + 3 * _SKIN_MM) * 4.0
    return [
        Layer("muscle", head),
        Layer("fat", head + _SKIN_MM),
        Layer("muscle", head + _SKIN_MM + _SCALP_FAT_MM - 0.7),
        Layer("fat", streaks),
        Layer("fat", _orbits(pair)),
        Layer("cortical bone", solids.union(skull, face, spine)),
        Layer("marrow", _marrow(points, pair, cavity, skull, spine)),
        Layer("", _air(points, pair, texture)),
        *_inner_eye(pair),
        Layer("csf", solids.union(cavity, _canal(points, 8.0))),
        Layer("white matter", solids.inside_of(_canal(points, 5.0), points[..., 2] + 72)),
        Layer("grey matter", solids.inside_of(_canal(points, 1.8), points[..., 2] + 74)),
    ]


def _bump(points: np.ndarray, centre: solids.Vector, width: solids.Vector) -> np.ndarray:
    offset = (points - np.asarray(centre, points.dtype)) / np.asarray(width, points.dtype)
    return np.asarray(np.exp(-0.5 * (offset**2).sum(axis=-1)))


def _temple(pair: np.ndarray) -> np.ndarray:
    """1 at the temporal fossa, where the skull is thin and the temporal muscle thick, falling smoothly to 0."""
    return _bump(pair, (70, -18, -12), (22, 22, 24))


def _skull_thickness(points: np.ndarray, temple: np.ndarray) -> np.ndarray:
    back = _bump(points, (0, 105, 5), (50, 30, 40))
    brow = _bump(points, (0, -78, -12), (26, 14, 18))
    return np.asarray(6.0 + 1.8 * back + 5.0 * brow - 3.0 * temple, dtype=np.float32)


def _surface(points: np.ndarray, pair: np.ndarray, scalp: np.ndarray) -> np.ndarray:
    face = solids.ellipsoid(points, (0, -36, -72), (58, 56, 74))
    jaw = solids.ellipsoid(points, (0, -46, -118), (44, 44, 30))
    cheek = solids.ellipsoid(pair, (36, -58, -62), (24, 22, 26))
    nose = solids.union(
        solids.capsule(points, (0, -86, -40), (0, -98, -72), 6.0), solids.ellipsoid(pair, (6, -93, -74), (8, 8, 6))
    )
    neck = solids.capsule(points, (0, 38, -60), (0, 30, -170), 60.0)
    head = solids.blend(scalp, solids.blend(face, jaw, 12.0), 14.0)
    head = solids.blend(solids.blend(head, cheek, 12.0), neck, 18.0)
    head = solids.blend(head, solids.ellipsoid(pair, (32, -66, -37), (17, 16, 14)), 6.0)
    return solids.blend(head, nose, 7.0)


def _orbits(pair: np.ndarray) -> np.ndarray:
    return solids.blend(
        solids.ellipsoid(pair, (32, -58, -37), (17, 17, 16)), solids.capsule(pair, (30, -52, -36), (14, -24, -33), 7.0), 8.0
    )


def _inner_eye(pair: np.ndarray) -> list[Layer]:
    """Sclera (as muscle), vitreous body (as CSF), lens and optic nerve."""
    centre = (32.0, -67.0, -37.0)
    return [
        Layer("muscle", solids.capsule(pair, (29, -50, -36), (11, -18, -32), 2.2)),
        Layer("muscle", solids.ellipsoid(pair, centre, (13, 13, 13))),
        Layer("csf", solids.ellipsoid(pair, centre, (11.6, 11.6, 11.6))),
        Layer("muscle", solids.ellipsoid(pair, (32, -75.5, -37), (4.8, 2.2, 4.8))),
    ]


def _face_bones(points: np.ndarray, pair: np.ndarray) -> np.ndarray:
    maxilla = solids.ellipsoid(pair, (27, -52, -64), (19, 19, 18))
    zygoma = solids.capsule(pair, (46, -58, -55), (63, -14, -50), 3.5)
    rim = solids.without(solids.ellipsoid(pair, (32, -60, -37), (20, 18, 19)), _orbits(pair))
    rim = solids.inside_of(rim, -(points[..., 1] + 68))
    nasal = solids.capsule(points, (0, -82, -36), (0, -90, -48), 3.0)
    palate = solids.inside_of(solids.ellipsoid(points, (0, -52, -80), (26, 32, 5)), np.abs(points[..., 2] + 80) - 4)
    upper = solids.arc(points, (0, -52, -86), 25.0, 5.5, -40)
    lower = solids.blend(_jaw(points, pair), solids.arc(points, (0, -50, -108), 28.0, 7.5, -40), 6.0)
    base = solids.ellipsoid(points, (0, -10, -48), (24, 28, 14))
    return solids.union(maxilla, zygoma, rim, nasal, palate, upper, lower, base)


def _jaw(points: np.ndarray, pair: np.ndarray) -> np.ndarray:
    ramus = solids.capsule(pair, (50, -8, -56), (46, -14, -98), 6.0)
    return solids.blend(ramus, solids.capsule(pair, (46, -14, -98), (28, -44, -112), 7.0), 6.0)


def _spine(points: np.ndarray) -> np.ndarray:
    body = solids.capsule(points, (0, 20, -78), (0, 26, -170), 11.0)
    ring = solids.inside_of(_canal(points, 12.0), points[..., 2] + 70)
    spinous = solids.capsule(points, (0, 54, -92), (0, 76, -104), 4.0)
    spinous = solids.union(spinous, solids.capsule(points, (0, 56, -112), (0, 74, -122), 4.0))
    transverse = solids.capsule(points, (-28, 34, -84), (28, 34, -84), 5.0)
    return solids.union(body, ring, spinous, transverse)


def _canal(points: np.ndarray, radius: float | int) -> np.ndarray:
    return solids.capsule(points, (0, 43, -66), (0, 48, -180), radius)


def _marrow(points: np.ndarray, pair: np.ndarray, cavity: np.ndarray, skull: np.ndarray, spine: np.ndarray) -> np.ndarray:
    diploe = solids.without(skull + 2.0, cavity - 1.8)
    jaw = solids.blend(_jaw(points, pair), solids.arc(points, (0, -50, -108), 28.0, 7.5, -40), 6.0) + 2.5
    disc = 8.0 - np.abs(np.mod(points[..., 2] + 78, 20.0) - 10.0)
    vertebrae = solids.without(solids.inside_of(spine + 1.8, -disc), _canal(points, 11.0))
    clivus = solids.ellipsoid(points, (0, 2, -50), (14, 12, 10))
    return solids.union(diploe, jaw, vertebrae, clivus)


def _air(points: np.ndarray, pair: np.ndarray, texture: np.ndarray) -> np.ndarray:
    frontal = solids.ellipsoid(pair, (9, -81, -12), (8, 4, 11))
    sphenoid = solids.ellipsoid(pair, (7, -20, -42), (6.5, 11, 8))
    ethmoid = solids.ellipsoid(pair, (6, -50, -38), (5, 20, 9)) + 0.8 * np.clip(texture, -1, 2)
    maxillary = solids.ellipsoid(pair, (28, -52, -64), (12.5, 15, 14))
    mastoid = solids.ellipsoid(pair, (54, 28, -50), (6, 8, 10)) + 1.5 * np.clip(texture, -1, 2)
    nasal = solids.ellipsoid(pair, (5.5, -56, -62), (3.5, 32, 14))
    pharynx = solids.blend(
        solids.ellipsoid(points, (0, -12, -70), (10, 9, 14)), solids.capsule(points, (0, -6, -80), (0, -2, -180), 7.5), 6.0
    )
    return solids.union(frontal, sphenoid, ethmoid, maxillary, mastoid, nasal, pharynx)
