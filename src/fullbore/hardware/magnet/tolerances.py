"""What inaccurate winding does to homogeneity: each coil displaced, tilted and widened on its own."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.data import Magnet
from fullbore.hardware.magnet.brief import MagnetBrief, Tolerance
from fullbore.hardware.magnet.energy import stored_energy_J, stored_energy_slopes
from fullbore.hardware.magnet.solenoid import solenoid_field

_STEP = 1e-4  # m and rad of the differences; the field is linear in them to 1e-4 there
_POLAR, _AZIMUTH = 19, 24


def wound_peak_to_peak(
    sections: Float[np.ndarray, "n 5"], tolerance: Tolerance, diameter_m: float, samples: int, generator: np.random.Generator
) -> Float[np.ndarray, " s"]:
    """Peak-to-peak of Bz over a sphere's surface, as a share of the centre's, of the magnets of `wound_fields`."""
    fields = wound_fields(sections, tolerance, sphere_points(diameter_m), samples, generator)
    centre = _vectors(np.zeros((1, 3)), sections)[..., 2].sum()
    return np.asarray((fields.max(axis=1) - fields.min(axis=1)) / abs(centre))


def wound_fields(
    sections: Float[np.ndarray, "n 5"],
    tolerance: Tolerance,
    points_m: Float[np.ndarray, "p 3"],
    samples: int,
    generator: np.random.Generator,
) -> Float[np.ndarray, "s p"]:
    """Bz, T, at points (x, y, z) of so many magnets with Gaussian errors in each coil; see `winding_errors`.

    Linear in the errors: exact to 1e-4 of their effect at a tenth of a millimetre.
    """
    moved = movement_fields(sections, points_m)
    errors = winding_errors(len(sections), tolerance, samples, generator)
    return np.asarray(_vectors(points_m, sections)[..., 2].sum(axis=1) + np.einsum("scd,pcd->sp", errors, moved))


def winding_errors(coils: int, tolerance: Tolerance, samples: int, generator: np.random.Generator) -> Float[np.ndarray, "s n 6"]:
    """Of each coil on its own: radius (the number of turns stays), place along x, y and z (m), tilt about x and y (rad)."""
    spread = np.array([tolerance.radius_m, *(tolerance.lateral_m,) * 2, tolerance.axial_m, *(tolerance.tilt_rad,) * 2])
    return np.asarray(generator.standard_normal((samples, coils, 6)) * spread)


def movement_fields(sections: Float[np.ndarray, "n 5"], points_m: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p n 6"]:
    """Change of Bz, T per m and per rad, for each coil's radius, shift along x, y and z, and tilt about x and y."""
    return movement_vectors(sections, points_m)[..., 2]


