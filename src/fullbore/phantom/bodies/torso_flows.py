"""Blood in the great vessels of a trunk: shares of the cardiac output that add up, paces that begin with what the heart ejects.

Shares: Leggett and Williams 1995 (reference blood flows of a man, table A-1 of Risk Assessment of Radon in Drinking Water, NRC
1999): brain 12 %, heart 4, kidneys 19, liver's artery 6.5, portal organs 19 (of it spleen 3, stomach 1, pancreas 1: memory). How
what is left divides among head, arms, walls and legs, and the right lung's 55 % (Cheng 2005: not verified), are choices.
Profiles: flat in aorta and pulmonary artery (Klipstein 1987, Br Heart J 58:316), laminar elsewhere. Peaks over the mean are
choices, see `PEAKS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from fullbore.data import Course, Flow
from fullbore.errors import ValueRangeError
from fullbore.phantom.bodies.head_vessels import ARTERIAL_PEAK
from fullbore.phantom.bodies.heart_motion import heart_cycle
from fullbore.phantom.bodies.heart_parts import in_left_atrium, pulmonary_trunk_line, pulmonary_vein_lines, upper_caval_line
from fullbore.phantom.bodies.heart_shape import HeartPlan
from fullbore.phantom.bodies.torso_habitus import Habitus
from fullbore.phantom.bodies.torso_lines import SIDES, arch_top, belly_lines, chest_lines, whole_caval_line
from fullbore.phantom.body import Body
from fullbore.phantom.flowing import STEADY, Line, buffered, ejection, vessel_flow

BRAIN, FACE, ARM, KIDNEY, PORTAL, LIVER_ARTERY, LEG = 0.12, 0.02, 0.04, 0.095, 0.19, 0.065, 0.09
"""Shares of the cardiac output; face, arm, kidney and leg (its half of the pelvis with it) on each side."""
HEART, CHEST_WALL, LOINS = 0.04, 0.045, 0.05
"""Shares that leave and come back by vessels that are not drawn."""
SPLENIC = 0.05
"""Of the output, in splenic artery and vein: spleen, stomach, pancreas; the mesenteric ones have the rest of `PORTAL`."""
HEPATIC_VEINS = {"right": 0.5, "middle": 0.25, "left": 0.25}
"""Of the liver's blood, in each of its veins: choices."""
CAROTID_OF_BRAIN, LEFT_JUGULAR_OF_BRAIN = 240 / 620, 275 / 620
"""Of the brain's blood, as in `head`: in a carotid artery (the rest of a half in a vertebral one), in the left jugular vein."""
RIGHT_LUNG = 0.55
VERTEBRAL_OF_BRAIN = 0.5 - CAROTID_OF_BRAIN

SHARES: dict[str, float] = {
    "ascending aorta": 1.0,
    "brachiocephalic artery": BRAIN / 2 + FACE + ARM,
    "left carotid artery": CAROTID_OF_BRAIN * BRAIN + FACE,
    "left subclavian artery": VERTEBRAL_OF_BRAIN * BRAIN + ARM,
    "descending aorta": 1 - HEART - BRAIN - 2 * FACE - 2 * ARM,
    "abdominal aorta": LOINS + 2 * LEG,
    **{f"{side} renal artery": KIDNEY for _, side in SIDES},
    **{f"{side} iliac artery": LEG for _, side in SIDES},
    "coeliac trunk": LIVER_ARTERY + SPLENIC,
    "hepatic artery": LIVER_ARTERY,
    "splenic artery": SPLENIC,
    "superior mesenteric artery": PORTAL - SPLENIC,
    "pulmonary trunk": 1.0,
    "left pulmonary artery": 1 - RIGHT_LUNG,
    "right pulmonary artery": RIGHT_LUNG,
    **{f"left {part} pulmonary vein": (1 - RIGHT_LUNG) / 2 for part in ("upper", "lower")},
    **{f"right {part} pulmonary vein": RIGHT_LUNG / 2 for part in ("upper", "lower")},
    "left brachiocephalic vein": LEFT_JUGULAR_OF_BRAIN * BRAIN + FACE + ARM,
    "right brachiocephalic vein": (1 - LEFT_JUGULAR_OF_BRAIN) * BRAIN + FACE + ARM,
    "superior vena cava": BRAIN + 2 * FACE + 2 * ARM + CHEST_WALL,
    **{f"{side} iliac vein": LEG for _, side in SIDES},
    "inferior vena cava, below the kidneys": LOINS + 2 * LEG,
    "inferior vena cava, below the liver": LOINS + 2 * LEG + 2 * KIDNEY,
    "inferior vena cava": LOINS + 2 * LEG + 2 * KIDNEY + PORTAL + LIVER_ARTERY,
    **{f"{side} renal vein": KIDNEY for _, side in SIDES},
    "splenic vein": SPLENIC,
    "superior mesenteric vein": PORTAL - SPLENIC,
    "portal vein": PORTAL,
    **{f"{part} hepatic vein": share * (PORTAL + LIVER_ARTERY) for part, share in HEPATIC_VEINS.items()},
}
"""Of the cardiac output, in each vessel."""


