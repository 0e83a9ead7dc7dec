"""The layers of a heart, from the fat around it to the papillary muscles. Local millimetres are those of a 140 ml ventricle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fullbore.phantom.bodies.heart_motion import Squeeze, beating, carried, heart_cycle, swelling, tethered
from fullbore.phantom.bodies.heart_shape import HeartPlan, inner_radius, left_cups, outer_radius, right_cups, vector
from fullbore.phantom.bodies.heart_spec import SCAR_HALF_ANGLE_RAD, TERRITORIES_RAD, HeartSpec
from fullbore.phantom.body import Layer
from fullbore.phantom.fill import Fill, textured
from fullbore.phantom.flowing import Line, line
from fullbore.phantom.movement import Movement, chained
from fullbore.phantom.primitives import cylinder, ellipsoid, smooth_path, tube
from fullbore.phantom.shape import Shape, blend, grown, placed
from fullbore.phantom.tissues import library_tissue

Spot = tuple[float | int, float | int, float | int]

# Heights of a scar, of the cavity's half length above its widest place.
_SCAR_LEVELS = (-0.6, 0.2)
_VALVE_M = 1.5e-3
# Atria: middle and half axes, local millimetres above the valves. Vessels leave from their sides.
_LEFT_ATRIUM = ((-8, -6, 22), (27, 25, 26))
_RIGHT_ATRIUM = ((46, -16, 24), (25, 25, 28))
_FILLING = 0.3
_PAPILLARY = (("anterolateral papillary muscle", 135.0), ("posteromedial papillary muscle", 225.0))


def heart_layers(
    plan: HeartPlan, left: Squeeze, right: Squeeze, spec: HeartSpec, seed: int, breathing: Movement | None
) -> tuple[Layer, ...]:
    """Fat, atria and vessels (walls, then blood), right ventricle, left ventricle with its infarct, blood, papillary muscles."""
    activity, period, _ = heart_cycle(spec.heart_rate_per_min)

    def then(movement: Movement) -> Movement:
        return movement if breathing is None else chained(movement, breathing)

    beat_left, beat_right = (then(beating(squeeze, plan.frame, activity, period)) for squeeze in (left, right))
    (whole, cavity), (right_whole, right_cavity) = left_cups(plan), right_cups(plan)
    muscle = textured("myocardium", 0.05, 5e-3, seed + 11)
    fat = grown(whole, 4e-3 * plan.scale), grown(right_whole, 4e-3 * plan.scale)
    return (
        Layer(shape=fat[1], fill="visceral fat", organ="epicardial fat", movement=beat_right),
        Layer(shape=fat[0], fill="visceral fat", organ="epicardial fat", movement=beat_left),
        *_upper_parts(plan, left, activity, period, then),
        Layer(shape=right_whole, fill=muscle, organ="right ventricle wall", movement=beat_right),
        Layer(shape=right_cavity, fill="venous blood", organ="right ventricle", movement=beat_right),
        Layer(
            shape=whole, fill=_fibrotic(muscle, spec.fibrosis), organ="left ventricle wall", movement=beat_left
        ),
        *_infarct(plan, spec, beat_left),
        Layer(shape=cavity, fill="arterial blood", organ="left ventricle", movement=beat_left),
        *_papillary(plan, left, activity, period, muscle, then),
    )  # fmt: skip


def scar_volume(plan: HeartPlan, transmurality: float) -> float:
    """Volume of a scar: its angle times its depth (share of the wall's section) times the integral of the wall's section."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    low, high = (plan.middle_m + part * plan.half_m for part in _SCAR_LEVELS)
    z = low + (high - low) * (nodes + 1) / 2
    section = outer_radius(plan, z) ** 2 - inner_radius(plan, z) ** 2
    return float(SCAR_HALF_ANGLE_RAD * transmurality * (weights @ section) * (high - low) / 2)


def _infarct(plan: HeartPlan, spec: HeartSpec, movement: Movement) -> tuple[Layer, ...]:
    if not spec.infarct:
        return ()
    middle = TERRITORIES_RAD[spec.infarct]
    scar = _sector(plan, middle, SCAR_HALF_ANGLE_RAD, _SCAR_LEVELS, spec.infarct_transmurality)
    parts = [Layer(shape=scar, fill="myocardium, scar", organ="scar", movement=movement)]
    if spec.infarct_acute:
        wide = (_SCAR_LEVELS[0] - 0.08, _SCAR_LEVELS[1] + 0.1)
        risk = _sector(plan, middle, 1.3 * SCAR_HALF_ANGLE_RAD, wide, 1.0)
        parts.insert(0, Layer(shape=risk, fill="myocardium, oedema", organ="oedema", movement=movement))
    return tuple(parts)


def _sector(plan: HeartPlan, middle: float, half: float, levels: tuple[float, float], depth: float) -> Shape:
    """A piece of the left ventricle's wall: within an angle and heights, from the cavity outward to a share of its section.

    It ends a little inside the cavity, which is painted over it.
    """
    low, high = (plan.middle_m + part * plan.half_m for part in levels)

    def distance(points: np.ndarray) -> np.ndarray:
        local = plan.frame.local(points)
        radius = np.hypot(local[:, 0], local[:, 1])
        z = np.clip(local[:, 2], low, high)
        inner, outer = inner_radius(plan, z), outer_radius(plan, z)
        off = np.abs(np.angle(np.exp(1j * (np.arctan2(local[:, 1], local[:, 0]) - middle)))) - half
        across = radius * np.sin(np.clip(off, -np.pi / 2, np.pi / 2))
        deep = radius - np.sqrt(inner**2 + depth * (outer**2 - inner**2))
        return np.max([deep, across, 0.9 * inner - radius, low - local[:, 2], local[:, 2] - high], axis=0)

    whole = left_cups(plan)[0]
    return Shape(distance=distance, low_m=whole.low_m, high_m=whole.high_m, stretch=1.5)


def _fibrotic(muscle: Fill, share: float) -> Fill:
    """Myocardium with a share of fibrotic tissue in every place."""
    if share == 0 or muscle.shares is None:
        return muscle
    inner = muscle.shares

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float) -> np.ndarray:
        return np.column_stack([(1 - share) * inner(points, distance, width_m), np.full(len(points), share)])

    return Fill(tissues=(*muscle.tissues, library_tissue("myocardium, fibrosis")), shares=shares)


