"""Where currents want to be: the linear program over a fine grid of loops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import linprog

from fullbore.hardware.magnet.brief import MagnetBrief
from fullbore.hardware.magnet.constraints import ellipse_points
from fullbore.hardware.magnet.harmonics import loop_harmonics
from fullbore.hardware.magnet.layout import winding_densities
from fullbore.hardware.magnet.loop import loop_matrix

_ORDER, _POLAR, _DIRECTIONS = 30, 40, 16
_PRIMARY_CELLS, _SHIELD_CELLS = (8, 72), (4, 72)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DensityMap:
    """Filling, 0 to 1, of cells above the middle plane, one array (radial, axial) for each group.

    radii_m, heights_m: the cells' edges of each group. feasible: whether any filling keeps the limits on fields.
    excess: how much they must be relaxed, in units of themselves (0 when feasible).
    """

    filling: tuple[np.ndarray, np.ndarray]
    radii_m: tuple[np.ndarray, np.ndarray]
    heights_m: np.ndarray
    excess: float


def current_density(brief: MagnetBrief) -> DensityMap:
    """The filling of least conductor that keeps the homogeneity and the stray field of a brief.

    Cells are loops; homogeneity: Bz at points over each ball's surface; stray: |B| on the ellipse as a polygon of 16 sides.
    When no filling does, the limits on both are relaxed by the least common share.
    """
    radii, heights, cells, amounts = _cells(brief)
    homogeneous, spread = _homogeneity(brief, cells, amounts)
    stray = _stray(brief, cells, amounts)
    matrix = np.concatenate([homogeneous, -homogeneous, stray])
    centre = np.concatenate([np.full(len(homogeneous), 1.0), np.full(len(homogeneous), -1.0), np.zeros(len(stray))])
    width = np.concatenate([spread, spread, np.ones(len(stray))])
    scale = 1 / np.maximum(width, 1e-9)
    volume = np.abs(amounts) * cells[:, 0]
    excess = 0.0
    found = _solve(volume / volume.max(), matrix * scale[:, None], (centre + width) * scale)
    if found is None:
        stretched = np.column_stack([matrix * scale[:, None], -width * scale])
        relaxed = _solve(np.append(1e-6 * volume / volume.sum(), 1.0), stretched, (centre + width) * scale, free_last=True)
        assert relaxed is not None  # any filling will do when limits may be stretched
        found, excess = relaxed[:-1], float(relaxed[-1])
    shapes = (_PRIMARY_CELLS, _SHIELD_CELLS)
    parts = np.split(found, [_PRIMARY_CELLS[0] * _PRIMARY_CELLS[1]])
    filling = tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
    return DensityMap(filling=(filling[0], filling[1]), radii_m=radii, heights_m=heights, excess=excess)


def _cells(
    brief: MagnetBrief,
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
    space = brief.space
    radii = (
        np.linspace(space.inner_radius_m, space.inner_radius_m + space.primary_build_m, _PRIMARY_CELLS[0] + 1),
        np.linspace(space.outer_radius_m - space.shield_build_m, space.outer_radius_m, _SHIELD_CELLS[0] + 1),
    )
    heights = np.linspace(0, space.length_m / 2, _PRIMARY_CELLS[1] + 1)
    centres, amounts = [], []
    for edges, density in zip(radii, winding_densities(brief), strict=True):
        r, z = np.meshgrid((edges[1:] + edges[:-1]) / 2, (heights[1:] + heights[:-1]) / 2, indexing="ij")
        centres.append(np.column_stack([r.ravel(), z.ravel()]))
        amounts.append(np.full(r.size, density * (edges[1] - edges[0]) * (heights[1] - heights[0])))
    return radii, heights, np.concatenate(centres), np.concatenate(amounts)


def _homogeneity(
    brief: MagnetBrief, cells: Float[np.ndarray, "n 2"], amounts: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "p n"], Float[np.ndarray, " p"]]:
    """Bz over B0 on the balls' surfaces, and the half width allowed."""
    largest = max(ball.diameter_m for ball in brief.homogeneity) / 2
    coefficients = 2 * loop_harmonics(cells[:, 0], cells[:, 1], _ORDER, largest)[::2] * amounts / brief.b0_T
    polar = np.polynomial.legendre.legvander(np.cos(np.linspace(0, np.pi / 2, _POLAR)), _ORDER)[:, ::2]
    rows = [polar * (ball.diameter_m / 2 / largest) ** np.arange(0, _ORDER + 1, 2) @ coefficients for ball in brief.homogeneity]
    widths = [np.full(_POLAR, ball.peak_to_peak / 2) for ball in brief.homogeneity]
    return np.concatenate(rows), np.concatenate(widths)


def _stray(brief: MagnetBrief, cells: Float[np.ndarray, "n 2"], amounts: Float[np.ndarray, " n"]) -> Float[np.ndarray, "p n"]:
    """Components of B on the ellipse in 16 directions, over the limit of a polygon within the circle."""
    points = ellipse_points(brief)
    fields = (loop_matrix(points, cells) + loop_matrix(points, cells * np.array([1, -1]))) * amounts
    angles = 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    limit = brief.stray.field_T * np.cos(np.pi / _DIRECTIONS)
    return np.concatenate([np.cos(angle) * fields[0] + np.sin(angle) * fields[1] for angle in angles]) / limit


def _solve(
    cost: Float[np.ndarray, " v"], matrix: Float[np.ndarray, "q v"], bound: Float[np.ndarray, " q"], free_last: bool = False
) -> Float[np.ndarray, " v"] | None:
    bounds = [(0.0, 1.0)] * len(cost)
    if free_last:
        bounds[-1] = (0.0, np.inf)
    found = linprog(cost, A_ub=matrix, b_ub=bound, bounds=bounds, method="highs")
    return np.asarray(found.x) if found.status == 0 else None
