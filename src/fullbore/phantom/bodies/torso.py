"""A torso that breathes, with a heart that beats: chest and belly from the shoulders to the pelvis, arms up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fullbore.data import Flow
from fullbore.phantom.bodies.heart import HeartModel, heart_model, placed_heart
from fullbore.phantom.bodies.heart_spec import HeartSpec
from fullbore.phantom.bodies.torso_belly import LiverSpec, belly_layers
from fullbore.phantom.bodies.torso_bones import rib_layers, spine_layers
from fullbore.phantom.bodies.torso_chest import airway_layers, lung_layers, vessel_layers
from fullbore.phantom.bodies.torso_flows import torso_flows
from fullbore.phantom.bodies.torso_habitus import Habitus, habitus, outline
from fullbore.phantom.bodies.torso_lines import chest_lines
from fullbore.phantom.bodies.torso_motion import SHARES, Breath, breath
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import textured
from fullbore.phantom.flowing import flux_m3_per_s
from fullbore.phantom.shape import grown, rough
from fullbore.phantom.texture import smooth_field
from fullbore.phantom.tissues import library_tissue

# Middle of the heart's valves, and where the windpipe forks, in a trunk 1.75 m tall.
_HEART_M = (0.019, -0.009, 0.112)
_CARINA_M = (-0.002, 0.018, 0.188)
_BACK_M = 0.05


def torso(
    seed: int = 0,
    *,
    height_m: float = 1.75,
    mass_kg: float = 74.0,
    liver_fat_fraction: float = 0.04,
    liver_r2star_per_s: float | None = None,
    liver_stiffness_Pa: float = 2.2e3,
    liver_lesions: Sequence[tuple[str, float]] = (),
    breathing_down_m: float = 0.015,
    breathing_forward_m: float = 0.006,
    breathing_period_s: float = 60 / 13,
    end_diastolic_volume_m3: float = 140e-6,
    ejection_fraction: float = 0.6,
    longitudinal_strain: float = -0.17,
    twist_rad: float = 0.2,
    wall_m: float = 0.009,
    heart_rate_per_min: float = 65.0,
    infarct: str = "",
    infarct_transmurality: float = 0.6,
    infarct_acute: bool = False,
    fibrosis: float = 0.0,
) -> Body:
    """Chest and belly of an adult lying on the back.

    liver_fat_fraction: of proton density. liver_r2star_per_s: iron; a healthy liver's where None. liver_lesions: up to five
    (kind, radius in metres) of "haemangioma", "metastasis", "cyst". breathing_down_m, breathing_forward_m: of liver and front;
    breathing_period_s: five heart beats where not given, so that all of it has one period.
    The heart's: see `heart`. Time 0: end of expiration, R wave. Errors: what no body can have is refused.
    """
    body, air = habitus(height_m, mass_kg), breath(breathing_period_s, breathing_down_m, breathing_forward_m)
    liver = LiverSpec(
        fat_fraction=liver_fat_fraction, r2star_per_s=liver_r2star_per_s, stiffness_Pa=liver_stiffness_Pa,
        lesions=tuple((kind, float(radius)) for kind, radius in liver_lesions),
    )  # fmt: skip
    spec = HeartSpec(
        end_diastolic_volume_m3=end_diastolic_volume_m3, ejection_fraction=ejection_fraction,
        longitudinal_strain=longitudinal_strain, twist_rad=twist_rad, wall_m=wall_m, heart_rate_per_min=heart_rate_per_min,
        infarct=infarct, infarct_transmurality=infarct_transmurality, infarct_acute=infarct_acute, fibrosis=fibrosis,
    )  # fmt: skip
    return _assembled(body, air, liver, heart_model(spec, body.scale * np.array(_HEART_M)), seed)


def _assembled(body: Habitus, air: Breath, liver: LiverSpec, model: HeartModel, seed: int) -> Body:
    cavity = outline(body.levels_m, body.cavity_m)
    layers = (
        *_wall(body, seed),
        *lung_layers(body, cavity, seed),
        *belly_layers(body, cavity, air, liver, seed),
        *rib_layers(body),
        *spine_layers(body),
        *airway_layers(body, body.scale * np.array(_CARINA_M)),
        *vessel_layers(body, chest_lines(body, model.plan)),
        *placed_heart(model, seed, air.sliding("heart")),
    )
    output = float(model.truths["cardiac_output_m3_per_s"])
    flows = torso_flows(body, model.plan, output, model.spec.heart_rate_per_min)
    (low, high), (side, front, back) = body.ends_m, (float(size) for size in body.skin_m.max(axis=0))
    return Body(
        name="torso",
        layers=layers,
        truths={**model.truths, **_truths(body, air, liver), **_flow_truths(flows)},
        flows=tuple(flows.values()),
        movement=air.front(_BACK_M * body.scale, _BACK_M * body.scale + front),
        shim_over=("liver",),
        endless=True,
        low_m=(-side, -front - air.forward_m, low),
        high_m=(side, back, high),
        source="analytic; see docs/explanation/phantom-torso.md",
    )


def _wall(body: Habitus, seed: int) -> tuple[Layer, ...]:
    """Skin, fat under it, and the muscle of the wall with some fat between."""
    skin = outline(body.levels_m, body.skin_m)
    wall = rough(outline(body.levels_m, body.wall_m), smooth_field(seed + 22, 0.03), 1.5e-3, 0.03)
    return (
        Layer(shape=skin, fill="skin", organ="skin"),
        Layer(shape=grown(skin, -1.8e-3), fill="fat", organ="subcutaneous fat"),
        Layer(shape=wall, fill=textured("muscle", 0.05, 6e-3, seed + 23), organ="muscle"),
    )


def _flow_truths(flows: Mapping[str, Flow]) -> dict[str, float]:
    """Means over a beat, and the highest velocities (on the axis, where the vessel is narrowest)."""
    facts = {}
    for name, flow in flows.items():
        key, flux = name.replace(",", "").replace(" ", "_"), flux_m3_per_s(flow)
        narrow = np.pi * float(np.min(flow.radius_m)) ** 2
        facts[f"{key}_flow_m3_per_s"] = flux
        facts[f"{key}_peak_velocity_m_per_s"] = (2.0 if flow.laminar else 1.0) * flux / narrow * float(flow.pace.values.max())
    return facts


def _truths(body: Habitus, air: Breath, liver: LiverSpec) -> dict[str, float]:
    normal = library_tissue("liver")
    rate = liver.r2star_per_s or 1 / normal.t2_s + 1 / normal.t2_prime_s
    facts = {
        "body_mass_index": body.bmi,
        "subcutaneous_fat_m": body.fat_m,
        "liver_fat_fraction": liver.fat_fraction,
        "liver_r2star_per_s": rate,
        "liver_stiffness_Pa": liver.stiffness_Pa,
        "breathing_period_s": air.period_s,
        "breathing_forward_m": air.forward_m,
    }
    facts |= {f"breathing_{organ}_down_m": share * air.down_m for organ, share in SHARES.items()}
    for number, (_, radius) in enumerate(liver.lesions):
        facts[f"liver_lesion_{number + 1}_m3"] = 4 / 3 * np.pi * radius**3
    return facts
