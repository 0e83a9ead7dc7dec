"""A volume whose readouts were taken in several poses, known or to be estimated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Int

from fullbore.data import RawData
from fullbore.errors import DataError, ShapeError, UsageError
from fullbore.recon.calibration.poses import estimate_poses
from fullbore.recon.encodings.cartesian import CartesianVolume
from fullbore.recon.encodings.moving import MovingVolume, Poses, moving_volume
from fullbore.recon.encodings.readouts import kept_rows
from fullbore.recon.encodings.volume import EncodedVolume
from fullbore.recon.recipe import Combination, Direct, Recipe


def with_motion(
    volume: EncodedVolume, raw: RawData, slice_: int, recipe: Recipe, poses: Poses | None, progress: Callable[[float], None]
) -> EncodedVolume:
    """The volume as it is when nobody speaks of motion, else sorted into the poses that are given or estimated.

    Errors: DataError for data other than Cartesian or of several frames; UsageError for a solver that cannot use it.
    """
    if poses is None and recipe.motion is None:
        return volume
    if not isinstance(volume, CartesianVolume):
        raise DataError("motion correction: the acquisition is not Cartesian. Leave the poses and recipe.motion out.")
    if isinstance(recipe.solver, Combination | Direct):
        raise UsageError("motion correction: wanted ConjugateGradient, ProximalGradient or PrimalDual as the recipe's solver.")
    geometry = raw.encoding.geometry
    if poses is not None:
        if poses.shape != (raw.encoding.rows, 6):
            raise ShapeError(f"poses: got {poses.shape}, wanted ({raw.encoding.rows}, 6), one for each readout.")
        return moving_volume(volume, poses[kept_rows(raw)], geometry, slice_)
    assert recipe.motion is not None
    found = estimate_poses(volume, _shots(raw, recipe.motion.readouts_per_shot), geometry, slice_, recipe.motion, progress)
    return moving_volume(volume, found, geometry, slice_)


def motion_report(volume: EncodedVolume) -> dict[str, float]:
    """How far the head went: the largest turn (deg) and shift (mm) between two poses; empty for a still volume."""
    if not isinstance(volume, MovingVolume):
        return {}
    turns = np.array([warp.rotation for warp in volume.warps])
    shifts = np.array([warp.shift for warp in volume.warps])
    return {
        "poses": float(len(volume.warps)),
        "largest_turn_deg": round(float(np.rad2deg(np.linalg.norm(np.ptp(turns, axis=0)))), 3),
        "largest_shift_mm": round(1e3 * float(np.linalg.norm(np.ptp(shifts, axis=0))), 3),
    }


def _shots(raw: RawData, readouts_per_shot: int) -> Int[np.ndarray, " row"]:
    """The number of the shot of each kept row."""
    rows = kept_rows(raw)
    if readouts_per_shot > 0:
        return rows // readouts_per_shot
    segments = raw.encoding.counter("segment")[rows].astype(np.int64)
    if np.ptp(segments) == 0:
        raise DataError(
            "motion correction: all readouts have one segment counter, so shots cannot be told apart. Set readouts_per_shot."
        )
    return segments
