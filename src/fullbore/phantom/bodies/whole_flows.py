"""Blood of a whole body: that of torso, head and thighs in its places, and what runs across neck, loin, groin and knee.

The torso's shares of the cardiac output hold throughout: the head's flows are scaled to what its arteries bring, the thighs get
theirs. Means add up at every join. Carotid and left subclavian arteries run through from the arch, femoral arteries from groin to
knee, each as one flow; elsewhere at a join blood comes in fresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fullbore.data import Flow
from fullbore.phantom.bodies.head_vessels import INFLOW_M3_PER_S
from fullbore.phantom.bodies.leg import DEEP_SHARE, artery_middle
from fullbore.phantom.bodies.limb_parts import path_mm
from fullbore.phantom.bodies.pelvis_walls import iliac_mm
from fullbore.phantom.bodies.torso_flows import (
    ARM,
    BRAIN,
    CAROTID_OF_BRAIN,
    FACE,
    LEFT_JUGULAR_OF_BRAIN,
    LEG,
    VERTEBRAL_OF_BRAIN,
    named_flows,
)
from fullbore.phantom.bodies.whole_frame import Setting, mirror
from fullbore.phantom.bodies.whole_outline import Stature
from fullbore.phantom.body import Body
from fullbore.phantom.flowing import Line, flux_m3_per_s, line, vessel_flow

PELVIS = 0.02
"""Share of the cardiac output that the inner iliac artery of a side takes, which is not drawn, of that side's `LEG`."""
_STEP_M = 2e-3
_SIDES = ((1, "left"), (-1, "right"))


def thigh_flow(trunk: Body) -> float:
    """Flux of the femoral artery beyond its deep branch, m^3/s."""
    return (LEG - PELVIS) * trunk.truths["cardiac_output_m3_per_s"] * (1 - DEEP_SHARE)


def brain_share(trunk: Body) -> float:
    """By how much more blood comes to the head than `head` alone has."""
    return BRAIN * trunk.truths["cardiac_output_m3_per_s"] / INFLOW_M3_PER_S


def whole_flows(
    plan: Stature, parts: Mapping[str, Body], thigh: Setting, joints: Mapping[str, Line], neck: Mapping[str, Line]
) -> dict[str, Flow]:
    """All flows by name. thigh: where the left one lies; joints: left lines across groin and knee; neck: lines of the neck."""
    out = named_flows(parts["trunk"])
    out |= _head_flows(plan, parts, out)
    out |= _neck_flows(plan, parts, out, neck)
    for side, name in _SIDES:
        out |= _leg_flows(plan, parts, thigh if side > 0 else mirror(thigh, ""), {key: _to(side, j) for key, j in joints.items()},
                          (side, name), out)  # fmt: skip
    return out


def whole_flow_truths(flows: Mapping[str, Flow]) -> dict[str, float]:
    """Means over a beat of the vessels that have names here."""
    named = {name: flow for name, flow in flows.items() if not name.startswith("head ")}
    return {f"{name.replace(',', '').replace(' ', '_')}_flow_m3_per_s": flux_m3_per_s(flow) for name, flow in named.items()}


def _head_flows(plan: Stature, parts: Mapping[str, Body], trunk: Mapping[str, Flow]) -> dict[str, Flow]:
    """Where the head sits, with the brain's share of the cardiac output, at the pace of the carotid artery."""
    more = brain_share(parts["trunk"])
    pace = trunk["left carotid artery"].pace
    return {
        f"head {number}": replace(
            flow, path_m=np.asarray(flow.path_m) + plan.head_m, peak_velocity_m_per_s=more * flow.peak_velocity_m_per_s,
            pace=pace if flow.tissue == "arterial blood" else flow.pace,
        )
        for number, flow in enumerate(parts["head"].flows)
    }  # fmt: skip


def _neck_flows(plan: Stature, parts: Mapping[str, Body], trunk: Mapping[str, Flow], neck: Mapping[str, Line]) -> dict[str, Flow]:
    """Between chest and head. From the subclavian artery's first bend on it has no vertebral artery's blood."""
    output, floor = parts["trunk"].truths["cardiac_output_m3_per_s"], parts["head"].low_m
    assert floor is not None
    end, beats = float(plan.head_m[2] + floor[2]), trunk["left carotid artery"].pace
    open_vein = {"left": LEFT_JUGULAR_OF_BRAIN, "right": 1 - LEFT_JUGULAR_OF_BRAIN}
    out = {}
    for _, side in _SIDES:
        carotid, arm = (_below(neck[f"{side} {name} artery"], end) for name in ("carotid", "subclavian"))
        if side == "left":
            carotid, arm = (
                _joined(trunk[f"left {name} artery"], each) for name, each in (("carotid", carotid), ("subclavian", arm))
            )
        else:
            root = _line(trunk["brachiocephalic artery"])
            carotid, arm = carotid.outside(root), arm.outside(root)
        fork = int(np.argmin(np.linalg.norm(arm.path_m - neck[f"{side} vertebral artery"].path_m[0], axis=1)))
        arm = Line(arm.path_m[: fork + 1], arm.radius_m[: fork + 1])
        up = _below(neck[f"{side} vertebral artery"], end).outside(arm)
        down = _below(neck[f"{side} jugular vein"], end).turned
        pulse, veins = trunk["left subclavian artery"].pace, trunk[f"{side} brachiocephalic vein"].pace
        for name, each, share, tissue, pace in (
            ("carotid artery", carotid, CAROTID_OF_BRAIN * BRAIN + FACE, "arterial blood", beats),
            ("subclavian artery", arm, VERTEBRAL_OF_BRAIN * BRAIN + ARM, "arterial blood", pulse),
            ("vertebral artery in the neck", up, VERTEBRAL_OF_BRAIN * BRAIN, "arterial blood", beats),
            ("jugular vein in the neck", down, open_vein[side] * BRAIN, "venous blood", veins),
        ):
            smooth = each.smooth(_STEP_M)
            out[f"{side} {name}"] = vessel_flow(smooth.path_m, smooth.radius_m, share * output, tissue, pace)
    return out


