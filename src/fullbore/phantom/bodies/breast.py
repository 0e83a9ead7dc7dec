"""Both breasts of a woman lying prone, on the front of the chest: fat, gland, a lesion, nipples, chest wall, heart and lungs."""

from __future__ import annotations

import numpy as np

from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.bodies.limb_parts import MM, Number, band, bone, cut, mm, path_mm, trunk, vector, vessel, within
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import Fill, graded, onion, textured
from fullbore.phantom.primitives import ball, ellipsoid, smooth_path, tube
from fullbore.phantom.shape import Shape, blend, grown, placed, rotation, rough, union
from fullbore.phantom.texture import smooth_field

_SIDES = ((1, "left"), (-1, "right"))
_ASIDE = 82.0
_CHEST_Y, _CHEST_WIDE, _CHEST_DEEP, _CHEST_SQUARE = 78.0, 146.0, 102.0, 2.3
# The chest's muscle behind a breast: the oval of its middle section.
_BASE_M = 1e-3 * (_CHEST_Y - _CHEST_DEEP * (1 - (_ASIDE / _CHEST_WIDE) ** _CHEST_SQUARE) ** (1 / _CHEST_SQUARE))
_ROOT_M, _LEAN = 12e-3, 0.10
_SKIN_M = 1.8e-3
_KINDS = {"carcinoma": "breast, carcinoma", "fibroadenoma": "breast, fibroadenoma"}
# Between pure fat and pure gland the field rises over this much of its range.
_SOFT = 0.3


def breast(
    seed: int = 0,
    *,
    projection_m: float = 0.08,
    gland_share: float = 0.4,
    lesion_m: float = 12e-3,
    lesion_side: str = "left",
    lesion_kind: str = "carcinoma",
) -> Body:
    """Breasts hanging forward (towards -y) from the chest, both sides.

    projection_m: from the chest's muscle to the nipple. gland_share: of gland in the glandular part of each breast, the rest fat,
    as expected over many seeds.
    lesion_m: diameter of a lesion in the upper outer quarter of lesion_side, 0 for none; lesion_kind: carcinoma or fibroadenoma.
    Errors: ValueRangeError, UsageError for impossible ones.
    """
    if lesion_side not in ("left", "right") or lesion_kind not in _KINDS:
        raise UsageError(f"breast: lesion {lesion_kind!r}, {lesion_side!r}; wanted carcinoma or fibroadenoma, left or right.")
    within("breast: projection_m", projection_m, 0.04, 0.12, "from the chest's muscle to the nipple")
    within("breast: gland_share", gland_share, 0.05, 0.95, "a share of the glandular part, the rest is fat")
    within("breast: lesion_m", lesion_m, 0.0, 40e-3, "a lesion's diameter")
    if lesion_m > 0.5 * projection_m:
        raise ValueRangeError(
            f"breast: a lesion of {lesion_m} m does not fit into a breast {projection_m} m high. Half of it is the limit."
        )
    layers = (
        *_covers(seed, projection_m), *_chest(seed), *_glands(seed, projection_m, gland_share),
        *_lesion(seed, projection_m, lesion_m, lesion_side, _KINDS[lesion_kind]),
    )  # fmt: skip
    return Body(
        name="breast", layers=layers,
        truths={"lesion_volume_m3": np.pi / 6 * lesion_m**3, "expected_gland_share": gland_share},
        low_m=(-165 * MM, _ROOT_M - _height(projection_m) - 13 * MM, -95 * MM), high_m=(165 * MM, 60 * MM, 95 * MM),
        shim_over=("breast fat", "breast gland"), endless=True,
        source="shapes by hand after anatomical atlases; tissues of the library",
    )  # fmt: skip


def _height(projection_m: float) -> float:
    """From the root of a breast, within the chest, to its nipple."""
    return _ROOT_M - _BASE_M + projection_m


def _mound(side: int, projection_m: float) -> Shape:
    """A breast as an ellipsoid that reaches into the chest, hanging a little outwards."""
    half = (62 * MM, _height(projection_m), 67 * MM)
    return placed(ellipsoid((0, 0, 0), half), (side * _ASIDE * MM, _ROOT_M, 0), rotation((0, 0, 1), _LEAN * side))


def _chest_section(by_mm: Number) -> Shape:
    """The front of the chest, by_mm within the surface of its muscle."""
    sizes = [(z, _CHEST_WIDE - 0.06 * abs(z) - by_mm, _CHEST_DEEP - 0.05 * abs(z) - by_mm) for z in (-125, -60, 0, 60, 125)]
    rows = [(z, 0, _CHEST_Y, wide, deep) for z, wide, deep in sizes]
    return trunk(rows, squareness=_CHEST_SQUARE)


def _covers(seed: int, projection_m: float) -> tuple[Layer, ...]:
    """Skin, breast fat, nipples."""
    surface = blend(30 * MM, _chest_section(-9), *(_mound(side, projection_m) for side, _ in _SIDES))
    skin = rough(surface, smooth_field(seed + 1, 45 * MM), 1.5 * MM, 45 * MM)
    tips = [vector(_tip(side, projection_m)) for side, _ in _SIDES]
    nipples = union(*(ellipsoid((x, y + 3 * MM, z), mm(6, 11, 6)) for x, y, z in tips))
    return (
        Layer(shape=nipples, fill="skin", organ="nipples"),
        Layer(shape=skin, fill="skin", organ="skin"),
        Layer(shape=grown(skin, -_SKIN_M), fill=textured("breast fat", 0.05, 9e-3, seed + 2), organ="breast fat"),
    )


