"""What joins the parts of a whole body: wall of the trunk, neck, shoulders, arms, calves, feet, and vessels across the joins."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fullbore.phantom.bodies.limb_parts import MM, Number, bone, mm, slab, trunk, vessel
from fullbore.phantom.bodies.torso_habitus import outline, spine_y
from fullbore.phantom.bodies.whole_frame import Setting, mirror, moved, settle
from fullbore.phantom.bodies.whole_outline import Stature, arm_rows, foot_rows, leg_shape, neck_m, trunk_sizes
from fullbore.phantom.body import Layer
from fullbore.phantom.fill import onion, textured
from fullbore.phantom.flowing import Line, line
from fullbore.phantom.primitives import ball, ellipsoid, smooth_path, tube
from fullbore.phantom.shape import Shape, grown, rough, union
from fullbore.phantom.texture import smooth_field

Course = tuple[tuple[Number, Number, Number, Number], ...]

# The muscular wall of the belly below the navel, metres of 1.75 m: height, half width, to front and back.
_WALL_ENDS = np.array([[-0.34, 0.06, 0.07, 0.03], [-0.30, 0.085, 0.088, 0.045], [-0.262, 0.128, 0.09, 0.075]])
# Left calf, millimetres of 1.75 m: muscles, from the knee down.
_CALF: dict[str, Course] = {
    "gastrocnemius": ((84, 53, -865, 31), (84, 52, -930, 35), (84, 52, -985, 27), (83, 50, -1030, 10)),
    "soleus": ((92, 38, -880, 20), (88, 36, -960, 33), (84, 38, -1040, 25), (82, 44, -1110, 9)),
    "deep flexors": ((84, 24, -885, 14), (80, 24, -980, 17), (76, 26, -1080, 11), (72, 28, -1140, 5)),
    "tibialis anterior": ((109, 0, -875, 15), (105, 0, -950, 16), (96, 0, -1040, 10), (84, -4, -1130, 5)),
    "peroneus": ((126, 16, -875, 12), (124, 20, -960, 13), (116, 26, -1060, 9), (106, 30, -1130, 4)),
}
_ARM: dict[str, Course] = {
    "deltoid": ((150, 40, 240, 20), (190, 42, 215, 30), (208, 46, 170, 24), (212, 50, 110, 8)),
    "biceps and brachialis": ((196, 28, 180, 16), (212, 32, 110, 28), (233, 34, 30, 26), (250, 40, -50, 16)),
    "triceps": ((196, 66, 190, 17), (213, 72, 110, 27), (236, 75, 30, 24), (256, 72, -50, 15)),
    "flexors of the forearm": ((252, 40, -60, 15), (260, 42, -120, 26), (278, 38, -210, 19), (296, 28, -310, 9)),
    "extensors of the forearm": ((268, 64, -50, 12), (276, 62, -120, 22), (294, 54, -210, 16), (306, 46, -310, 8)),
}


def wall_layers(plan: Stature, seed: int) -> list[Layer]:
    """Muscle of the trunk inside its fat, from the groin to the neck; muscle of the neck."""
    levels, flesh, _ = trunk_sizes(plan)
    kept = levels > -0.235 * plan.scale
    levels = np.concatenate([plan.scale * _WALL_ENDS[:, 0], levels[kept]])
    sizes = np.concatenate([plan.scale * _WALL_ENDS[:, 1:], flesh[kept]])
    wall = rough(outline(levels, sizes), smooth_field(seed + 22, 0.03), 1.5e-3, 0.03)
    meat = textured("muscle", 0.05, 6e-3, seed + 23)
    return [
        Layer(shape=wall, fill=meat, organ="muscle"),
        Layer(shape=neck_m(plan, 0.0455), fill=meat, organ="muscles of the neck"),
    ]


def limb_layers(plan: Stature, seed: int) -> list[Layer]:
    """Both arms, calves and feet."""
    meat = textured("muscle", 0.05, 6e-3, seed + 23)
    left = [*_arm(plan, meat_seed=seed), *_calf(plan), *_foot(plan, seed)]
    left = [
        Layer(shape=one.shape, fill=meat if one.filling.tissues == ("muscle",) else one.fill, organ=one.organ) for one in left
    ]
    return [*_sided(left)]


def _sided(left: list[Layer]) -> list[Layer]:
    here = moved(np.zeros(3))
    right = settle(left, mirror(here, ", right"))
    return [*settle(left, Setting(forward=here.forward, backward=here.backward, scale=1.0, suffix=", left")), *right]


def _scaled(course: Course, scale: float) -> Course:
    return tuple((x * scale, y * scale, z * scale, r * scale) for x, y, z, r in course)


def _arm(plan: Stature, meat_seed: int) -> list[Layer]:
    """Left arm: collar bone, muscles, three long bones, hand, artery."""
    scale = plan.scale

    def out(course: Course) -> Course:
        shift = [plan.spread_m / MM * float(np.clip((226 - z) / 300, 0, 1)) for _, _, z, _ in course]
        return tuple((x + by, y, z, r) for (x, y, z, r), by in zip(_scaled(course, scale), shift, strict=True))

    hand = vessel(*arm_rows(plan, -4 * MM)[7:])
    marrow = bone(3 * MM * scale, "yellow marrow", meat_seed + 61)
    bones = {
        "humerus": ((178, 46, 205, 12), (196, 48, 150, 11), (232, 54, 40, 10.5), (256, 56, -66, 13)),
        "radius": ((268, 54, -84, 9), (282, 50, -180, 7.5), (306, 36, -322, 10)),
        "ulna": ((256, 60, -66, 11), (268, 58, -180, 7.5), (290, 42, -325, 6)),
    }
    collar = vessel(*_scaled(((18, -46, 224, 9), (60, -44, 236, 7), (110, -8, 246, 6.5), (158, 28, 243, 8)), scale))
    fingers = [vessel(*out(((304 + 2 * k, 22 + 5 * k, -345, 4.5),
                            (310 + 2 * k, 10 + 5 * k, -425, 4), (316 + k, 6 + 3 * k, -488, 3))))
               for k in range(-1, 4)]  # fmt: skip
    artery = vessel(*out(((150, 22, 222, 4), (186, 30, 170, 3.2), (216, 46, 60, 2.6), (250, 38, -62, 2.4), (292, 24, -300, 1.6))))
    return [
        Layer(shape=hand, fill="muscle", organ="hand"),
        *(Layer(shape=vessel(*out(course)), fill="muscle", organ=name) for name, course in _ARM.items()),
        Layer(shape=collar, fill=bone(1.8 * MM, "red marrow", meat_seed + 62), organ="clavicle"),
        *(Layer(shape=vessel(*out(course)), fill=marrow, organ=name) for name, course in bones.items()),
        Layer(shape=ball(mm(175 * scale, 45 * scale, 214 * scale), 23 * MM * scale), fill=marrow, organ="humerus"),
        Layer(shape=union(*fingers), fill="cortical bone", organ="bones of the hand"),
        Layer(shape=artery, fill="arterial blood", organ="brachial artery"),
    ]


def _below_knee(plan: Stature, course: Course) -> Course:
    z = plan.calf_z(np.array([row[2] for row in course])) / MM
    return tuple((x * plan.scale, y * plan.scale, float(h), r * plan.scale) for (x, y, _, r), h in zip(course, z, strict=True))


def _calf(plan: Stature) -> list[Layer]:
    """Left calf: muscles within their fascia, shin bone, fibula, tendon, vessels."""
    scale = plan.scale
    room = leg_shape(plan, 0.0)
    shafts = {
        "tibia": (((82, 15, -870, 15), (80, 8, -960, 13.5), (78, 8, -1060, 12.5), (78, 14, -1148, 19)), 4.5),
        "fibula": (((121, 29, -865, 6.5), (116, 28, -1000, 6), (104, 28, -1100, 6.5), (106, 30, -1158, 10)), 2.5),
    }
    tendon = ((82, 50, -1040, 5), (82, 52, -1110, 5.5), (82, 56, -1180, 6))
    artery = ((87, 43, -868, 2.4), (84, 34, -960, 2.1), (76, 32, -1080, 1.9), (70, 30, -1160, 1.6))
    vein = ((91, 48, -868, 2.8), (90, 36, -960, 2.4), (80, 34, -1080, 2.1), (74, 34, -1160, 1.8))
    return [
        *(Layer(shape=vessel(*_below_knee(plan, course)) & room, fill="muscle", organ=name) for name, course in _CALF.items()),
        Layer(shape=vessel(*_below_knee(plan, tendon)), fill="tendon", organ="Achilles tendon"),
        *(
            Layer(shape=vessel(*_below_knee(plan, course)), fill=bone(cortex * MM * scale, "yellow marrow", 63), organ=name)
            for name, (course, cortex) in shafts.items()
        ),
        Layer(shape=vessel(*_below_knee(plan, vein)), fill="venous blood", organ="tibial vein"),
        Layer(shape=vessel(*_below_knee(plan, artery)), fill="arterial blood", organ="tibial artery"),
    ]


def _foot(plan: Stature, seed: int) -> list[Layer]:
    """Left foot: soft parts, heel bone, ankle bone, midfoot, five rays."""
    scale, floor = plan.scale, plan.floor_m / MM

    def at(*rows: tuple[Number, Number, Number, Number]) -> Shape:
        return vessel(*((x * scale, y * scale, floor + z * scale, r * scale) for x, y, z, r in rows))

    marrow = bone(1.2 * MM, "yellow marrow", seed + 64)
    rays = [at((86 + 5 * k, -72, 38, 6), (88 + 7 * k, -115, 24, 5), (91 + 8 * k, -160, 14, 4.5)) for k in range(-1, 2)]
    return [
        Layer(shape=vessel(*foot_rows(plan, -6 * MM)), fill="muscle", organ="foot"),
        Layer(shape=at((82, 42, 28, 19), (82, 18, 32, 17)), fill=marrow, organ="heel bone"),
        Layer(shape=at((80, 14, 62, 16), (80, -10, 56, 14)), fill=marrow, organ="ankle bone"),
        Layer(shape=at((82, -30, 52, 14), (86, -62, 42, 12)), fill=marrow, organ="bones of the midfoot"),
        *(Layer(shape=ray, fill=marrow, organ="bones of the toes") for ray in rays),
    ]


def spine_bridge(plan: Stature) -> list[Layer]:
    """The lowest vertebra of the neck with its discs, and canal and cord between head and chest."""
    scale = plan.scale
    low, high = 0.238 * scale, float(plan.head_m[2] - 0.124)
    ends = np.array([[0, float(spine_y(np.array(low), scale)), low], [0, plan.head_m[1] + 0.008, high]])
    middle = ends[0] + (ends[1] - ends[0]) * np.array([[0.0], [0.33], [0.67], [1.0]])
    middle[1:3, 1] -= 1e-3
    behind = np.linspace(0.0215 * scale, 0.0205, 4)
    canal = middle + np.column_stack([np.zeros(4), behind, np.zeros(4)])
    c7 = np.array([0, 0.047 * scale, 0.2805 * scale])
    body = ellipsoid((0, float(c7[1]), float(c7[2])), (0.0155, 0.0115, 0.0088))
    arch = union(*(tube(np.array([c7 + [s * 0.012, 0.006, 0],
                                  c7 + [s * 0.013, 0.020, 0], c7 + [0, 0.040, -0.004]]), 4e-3) for s in (1, -1)),
                 tube(np.array([c7 + [0, 0.036, -0.003], c7 + [0, 0.056, -0.012]]), 4e-3))  # fmt: skip
    column = tube(np.array([c7 - [0, 0, 0.010], c7 + [0, -0.001, 0.013]]), 0.0115) & slab(
        2, 0.2715 * scale, float(plan.head_m[2] - 0.147)
    )
    # Cut flat where head and chest have their own, which round ends would cover.
    room = slab(2, low, high + 1e-3)
    cortex = onion((1.1e-3,), ("cortical bone", "red marrow"))
    return [
        Layer(shape=column, fill="disc annulus", organ="disc on C7"),
        Layer(shape=arch, fill=cortex, organ="vertebra C7"),
        Layer(shape=body, fill=cortex, organ="vertebra C7"),
        Layer(shape=tube(canal, 9e-3) & room, fill="fat", organ="epidural fat"),
        Layer(shape=tube(canal, 7.6e-3) & room, fill="csf", organ="spinal canal"),
        Layer(shape=tube(canal, 4.7e-3) & room, fill="spinal cord", organ="spinal cord"),
    ]


def neck_lines(plan: Stature, aorta_top_y_m: float) -> dict[str, Line]:
    """Carotid, vertebral and subclavian arteries from the chest up, jugular veins, between head and chest."""
    s, (_, hy, hz), y0 = plan.scale, plan.head_m, aorta_top_y_m
    top, high = float(hz - 0.121), 0.266 * s
    out = {}
    for side, name, root in ((-1, "right", (-0.022, -0.006)), (1, "left", (0.012, 0.004))):
        start = np.array([root[0] * s, y0 + root[1] * s, high])
        neck = np.array([side * 0.025, hy - 0.006, top])
        out[f"{name} carotid artery"] = _neck(3.2e-3, start, 0.5 * (start + neck) + [side * 0.004, 0, 0], neck)
        arm = [-0.022 * s, y0 - 0.006 * s, high] if side < 0 else [0.026 * s, y0 + 0.016 * s, high]
        under = s * np.array([[side * 0.055, 0.022, 0.268], [side * 0.1, 0.012, 0.246], [side * 0.15, 0.022, 0.222]])
        out[f"{name} subclavian artery"] = _neck(3.8e-3, arm, *under)
        up = [side * 0.019, hy + 0.006, 0.5 * (top + high)], [side * 0.0177, hy + 0.012, top]
        out[f"{name} vertebral artery"] = _neck(1.7e-3, under[0], *up)
        vein = [(0.045 if side > 0 else -0.036) * s, y0 - 0.012 * s, 0.262 * s]
        up = [side * 0.036, 0.5 * (vein[1] + hy - 0.006), 0.5 * (top + 0.262 * s)], [side * 0.030, hy - 0.0065, top]
        out[f"{name} jugular vein"] = _neck(4.6e-3, vein, *up)
    return out


def _neck(radius_m: float, *points_m: np.ndarray | list[float]) -> Line:
    return line(smooth_path(np.array([np.asarray(point) for point in points_m]), 4), radius_m)


def neck_bridge(plan: Stature, lines: Mapping[str, Line]) -> list[Layer]:
    """Windpipe, gullet and the vessels of `neck_lines`."""
    s, (_, hy, hz) = plan.scale, plan.head_m
    top, high = float(hz - 0.121), 0.266 * s
    air = np.array([[0, 0.006 * s, high], [0, hy - 0.0195, top]])
    gullet = np.array([[0.007 * s, float(spine_y(np.array(high), s)) - 0.027 * s, high], [0.002, hy - 0.004, top]])
    kinds = {"artery": "arterial blood", "vein": "venous blood"}
    tubes = [(organ, kinds[organ.split()[-1]], each.shape) for organ, each in lines.items()]
    return [
        Layer(shape=tube(gullet, 7e-3), fill=onion((3.5e-3,), ("muscle", "mucosa")), organ="oesophagus"),
        Layer(shape=tube(air, 8.6e-3), fill="bronchus wall", organ="trachea and bronchi"),
        Layer(shape=tube(air, 7.2e-3), fill="air", organ="airway"),
        *(Layer(shape=grown(shape, 0.9e-3), fill="vessel wall", organ="vessel wall")
          for _, fill, shape in tubes if "art" in fill),
        *(Layer(shape=shape, fill=fill, organ=organ) for organ, fill, shape in tubes),
    ]  # fmt: skip


def vessel_bridge(lines: Mapping[str, Line]) -> list[Layer]:
    """Arteries and veins of each side across groin and knee. lines: by name, left ones."""
    out = []
    for name, each in lines.items():
        fill = "arterial blood" if "arter" in name else "venous blood"
        for side, where in ((1, "left"), (-1, "right")):
            shape = tube(each.path_m * np.array([side, 1, 1]), each.radius_m)
            if "arter" in name:
                out.append(Layer(shape=grown(shape, 0.9e-3), fill="vessel wall", organ="vessel wall"))
            out.append(Layer(shape=shape, fill=fill, organ=f"{name}, {where}"))
    return out


def loin_layers(plan: Stature) -> list[Layer]:
    """Fat that closes the belly towards the pelvis."""
    s = plan.scale
    rows = [
        [-262 * s, 0, -14 * s, 104 * s, 62 * s],
        [-240 * s, 0, -10 * s, 118 * s, 62 * s],
        [-225 * s, 0, -12 * s, 116 * s, 62 * s],
    ]
    return [Layer(shape=trunk(rows), fill="visceral fat", organ="visceral fat")]
