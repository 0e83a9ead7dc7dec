"""A left thigh: femur, muscles with the fat between them, a femoral artery that beats, veins, nerve, fat, skin; blood flows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fullbore.data import Course, Flow
from fullbore.phantom.bodies.limb_parts import MM, Number, bone, path_mm, trunk, vessel, within
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import textured
from fullbore.phantom.flowing import eased, heartbeat, vessel_flow
from fullbore.phantom.movement import Movement
from fullbore.phantom.shape import Shape, grown, rough
from fullbore.phantom.texture import smooth_field

_HALF = 150.0
_SYSTOLE = 0.15
_DECAY = 4.0
_WALL_M = 0.9e-3
# Share of the flow that the deep femoral artery has taken above the box, and the saphenous vein of what goes back.
DEEP_SHARE, _SKIN_SHARE = 0.35, 0.1
_VENOUS_PEAK = 1.2
# Centrelines (x, y, z, radius) in millimetres, from the knee upwards.
_DEEP = ((-4, 18, -170, 2.0), (-4, 14, -40, 2.2), (-8, 4, 60, 2.8), (-10, -16, 170, 3.2))
_SAPHENOUS = ((-56, 34, -175, 2), (-64, 16, -40, 2.0), (-58, -34, 80, 2.2), (-44, -58, 175, 2.5))

# Rows of (z, middle x, middle y, half width in x, in y) in millimetres, from the knee upwards; deepest first.
_MUSCLES: dict[str, tuple[tuple[Number, ...], ...]] = {
    "vastus intermedius": ((-170, 4, -20, 24, 16), (-60, 6, -21, 31, 20), (60, 8, -20, 32, 20), (170, 14, -16, 26, 17)),
    "vastus medialis": ((-170, -38, -14, 22, 29), (-60, -34, -16, 20, 27), (60, -24, -20, 13, 18), (170, -14, -16, 8, 10)),
    "vastus lateralis": ((-170, 38, -14, 19, 29), (-60, 41, -15, 23, 35), (60, 42, -12, 25, 38), (170, 44, -4, 22, 34)),
    "rectus femoris": ((-170, 4, -46, 12, 8), (-60, 5, -51, 20, 13), (60, 6, -53, 23, 16), (170, 6, -52, 21, 16)),
    "adductor magnus": ((-170, -34, 22, 8, 9), (-60, -30, 22, 22, 18), (60, -26, 28, 32, 25), (170, -24, 30, 36, 28)),
    "adductor longus": ((-50, -36, 2, 4, 5), (0, -38, -3, 12, 12), (80, -40, -8, 18, 17), (170, -38, -14, 20, 18)),
    "gracilis": ((-170, -54, 26, 6, 9), (-60, -59, 20, 7, 13), (60, -61, 14, 8, 16), (170, -58, 8, 8, 18)),
    "sartorius": ((-170, -54, 6, 8, 13), (-60, -53, -16, 9, 13), (60, -44, -40, 13, 10), (170, -26, -56, 14, 9)),
    "biceps femoris": ((-170, 34, 34, 19, 16), (-60, 29, 39, 22, 18), (60, 20, 46, 19, 16), (170, 12, 52, 13, 12)),
    "semimembranosus": ((-170, -24, 42, 20, 16), (-60, -24, 47, 18, 14), (60, -26, 54, 14, 10), (170, -26, 58, 8, 6)),
    "semitendinosus": ((-170, -10, 58, 7, 6), (-60, -4, 58, 15, 9), (60, -4, 62, 17, 9), (170, -6, 60, 14, 9)),
}


def leg(
    seed: int = 0,
    *,
    fat_m: float = 0.012,
    artery_m: float = 8e-3,
    pulse: float = 0.08,
    period_s: float = 0.9,
    flow_m3_per_s: float = 5e-6,
    flow_peak: float = 5.0,
) -> Body:
    """A left thigh, from 150 mm below to 150 mm above its middle, whose femoral artery beats.

    fat_m: under the skin. artery_m: diameter of the artery's bore in diastole; pulse: by which share it widens at the peak;
    period_s: of the heart, in diastole at time 0. flow_m3_per_s: in the femoral artery, mean; flow_peak: its highest over
    its mean, when the artery is widest. It never turns back, as it does in life. Errors: ValueRangeError for impossible ones.
    """
    within("leg: fat_m", fat_m, 3e-3, 60e-3, "the layer under the skin")
    within("leg: artery_m", artery_m, 3e-3, 12e-3, "diameters of femoral arteries")
    within("leg: pulse", pulse, 0.0, 0.25, "an artery's wall tears beyond")
    within("leg: period_s", period_s, 0.25, 3.0, "20 to 240 beats a minute")
    within("leg: flow_m3_per_s", flow_m3_per_s, 0.0, 40e-6, "0 to 2.4 litres a minute")
    within("leg: flow_peak", flow_peak, 1.0, 6.5, "between beats it would turn back beyond")
    beat = beating(pulse, period_s)
    layers = (*_outline(seed, fat_m), *_muscles(seed), *_strands(artery_m, beat), *_femur(seed))
    areas = {
        f"artery_{name}_area_m2": float(np.pi / 4 * (artery_m * (1 + widening)) ** 2)
        for name, widening in (("diastolic", 0.0), ("systolic", pulse))
    }
    reach = 78 * MM + fat_m
    return Body(
        name="leg", layers=layers,
        truths={
            "subcutaneous_fat_m": fat_m, **areas, "heart_period_s": period_s, "systole_s": _SYSTOLE * period_s,
            "artery_radial_strain": pulse, **_flow_truths(artery_m, flow_m3_per_s, flow_peak),
        },
        flows=_flows(artery_m, flow_m3_per_s, flow_peak, period_s),
        low_m=(-reach, -reach, -_HALF * MM), high_m=(reach, reach, _HALF * MM), shim_over=("muscle",), endless=True,
        source="shapes by hand after anatomical atlases; tissues of the library",
    )  # fmt: skip


def wave(phase: np.ndarray) -> np.ndarray:
    """Course of an artery's width over a heart beat (phase from 0 to 1), 0 in diastole, 1 at its peak.

    A quarter of a sine squared up to the peak, then an exponential run-off that meets 0 at the end of the beat.
    """
    turn = np.asarray(phase, np.float64) % 1.0
    rise = np.sin(np.pi / 2 * np.minimum(turn / _SYSTOLE, 1)) ** 2
    end = np.exp(-_DECAY * (1 - _SYSTOLE))
    fall = (np.exp(-_DECAY * np.maximum(turn - _SYSTOLE, 0)) - end) / (1 - end)
    return np.asarray(np.where(turn < _SYSTOLE, rise, fall))


def beating(pulse: float, period_s: float) -> Movement:
    """The artery's section widens about its middle, at every height alike. Blood comes in: it is no incompressible movement."""

    def scaled(points: np.ndarray, factor: float) -> np.ndarray:
        middle = artery_middle(points[:, 2])
        return np.concatenate([middle + (points[:, :2] - middle) * factor, points[:, 2:]], axis=1)

    def factor(time_s: float) -> float:
        return 1 + pulse * float(wave(np.array(time_s / period_s)))

    return Movement(
        forward=lambda points, time_s: scaled(points, factor(time_s)),
        backward=lambda points, time_s: scaled(points, 1 / factor(time_s)),
        # The artery's slope shifts a section by less than a quarter of its distance from the middle.
        stretch=1.3, period_s=period_s,
    )  # fmt: skip


