"""What a wire makes and bears: field, image field, energy, heat, force, all from its path alone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from fullbore.hardware.gradient.brief import Conductor, Drive, GradientBrief, Volume
from fullbore.hardware.gradient.contours import SheetCurrent
from fullbore.hardware.gradient.images import image_field
from fullbore.hardware.gradient.segments import mutual_inductance, wire_field
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2 as MU0

_NEAR_M = 5e-3
# Chords of a turn lie this much within their cylinder at most; leads are farther off it.
_ON_M = 2e-3
_POLAR, _AZIMUTH = 13, 12


def volume_points(volume: Volume) -> Float[np.ndarray, "p 3"]:
    """Points on the surface of the imaging volume."""
    polar, azimuth = np.meshgrid(np.linspace(0, np.pi, _POLAR), 2 * np.pi * np.arange(_AZIMUTH) / _AZIMUTH, indexing="ij")
    across = volume.radius_m * np.sin(polar)
    return np.stack([across * np.cos(azimuth), across * np.sin(azimuth), volume.half_length_m * np.cos(polar)], -1).reshape(-1, 3)


def centre_gradient(paths: list[np.ndarray], axis: str) -> float:
    """dBz along the axis at the centre per ampere, T/m/A, signed; paths closed."""
    step = _NEAR_M * np.eye(3)["xyz".index(axis)]
    above, below = wire_field(np.array([step, -step]), paths)[:, 2]
    return float((above - below) / (2 * _NEAR_M))


def field_figures(paths: list[np.ndarray], axis: str, volume: Volume, bore_m: float) -> dict[str, float]:
    """Sensitivity, linearity and eddy field of closed paths (first point = last), as the limits of a brief define them."""
    points = volume_points(volume)
    coordinate = points[:, "xyz".index(axis)]
    gradient, largest = centre_gradient(paths, axis), float(coordinate.max())
    deviation = wire_field(points, paths)[:, 2] / gradient - coordinate
    image = image_field(points, [path[:-1] for path in paths], bore_m) / gradient
    return {
        "sensitivity_T_per_m_A": gradient,
        "linearity_percent": 100 * float(np.abs(deviation).max()) / largest,
        "linearity_rms_percent": 100 * float(np.sqrt((deviation**2).mean())) / largest,
        "eddy_percent": 100 * float(np.abs(image).max()) / largest,
    }


def local_widths(path: Float[np.ndarray, "n 3"], sheets: tuple[SheetCurrent, ...], conductor: Conductor) -> np.ndarray:
    """Width (m) of each straight piece of a path: what the turns' spacing, 1 / |grad psi| at 1 A, leaves; leads are the least."""
    middles = (path[1:] + path[:-1]) / 2
    radius, angle = np.hypot(middles[:, 0], middles[:, 1]), np.arctan2(middles[:, 1], middles[:, 0])
    widths = np.full(len(middles), conductor.width_m)
    for sheet in sheets:
        on = np.abs(radius - sheet.radius_m) < _ON_M
        spline = CubicSpline(sheet.heights_m, sheet.profile_A)
        turn = sheet.order * (angle[on] - sheet.turned_rad)
        heights = middles[on, 2]
        along, around = np.cos(turn) * spline(heights, 1), np.sin(turn) * spline(heights) * sheet.order / sheet.radius_m
        widths[on] = 1 / np.maximum(np.hypot(along, around), 1e-9) - conductor.gap_m
    return np.clip(widths, conductor.width_m, conductor.widest_m)


def turn_estimates(sheets: tuple[SheetCurrent, ...], conductor: Conductor) -> tuple[float, float]:
    """What turns cut from these sheets add to the inductance (H), and their resistance (ohm), before any is wound.

    Between turns d apart of mean distance g there is mu0 / 2 pi ln(d / 2 pi g) per length more (or less) than in an even sheet:
    the field of a row of wires (Grover 1946); there are |grad psi| metres of them per square metre.
    """
    inductance = resistance = 0.0
    angles = 2 * np.pi * (np.arange(96) + 0.5) / 96
    for sheet in sheets:
        heights = (sheet.heights_m[1:] + sheet.heights_m[:-1]) / 2
        spline, turn = CubicSpline(sheet.heights_m, sheet.profile_A), sheet.order * angles[:, None]
        along, around = np.cos(turn) * spline(heights, 1), np.sin(turn) * spline(heights) * sheet.order / sheet.radius_m
        steep = np.maximum(np.hypot(along, around), 1e-9)
        widths = np.clip(1 / steep - conductor.gap_m, conductor.width_m, conductor.widest_m)
        metres = steep * sheet.radius_m * 2 * np.pi / 96 * np.diff(sheet.heights_m)
        distances = 0.2235 * (widths + conductor.thickness_m)
        inductance += MU0 / (2 * np.pi) * float((np.log(1 / steep / (2 * np.pi * distances)) * metres).sum())
        resistance += conductor.resistivity_ohm_m / conductor.thickness_m * float((metres / widths).sum())
    return inductance, resistance


