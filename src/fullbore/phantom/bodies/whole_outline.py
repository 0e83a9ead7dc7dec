"""The skin of a whole body: trunk with shoulders and hips, neck and head, arms, legs and feet, one smooth surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from fullbore.phantom.bodies.head_face import face_surface
from fullbore.phantom.bodies.limb_parts import MM, Number, trunk, vessel
from fullbore.phantom.bodies.torso_habitus import Habitus, outline
from fullbore.phantom.joins import near_box
from fullbore.phantom.primitives import half_space
from fullbore.phantom.shape import Shape, blend, flipped, placed, spanned, union

SKIN_M = 1.8e-3

# What lies inside the subcutaneous fat, beyond the trunk's own table; metres of 1.75 m: height, half width, to front and back.
_HIPS = np.array([
    [-0.492, 0.022, 0.012, 0.016], [-0.486, 0.062, 0.040, 0.044], [-0.474, 0.108, 0.068, 0.072], [-0.455, 0.145, 0.093, 0.094],
    [-0.435, 0.163, 0.104, 0.103], [-0.41, 0.168, 0.110, 0.108],
    [-0.36, 0.167, 0.110, 0.108], [-0.32, 0.163, 0.105, 0.105], [-0.28, 0.158, 0.098, 0.102],
])  # fmt: skip
_SHOULDERS = np.array([
    [0.255, 0.160, 0.066, 0.112], [0.275, 0.135, 0.052, 0.106], [0.295, 0.095, 0.036, 0.098], [0.315, 0.058, 0.015, 0.086],
])  # fmt: skip
# Left leg inside its fat, millimetres: height, middle x, y, half width in x, y; then the fat there over that of the thigh.
LEG_ROWS: tuple[tuple[Number, ...], ...] = (
    (-1170, 82, 18, 30, 36, 0.15), (-1145, 82, 18, 31, 36, 0.2), (-1100, 82, 20, 33, 37, 0.3), (-1040, 83, 22, 41, 43, 0.45),
    (-980, 84, 24, 49, 52, 0.5), (-930, 85, 24, 52, 56, 0.45), (-881, 85, 20, 52, 57, 0.35), (-821, 85.5, 19, 52, 55, 0.25),
    (-791, 85, 13.5, 51, 56, 0.2), (-761, 85, 13, 53, 57, 0.2), (-731, 85, 16, 58, 61, 0.3), (-701, 84, 16, 63, 63, 0.5),
    (-650, 89, 6, 63, 62, 0.8), (-591, 97, -4, 65, 65, 1.0), (-530, 105, -13, 69, 70, 1.0), (-481, 106, -14, 73, 76, 1.0),
    (-445, 97, -4, 70, 90, 0.8), (-400, 96, 0, 66, 92, 0.5), (-340, 96, 0, 56, 78, 0.3),
)  # fmt: skip
# Left foot, sole at 0: x, y, z above the sole, radius.
FOOT: tuple[tuple[Number, Number, Number, Number], ...] = (
    (82, 34, 33, 33), (82, 5, 46, 36), (84, -45, 40, 33), (88, -95, 28, 27), (90, -140, 20, 19), (91, -170, 15, 13),
)  # fmt: skip
# Left arm from shoulder to finger tips inside its fat: x, y, z, radius.
ARM: tuple[tuple[Number, Number, Number, Number], ...] = (
    (165, 40, 226, 46), (188, 44, 195, 49), (205, 50, 140, 44), (232, 54, 40, 39), (254, 55, -70, 35), (266, 52, -120, 37),
    (285, 45, -210, 31), (300, 36, -320, 23), (306, 30, -360, 24), (312, 22, -410, 25), (318, 12, -470, 16), (321, 8, -505, 9),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stature:
    """Where the parts of a whole body lie. over: body mass index above 24.

    head_m: origin of the head; pelvis_m: of the pelvis; knee_m: of the left knee; floor_m: height of the soles.
    """

    body: Habitus
    over: float
    head_m: np.ndarray
    pelvis_m: np.ndarray
    knee_m: np.ndarray
    floor_m: float

    @property
    def scale(self) -> float:
        """Lengths over those of a body 1.75 m tall; the head keeps its size."""
        return self.body.scale

    @property
    def spread_m(self) -> float:
        """How much farther to the side the arms of a heavy body lie."""
        return 2.2e-3 * max(self.over, 0.0)

    @property
    def limb_fat_m(self) -> float:
        """Fat under the skin of the thigh."""
        return max(0.009 + 0.9e-3 * self.over, 0.003)

    @property
    def hip_fat_m(self) -> float:
        """Fat under the skin of the hips."""
        return max(0.014 + 1.3e-3 * self.over, 0.003)

    def calf_z(self, z_mm: np.ndarray) -> np.ndarray:
        """Heights (metres) of those in the table, millimetres: below the knee they are stretched to reach the floor."""
        z = np.asarray(z_mm, np.float64) * MM
        part = np.clip((z + 0.881) / (-1.145 + 0.881), 0, None)
        low, high = self.floor_m + 0.080 * self.scale, -0.881 * self.scale
        return np.where(z < -0.881, high + part * (low - high), z * self.scale)


def stature(body: Habitus, height_m: float) -> Stature:
    """The plan of a body: the head sits on the spine, the floor is as far below its crown as the body is tall."""
    scale = body.scale
    head = np.array([0.0, 0.030, 0.271 * scale + 0.168])
    pelvis = scale * np.array([0.0, -0.006, -0.376])
    return Stature(
        body=body, over=body.bmi - 24.0, head_m=head, pelvis_m=pelvis, knee_m=scale * np.array([0.085, 0.012, -0.791]),
        floor_m=float(head[2] + 0.0865 - height_m),
    )  # fmt: skip


def trunk_sizes(plan: Stature) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heights, and sections (level, 3) inside the fat and of the skin, from the groin to the neck."""
    body, scale = plan.body, plan.scale
    kept = (body.levels_m > -0.235 * scale) & (body.levels_m < 0.238 * scale)
    levels = np.concatenate([scale * _HIPS[:, 0], body.levels_m[kept], scale * _SHOULDERS[:, 0]])
    belly = np.clip(plan.over, -6, None) * 2.4e-3 * np.array([0.5, 0.6, 0.0]) * np.clip((_HIPS[:, :1] + 0.45) / 0.2, 0, 1)
    flesh = np.concatenate([scale * _HIPS[:, 1:] + belly, body.wall_m[kept], scale * _SHOULDERS[:, 1:]])
    above = np.full((len(_SHOULDERS), 1), max(0.006 + 0.4e-3 * plan.over, 0.002))
    fat = np.concatenate([
        np.repeat(plan.hip_fat_m * np.clip((_HIPS[:, :1] + 0.5) / 0.06, 0.2, 1), 3, axis=1),
        (body.skin_m - body.wall_m - SKIN_M)[kept], above * np.ones(3),
    ])  # fmt: skip
    fine = np.linspace(levels[0], levels[-1], 72)
    return fine, PchipInterpolator(levels, flesh)(fine), PchipInterpolator(levels, flesh + fat + SKIN_M)(fine)


