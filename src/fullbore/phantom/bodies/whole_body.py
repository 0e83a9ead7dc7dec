"""A whole body from crown to sole, joined from head, torso with heart, pelvis, thighs and knees, for several stations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import no_type_check

import numba
import numpy as np
from scipy.interpolate import PchipInterpolator

from fullbore.phantom.bodies.head import head
from fullbore.phantom.bodies.knee import knee
from fullbore.phantom.bodies.leg import artery_middle, leg
from fullbore.phantom.bodies.limb_parts import MM
from fullbore.phantom.bodies.pelvis import pelvis
from fullbore.phantom.bodies.torso import torso
from fullbore.phantom.bodies.torso_habitus import habitus
from fullbore.phantom.bodies.torso_motion import Breath, breath
from fullbore.phantom.bodies.whole_flows import brain_share, thigh_flow, whole_flow_truths, whole_flows
from fullbore.phantom.bodies.whole_frame import Setting, agreed, leant, mirror, moved, settle, settled
from fullbore.phantom.bodies.whole_limbs import (
    limb_layers,
    loin_layers,
    neck_bridge,
    neck_lines,
    spine_bridge,
    vessel_bridge,
    wall_layers,
)
from fullbore.phantom.bodies.whole_outline import SKIN_M, Stature, skin, stature
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import textured
from fullbore.phantom.flowing import Line
from fullbore.phantom.primitives import smooth_path
from fullbore.phantom.shape import grown, placed

# Where thighs take over from the pelvis, and knees from thighs: in the pelvis, in the thigh, in the knee.
_GROIN_M, _THIGH_M, _KNEE_M = -0.105, 0.15, 0.09
_THIGH_SCALE = 0.88
# Of the thigh's artery and vein, only the middle is kept; what joins them to groin and knee is drawn anew.
_KEPT_VESSEL_M = 0.075
_LEG_VESSELS = ("femoral artery", "femoral artery wall", "femoral vein")
_AIR_M = 0.02
# Largest slope, per metre of a trunk 1.75 m tall, of what a place takes of the breath: 1.5 of its two steepest ramps together.
_CHEST_SLOPE = 1.5 * float(np.hypot(1 / 0.1, 1 / 0.06))
_LOWEST_DISC_M = -0.147


def whole_body(
    seed: int = 0,
    *,
    height_m: float = 1.75,
    mass_kg: float = 74.0,
    heart_rate_per_min: float = 65.0,
    ejection_fraction: float = 0.6,
    breathing_down_m: float = 0.015,
    breathing_forward_m: float = 0.006,
    breathing_period_s: float = 60 / 13,
    liver_fat_fraction: float = 0.04,
    liver_lesions: Sequence[tuple[str, float]] = (),
    prostate_m3: float = 40e-6,
    prostate_lesion_m: float = 10e-3,
    knee_defect_m: float = 10e-3,
    pulse: float = 0.08,
) -> Body:
    """A man from crown to sole, lying on his back, arms at his sides: for scans of several stations.

    height_m, mass_kg: all but the head goes with the height, fat with the body mass index; liver, breathing and heart as in
    `torso`, prostate as in `pelvis`, knee_defect_m as in `knee` (both), pulse of the femoral arteries as in `leg`.
    Origin: that of the torso, 0.3 m below the chin. Errors: what the parts refuse.
    """
    plan = stature(habitus(height_m, mass_kg), height_m)
    scale, beat = plan.scale, 60 / heart_rate_per_min
    trunk = torso(
        seed, height_m=height_m, mass_kg=mass_kg, heart_rate_per_min=heart_rate_per_min, ejection_fraction=ejection_fraction,
        breathing_down_m=breathing_down_m, breathing_forward_m=breathing_forward_m, breathing_period_s=breathing_period_s,
        liver_fat_fraction=liver_fat_fraction, liver_lesions=liver_lesions,
    )  # fmt: skip
    parts = {
        "head": head(seed, heart_period_s=beat),
        "trunk": trunk,
        "pelvis": pelvis(seed, prostate_m3=prostate_m3 / scale**3, lesion_m=prostate_lesion_m / scale),
        "leg": leg(seed, artery_m=7.4e-3, pulse=pulse, period_s=beat, flow_m3_per_s=thigh_flow(trunk)),
        "knee": knee(seed, defect_m=knee_defect_m / scale),
    }
    air = breath(breathing_period_s, breathing_down_m, breathing_forward_m)
    return _joined(plan, parts, air, seed, height_m, mass_kg)


def _joined(plan: Stature, parts: Mapping[str, Body], air: Breath, seed: int, height_m: float, mass_kg: float) -> Body:
    """The parts in their places, under one skin and one breath."""
    scale = plan.scale
    front = float(plan.body.skin_m[:, 1].max())
    side = 0.40 * scale + plan.spread_m
    flows = whole_flows(plan, parts, thigh_setting(plan), _joints(plan), _neck_lines(plan, parts["trunk"]))
    return Body(
        name="whole body", layers=agreed(_layers(plan, parts, seed)), flows=tuple(flows.values()),
        truths=_truths(plan, parts, height_m, mass_kg) | whole_flow_truths(flows),
        movement=air.front(0.05 * scale, 0.05 * scale + front, _chest(scale), _CHEST_SLOPE / scale), endless=True,
        shim_over=("muscle", "liver", *parts["head"].shim_over),
        low_m=(-side, -0.20 * scale - front + 0.1, plan.floor_m - _AIR_M),
        high_m=(side, 0.16 * scale, plan.floor_m + height_m + _AIR_M),
        source="joined from the bodies of this room; see docs/explanation/phantom-whole-body.md",
    )  # fmt: skip


def _chest(scale: float) -> Callable[[np.ndarray], np.ndarray]:
    """How much of the breath a place takes: all of it in the trunk, none in neck, arms and legs."""

    return lambda points: _chest_share(points, float(scale))


@numba.njit(cache=True, nogil=True)
@no_type_check
def _chest_share(points, scale):
    """What `_chest` says, as a kernel."""
    out = np.empty(len(points))
    for i in range(len(points)):
        x, z = abs(points[i, 0]) / scale, points[i, 2] / scale
        up, down = min(max((z + 0.33) / 0.13, 0.0), 1.0), min(max((0.28 - z) / 0.1, 0.0), 1.0)
        ends = up * down * min(max((0.21 - x) / 0.06, 0.0), 1.0)
        out[i] = ends * ends * (3 - 2 * ends)
    return out


def _layers(plan: Stature, parts: Mapping[str, Body], seed: int) -> list[Layer]:
    """From the skin inward."""
    head_in, scale = moved(plan.head_m), plan.scale
    head_skin = placed(parts["head"].layers[0].shape, tuple(plan.head_m.tolist()))
    surface = skin(plan, head_skin)
    inner = _pelvis_layers(plan, parts["pelvis"])
    trunk = parts["trunk"].layers[3:]
    belly = 1 + [layer.organ for layer in trunk].index("visceral fat")
    left, right = thigh_setting(plan), mirror(thigh_setting(plan), ", right")
    knee_in = moved(plan.knee_m, scale)
    out = [
        Layer(shape=surface, fill="skin", organ="skin"),
        Layer(shape=grown(surface, -SKIN_M), fill=textured("fat", 0.05, 9e-3, seed + 4), organ="subcutaneous fat"),
        *wall_layers(plan, seed), *limb_layers(plan, seed),
        *trunk[:belly], *loin_layers(plan), *trunk[belly:], *inner,
    ]  # fmt: skip
    for setting, where in ((left, ", left"), (right, ", right")):
        out += _thigh_layers(parts["leg"], setting, where)
    for setting, where in ((knee_in, ", left"), (mirror(knee_in, ""), ", right")):
        named = Setting(
            forward=setting.forward, backward=setting.backward, scale=setting.scale, stretch=setting.stretch, suffix=where
        )
        out += settle(parts["knee"].layers[2:], named, -_KNEE_M, _KNEE_M)
    for layer in parts["head"].layers[1:]:
        # The column of discs in the head runs on below its lowest vertebra.
        out += settle([layer], head_in, _LOWEST_DISC_M if layer.organ == "discs" else -np.inf)
    out += [*spine_bridge(plan), *neck_bridge(plan, _neck_lines(plan, parts["trunk"]))]
    return out + vessel_bridge(_joints(plan))


def _pelvis_layers(plan: Stature, part: Body) -> list[Layer]:
    """All but its skin and fat; its vessels end where those of the belly start."""
    setting, out = moved(plan.pelvis_m, plan.scale), []
    for layer in part.layers[2:]:
        top = 0.112 if layer.organ.startswith("iliac and") else np.inf
        found = settled(layer, setting, _GROIN_M, top)
        out += [found] if found is not None else []
    return out


def thigh_setting(plan: Stature) -> Setting:
    """Where the left thigh lies: its shaft runs from the hip to the knee."""
    low, high = float(plan.knee_m[2]) + _KNEE_M * plan.scale, float(plan.pelvis_m[2]) + _GROIN_M * plan.scale
    line = PchipInterpolator(
        np.linspace(low, high, 4), plan.scale * MM * np.array([[81.0, 10.5], [88.5, 1.0], [101.0, -13.0], [115.5, -20.0]])
    )
    return leant(lambda z: line(np.clip(z, low, high)), _THIGH_SCALE * plan.scale, low, high, _THIGH_M, 0.4)


def _thigh_layers(part: Body, setting: Setting, where: str) -> list[Layer]:
    named = Setting(
        forward=setting.forward, backward=setting.backward, scale=setting.scale, stretch=setting.stretch, suffix=where
    )
    out = []
    for layer in part.layers[2:]:
        reach = _KEPT_VESSEL_M if layer.organ in _LEG_VESSELS else _THIGH_M
        found = settled(layer, named, -reach, reach)
        out += [found] if found is not None else []
    return out


def _neck_lines(plan: Stature, trunk: Body) -> dict[str, Line]:
    arch = next(layer for layer in trunk.layers if layer.organ == "arch branches").shape
    return neck_lines(plan, float(np.mean([arch.low_m[1], arch.high_m[1]])))


def _joints(plan: Stature) -> dict[str, Line]:
    """Vessels across fork, groin and knee, left ones, from above downwards."""
    s = plan.scale

    def of(rows: Sequence[Sequence[float | int]], at: np.ndarray) -> np.ndarray:
        table = np.array(rows, np.float64) * MM * s
        table[:, :3] += at
        return table

    thigh = thigh_setting(plan)
    ends = np.column_stack([artery_middle(np.array([0.07, -0.07])), [0.07, -0.07]])
    vein_ends = ends + np.array([0.0052, 0.0077, 0])
    high, low = thigh.forward(ends)
    vein_high, vein_low = thigh.forward(vein_ends)
    groin, knee_at, trunk = plan.pelvis_m, plan.knee_m, np.zeros(3)

    def row(place: np.ndarray, radius_m: float) -> np.ndarray:
        return np.append(place, radius_m)[None]

    tables = {
        "iliac artery": np.concatenate([of([[30, 6, -204, 5.0], [40, 2, -224, 5.0]], trunk),
                                        of([[62, -44, 118, 4.8], [66, -52, 95, 4.8]], groin)]),
        "iliac vein": np.concatenate([of([[10, 16, -172, 7], [24, 14, -196, 6.5], [38, 14, -222, 6.2]], trunk),
                                      of([[52, -32, 118, 6], [55, -42, 95, 6]], groin)]),
        "femoral artery": np.concatenate([of([[75.5, -80, -50, 4.4], [77.6, -79, -90, 4.2]], groin), row(high, 3.3e-3 * s)]),
        "femoral vein": np.concatenate([of([[67.5, -75.5, -50, 5.1], [70, -74, -90, 5.0]], groin), row(vein_high, 3.6e-3 * s)]),
        "popliteal artery": np.concatenate([row(low, 3.2e-3 * s), of([[-6, 23, 76, 3.2], [2, 30, 48, 3.2]], knee_at)]),
        "popliteal vein": np.concatenate([row(vein_low, 3.6e-3 * s), of([[-2, 31, 76, 3.9], [5, 37, 48, 3.9]], knee_at)]),
    }  # fmt: skip
    smooth = {name: smooth_path(table, 4) for name, table in tables.items()}
    return {name: Line(table[:, :3], table[:, 3]) for name, table in smooth.items()}


def _truths(plan: Stature, parts: Mapping[str, Body], height_m: float, mass_kg: float) -> dict[str, float]:
    """Those of the parts, in the size in which they are here."""
    out: dict[str, float] = {}
    for name in ("pelvis", "leg", "knee"):
        for key, value in parts[name].truths.items():
            if key in ("subcutaneous_fat_m",):
                continue
            across = plan.scale * (_THIGH_SCALE if name == "leg" else 1)
            power = {"m": 1, "m2": 2, "m3": 3}.get(key.rpartition("_")[2], 0)
            out[key] = value / across**2 if key.endswith("velocity_m_per_s") else value * across**power
    more = brain_share(parts["trunk"])
    skull = {key: value * (more if key.endswith("_flow_m3_per_s") else 1) for key, value in parts["head"].truths.items()}
    out |= {**skull, **parts["trunk"].truths, "height_m": height_m, "mass_kg": mass_kg}
    return out | {"crown_m": plan.floor_m + height_m, "sole_m": plan.floor_m}
