"""What surrounds the brain: scalp, skull, face, eyes, sinuses, neck, as layers that follow the brain's own hull.

The model is that of the brain exam's head (`phantom.anatomy`: the same hull, thicknesses and places), drawn as continuous
solids and with what that one leaves out: dura with falx and tent, mucosa, lens and muscles of the eye, glands, teeth, tongue,
discs, ears. Places are atlas LPS millimetres.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from fullbore.phantom.anatomy import hull_distance
from fullbore.phantom.atlas import CROP_MM
from fullbore.phantom.bodies.head_brain import tentorium_mm
from fullbore.phantom.bodies.head_face import base_bones, face_layers, face_surface, jaws, skull_marrow, spine_layers
from fullbore.phantom.bodies.head_space import MM, at, atlas_mm, egg, lattice_shape, rod
from fullbore.phantom.body import Layer
from fullbore.phantom.fill import graded, hole, textured
from fullbore.phantom.primitives import half_space
from fullbore.phantom.shape import Shape, blend, grown, mirrored, union
from fullbore.phantom.texture import smooth_field

_STEP_MM = 2
_EXTENT_MM = {"x": (-96, 96), "y": (-104, 126), "z": (-132, 100)}
_SKIN_M = 1.8e-3
_SCALP_M = 3.7e-3
_DURA_M = 0.7e-3
_OUTER_TABLE_M, _INNER_TABLE_M = 1.9e-3, 1.7e-3


class Hull(NamedTuple):
    """Solids that follow the brain: cavity (inside of the skull), skull (outside of it), scalp (skin over the skull)."""

    cavity: Shape
    skull: Shape
    scalp: Shape


def hull(mask: np.ndarray, generator: np.random.Generator) -> Hull:
    """The hull of a brain mask (z, y, x over the atlas's crop), with the thicknesses of the exam's head."""
    axes = [np.arange(_EXTENT_MM[n][0], _EXTENT_MM[n][1] + 1, _STEP_MM, dtype=np.float32) for n in "zyx"]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    coarse = np.zeros(x.shape, bool)
    window = tuple(
        slice((CROP_MM[n][0] - _EXTENT_MM[n][0]) // _STEP_MM, (CROP_MM[n][1] - _EXTENT_MM[n][0]) // _STEP_MM + 1) for n in "zyx"
    )
    coarse[window] = mask[::_STEP_MM, ::_STEP_MM, ::_STEP_MM]
    texture = gaussian_filter(generator.standard_normal(x.shape, dtype=np.float32), 3.0)
    temple = _bump(np.abs(x), y, z, (70, -18, -12), (22, 22, 24))
    cavity = hull_distance(coarse, _STEP_MM) - (1.9 + 0.25 * np.clip(texture / texture.std(), -2, 2))
    back, brow = _bump(x, y, z, (0, 105, 5), (50, 30, 40)), _bump(x, y, z, (0, -78, -12), (26, 14, 18))
    skull = gaussian_filter(cavity, 0.8) - (6.2 + 1.8 * back + 5.0 * brow - 2.6 * temple)
    scalp = gaussian_filter(skull, 2.0) - 6.0 - 7.0 * temple
    start = at(*(_EXTENT_MM[n][0] for n in "xyz"))
    made = (lattice_shape(volume * MM, start, _STEP_MM * MM) for volume in (cavity, skull, scalp))
    return Hull(*made)


def _bump(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, centre: tuple[float | int, ...], width: tuple[float | int, ...]
) -> np.ndarray:
    squares = sum(((value - c) / w) ** 2 for value, c, w in zip((x, y, z), centre, width, strict=True))
    return np.asarray(np.exp(-0.5 * np.asarray(squares)), np.float32)


def surrounding_layers(shapes: Hull, seed: int) -> list[Layer]:
    """All layers from skin to cord, below those of the brain."""
    below = half_space(at(0, 0, -131), (0, 0, -1))
    head = blend(12 * MM, shapes.scalp, face_surface()) & below
    streak = smooth_field(13 * seed + 3, 4.5e-3)
    flesh = graded("muscle", "fat", lambda points: np.clip(4 * (streak(points) - 0.55), 0, 1))
    bone = union(shapes.skull, *base_bones())
    return [
        Layer(shape=head, fill="skin", organ="scalp and skin"),
        Layer(shape=grown(head, -_SKIN_M), fill=textured("fat", 0.06, 9e-3, 13 * seed + 4), organ="subcutaneous fat"),
        Layer(shape=grown(head, -_SKIN_M - _SCALP_M), fill=flesh, organ="muscles of head and neck"),
        *face_layers(grown(head, -_SKIN_M - 0.6e-3)),
        Layer(shape=bone, fill="cortical bone", organ="skull"),
        Layer(shape=_diploe(shapes), fill=textured("yellow marrow", 0.08, 6e-3, 13 * seed + 5), organ="skull marrow"),
        Layer(shape=skull_marrow(), fill=textured("red marrow", 0.08, 6e-3, 13 * seed + 6), organ="skull marrow"),
        *jaws(),
        *spine_layers(),
        *_sinuses(),
        *_eyes(),
        *_cavity(shapes, below),
    ]


def _diploe(shapes: Hull) -> Shape:
    return grown(shapes.skull, -_OUTER_TABLE_M) - grown(shapes.cavity, _INNER_TABLE_M)


def _pair(make: Callable[..., Shape], *numbers: object) -> Shape:
    """A solid on the left with its mirror image."""
    return mirrored(make(*numbers))


def _sinuses() -> list[Layer]:
    """Air of the sinuses, nose, throat and ear, each lined with mucosa."""
    air = {
        "frontal sinus": _pair(egg, (10, -81.5, -10), (9, 4, 11)),
        "sphenoid sinus": _pair(egg, (7.2, -20, -42), (6.2, 11, 8)),
        "ethmoid cells": union(*(_pair(egg, (6.2 + 0.6 * (k % 2), y, -38 + z), (4.6, 4.4, 5.5))
                                 for k, (y, z) in enumerate(((-66, 1), (-58, -3), (-57, 5), (-49, -2), (-40, 2), (-33, -1))))),
        "maxillary sinus": _pair(egg, (28, -51, -64), (12.5, 15, 14)),
        "mastoid cells": union(*(_pair(egg, centre, (3.4, 3.6, 3.8)) for centre in (
            (55, 24, -46), (57, 31, -47), (54, 28, -54), (56, 35, -54), (57, 27, -61), (51, 22, -51)))),
        "nasal cavity": _pair(egg, (5.6, -58, -62), (3.2, 30, 14)),
        "pharynx": blend(8 * MM, egg((0, -14, -70), (9, 8, 12)), rod((0, -8, -80), (0, -4, -180), 7.5)),
        "ear canal": _pair(rod, (86, 17, -43), (58, 14, -42), 3.0),
    }  # fmt: skip
    layers = [
        Layer(shape=grown(shape, 0.9e-3), fill="mucosa", organ="mucosa") for name, shape in air.items() if name != "mastoid cells"
    ]
    turbinates = union(_pair(rod, (5.8, -78, -68), (6, -38, -68), 1.7), _pair(rod, (5.6, -72, -58), (5.8, -40, -58), 1.4))
    layers += [Layer(shape=shape, fill=hole(), organ=name) for name, shape in air.items()]
    return [*layers, Layer(shape=turbinates, fill="mucosa", organ="mucosa")]


def _eyes() -> list[Layer]:
    """Globe with sclera, vitreous body, anterior chamber and lens; four straight muscles; optic nerve in its sheath."""
    layers = []
    for name, side in (("left", 1), ("right", -1)):
        x = 32 * side
        apex = (14 * side, -24, -34)
        muscles = union(*(rod((x + 11.5 * dx, -62, -37 + 11.5 * dz), (apex[0] + 3 * dx, apex[1], apex[2] + 3 * dz), 1.7)
                          for dx, dz in ((1, 0), (-1, 0), (0, 1), (0, -1))))  # fmt: skip
        nerve = ((30 * side, -54, -36.5), (22 * side, -38, -35), (11 * side, -18, -31))
        sheath = union(rod(nerve[0], nerve[1], 3.0), rod(nerve[1], nerve[2], 2.7))
        globe = egg((x, -67, -37), (13, 13, 13)) | egg((x, -75.5, -37), (7.2, 6.6, 7.2))
        layers += [
            Layer(shape=muscles, fill="muscle", organ="eye muscles"),
            Layer(shape=sheath, fill="csf", organ="optic nerve sheath"),
            Layer(shape=globe, fill="sclera", organ=f"{name} eye"),
            Layer(shape=egg((x, -67, -37), (11.8, 11.8, 11.8)), fill="vitreous", organ=f"{name} vitreous body"),
            Layer(shape=egg((x, -77, -37), (5.6, 3.8, 5.6)), fill="vitreous", organ=f"{name} anterior chamber"),
            Layer(shape=egg((x, -75.2, -37), (4.9, 2.2, 4.9)), fill="lens", organ=f"{name} lens"),
            Layer(shape=rod(nerve[0], nerve[1], 1.9), fill="nerve", organ=f"{name} optic nerve"),
        ]
    return layers


def _cavity(shapes: Hull, below: Shape) -> list[Layer]:
    """Dura, the fluid within it, falx and tent, the bony ridges of its floor, pituitary, chiasm, and the spinal canal."""
    canal = rod((0, 44, -66), (0, 49, -180), 8.0)
    middle = rod((0, 43.5, -66), (0, 48, -180), 5.2) & half_space(at(0, 0, -71), (0, 0, 1)) & below
    dura = union(shapes.cavity, canal) & below
    fluid = grown(dura, -_DURA_M) & below
    petrous = _pair(rod, (16, 4, -45), (52, 20, -42), 6.5)
    chiasm = rod((-2, -4, -21), (2, -4, -21), 2.2)
    nerves = union(chiasm, _pair(rod, (11, -18, -31), (2, -4, -21), 2.0), _pair(rod, (2, -4, -21), (11, 6, -15), 1.6))
    return [
        Layer(shape=dura, fill="dura", organ="dura"),
        Layer(shape=fluid, fill="csf", organ="cerebrospinal fluid"),
        Layer(shape=_falx() & fluid, fill="dura", organ="dura"),
        Layer(shape=_tent() & fluid, fill="dura", organ="dura"),
        Layer(shape=petrous & fluid, fill="cortical bone", organ="skull"),
        Layer(shape=egg((0, -3, -33), (6.5, 4.5, 3.4)), fill="pituitary", organ="pituitary"),
        Layer(shape=rod((0, -4, -30), (0, -3, -22), 1.0), fill="pituitary", organ="pituitary"),
        Layer(shape=nerves, fill="nerve", organ="optic chiasm and tracts"),
        Layer(shape=middle, fill="spinal cord", organ="spinal cord"),
    ]


def _falx() -> Shape:
    """A sheet in the midline above the corpus callosum."""
    arch = egg((0, 2, -14), (30, 60, 48))
    front = half_space(at(0, 0, -22), (0, 0, -1))

    def distance(points: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(points[:, 0]) - 0.5e-3)

    low, high = at(-0.6, -90, -90), at(0.6, 120, 100)
    return (Shape(distance=distance, low_m=low, high_m=high) - arch) & front


def _tent() -> Shape:
    """A sheet between cerebrum and cerebellum, open around the brainstem."""

    def distance(points: np.ndarray) -> np.ndarray:
        x, y, z = atlas_mm(points).T
        return np.asarray((np.abs(z - tentorium_mm(x, y)) - 0.6) * MM)

    sheet = Shape(distance=distance, low_m=at(-80, 20, -60), high_m=at(80, 125, 12), stretch=1.3)
    return sheet - egg((0, 24, -12), (25, 24, 40))