def movement_vectors(sections: Float[np.ndarray, "n 5"], points_m: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p n 6 3"]:
    """As `movement_fields`, of (Bx, By, Bz)."""
    columns = []
    for sign in (1, -1):
        wider = sections.copy()
        wider[:, :2] += sign * _STEP
        parts = [_vectors(points_m, wider)]
        for axis in range(3):
            parts.append(_vectors(points_m - sign * _STEP * np.eye(3)[axis], sections))
        parts += [_tilted(points_m, sections, axis, sign * _STEP) for axis in range(2)]
        columns.append(np.stack(parts, axis=2))
    return np.asarray((columns[0] - columns[1]) / (2 * _STEP))


def kept_as_wound(magnet: Magnet, brief: MagnetBrief, samples: int, generator: np.random.Generator) -> dict[str, float]:
    """Share of magnets with the brief's winding errors that keep its limits of fields, energy and conductor.

    Keys: as "45cm_homogeneity" for each ball, "stray_field" (|B| on the ellipse at fixed current), "stored_energy" and
    "conductor_length". Linear in the errors; shifts across the axis and tilts leave the energy as it is.
    """
    sections, turns = magnet.sections(), np.array([abs(w.turns) for w in magnet.windings])
    errors = winding_errors(len(sections), brief.tolerance, samples, generator)
    shares = {}
    for ball in brief.homogeneity:
        field = _moved(errors, sections, sphere_points(ball.diameter_m))[..., 2]
        centre = _vectors(np.zeros((1, 3)), sections)[..., 2].sum()
        spread = np.ptp(field, axis=1) / abs(centre)
        shares[f"{100 * ball.diameter_m:.0f}cm_homogeneity"] = spread <= ball.peak_to_peak
    stray = np.linalg.norm(_moved(errors, sections, _ellipse(brief)), axis=-1)
    shares["stray_field"] = stray.max(axis=1) <= brief.stray.field_T
    slopes = stored_energy_slopes(sections)
    energy = stored_energy_J(sections) + errors[..., 0] @ slopes[:, :2].sum(axis=1) + errors[..., 3] @ slopes[:, 2:].sum(axis=1)
    shares["stored_energy"] = energy <= brief.limits.energy_J
    length = 2 * np.pi * (sections[:, :2].mean(axis=1) + errors[..., 0]) @ turns
    shares["conductor_length"] = length <= brief.limits.conductor_m
    return {name: float(np.mean(kept)) for name, kept in shares.items()}


def _moved(
    errors: Float[np.ndarray, "s n 6"], sections: Float[np.ndarray, "n 5"], points_m: Float[np.ndarray, "p 3"]
) -> Float[np.ndarray, "s p 3"]:
    """(Bx, By, Bz) of the magnets with those errors."""
    change = np.einsum("scd,pcdk->spk", errors, movement_vectors(sections, points_m), optimize=True)
    return np.asarray(_vectors(points_m, sections).sum(axis=1) + change)


def _ellipse(brief: MagnetBrief) -> Float[np.ndarray, "p 3"]:
    """Points all over the brief's ellipsoid of stray field."""
    return np.asarray(sphere_points(2.0) * np.array([brief.stray.radius_m, brief.stray.radius_m, brief.stray.axial_m]))


def sphere_points(diameter_m: float, polar: int = _POLAR, azimuth: int = _AZIMUTH) -> Float[np.ndarray, "p 3"]:
    """Points on a sphere about the centre, evenly in polar angle and azimuth."""
    angle, turn = np.meshgrid(np.linspace(0, np.pi, polar), 2 * np.pi * np.arange(azimuth) / azimuth, indexing="ij")
    unit = np.stack([np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn), np.cos(angle)], axis=-1)
    return np.asarray(diameter_m / 2 * unit.reshape(-1, 3))


def _vectors(points_m: Float[np.ndarray, "p 3"], sections: Float[np.ndarray, "n 5"]) -> Float[np.ndarray, "p n 3"]:
    """(Bx, By, Bz) of each coil."""
    radius = np.hypot(points_m[:, 0], points_m[:, 1])
    plane = np.column_stack([radius, points_m[:, 2]])
    fields = np.stack([solenoid_field(plane, section[None]) for section in sections], axis=1)
    share = np.divide(fields[..., 0], radius[:, None], out=np.zeros(fields.shape[:2]), where=radius[:, None] > 0)
    return np.stack([share * points_m[:, :1], share * points_m[:, 1:2], fields[..., 1]], axis=-1)


def _tilted(
    points_m: Float[np.ndarray, "p 3"], sections: Float[np.ndarray, "n 5"], axis: int, angle_rad: float
) -> Float[np.ndarray, "p n 3"]:
    """(Bx, By, Bz) of each coil turned by an angle about the x (0) or y (1) axis through its own centre."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    if axis == 1:
        turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    columns = []
    for section in sections:
        centre = np.array([0, 0, (section[2] + section[3]) / 2])
        local = (points_m - centre) @ turn  # the coil's own coordinates: turn.T times the offset
        columns.append(_vectors(local + centre, section[None])[:, 0] @ turn.T)
    return np.stack(columns, axis=1)