def artery_middle(z_m: np.ndarray) -> np.ndarray:
    """(n,) heights to (n, 2) places of the femoral artery's middle: from the groin inwards and back to the hollow of the knee."""
    part = np.clip(z_m / (_HALF * MM), -1.4, 1.4)
    x, y = -33 + 3 * part + 12 * part**2, -14 - 27 * part + 1.5 * part**2
    return np.stack([x, y], axis=-1) * MM


def along_z(middle: Callable[[np.ndarray], np.ndarray], radius_m: float, slope: float) -> Shape:
    """A tube whose level sections are circles about a line that is a function of height; slope: the line's largest."""

    def distance(points: np.ndarray) -> np.ndarray:
        offset = points[:, :2] - middle(points[:, 2])
        return np.asarray(np.hypot(offset[:, 0], offset[:, 1]) - radius_m)

    line = middle(np.linspace(-200 * MM, 200 * MM, 81))
    (x, y), (u, v) = line.min(axis=0) - radius_m, line.max(axis=0) + radius_m
    return Shape(
        distance=distance, low_m=(float(x), float(y), -200 * MM), high_m=(float(u), float(v), 200 * MM),
        stretch=float(np.hypot(1, slope)),
    )  # fmt: skip


def vein_middle(z_m: np.ndarray, artery_m: float) -> np.ndarray:
    """(n,) heights to (n, 2) places of the femoral vein's middle: behind the artery, to its side."""
    return np.asarray(artery_middle(z_m) + np.array([0.5 * artery_m + 1.5 * MM, 0.5 * artery_m + 4.0 * MM]))


