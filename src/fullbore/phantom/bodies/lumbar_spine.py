"""The lumbar spine in its trunk: L1 to the sacrum, discs of which one is worn, cord, cauda equina, muscles, vessels, fat."""

from __future__ import annotations

import numpy as np

from fullbore.errors import UsageError
from fullbore.phantom.bodies import lumbar_bones as bones
from fullbore.phantom.bodies.limb_parts import MM, Number, bone, mm, path_mm, trunk, vessel, within
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import onion, textured
from fullbore.phantom.primitives import ellipsoid, smooth_path, tube
from fullbore.phantom.shape import Shape, grown, rough, union
from fullbore.phantom.texture import smooth_field

_ROOTS = 14
# One side's muscles, (x, y, z, radius) in millimetres; their mirror images are the other side's.
_MUSCLES: dict[str, tuple[tuple[Number, Number, Number, Number], ...]] = {
    "psoas": ((27, 10, 80, 5), (33, 2, 35, 13), (39, -4, -20, 19), (50, -10, -80, 22), (64, -26, -150, 20)),
    "quadratus lumborum": ((46, 30, 100, 11), (60, 28, 40, 13), (72, 30, -30, 13), (80, 36, -60, 8)),
    "multifidus": ((11, 52, 100, 9), (12, 50, 0, 11), (15, 62, -75, 15), (14, 80, -130, 9)),
    "erector spinae": ((33, 52, 100, 20), (37, 50, 30, 22), (36, 54, -40, 20), (30, 72, -95, 12), (24, 86, -130, 6)),
    "longissimus": ((56, 48, 100, 16), (58, 46, 30, 17), (54, 48, -35, 15), (46, 58, -75, 8)),
}


def lumbar_spine(
    seed: int = 0, *, worn_disc: str = "L4-L5", worn_height: float = 0.6, protrusion_m: float = 4e-3, fat_m: float = 0.016
) -> Body:
    """The lower trunk about the lumbar spine, L3 in the origin, from above L1 into the sacrum.

    worn_disc: the degenerate one, "" for none; worn_height: its share of a healthy one's height; protrusion_m: how far it bulges
    towards the canal, 0 for not. fat_m: thickness of the fat under the skin. Errors: ValueRangeError, UsageError for a disc that
    there is not.
    """
    if worn_disc and worn_disc not in bones.DISC_HIGH:
        raise UsageError(f"lumbar_spine: worn_disc {worn_disc!r}, wanted one of {', '.join(bones.DISC_HIGH)}, or none.")
    within("lumbar_spine: worn_height", worn_height, 0.25, 1.0, "a share of a healthy disc's height")
    within("lumbar_spine: protrusion_m", protrusion_m, 0.0, 8e-3, "the canal is 16 mm deep")
    within("lumbar_spine: fat_m", fat_m, 5e-3, 40e-3, "the layer under the skin")
    random = np.random.default_rng(seed)
    size = random.uniform(0.95, 1.05)
    high = {name: value * size * (worn_height if name == worn_disc else 1) for name, value in bones.DISC_HIGH.items()}
    upright, discs = bones.frames(high)
    line = bones.canal_mm(upright, discs)
    layers = (
        *_trunk(seed, fat_m), *_canal(line, random), *_discs(discs, high, worn_disc, protrusion_m, seed),
        *_bones(upright, line, seed),
    )  # fmt: skip
    return Body(
        name="lumbar spine", layers=layers, truths=_truths(high, worn_disc), low_m=mm(-165, -120, -150), high_m=mm(165, 120, 100),
        shim_over=("red marrow", "muscle", "csf"), endless=True,
        source="shapes by hand after anatomical atlases; tissues of the library",
    )  # fmt: skip


