"""Ribs, breastbone, spine with discs and cord, and the muscles along it."""

from __future__ import annotations

import numpy as np

from fullbore.phantom.bodies.torso_habitus import Habitus, spine_y
from fullbore.phantom.body import Layer
from fullbore.phantom.fill import onion
from fullbore.phantom.primitives import capsule, ellipsoid, lofted, smooth_path, tube
from fullbore.phantom.shape import Shape, Vector, blend, placed, rotation, turned_to, union

# Vertebrae from L5 up to T1: name, height of the body and of the disc on it, half width, half depth, millimetres of 1.75 m.
_LUMBAR = tuple((f"L{n}", 27.0, 10.0, 24.5 - 0.8 * (5 - n), 17.0) for n in (5, 4, 3, 2, 1))
_CHEST = tuple((f"T{n}", 16.5 + 0.72 * n, 4.0 + 0.2 * n, 13.5 + 0.55 * n, 10.5 + 0.45 * n) for n in range(12, 0, -1))
_LOWEST_M = -0.232
_BONE = onion((1.2e-3,), ("cortical bone", "red marrow"))
# Ribs: how far it goes round (of the way to the breastbone), how far it falls (mm), where its cartilage starts.
_RIBS = (
    (0.97, 52, 0.72), (0.98, 62, 0.74), (0.98, 70, 0.76), (0.98, 75, 0.78), (0.98, 78, 0.78), (0.97, 78, 0.76),
    (0.95, 70, 0.72), (0.86, 70, 0.70), (0.80, 68, 0.68), (0.72, 64, 0.66), (0.52, 52, 2.0), (0.32, 34, 2.0),
)  # fmt: skip


def vertebrae(scale: float) -> list[tuple[str, float, float, float, float, float]]:
    """(name, middle height, height, disc on it, half width, half depth), metres, from L5 to T1."""
    out, z = [], _LOWEST_M * scale
    for name, height, disc, wide, deep in (*_LUMBAR, *_CHEST):
        sizes = [1e-3 * scale * value for value in (height, disc, wide, deep)]
        out.append((name, z + sizes[0] / 2, sizes[0], sizes[1], sizes[2], sizes[3]))
        z += sizes[0] + sizes[1]
    return out


def spine_layers(body: Habitus) -> tuple[Layer, ...]:
    """Muscles along the spine, vertebrae, discs, canal, cord and the roots below it."""
    scale = body.scale
    levels = np.linspace(*body.ends_m, 22)[1:-1]
    centre = np.column_stack([0 * levels, spine_y(levels, scale), levels])
    bones: list[Layer] = []
    for name, z, height, disc, wide, deep in vertebrae(scale):
        frame, at = _tilt(z, scale), _at(z, scale)
        bones.append(Layer(shape=_arch(at, frame, name, wide, deep, scale), fill=_BONE, organ=f"vertebra {name}"))
        bones.append(Layer(shape=_drum(at, frame, height, wide, deep, 0.9), fill=_BONE, organ=f"vertebra {name}"))
        top = z + (height + disc) / 2
        place, turn = _at(top, scale), _tilt(top, scale)
        fibres = _drum(place, turn, disc * 1.05, wide * 0.98, deep * 0.98, 1.04)
        pulp = placed(ellipsoid((0, 0, 0), (0.6 * wide, 0.55 * deep, 0.42 * disc)), place, turn)
        bones.append(Layer(shape=fibres, fill="disc annulus", organ=f"disc on {name}"))
        bones.append(Layer(shape=pulp, fill="disc nucleus", organ=f"disc on {name}"))
    behind = np.interp(levels, scale * np.array([-0.24, 0.1, 0.28]), scale * np.array([0.0275, 0.0235, 0.021]))
    canal = centre + np.column_stack([0 * levels, behind, 0 * levels])
    cord = canal[levels > -0.045 * scale]
    roots = canal[levels < -0.03 * scale]
    nerves = union(
        *(tube(roots + scale * 1e-3 * np.array([x, y, 0]), 1e-3 * scale) for x, y in ((-3, 1), (3, 1), (-1, 3), (1, 3)))
    )
    return (
        *_muscles(body, levels, centre), *bones,
        Layer(shape=tube(canal, 9.5e-3 * scale), fill="fat", organ="epidural fat"),
        Layer(shape=tube(canal, 8e-3 * scale), fill="csf", organ="spinal canal"),
        Layer(shape=tube(cord, np.interp(cord[:, 2], scale * np.array([-0.045, -0.02]), scale * np.array([1.5e-3, 4.6e-3]))),
              fill="spinal cord", organ="spinal cord"),
        Layer(shape=nerves, fill="nerve", organ="cauda equina"),
    )  # fmt: skip


def rib_layers(body: Habitus) -> tuple[Layer, ...]:
    """Twelve ribs on each side, their cartilage, the breastbone."""
    out: list[Layer] = []
    heads = [z for name, z, *_ in vertebrae(body.scale) if name.startswith("T")][::-1]
    cartilage: list[Shape] = []
    ribs: dict[float, list[Shape]] = {1.0: [], -1.0: []}
    for number, (reach, fall, border) in enumerate(_RIBS):
        path = _rib(body, heads[number] + 4e-3 * body.scale, reach, 1e-3 * fall * body.scale)
        cut = min(len(path), int(border * len(path)) + 1)
        for side in (1.0, -1.0):
            mirror = np.array([side, 1, 1])
            ribs[side].append(tube(path[:cut] * mirror, 5.2e-3 * body.scale))
            if cut < len(path):
                cartilage.append(tube(path[cut - 1 :] * mirror, 4.8e-3 * body.scale))
    out.extend(Layer(shape=shape, fill="cartilage, middle", organ="costal cartilage") for shape in cartilage)
    for side, name in ((1.0, "left ribs"), (-1.0, "right ribs")):
        out.extend(Layer(shape=shape, fill=onion((1.1e-3,), ("cortical bone", "red marrow")), organ=name) for shape in ribs[side])
    return (*out, *_sternum(body), *_scapulae(body))


