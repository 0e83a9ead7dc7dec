"""Shimming on the patient: currents in the shim coils from a measured field, for a volume or slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import lsq_linear

from fullbore.data import FieldMap
from fullbore.errors import ShapeError, UsageError, ValueRangeError
from fullbore.hardware.shim.coils import ShimCoil
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatientShim:
    """currents_A: (part, coil), one part for the volume or one per slice; parts without voxels carry none.

    offset_Hz: (part,) frequency to be added to the synthesiser's. left_Hz: (z, y, x) field that remains, also outside the mask.
    before_Hz, after_Hz: standard deviation over the mask.
    """

    currents_A: Float[np.ndarray, "part coil"]
    offset_Hz: Float[np.ndarray, " part"]
    left_Hz: Float[np.ndarray, "z y x"]
    before_Hz: float
    after_Hz: float


def _refuse(field: FieldMap, mask: np.ndarray, coils: Sequence[ShimCoil], limits_A: np.ndarray) -> None:
    """What cannot be shimmed."""
    shape = field.values.shape[1:]
    if field.unit != "Hz" or mask.shape != shape or len(limits_A) != len(coils):
        got = (field.unit, mask.shape, len(limits_A))
        raise ShapeError(f"shim_patient: got unit, mask and limits {got}, wanted ('Hz', {shape}, {len(coils)}).")
    if not (limits_A >= 0).all():
        raise ValueRangeError(f"shim_patient: got limits {limits_A} A, wanted none negative.")
    if not mask.any():
        raise UsageError("shim_patient: the mask is empty. Give one with the voxels that matter.")


def shim_patient(
    field: FieldMap,
    mask: Bool[np.ndarray, "z y x"],
    coils: Sequence[ShimCoil],
    limits_A: Float[np.ndarray, " coil"],
    *,
    slice_wise: bool = False,
) -> PatientShim:
    """Currents that leave the least mean square field over the mask, each coil within +-limits_A, the frequency free.

    field: off-resonance in Hz, (1, z, y, x). With slice_wise each slice of the grid (its last axis of `shape`'s order, z) gets
    currents and a frequency of its own, as shims that follow the slices do; a slice of few voxels is shimmed with its
    neighbours, so that no coil runs away. Errors: ShapeError, ValueRangeError, UsageError for a mask without voxels.
    """
    values = field.values[0].real.astype(np.float64)
    _refuse(field, mask, coils, limits_A)
    points = field.grid.points_m()
    made = np.stack([GYROMAGNETIC_RATIO_HZ_PER_T * coil.field_T_per_A(points) for coil in coils], axis=-1)
    parts = [np.array([z]) for z in range(len(values))] if slice_wise else [np.arange(len(values))]
    currents, offsets, left = np.zeros((len(parts), len(coils))), np.zeros(len(parts)), values.copy()
    for number, own in enumerate(parts):
        near = _neighbourhood(own, mask, len(coils))
        if near is None:
            continue
        chosen = np.zeros_like(mask)
        chosen[near] = mask[near]
        currents[number], offsets[number] = _fitted(values[chosen], made[chosen], limits_A)
        left[own] = values[own] + made[own] @ currents[number] - offsets[number]
    return PatientShim(
        currents_A=currents,
        offset_Hz=offsets,
        left_Hz=left,
        before_Hz=float(values[mask].std()),
        after_Hz=float(np.sqrt(np.mean(left[mask] ** 2))),
    )


def _neighbourhood(slices: np.ndarray, mask: np.ndarray, coils: int) -> np.ndarray | None:
    """The slices, and as many on either side as there must be for ten voxels a coil; None where the slices are empty."""
    if not mask[slices].any():
        return None
    low, high = int(slices[0]), int(slices[-1])
    while mask[low : high + 1].sum() < 10 * (coils + 1) and (low > 0 or high < len(mask) - 1):
        low, high = max(low - 1, 0), min(high + 1, len(mask) - 1)
    return np.arange(low, high + 1)


def _fitted(
    values_Hz: Float[np.ndarray, " v"], made_Hz: Float[np.ndarray, "v coil"], limits_A: Float[np.ndarray, " coil"]
) -> tuple[Float[np.ndarray, " coil"], float]:
    """Currents and frequency; a coil of no limit carries none."""
    mean, means = values_Hz.mean(), made_Hz.mean(axis=0)
    rows, wanted = made_Hz - means, mean - values_Hz
    size = np.maximum(np.linalg.norm(rows, axis=0), 1e-300)
    used = limits_A > 0
    found = np.zeros(len(limits_A))
    if used.any():
        scaled = lsq_linear(rows[:, used] / size[used], wanted, bounds=(-(limits_A * size)[used], (limits_A * size)[used]))
        found[used] = scaled.x / size[used]
    return found, float(mean + means @ found)