# Where two lumens overlap, blood belongs to the vessel that comes first.
ORDER: tuple[str, ...] = tuple(
    sorted(SHARES, key=lambda name: not name.endswith(("aorta", "vena cava", "trunk", "kidneys", "liver")))
)


class Junction(NamedTuple):
    """Where vessels meet: those that bring blood, those that take it, and the share that others which are not drawn take."""

    come: tuple[str, ...]
    go: tuple[str, ...]
    undrawn: float = 0.0


JUNCTIONS: tuple[Junction, ...] = (
    Junction(
        ("ascending aorta",),
        ("brachiocephalic artery", "left carotid artery", "left subclavian artery", "descending aorta"), HEART,
    ),
    Junction(
        ("descending aorta",),
        ("left renal artery", "right renal artery", "coeliac trunk", "superior mesenteric artery", "abdominal aorta"), CHEST_WALL,
    ),
    Junction(("coeliac trunk",), ("hepatic artery", "splenic artery")),
    Junction(("abdominal aorta",), ("left iliac artery", "right iliac artery"), LOINS),
    Junction(("pulmonary trunk",), ("left pulmonary artery", "right pulmonary artery")),
    Junction(("left brachiocephalic vein", "right brachiocephalic vein"), ("superior vena cava",), -CHEST_WALL),
    Junction(("left iliac vein", "right iliac vein"), ("inferior vena cava, below the kidneys",), -LOINS),
    Junction(
        ("inferior vena cava, below the kidneys", "left renal vein", "right renal vein"),
        ("inferior vena cava, below the liver",),
    ),
    Junction(
        ("inferior vena cava, below the liver", *(f"{part} hepatic vein" for part in HEPATIC_VEINS)), ("inferior vena cava",)
    ),
    Junction(("splenic vein", "superior mesenteric vein"), ("portal vein",)),
    Junction(("superior vena cava", "inferior vena cava"), ("pulmonary trunk",), -HEART),
    Junction(tuple(name for name in SHARES if name.endswith("pulmonary vein")), ("ascending aorta",)),
)  # fmt: skip

# Peak over mean and the delay behind the heart (s). Renal: a resistive index of 0.6. A peak is at most _MOST of the heart's own.
PEAKS: dict[str, tuple[float, float]] = {
    "brachiocephalic artery": (2.2, 0.01), "left carotid artery": (ARTERIAL_PEAK, 0.01), "left subclavian artery": (3.0, 0.01),
    "descending aorta": (4.8, 0.02), "abdominal aorta": (4.0, 0.05), "renal artery": (1.7, 0.05), "iliac artery": (4.0, 0.07),
    "pulmonary artery": (4.0, 0.01), "coeliac trunk": (1.8, 0.04), "hepatic artery": (1.8, 0.05), "splenic artery": (1.8, 0.05),
    "superior mesenteric artery": (2.0, 0.05),
}  # fmt: skip
_MOST = 0.9
# Veins: how far they swing, and when.
_VENOUS_PEAK, _VENOUS_DELAY = 1.3, 0.3
_STEADY = ("portal vein", "splenic vein", "superior mesenteric vein", "renal vein")
_VALVE_M, _LEAST_POINTS = 2e-3, 4
# Branches that leave a vessel's side begin at its wall; those at its end nearer to its middle.
_FROM_THE_SIDE = (
    "brachiocephalic artery", "left carotid artery", "left subclavian artery", "renal artery", "renal vein", "coeliac trunk",
    "mesenteric artery", "hepatic vein",
)  # fmt: skip
_AT_AN_END = 0.4


def heart_pace(heart_rate_per_min: float) -> Course:
    """The pace at which ventricles eject, of mean 1: the slope of their volume from the R wave to the end of systole."""
    activity, period, end = heart_cycle(heart_rate_per_min)
    return ejection(lambda time_s: -activity(time_s), 0.0, end, period)


def paces(heart_rate_per_min: float) -> dict[str, Course]:
    """The pace of each vessel of `SHARES`."""
    heart = heart_pace(heart_rate_per_min)
    most, period = float(heart.values.max()), 60 / heart_rate_per_min
    slow = {name: buffered(heart, min(peak, _MOST * most), delay) for name, (peak, delay) in PEAKS.items()}
    venous = buffered(heart, _VENOUS_PEAK, _VENOUS_DELAY * period)
    out = {}
    for name in SHARES:
        kind = next((key for key in slow if name.endswith(key)), "")
        if name in ("ascending aorta", "pulmonary trunk"):
            out[name] = heart
        elif kind:
            out[name] = slow[kind]
        else:
            out[name] = STEADY if name.endswith(_STEADY) else venous
    return out


