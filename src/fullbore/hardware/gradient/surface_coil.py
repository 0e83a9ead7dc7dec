"""From drawn surfaces to a wire: their mesh, the convex program on it, whole turns, one wire of them, and what it makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from fullbore.errors import LimitError, UsageError
from fullbore.hardware.gradient.figures import volume_points
from fullbore.hardware.gradient.meshing import refined
from fullbore.hardware.gradient.surface_brief import SurfaceBrief
from fullbore.hardware.gradient.surface_design import SurfaceTask, surface_program
from fullbore.hardware.gradient.surface_figures import closed, surface_figures
from fullbore.hardware.gradient.surface_rounds import MOST_TURNS, wire_within
from fullbore.hardware.gradient.surface_wire import SurfaceTrack, TrackRoom, lead_space
from fullbore.hardware.gradient.triangles import Surface, joined

Tell = Callable[[float, str], None]

# Triangles that a surface is cut into where the brief names no edge; lengths of edges are tried by this factor.
_TRIANGLES, _LONGER = 3000, 1.2
# No coil for a patient is smaller or larger from end to end, m: what is, has another unit.
_SIZES_M = (0.02, 5.0)
PER_UNIT_M = {"mm": 1e-3, "cm": 1e-2, "m": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WireOnSurface:
    """One axis on drawn surfaces: its mesh, the stream function (A at 1 A a turn) at nodes, all turns as one wire at 1 A.

    layers: of every triangle, 0 primary, 1 shield. turns_m: closed, as they were before they were joined. figures: value per
    figure of merit of the wire, its unit at the end of its name.
    """

    axis: str
    surface: Surface
    layers: Float[np.ndarray, " t"]
    psi_turns: Float[np.ndarray, " n"]
    track: SurfaceTrack
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
) -> WireOnSurface:
    """Mesh, program, turns, wire, figures. tell(fraction done, what is being done).

    Errors: UsageError for a surface in the imaging volume or beyond the bore; LimitError for limits that no current keeps,
    a mesh of too many triangles, turns that no leads join, or a voltage that is not enough.
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
    tell(0.5, "turns, and one wire of them")
    made = wire_within(brief, asked, layers.astype(np.float64), track_room(brief, surface, len(meshes) > 1))
    tell(0.9, "inductance of the wire")
    figures = surface_figures(brief, made.best, made.psi, made.track, made.gap_m)
    _refuse_voltage(brief, figures)
    return WireOnSurface(
        axis=brief.axis,
        surface=surface,
        layers=layers.astype(np.float64),
        psi_turns=made.psi,
        track=made.track,
        turns_m=tuple(closed(loop) for loop in made.track.loops),
        figures=figures,
    )


def track_room(brief: SurfaceBrief, surface: Surface, shielded: bool) -> TrackRoom:
    """Where leads go: off the primary away from the isocentre, but towards it where the bore without a shield is too near."""
    space = lead_space(brief.conductor)
    if brief.bore_radius_m is None:
        return TrackRoom(space=space, volume=brief.volume)
    reach = float(np.hypot(surface.nodes_m[:, 0], surface.nodes_m[:, 1]).max())
    near = not shielded and reach + 2 * space.step_m + 2 * space.pitch_m > brief.bore_radius_m
    return TrackRoom(space=space, volume=brief.volume, bore_m=brief.bore_radius_m, side=-1.0 if near else 1.0)


def task_of(brief: SurfaceBrief) -> SurfaceTask:
    """What the sheet must keep, so that turns keep the brief."""
    limits, turns_A = brief.limits, brief.drive.current_A / brief.drive.amplitude_T_per_m
    return SurfaceTask(
        axis=brief.axis,
        points_m=volume_points(brief.volume),
        linearity=limits.linearity,
        eddy=limits.eddy,
        bore_radius_m=brief.bore_radius_m,
        steepness_A_per_m=turns_A / MOST_TURNS / limits.spacing_m,
        moment_A_m2=limits.torque_Nm / (brief.b0_T * brief.drive.amplitude_T_per_m),
        energy_J=None if limits.inductance_H is None else limits.inductance_H * turns_A**2 / 2,
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