def _rib(body: Habitus, head_m: float, reach: float, fall_m: float) -> np.ndarray:
    """From beside the vertebra round the left side to the front."""
    part = np.linspace(0, reach, 18)
    angle = np.deg2rad(78 - 158 * part)
    places = np.stack(
        [body.rim(float(head_m - fall_m * p), angle[i : i + 1], 6.5e-3 * body.scale)[0] for i, p in enumerate(part)]
    )
    places[:, 2] = head_m - fall_m * part**1.15
    start = np.array([[0.019 * body.scale, float(spine_y(np.array(head_m), body.scale)) + 0.012 * body.scale, head_m]])
    return smooth_path(np.concatenate([start, places]), 2)


def _sternum(body: Habitus) -> tuple[Layer, ...]:
    scale, front = body.scale, np.array([-np.pi / 2])
    levels = scale * np.array([0.075, 0.10, 0.13, 0.16, 0.19, 0.212])
    path = np.concatenate([body.rim(float(z), front, 7e-3 * scale) for z in levels])
    widths = scale * np.array([12, 17, 17, 15, 20, 25]) * 1e-3
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([np.cos(angle), 0.3 * np.sin(angle) * 0.019 * scale / widths.mean()], axis=1)
    stack = np.stack([ring * [width, width * 1.05] + [0, at[1]] for width, at in zip(widths, path, strict=True)])
    shape = lofted(levels, stack)
    return (Layer(shape=shape, fill=_BONE, organ="sternum"),)


def _scapulae(body: Habitus) -> tuple[Layer, ...]:
    """Blades behind the upper ribs."""
    scale, out = body.scale, []
    for side, name in ((1, "left scapula"), (-1, "right scapula")):
        blade = placed(
            ellipsoid((0, 0, 0), (0.036 * scale, 0.0045 * scale, 0.062 * scale)),
            (side * 0.105 * scale, 0.098 * scale, 0.185 * scale),
            rotation((0, 0, 1), -side * 0.55) @ rotation((0, 1, 0), side * 0.2),
        )
        out.append(Layer(shape=blade, fill=_BONE, organ=name))
    return tuple(out)


def _muscles(body: Habitus, levels: np.ndarray, centre: np.ndarray) -> tuple[Layer, ...]:
    """Psoas beside the lumbar spine; the big back muscles are part of the wall."""
    scale, loins = body.scale, levels < -0.02 * body.scale
    out = []
    for side, name in ((1.0, "left psoas"), (-1.0, "right psoas")):
        aside = np.interp(levels[loins], scale * np.array([-0.24, -0.02]), scale * np.array([0.047, 0.026]))
        path = centre[loins] + np.column_stack([side * aside, 0 * aside + 4e-3 * scale, 0 * aside])
        radius = np.interp(levels[loins], scale * np.array([-0.24, -0.15, -0.02]), scale * np.array([0.021, 0.019, 0.008]))
        out.append(Layer(shape=tube(path, radius), fill="muscle", organ=name))
    return tuple(out)


def _drum(at: Vector, turn: np.ndarray, height: float, wide: float, deep: float, waist: float) -> Shape:
    """A vertebral body or a disc: a rounded prism, flat behind, narrower or wider at half height."""
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    ring = np.stack([wide * np.cos(angle), np.minimum(deep * np.sin(angle), 0.78 * deep)], axis=1)
    levels = np.array([-0.5, -0.3, 0, 0.3, 0.5]) * height
    return placed(lofted(levels, np.stack([ring * part for part in (1, (1 + waist) / 2, waist, (1 + waist) / 2, 1)])), at, turn)


def _arch(at: Vector, turn: np.ndarray, name: str, wide: float, deep: float, scale: float) -> Shape:
    """Pedicles, laminae, transverse and spinous processes, in the frame of the vertebra."""
    lumbar = name.startswith("L")
    thick = (4.4e-3 if lumbar else 3.6e-3) * scale
    back = deep + 17e-3 * scale
    tip = (back + (26e-3 if lumbar else 20e-3) * scale, (-4e-3 if lumbar else -20e-3) * scale)
    across = (wide + 14e-3 * scale) if lumbar else (wide + 12e-3 * scale)
    corner = (0.66 * wide if lumbar else 0.75 * wide, deep + 8e-3 * scale)
    parts = []
    for side in (1.0, -1.0):
        x = side * corner[0]
        parts.append(capsule((x, 0.5 * deep, 2e-3), (x, corner[1], 1e-3), thick))
        parts.append(capsule((x, corner[1], 0.0), (0.0, back + 3e-3 * scale, -5e-3 * scale), 0.85 * thick))
        parts.append(capsule((x, corner[1], 0.0), (side * across, corner[1] + 6e-3 * scale, 2e-3 * scale), 0.8 * thick))
    parts.append(capsule((0.0, back + 3e-3 * scale, -5e-3 * scale), (0.0, tip[0], tip[1] - 5e-3 * scale), 0.9 * thick))
    return placed(blend(3e-3 * scale, *parts), at, turn)


def _at(z: float, scale: float) -> Vector:
    return 0.0, float(spine_y(np.array(z), scale)), float(z)


def _tilt(z: float, scale: float) -> np.ndarray:
    step = 2e-3
    rise = float(spine_y(np.array(z + step), scale) - spine_y(np.array(z - step), scale)) / (2 * step)
    return turned_to((0, rise, 1))