def neck_m(plan: Stature, radius_m: float) -> Shape:
    """The neck, which goes on where the head's own ends."""
    ends = np.array([[0, 38, -60], [0, 30, -200]]) - [0, 17, 5]
    first, last = (0.93 * MM * ends + plan.head_m) / MM
    last = first + (last - first) * 1.05
    return vessel(
        (*first.tolist(), radius_m / MM), (*((first + last) / 2).tolist(), radius_m / MM), (*last.tolist(), radius_m / MM)
    )


def leg_shape(plan: Stature, extra_m: float) -> Shape:
    """Left leg without its foot, inside its fat (extra_m 0) or so much farther out (its share by height)."""
    rows = np.array(LEG_ROWS, np.float64)
    rows[:, 1:5] *= plan.scale
    rows[:, 3:5] += extra_m / MM * (rows[:, 5:] if extra_m > 0 else 0) + (SKIN_M / MM if extra_m > 0 else 0)
    rows[:, 0] = plan.calf_z(rows[:, 0]) / MM
    return trunk(rows[:, :5].tolist(), pieces=3)


def foot_rows(plan: Stature, extra_m: float = 0.0) -> list[tuple[Number, Number, Number, Number]]:
    """The left foot as a tube, millimetres."""
    scale, floor = plan.scale, plan.floor_m / MM
    return [(x * scale, y * scale, floor + z * scale, r * scale + extra_m / MM) for x, y, z, r in FOOT]


def arm_rows(plan: Stature, extra_m: float = 0.0) -> list[tuple[Number, Number, Number, Number]]:
    """The left arm as a tube, millimetres; extra_m: added to its radius, less at wrist and hand."""
    scale, out = plan.scale, []
    for x, y, z, r in ARM:
        aside = plan.spread_m / MM * float(np.clip((226 - z) / 300, 0, 1))
        out.append((x * scale + aside, y * scale, z * scale, r * scale + extra_m / MM * float(np.clip((z + 380) / 200, 0.25, 1))))
    return out


def skin(plan: Stature, head_skin: Shape) -> Shape:
    """All of the surface. Joins are rounded; sides are mirror images. head_skin: in place, open at the neck."""
    levels, _, sizes = trunk_sizes(plan)
    fat, scale = plan.limb_fat_m, plan.scale
    chin = placed(face_surface() & half_space((0, 0, -0.12), (0, 0, 1)), _vector(plan.head_m))
    leg = near(blend(0.02 * scale, leg_shape(plan, fat), near(vessel(*foot_rows(plan, SKIN_M + 2e-3)))))
    arm = near(vessel(*arm_rows(plan, 0.6 * fat + SKIN_M)))
    body = blend(0.03 * scale, near(outline(levels, sizes)), near(neck_m(plan, 0.054)))
    body = blend(0.024 * scale, body, union(leg, flipped(leg)))
    return union(blend(0.03 * scale, body, union(arm, flipped(arm))), near(chin), near(head_skin))


def near(shape: Shape, margin_m: float = 0.06) -> Shape:
    """The same solid, whose distance is that to its box where the box is far: nothing else is looked at there."""
    low, high = np.array(shape.low_m, np.float64), np.array(shape.high_m, np.float64)
    inner = shape.distance

    def distance(points: np.ndarray) -> np.ndarray:
        out, close, places = near_box(points, low, high, float(margin_m))
        if len(close) == len(points):
            return inner(points)
        if len(close):
            out[close] = inner(places)
        return out

    def span(points: np.ndarray, radius_m: float) -> tuple[np.ndarray, np.ndarray]:
        out, close, places = near_box(points, low, high, float(margin_m + radius_m))
        least, most = out - radius_m, out + radius_m
        if len(close):
            some, more = spanned(shape, places, radius_m)
            least[close] = np.minimum(some, np.where(out[close] > margin_m - radius_m, least[close], np.inf))
            most[close] = np.maximum(more, np.where(out[close] > margin_m - radius_m, most[close], -np.inf))
        return least, most

    return Shape(
        distance=distance, low_m=shape.low_m, high_m=shape.high_m, stretch=shape.stretch, volume_m3=shape.volume_m3, span=span
    )


def _vector(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
