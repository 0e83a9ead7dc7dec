"""What inaccurate winding does to homogeneity: each coil displaced, tilted and widened on its own."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.hardware.magnet.brief import Tolerance
from fullbore.hardware.magnet.solenoid import solenoid_field

_STEP = 1e-4  # m and rad of the differences; the field is linear in them to 1e-4 there
_POLAR, _AZIMUTH = 19, 24


def wound_peak_to_peak(
    sections: Float[np.ndarray, "n 5"], tolerance: Tolerance, diameter_m: float, samples: int, generator: np.random.Generator
) -> Float[np.ndarray, " s"]:
    """Peak-to-peak of Bz over a sphere's surface, as a share of the centre's, of the magnets of `wound_fields`."""
    fields = wound_fields(sections, tolerance, sphere_points(diameter_m), samples, generator)
    centre = _field(np.zeros((1, 3)), sections).sum()
    return np.asarray((fields.max(axis=1) - fields.min(axis=1)) / abs(centre))


def wound_fields(
    sections: Float[np.ndarray, "n 5"],
    tolerance: Tolerance,
    points_m: Float[np.ndarray, "p 3"],
    samples: int,
    generator: np.random.Generator,
) -> Float[np.ndarray, "s p"]:
    """Bz, T, at points (x, y, z) of so many magnets with Gaussian errors in each coil.

    Coils err on their own in radius (the number of turns stays), in place along x, y and z, and in tilt about x and y. Linear
    in the errors: exact to 1e-4 of their effect at a tenth of a millimetre.
    """
    moved = movement_fields(sections, points_m)
    spread = np.array([tolerance.radius_m, *(tolerance.lateral_m,) * 2, tolerance.axial_m, *(tolerance.tilt_rad,) * 2])
    draws = generator.standard_normal((samples, len(sections), 6)) * spread
    return np.asarray(_field(points_m, sections).sum(axis=1) + np.einsum("scd,pcd->sp", draws, moved))


def movement_fields(sections: Float[np.ndarray, "n 5"], points_m: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p n 6"]:
    """Change of Bz, T per m and per rad, for each coil's radius, shift along x, y and z, and tilt about x and y."""
    columns = []
    for sign in (1, -1):
        wider = sections.copy()
        wider[:, :2] += sign * _STEP
        parts = [_field(points_m, wider)]
        for axis in range(3):
            parts.append(_field(points_m - sign * _STEP * np.eye(3)[axis], sections))
        parts += [_tilted(points_m, sections, axis, sign * _STEP) for axis in range(2)]
        columns.append(np.stack(parts, axis=-1))
    return np.asarray((columns[0] - columns[1]) / (2 * _STEP))


def sphere_points(diameter_m: float, polar: int = _POLAR, azimuth: int = _AZIMUTH) -> Float[np.ndarray, "p 3"]:
    """Points on a sphere about the centre, evenly in polar angle and azimuth."""
    angle, turn = np.meshgrid(np.linspace(0, np.pi, polar), 2 * np.pi * np.arange(azimuth) / azimuth, indexing="ij")
    unit = np.stack([np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn), np.cos(angle)], axis=-1)
    return np.asarray(diameter_m / 2 * unit.reshape(-1, 3))


def _field(points_m: Float[np.ndarray, "p 3"], sections: Float[np.ndarray, "n 5"]) -> Float[np.ndarray, "p n"]:
    plane = np.column_stack([np.hypot(points_m[:, 0], points_m[:, 1]), points_m[:, 2]])
    return np.stack([solenoid_field(plane, section[None])[:, 1] for section in sections], axis=1)


def _tilted(
    points_m: Float[np.ndarray, "p 3"], sections: Float[np.ndarray, "n 5"], axis: int, angle_rad: float
) -> Float[np.ndarray, "p n"]:
    """Bz of each coil turned by an angle about the x (0) or y (1) axis through its own centre."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    if axis == 1:
        turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    columns = []
    for section in sections:
        centre = np.array([0, 0, (section[2] + section[3]) / 2])
        local = (points_m - centre) @ turn  # the coil's own coordinates: turn.T times the offset
        radius = np.hypot(local[:, 0], local[:, 1])
        radial, axial = solenoid_field(np.column_stack([radius, local[:, 2] + centre[2]]), section[None]).T
        share = np.divide(radial, radius, out=np.zeros_like(radius), where=radius > 0)
        own = np.stack([share * local[:, 0], share * local[:, 1], axial], axis=-1)
        columns.append(own @ turn[2])
    return np.stack(columns, axis=1)