def _papillary(
    plan: HeartPlan,
    left: Squeeze,
    activity: Callable[[float], float],
    period_s: float,
    muscle: Fill,
    then: Callable[[Movement], Movement],
) -> tuple[Layer, ...]:
    out = []
    for name, degrees in _PAPILLARY:
        angle = np.deg2rad(degrees)
        spot = 0.7 * plan.width_m * np.array([np.cos(angle), np.sin(angle)])
        low, high = plan.middle_m - 0.45 * plan.half_m, plan.middle_m - 0.02 * plan.half_m
        ends = plan.frame.body(np.array([[*spot, low], [*spot, high]]))
        wall = float(inner_radius(plan, np.array(low)))
        move = carried(left, plan.frame, np.array([*spot, (low + high) / 2]), wall, activity, period_s)
        shape = tube(ends, np.array([5e-3, 3.5e-3]) * plan.scale)
        out.append(Layer(shape=shape, fill=muscle, organ=name, movement=then(move)))
    return tuple(out)


def _upper_parts(
    plan: HeartPlan, left: Squeeze, activity: Callable[[float], float], period_s: float, then: Callable[[Movement], Movement]
) -> tuple[Layer, ...]:
    """Atria and the vessels at them; the valves' plane carries their lower ends, their far ends stay."""
    way, scale = plan.frame.axes[:, 2], plan.scale
    most = abs(left.strain) * plan.base_m

    def shift(time_s: float) -> np.ndarray:
        return np.asarray(left.strain * activity(time_s) * plan.base_m * way)

    base = plan.base_point_m
    pull = tethered(base, way, 0.075 * scale, shift, most, period_s)
    lift = tethered(base, np.array([0, 0, 1.0]), 0.09 * scale, shift, most, period_s)
    fill_left, fill_right = (
        then(chained(swelling(plan.frame, np.array(middle) * 1e-3 * scale, _FILLING, activity, period_s), pull))
        for middle, _ in (_LEFT_ATRIUM, _RIGHT_ATRIUM)
    )
    lift, pull = then(lift), then(pull)
    veins = [each.shape for each in pulmonary_vein_lines(plan).values()]
    solids = [
        (_atrium(plan, _LEFT_ATRIUM, ((12, 30, 16), (9, 14, 9))), 2e-3, "arterial blood", "left atrium", fill_left),
        (_atrium(plan, _RIGHT_ATRIUM, ((40, 8, 30), (10, 16, 10))), 2e-3, "venous blood", "right atrium", fill_right),
        *((shape, 1.2e-3, "arterial blood", "pulmonary veins", pull) for shape in veins),
        (upper_caval_line(plan).shape, 1.2e-3, "venous blood", "superior vena cava", lift),
        (lower_caval_line(plan).shape, 1.2e-3, "venous blood", "inferior vena cava", pull),
        (ascending_line(plan).shape, 1.8e-3, "arterial blood", "ascending aorta", lift),
        (pulmonary_trunk_line(plan).shape, 1.5e-3, "venous blood", "pulmonary trunk", lift),
    ]
    walls = tuple(
        Layer(
            shape=grown(shape, thick), fill="myocardium" if "atrium" in organ else "vessel wall",
            organ="atrial wall" if "atrium" in organ else "vessel wall", movement=move,
        )
        for shape, thick, _, organ, move in solids
    )  # fmt: skip
    blood = tuple(Layer(shape=shape, fill=tissue, organ=organ, movement=move) for shape, _, tissue, organ, move in solids)
    # The two outflow vessels cross in front of the atria: their walls go over the atria's blood.
    return (*walls[:-2], *blood[:-2], *walls[-2:], *blood[-2:], *_valves(plan, pull))


