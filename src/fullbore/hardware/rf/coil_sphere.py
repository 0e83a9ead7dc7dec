"""A layered sphere in the middle of a shielded coil: the coil's and the shield's currents excite its spherical harmonics."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex

from fullbore.hardware.rf.birdcage import CoilShape
from fullbore.hardware.rf.cylinder import CylinderSolution, empty_body, solve_cylinder
from fullbore.hardware.rf.layers import LayeredBody
from fullbore.hardware.rf.sphere import SphereSolution, element_sphere

_PIECES_PER_RING = 16
_SHIELD_REACH_M, _SHIELD_STEP_M = 1.5, 0.01


def coil_sphere(
    shape: CoilShape, body: LayeredBody, currents_A: Complex[np.ndarray, "channel n"], highest: int, degree: int = 36
) -> SphereSolution:
    """Fields of mesh currents around a sphere at the coil's centre, orders |m| <= highest.

    The shield carries what it carries around the empty coil: what the sphere scatters and the shield sends back is left out,
    a share of about (sphere radius / shield radius)^3.
    Errors: ValueRangeError for a sphere that reaches the coil.
    """
    empty = solve_cylinder(shape, empty_body(shape, body.frequency_Hz), highest)
    wanted = [m for m in range(-highest, highest + 1) if np.abs(shape.weights(m, currents_A)).max() > 1e-9]
    parts = [_of_order(empty, body, m, degree) for m in wanted]
    weights = [shape.weights(m, currents_A)[:, None] for m in wanted]
    a = np.concatenate([w * part.a for w, part in zip(weights, parts, strict=True)], axis=1)
    b = np.concatenate([w * part.b for w, part in zip(weights, parts, strict=True)], axis=1)
    return SphereSolution(body=body, a=a, b=b, degree=degree, orders=tuple(wanted), nearest_m=shape.radius_m)


def _of_order(empty: CylinderSolution, body: LayeredBody, order: int, degree: int) -> SphereSolution:
    """Sheets of one order: the integral over phi is 2 pi times what the elements along phi = 0 give."""
    places, moments = [], []
    for radius, heights, step, along_phi, along_z in (_coil_sheet(empty.shape, order), _shield_sheet(empty, order)):
        places.append(np.stack([np.full_like(heights, radius), np.zeros_like(heights), heights], -1))
        moments.append(2 * np.pi * radius * step * np.stack([np.zeros_like(along_phi), along_phi, along_z], -1))
    return element_sphere(body, np.concatenate(places), np.concatenate(moments)[None], degree, (order,))


def _coil_sheet(shape: CoilShape, order: int) -> tuple[float, np.ndarray, float, np.ndarray, np.ndarray]:
    """Radius, heights, their step, K_phi and K_z of one ampere in the window at angle 0: rungs between strips of ring."""
    whole = shape.length_m + shape.ring_width_m
    count = 2 * int(np.ceil(whole / shape.ring_width_m * _PIECES_PER_RING / 2))
    step = whole / count
    edges = np.linspace(-whole / 2, whole / 2, count + 1)
    heights = (edges[1:] + edges[:-1]) / 2
    profile = np.clip((whole / 2 - np.abs(edges)) / shape.ring_width_m, 0, 1)
    share = shape.azimuthal(order)
    along_phi = share * np.diff(profile) / step + 0j
    along_z = -1j * order / shape.radius_m * share * (profile[1:] + profile[:-1]) / 2
    return shape.radius_m, heights, step, along_phi, along_z


def _shield_sheet(empty: CylinderSolution, order: int) -> tuple[float, np.ndarray, float, np.ndarray, np.ndarray]:
    field = next(field for field in empty.orders if field.order == order)
    heights = np.arange(-_SHIELD_REACH_M, _SHIELD_REACH_M, _SHIELD_STEP_M) + _SHIELD_STEP_M / 2
    k = field.wavenumbers_per_m
    wave = np.exp(1j * k[None] * heights[:, None]) * (k[1] - k[0]) / (2 * np.pi)
    along_phi, along_z = (wave @ part for part in empty.shield_currents(field))
    return empty.shape.shield_radius_m, heights, _SHIELD_STEP_M, along_phi, along_z
