"""Where the great vessels of chest and belly run: centrelines and radii, from which they are painted and along which blood flows.

All of them in the direction of flow. Those at the heart are in `heart_parts`.
"""

from __future__ import annotations

import numpy as np

from fullbore.phantom.bodies.heart_parts import ascending_line, lower_caval_line
from fullbore.phantom.bodies.heart_shape import HeartPlan
from fullbore.phantom.bodies.torso_habitus import Habitus, spine_y
from fullbore.phantom.flowing import Line, line
from fullbore.phantom.primitives import smooth_path

SIDES = ((1.0, "left"), (-1.0, "right"))
# Millimetres (x, y) about the middle in front of the spine; the last about the kidney's middle. The left vein passes before the
# aorta, the right artery behind the caval vein.
_RENAL: dict[str, dict[str, list[tuple[float, float]]]] = {
    "left": {
        "artery": [(5, 0), (18, 6), (33, 13), (-17, -17)],
        "vein": [(-19, -5), (0, -16.5), (18, -12), (33, 3), (-17, -24)],
    },
    "right": {
        "artery": [(5, 0), (-9, 13), (-23, 17), (17, -17)],
        "vein": [(-19, -2), (-32, 7), (17, -24)],
    },
}


# Tips and bends of the liver's veins, and the root of all, in metres of a trunk 1.75 m tall; radii at tip and root. They begin
# wide enough for all of their blood: choices.
_HEPATIC_ROOT_M = (-0.022, 0.02, 0.045)
_HEPATIC_M = {
    "right hepatic vein": ((-0.10, 0.035, 0.015), (-0.055, 0.03, 0.04), (4.2e-3, 6e-3)),
    "middle hepatic vein": ((-0.055, -0.05, 0.005), (-0.035, -0.01, 0.035), (3e-3, 5.5e-3)),
    "left hepatic vein": ((0.028, -0.04, 0.038), (0.0, 0.0, 0.044), (3e-3, 5.5e-3)),
}
# Arteries of the belly's organs: x and z as they are, y from the middle of the spine at `_SPINE_AT_M`; radii. Millimetres.
_SPINE_AT_M = -0.05
_BELLY_ARTERIES_MM: dict[str, tuple[float, list[tuple[float, float, float]]]] = {
    "coeliac trunk": (3.5, [(7, -27, -18), (6, -39, -19), (4, -47, -17)]),
    "hepatic artery": (3.0, [(4, -47, -17), (-8, -51, -17), (-22, -50, -15), (-36, -49, -9)]),
    "splenic artery": (2.5, [(4, -47, -17), (18, -45, -14), (40, -36, -14), (62, -21, -7), (80, -6, 6)]),
    # Below the splenic vein, in front of the left renal vein, to the left of its own vein.
    "superior mesenteric artery": (
        3.5, [(6, -31, -37), (6, -42, -41), (6, -48, -41.5), (5.5, -54, -45), (4, -56, -55), (3, -56, -80), (0, -59, -128)],
    ),
}  # fmt: skip


def chest_lines(body: Habitus, plan: HeartPlan) -> dict[str, Line]:
    """Aorta from its root to its fork, its branches, iliac and pulmonary arteries, brachiocephalic veins."""
    scale, high = body.scale, body.ends_m[1]
    aorta = _aorta(body, plan)
    end, fork = aorta.path_m[-1], scale * np.array([0.035, 0.009, -0.055])
    arch = arch_top(aorta)
    split = plan.base_point_m + 1e-3 * plan.scale * np.array([-7, -8, 66])
    cava = plan.base_point_m + 1e-3 * plan.scale * np.array([-50, -2, 105])
    out = {"aorta": aorta}
    for side, name in SIDES:
        out[f"{name} iliac artery"] = _curve(
            (end, end + 0.5 * fork * (side, 0.4, 1), end + fork * (side, 1, 1)), 3, 5.2e-3 * scale
        )
    for name, start, x, y, radius in (
        ("brachiocephalic artery", (-0.012, -0.004, 0), -0.022, -0.006, 5.5e-3),
        ("left carotid artery", (0.0, 0.004, 0), 0.012, 0.004, 3.8e-3),
        ("left subclavian artery", (0.012, 0.012, -0.004), 0.026, 0.016, 4.2e-3),
    ):
        top = np.array([scale * x, arch[1] + scale * y, high])
        out[name] = line(np.stack([arch + scale * np.array(start), top]), radius * scale)
    for name, bend, hilum in (
        ("left pulmonary artery", (0.022, 0.012, 6e-3), (0.058, 0.022, 0.163)),
        ("right pulmonary artery", (-0.030, 0.027, -5e-3), (-0.058, 0.020, 0.152)),
    ):
        out[name] = _curve((split, split + scale * np.array(bend), scale * np.array(hilum)), 4, 9e-3 * scale)
    for name, bend, x in (
        ("left brachiocephalic vein", (0.045, -0.006, 0.012), 0.045),
        ("right brachiocephalic vein", (-0.002, 0, 0.02), -0.036),
    ):
        top = np.array([scale * x, cava[1] + 6e-3, high])
        out[name] = _curve((cava, cava + scale * np.array(bend), top), 3, 6.5e-3 * scale).turned
    return out


