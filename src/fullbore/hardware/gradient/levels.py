"""Which lines of the stream function become turns: levels moved a little, so that few turns keep the limits that a sheet kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.errors import LimitError
from fullbore.hardware.gradient.brief import GradientBrief
from fullbore.hardware.gradient.contours import Loop, SheetCurrent, cylinder_loops
from fullbore.hardware.gradient.cylinder import EDDY, LINEARITY, Optimum, meridian
from fullbore.hardware.gradient.images import image_field
from fullbore.hardware.gradient.program import Bound, Program, solve, widened, widening
from fullbore.hardware.gradient.segments import wire_field

# Steps of a turn: for slopes by differences; the most that a level moves from the middle between whole steps. Rounds.
_PROBE, _MOST, _ROUNDS = 0.02, 0.3, 2
_NEAR_M = 5e-3
# Bridges and leads still come: the turns alone keep a little more than was asked.
_TIGHTER = {LINEARITY: 0.98, EDDY: 0.65}


Wound = Callable[["Turns"], Float[np.ndarray, "n 3"]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Turns:
    """Turns of primary and shield; shifts: how far each level was moved, per sheet, in steps."""

    loops: tuple[list[Loop], list[Loop]]
    shifts: tuple[Float[np.ndarray, " a"], Float[np.ndarray, " b"]]

    @property
    def strain(self) -> float:
        """The farthest that a level was moved, in steps."""
        return max((float(np.abs(own).max()) for own in self.shifts if len(own)), default=0.0)


def place_turns(brief: GradientBrief, axis: str, best: Optimum, wound: Wound) -> Turns:
    """Turns at 1 A each. The least shifts (sum of squares) that bring linearity, eddy field and sensitivity to what was asked.

    wound: the wire of some turns. The last round counts with the field that its bridges and leads add; with their own image, a
    pair's beside itself, it does not.

    Errors: LimitError where a sheet holds no turn.
    """
    counts = [len(level_shifts(sheet)) for sheet in best.sheets]
    if not all(counts):
        drive = brief.drive
        raise LimitError(
            f"gradient brief {brief.name}, axis {axis}: {1e3 * drive.amplitude_T_per_m:.4g} mT/m at {drive.current_A:.4g} A asks "
            "for less than one turn (binding: turns). Ask for more amplitude, or take less current."
        )
    shifts = np.zeros(sum(counts))
    for number in range(_ROUNDS):
        now, rates = _responses(brief, axis, best.sheets, shifts, counts)
        if number == _ROUNDS - 1:
            now = now + _leads(brief, axis, _turns(best, shifts, counts), wound)
        shifts = _next_shifts(brief, axis, best, shifts, now, rates)
    return _turns(best, shifts, counts)


def _turns(best: Optimum, shifts: np.ndarray, counts: list[int]) -> Turns:
    first, second = shifts[: counts[0]], shifts[counts[0] :]
    return Turns(
        loops=(cylinder_loops(best.sheets[0], 1.0, first), cylinder_loops(best.sheets[1], 1.0, second)), shifts=(first, second)
    )


def _leads(brief: GradientBrief, axis: str, turns: Turns, wound: Wound) -> np.ndarray:
    """Rows of the wire less those of its turns."""
    points, own = _points(brief, axis), [_closed(loop.points_m) for loops in turns.loops for loop in loops]
    field = (wire_field(points, [_closed(wound(turns))]) - wire_field(points, own))[:, 2]
    return np.concatenate([field[:-2], np.zeros(len(points) - 2), [(field[-2] - field[-1]) / (2 * _NEAR_M)]])


def _closed(points: np.ndarray) -> np.ndarray:
    return np.concatenate([points, points[:1]])


def level_shifts(sheet: SheetCurrent) -> Float[np.ndarray, " n"]:
    """No shift for every level of a sheet at 1 A a turn."""
    return np.zeros(int(np.floor(float(np.abs(sheet.profile_A).max()) + 0.5)))


def _next_shifts(
    brief: GradientBrief, axis: str, best: Optimum, shifts: np.ndarray, now: np.ndarray, rates: np.ndarray
) -> np.ndarray:
    """The program around the turns as they are: rows are field on the meridian, image field there, gradient at the centre."""
    points = meridian(brief)
    coordinate = points[:, 1 if axis == "z" else 0]
    count, wanted = len(points), best.sensitivity_T_per_m_A
    constant = now - rates @ shifts
    scale = wanted * coordinate.max()

    def bound(name: str, rows: slice, target: np.ndarray, limit: float) -> Bound:
        return Bound(name=name, rows=rates[rows] / scale, target=(target - constant[rows]) / scale, limit=limit)

    program = Program(
        cost=np.eye(len(shifts)),
        equal=rates[2 * count :] / wanted,
        target=1 - constant[2 * count :] / wanted,
        bounds=(
            bound(LINEARITY, slice(0, count), wanted * coordinate, _TIGHTER[LINEARITY] * brief.limits.linearity),
            bound(EDDY, slice(count, 2 * count), np.zeros(count), _TIGHTER[EDDY] * brief.limits.eddy),
            Bound(name="shift", rows=np.eye(len(shifts)), target=np.zeros(len(shifts)), limit=_MOST),
        ),
    )
    found = solve(program)
    if found is None:
        more = widening(program, (LINEARITY, EDDY))
        found = None if more is None else solve(widened(program, (LINEARITY, EDDY), more * 1.01 + 1e-4))
    return shifts if found is None else found


def _responses(
    brief: GradientBrief, axis: str, sheets: tuple[SheetCurrent, SheetCurrent], shifts: np.ndarray, counts: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Rows now, and their slopes with each shift: a level's turns answer for themselves alone."""
    parts, offset = [], 0
    for sheet, count in zip(sheets, counts, strict=True):
        own = shifts[offset : offset + count]
        at, beside = (_by_level(brief, axis, cylinder_loops(sheet, 1.0, own + step), count) for step in (0.0, _PROBE))
        parts.append((at, (beside - at) / _PROBE))
        offset += count
    now = sum((at.sum(axis=1) for at, _ in parts), np.zeros(len(parts[0][0])))
    return now, np.concatenate([rate for _, rate in parts], axis=1)


def _points(brief: GradientBrief, axis: str) -> np.ndarray:
    """The meridian where an axis's field is largest, then two points beside the centre."""
    flat = meridian(brief)
    turned = {"x": (1.0, 0.0), "y": (0.0, 1.0), "z": (1.0, 0.0)}[axis]
    near = _NEAR_M * np.eye(3)["xyz".index(axis)]
    return np.concatenate(
        [np.stack([flat[:, 0] * turned[0], flat[:, 0] * turned[1], flat[:, 1]], axis=1), near[None], -near[None]]
    )


def _by_level(brief: GradientBrief, axis: str, loops: list[Loop], count: int) -> np.ndarray:
    """Rows by level: Bz on the meridian, image Bz there, gradient at the centre, T/A and T/m/A."""
    points = _points(brief, axis)
    rows = np.zeros((2 * len(points) - 3, count))
    for level in range(count):
        own = [loop.points_m for loop in loops if depth_of(loop) == level]
        if own:
            field = wire_field(points, [_closed(p) for p in own])[:, 2]
            image = image_field(points[:-2], own, brief.bore_radius_m, orders=(1, 3) if axis != "z" else (0,))
            rows[:, level] = np.concatenate([field[:-2], image, [(field[-2] - field[-1]) / (2 * _NEAR_M)]])
    return rows


def depth_of(loop: Loop) -> int:
    """Steps from zero, whatever the sign."""
    return loop.level if loop.level >= 0 else -1 - loop.level
