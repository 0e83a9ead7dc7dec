"""Mediastinum, lungs with their vessels and airways, gullet, and the great vessels away from the heart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fullbore.phantom.bodies.torso_habitus import Habitus, spine_y
from fullbore.phantom.bodies.torso_lines import SIDES
from fullbore.phantom.body import Layer
from fullbore.phantom.fill import onion, textured
from fullbore.phantom.flowing import Line
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


def vessel_layers(body: Habitus, lines: Mapping[str, Line]) -> tuple[Layer, ...]:
    """Aorta beyond its ascending part, branches, fork; pulmonary arteries; brachiocephalic veins. lines: of `chest_lines`."""
    aorta, scale = lines["aorta"], body.scale
    # The ascending part is the heart's.
    past = np.arange(len(aorta.path_m)) >= 0.8 * int(np.argmax(aorta.path_m[:, 2]))
    arteries = [
        (Line(aorta.path_m[past], aorta.radius_m[past]), "aorta"),
        *((lines[f"{name} iliac artery"], "iliac arteries") for _, name in SIDES),
        *((lines[name], "arch branches") for name in ("brachiocephalic artery", "left carotid artery", "left subclavian artery")),
    ]
    veins = [
        *((lines[f"{name} pulmonary artery"], "pulmonary arteries") for _, name in SIDES),
        *((lines[f"{name} brachiocephalic vein"], "brachiocephalic veins") for _, name in SIDES),
    ]
    walls = [
        Layer(shape=_cut(grown(each.shape, 1.3e-3 * scale), body), fill="vessel wall", organ="vessel wall")
        for each, _ in (*veins, *arteries)
    ]
    inside = [
        Layer(shape=_cut(each.shape, body), fill=fill, organ=organ)
        for group, fill in ((veins, "venous blood"), (arteries, "arterial blood"))
        for each, organ in group
    ]
    return (*walls, *inside)


def _cut(shape: Shape, body: Habitus) -> Shape:
    """Ended where the trunk is."""
    return shape & half_space((0, 0, body.ends_m[1]), (0, 0, 1))
