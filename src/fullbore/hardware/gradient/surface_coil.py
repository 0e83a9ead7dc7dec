"""From drawn surfaces to turns: their mesh, the convex program on it, whole turns, and what these make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from fullbore.errors import LimitError, UsageError
from fullbore.hardware.gradient.brief import Conductor
from fullbore.hardware.gradient.contours import Loop
from fullbore.hardware.gradient.figures import centre_gradient, volume_points
from fullbore.hardware.gradient.images import image_field
from fullbore.hardware.gradient.meshing import longest_edge_m, refined
from fullbore.hardware.gradient.segments import mutual_inductance, wire_field
from fullbore.hardware.gradient.surface_brief import SurfaceBrief
from fullbore.hardware.gradient.surface_design import (
    SurfaceCoil,
    SurfaceProgram,
    SurfaceTask,
    best_of,
    surface_loops,
    surface_program,
)
from fullbore.hardware.gradient.tracks import least_spacing_m
from fullbore.hardware.gradient.triangles import Surface, current_maps, joined

Tell = Callable[[float, str], None]

# Triangles that a surface is cut into where the brief names no edge; lengths of edges are tried by this factor.
_TRIANGLES, _LONGER = 3000, 1.2
# Shares of the limits that even sheets keep at first: whole turns take the rest (as on cylinders). Where turns miss a limit
# it is
# asked for again, tighter by what they missed and this much more, so many times in all.
_FIRST, _AGAIN, _ROUNDS = {"linearity": 0.95, "eddy": 0.6}, 0.95, 3
# Numbers of turns that are tried: as many as the amplitude asks for, and up to this share more.
_MORE_TURNS = np.linspace(1.0, 1.08, 9)
# No coil for a patient is smaller or larger from end to end, m: what is, has another unit.
_SIZES_M = (0.02, 5.0)
PER_UNIT_M = {"mm": 1e-3, "cm": 1e-2, "m": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TurnsOnSurface:
    """One axis on drawn surfaces: its mesh, the stream function (A at 1 A a turn) at nodes, closed turns in series at 1 A.

    layers: of every triangle, 0 primary, 1 shield. figures: value per figure of merit, its unit at the end of its name.
    """

    axis: str
    surface: Surface
    layers: Float[np.ndarray, " t"]
    psi_turns: Float[np.ndarray, " n"]
    turns_m: tuple[Float[np.ndarray, "_ 3"], ...]
    figures: dict[str, float] = field(default_factory=dict)


def refuse_size(nodes: Float[np.ndarray, "n 3"], unit: str, name: str) -> None:
    """Coordinates in a file's unit. Errors: UsageError for a surface of no coil's size, with the unit that would make it one."""
    size = float(np.ptp(nodes, axis=0).max())
    if _SIZES_M[0] <= size * PER_UNIT_M[unit] <= _SIZES_M[1]:
        return
    fit = [one for one, scale in PER_UNIT_M.items() if _SIZES_M[0] <= size * scale <= _SIZES_M[1]]
    advice = f"In {fit[0]} it would be {size * PER_UNIT_M[fit[0]]:.4g} m: give --unit {fit[0]}." if fit else "Scale the drawing."
    raise UsageError(
        f"surface {name}: {size * PER_UNIT_M[unit]:.4g} m from end to end in {unit}, "
        f"wanted {_SIZES_M[0]:g} to {_SIZES_M[1]:g} m. {advice}"
    )


def design_on_surfaces(
    brief: SurfaceBrief, primary: Surface, shield: Surface | None = None, tell: Tell = lambda fraction, what: None
) -> TurnsOnSurface:
    """Mesh, program, turns, figures. tell(fraction done, what is being done).

    Errors: UsageError for a surface in the imaging volume or beyond the bore; LimitError for limits that no current keeps,
    a mesh of
    too many triangles, or a voltage that is not enough.
    """
    tell(0.0, "triangles")
    given = [one for one in (primary, shield) if one is not None]
    meshes = [_meshed(one, brief, len(given)) for one in given]
    for mesh, name in zip(meshes, (brief.surface, brief.shield_surface), strict=False):
        refuse_places(mesh, brief, str(name))
    surface = meshes[0] if len(meshes) == 1 else joined(*meshes)
    layers = np.repeat(np.arange(len(meshes)), [len(mesh.triangles) for mesh in meshes])
    tell(0.1, "convex program")
    asked = surface_program(surface, task_of(brief))
    tell(0.5, "turns")
    best, psi, turns = _turns_within(brief, asked)
    tell(0.9, "inductance of the turns")
    figures = _figures(brief, best, surface, psi, turns)
    _refuse_voltage(brief, figures)
    paths = tuple(closed(loop) for loop in turns)
    return TurnsOnSurface(
        axis=brief.axis, surface=surface, layers=layers.astype(np.float64), psi_turns=psi, turns_m=paths, figures=figures
    )


def closed(loop: Loop) -> Float[np.ndarray, "c 3"]:
    """A turn with its first point again at its end."""
    return np.concatenate([loop.points_m, loop.points_m[:1]])


def task_of(brief: SurfaceBrief) -> SurfaceTask:
    """What the sheet must keep, so that turns keep the brief."""
    limits, turns_A = brief.limits, brief.drive.current_A / brief.drive.amplitude_T_per_m
    return SurfaceTask(
        axis=brief.axis,
        points_m=volume_points(brief.volume),
        linearity=limits.linearity,
        eddy=limits.eddy,
        bore_radius_m=brief.bore_radius_m,
        steepness_A_per_m=turns_A / _MORE_TURNS[-1] / limits.spacing_m,
        torque_free=limits.torque_free,
        heat_ohm_s=brief.heat_time_s * brief.conductor.resistivity_ohm_m / brief.conductor.thickness_m,
        modes=brief.modes,
    )


def refuse_places(surface: Surface, brief: SurfaceBrief, name: str) -> None:
    """Errors: UsageError for a surface that crosses the imaging volume, or leaves the bore."""
    corners = surface.corners_m
    # a facet may pass through the volume with all its corners outside
    shares = np.array([[i, j, 12 - i - j] for i in range(13) for j in range(13 - i)]) / 12
    places = np.einsum("qc,tcx->tqx", shares, corners).reshape(-1, 3)
    volume = brief.volume
    own = places / [volume.radius_m, volume.radius_m, volume.half_length_m]
    nearest = float(np.linalg.norm(own, axis=1).min())
    if nearest <= 1:
        raise UsageError(
            f"surface {name}: crosses the imaging volume of {volume.radius_m:.4g} m radius, {volume.half_length_m:.4g} m half "
            f"length, wanted it outside. Take a volume under {100 * nearest:.3g} % of this one, or another surface."
        )
    reach = float(np.hypot(places[:, 0], places[:, 1]).max())
    if brief.bore_radius_m is not None and not reach < brief.bore_radius_m:
        raise UsageError(
            f"surface {name}: reaches {reach:.4g} m from the axis, wanted within the bore of {brief.bore_radius_m:g} m."
        )


def _meshed(surface: Surface, brief: SurfaceBrief, count: int) -> Surface:
    """Cut so that no edge is over the brief's, or into some thousands of triangles in all."""
    if brief.edge_m is not None:
        return refined(surface, brief.edge_m, brief.surface)
    most = max(_TRIANGLES // count, len(surface.triangles))
    edge = float(np.sqrt(4 * surface.areas_m2.sum() / np.sqrt(3) / most))
    while True:
        made = refined(surface, edge, brief.surface)
        if len(made.triangles) <= 1.3 * most:
            return made
        edge *= _LONGER


def _turns_within(brief: SurfaceBrief, asked: SurfaceProgram) -> tuple[SurfaceCoil, np.ndarray, list[Loop]]:
    """Sheet, psi in turns, turns: the first that keep the brief's limits, else those that miss them least.

    Errors: LimitError where no sheet keeps them at first.
    """
    shares, tried = dict(_FIRST), []
    for number in range(_ROUNDS):
        try:
            best = best_of(asked, shares)
        except LimitError:
            if not number:
                raise
            break
        psi, turns = _whole_turns(brief, best)
        reached = _reached(brief, [closed(loop) for loop in turns])
        tried.append((max(reached.values()), number, (best, psi, turns)))
        if max(reached.values()) <= 1:
            break
        shares = {name: share * min(1.0, _AGAIN / reached.get(name, 0.1)) for name, share in shares.items()}
    return min(tried, key=lambda one: one[:2])[2]


def _whole_turns(brief: SurfaceBrief, best: SurfaceCoil) -> tuple[np.ndarray, list[Loop]]:
    """Psi in turns, and turns: the least number that keeps the limits, else the one that misses them least.

    Errors: LimitError where none makes a turn.
    """
    asked, tried = brief.drive.current_A / brief.drive.amplitude_T_per_m, []
    for more in _MORE_TURNS:
        loops = surface_loops(best.surface, best.psi_A, float(asked / more))
        if loops:
            worst = max(_reached(brief, [closed(loop) for loop in loops]).values())
            tried.append((worst, float(asked / more), loops))
            if worst <= 1:
                break
    if not tried:
        raise LimitError(
            f"gradient brief {brief.name}: {1e3 * brief.drive.amplitude_T_per_m:.4g} mT/m at {brief.drive.current_A:.4g} A asks "
            "for less than one turn (binding: turns). Ask for more amplitude, or take less current."
        )
    _, step, loops = min(tried, key=lambda one: one[0])
    return best.psi_A / step, loops


def _reached(brief: SurfaceBrief, paths: list[np.ndarray]) -> dict[str, float]:
    """Linearity and eddy field of turns over their limits, and the amplitude that is asked over theirs."""
    found, limits, drive = turn_field_figures(brief, paths), brief.limits, brief.drive
    amplitude = found["sensitivity_T_per_m_A"] * drive.current_A
    shares = {
        "linearity": found["linearity_percent"] / (100 * limits.linearity),
        "amplitude": drive.amplitude_T_per_m / amplitude,
    }
    return shares if limits.eddy is None else shares | {"eddy": found["eddy_percent"] / (100 * limits.eddy)}


def turn_field_figures(brief: SurfaceBrief, paths: list[np.ndarray]) -> dict[str, float]:
    """Sensitivity, linearity and, with a bore, eddy field of closed paths; as `figures.field_figures`."""
    points, axis = volume_points(brief.volume), brief.axis
    coordinate, gradient = points[:, "xyz".index(axis)], centre_gradient(paths, axis)
    largest = float(coordinate.max())
    deviation = wire_field(points, paths)[:, 2] / gradient - coordinate
    found = {
        "sensitivity_T_per_m_A": gradient,
        "linearity_percent": 100 * float(np.abs(deviation).max()) / largest,
        "linearity_rms_percent": 100 * float(np.sqrt((deviation**2).mean())) / largest,
    }
    if brief.bore_radius_m is not None:
        image = image_field(points, [path[:-1] for path in paths], brief.bore_radius_m) / gradient
        found["eddy_percent"] = 100 * float(np.abs(image).max()) / largest
    return found


def _figures(brief: SurfaceBrief, best: SurfaceCoil, surface: Surface, psi: np.ndarray, turns: list[Loop]) -> dict[str, float]:
    paths = [closed(loop) for loop in turns]
    sheet = 1 / float(np.abs(best.psi_A).max()) * float(np.abs(psi).max())
    found = turn_field_figures(brief, paths) | _circuit(surface, psi, paths, brief.conductor)
    eta, drive = found["sensitivity_T_per_m_A"], brief.drive
    current = drive.amplitude_T_per_m / eta
    found |= {
        "merit_T2_per_m2_A2_H": eta**2 / found["inductance_H"],
        "amplitude_T_per_m": eta * drive.current_A,
        "energy_J": 0.5 * found["inductance_H"] * current**2,
        "heat_W": found["resistance_ohm"] * current**2,
        "spacing_m": least_spacing_m(turns),
        "turns": float(len(turns)),
        "net_torque_Nm": _torque_Nm(paths, drive.current_A, brief.b0_T),
        "sheet_sensitivity_T_per_m_A": sheet,
        "sheet_inductance_H": 2 * best.energy_J * sheet**2,
        "sheet_linearity_percent": 100 * best.linearity,
        "triangles": float(len(surface.triangles)),
        "longest_edge_m": longest_edge_m(surface),
    }
    if drive.slew_T_per_m_s is not None:
        found["voltage_V"] = found["inductance_H"] * drive.slew_T_per_m_s / eta + found["resistance_ohm"] * current
    if brief.bore_radius_m is not None:
        found["sheet_eddy_percent"] = 100 * best.eddy
    return {name: float(value) for name, value in found.items()}


def _circuit(surface: Surface, psi: np.ndarray, paths: list[np.ndarray], conductor: Conductor) -> dict[str, float]:
    """Length, resistance and inductance in series, bridges left out; as `figures.circuit_figures`."""
    pieces = np.concatenate([np.diff(path, axis=0) for path in paths])
    middles = np.concatenate([(path[1:] + path[:-1]) / 2 for path in paths])
    widths = surface_widths(surface, psi, middles, conductor)
    lengths = np.linalg.norm(pieces, axis=1)
    distance = float(np.exp(np.average(np.log(0.2235 * (widths + conductor.thickness_m)), weights=lengths)))
    return {
        "conductor_m": float(lengths.sum()),
        "resistance_ohm": conductor.resistivity_ohm_m * float((lengths / widths).sum()) / conductor.thickness_m,
        "inductance_H": mutual_inductance(paths, paths, distance),
        "mean_width_m": float(lengths.sum() / (lengths / widths).sum()),
    }


def surface_widths(
    surface: Surface, psi: Float[np.ndarray, " n"], places_m: Float[np.ndarray, "p 3"], conductor: Conductor
) -> Float[np.ndarray, " p"]:
    """Width (m) of turns at places: what their spacing, 1 / |grad psi| in the nearest triangle, leaves."""
    steep = np.linalg.norm([part @ psi for part in current_maps(surface)], axis=0)
    nearest = cKDTree(surface.corners_m.mean(axis=1)).query(places_m)[1]
    widths = 1 / np.maximum(steep[nearest], 1e-9) - conductor.gap_m
    return np.clip(widths, conductor.width_m, conductor.widest_m)


def _torque_Nm(paths: list[np.ndarray], current_A: float, b0_T: float) -> float:
    moment = sum((0.5 * np.cross(path[:-1], path[1:]).sum(axis=0) for path in paths), np.zeros(3))
    return current_A * b0_T * float(np.hypot(moment[0], moment[1]))


def _refuse_voltage(brief: SurfaceBrief, figures: dict[str, float]) -> None:
    most = brief.drive.voltage_V
    if most is None or figures["voltage_V"] <= most:
        return
    assert brief.drive.slew_T_per_m_s is not None
    current = brief.drive.amplitude_T_per_m / figures["sensitivity_T_per_m_A"]
    left = most - figures["resistance_ohm"] * current
    slew = left * figures["sensitivity_T_per_m_A"] / figures["inductance_H"]
    way = f"Take {0.999 * slew:.4g} T/m/s" if slew > 0 else "Take a thicker conductor or less amplitude"
    raise LimitError(
        f"gradient brief {brief.name}, axis {brief.axis}: {brief.drive.slew_T_per_m_s:.4g} T/m/s asks "
        f"{figures['voltage_V']:.4g} V, limit {most:.4g} V (binding: voltage). {way}."
    )