def _flows(artery_m: float, flow_m3_per_s: float, peak: float, period_s: float) -> tuple[Flow, ...]:
    """Blood down the arteries and up the veins, from end to end of the box: what goes down comes up."""
    down = np.linspace(1.0, -1.0, 80) * _HALF * MM
    deep, saphenous = (_in_box(path_mm(*rows, pieces=20))[::step] for rows, step in ((_DEEP, -1), (_SAPHENOUS, 1)))
    beat = heartbeat(peak, period_s, systole=2 * _SYSTOLE)
    back = heartbeat(_VENOUS_PEAK, period_s, begin_s=0.4 * period_s, systole=0.6)
    total = flow_m3_per_s / (1 - DEEP_SHARE)
    return (
        _flow(np.column_stack([artery_middle(down), down]), artery_m / 2, flow_m3_per_s, "arterial blood", beat),
        _flow(deep[:, :3], deep[:, 3], DEEP_SHARE * total, "arterial blood", beat),
        _flow(np.column_stack([vein_middle(-down, artery_m), -down]), 0.55 * artery_m, (1 - _SKIN_SHARE) * total,
              "venous blood", back),
        _flow(saphenous[:, :3], saphenous[:, 3], _SKIN_SHARE * total, "venous blood", back),
    )  # fmt: skip


def _in_box(line_m: np.ndarray) -> np.ndarray:
    """Points of a line within the box: blood beyond it would leave a gap in what comes in fresh."""
    return line_m[np.abs(line_m[:, 2]) <= _HALF * MM]


def _flow(path_m: np.ndarray, radius_m: float | np.ndarray, flux: float, tissue: str, pace: Course) -> Flow:
    path, radius = eased(path_m, np.broadcast_to(radius_m, len(path_m)), 3 * MM)
    return vessel_flow(path, radius, flux, tissue, pace)


def _flow_truths(artery_m: float, flow_m3_per_s: float, peak: float) -> dict[str, float]:
    """Of the femoral artery at rest, in diastole: while it is wider, as much more passes."""
    mean = flow_m3_per_s / (np.pi / 4 * artery_m**2)
    total = flow_m3_per_s / (1 - DEEP_SHARE)
    return {
        "artery_flow_m3_per_s": flow_m3_per_s,
        "artery_mean_velocity_m_per_s": mean,
        "artery_peak_mean_velocity_m_per_s": mean * peak,
        "deep_artery_flow_m3_per_s": DEEP_SHARE * total,
        "femoral_vein_flow_m3_per_s": (1 - _SKIN_SHARE) * total,
        "saphenous_vein_flow_m3_per_s": _SKIN_SHARE * total,
    }


