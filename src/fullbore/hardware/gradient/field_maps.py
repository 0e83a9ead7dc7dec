"""What gradient coils make on a grid: the flaw that a scan feels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from fullbore.data import FieldMap, Grid
from fullbore.errors import UsageError
from fullbore.hardware.gradient.coil import GradientCoil, GradientCoils
from fullbore.hardware.gradient.segments import axial_wire_field

# Nearer to the windings than this the field of single turns rises, and no patient is there.
_CLEAR_M = 0.04


def gradient_fields(coils: GradientCoils, grid: Grid) -> FieldMap:
    """Bz of each axis's wire per T/m asked for, (x y z, z, y, x), unit m: of an ideal coil, the coordinates themselves.

    "Asked for" is by the coil's own sensitivity at the centre. Errors: UsageError for a grid that reaches into the windings.
    """
    return FieldMap(values=np.stack([axis_field_m(coil, grid) for coil in coils.coils]), grid=grid, unit="m")


def axis_field_m(coil: GradientCoil, grid: Grid) -> Float[np.ndarray, "z y x"]:
    """Of one axis. Errors: as `gradient_fields`."""
    points = grid.points_m().reshape(-1, 3)
    least = min(sheet.radius_m for sheet in coil.sheets) - _CLEAR_M
    reach = float(np.hypot(points[:, 0], points[:, 1]).max())
    if reach > least:
        raise UsageError(f"gradient fields: the grid reaches {reach:.3g} m from the axis, wanted at most {least:.3g} m.")
    return axial_wire_field(points, coil.closed_m).reshape(grid.shape) / coil.sensitivity_T_per_m_A


def stream_function(
    coil: GradientCoil, layer: int, angles_rad: Float[np.ndarray, " a"], heights_m: Float[np.ndarray, " z"]
) -> Float[np.ndarray, "a z"]:
    """Of one layer (0 primary, 1 shield) at angles by heights, in turns (A at 1 A in the wire); 0 beyond its ends."""
    sheet = coil.sheets[layer]
    profile = CubicSpline(sheet.heights_m, sheet.profile_A)(heights_m)
    profile[np.abs(heights_m) > np.abs(sheet.heights_m).max()] = 0
    return np.asarray(np.cos(sheet.order * (angles_rad - sheet.turned_rad))[:, None] * profile)
