"""A beating heart: its walls, cavities, valves, roots of the great vessels, and an infarct where asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from fullbore.errors import ValueRangeError
from fullbore.phantom.bodies.heart_motion import Squeeze, heart_cycle, squeeze_for
from fullbore.phantom.bodies.heart_parts import heart_layers, scar_volume
from fullbore.phantom.bodies.heart_shape import HeartPlan, heart_plan, left_squeeze, right_squeeze, right_volume, wall_volume
from fullbore.phantom.bodies.heart_spec import SCAR_HALF_ANGLE_RAD, TERRITORIES_RAD, HeartSpec
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import textured
from fullbore.phantom.movement import Movement
from fullbore.phantom.primitives import ellipsoid, half_space
from fullbore.phantom.shape import grown, rough
from fullbore.phantom.texture import smooth_field

# Density of muscle, kg/m^3.
_DENSITY = 1055.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeartModel:
    """A heart worked out: where it lies and how both ventricles contract."""

    spec: HeartSpec
    plan: HeartPlan
    left: Squeeze
    right: Squeeze

    @property
    def truths(self) -> dict[str, float]:
        """What is known of it, in closed form but for the right ventricle."""
        spec, plan = self.spec, self.plan
        middle, inner, outer = plan.middle_m, plan.width_m, plan.width_m + plan.wall_m
        ends = [radius * (1 + self.left.circumferential_strain(radius, middle)) for radius in (inner, outer)]
        period, end = heart_cycle(spec.heart_rate_per_min)[1:]
        facts = {
            "end_diastolic_volume_m3": spec.end_diastolic_volume_m3,
            "end_systolic_volume_m3": spec.end_diastolic_volume_m3 * (1 - spec.ejection_fraction),
            "stroke_volume_m3": spec.end_diastolic_volume_m3 * spec.ejection_fraction,
            "ejection_fraction": spec.ejection_fraction,
            "longitudinal_strain": spec.longitudinal_strain,
            "circumferential_strain_endocardium": self.left.circumferential_strain(inner, middle),
            "circumferential_strain": self.left.circumferential_strain((inner + outer) / 2, middle),
            "radial_strain": (ends[1] - ends[0]) / plan.wall_m - 1,
            "twist_rad": spec.twist_rad,
            "left_ventricle_wall_m3": wall_volume(plan),
            "left_ventricle_mass_kg": wall_volume(plan) * _DENSITY,
            "right_end_diastolic_volume_m3": right_volume(plan, self.left, self.right, 0.0),
            "right_end_systolic_volume_m3": right_volume(plan, self.left, self.right, 1.0),
            "cardiac_output_m3_per_s": spec.end_diastolic_volume_m3 * spec.ejection_fraction / period,
            "heart_period_s": period,
            "end_systole_s": end,
        }
        if spec.infarct:
            scar = scar_volume(plan, spec.infarct_transmurality)
            facts |= {"scar_volume_m3": scar, "scar_fraction": scar / wall_volume(plan)}
        return facts


def heart_model(spec: HeartSpec, base_point_m: np.ndarray) -> HeartModel:
    """Lengths from the volume, the squeeze from the ejection fraction, and a right ventricle that ejects as much as the left."""
    plan = heart_plan(spec.end_diastolic_volume_m3, spec.wall_m, base_point_m)
    stroke = spec.end_diastolic_volume_m3 * spec.ejection_fraction
    start = left_squeeze(plan, spec.longitudinal_strain, spec.twist_rad)
    if spec.infarct:
        lazy = (TERRITORIES_RAD[spec.infarct], SCAR_HALF_ANGLE_RAD)
        start = replace(start, lazy=lazy, lazy_share=0.8 * spec.infarct_transmurality)
    left = squeeze_for(stroke, start, "heart, left ventricle")
    right = right_squeeze(plan, spec.longitudinal_strain)
    before = right_volume(plan, left, right, 0.0)

    def missing(share: float) -> float:
        return before - right_volume(plan, left, replace(right, squeezed=share), 1.0) - stroke

    if missing(0.0) > 0 or missing(0.95) < 0:
        raise ValueRangeError(
            f"heart: a right ventricle of {1e6 * before:.0f} ml cannot eject the left one's {1e6 * stroke:.0f} ml. "
            "Bring the ejection fraction or the longitudinal strain nearer to 0.6 and -0.17."
        )
    return HeartModel(
        spec=spec, plan=plan, left=left, right=replace(right, squeezed=float(brentq(missing, 0.0, 0.95, xtol=1e-4)))
    )


def placed_heart(model: HeartModel, seed: int, breathing: Movement | None) -> tuple[Layer, ...]:
    """All layers of a heart, its breathing after its beat."""
    return heart_layers(model.plan, model.left, model.right, model.spec, seed, breathing)


def heart(
    seed: int = 0,
    *,
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
    """A beating heart between two lungs, held breath: fewer layers than the torso, the same heart.

    longitudinal_strain: change in length of the left ventricle's axis at the end of systole. twist_rad: of the tip against
    the base; the other strains follow, since the wall keeps its volume.
    infarct: "LAD", "LCX", "RCA" or none; infarct_transmurality: its depth, share of the wall; infarct_acute: with oedema around.
    fibrosis: share of the myocardium that is diffusely fibrotic. The cavity's volume counts the papillary muscles, as a reader's
    contour does. Errors: what no heart can have is refused.
    """
    spec = HeartSpec(
        end_diastolic_volume_m3=end_diastolic_volume_m3, ejection_fraction=ejection_fraction,
        longitudinal_strain=longitudinal_strain, twist_rad=twist_rad, wall_m=wall_m, heart_rate_per_min=heart_rate_per_min,
        infarct=infarct, infarct_transmurality=infarct_transmurality, infarct_acute=infarct_acute, fibrosis=fibrosis,
    )  # fmt: skip
    return _between_lungs(heart_model(spec, np.array([-0.012, 0.008, 0.012])), seed)


def _between_lungs(model: HeartModel, seed: int) -> Body:
    size = max(1.0, model.plan.scale)
    chest = rough(ellipsoid((0, 0, 0), (0.115 * size, 0.1 * size, 0.125 * size)), smooth_field(seed + 1, 0.04), 1.5e-3, 0.04)
    inside = grown(chest, -0.014)
    liver = inside & half_space((0, 0, -0.052 * size), (0.12, 0.1, 1))
    layers = (
        Layer(shape=chest, fill=textured("muscle", 0.05, 6e-3, seed + 2), organ="chest wall"),
        Layer(shape=inside, fill=textured("lung", 0.1, 0.012, seed + 3), organ="lungs"),
        Layer(shape=liver, fill=textured("liver", 0.05, 6e-3, seed + 4), organ="liver"),
        *placed_heart(model, seed, None),
    )
    return Body(
        name="heart", layers=layers, truths=model.truths, shim_over=("myocardium",),
        low_m=chest.low_m, high_m=chest.high_m, source="analytic; see docs/explanation/phantom-heart.md",
    )  # fmt: skip
