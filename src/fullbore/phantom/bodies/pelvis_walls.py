"""Bones, muscles and vessels of a male pelvis. Origin: the middle of a prostate of 30 ml."""

from __future__ import annotations

import numpy as np

from fullbore.phantom.bodies.limb_parts import MM, Number, band, bone, mm, path_mm, trunk, vessel
from fullbore.phantom.body import Layer
from fullbore.phantom.fill import Fill, onion, textured
from fullbore.phantom.primitives import ball, ellipsoid, half_space
from fullbore.phantom.shape import Shape, blend, grown, placed, rotation, rough, union
from fullbore.phantom.texture import smooth_field

Course = tuple[tuple[Number, Number, Number, Number], ...]

HEAD_MM = (88.0, -20.0, 15.0)
HEAD_RADIUS_M = 24e-3

# Left side; (x, y, z, radius) in millimetres.
_TUBES: dict[str, Course] = {
    "iliopsoas": ((70, -12, 135, 24), (80, -34, 75, 23), (92, -56, 28, 18), (106, -44, -10, 14), (114, -8, -42, 8)),
    "piriformis": ((24, 68, 70, 9), (60, 58, 55, 13), (100, 34, 35, 9), (132, 6, 14, 4)),
    "obturator externus": ((26, -36, -38, 11), (52, -22, -44, 14), (90, 6, -32, 9), (120, 10, -20, 4)),
    "pectineus": ((36, -60, 0, 8), (56, -58, -28, 13), (86, -40, -65, 10), (100, -30, -110, 7)),
    "adductors": ((26, -48, -34, 8), (42, -40, -62, 20), (58, -28, -125, 30)),
    "hamstrings": ((62, 34, -48, 9), (70, 36, -75, 17), (78, 36, -125, 24)),
    "rectus femoris": ((100, -58, 36, 5), (110, -70, 0, 13), (112, -72, -60, 19), (110, -70, -125, 21)),
    "sartorius": ((122, -62, 70, 6), (110, -84, 20, 9), (92, -90, -40, 10), (78, -86, -125, 10)),
    "tensor fasciae latae": ((130, -52, 75, 7), (142, -56, 25, 14), (148, -50, -45, 13), (148, -40, -125, 8)),
    "vastus lateralis": ((144, -22, -22, 8), (146, -26, -60, 18), (142, -30, -125, 26)),
    "quadratus femoris": ((72, 30, -38, 8), (95, 24, -36, 11), (122, 14, -34, 8)),
}


def walls(seed: int) -> tuple[Layer, ...]:
    """All of both sides: muscles first, then vessels, then bones."""
    wavy, meat = smooth_field(seed + 2, 16 * MM), textured("muscle", 0.07, 6e-3, seed + 3)
    layers = []
    for side, where in ((1, "left"), (-1, "right")):
        tubes = {name: vessel(*_sided(side, course)) for name, course in _TUBES.items()}
        solid = {name: rough(shape, wavy, 1.5 * MM, 16 * MM) for name, shape in (tubes | _broad_muscles(side)).items()}
        for name, shape in (solid | _sheets(side)).items():
            layers.append(Layer(shape=shape, fill=meat, organ=f"{name}, {where}"))
    for side, where in ((1, "left"), (-1, "right")):
        layers += _vessels(side, where)
    fibrous = ellipsoid(mm(0, -55, -10), mm(6, 9, 18))
    layers.append(Layer(shape=fibrous, fill="labrum", organ="pubic symphysis"))
    for side, where in ((1, "left"), (-1, "right")):
        layers += _hip(side, where, seed)
    layers.append(Layer(shape=_sacrum(), fill=bone(1.2 * MM, "red marrow", seed + 40), organ="sacrum"))
    return tuple(layers)


def _sided(side: int, course: Course) -> Course:
    return tuple((side * x, y, z, r) for x, y, z, r in course)


