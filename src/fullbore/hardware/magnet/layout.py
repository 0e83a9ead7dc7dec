"""The upper half of a symmetric magnet while it is being designed: rectangles, groups, current."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from fullbore.hardware.magnet.brief import MagnetBrief

PRIMARY, SHIELD = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """Rectangles above the middle plane, each with its mirror image below.

    edges_m: (m, 4) inner and outer radius, lower and upper end; a lower end of 0 makes one coil of a block and its image.
    group: (m,) PRIMARY or SHIELD. current_scale: current over the brief's.
    """

    edges_m: np.ndarray
    group: np.ndarray
    current_scale: float = 1.0

    def vector(self) -> Float[np.ndarray, " v"]:
        """Edges block by block, then the scale of the current."""
        return np.append(self.edges_m.ravel(), self.current_scale)

    def at(self, vector: Float[np.ndarray, " v"]) -> Layout:
        """The same groups with other edges and current."""
        return replace(self, edges_m=vector[:-1].reshape(-1, 4).copy(), current_scale=float(vector[-1]))

    @property
    def central(self) -> np.ndarray:
        """(m,) whether a block is half of one coil across the middle plane."""
        return np.asarray(self.edges_m[:, 2] == 0.0)


def winding_densities(brief: MagnetBrief) -> Float[np.ndarray, " group"]:
    """Current density, A/m^2, of primary and shield windings; the shield's is negative."""
    primary, shield = brief.primary_wire.wire(), brief.shield_wire.wire()
    return np.array([brief.current_A / primary.area_m2, -brief.current_A / shield.area_m2])


def half_sections(layout: Layout, brief: MagnetBrief) -> Float[np.ndarray, "m 5"]:
    """The upper half's rows for the field functions."""
    density = winding_densities(brief)[layout.group] * layout.current_scale
    return np.column_stack([layout.edges_m, density])


def mirrored(half: Float[np.ndarray, "m 5"]) -> Float[np.ndarray, "m 5"]:
    """The lower half's rows."""
    return half[:, [0, 1, 3, 2, 4]] * np.array([1, 1, -1, -1, 1])


def both_halves(half: Float[np.ndarray, "m 5"]) -> Float[np.ndarray, "n 5"]:
    """All rows: the upper half, then its image."""
    return np.concatenate([half, mirrored(half)])
