"""Sheet, turns, one wire; and again: the sheet changes until the wire itself, with its whole turns, bridges and leads, keeps the
limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from fullbore.errors import LimitError
from fullbore.hardware.gradient.contours import Loop
from fullbore.hardware.gradient.figures import centre_gradient, circuit_figures, moment_A_m2
from fullbore.hardware.gradient.images import image_field
from fullbore.hardware.gradient.segments import wire_field
from fullbore.hardware.gradient.surface_brief import SurfaceBrief
from fullbore.hardware.gradient.surface_design import (
    SurfaceCoil,
    SurfaceProgram,
    best_of,
    coil_of,
    crests,
    form_bound,
    nearest_of,
    turns_answer,
)
from fullbore.hardware.gradient.surface_figures import closed, surface_field_figures, surface_widths
from fullbore.hardware.gradient.surface_wire import SurfaceTrack, TrackRoom, clearest_track, windable
from fullbore.hardware.gradient.triangles import current_maps

# Shares of the limits that a sheet keeps before its wire is known (as on cylinders: whole turns take the rest), and those that
# the next wire is to keep (as on cylinders: it is not quite what was foretold). Wires in all.
# Inductance and resistance stand in the program as their roots.
_FIRST = {"linearity": 0.95, "eddy": 0.6, "torque": 0.5, "inductance": 0.99}
_AGAIN, _ROUNDS = {"linearity": 0.98, "eddy": 0.65, "torque": 0.5, "inductance": 0.998, "resistance": 0.998}, 5
# Numbers of turns that are tried: as many as the amplitude asks for, and up to this share more.
_MORE_TURNS = np.linspace(1.0, 1.08, 9)
MOST_TURNS = float(_MORE_TURNS[-1])
# Levels that lie so far from all crests of psi, in turns, are off them.
_CLEAR_TURNS = 0.2
# The least share of itself that a sheet's resistance may be asked to keep.
_LEAST = 0.05
# Where psi is flatter than this share of its mean slope, a sheet's resistance counts as there.
_FLAT = 0.05
# Turns for this much more than the amplitude asked, so that bridges and leads do not eat into it.
_LEADS_TAKE = 1.003


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wound:
    """best: at 1 T/m. psi: in turns. gap_m: the least distance between the wire's middles."""

    best: SurfaceCoil
    psi: Float[np.ndarray, " n"]
    track: SurfaceTrack
    gap_m: float


def wire_within(brief: SurfaceBrief, asked: SurfaceProgram, layers: Float[np.ndarray, " t"], room: TrackRoom) -> Wound:
    """The first wire that keeps the brief's limits, else the one that misses them least. layers: of triangles, 1 a shield's.

    Errors: LimitError where no sheet keeps them at first, or no turns can be joined.
    """
    turns = _whole_turns(brief, asked, room)
    tried: list[tuple[float, int, Wound]] = []
    for number in range(_ROUNDS):
        psi = asked.modes @ turns
        try:
            like = tried[-1][2].track if tried else None
            track, gap = clearest_track(asked.surface, psi, layers, room, brief.conductor, like)
        except LimitError:
            if not tried:
                raise
            break
        circuit = _circuit(brief, asked, psi, track)
        worst = max([*reached(brief, [track.closed_m]).values(), *circuit.values()])
        tried.append((worst, number, Wound(best=coil_of(asked, turns), psi=psi, track=track, gap_m=gap)))
        nearest = None if worst <= 1 else _nearest(brief, asked, turns, [track.closed_m], track.loops, circuit)
        if nearest is None:
            break
        turns = nearest
    return min(tried, key=lambda one: one[:2])[2]