def _trunk(seed: int, fat_m: float) -> tuple[Layer, ...]:
    """Skin, fat, the wall's muscle, what lies before the spine, and the muscles at its sides."""
    wall = trunk(
        [[-165, 0, 6, 140, 92], [-100, 0, 4, 138, 92], [-40, 0, 2, 130, 88], [20, 0, 0, 126, 86], [115, 0, -4, 130, 90]],
        squareness=2.4,
    )
    skin = rough(grown(wall, fat_m), smooth_field(seed + 1, 60 * MM), 2 * MM, 60 * MM)
    cavity = trunk(
        [[-165, 0, -14, 124, 62], [-100, 0, -22, 122, 56], [-40, 0, -25, 114, 52], [20, 0, -25, 111, 51], [115, 0, -28, 114, 56]],
        squareness=2.3,
    )
    wavy, meat = smooth_field(seed + 2, 16 * MM), textured("muscle", 0.07, 6e-3, seed + 3)
    sides = []
    for name, course in _MUSCLES.items():
        for side, where in ((1, "left"), (-1, "right")):
            shape = rough(vessel(*((side * x, y, z, r) for x, y, z, r in course)), wavy, 1.5 * MM, 16 * MM)
            sides.append(Layer(shape=shape, fill=meat, organ=f"{name}, {where}"))
    return (
        Layer(shape=skin, fill="skin", organ="skin"),
        Layer(shape=grown(skin, -2 * MM), fill=textured("fat", 0.05, 9e-3, seed + 4), organ="subcutaneous fat"),
        Layer(shape=wall, fill=textured("visceral fat", 0.05, 9e-3, seed + 5), organ="deep fat"),
        Layer(shape=wall - cavity - _behind(), fill=meat, organ="abdominal wall"),
        *_before(seed),
        *sides,
    )


def _behind() -> Shape:
    """Where the back's own muscles and bones lie, which the abdominal wall leaves free."""
    return trunk([[-170, 0, 70, 100, 66], [120, 0, 70, 92, 62]], squareness=3.0, pieces=1)


def _before(seed: int) -> tuple[Layer, ...]:
    """Bowel, kidneys, aorta and vena cava."""
    random = np.random.default_rng(seed + 11)
    loops = []
    for z in (-126, -86, -48, -10, 28, 66, 102):
        for x, y in ((-84, -30), (-48, -50), (-2, -54), (44, -50), (84, -28)):
            shift = random.uniform(-6, 6, 3)
            loops.append(ellipsoid(mm(x + shift[0], y + shift[1], z + shift[2]), mm(*random.uniform(16, 22, 3))))
    kidneys = [
        Layer(shape=ellipsoid(mm(side * 68, -2, 68 + 6 * side), mm(25, 27, 54)),
              fill=onion((7 * MM, 20 * MM), ("kidney cortex", "kidney medulla", "visceral fat")), organ=f"kidney, {where}")
        for side, where in ((1, "left"), (-1, "right"))
    ]  # fmt: skip
    aorta = [vessel((6, -27, 110, 9.5), (8, -28, 40, 9), (8, -31, -20, 8.5), (6, -33, -48, 8.5))]
    cava = [vessel((-20, -27, 110, 10.5), (-18, -27, 40, 10.5), (-16, -29, -20, 10.5), (-14, -30, -54, 10))]
    for side in (-1, 1):
        aorta.append(
            vessel((6, -33, -48, 6), (6 + side * 18, -34, -85, 5.5), (side * 44, -30, -130, 5), (side * 56, -40, -165, 4.5))
        )
        cava.append(
            vessel((-14, -30, -54, 8), (side * 18 - 8, -26, -92, 6.5), (side * 42, -20, -130, 6), (side * 52, -30, -165, 5.5))
        )
    return (
        Layer(shape=union(*loops), fill=onion((2.2 * MM,), ("bowel wall", "bowel content")), organ="bowel"),
        *kidneys,
        Layer(shape=union(*cava), fill="venous blood", organ="inferior vena cava"),
        Layer(shape=union(*aorta), fill="arterial blood", organ="aorta"),
    )


