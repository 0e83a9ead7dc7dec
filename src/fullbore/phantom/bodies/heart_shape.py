"""Where the parts of a heart lie: an axis, two cups that share a septum, two atria, and the roots of the great vessels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.phantom.bodies.heart_motion import Frame, Squeeze
from fullbore.phantom.primitives import ellipsoid, half_space
from fullbore.phantom.shape import Shape, Vector, placed

# From the tip to the valves, and from the left ventricle's axis to the right ventricle.
_AXIS = (-0.62, 0.52, 0.58)
_RIGHT = (-0.60, -0.80, 0.10)
# Of the cavity: half length over half width, and where it is cut (of its half length above its widest place).
_SLENDER, _CUT = 2.1, 0.55
# The right cavity, in half widths of the left one: x of its axis, half widths in x and y, half length.
_RIGHT_CUP = (1.0, 1.4, 1.58, 1.85)
_RIGHT_WALL = 0.13


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeartPlan:
    """Lengths of a heart at the end of diastole, in the frame of its axis. scale: over that of a 140 ml ventricle.

    width_m, half_m: of the left cavity. middle_m, base_m: height of its widest place and of the valves. wall_m, tip_m: thickness.
    base_point_m: middle of the valves' plane in the body.
    """

    frame: Frame
    scale: float
    width_m: float
    half_m: float
    middle_m: float
    base_m: float
    wall_m: float
    tip_m: float

    @property
    def base_point_m(self) -> np.ndarray:
        """Middle of the plane of the valves, in the body."""
        return self.frame.body(np.array([0, 0, self.base_m]))

    def place(self, x: float | int, y: float | int, z: float | int) -> np.ndarray:
        """A point of the body from local millimetres of a 140 ml heart, z counted from the plane of the valves."""
        return self.frame.body(self.scale * 1e-3 * np.array([x, y, z]) + np.array([0, 0, self.base_m]))


def heart_plan(end_diastolic_m3: float, wall_m: float, base_point_m: np.ndarray) -> HeartPlan:
    """The plan of a left ventricle of a volume: pi a b^2 (2 / 3 + c - c^3 / 3) for a cut ellipsoid."""
    width = (end_diastolic_m3 / (np.pi * _SLENDER * (2 / 3 + _CUT - _CUT**3 / 3))) ** (1 / 3)
    half, tip = _SLENDER * width, 0.72 * wall_m
    middle = half + tip
    base = middle + _CUT * half
    axis = np.array(_AXIS) / np.linalg.norm(_AXIS)
    right = np.array(_RIGHT) - axis * (axis @ np.array(_RIGHT))
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(axis, right), axis], axis=1)
    frame = Frame(origin_m=base_point_m - base * axis, axes=axes)
    return HeartPlan(
        frame=frame, scale=(end_diastolic_m3 / 140e-6) ** (1 / 3), width_m=width, half_m=half, middle_m=middle, base_m=base,
        wall_m=wall_m, tip_m=tip,
    )  # fmt: skip


def left_squeeze(plan: HeartPlan, strain: float, twist_rad: float) -> Squeeze:
    """The left ventricle's contraction, its amount still to be found."""
    return Squeeze(
        centre_m=(0.0, 0.0), middle_m=plan.middle_m, half_m=plan.half_m, width_m=plan.width_m, base_m=plan.base_m,
        squeezed=0.5, strain=strain, twist_rad=twist_rad,
    )  # fmt: skip


def right_squeeze(plan: HeartPlan, strain: float) -> Squeeze:
    """The right ventricle's contraction about its own axis, which runs in the septum; its amount still to be found."""
    x, across, along, half = (plan.width_m * part for part in _RIGHT_CUP)
    return Squeeze(
        centre_m=(x, 0.0), middle_m=plan.middle_m, half_m=half, width_m=min(across, along), base_m=plan.base_m,
        squeezed=0.3, strain=strain,
    )  # fmt: skip