def belly_lines(body: Habitus) -> dict[str, Line]:
    """Lower caval vein from its fork to the heart's, iliac, renal, splenic, mesenteric and portal veins; organs' arteries."""
    scale = body.scale
    levels = scale * np.array([-0.162, -0.11, -0.06, -0.01, 0.02, 0.045, 0.068])
    x = scale * np.array([-17, -19, -19, -20, -22, -25, -32]) * 1e-3
    depth = scale * np.array([26, 29, 32, 31, 31, 33, 36]) * 1e-3
    cava = _curve(np.column_stack([x, spine_y(levels, scale) - depth, levels]), 4, 9.5e-3 * scale)
    y = float(spine_y(np.array(_SPINE_AT_M * scale), scale)) / scale
    meet = [-0.012, y - 0.046, -0.042]
    out = {
        "inferior vena cava": cava,
        "portal vein": _curve(scale * np.array([meet, [-0.02, y - 0.042, -0.028], [-0.028, -0.005, -0.012]]), 4, 6.5e-3 * scale),
        "splenic vein": _curve(
            scale * np.array([[0.082, y - 0.004, -0.006], [0.04, y - 0.034, -0.026], [0.0, y - 0.050, -0.033], meet]),
            4, 4e-3 * scale,
        ),
        "superior mesenteric vein": _curve(
            scale * np.array([[-0.01, y - 0.056, -0.13], [-0.012, y - 0.052, -0.08], meet]), 4, 5e-3 * scale
        ),
    }  # fmt: skip
    for name, (radius, places) in _BELLY_ARTERIES_MM.items():
        out[name] = _curve(scale * (np.array([0, y, 0]) + 1e-3 * np.array(places)), 4, 1e-3 * radius * scale)
    for name, (tip, bend, radii) in _HEPATIC_M.items():
        path = smooth_path(scale * np.array([tip, bend, _HEPATIC_ROOT_M]), 4)
        out[name] = Line(path, np.linspace(*radii, len(path)) * scale)
    for side, name in SIDES:
        root = cava.path_m[0] + scale * np.array([side * 0.036 + 0.012, 0.014, -0.06])
        out[f"{name} iliac vein"] = line(np.stack([root, cava.path_m[0]]), 6.5e-3 * scale)
        for kind, ways in _RENAL[name].items():
            out[f"{name} renal {kind}"] = _renal(side, scale, np.array(ways), 3e-3 if kind == "artery" else 5e-3)
        out[f"{name} renal vein"] = out[f"{name} renal vein"].turned
    return out


def kidney_centre(side: float, scale: float) -> np.ndarray:
    """Middle of a kidney: the left one (side 1) a little higher."""
    z = -0.058 if side > 0 else -0.072
    return np.array([side * 0.063 * scale, float(spine_y(np.array(z * scale), scale)) + 0.012 * scale, z * scale])


def arch_top(aorta: Line) -> np.ndarray:
    """The aorta's highest point, at which its branches leave."""
    return np.asarray(aorta.path_m[np.argmax(aorta.path_m[:, 2])])


def whole_caval_line(belly: dict[str, Line], plan: HeartPlan) -> Line:
    """The lower caval vein from its fork to the right atrium."""
    lower, upper = belly["inferior vena cava"], lower_caval_line(plan)
    aside = float(np.linalg.norm(lower.path_m[-1, :2] - upper.path_m[0, :2]))
    below = lower.path_m[:, 2] < upper.path_m[0, 2] - 6e-3 * plan.scale - aside
    return Line(lower.path_m[below], lower.radius_m[below]).then(upper).smooth()


def _aorta(body: Habitus, plan: HeartPlan) -> Line:
    """Root, ascending part, arch, then down the left front of the spine to the fork."""
    scale = body.scale
    start = plan.base_point_m + 1e-3 * plan.scale * np.array([-38, -2, 74])
    top = plan.base_point_m + 1e-3 * plan.scale * np.array([-28, 6, 92])
    levels = scale * np.array([0.185, 0.15, 0.10, 0.05, 0.0, -0.05, -0.10, -0.158])
    depth = np.array([8, 12, 16, 22, 29, 31, 31, 31]) * 1e-3 * scale
    aside = np.array([25, 24, 22, 17, 8, 5, 4, 2]) * 1e-3 * scale
    down = np.column_stack([aside, spine_y(levels, scale) - depth, levels])
    high = top[2] + 6e-3 * scale
    bow = np.array([[-0.004 * scale, 0.016 * scale, high], [0.019 * scale, 0.036 * scale, high - 8e-3 * scale]])
    path = smooth_path(np.concatenate([start[None], top[None], bow, down]), 4)
    radius = np.interp(np.linspace(0, 1, len(path)), [0, 0.3, 0.6, 1], [13.2e-3, 12e-3, 10.5e-3, 8e-3])
    # As wide as the body is tall, but for a small heart, whose arch is too narrow for that.
    radius *= min(scale, 1.05 * plan.scale)
    # From `top` on: up to there it is the heart's.
    rising = ascending_line(plan)
    return Line(rising.path_m[:-1], rising.radius_m[:-1]).then(Line(path[4:], radius[4:])).smooth()


def _curve(points_m: np.ndarray | tuple[np.ndarray, ...], pieces: int, radius_m: float) -> Line:
    return line(smooth_path(np.stack(list(points_m)), pieces), radius_m)


def _renal(side: float, scale: float, ways: np.ndarray, radius_m: float) -> Line:
    """From the great vessel, by places about the middle in front of the spine, to the hilum of a kidney."""
    centre = kidney_centre(side, scale)
    z = float(centre[2]) + 8e-3 * scale
    middle = np.array([0.0, float(spine_y(np.array(z), scale)) - 0.031 * scale, z])
    points = middle + 1e-3 * scale * np.column_stack([ways[:-1], np.zeros(len(ways) - 1)])
    hilum = centre + 1e-3 * scale * np.array([*ways[-1], 0.0])
    return _curve((*points, hilum), 3, radius_m * scale)