def _valves(plan: HeartPlan, movement: Movement) -> tuple[Layer, ...]:
    """Closed leaflets in the plane of the valves, as they are at the R wave."""
    thick = _VALVE_M / plan.scale * 1e3
    spots = {"mitral valve": (-7, -5, 13), "aortic valve": (10, 8, 11), "tricuspid valve": (46, -16, 15)}
    return tuple(
        Layer(
            shape=cylinder(vector(plan.place(x, y, -1)), vector(plan.place(x, y, thick)), radius * 1e-3 * plan.scale),
            fill="vessel wall", organ=name, movement=movement,
        )
        for name, (x, y, radius) in spots.items()
    )  # fmt: skip


def _blob(plan: HeartPlan, middle: Spot, half: Spot) -> Shape:
    x, y, z = (float(1e-3 * plan.scale * value) for value in half)
    return placed(ellipsoid((0, 0, 0), (x, y, z)), vector(plan.place(*middle)), plan.frame.axes)


def _atrium(plan: HeartPlan, body: tuple[Spot, Spot], appendage: tuple[Spot, Spot]) -> Shape:
    """An atrium and its appendage."""
    return blend(8e-3 * plan.scale, _blob(plan, *body), _blob(plan, *appendage))


def pulmonary_vein_lines(plan: HeartPlan) -> dict[str, Line]:
    """Four, from the two hila to the back of the left atrium; offsets in the body, millimetres of a 140 ml heart."""
    start = plan.place(*_LEFT_ATRIUM[0])
    ends = {"left upper": (52, 20, 22), "left lower": (50, 24, -10), "right upper": (-58, 22, 20), "right lower": (-56, 22, -12)}
    out = {}
    for name, end in ends.items():
        offset = 1e-3 * plan.scale * np.array(end, np.float64)
        bend = start + offset * (0.45, 0.7, 0.3)
        path = smooth_path(np.array([start + offset, bend, start + offset * (0.1, 0.2, 0.05)]), 4)
        out[f"{name} pulmonary vein"] = line(path, 5.5e-3 * plan.scale)
    return out


def in_left_atrium(plan: HeartPlan, points_m: np.ndarray) -> np.ndarray:
    """Which points (n, 3) lie within the left atrium, its appendage left out."""
    middle, half = _LEFT_ATRIUM
    off = (points_m - plan.place(*middle)) @ plan.frame.axes / (1e-3 * plan.scale * np.array(half))
    return np.asarray((off**2).sum(axis=1) < 1)


def _from_base(plan: HeartPlan, points: list[Spot]) -> np.ndarray:
    return plan.base_point_m + 1e-3 * plan.scale * np.array(points, np.float64)


def upper_caval_line(plan: HeartPlan) -> Line:
    """The upper caval vein, down to the right atrium."""
    path = smooth_path(_from_base(plan, [(-50, -2, 105), (-55, 2, 75), (-56, 2, 45), (-48, 0, 12)]), 4)
    return line(path, 9e-3 * plan.scale)


def lower_caval_line(plan: HeartPlan) -> Line:
    """The last part of the lower caval vein, up to the right atrium."""
    return line(smooth_path(_from_base(plan, [(-52, 27, -46), (-51, 20, -32), (-46, 4, -8)]), 4), 10.5e-3 * plan.scale)


def ascending_line(plan: HeartPlan) -> Line:
    """The aorta from its valve to where the arch begins."""
    rest = _from_base(plan, [(-14, -10, 26), (-33, -8, 52), (-38, -2, 74), (-28, 6, 92)])
    path = smooth_path(np.concatenate([plan.place(10, 8, -4)[None], rest]), 5)
    return Line(path, np.interp(np.linspace(0, 1, len(path)), [0, 0.18, 0.35, 1], [11e-3, 15e-3, 13.5e-3, 13e-3]) * plan.scale)


def pulmonary_trunk_line(plan: HeartPlan) -> Line:
    """From its valve to its fork."""
    root = plan.place(38, 24, -8)
    path = smooth_path(np.concatenate([root[None], _from_base(plan, [(-3, -34, 42), (-7, -8, 66)])]), 6)
    return line(path, 12.8e-3 * plan.scale)