def _tip(side: int, projection_m: float) -> np.ndarray:
    """Where the nipple sits."""
    high = _height(projection_m)
    return np.array([side * (_ASIDE * MM + np.sin(_LEAN) * high), _ROOT_M - np.cos(_LEAN) * high, 0.0])


def _chest(seed: int) -> tuple[Layer, ...]:
    """Pectoral muscles, ribs with what lies between them, sternum, lungs, heart, vessels of the chest's wall."""
    meat = textured("muscle", 0.07, 6e-3, seed + 3)
    ribs = []
    turn = np.linspace(np.pi * 1.06, np.pi * 1.94, 25)
    for side in (1, -1):
        half = turn[13:] if side > 0 else turn[:12]
        for z in range(-150, 200, 30):
            fall = 0.16 * np.abs(np.cos(half)) * 140
            ribs.append(tube(MM * np.stack([131 * np.cos(half), _CHEST_Y + 87 * np.sin(half), z + 12 - fall], axis=1), 5.0 * MM))
    sternum = band(path_mm((0, -8, 120), (0, -11, 0), (0, -8, -75)), 5 * MM, 3.2)
    inner = ellipsoid(mm(28, 40, -25), mm(52, 42, 52))
    lungs = [placed(ellipsoid((0, 0, 0), mm(56, 78, 190)), mm(side * 66, _CHEST_Y, 0)) for side, _ in _SIDES]
    branches = [vessel((side * 24, 2, -120, 1.6), (side * 22, -2, 0, 1.8), (side * 20, 2, 120, 2)) for side, _ in _SIDES]
    return (
        Layer(shape=_chest_section(0), fill=meat, organ="pectoral muscle"),
        Layer(shape=_chest_section(8.5), fill="fat", organ="fat of the chest wall"),
        Layer(shape=_chest_section(10), fill=meat, organ="intercostal muscle"),
        Layer(shape=_chest_section(20), fill="visceral fat", organ="mediastinum"),
        Layer(shape=union(*lungs), fill=textured("lung", 0.1, 9e-3, seed + 4), organ="lungs"),
        Layer(shape=grown(inner, 2 * MM), fill="visceral fat", organ="mediastinum"),
        Layer(shape=inner, fill=onion((10 * MM,), ("myocardium", "venous blood")), organ="heart"),
        Layer(shape=union(*branches), fill="arterial blood", organ="internal mammary arteries"),
        Layer(shape=union(*ribs), fill=bone(1.2 * MM, "red marrow", seed + 5), organ="ribs"),
        Layer(shape=sternum, fill=bone(1.2 * MM, "red marrow", seed + 6), organ="sternum"),
    )


def gland_fill(seed: int, share: float) -> Fill:
    """Strands of gland in fat: gland where a smooth field, evenly distributed, stays below what leaves the share of gland."""
    field, level = smooth_field(seed, 7 * MM), 2 * share - 1
    # The soft edge must not reach beyond the field's range, or the share would change.
    soft = min(_SOFT, 2 * (1 - abs(level)))
    return graded("breast fat", "breast gland", lambda points: 0.5 + (level - field(points)) / soft)


def gland_shape(side: int, projection_m: float) -> Shape:
    """The glandular part of a breast: a cone-like body that reaches up to the nipple and leaves fat behind it."""
    height = projection_m
    bulk = ellipsoid((0, -0.5 * height, 0), (min(40 * MM, 0.6 * height), 0.33 * height, min(42 * MM, 0.62 * height)))
    neck = vessel((0, -0.6 * height / MM, 0, 16), (0, (-height) / MM, 0, 3))
    return placed(blend(14 * MM, bulk, neck), (side * _ASIDE * MM, _BASE_M, 0), rotation((0, 0, 1), _LEAN * side))


def _glands(seed: int, projection_m: float, share: float) -> tuple[Layer, ...]:
    """Gland of both sides with a lobed surface, and ducts that meet behind the nipple."""
    layers = []
    for side, where in _SIDES:
        lobed = rough(gland_shape(side, projection_m), smooth_field(seed + 8 + side, 14 * MM), 4 * MM, 14 * MM)
        lobed = cut(4 * MM, lobed, grown(_mound(side, projection_m), -9 * MM))
        layers.append(Layer(shape=lobed, fill=gland_fill(seed + 11 + side, share), organ=f"gland, {where}"))
        tip = _tip(side, projection_m) / MM
        ducts = []
        for turn in np.linspace(0, 2 * np.pi, 7)[:-1]:
            out = np.array([16 * np.cos(turn), 0.4 * projection_m / MM, 18 * np.sin(turn)])
            line = np.array([tip + [0, 5, 0], tip + [0.25 * out[0], 14, 0.25 * out[2]], tip + out])
            ducts.append(tube(smooth_path(line * MM, 4), 0.9 * MM))
        layers.append(Layer(shape=union(*ducts), fill="breast gland", organ=f"ducts, {where}"))
    return tuple(layers)


def _lesion(seed: int, projection_m: float, lesion_m: float, side: str, tissue: str) -> tuple[Layer, ...]:
    """A ball in the upper outer quarter."""
    if lesion_m == 0:
        return ()
    sign = 1 if side == "left" else -1
    centre = (sign * (_ASIDE + 14) * MM, _BASE_M - 0.48 * projection_m, 14 * MM)
    growth = textured(tissue, 0.08, 3e-3, seed + 15)
    return (Layer(shape=ball(centre, lesion_m / 2), fill=growth, organ="lesion"),)
