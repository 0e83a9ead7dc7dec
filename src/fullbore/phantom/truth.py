"""What the phantom holds in the voxels of an image: occupancy and true maps on any grid."""

from __future__ import annotations

import math
from typing import no_type_check

import numba
import numpy as np

from fullbore.data import FitStatus, Grid, ParameterMap, ParameterMaps, Phantom
from fullbore.errors import UsageError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

# A voxel has a true value when one tissue fills this much of it, and this much of each neighbour.
PURE_SHARE = 0.98
PURE_NEIGHBOUR_SHARE = 0.90


def tissue_index(phantom: Phantom, name: str) -> int:
    """Position of a tissue in `phantom.tissues`. Errors: UsageError for a name that it does not have."""
    names = [tissue.name for tissue in phantom.tissues]
    if name not in names:
        raise UsageError(f"phantom {phantom.name}: no tissue {name!r}; it has {', '.join(names)}.")
    return names.index(name)


def occupancy(phantom: Phantom, grid: Grid, supersample: int = 3) -> np.ndarray:
    """Share of each voxel of `grid` that each tissue fills, float32 (tissue, z, y, x).

    The phantom's trilinear interpolant is averaged over evenly spread points in each voxel: at least `supersample` along
    each voxel axis, and at least one per phantom voxel along a long one. Beyond the phantom there is air.
    Grids whose axes are parallel to the phantom's take a separable path, oblique ones a point-by-point one.
    """
    to_source = np.linalg.inv(phantom.grid.affine_m) @ grid.affine_m
    lengths = np.linalg.norm(to_source[:3, :3], axis=0)
    counts = np.array([max(supersample, math.ceil(length - 1e-6)) for length in lengths])
    order = _parallel_axes(to_source[:3, :3])
    if order is None:
        values = np.ascontiguousarray(phantom.fractions, np.float32)
        return np.asarray(_mean_oblique(values, to_source, np.array(grid.shape), counts))
    return _mean_parallel(phantom.fractions, to_source, grid.shape, counts, order)


def truth_maps(phantom: Phantom, grid: Grid, b0_T: float) -> ParameterMaps:
    """True T1 (s), T2 (s), PD (of water 1) and off-resonance (Hz, water, at b0_T) on a grid.

    A voxel shows its largest tissue where matter fills at least half of it, NaN elsewhere; off-resonance is NaN there too.
    status: OK where one tissue fills 0.98 of the voxel and 0.9 of the same voxel moved along each axis, both ways, by the
    grid's smallest spacing (its six neighbours, when voxels are cubes), so that neither mixture nor ringing blurs the
    truth; FAILED (no single truth) in other matter; else BACKGROUND.
    std is 0: this is the truth, at the field strength for which the phantom's tissues are given.
    """
    wide = occupancy(phantom, _grown(grid))
    shares = wide[:, 1:-1, 1:-1, 1:-1]
    largest = shares.argmax(axis=0)
    matter = shares.sum(axis=0) >= 0.5
    pure = matter & (_share_of(shares, largest) >= PURE_SHARE)
    for axis in range(3):
        for step in (-1, 1):
            pure &= _share_of(_moved(phantom, grid, wide, axis, step), largest) >= PURE_NEIGHBOUR_SHARE
    status = np.where(pure, FitStatus.OK, np.where(matter, FitStatus.FAILED, FitStatus.BACKGROUND)).astype(np.uint8)
    columns = {"T1": ("t1_s", "s"), "T2": ("t2_s", "s"), "PD": ("proton_density", "1")}
    maps = [
        _map(name, np.array([getattr(t, field) for t in phantom.tissues])[largest], unit, matter)
        for name, (field, unit) in columns.items()
    ]
    field_Hz = sample_field(phantom, grid) * b0_T * GYROMAGNETIC_RATIO_HZ_PER_T * 1e-6
    maps.append(_map("off_resonance", field_Hz, "Hz", matter))
    report: dict[str, object] = {
        "tissues": [t.name for t in phantom.tissues],
        "tissue": np.where(matter, largest, -1).astype(np.int16),
    }
    return ParameterMaps(model="truth", maps=tuple(maps), status=status, grid=grid, report=report)


def sample_field(phantom: Phantom, grid: Grid) -> np.ndarray:
    """Off-resonance (ppm, float32 (z, y, x)) at the voxel centres of a grid, trilinear, edge values beyond the map."""
    source = phantom.field_ppm
    to_source = np.linalg.inv(source.grid.affine_m) @ grid.affine_m
    values = np.ascontiguousarray(source.values.real, np.float32)
    return np.asarray(
        _mean_oblique(
            np.pad(values, [(0, 0)] + [(1, 1)] * 3, mode="edge"),
            _shifted(to_source, 1.0),
            np.array(grid.shape),
            np.ones(3, np.int64),
        )[0]
    )


def _map(name: str, values: np.ndarray, unit: str, matter: np.ndarray) -> ParameterMap:
    value = np.where(matter, values, np.nan).astype(np.float32)
    return ParameterMap(name=name, value=value, std=np.where(matter, 0, np.nan).astype(np.float32), unit=unit)