def _sheets(side: int) -> dict[str, Shape]:
    """Thin muscles. Their distance across is squeezed, so a rough surface would be rougher there: they stay smooth."""
    course = path_mm((side * 27, -34, -8), (side * 30, -4, -14), (side * 25, 24, -20), (side * 6, 42, -26))
    front = path_mm((side * 10, -66, 8), (side * 22, -86, 50), (side * 32, -88, 140))
    return {"levator ani": band(course, 2 * MM, 6, (0, 0, 1)), "rectus abdominis": band(front, 5 * MM, 4)}


def _broad_muscles(side: int) -> dict[str, Shape]:
    """Muscles that are neither tubes nor sheets."""
    turn = rotation((0, 0, 1), -0.6 * side)
    return {
        "gluteus maximus": placed(ellipsoid((0, 0, 0), mm(64, 25, 84)), mm(side * 84, 66, 2), turn),
        "gluteus medius": placed(ellipsoid((0, 0, 0), mm(20, 48, 62)), mm(side * 124, 0, 76), rotation((0, 0, 1), 0.45 * side)),
        "gluteus minimus": placed(ellipsoid((0, 0, 0), mm(11, 34, 44)), mm(side * 112, -14, 62), rotation((0, 0, 1), 0.4 * side)),
        "iliacus": placed(ellipsoid((0, 0, 0), mm(12, 46, 52)), mm(side * 84, 6, 104), rotation((0, 0, 1), 0.5 * side)),
        "obturator internus": ellipsoid(mm(side * 51, 4, -2), mm(10, 36, 30)),
    }


def iliac_mm(side: int) -> tuple[tuple[tuple[Number, Number, Number, Number], ...], ...]:
    """Iliac and femoral artery and vein of a side, from above downwards: (x, y, z, radius), millimetres."""
    vein = ((side * 50, -30, 140, 6), (side * 58, -50, 70, 6), (side * 64, -74, 15, 5.5), (side * 70, -76, -125, 5))
    artery = ((side * 60, -38, 140, 4.8), (side * 70, -60, 70, 4.8), (side * 77, -80, 15, 4.6), (side * 78, -80, -125, 4.2))
    return artery, vein


def _vessels(side: int, where: str) -> list[Layer]:
    """Iliac and femoral vessels."""
    artery, vein = iliac_mm(side)
    return [
        Layer(shape=vessel(*vein), fill="venous blood", organ=f"iliac and femoral vein, {where}"),
        Layer(shape=vessel(*artery), fill="arterial blood", organ=f"iliac and femoral artery, {where}"),
    ]


def _hip(side: int, where: str, seed: int) -> list[Layer]:
    """Hip bone, the joint's cartilage, femur."""
    x, y, z = HEAD_MM
    centre = mm(side * x, y, z)
    cartilage = ball(centre, HEAD_RADIUS_M + 2.6 * MM) & half_space(centre, (side * 0.75, -0.1, -0.6))
    return [
        Layer(shape=_hip_bone(side), fill=bone(1.4 * MM, "red marrow", seed + 30 + side), organ=f"hip bone, {where}"),
        Layer(shape=cartilage, fill="cartilage, middle", organ=f"hip cartilage, {where}"),
        Layer(shape=_femur(side), fill=_femur_fill(seed + 35 + side), organ=f"femur, {where}"),
    ]


def _hip_bone(side: int) -> Shape:
    """Wing, socket, both rami of the pubis and the seat bone."""
    x, y, z = HEAD_MM
    centre = mm(side * x, y, z)
    socket = ball(mm(side * (x - 5), y + 3, z + 5), 33 * MM) & half_space(mm(side * (x + 3), y, z - 2), (side * 0.78, -0.2, -0.6))
    wing = band(
        path_mm((side * 88, -10, 40), (side * 97, -2, 70), (side * 100, 2, 100), (side * 102, 4, 140)), 5.5 * MM, 8.5,
        (side * 0.5, -0.86, 0),
    )  # fmt: skip
    rear = band(path_mm((side * 76, 22, 50), (side * 66, 42, 85), (side * 58, 56, 140)), 9 * MM, 2.2, (side * 0.5, -0.86, 0))
    pubis = vessel((side * 66, -32, 12, 11), (side * 40, -52, 8, 8), (side * 16, -57, 0, 9))
    front = ellipsoid(mm(side * 13, -55, -10), mm(10, 9, 19))
    seat = vessel((side * 74, 8, 0, 15), (side * 68, 20, -22, 14), (side * 61, 20, -46, 14))
    ramus = vessel((side * 58, 12, -54, 10), (side * 40, -18, -50, 6), (side * 20, -44, -30, 7))
    return blend(8 * MM, socket, wing, rear, pubis, front, seat, ramus) - ball(centre, HEAD_RADIUS_M + 1 * MM)


