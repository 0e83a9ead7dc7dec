"""Lines of a stream function on a cylinder: closed loops in space, each with its level, running the way the current does."""

from __future__ import annotations

from dataclasses import dataclass

import contourpy
import numpy as np
from jaxtyping import Float

# Length of a turn's straight pieces: chords stay within 0.15 mm of an arc of 0.4 m, and areas within 1e-4.
SPACING_M = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loop:
    """One closed turn, (n, 3) m without repeating its first point; level: whole number of steps, signed."""

    points_m: Float[np.ndarray, "n 3"]
    level: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SheetCurrent:
    """psi(phi, z) = cos(m (phi - turned)) s(z) on a cylinder, ampere; heights_m (z,), profile_A (z,) its s."""

    radius_m: float
    order: int
    heights_m: Float[np.ndarray, " z"]
    profile_A: Float[np.ndarray, " z"]
    turned_rad: float = 0.0

    def sampled(self, angles_rad: Float[np.ndarray, " a"]) -> Float[np.ndarray, "a z"]:
        """The stream function at angles by heights, A."""
        return np.cos(self.order * (angles_rad - self.turned_rad))[:, None] * self.profile_A


def cylinder_loops(sheet: SheetCurrent, step_A: float, shifts: Float[np.ndarray, " n"] | None = None) -> list[Loop]:
    """Turns at (whole + 1/2) steps of the stream function, each to carry one step: none lies at zero, where no current circles.

    shifts: steps by which each level moves away from zero, the same on both sides of it.
    """
    if sheet.order == 0:
        return _rings(sheet, step_A, shifts)
    # From a quarter of a period before its crest on, no line crosses the seam: the stream function is zero there.
    angles = sheet.turned_rad - np.pi / (2 * sheet.order) + np.linspace(0, 2 * np.pi, 361)
    lines = contourpy.contour_generator(sheet.heights_m, angles, sheet.sampled(angles))
    found = []
    for level, value in _levels(sheet, step_A, shifts):
        for line in lines.lines(value):
            flat = np.asarray(line)[::-1]  # contourpy has higher values to the left in (z, phi): current runs against its lines
            points = _on_cylinder(sheet.radius_m, flat[:, 1], flat[:, 0])
            if len(points) > 4 and np.allclose(points[0], points[-1]):
                found.append(Loop(points_m=evenly(points), level=level))
    return found


def evenly(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "o 3"]:
    """A closed line (last point = first) cut into equal parts, without the repeated point."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    places = np.linspace(0, along[-1], max(12, round(along[-1] / SPACING_M)) + 1)[:-1]
    return np.stack([np.interp(places, along, points[:, axis]) for axis in range(3)], axis=1)


def _levels(sheet: SheetCurrent, step: float, shifts: np.ndarray | None) -> list[tuple[int, float]]:
    """Whole numbers of the levels and their values, A."""
    most = int(np.floor(float(np.abs(sheet.profile_A).max()) / step + 0.5)) if shifts is None else len(shifts)
    away = np.zeros(most) if shifts is None else shifts
    values = (np.arange(most) + 0.5 + away) * step
    return [(-1 - n, -float(values[n])) for n in reversed(range(most))] + [(n, float(values[n])) for n in range(most)]


def _on_cylinder(radius: float, angles: np.ndarray, heights: np.ndarray) -> np.ndarray:
    return np.stack([radius * np.cos(angles), radius * np.sin(angles), heights], axis=-1)


def _rings(sheet: SheetCurrent, step: float, shifts: np.ndarray | None) -> list[Loop]:
    """Rings where a profile without angle crosses a level; current runs along phi where it rises."""
    count = max(12, round(2 * np.pi * sheet.radius_m / SPACING_M))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    found, psi, heights = [], sheet.profile_A, sheet.heights_m
    for level, value in _levels(sheet, step, shifts):
        above = psi > value
        for index in np.flatnonzero(above[1:] != above[:-1]):
            share = (value - psi[index]) / (psi[index + 1] - psi[index])
            height = heights[index] + share * (heights[index + 1] - heights[index])
            turn = angles if above[index + 1] else angles[::-1]
            found.append(Loop(points_m=_on_cylinder(sheet.radius_m, turn, np.full(count, height)), level=level))
    return found