def _leg_flows(
    plan: Stature,
    parts: Mapping[str, Body],
    thigh: Setting,
    joints: Mapping[str, Line],
    side: tuple[int, str],
    trunk: Mapping[str, Flow],
) -> dict[str, Flow]:
    """From the iliac fork to the knee and back. The leg's own four, its femoral vessels led on to groin and knee."""
    sign, name = side
    femoral, deep, vein, skin = parts["leg"].flows
    total = (LEG - PELVIS) * parts["trunk"].truths["cardiac_output_m3_per_s"]
    rows = [path_mm(*each, pieces=20) for each in iliac_mm(sign)]
    groin = [Line(plan.scale * each[:, :3] + plan.pelvis_m, plan.scale * each[:, 3]) for each in rows]
    cut = float(plan.pelvis_m[2]) - 0.05 * plan.scale
    lines, out = {}, {}
    for kind, whole in (("artery", groin[0]), ("vein", groin[1])):
        own = trunk[f"{name} iliac {kind}"]
        bridge = _below(joints[f"iliac {kind}"], float(np.asarray(own.path_m)[:, 2].min()))
        upper = bridge.then(_between(whole, cut, float(bridge.path_m[-1, 2]) - 3e-3))
        lines[f"outer iliac {kind}"] = upper
        middle = _thigh(thigh, kind, float(np.ravel((femoral if kind == "artery" else vein).radius_m)[0]))
        lines[f"femoral {kind}"] = joints[f"femoral {kind}"].then(middle, joints[f"popliteal {kind}"])
    for key, flux, like in (
        ("outer iliac artery", total, femoral), ("femoral artery", (1 - DEEP_SHARE) * total, femoral),
        ("outer iliac vein", total, vein), ("femoral vein", flux_m3_per_s(vein), vein),
    ):  # fmt: skip
        each = lines[key] if "artery" in key else lines[key].turned
        smooth = each.smooth(_STEP_M)
        out[f"{name} {key}"] = vessel_flow(smooth.path_m, smooth.radius_m, flux, like.tissue, like.pace)
    for key, flow in (("deep femoral artery", deep), ("saphenous vein", skin)):
        smooth = Line(thigh.forward(np.asarray(flow.path_m)), thigh.scale * np.asarray(flow.radius_m)).smooth(_STEP_M)
        out[f"{name} {key}"] = vessel_flow(smooth.path_m, smooth.radius_m, flux_m3_per_s(flow), flow.tissue, flow.pace)
    return out


def _thigh(thigh: Setting, kind: str, radius_m: float) -> Line:
    """The middle of the femoral vessels, between those across groin and knee, from above downwards."""
    z = np.linspace(0.06, -0.06, 13)
    middle = np.column_stack([artery_middle(z), z])
    if kind == "vein":
        middle += np.array([0.0052, 0.0077, 0])
    return line(thigh.forward(middle), thigh.scale * radius_m)


def _line(flow: Flow) -> Line:
    path = np.asarray(flow.path_m)
    return line(path, np.asarray(flow.radius_m))


def _joined(first: Flow, second: Line) -> Line:
    """A flow's line and what lies above its end of another."""
    own = _line(first)
    kept, high = own.path_m[:, 2] < second.path_m[0, 2] - _STEP_M, second.path_m
    return Line(own.path_m[kept], own.radius_m[kept]).then(Line(high, second.radius_m))


def _below(whole: Line, z_m: float) -> Line:
    return _between(whole, -np.inf, z_m)


def _between(whole: Line, low_m: float, high_m: float) -> Line:
    inside = (whole.path_m[:, 2] >= low_m) & (whole.path_m[:, 2] <= high_m)
    return Line(whole.path_m[inside], whole.radius_m[inside])


def _to(side: int, each: Line) -> Line:
    """A left line on its side."""
    return each if side > 0 else Line(each.path_m * np.array([-1.0, 1, 1]), each.radius_m)