def _canal(line_mm: np.ndarray, random: np.random.Generator) -> tuple[Layer, ...]:
    """Fat of the canal, the sac with its fluid, cord and conus, cauda equina."""
    path = smooth_path(line_mm * MM, 5)
    radii = np.interp(np.linspace(0, 1, len(path)), [0, 0.72, 0.86, 1], [7.6, 7.2, 5.5, 2.0]) * MM
    low = path[:, 2] < -0.138
    sac = tube(path[~low], radii[~low])
    # The cord tapers from L1 and ends at the disc below.
    upper = path[path[:, 2] > line_mm[5, 2] * MM]
    cord = np.interp(np.linspace(0, 1, len(upper)), [0, 0.55, 1], [4.6, 4.2, 0.7]) * MM
    roots = []
    for n in range(_ROOTS):
        turn = 2 * np.pi * n / _ROOTS
        level = random.uniform(0.45, 0.98)
        part = path[(path[:, 2] < line_mm[4, 2] * MM + 8 * MM) & ~low]
        part = part[: max(6, int(level * len(part)))]
        spread = np.linspace(2.4, 5.0, len(part)) * MM
        aside = np.stack([np.cos(turn) * spread, 1.2 * MM + 0.75 * np.sin(turn) * spread, 0 * spread], axis=1)
        roots.append(tube(part + aside + random.uniform(-0.4, 0.4, 3) * MM, 0.65 * MM))
    return (
        Layer(shape=tube(path[path[:, 2] > -0.150], 9.8 * MM), fill="fat", organ="epidural fat"),
        Layer(shape=sac, fill="csf", organ="thecal sac"),
        Layer(shape=union(*roots), fill="nerve", organ="cauda equina"),
        Layer(shape=tube(upper, cord), fill="spinal cord", organ="spinal cord"),
    )


def _discs(
    discs: tuple[bones.Frame, ...], high_mm: dict[str, float], worn: str, protrusion_m: float, seed: int
) -> tuple[Layer, ...]:
    """Annulus and nucleus of each disc, and the worn one's protrusion."""
    layers = []
    for frame in discs:
        high, kind = high_mm[frame.name], "disc nucleus, degenerate" if frame.name == worn else "disc nucleus"
        if frame.name == worn and protrusion_m > 0:
            bulge = ellipsoid(mm(-2, 16, 0), (9 * MM, 0.8 * MM + protrusion_m, (0.45 * high + 0.5) * MM))
            layers.append(Layer(shape=frame.place(bulge), fill="disc annulus", organ="disc protrusion"))
        annulus = textured("disc annulus", 0.06, 4e-3, seed + 6)
        layers.append(Layer(shape=frame.place(bones.disc(high)), fill=annulus, organ=f"disc {frame.name}, annulus"))
        inner = textured(kind, 0.06, 4e-3, seed + 7)
        layers.append(Layer(shape=frame.place(bones.nucleus(high)), fill=inner, organ=f"disc {frame.name}, nucleus"))
    return tuple(layers)


def _bones(upright: tuple[bones.Frame, ...], line_mm: np.ndarray, seed: int) -> tuple[Layer, ...]:
    """Vertebrae, the sacrum with its canal, and the vein that enters each body from behind."""
    canal = tube(smooth_path(line_mm * MM, 5), 9 * MM)
    one, layers = bones.vertebra(), []
    vein = tube(path_mm((0, 16, 0), (0, 4, 0)), 1.3 * MM)
    for n, frame in enumerate(upright):
        shape = frame.place(bones.sacrum()) - canal if frame.name == "S1" else frame.place(one)
        layers.append(Layer(shape=shape, fill=bone(0.9 * MM, "red marrow", seed + 20 + n), organ=frame.name))
        if frame.name != "S1":
            layers.append(Layer(shape=frame.place(vein), fill="venous blood", organ="basivertebral veins"))
    return tuple(layers)


def _truths(high_mm: dict[str, float], worn: str) -> dict[str, float]:
    """Volumes and heights of the discs in closed form."""
    truths = {}
    for name, high in high_mm.items():
        truths[f"disc_{name}_volume_m3"] = bones.disc_volume_m3(high)
        truths[f"disc_{name}_nucleus_volume_m3"] = float(bones.nucleus(high).volume_m3 or 0.0)
        truths[f"disc_{name}_height_m"] = high * MM
        truths[f"disc_{name}_degenerate"] = float(name == worn)
    return truths