def circuit_figures(path: Float[np.ndarray, "n 3"], widths_m: Float[np.ndarray, " m"], conductor: Conductor) -> dict[str, float]:
    """Length, resistance and inductance of a closed path whose pieces have those widths.

    The inductance takes one section for all: geometric mean distances 0.2235 (width + thickness) enter by their logarithm's mean.
    Source: Grover 1946, Inductance Calculations.
    """
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    distance = float(np.exp(np.average(np.log(0.2235 * (widths_m + conductor.thickness_m)), weights=lengths)))
    paths = [path]
    return {
        "conductor_m": float(lengths.sum()),
        "resistance_ohm": conductor.resistivity_ohm_m * float((lengths / widths_m).sum()) / conductor.thickness_m,
        "inductance_H": mutual_inductance(paths, paths, distance),
        "mean_width_m": float(lengths.sum() / (lengths / widths_m).sum()),
    }


def moment_A_m2(path: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "xyz=3"]:
    """Magnetic moment of 1 A along a closed path (first point = last): the area vector of its polygon."""
    return np.asarray(0.5 * np.cross(path[:-1], path[1:]).sum(axis=0))


def force_figures(path: Float[np.ndarray, "n 3"], current_A: float, b0_T: float) -> dict[str, float]:
    """Forces in a uniform field along z: largest per length (the wire's own field left out), net force, net torque.

    A closed wire in a uniform field feels no net force; the torque is its moment across the field. Moments of x and y coils with
    odd stream functions cancel between their halves, those of z coils lie along the field.
    """
    steps, middles = np.diff(path, axis=0), (path[1:] + path[:-1]) / 2
    real = np.linalg.norm(steps, axis=1) > 1e-9
    force = current_A * b0_T * np.cross(steps, [0.0, 0.0, 1.0])
    torque = np.cross(middles, force).sum(axis=0)
    return {
        "peak_force_N_per_m": float((np.linalg.norm(force, axis=1)[real] / np.linalg.norm(steps, axis=1)[real]).max()),
        "net_force_N": float(np.linalg.norm(force.sum(axis=0))),
        "net_torque_Nm": float(np.linalg.norm(torque)),
    }


def drive_figures(figures: dict[str, float], drive: Drive) -> dict[str, float]:
    """What amplifier and coil reach: amplitude at full current, slew at full amplitude with what resistance leaves."""
    eta, inductance, resistance = (figures[key] for key in ("sensitivity_T_per_m_A", "inductance_H", "resistance_ohm"))
    current = drive.amplitude_T_per_m / eta
    return {
        "merit_T2_per_m2_A2_H": eta**2 / inductance,
        "amplitude_T_per_m": eta * drive.current_A,
        "slew_T_per_m_s": (drive.voltage_V - resistance * current) * eta / inductance,
        "voltage_V": inductance * drive.slew_T_per_m_s / eta + resistance * current,
        "energy_J": 0.5 * inductance * current**2,
        "heat_W": resistance * current**2,
    }


def wire_figures(
    path: Float[np.ndarray, "n 3"], axis: str, brief: GradientBrief, sheets: tuple[SheetCurrent, ...]
) -> dict[str, float]:
    """All of them for one closed path of one axis; sheets: whose turns they are."""
    figures = field_figures([path], axis, brief.volume, brief.bore_radius_m)
    figures |= circuit_figures(path, local_widths(path, sheets, brief.conductor), brief.conductor)
    figures |= force_figures(path, brief.drive.current_A, brief.b0_T)
    return figures | drive_figures(figures, brief.drive)
