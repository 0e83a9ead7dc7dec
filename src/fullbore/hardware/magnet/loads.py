"""What the windings bear: the field on the conductor and the hoop stress."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.hardware.magnet.solenoid import solenoid_field

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)


def peak_fields_T(
    sections: Float[np.ndarray, "n 5"], chosen: Float[np.ndarray, "m 5"], along: int = 9, across: int = 5
) -> Float[np.ndarray, " m"]:
    """Largest |B| on the faces of the chosen windings, in the field of all sections; `along` by `across` points a face."""
    points = np.stack([_perimeter(section, along, across) for section in chosen])
    field = solenoid_field(points.reshape(-1, 2), sections)
    return np.asarray(np.linalg.norm(field, axis=-1).reshape(points.shape[:2]).max(axis=1))


def hoop_stresses_Pa(
    sections: Float[np.ndarray, "n 5"], chosen: Float[np.ndarray, "m 5"], along: int = 5
) -> Float[np.ndarray, " m"]:
    """Largest over the length of each chosen winding of the mean of J Bz r through its thickness, Pa.

    Turns that are bonded share their load through the thickness; insulation counts as metal, rims and axial stress do not count.
    """
    inner, outer, low, high, density = (column[:, None, None] for column in chosen.T)
    radius = (inner + outer) / 2 + (outer - inner) / 2 * _NODES
    height = low + (high - low) * np.linspace(0, 1, along)[None, :, None]
    points = np.stack([radius + 0 * height, height + 0 * radius], axis=-1)
    axial = solenoid_field(points.reshape(-1, 2), sections)[:, 1].reshape(points.shape[:3])
    return np.asarray((density * axial * radius @ _WEIGHTS / 2).max(axis=1))


def lone_turn_stresses_Pa(sections: Float[np.ndarray, "n 5"], chosen: Float[np.ndarray, "m 5"]) -> Float[np.ndarray, " m"]:
    """Largest J Bz r on the faces of each chosen winding: the stress of a turn that shares its load with no other, Pa."""
    points = np.stack([_perimeter(section, 33, 9) for section in chosen])
    axial = solenoid_field(points.reshape(-1, 2), sections)[:, 1].reshape(points.shape[:2])
    return np.asarray((chosen[:, 4, None] * axial * points[..., 0]).max(axis=1))


def _perimeter(section: Float[np.ndarray, " c"], along: int, across: int) -> Float[np.ndarray, "p 2"]:
    inner, outer, low, high, _ = section
    heights, radii = np.linspace(low, high, along), np.linspace(inner, outer, across + 1)[1:-1]
    sides = [np.stack([np.full(along, edge), heights], axis=-1) for edge in (inner, outer)]
    ends = [np.stack([radii, np.full(across - 1, edge)], axis=-1) for edge in (low, high)]
    return np.concatenate(sides + ends)
