"""Arteries and veins of the head: centrelines, radii and flows, and the layers that they paint.

Paths are those of an average adult in MNI space, drawn by hand. Flows are round figures of healthy adults (about 0.7 l/min into
the head, Ford 2005 and Enzmann 1994: not verified) that add up at every branching: what comes in by the carotids and the
basilar artery leaves by the jugular veins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from fullbore.data import Flow
from fullbore.phantom.bodies.head_nuclei import tube_volume
from fullbore.phantom.bodies.head_space import Bend, carried, places
from fullbore.phantom.body import Layer
from fullbore.phantom.flowing import STEADY, eased, heartbeat, vessel_flow
from fullbore.phantom.primitives import smooth_path, tube
from fullbore.phantom.shape import Shape, grown

_ML_MIN = 1e-6 / 60
ARTERIAL_PEAK = 1.7
"""Of the flow in systole over its mean, in every artery alike: a pulsatility index of 0.8. Round figure, not verified."""
INFLOW_M3_PER_S = 620.0 * _ML_MIN
"""By both carotid arteries, 240 ml/min each, and both vertebral arteries, 70 ml/min each."""
COLLECTED = 0.15
"""Share of its flow that a vein takes up, at most, from one of the flows that it is made of to the next."""

# Name, radius mm (metric), flow ml/min, atlas LPS points in the direction of flow. Left ones are mirrored.
_ARTERIES: tuple[tuple[str, float, float, tuple[tuple[float | int, float | int, float | int], ...]], ...] = (
    (
        "internal carotid artery", 2.3, 240.0,
        ((27, 10, -135), (28, 6, -100), (26, 10, -72), (25, 13, -58), (21, 9, -50), (14, 3, -45), (11, 1, -38), (11, -3, -33),
         (11, -11, -31), (12, -11, -25), (12, -5, -21), (11.5, -3, -16)),
    ),
    (
        "middle cerebral artery", 1.45, 150.0,
        ((11.5, -3, -16), (17, -4, -15), (25, -4, -17), (33, -4, -15), (38, -2, -10), (40, 4, -3), (41, 12, 5), (44, 22, 12),
         (52, 34, 18)),
    ),
    (
        "anterior cerebral artery", 1.1, 90.0,
        ((11.5, -3, -16), (7, -7, -16), (3, -11, -15), (1.8, -18, -13), (1.8, -28, -9), (1.8, -37, 0), (1.8, -38, 10),
         (1.8, -31, 20), (1.8, -18, 27), (1.8, 0, 31), (1.8, 18, 32), (1.8, 32, 29)),
    ),
    (
        "posterior cerebral artery", 1.05, 70.0,
        ((0, 8.5, -20), (4, 8.5, -18.5), (10, 9, -18), (16, 15, -18), (18.5, 24, -15), (17, 33, -9), (14, 44, -3), (12, 58, 2),
         (10, 74, 5)),
    ),
    ("posterior communicating artery", 0.6, 0.0, ((11.5, -2, -17), (11, 3, -18), (10, 9, -18))),
    ("vertebral artery", 1.6, 70.0,
        ((19, 30, -135), (19, 28, -100), (22, 34, -84), (14, 42, -77), (8, 36, -66), (3, 24, -58), (0, 20, -54))),
    ("superior cerebellar artery", 0.6, 0.0, ((0, 9, -24), (7, 11, -23), (15, 19, -22), (20, 30, -20), (20, 44, -16))),
)  # fmt: skip
_MIDLINE: tuple[tuple[str, float, float, tuple[tuple[float | int, float | int, float | int], ...]], ...] = (
    ("basilar artery", 1.7, 140.0, ((0, 20, -54), (0, 13, -46), (0.5, 10.5, -38), (0, 10, -30), (0, 9, -24), (0, 8.5, -20))),
    ("anterior communicating artery", 0.75, 0.0, ((-3, -11, -15), (3, -11, -15))),
)
_VEINS: tuple[tuple[str, float, float, tuple[tuple[float | int, float | int, float | int], ...]], ...] = (
    ("internal cerebral vein", 1.0, 40.0, ((2.5, -1, 9), (2.2, 6, 14), (2, 18, 15), (2, 30, 13), (0, 38, 10))),
    ("basal vein", 0.8, 20.0, ((12, 2, -13), (17, 14, -12), (18, 26, -7), (12, 35, 2), (0, 38, 10))),
)

Project = Callable[[np.ndarray], np.ndarray]


class Vessel(NamedTuple):
    """A vessel as data. path_m: (k, 3), along the flow. radius_m: (k,), of the lumen. flow_m3_per_s: (k,), mean over time.

    mean_velocity_m_per_s: (k,), flow over area. kind: artery or vein. Communicating arteries carry nothing in health.
    """

    name: str
    kind: str
    path_m: Float[np.ndarray, "k 3"]
    radius_m: Float[np.ndarray, " k"]
    flow_m3_per_s: Float[np.ndarray, " k"]

    @property
    def mean_velocity_m_per_s(self) -> Float[np.ndarray, " k"]:
        """Flow over area, along the path."""
        return np.asarray(self.flow_m3_per_s / (np.pi * self.radius_m**2))

    @property
    def shape(self) -> Shape:
        """The lumen."""
        return tube(self.path_m, self.radius_m)


class Plaque(NamedTuple):
    """A plaque in the first part of the left middle cerebral artery: outer wall as a tube, lumen, and its volume."""

    path_m: np.ndarray
    outer_m: np.ndarray
    lumen_m: np.ndarray
    volume_m3: float | int


def vessels(bend: Bend | None, onto_dura: Project, stenosis: float | int = 0.0) -> tuple[Vessel, ...]:
    """All arteries and veins. onto_dura: takes points (n, 3) metres to the dura, for the sinuses that run in it.

    stenosis: share of the diameter that a plaque takes from the left middle cerebral artery; flow is kept, velocity rises.
    """
    found = [
        _vessel(f"{side} {name}" if side else name, kind, radius, flow, points, bend, sign)
        for table, kind, sides in (
            (_ARTERIES, "artery", (("left", 1), ("right", -1))),
            (_MIDLINE, "artery", (("", 1),)),
            (_VEINS, "vein", (("left", 1), ("right", -1))),
        )
        for name, radius, flow, points in table
        for side, sign in sides
    ]
    if stenosis > 0:
        found = [_narrowed(vessel, stenosis) if vessel.name == "left middle cerebral artery" else vessel for vessel in found]
    return (*found, *_sinuses(bend, onto_dura))


def vessel_flows(found: Sequence[Vessel], heart_period_s: float, low_m: float) -> tuple[Flow, ...]:
    """Laminar flows in all vessels that carry any: pulsatile in arteries, steady in veins.

    A vessel that collects on its way is several flows, each of what passes its end; each begins with fresh blood.
    low_m: where the body is cut; what lies below would leave a gap in the blood that comes in fresh.
    """
    beat = heartbeat(ARTERIAL_PEAK, heart_period_s)
    flows = []
    for vessel in (_above(each, low_m) for each in found):
        artery, carried_off = vessel.kind == "artery", vessel.flow_m3_per_s
        if carried_off.max() == 0:
            continue
        count = 1 + int(np.ptp(carried_off) / (COLLECTED * carried_off.max()))
        ends = np.round(np.linspace(0, len(vessel.path_m) - 1, count + 1)).astype(int)
        flows += [
            vessel_flow(
                vessel.path_m[first : last + 1], vessel.radius_m[first : last + 1], float(carried_off[last]),
                "arterial blood" if artery else "venous blood", beat if artery else STEADY,
            )
            for first, last in pairwise(ends.tolist())
        ]  # fmt: skip
    return tuple(flows)


def _vessel(
    name: str,
    kind: str,
    radius_mm: float | int,
    flow: float | int,
    points: Sequence[Sequence[float | int]],
    bend: Bend | None,
    sign: int,
) -> Vessel:
    path = carried(bend, places(smooth_path(np.array(points, np.float64) * (sign, 1, 1), 6)))
    path, radius = eased(path, np.full(len(path), 1e-3 * radius_mm), min(1e-3, 0.5e-3 * radius_mm))
    return Vessel(name, kind, path, radius, np.full(len(path), flow * _ML_MIN))


def _sinuses(bend: Bend | None, onto_dura: Project) -> list[Vessel]:
    """Venous sinuses in the dura: the right transverse sinus takes the larger part, as in most people."""
    angle = np.deg2rad(np.linspace(-62, 90, 22))
    arch = np.stack([0 * angle, 12 + 80 * np.sin(angle), -2 + 78 * np.cos(angle)], axis=1)
    sagittal = carried(bend, places(arch))
    sagittal[:] = onto_dura(sagittal)
    sagittal[:, 0] = 0
    sagittal = np.concatenate([sagittal, onto_dura(places([(0, 106, -13)]))])
    torcula = sagittal[-1]
    galen = carried(bend, places([(0, 38, 10), (0, 42, 8), (0, 50, 3), (0, 66, -3), (0, 84, -9)]))
    straight = smooth_path(np.concatenate([galen, torcula[None]]), 5)
    # The sagittal sinus collects from front to back.
    made = [
        _vein("superior sagittal sinus", sagittal, (1.6e-3, 3.6e-3), (30, 430)),
        _vein("straight sinus", straight, (2.0e-3, 2.0e-3), (120, 120)),
    ]
    for side, sign, flow, width in (("left", 1, 240.0, 3.0e-3), ("right", -1, 310.0, 3.5e-3)):
        line = np.array(
            [(16, 104, -17), (34, 92, -22), (48, 78, -26), (56, 62, -30), (58, 48, -35), (56, 38, -44), (48, 33, -53)]
        )
        in_dura = onto_dura(carried(bend, places(line * (sign, 1, 1))))
        down = places(np.array([(38, 30, -60), (30, 22, -64), (34, 17, -76), (37, 12, -100), (38, 12, -135)]) * (sign, 1, 1))
        outer = smooth_path(np.concatenate([torcula[None], in_dura]), 5)
        jugular = smooth_path(np.concatenate([in_dura[-1:], down]), 5)
        made.append(_vein(f"{side} transverse and sigmoid sinus", outer, (width, width), (flow, flow)))
        # Cerebellar and temporal veins, not drawn, bring what is missing to the whole, where they begin.
        made.append(_vein(f"{side} jugular vein", jugular, (width, 1.3 * width), (flow + 35, flow + 35)))
    return made


def _above(vessel: Vessel, low_m: float) -> Vessel:
    inside = vessel.path_m[:, 2] >= low_m
    return vessel._replace(
        path_m=vessel.path_m[inside], radius_m=vessel.radius_m[inside], flow_m3_per_s=vessel.flow_m3_per_s[inside]
    )


def _vein(name: str, path_m: np.ndarray, radii_m: tuple[float, float], flows: tuple[float | int, float | int]) -> Vessel:
    """A vein that widens and collects evenly from end to end."""
    path, radius = eased(path_m, np.linspace(*radii_m, len(path_m)))
    return Vessel(name, "vein", path, radius, np.linspace(*flows, len(path)) * _ML_MIN)


def _narrowed(vessel: Vessel, stenosis: float | int) -> Vessel:
    """The vessel with a bell-shaped narrowing 10 mm behind its origin."""
    radius = vessel.radius_m * (1 - stenosis * _bell(vessel.path_m))
    return vessel._replace(radius_m=radius)


def _bell(path_m: np.ndarray) -> np.ndarray:
    """1 at 10 mm along a path, falling to 0 at 5 and 15 mm."""
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path_m, axis=0), axis=1))])
    return np.asarray(np.cos(np.clip((along - 0.010) / 0.005, -1, 1) * np.pi / 2) ** 2)


def plaque(healthy: Vessel, stenosis: float | int) -> Plaque:
    """The plaque that narrows a vessel: between the healthy lumen, 15 % wider where it is thickest, and what is left of it."""
    bell = _bell(healthy.path_m)
    inside = np.flatnonzero(bell > 1e-6)
    part = slice(inside[0] - 1, inside[-1] + 2)
    path, outer = healthy.path_m[part], (healthy.radius_m * (1 + 0.15 * bell))[part]
    lumen = (healthy.radius_m * (1 - stenosis * bell))[part]
    return Plaque(path, outer, lumen, tube_volume(path, outer) - tube_volume(path, lumen))


def vessel_layers(found: Sequence[Vessel]) -> list[Layer]:
    """Veins, then arteries, as blood; carotid and vertebral arteries with a wall."""
    layers = []
    for vessel in sorted(found, key=lambda each: each.kind, reverse=True):
        blood = "arterial blood" if vessel.kind == "artery" else "venous blood"
        if "carotid" in vessel.name:
            layers.append(Layer(shape=grown(vessel.shape, 0.7e-3), fill="vessel wall", organ="carotid wall"))
        layers.append(Layer(shape=vessel.shape, fill=blood, organ=vessel.name))
    return layers
