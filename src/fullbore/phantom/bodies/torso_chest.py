"""Mediastinum, lungs with their vessels and airways, gullet, and the great vessels away from the heart."""

from __future__ import annotations

import numpy as np

from fullbore.phantom.bodies.heart_shape import HeartPlan
from fullbore.phantom.bodies.torso_habitus import Habitus, spine_y
from fullbore.phantom.body import Layer
from fullbore.phantom.fill import onion, textured
from fullbore.phantom.primitives import box, half_space, smooth_path, tube
from fullbore.phantom.shape import Shape, grown, union

_TREES = 9


def lung_layers(body: Habitus, cavity: Shape, seed: int) -> tuple[Layer, ...]:
    """Mediastinal fat in the whole cavity, a lung on each side of it, their vessels."""
    scale, high = body.scale, body.ends_m[1]
    inner = grown(cavity, -2e-3)
    levels = np.linspace(0.0, high, 9)
    middle = np.column_stack([0 * levels + 4e-3 * scale, spine_y(levels, scale) - 0.045 * scale, levels])
    column = tube(middle, np.linspace(0.026, 0.024, 9) * scale)
    septum = box((0.004 * scale, -0.06 * scale, 0.12 * scale), (0.008 * scale, 0.12 * scale, 0.4 * scale))
    behind = tube(np.column_stack([0 * levels, spine_y(levels, scale) + 5e-3, levels]), 0.021 * scale)
    free = inner - union(column, septum, behind)
    fill = textured("lung", 0.12, 0.012, seed + 21)
    out = [Layer(shape=cavity, fill="visceral fat", organ="mediastinal fat")]
    for side, name in ((1.0, "left lung"), (-1.0, "right lung")):
        out.append(Layer(shape=free & half_space((0, 0, -0.06 * scale), (-side, 0, 0)), fill=fill, organ=name))
        out.extend(Layer(shape=shape, fill="venous blood", organ="lung vessels") for shape in _tree(body, side, seed))
    return tuple(out)


def _tree(body: Habitus, side: float, seed: int) -> list[Shape]:
    """Vessels from the hilum out, each with two branches, thinner to their ends."""
    random, scale = np.random.default_rng([seed, 5 if side > 0 else 6]), body.scale
    hilum = scale * np.array([side * 0.05, 0.01, 0.155])
    out = []
    for number in range(_TREES):
        z = scale * (0.235 - 0.215 * (number + 0.5) / _TREES)
        angle = np.deg2rad(random.uniform(-55, 60))
        rim = body.rim(float(z), np.array([angle]), -0.012 * scale)[0] * (side, 1, 1)
        bend = hilum + 0.45 * (rim - hilum) + random.normal(0, 6e-3 * scale, 3)
        path = smooth_path(np.stack([hilum, bend, rim]), 3)
        out.append(tube(path, np.linspace(4.2e-3, 1.2e-3, len(path)) * scale))
        for _ in range(2):
            tip = bend + 0.6 * (rim - bend) + random.normal(0, 0.018 * scale, 3)
            out.append(tube(np.stack([bend, tip]), np.array([2.2e-3, 1e-3]) * scale))
    return out


def airway_layers(body: Habitus, carina_m: np.ndarray) -> tuple[Layer, ...]:
    """Gullet, windpipe and the two main bronchi: walls, then their air."""
    scale, high = body.scale, body.ends_m[1]
    levels = np.linspace(0.055 * scale, high, 8)
    aside = np.interp(levels, scale * np.array([0.055, 0.12, 0.2]), scale * np.array([0.012, 0.004, 0.008]))
    gullet = tube(np.column_stack([aside, spine_y(levels, scale) - 0.027 * scale, levels]), 7e-3 * scale)
    top = np.array([0.0, float(spine_y(np.array(high), scale)) - 0.042 * scale, high])
    air = [tube(smooth_path(np.stack([top, 0.5 * (top + carina_m), carina_m]), 2), 8.5e-3 * scale)]
    for end in ((0.048, 0.022, -0.032), (-0.042, 0.02, -0.03)):
        path = np.stack([carina_m, carina_m + 0.5 * scale * np.array(end) + (0, 0, 3e-3), carina_m + scale * np.array(end)])
        air.append(tube(smooth_path(path, 3), 6e-3 * scale))
    airways, gullet = _cut(union(*air), body), _cut(gullet, body)
    return (
        Layer(shape=gullet, fill=onion((3.5e-3,), ("muscle", "mucosa")), organ="oesophagus"),
        Layer(shape=_cut(grown(airways, 1.6e-3 * scale), body), fill="bronchus wall", organ="trachea and bronchi"),
        Layer(shape=airways, fill="air", organ="airway"),
    )