def _share_of(shares: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    return np.asarray(np.take_along_axis(shares, tissue[None], axis=0)[0])


def _grown(grid: Grid) -> Grid:
    """One voxel more on every side."""
    affine = grid.affine_m.copy()
    affine[:3, 3] -= affine[:3, :3].sum(axis=1)
    nz, ny, nx = (n + 2 for n in grid.shape)
    return Grid(shape=(nz, ny, nx), affine_m=affine)


def _moved(phantom: Phantom, grid: Grid, wide: np.ndarray, axis: int, step: int) -> np.ndarray:
    """Occupancy of the grid moved along one of its axes (x, y, z) by its smallest spacing; `wide`: of the grown grid."""
    share = grid.spacing_m.min() / grid.spacing_m[axis]
    if share > 1 - 1e-6:
        window = [slice(1, -1)] * 3
        window[2 - axis] = slice(1 + step, wide.shape[3 - axis] - 1 + step)
        return wide[(slice(None), *window)]
    affine = grid.affine_m.copy()
    affine[:3, 3] += step * share * affine[:3, axis]
    return occupancy(phantom, Grid(shape=grid.shape, affine_m=affine))


def _shifted(to_source: np.ndarray, offset: float) -> np.ndarray:
    moved = to_source.copy()
    moved[:3, 3] += offset
    return moved


def _parallel_axes(linear: np.ndarray) -> list[int] | None:
    """Source axis (x, y, z = 0, 1, 2) along which each target axis runs, or None when the grids are oblique."""
    order = [int(np.argmax(np.abs(linear[:, axis]))) for axis in range(3)]
    rest = np.abs(linear).copy()
    rest[order, range(3)] = 0
    return order if sorted(order) == [0, 1, 2] and rest.max() < 1e-9 else None


def _mean_parallel(
    fractions: np.ndarray, to_source: np.ndarray, shape: tuple[int, int, int], counts: np.ndarray, order: list[int]
) -> np.ndarray:
    values = np.asarray(fractions, np.float32)
    sizes = shape[::-1]
    matrices = {
        order[axis]: _mean_matrix(
            to_source[order[axis], axis],
            to_source[order[axis], 3],
            sizes[axis],
            int(counts[axis]),
            fractions.shape[3 - order[axis]],
        )
        for axis in range(3)
    }
    for source in sorted(matrices, key=lambda a: matrices[a].shape[0] / matrices[a].shape[1]):
        values = _apply(values, matrices[source], 3 - source)
    # values is (tissue, source z, source y, source x); target array axis 3 - i runs along source axis order[i].
    return np.ascontiguousarray(values.transpose(0, *(3 - order[2 - a] for a in range(3))))


def _mean_matrix(step: float, start: float, size: int, count: int, source_size: int) -> np.ndarray:
    """(size, source_size) weights of the mean over `count` points of the linear interpolant, zero beyond its lattice."""
    matrix = np.zeros((size, source_size + 2), np.float32)
    for offset in (np.arange(count) + 0.5) / count - 0.5:
        position = np.clip(start + step * (np.arange(size) + offset), -1, source_size)
        below = np.minimum(np.floor(position).astype(int), source_size - 1)
        share = position - below
        np.add.at(matrix, (np.arange(size), below + 1), (1 - share) / count)
        np.add.at(matrix, (np.arange(size), below + 2), share / count)
    return matrix[:, 1:-1]


def _apply(values: np.ndarray, matrix: np.ndarray, axis: int) -> np.ndarray:
    lead, trail = values.shape[:axis], values.shape[axis + 1 :]
    if not trail:
        return np.asarray(values.reshape(-1, matrix.shape[1]) @ matrix.T).reshape(*lead, -1)
    return np.asarray(matrix @ values.reshape(math.prod(lead), matrix.shape[1], -1)).reshape(*lead, -1, *trail)


@numba.njit(parallel=True, cache=True)
@no_type_check
def _mean_oblique(values: np.ndarray, to_source: np.ndarray, shape: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean over counts[x] counts[y] counts[z] points per voxel of the trilinear interpolant of (tissue, z, y, x)."""
    tissues, sz, sy, sx = values.shape
    out = np.zeros((tissues, shape[0], shape[1], shape[2]), np.float32)
    weight = 1.0 / (counts[0] * counts[1] * counts[2])
    for row in numba.prange(shape[0] * shape[1]):
        z, y = row // shape[1], row % shape[1]
        for x in range(shape[2]):
            for n in range(counts[0] * counts[1] * counts[2]):
                i = x + (n % counts[0] + 0.5) / counts[0] - 0.5
                j = y + (n // counts[0] % counts[1] + 0.5) / counts[1] - 0.5
                k = z + (n // (counts[0] * counts[1]) + 0.5) / counts[2] - 0.5
                px = to_source[0, 0] * i + to_source[0, 1] * j + to_source[0, 2] * k + to_source[0, 3]
                py = to_source[1, 0] * i + to_source[1, 1] * j + to_source[1, 2] * k + to_source[1, 3]
                pz = to_source[2, 0] * i + to_source[2, 1] * j + to_source[2, 2] * k + to_source[2, 3]
                bx, by, bz = int(np.floor(px)), int(np.floor(py)), int(np.floor(pz))
                for corner in range(8):
                    cx, cy, cz = bx + (corner & 1), by + (corner >> 1 & 1), bz + (corner >> 2)
                    if cx < 0 or cy < 0 or cz < 0 or cx >= sx or cy >= sy or cz >= sz:
                        continue
                    share = weight * (1 - abs(px - cx)) * (1 - abs(py - cy)) * (1 - abs(pz - cz))
                    for t in range(tissues):
                        out[t, z, y, x] += share * values[t, cz, cy, cx]
    return out