def _circuit(brief: SurfaceBrief, asked: SurfaceProgram, psi: np.ndarray, track: SurfaceTrack) -> dict[str, float]:
    """Inductance and resistance of a wire over their limits, where there are any."""
    limits = {"inductance": brief.limits.inductance_H, "resistance": brief.limits.resistance_ohm}
    if not any(limits.values()):
        return {}
    widths = surface_widths(asked.surface, psi, track.closed_m, track.laid, brief.conductor)
    found = circuit_figures(track.closed_m, widths, brief.conductor)
    values = {"inductance": found["inductance_H"], "resistance": found["resistance_ohm"]}
    return {name: values[name] / limit for name, limit in limits.items() if limit is not None}


def _whole_turns(brief: SurfaceBrief, asked: SurfaceProgram, room: TrackRoom) -> np.ndarray:
    """Amplitudes of a sheet in turns (A at 1 A a turn) whose turns, not joined yet, keep the limits or nearly so.

    Errors: LimitError where no sheet keeps the limits, or none makes a turn.
    """
    best = best_of(asked, _FIRST)
    turns = best.amplitudes / _turn_A(brief, best, room)
    for _ in range(_ROUNDS):
        loops = windable(asked.surface, asked.modes @ turns, room.space)
        paths = [closed(loop) for loop in loops]
        if not paths or max(_unjoined(brief, paths).values()) <= 1:
            break
        nearest = _nearest(brief, asked, turns, paths, loops)
        if nearest is None:
            break
        turns = nearest
    return turns


def _turn_A(brief: SurfaceBrief, best: SurfaceCoil, room: TrackRoom) -> float:
    """Current of a turn at 1 T/m: the most whose turns keep the limits, else that of the turns that miss them least.

    Turns at a crest of psi may be anywhere: where some currents keep levels off the crests, only these are tried.
    Errors: LimitError where none makes a turn.
    """
    asked = brief.drive.current_A / (brief.drive.amplitude_T_per_m * _LEADS_TAKE)
    currents = asked / _MORE_TURNS
    clear = np.abs(np.outer(1 / currents, best.psi_A[crests(best.surface, best.psi_A)]) % 1 - 0.5).min(axis=1, initial=0.5)
    tried: list[tuple[float, float]] = []
    for turn_A in currents[clear >= _CLEAR_TURNS] if (clear >= _CLEAR_TURNS).any() else currents:
        loops = windable(best.surface, best.psi_A / turn_A, room.space)
        if loops:
            tried.append((max(_unjoined(brief, [closed(loop) for loop in loops]).values()), float(turn_A)))
            if tried[-1][0] <= 1:
                break
    if not tried:
        raise LimitError(
            f"gradient brief {brief.name}: {1e3 * brief.drive.amplitude_T_per_m:.4g} mT/m at {brief.drive.current_A:.4g} A asks "
            "for less than one turn (binding: turns). Ask for more amplitude, or take less current."
        )
    return min(tried)[1]


def _nearest(
    brief: SurfaceBrief,
    asked: SurfaceProgram,
    turns: np.ndarray,
    paths: list[np.ndarray],
    loops: list[Loop],
    circuit: Mapping[str, float] = MappingProxyType({}),
) -> np.ndarray | None:
    """Amplitudes in turns that bring closed paths, of those turns, within the limits; None where none do. circuit: inductance
    and resistance of the paths over their limits."""
    points, gradient = asked.task.points_m, centre_gradient(paths, brief.axis)
    # at this current of a turn they make 1 T/m; the one asked for where they fall short of the amplitude, or have turns to spare
    turn_A = brief.drive.current_A / (brief.drive.amplitude_T_per_m * _LEADS_TAKE)
    if max(circuit.values(), default=0.0) <= 1:
        turn_A = min(1 / gradient, turn_A)
    makes = {
        "linearity": turn_A * wire_field(points, paths)[:, 2],
        "gradient": np.array([turn_A * gradient]),
        "torque": turn_A * sum((moment_A_m2(path) for path in paths), np.zeros(3))[:2],
    }
    if brief.bore_radius_m is not None:
        makes["eddy"] = turn_A * image_field(points, [path[:-1] for path in paths], brief.bore_radius_m)
    answer = turns_answer(asked.surface, asked.modes @ turns, asked.modes, loops)
    answer = turns_answer(asked.surface, asked.modes @ turns, asked.modes, loops)
    program, shares = _with_circuit(brief, asked, turns, turn_A, circuit)
    found = nearest_of(program, shares, turn_A * turns, makes, answer)
    return None if found is None else found / turn_A