def aorta_path(body: Habitus, plan: HeartPlan) -> tuple[np.ndarray, np.ndarray]:
    """Arch from the end of the ascending part, then down the left front of the spine to its fork; radii."""
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
    radius = np.interp(np.linspace(0, 1, len(path)), [0, 0.3, 0.6, 1], [13.2e-3, 12e-3, 10.5e-3, 8e-3]) * scale
    return path, radius


def vessel_layers(body: Habitus, plan: HeartPlan) -> tuple[Layer, ...]:
    """Aorta beyond its ascending part, its branches and its fork; pulmonary arteries; brachiocephalic veins."""
    scale, high = body.scale, body.ends_m[1]
    path, radius = aorta_path(body, plan)
    end, fork = path[-1], scale * np.array([0.035, 0.012, -0.055])
    legs = [tube(smooth_path(np.stack([end, end + 0.5 * fork * (side, 0.4, 1), end + fork * (side, 1, 1)]), 3), 5.2e-3 * scale)
            for side in (1, -1)]  # fmt: skip
    arch = path[np.argmax(path[:, 2])]
    branches = [
        tube(np.stack([arch + scale * np.array(a), [scale * x, arch[1] + scale * y, high]]), r * scale)
        for a, x, y, r in (((-0.012, -0.004, 0), -0.022, -0.006, 5.5e-3), ((0.0, 0.004, 0), 0.012, 0.004, 3.8e-3),
                           ((0.012, 0.012, -0.004), 0.026, 0.016, 4.2e-3))
    ]  # fmt: skip
    arteries = [
        (tube(path, radius), "aorta"),
        *((leg, "iliac arteries") for leg in legs),
        *((b, "arch branches") for b in branches),
    ]
    split = plan.base_point_m + 1e-3 * plan.scale * np.array([-7, -8, 66])
    hila = scale * np.array([[0.058, 0.022, 0.163], [-0.058, 0.016, 0.152]])
    mids = np.stack(
        [split + (0.022 * scale, 0.012 * scale, 6e-3 * scale), split + (-0.034 * scale, 0.018 * scale, -6e-3 * scale)]
    )
    pulmonary = [tube(smooth_path(np.stack([split, m, h]), 4), 9e-3 * scale) for m, h in zip(mids, hila, strict=True)]
    cava = plan.base_point_m + 1e-3 * plan.scale * np.array([-50, -2, 105])
    neck = [
        tube(smooth_path(np.stack([cava, cava + scale * np.array(b), [scale * x, cava[1] + 6e-3, high]]), 3), 6.5e-3 * scale)
        for b, x in (((0.045, -0.006, 0.012), 0.045), ((-0.002, 0, 0.02), -0.036))
    ]
    veins = [*((v, "pulmonary arteries") for v in pulmonary), *((v, "brachiocephalic veins") for v in neck)]
    walls = [
        Layer(shape=_cut(grown(shape, 1.3e-3 * scale), body), fill="vessel wall", organ="vessel wall")
        for shape, _ in (*veins, *arteries)
    ]
    inside = [
        Layer(shape=_cut(shape, body), fill=fill, organ=organ)
        for group, fill in ((veins, "venous blood"), (arteries, "arterial blood"))
        for shape, organ in group
    ]
    return (*walls, *inside)


def _cut(shape: Shape, body: Habitus) -> Shape:
    """Ended where the trunk is."""
    return shape & half_space((0, 0, body.ends_m[1]), (0, 0, 1))
