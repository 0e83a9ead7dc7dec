"""How even the field is: deviation over balls, and as a map for the virtual scanner."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.data import FieldMap, Grid, Magnet
from fullbore.errors import UsageError
from fullbore.hardware.magnet.harmonics import harmonic_values, solenoid_harmonics
from fullbore.hardware.magnet.solenoid import solenoid_field

_SHELLS, _POLAR = 5, 121
_ORDER, _CONVERGED = 60, 0.7


def peak_to_peak(sections: Float[np.ndarray, "n 5"], diameter_m: float) -> float:
    """Largest less smallest Bz over a ball, over Bz at its centre; at 121 points from pole to pole of five nested spheres."""
    angle = np.linspace(0, np.pi, _POLAR)
    ray = np.column_stack([np.sin(angle), np.cos(angle)])
    shells = np.linspace(diameter_m / 2, 0, _SHELLS, endpoint=False)
    points = np.concatenate([np.zeros((1, 2)), *(shell * ray for shell in shells)])
    field = solenoid_field(points, sections)[:, 1]
    return float((field.max() - field.min()) / abs(field[0]))


def field_ppm(magnet: Magnet, grid: Grid) -> FieldMap:
    """Inhomogeneity of a magnet, ppm of the field at its centre, (1, z, y, x), for `Flaws.field_ppm`.

    The magnet's axis is the grid's z, its centre the origin. Zonal harmonics to degree 60 within seven tenths of the nearest
    wire's distance, the windings' own field beyond. Errors: UsageError when the grid reaches the windings.
    """
    sections = magnet.sections()
    places = grid.points_m().reshape(-1, 3)
    points = np.column_stack([np.hypot(places[:, 0], places[:, 1]), places[:, 2]])
    reach, free = float(np.linalg.norm(points, axis=1).max()), float(sections[:, 0].min())
    if points[:, 0].max() >= free:
        raise UsageError(
            f"field_ppm: the grid reaches {points[:, 0].max():.3g} m from the axis, the windings begin at {free:.3g} m."
        )
    centre = solenoid_field(np.zeros((1, 2)), sections)[0, 1]
    if reach < _CONVERGED * nearest_wire_m(sections):
        coefficients = solenoid_harmonics(sections, _ORDER, reach or free).sum(axis=1)
        coefficients[0] = 0.0
        deviation = harmonic_values(_ORDER, reach or free, points) @ coefficients
    else:
        deviation = solenoid_field(points, sections)[:, 1] - centre
    return FieldMap(values=(1e6 * deviation / centre).reshape(1, *grid.shape).astype(np.float32), grid=grid, unit="ppm")


def nearest_wire_m(sections: Float[np.ndarray, "n 5"]) -> float:
    """Distance from the centre to the nearest point of any winding."""
    across = np.where(sections[:, 2] * sections[:, 3] < 0, 0.0, np.abs(sections[:, 2:4]).min(axis=1))
    return float(np.hypot(sections[:, 0], across).min())