def cup(plan: HeartPlan, centre: tuple[float, float], widths: tuple[float, float], half_m: float) -> Shape:
    """A cut ellipsoid about the plan's axis direction, its flat face in the plane of the valves."""
    whole = ellipsoid((*centre, plan.middle_m), (*widths, half_m)) & half_space((0, 0, plan.base_m), (0, 0, 1))
    return placed(whole, vector(plan.frame.origin_m), plan.frame.axes)


def left_cups(plan: HeartPlan) -> tuple[Shape, Shape]:
    """The left ventricle as a whole, and its cavity."""
    outer, half = plan.width_m + plan.wall_m, plan.half_m + plan.tip_m
    return cup(plan, (0.0, 0.0), (outer, outer), half), cup(plan, (0.0, 0.0), (plan.width_m, plan.width_m), plan.half_m)


def right_cups(plan: HeartPlan) -> tuple[Shape, Shape]:
    """The right ventricle as a whole, and its cavity, both going on below the left one."""
    x, across, along, half = (plan.width_m * part for part in _RIGHT_CUP)
    wall = _RIGHT_WALL * plan.width_m
    return cup(plan, (x, 0.0), (across + wall, along + wall), half + wall), cup(plan, (x, 0.0), (across, along), half)


def outer_radius(plan: HeartPlan, z: np.ndarray) -> np.ndarray:
    """Radius of the left ventricle's outer surface at local heights."""
    part = (z - plan.middle_m) / (plan.half_m + plan.tip_m)
    return np.asarray((plan.width_m + plan.wall_m) * np.sqrt(np.maximum(1 - part**2, 0)))


def inner_radius(plan: HeartPlan, z: np.ndarray) -> np.ndarray:
    """Radius of its cavity at local heights."""
    return np.asarray(plan.width_m * np.sqrt(np.maximum(1 - ((z - plan.middle_m) / plan.half_m) ** 2, 0)))


def wall_volume(plan: HeartPlan) -> float:
    """Volume of the left ventricle's wall, closed form."""
    half, outer = plan.half_m + plan.tip_m, plan.width_m + plan.wall_m
    cut = (plan.base_m - plan.middle_m) / half
    whole = np.pi * half * outer**2 * (2 / 3 + cut - cut**3 / 3)
    return float(whole - np.pi * plan.half_m * plan.width_m**2 * (2 / 3 + _CUT - _CUT**3 / 3))


def right_volume(plan: HeartPlan, left: Squeeze, right: Squeeze, activity: float) -> float:
    """Volume of the right cavity at an activity: its cup less what the left ventricle takes of it, by quadrature."""
    x, across, along, half = (plan.width_m * part for part in _RIGHT_CUP)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    low = plan.middle_m - half
    z = low + (plan.base_m - low) * (nodes + 1) / 2
    angle = (np.arange(120) + 0.5) * (2 * np.pi / 120)
    part = 1 - ((z - plan.middle_m) / half) ** 2
    edge = part[:, None] / ((np.cos(angle) / across) ** 2 + (np.sin(angle) / along) ** 2)
    stretch = 1 + right.strain * activity
    edge = np.maximum(edge - activity * right.squeezed * right.section(z)[:, None], 0) / stretch
    ring = (np.arange(100) + 0.5) / 100
    # Equal areas: radius^2 even from the axis to the edge.
    radius = np.sqrt(edge[:, :, None] * ring)
    x_places, y_places = x + radius * np.cos(angle)[:, None], radius * np.sin(angle)[:, None]
    points = np.stack([x_places, y_places, 0 * radius + (stretch * z)[:, None, None]], axis=-1)
    back = left.inward(points.reshape(-1, 3), activity)
    depth = np.hypot(back[:, 0], back[:, 1]) - outer_radius(plan, back[:, 2])
    free = np.clip(0.5 + depth / (0.02 * plan.width_m), 0, 1).reshape(radius.shape).mean(axis=2)
    area = 0.5 * (edge * free).sum(axis=1) * (2 * np.pi / 120)
    return float(weights @ area * (plan.base_m - low) / 2 * stretch)


def vector(values: np.ndarray) -> Vector:
    """Three plain numbers."""
    x, y, z = (float(value) for value in values)
    return x, y, z
