"""Where the head was in each shot, found from the shots' own data and the channels' redundancy.

The image and the poses are estimated in turn: conjugate-gradient steps on the image with the poses as they are, then one
damped Gauss-Newton step on every shot's pose with the image as it is. For one shot with data y, encoding A and the image
moved by the pose, m(p) = W(p) x, the misfit |A m(p) - y|^2 needs no k-space:
    gradient_i = Re <dm/dp_i, A^H A m - A^H y>,    Hessian_ij = Re <dm/dp_i, A^H A dm/dp_j>.
Source: Cordero-Grande et al., IEEE Trans Comput Imaging 2:266 (2016), section III.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from fullbore.data import Geometry
from fullbore.numerics.conjugate_gradient import conjugate_gradient
from fullbore.recon.encodings.cartesian import CartesianVolume
from fullbore.recon.encodings.moving import moving_volume, warp_of
from fullbore.recon.recipe import MotionCorrection

# Steps of the numerical derivative: a thousandth of a radian, a tenth of a millimetre.
_STEP = np.array([1e-3] * 3 + [1e-4] * 3)
_DAMPING = 1e-3


def estimate_poses(
    volume: CartesianVolume,
    shots: Int[np.ndarray, " n"],
    geometry: Geometry,
    slice_: int,
    recipe: MotionCorrection,
    progress: Callable[[float], None],
) -> Float[np.ndarray, "n 6"]:
    """A pose for each row of `volume.readouts`; the shot that holds the centre of k-space stays where it is drawn.

    shots: number of the shot of each row. 2D slices move in their plane only.
    """
    free = _free_axes(geometry)
    names, which = np.unique(shots, return_inverse=True)
    reference = _central_shot(volume, which)
    poses = np.zeros((len(names), 6))
    image = torch.zeros(volume.shape, dtype=torch.complex64)
    parts = [_of_shot(volume, which == shot) for shot in range(len(names))]
    sides = [part.adjoint() for part in parts]
    for iteration in range(recipe.iterations):
        moving = moving_volume(volume, poses[which], geometry, slice_)
        right = moving.adjoint() - moving.normal(image).add_(image, alpha=recipe.damping)
        solved = conjugate_gradient(
            lambda x: moving.normal(x).add_(x, alpha=recipe.damping),  # noqa: B023, used at once
            right,
            iterations=recipe.image_steps,
            tolerance=1e-6,
        )
        image = image + solved.value
        largest = 0.0
        for shot, part in enumerate(parts):
            if shot == reference:
                continue
            step = _gauss_newton(image, part, sides[shot], poses[shot], free, geometry, slice_)
            poses[shot] += step
            largest = max(largest, float(np.abs(step / _STEP).max()))
        progress((iteration + 1) / recipe.iterations)
        # A hundredth of the derivative's step moves no voxel by more than a micrometre or two.
        if largest < recipe.tolerance:
            break
    return poses[which]


def _free_axes(geometry: Geometry) -> Float[np.ndarray, "free 6"]:
    """Directions in which a pose may change: all six, or turning in the slice and shifting along it."""
    if geometry.is_3d:
        return np.eye(6)
    turn = np.concatenate([geometry.slice, np.zeros(3)])
    shifts = [np.concatenate([np.zeros(3), axis]) for axis in (geometry.read, geometry.phase)]
    return np.stack([turn, *shifts])


def _central_shot(volume: CartesianVolume, which: Int[np.ndarray, " n"]) -> int:
    rows, readouts = volume.rows[0], volume.readouts
    distance = np.abs(readouts.line[rows] - readouts.matrix[1] // 2) + np.abs(readouts.partition[rows] - readouts.matrix[0] // 2)
    return int(which[rows[np.argmin(distance)]])


def _of_shot(volume: CartesianVolume, mine: np.ndarray) -> CartesianVolume:
    rows = volume.rows[0][mine[volume.rows[0]]]
    count = np.zeros(volume.readouts.matrix, dtype=np.int64)
    np.add.at(count, (volume.readouts.partition[rows], volume.readouts.line[rows]), 1)
    return replace(volume, rows=(rows,), counts=(count,))


def _gauss_newton(
    image: Complex[Tensor, "frame part x z y"],
    part: CartesianVolume,
    side: Complex[Tensor, "frame part x z y"],
    pose: Float[np.ndarray, " 6"],
    free: Float[np.ndarray, "free 6"],
    geometry: Geometry,
    slice_: int,
) -> Float[np.ndarray, " 6"]:
    """The change of one shot's pose."""

    def moved(change: np.ndarray) -> Tensor:
        return warp_of(pose + change, part, geometry, slice_).forward(image)

    steps = free @ _STEP
    slopes = torch.stack([(moved(step * axis) - moved(-step * axis)) / 2 for step, axis in zip(steps, free, strict=True)])
    misfit = part.normal(moved(np.zeros(6))) - side
    seen = torch.stack([part.normal(slope) for slope in slopes])
    flat = slopes.flatten(1)
    hessian = (flat.conj() @ seen.flatten(1).T).real.double().numpy()
    gradient = (flat.conj() @ misfit.flatten()).real.double().numpy()
    hessian += _DAMPING * np.diag(np.diag(hessian)) + 1e-30 * np.eye(len(hessian))
    return -(np.linalg.solve(hessian, gradient) * steps) @ free
