"""Bodies from anybody's volumes: a label map with a table of tissues, or maps of properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int, Shaped

from fullbore.data import Grid, Tissue
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import Fill, voxel_box

# Relaxation times that differ by less than this are one tissue.
_STEP = 0.03
_MOST_TISSUES = 200


def body_from_labels(
    name: str, labels: Shaped[np.ndarray, "z y x"], grid: Grid, tissues: Mapping[int, str | Tissue], *, source: str = ""
) -> Body:
    """A body from a label map: tissues[label] fills its voxels, borders are linear between voxel centres; other labels are air.

    Errors: ShapeError; ValueRangeError for labels that are not whole, or a table that names none of them.
    """
    if labels.shape != grid.shape:
        raise ShapeError(f"body_from_labels: labels {labels.shape}, wanted {grid.shape}.")
    whole = np.rint(labels).astype(np.int64)
    if np.abs(labels - whole).max() > 1e-3:
        raise ValueRangeError("body_from_labels: labels that are not whole numbers. Is this an image?")
    held = [label for label in tissues if label != 0 and np.any(whole == label)]
    if not held:
        found = ", ".join(str(value) for value in np.unique(whole)[:12])
        raise ValueRangeError(f"body_from_labels: the table names none of the map's labels ({found}). Name at least one.")
    index = np.zeros(grid.shape, np.int32)
    for number, label in enumerate(held, 1):
        index[whole == label] = number
    fill = Fill(
        tissues=tuple(tissues[label] for label in held), shares=_voxel_shares(index, np.ones(grid.shape, np.float32), grid)
    )
    truths = {f"label_{label}_volume_m3": float((whole == label).sum()) * grid.voxel_volume_m3 for label in held}
    return Body(name=name, layers=(Layer(shape=voxel_box(grid), fill=fill, organ=name),), truths=truths, source=source)


def body_from_maps(
    name: str,
    t1_s: Float[np.ndarray, "z y x"],
    t2_s: Float[np.ndarray, "z y x"],
    density: Float[np.ndarray, "z y x"],
    grid: Grid,
    *,
    source: str = "",
) -> Body:
    """A body from maps of T1, T2 and proton density (of water 1): times within 3 % are one tissue, densities its share.

    More than 200 tissues are joined in wider steps (truth `time_step`). Voxels without density, or with times that are not
    positive or not finite, are air. T2' is left long. Errors: ShapeError; ValueRangeError for densities above that of water.
    """
    if {np.shape(item) for item in (t1_s, t2_s, density)} != {grid.shape}:
        raise ShapeError(f"body_from_maps: maps {t1_s.shape}, {t2_s.shape}, {density.shape}, wanted {grid.shape}.")
    matter = (density > 0) & (t1_s > 0) & (t2_s > 0) & np.isfinite(t1_s) & np.isfinite(t2_s) & np.isfinite(density)
    if not matter.any() or float(density[matter].max()) > 1 + 1e-6:
        top = float(density[matter].max()) if matter.any() else 0.0
        raise ValueRangeError(f"body_from_maps: densities up to {top:.3g}, wanted them relative to water, at most 1.")
    step, times = _STEP, np.stack([t1_s[matter], np.minimum(t2_s[matter], 2 * t1_s[matter])], axis=1)
    while True:
        bins = np.rint(np.log(times) / step).astype(np.int64)
        each, member = np.unique(bins, axis=0, return_inverse=True)
        if len(each) <= _MOST_TISSUES:
            break
        step *= 1.3
    index = np.zeros(grid.shape, np.int32)
    index[matter] = member.reshape(-1) + 1
    tissues = []
    for number in range(len(each)):
        t1, t2 = times[member.reshape(-1) == number].mean(axis=0).tolist()
        label = f"T1 {1e3 * t1:.4g} ms, T2 {1e3 * t2:.4g} ms, class {number + 1}"
        tissues.append(
            Tissue(name=label, t1_s=t1, t2_s=min(t2, 2 * t1), t2_prime_s=10.0, proton_density=1.0, source=source or "a map")
        )
    amount = np.where(matter, np.clip(density, 0, 1), 0).astype(np.float32)
    fill = Fill(tissues=tuple(tissues), shares=_voxel_shares(index, amount, grid))
    truths = {"time_step": step, "protons_m3": float(amount.sum(dtype=np.float64)) * grid.voxel_volume_m3}
    return Body(name=name, layers=(Layer(shape=voxel_box(grid), fill=fill, organ=name),), truths=truths, source=source)


def _voxel_shares(index: Int[np.ndarray, "z y x"], amount: Float[np.ndarray, "z y x"], grid: Grid):  # type: ignore[no-untyped-def]
    """Shares by trilinear interpolation of a label map (0 is air) and of what each voxel holds."""
    inverse, count = np.linalg.inv(grid.affine_m), int(index.max())

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float) -> np.ndarray:
        return np.asarray(_trilinear(points @ inverse[:3, :3].T + inverse[:3, 3], index, amount, count))

    return shares


@numba.njit(cache=True, nogil=True)
@no_type_check
def _trilinear(where, index, amount, count):
    out = np.zeros((len(where), count))
    sz, sy, sx = index.shape
    for i in range(len(where)):
        bx, by, bz = int(np.floor(where[i, 0])), int(np.floor(where[i, 1])), int(np.floor(where[i, 2]))
        for corner in range(8):
            cx, cy, cz = bx + (corner & 1), by + (corner >> 1 & 1), bz + (corner >> 2)
            if cx < 0 or cy < 0 or cz < 0 or cx >= sx or cy >= sy or cz >= sz or index[cz, cy, cx] == 0:
                continue
            share = (1 - abs(where[i, 0] - cx)) * (1 - abs(where[i, 1] - cy)) * (1 - abs(where[i, 2] - cz))
            out[i, index[cz, cy, cx] - 1] += share * amount[cz, cy, cx]
    return out