def _outline(seed: int, fat_m: float) -> tuple[Layer, ...]:
    """Skin, fat, the fascia with the fat between muscles."""
    rows = [[-175, -2, 2, 62, 60], [-60, -2, 2, 70, 68], [60, -2, 2, 74, 73], [175, -1, 2, 76, 75]]
    fascia = rough(trunk(rows), smooth_field(seed + 1, 40 * MM), 1.5 * MM, 40 * MM)
    return (
        Layer(shape=grown(fascia, fat_m + 1.6 * MM), fill="skin", organ="skin"),
        Layer(shape=grown(fascia, fat_m), fill=textured("fat", 0.05, 9e-3, seed + 2), organ="subcutaneous fat"),
        Layer(shape=fascia, fill="ligament", organ="fascia lata"),
        Layer(shape=grown(fascia, -0.8 * MM), fill=textured("fat", 0.05, 5e-3, seed + 3), organ="intermuscular fat"),
    )


def _muscles(seed: int) -> tuple[Layer, ...]:
    """Each muscle with a thin sheet of fat about it, which parts it from those painted before."""
    wavy, meat = smooth_field(seed + 4, 14 * MM), textured("muscle", 0.07, 6e-3, seed + 5)
    rows = [[-176, -2, 2, 59, 57], [-60, -2, 2, 67, 65], [60, -2, 2, 71, 70], [176, -1, 2, 73, 72]]
    room = trunk(rows)
    layers = []
    for name, course in _MUSCLES.items():
        shape = rough(trunk(course), wavy, 1.5 * MM, 14 * MM) & room
        layers.append(Layer(shape=grown(shape, 0.8 * MM) & room, fill="fat", organ="intermuscular fat"))
        layers.append(Layer(shape=shape, fill=meat, organ=name))
    return tuple(layers)


def _strands(artery_m: float, beat: Movement) -> tuple[Layer, ...]:
    """Vessels and nerves in their fat, the femoral artery in front of its vein."""
    sheath = along_z(lambda z: artery_middle(z) + np.array([2.5, 3.5]) * MM, 0.62 * artery_m + 5.5 * MM, 0.25)
    return (
        Layer(shape=vessel((2, 38, -175, 5.5), (2, 36, 0, 6), (4, 40, 175, 7)), fill="nerve", organ="sciatic nerve"),
        Layer(shape=vessel(*_SAPHENOUS),
              fill="venous blood", organ="great saphenous vein"),
        Layer(shape=sheath, fill="fat", organ="intermuscular fat"),
        Layer(shape=vessel(*_DEEP), fill="arterial blood", organ="deep femoral artery"),
        Layer(shape=along_z(lambda z: vein_middle(z, artery_m), 0.55 * artery_m, 0.25), fill="venous blood",
              organ="femoral vein"),
        Layer(shape=along_z(artery_middle, artery_m / 2 + _WALL_M, 0.25), fill="vessel wall", organ="femoral artery wall",
              movement=beat),
        Layer(shape=along_z(artery_middle, artery_m / 2, 0.25), fill="arterial blood", organ="femoral artery", movement=beat),
    )  # fmt: skip


def _femur(seed: int) -> tuple[Layer, ...]:
    """The shaft, its cortex thick, with the ridge behind."""
    straight = vessel((4, -2, -190, 15), (5, -1, -100, 13.5), (7, -2, 0, 13.2), (10, -2, 190, 15))
    shaft = rough(straight, smooth_field(seed + 6, 30 * MM), 0.5 * MM, 30 * MM)
    ridge = vessel((4, 11, -190, 3), (6, 10.8, 0, 3.6), (10, 11.5, 190, 3.6))
    return (Layer(shape=shaft | ridge, fill=bone(5.2 * MM, "yellow marrow", seed + 7), organ="femur"),)