def _femur(side: int) -> Shape:
    """Head, neck, both trochanters, the top of the shaft."""
    x, y, z = HEAD_MM
    head = ball(mm(side * x, y, z), HEAD_RADIUS_M)
    neck = vessel((side * x, y, z, 15), (side * 106, -15, 3, 15), (side * 126, -8, -14, 18))
    great = ellipsoid(mm(side * 137, -1, -6), mm(14, 19, 23))
    small = ball(mm(side * 115, 6, -44), 9 * MM)
    shaft = vessel((side * 129, -6, -20, 18), (side * 127, -8, -55, 16), (side * 124, -12, -130, 14.5))
    return blend(6 * MM, head, neck, great, small, shaft)


def _femur_fill(seed: int) -> Fill:
    """Thin cortex at the joint, thick along the shaft."""
    return bone(lambda points: MM * (1.2 + 4.0 * np.clip((-20 * MM - points[:, 2]) / (50 * MM), 0, 1)), seed=seed)


def _sacrum() -> Shape:
    """Lower sacrum and coccyx."""
    rows = [
        [20, 0, 58, 6, 4],
        [36, 0, 68, 10, 6],
        [52, 0, 76, 22, 8],
        [80, 0, 80, 38, 12],
        [110, 0, 72, 50, 18],
        [140, 0, 58, 54, 24],
    ]
    return trunk(rows)


def outline(fat_m: float, seed: int) -> tuple[Layer, ...]:
    """Skin with the cleft, fat under it, fat between the organs."""
    rows = [[-135, 0, -4, 164, 96], [-60, 0, 0, 166, 100], [0, 0, 4, 164, 98], [60, 0, 2, 158, 98], [150, 0, -2, 146, 94]]
    inner = trunk(rows, squareness=2.35)
    cleft = ellipsoid((0, 122 * MM + (fat_m - 16 * MM), -50 * MM), mm(4, 34, 95))
    skin = rough(grown(inner, fat_m), smooth_field(seed + 1, 70 * MM), 2 * MM, 70 * MM) - cleft
    return (
        Layer(shape=skin, fill="skin", organ="skin"),
        Layer(shape=grown(skin, -2 * MM), fill=textured("fat", 0.05, 9e-3, seed + 4), organ="subcutaneous fat"),
        Layer(shape=union(*_pelvic_fat()), fill=textured("visceral fat", 0.05, 9e-3, seed + 5), organ="pelvic fat"),
        Layer(shape=_loops(seed), fill=onion((2.2 * MM,), ("bowel wall", "bowel content")), organ="bowel"),
    )


def _pelvic_fat() -> tuple[Shape, ...]:
    return (trunk([[-50, 0, 0, 30, 34], [0, 0, 4, 56, 48], [50, 0, 4, 70, 62], [150, 0, -12, 100, 64]]),)


def _loops(seed: int) -> Shape:
    """Bowel above the bladder."""
    random = np.random.default_rng(seed + 12)
    places = [(x, y, z) for z in (98, 132) for x, y in ((-46, -44), (-8, -56), (34, -48), (-30, -4), (20, -8), (48, 20))]
    return union(*(ellipsoid(mm(*np.add(at, random.uniform(-4, 4, 3))), mm(*random.uniform(15, 19, 3))) for at in places))
