"""Planes through a slice: responses known on fine planes, integrated onto the phantom's own planes.

The phantom is linear between its planes, so the sum over the depth of a slice is a sum over the phantom's planes of the
response weighted with each plane's hat function. The hats hold the exact slice profile, which may be much finer.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Complex, Float

from fullbore.simulate.classes import ClassAxes
from fullbore.simulate.lattice import LatticeAxis, PhantomAxis
from fullbore.simulate.slots import Slot


def phantom_planes(source: PhantomAxis, extent_m: tuple[float, float]) -> LatticeAxis | None:
    """The phantom's planes whose hats reach into the extent, None where there is no tissue."""
    held = np.arange(len(source.points_m))[source.occupied]
    near = np.abs(source.points_m[held] - 0.5 * sum(extent_m)) < 0.5 * (extent_m[1] - extent_m[0]) + source.spacing_m
    used = held[near]
    if not len(used):
        return None
    window = slice(int(used[0]), int(used[-1]) + 1)
    return LatticeAxis(
        points_m=source.points_m[window], spacing_m=source.spacing_m, weights=None, window=window, hat_m=0.0, cut_per_m=np.inf
    )


def fine_planes(planes: LatticeAxis, extent_m: tuple[float, float], widest_m: float) -> Float[np.ndarray, " fine"]:
    """Midpoints of equal parts of the phantom's steps, at most `widest_m` apart, within the extent."""
    parts = int(np.ceil(planes.spacing_m / widest_m - 1e-9))
    step = planes.spacing_m / parts
    count = (len(planes.points_m) + 1) * parts
    points = planes.points_m[0] - planes.spacing_m + (np.arange(count) + 0.5) * step
    inside = points[(points >= extent_m[0]) & (points <= extent_m[1])]
    return inside if len(inside) else points[:1]


def hat_weights(
    planes: LatticeAxis, fine_m: Float[np.ndarray, " fine"], k_slice_per_m: float
) -> Complex[np.ndarray, "plane fine"]:
    """Integral of hat functions times exp(-2 pi i k (z - plane)), per plane spacing, by midpoints."""
    distance = fine_m[None, :] - planes.points_m[:, None]
    step = float(np.diff(fine_m).min()) if len(fine_m) > 1 else planes.spacing_m
    hat = np.clip(1 - np.abs(distance) / planes.spacing_m, 0, None)
    return hat * (step / planes.spacing_m) * np.exp(-2j * np.pi * k_slice_per_m * distance)


def onto_planes(slot: Slot, planes: LatticeAxis, axes: ClassAxes, k_slice_per_m: float) -> Slot:
    """The slot's responses integrated onto the phantom's planes."""
    weights = hat_weights(planes, axes.plane_m, k_slice_per_m).astype(np.complex64)
    amplitude = [
        None if a is None else np.ascontiguousarray(np.moveaxis(np.tensordot(weights, a, axes=(1, 1)), 0, 1))
        for a in slot.amplitude
    ]
    return replace(slot, amplitude=amplitude)
