"""The outlines of a trunk: skin, muscle wall and cavity, as sections from the pelvis to the shoulders, by height and mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from fullbore.errors import ValueRangeError
from fullbore.phantom.primitives import lofted
from fullbore.phantom.shape import Shape

# Of a trunk 1.75 m tall, metres: height z (0 where the tenth and eleventh vertebra of the chest meet the liver), then half width,
# depth to the front and to the back, of the muscle wall and of the cavity within it. Drawn by eye, from general knowledge of anatomy.
_TABLE = np.array(
    [
        [-0.24, 0.156, 0.088, 0.100, 0.124, 0.074, 0.052],
        [-0.20, 0.150, 0.090, 0.098, 0.124, 0.077, 0.052],
        [-0.15, 0.142, 0.091, 0.096, 0.123, 0.078, 0.055],
        [-0.10, 0.141, 0.092, 0.097, 0.124, 0.079, 0.062],
        [-0.05, 0.144, 0.095, 0.102, 0.128, 0.082, 0.070],
        [0.00, 0.149, 0.100, 0.108, 0.133, 0.087, 0.079],
        [0.05, 0.153, 0.105, 0.113, 0.135, 0.091, 0.088],
        [0.10, 0.156, 0.107, 0.118, 0.132, 0.089, 0.093],
        [0.15, 0.160, 0.104, 0.121, 0.122, 0.080, 0.094],
        [0.20, 0.168, 0.092, 0.120, 0.100, 0.060, 0.089],
        [0.235, 0.172, 0.076, 0.116, 0.074, 0.040, 0.078],
        [0.27, 0.165, 0.062, 0.108, 0.046, 0.018, 0.064],
    ]
)
_CORNERS = 56
_ROUND = 2.35
_USUAL_BMI = 24.0
_SKIN_M = 1.8e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Habitus:
    """A trunk's outlines. scale: its height over 1.75 m. fat_m: subcutaneous fat in front of the belly.

    levels_m: heights. cavity_m, wall_m, skin_m: (level, 3) half width, depth to the front, depth to the back.
    """

    scale: float
    bmi: float
    fat_m: float
    levels_m: np.ndarray
    cavity_m: np.ndarray
    wall_m: np.ndarray
    skin_m: np.ndarray

    def rim(self, z: float, angle: np.ndarray, outward_m: float = 0.0) -> np.ndarray:
        """Points (n, 3) on the cavity's section at a height, moved outward; angle 0 is left, pi / 2 back."""
        size = np.array([np.interp(z, self.levels_m, column) for column in self.cavity_m.T]) + outward_m
        return np.column_stack([_section(size, angle), np.full(len(angle), z)])

    @property
    def ends_m(self) -> tuple[float, float]:
        """Where the trunk is cut."""
        return float(self.levels_m[0]), float(self.levels_m[-1])


def habitus(height_m: float, mass_kg: float) -> Habitus:
    """The trunk of a person. Fat under the skin and in the belly goes with the body mass index (linear laws, a choice).

    Errors: ValueRangeError for a height, or a mass for it, that no adult has.
    """
    if not 1.3 <= height_m <= 2.2:
        raise ValueRangeError(f"torso: height_m {height_m}, wanted 1.3 to 2.2.")
    bmi = mass_kg / height_m**2
    if not 15 <= bmi <= 45:
        raise ValueRangeError(f"torso: {mass_kg} kg at {height_m} m is a body mass index of {bmi:.1f}, wanted 15 to 45.")
    scale, over = height_m / 1.75, bmi - _USUAL_BMI
    levels = scale * np.linspace(_TABLE[0, 0], _TABLE[-1, 0], 40)
    values = PchipInterpolator(scale * _TABLE[:, 0], scale * _TABLE[:, 1:])(levels)
    belly = np.clip((0.06 * scale - levels) / (0.12 * scale), 0, 1)
    belly = belly**2 * (3 - 2 * belly)
    # A fuller belly: the front goes forward by 2.4 mm for every unit, the sides by half of that.
    growth = np.clip(over, -6, None)[None] * 2.4e-3 * belly[:, None] * np.array([0.5, 1.0, 0.0])
    cavity, wall = values[:, 3:] + growth, values[:, :3] + growth
    fat = max(0.016 + 1.5e-3 * over, 0.003)
    chest = 1 - 0.55 * np.clip((levels / scale) / 0.1, 0, 1)
    thick = fat * np.stack([0.85 * (0.6 + 0.4 * belly) + 0 * chest, chest, 0.45 + 0.55 * belly], axis=1)
    skin = wall + np.maximum(thick, 2e-3) + _SKIN_M
    return Habitus(scale=scale, bmi=bmi, fat_m=fat, levels_m=levels, cavity_m=cavity, wall_m=wall, skin_m=skin)


def outline(levels_m: np.ndarray, sizes_m: np.ndarray) -> Shape:
    """The solid of sections (level, 3): half width, depth to the front, depth to the back."""
    angle = np.arange(_CORNERS) * (2 * np.pi / _CORNERS)
    return lofted(levels_m, np.stack([_section(size, angle) for size in sizes_m]))


def spine_y(z: np.ndarray, scale: float) -> np.ndarray:
    """Depth of the middles of the vertebral bodies: bent forward in the loins, backward in the chest."""
    levels = scale * np.array([-0.26, -0.2, -0.14, -0.08, -0.02, 0.05, 0.12, 0.18, 0.24, 0.29])
    depth = scale * np.array([0.044, 0.034, 0.028, 0.030, 0.038, 0.051, 0.061, 0.063, 0.055, 0.042])
    return np.asarray(PchipInterpolator(levels, depth)(z))


def _section(size: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """A rounded box, (n, 2)."""
    c, s = np.cos(angle), np.sin(angle)
    depth = np.where(s < 0, size[1], size[2])
    return np.stack([size[0] * np.sign(c) * np.abs(c) ** (2 / _ROUND), depth * np.sign(s) * np.abs(s) ** (2 / _ROUND)], axis=1)