def torso_flows(body: Habitus, plan: HeartPlan, output_m3_per_s: float, heart_rate_per_min: float) -> dict[str, Flow]:
    """Blood in each vessel of `SHARES`, those that others begin in after those."""
    lines, flat = torso_lines(body, plan), ("aorta", "pulmonary trunk", "pulmonary artery")
    pace = paces(heart_rate_per_min)
    out = {}
    for name in ORDER:
        found = lines[name]
        if len(found.path_m) < _LEAST_POINTS:
            raise ValueRangeError(
                f"torso: no room for the {name}. The heart is too large or too small for the trunk: change either."
            )
        arterial = name.endswith(("aorta", "pulmonary vein", "coeliac trunk")) or ("artery" in name and "pulmonary" not in name)
        out[name] = vessel_flow(
            found.path_m, found.radius_m, SHARES[name] * output_m3_per_s, "arterial blood" if arterial else "venous blood",
            pace[name], laminar=not name.endswith(flat),
        )  # fmt: skip
    return out


def named_flows(trunk: Body) -> dict[str, Flow]:
    """The flows of a torso by the names of `SHARES`."""
    return dict(zip(ORDER, trunk.flows, strict=True))


def torso_lines(body: Habitus, plan: HeartPlan) -> dict[str, Line]:
    """The paths of the flows, each from where it has left the vessel that it begins in to where it reaches the one it ends in."""
    chest, belly = chest_lines(body, plan), belly_lines(body)
    aorta, cava = chest["aorta"], whole_caval_line(belly, plan)
    renal = 0.5 * sum(float(belly[f"{side} renal artery"].path_m[0, 2]) for _, side in SIDES)
    top = int(np.argmax((aorta.path_m == arch_top(aorta)).all(axis=1)))
    out = {
        "ascending aorta": _beyond_valve(_piece(aorta, 0, top), plan),
        "descending aorta": _piece(aorta, top, _level(aorta, renal, top)),
        "abdominal aorta": _piece(aorta, _level(aorta, renal, top), len(aorta.path_m) - 1),
    }
    ends = _level(cava, renal), _level(cava, 0.045 * body.scale)
    trunk = _beyond_valve(pulmonary_trunk_line(plan).smooth(), plan)
    for name, first, last in (
        ("inferior vena cava, below the kidneys", 0, ends[0]),
        ("inferior vena cava, below the liver", ends[0], ends[1]),
        ("inferior vena cava", ends[1], len(cava.path_m) - 1),
    ):
        out[name] = _piece(cava, first, last)
    out |= {"pulmonary trunk": trunk, "superior vena cava": upper_caval_line(plan).smooth()}
    out["portal vein"] = belly["portal vein"].smooth()
    for name, each in pulmonary_vein_lines(plan).items():
        free = ~in_left_atrium(plan, each.path_m)
        out[name] = Line(each.path_m[free], each.radius_m[free]).smooth()
    return out | _branches(chest | belly, out | {"aorta": aorta, "cava": cava}, body.ends_m[1])


def _branches(lines: Mapping[str, Line], trunks: dict[str, Line], high_m: float) -> dict[str, Line]:
    """Those that begin or end in another."""
    out: dict[str, Line] = {}
    for names, parent, turned in (
        (("brachiocephalic artery", "left carotid artery", "left subclavian artery"), "aorta", False),
        (("left renal artery", "right renal artery"), "aorta", False),
        (("coeliac trunk", "superior mesenteric artery"), "aorta", False),
        (("hepatic artery", "splenic artery"), "coeliac trunk", False),
        (("left iliac artery", "right iliac artery"), "aorta", False),
        (("left pulmonary artery", "right pulmonary artery"), "pulmonary trunk", False),
        (("left brachiocephalic vein", "right brachiocephalic vein"), "superior vena cava", True),
        (("left iliac vein", "right iliac vein"), "cava", True),
        (("left renal vein", "right renal vein"), "cava", True),
        (("right hepatic vein", "middle hepatic vein", "left hepatic vein"), "cava", True),
        (("splenic vein", "superior mesenteric vein"), "portal vein", True),
    ):
        for name in names:
            each = lines[name].smooth()
            share, whole = 1.0 if name.endswith(_FROM_THE_SIDE) else _AT_AN_END, (trunks | out)[parent]
            each = each.turned.outside(whole, share).turned if turned else each.outside(whole, share)
            inside = each.path_m[:, 2] <= high_m
            out[name] = Line(each.path_m[inside], each.radius_m[inside])
    return out


def _piece(whole: Line, first: int, last: int) -> Line:
    return Line(whole.path_m[first : last + 1], whole.radius_m[first : last + 1])


def _level(whole: Line, z_m: float, first: int = 0) -> int:
    """Number of the point of a line, from the first on, that is nearest to a height."""
    return first + int(np.argmin(np.abs(whole.path_m[first:, 2] - z_m)))


def _beyond_valve(whole: Line, plan: HeartPlan) -> Line:
    high = plan.frame.local(whole.path_m)[:, 2] > plan.base_m + _VALVE_M * plan.scale
    return Line(whole.path_m[high], whole.radius_m[high])
