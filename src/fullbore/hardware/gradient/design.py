"""From a brief to three wires."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
from jaxtyping import Float

from fullbore.errors import LimitError
from fullbore.hardware.gradient.brief import Conductor, GradientBrief
from fullbore.hardware.gradient.coil import GradientCoil, GradientCoils
from fullbore.hardware.gradient.cylinder import EDDY, LINEARITY, Optimum, optimum
from fullbore.hardware.gradient.figures import turn_estimates, wire_figures
from fullbore.hardware.gradient.leads import LeadRoom, cylinder_track
from fullbore.hardware.gradient.levels import Turns, place_turns
from fullbore.hardware.gradient.refusal import refuse_drive
from fullbore.hardware.gradient.segments import mutual_inductance
from fullbore.hardware.gradient.tracks import least_spacing_m

Tell = Callable[[float, str], None]

# Turns for this much more than the amplitude asked, so that bridges and leads do not eat into it; and up to the second,
# so that no level lies where the stream function is flat: a turn there could be anywhere.
_AMPLITUDE_ROOM = (1.01, 1.07)
_FLAT_TURNS = 0.3
# Levels that had to move so far (steps) may not keep the limits: another number of turns is tried.
_STRAINED = 0.29
# Middles of leads lie this many widths and gaps apart, so that chords and levels that move leave the gap.
_PITCH = 1.1
# Side to which leads leave primary and shield: x into the layer of y where that has no turns, y into that of x, z into the room
# between: y is wound over x, and z between them.
_SIDES = {"x": (1, 1), "y": (-1, -1), "z": (1, -1)}
# The integral between two axes sees them from afar: a wire's own section does not matter.
_ANY_DISTANCE_M = 1e-3


def design_gradient(brief: GradientBrief, tell: Tell = lambda fraction, what: None) -> GradientCoils:
    """Three coils as wound. tell(fraction done, what is being done).

    Errors: LimitError when no current on the cylinders keeps the limits, or the amplifier cannot drive the least energy: the
    message names the limit that binds and the nearest brief.
    """
    made = []
    for index, axis in enumerate("xyz"):

        def told(share: float, what: str, done: int = index, axis: str = axis) -> None:
            tell((done + share) / 3.2, f"{axis}: {what}")

        made.append(design_axis(brief, axis, told))
    tell(3 / 3.2, "mutual inductances")
    coils = (made[0], made[1], made[2])
    return GradientCoils(name=brief.name, coils=coils, mutual_H=_mutual(coils), source=brief.source)


def design_axis(brief: GradientBrief, axis: str, tell: Tell = lambda fraction, what: None) -> GradientCoil:
    """One axis: convex program, turns, one wire, its figures. Errors: as `design_gradient`."""
    drive = brief.drive
    tell(0.0, "convex program")
    turns_A = drive.current_A / (drive.amplitude_T_per_m * _AMPLITUDE_ROOM[0])
    best = optimum(brief, axis, turns_A)
    least, clearest = _whole_turns(best)
    tried = [_placed(brief, axis, turns_A / least, tell)]
    if tried[0][1].strain >= _STRAINED and clearest > least:
        with suppress(LimitError):  # more turns may ask for more volts than there are
            tried.append(_placed(brief, axis, turns_A / clearest, tell))
    best, turns = min(tried, key=lambda one: one[1].strain)
    tell(0.5, "one wire, its field and inductance")
    return _wound(brief, axis, best, turns)


def _placed(brief: GradientBrief, axis: str, turns_A: float, tell: Tell) -> tuple[Optimum, Turns]:
    """Sheets of so many turns, and the turns."""
    best = optimum(brief, axis, turns_A)
    between, resistance = turn_estimates(best.sheets, brief.conductor)
    refuse_drive(brief, axis, best.inductance_H + between, resistance)
    tell(0.1, "turns")
    return best, place_turns(brief, axis, best, lambda some: wire_of(brief, axis, some))


def _whole_turns(best: Optimum) -> tuple[float, float]:
    """Factors on all turns: the least that keeps the extremes of both stream functions off the levels, and the one that keeps
    them farthest off."""
    peaks = np.array([np.abs(sheet.profile_A).max() for sheet in best.sheets])
    factors = np.linspace(1, _AMPLITUDE_ROOM[1] / _AMPLITUDE_ROOM[0], 31)
    clear = np.abs(np.outer(factors, peaks) % 1 - 0.5).min(axis=1)
    good = np.flatnonzero(clear >= _FLAT_TURNS)
    farthest = float(factors[clear.argmax()])
    return float(factors[good[0]]) if len(good) else farthest, farthest


def lead_room(conductor: Conductor, axis: str) -> LeadRoom:
    """A step off the layer is what plates on one another take."""
    step = max(conductor.width_m, conductor.thickness_m) + conductor.gap_m
    low, high = _SIDES[axis]
    return LeadRoom(pitch_m=_PITCH * (conductor.width_m + conductor.gap_m), lift_m=(low * step, high * step))


def wire_of(brief: GradientBrief, axis: str, turns: Turns) -> Float[np.ndarray, "n 3"]:
    """All turns of an axis in series, with their leads."""
    own = brief.cylinders(axis)
    layers = list(zip((own.primary_radius_m, own.shield_radius_m), turns.loops, strict=True))
    return cylinder_track(layers, lead_room(brief.conductor, axis))


def _wound(brief: GradientBrief, axis: str, best: Optimum, turns: Turns) -> GradientCoil:
    track = wire_of(brief, axis, turns)
    figures = wire_figures(np.concatenate([track, track[:1]]), axis, brief, best.sheets)
    figures["spacing_primary_m"], figures["spacing_shield_m"] = (least_spacing_m(loops) for loops in turns.loops)
    figures |= {
        "sheet_sensitivity_T_per_m_A": best.sensitivity_T_per_m_A,
        "sheet_inductance_H": best.inductance_H,
        "sheet_and_gaps_inductance_H": best.inductance_H + turn_estimates(best.sheets, brief.conductor)[0],
        "sheet_linearity_percent": 100 * best.deviations[LINEARITY],
        "sheet_eddy_percent": 100 * best.deviations[EDDY],
    }
    return GradientCoil(
        axis=axis,
        sheets=best.sheets,
        track_m=track,
        turns=(len(turns.loops[0]), len(turns.loops[1])),
        sensitivity_T_per_m_A=figures["sensitivity_T_per_m_A"],
        inductance_H=figures["inductance_H"],
        resistance_ohm=figures["resistance_ohm"],
        figures={name: float(value) for name, value in figures.items()},
    )


def _mutual(coils: tuple[GradientCoil, GradientCoil, GradientCoil]) -> np.ndarray:
    found = np.diag([coil.inductance_H for coil in coils])
    for i, j in ((0, 1), (0, 2), (1, 2)):
        found[i, j] = found[j, i] = mutual_inductance([coils[i].closed_m], [coils[j].closed_m], _ANY_DISTANCE_M)
    return found
