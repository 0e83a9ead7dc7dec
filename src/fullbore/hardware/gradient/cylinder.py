"""One axis on its two cylinders: the brief as a convex program, its optimum as stream functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.hardware.gradient.brief import GradientBrief
from fullbore.hardware.gradient.contours import SheetCurrent
from fullbore.hardware.gradient.program import Bound, Program, solve
from fullbore.hardware.gradient.refusal import refuse_limits
from fullbore.hardware.gradient.sheet import (
    Sheet,
    axial_field,
    dissipations,
    image_field,
    inductances,
    sampled,
    slopes,
)

# Half a meridian of the volume's surface: deviations are harmonic, so they are largest there, and at phi = 0.
_MERIDIAN, _HEIGHTS, _PROFILE = 25, 120, 801
_NEAR_M = 1e-3
LINEARITY, EDDY, SPACING = "linearity", "eddy", "spacing"
# Shares of the limits that even sheets keep: turns, bridges and leads take the rest.
_TIGHTER = {LINEARITY: 0.96, EDDY: 0.55}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Optimum:
    """Stream functions of primary and shield at 1 A in the wire; what they make of it by the modes' closed forms.

    deviations: linearity and eddy as the limits define them.
    """

    sheets: tuple[SheetCurrent, SheetCurrent]
    sensitivity_T_per_m_A: float
    inductance_H: float
    gradient_square_A2: float
    deviations: dict[str, float]


def order_of(axis: str) -> int:
    """Azimuthal order of an axis's stream function."""
    return 0 if axis == "z" else 1


def sheets_of(brief: GradientBrief, axis: str) -> tuple[Sheet, Sheet]:
    """Primary and shield."""
    own, order = brief.cylinders(axis), order_of(axis)
    return (
        Sheet(radius_m=own.primary_radius_m, length_m=own.primary_length_m, modes=brief.modes, order=order),
        Sheet(radius_m=own.shield_radius_m, length_m=own.shield_length_m, modes=brief.modes, order=order),
    )


def meridian(brief: GradientBrief) -> Float[np.ndarray, "p 2"]:
    """(r, z) on a quarter of the volume's outline, m."""
    angle = np.linspace(0, np.pi / 2, _MERIDIAN)
    return np.stack([brief.volume.radius_m * np.sin(angle), brief.volume.half_length_m * np.cos(angle)], axis=1)


def axis_program(brief: GradientBrief, axis: str, turns_A: float) -> Program:
    """Amplitudes of all modes at a gradient of 1 T/m. turns_A: ampere per turn then, which sets the spacing."""
    sheets, points, order = sheets_of(brief, axis), meridian(brief), order_of(axis)
    near = np.array([[_NEAR_M, 0.0]]) if order else np.array([[0.0, _NEAR_M]])
    coordinate = points[:, 0 if order else 1]
    primary, shield = sheets
    mutual = inductances(primary, shield)
    heat = np.concatenate([dissipations(sheet) for sheet in sheets]) * _sheet_resistance(brief)
    energy = np.block([[inductances(primary, primary), mutual], [mutual.T, inductances(shield, shield)]])
    limits, largest = brief.limits, coordinate.max()
    steep = _steepness(sheets)
    return Program(
        cost=energy + brief.heat_time_s * np.diag(heat),
        equal=_beside(*(axial_field(sheet, near) for sheet in sheets)) / _NEAR_M,
        target=np.ones(1),
        bounds=(
            Bound(
                name=LINEARITY,
                rows=_beside(*(axial_field(sheet, points) for sheet in sheets)),
                target=coordinate,
                limit=_TIGHTER[LINEARITY] * limits.linearity * largest,
            ),
            Bound(
                name=EDDY,
                rows=_beside(*(image_field(sheet, brief.bore_radius_m, points) for sheet in sheets)),
                target=np.zeros(len(points)),
                limit=_TIGHTER[EDDY] * limits.eddy * largest,
            ),
            Bound(name=SPACING, rows=steep, target=np.zeros(len(steep)), limit=turns_A / limits.spacing_m),
        ),
    )


def optimum(brief: GradientBrief, axis: str, turns_A: float) -> Optimum:
    """The least energy within the limits. Errors: LimitError with the nearest limits that can be kept."""
    program = axis_program(brief, axis, turns_A)
    found = solve(program)
    if found is None:
        refuse_limits(brief, axis, program)
    amplitudes = found / turns_A
    linearity, eddy = program.bounds[:2]
    largest = np.abs(linearity.target).max()
    inductance = float(amplitudes @ (program.cost - brief.heat_time_s * _heat(brief, axis)) @ amplitudes)
    return Optimum(
        sheets=_currents(brief, axis, amplitudes),
        sensitivity_T_per_m_A=1 / turns_A,
        inductance_H=inductance,
        gradient_square_A2=float(amplitudes @ _heat(brief, axis) @ amplitudes) / _sheet_resistance(brief),
        deviations={
            LINEARITY: float(np.abs(linearity.rows @ found - linearity.target).max() / largest),
            EDDY: float(np.abs(eddy.rows @ found).max() / largest),
        },
    )


def _currents(brief: GradientBrief, axis: str, amplitudes: np.ndarray) -> tuple[SheetCurrent, SheetCurrent]:
    made = []
    for sheet, own in zip(sheets_of(brief, axis), np.split(amplitudes, 2), strict=True):
        heights = np.linspace(-sheet.length_m / 2, sheet.length_m / 2, _PROFILE)
        made.append(
            SheetCurrent(
                radius_m=sheet.radius_m,
                order=sheet.order,
                heights_m=heights,
                profile_A=sampled(sheet, heights) @ own,
                turned_rad=np.pi / 2 if axis == "y" else 0.0,
            )
        )
    return made[0], made[1]


def _sheet_resistance(brief: GradientBrief) -> float:
    """Ohm per square."""
    return brief.conductor.resistivity_ohm_m / brief.conductor.thickness_m


def _heat(brief: GradientBrief, axis: str) -> np.ndarray:
    return np.diag(np.concatenate([dissipations(s) for s in sheets_of(brief, axis)]) * _sheet_resistance(brief))


def _steepness(sheets: tuple[Sheet, Sheet]) -> np.ndarray:
    """Rows whose largest value is the largest |grad psi|: with cos(m phi) it is along z at phi = 0, or around at 90 degrees."""
    rows = []
    for index, sheet in enumerate(sheets):
        heights = np.linspace(0, sheet.length_m / 2, _HEIGHTS)
        for row in [slopes(sheet, heights)] + ([sampled(sheet, heights) * sheet.order / sheet.radius_m] if sheet.order else []):
            rows.append(np.pad(row, ((0, 0), (index * sheet.modes, (1 - index) * sheet.modes))))
    return np.concatenate(rows)


def _beside(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.concatenate([first, second], axis=1)
