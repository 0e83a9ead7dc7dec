"""Images put right for gradients that are not linear: every voxel back to where it was, and as bright as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Inexact
from scipy.ndimage import map_coordinates

from fullbore.data import FieldMap, Image
from fullbore.errors import DataError, UsageError

_CUBIC = 3
# Beyond this the map from where spins are to where they appear folds over itself, or nearly so.
_LEAST_JACOBIAN = 0.1


def unwarp(image: Image, gradient_fields_m: FieldMap) -> Image:
    """The image that linear gradients would have given.

    gradient_fields_m: what the x, y and z coils add to Bz per T/m asked for, (3, z, y, x) in metres; coils without flaw add
        the coordinates themselves. Spins at r appear at g(r), so the image at r is the measured one at g(r), times the
        Jacobian |dg/dr|, since signal is kept when a voxel is stretched. The phase and sensitivities move along; standard
        deviations scale likewise.
    A slab is corrected in three dimensions. Slices are corrected in their plane only: which tissue a bent slice held cannot
    be undone afterwards.
    Errors: UsageError for a map in another unit; DataError where it folds over itself inside the image.
    Source: Doran et al., Phys Med Biol 50:1343 (2005); intensity, Glover and Pelc, US patent 4591789 (1986).
    """
    if gradient_fields_m.unit != "m" or len(gradient_fields_m.values) != 3:
        got = (len(gradient_fields_m.values), gradient_fields_m.unit)
        raise UsageError(f"unwarp: got {got[0]} fields in {got[1]!r}, wanted the three coils' in 'm'.")
    in_three = image.encoding.geometry.is_3d
    index = _appears_at(image, gradient_fields_m, in_three)
    jacobian = _jacobian(index, in_three)
    if jacobian.min() < _LEAST_JACOBIAN:
        at = np.unravel_index(int(np.argmin(jacobian)), jacobian.shape)
        where = image.grid.affine_m @ np.array([*reversed(at), 1.0])
        raise DataError(
            f"unwarp: the gradients turn back on themselves at {np.round(1e3 * where[:3])} mm (Jacobian {jacobian.min():.2g}). "
            "Cut the image to where they are usable."
        )
    frames = image.values.reshape(-1, *image.grid.shape)
    values = np.stack([_resampled(frame, index) * jacobian for frame in frames]).reshape(image.values.shape)
    moved = {
        name: _resampled(getattr(image, name), index) * jacobian for name in ("noise_std",) if getattr(image, name) is not None
    }
    if image.sensitivities is not None:
        moved["sensitivities"] = np.stack([_resampled(coil, index) for coil in image.sensitivities]).astype(np.complex64)
    report = {**image.report, "gradients": "unwarped in three dimensions" if in_three else "unwarped in the slices' plane"}
    return replace(image, values=values.astype(np.complex64), report=report, **moved)


def _appears_at(image: Image, fields: FieldMap, in_three: bool) -> Float[np.ndarray, "3 z y x"]:
    """Voxel numbers (z, y, x) at which each voxel's spins appear."""
    points = image.grid.points_m()
    there = np.linalg.inv(fields.grid.affine_m) @ np.concatenate([points.reshape(-1, 3).T, np.ones((1, points[..., 0].size))])
    sampled = [map_coordinates(field, there[2::-1], order=_CUBIC, mode="nearest") for field in fields.values.astype(np.float64)]
    seen = np.linalg.inv(image.grid.affine_m) @ np.stack([*sampled, np.ones(len(sampled[0]))])
    index = seen[2::-1].reshape(3, *image.grid.shape)
    if not in_three:
        index[0] = np.arange(image.grid.shape[0])[:, None, None]
    return np.asarray(index)


def _jacobian(index: Float[np.ndarray, "3 z y x"], in_three: bool) -> Float[np.ndarray, "z y x"]:
    """Volume (or area in the plane) of a voxel where it appears, over its own."""
    axes = [axis for axis in ((0, 1, 2) if in_three else (1, 2)) if index.shape[axis + 1] > 1]
    rows = [np.stack([np.gradient(index[a], axis=b) for b in axes], axis=-1) for a in axes]
    return np.asarray(np.abs(np.linalg.det(np.stack(rows, axis=-2))))


def _resampled(values: Inexact[np.ndarray, "z y x"], index: Float[np.ndarray, "3 z y x"]) -> Inexact[np.ndarray, "z y x"]:
    """Cubic splines; what lies outside the image is zero."""
    parts = [values.real, values.imag] if np.iscomplexobj(values) else [values]
    found = [map_coordinates(part, index, order=_CUBIC, mode="grid-constant", cval=0.0, output=np.float32) for part in parts]
    return found[0] + 1j * found[1] if len(found) == 2 else found[0]