def _with_circuit(
    brief: SurfaceBrief, asked: SurfaceProgram, turns: np.ndarray, turn_A: float, circuit: Mapping[str, float]
) -> tuple[SurfaceProgram, dict[str, float]]:
    """The program at a current of a turn, and shares of its limits: a next wire's inductance and resistance are as many times its
    sheet's as this one's are. Limits that no circuit is known for are left out."""
    bounds = {bound.name: bound for bound in asked.program.bounds}
    inductance, shares = bounds.pop("inductance", None), dict(_AGAIN)
    if inductance is not None and "inductance" in circuit:
        bounds["inductance"] = inductance
        now = turn_A * float(np.linalg.norm(inductance.rows @ turns)) / inductance.limit
        shares["inductance"] *= now / float(np.sqrt(circuit["inductance"]))
    if "resistance" in circuit:
        form = _resistance_form(brief, asked, turns)
        bounds["resistance"] = form_bound("resistance", form, turn_A**2 * float(turns @ form @ turns))
        # of the square over what it is now, twice the share that the resistance loses has to go
        shares["resistance"] *= float(np.sqrt(max(2 / circuit["resistance"] - 1, _LEAST)))
    return replace(asked, program=replace(asked.program, bounds=tuple(bounds.values()))), shares


def _resistance_form(brief: SurfaceBrief, asked: SurfaceProgram, turns: np.ndarray) -> np.ndarray:
    """Resistance of a sheet's turns, (k, k), with the widths that its spacing leaves now: |grad psi| / width per area, where for
    |grad psi| stands its square over what it is now; half that and half what it is now is never less."""
    conductor = brief.conductor
    flows = [part @ asked.modes for part in current_maps(asked.surface)]
    steep = np.linalg.norm([flow @ turns for flow in flows], axis=0)
    steep = np.maximum(steep, _FLAT * float(np.sqrt(np.average(steep**2, weights=asked.surface.areas_m2))))
    widths = np.clip(1 / steep - conductor.gap_m, conductor.width_m, conductor.widest_m)
    weights = asked.surface.areas_m2 / (steep * widths) * conductor.resistivity_ohm_m / conductor.thickness_m
    return np.asarray(sum(flow.T @ (weights[:, None] * flow) for flow in flows))


def _unjoined(brief: SurfaceBrief, loops: list[np.ndarray]) -> dict[str, float]:
    """As `reached`, of turns that leads are still to join: those decide on the torque."""
    return {name: share for name, share in reached(brief, loops, _LEADS_TAKE).items() if name != "torque"}


def reached(brief: SurfaceBrief, paths: list[np.ndarray], less: float = 1.0) -> dict[str, float]:
    """Of closed paths: linearity, torque and eddy field over their limits, and the amplitude that is asked over theirs, counted
    as so much less."""
    found, limits, drive = surface_field_figures(brief, paths), brief.limits, brief.drive
    amplitude = found["sensitivity_T_per_m_A"] * drive.current_A / less
    moment = sum((moment_A_m2(path) for path in paths), np.zeros(3))
    shares = {
        "linearity": found["linearity_percent"] / (100 * limits.linearity),
        "amplitude": drive.amplitude_T_per_m / amplitude,
        "torque": float(np.linalg.norm(moment[:2])) * drive.current_A * brief.b0_T / limits.torque_Nm,
    }
    return shares if limits.eddy is None else shares | {"eddy": found["eddy_percent"] / (100 * limits.eddy)}
