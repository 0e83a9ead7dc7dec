"""What a coil on drawn surfaces makes and takes, as wound: the figures of its one wire."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import cKDTree

from fullbore.hardware.gradient.brief import Conductor
from fullbore.hardware.gradient.contours import Loop
from fullbore.hardware.gradient.figures import centre_gradient, circuit_figures, force_figures, volume_points
from fullbore.hardware.gradient.images import image_field
from fullbore.hardware.gradient.meshing import longest_edge_m
from fullbore.hardware.gradient.segments import wire_field
from fullbore.hardware.gradient.surface_brief import SurfaceBrief
from fullbore.hardware.gradient.surface_design import SurfaceCoil
from fullbore.hardware.gradient.surface_wire import SurfaceTrack
from fullbore.hardware.gradient.tracks import least_spacing_m
from fullbore.hardware.gradient.triangles import Surface, current_maps


def closed(loop: Loop) -> Float[np.ndarray, "c 3"]:
    """A turn with its first point again at its end."""
    return np.concatenate([loop.points_m, loop.points_m[:1]])


def surface_field_figures(brief: SurfaceBrief, paths: list[np.ndarray]) -> dict[str, float]:
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


def surface_figures(
    brief: SurfaceBrief, best: SurfaceCoil, psi: Float[np.ndarray, " n"], track: SurfaceTrack, gap_m: float
) -> dict[str, float]:
    """All of them. psi: in turns; gap_m: the least distance of the wire from itself."""
    wire, surface, drive = track.closed_m, best.surface, brief.drive
    sheet = float(np.abs(psi).max()) / float(np.abs(best.psi_A).max())
    widths = surface_widths(surface, psi, wire, track.laid, brief.conductor)
    found = surface_field_figures(brief, [wire]) | circuit_figures(wire, widths, brief.conductor)
    lengths = np.linalg.norm(np.diff(wire, axis=0), axis=1)
    eta, turns = found["sensitivity_T_per_m_A"], [closed(loop) for loop in track.loops]
    current = drive.amplitude_T_per_m / eta
    found |= {
        "merit_T2_per_m2_A2_H": eta**2 / found["inductance_H"],
        "amplitude_T_per_m": eta * drive.current_A,
        "energy_J": 0.5 * found["inductance_H"] * current**2,
        "heat_W": found["resistance_ohm"] * current**2,
        "spacing_m": least_spacing_m(track.loops),
        "least_distance_m": gap_m,
        "turns": float(len(track.loops)),
        "nests": float(track.nests),
        "bridges_and_leads_m": float(lengths[~track.turning].sum()),
        "net_torque_Nm": force_figures(wire, drive.current_A, brief.b0_T)["net_torque_Nm"],
        "turns_sensitivity_T_per_m_A": centre_gradient(turns, brief.axis),
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


def surface_widths(
    surface: Surface,
    psi: Float[np.ndarray, " n"],
    wire_m: Float[np.ndarray, "o 3"],
    laid: Bool[np.ndarray, " p"],
    conductor: Conductor,
) -> Float[np.ndarray, " p"]:
    """Width (m) of each straight piece of a wire: of turns and bridges what turns' spacing, 1 / |grad psi| in the nearest
    triangle, leaves; of leads the least."""
    steep = np.linalg.norm([part @ psi for part in current_maps(surface)], axis=0)
    nearest = cKDTree(surface.corners_m.mean(axis=1)).query((wire_m[1:] + wire_m[:-1]) / 2)[1]
    widths = np.where(laid, 1 / np.maximum(steep[nearest], 1e-9) - conductor.gap_m, conductor.width_m)
    return np.asarray(np.clip(widths, conductor.width_m, conductor.widest_m))
