"""Simple test objects, as phantoms: one tissue in a sphere or a box, vials of several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fullbore.data import FieldMap, Grid, Phantom, Tissue
from fullbore.errors import UsageError

WATER = Tissue(name="water", t1_s=1.0, t2_s=0.1, t2_prime_s=10.0, proton_density=1.0, source="a choice: doped water")


def sphere(
    radius_m: float = 0.05,
    spacing_m: float = 2e-3,
    tissue: Tissue = WATER,
    centre_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
    field_ppm: float = 0.0,
) -> Phantom:
    """A ball of one tissue in air, in a uniform off-resonance. Errors: UsageError for a radius or spacing not positive."""
    grid = _grid_around(centre_m, radius_m, spacing_m)
    distance = np.linalg.norm(grid.points_m() - np.asarray(centre_m), axis=-1)
    return _phantom("sphere", (tissue,), _cover(distance - radius_m, spacing_m)[None], grid, field_ppm)


def uniform_box(
    size_m: tuple[float, float, float] = (0.1, 0.1, 0.1),
    spacing_m: float = 2e-3,
    tissue: Tissue = WATER,
    centre_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
    field_ppm: float = 0.0,
) -> Phantom:
    """A box (x, y, z edges) of one tissue in air, in a uniform off-resonance."""
    if min(size_m) <= 0:
        raise UsageError(f"uniform_box: size {size_m} m, wanted three positive lengths.")
    grid = _grid_around(centre_m, max(size_m) / 2, spacing_m)
    offset = np.abs(grid.points_m() - np.asarray(centre_m)) - np.asarray(size_m) / 2
    cover = np.prod(_cover(offset, spacing_m), axis=-1)
    return _phantom("box", (tissue,), cover[None], grid, field_ppm)


def cylinder_vials(
    times_s: Sequence[tuple[float, float]] = ((0.3, 0.03), (0.6, 0.06), (0.9, 0.08), (1.3, 0.1), (2.0, 0.2), (3.0, 1.0)),
    radius_m: float = 0.012,
    ring_m: float = 0.05,
    height_m: float = 0.08,
    spacing_m: float = 2e-3,
) -> Phantom:
    """Vials on a ring, axes along z, one per (T1, T2), proton density 1, tissues named "vial 1", "vial 2", ... in air."""
    tissues = tuple(
        Tissue(name=f"vial {i + 1}", t1_s=t1, t2_s=t2, t2_prime_s=10.0, proton_density=1.0, source="a choice")
        for i, (t1, t2) in enumerate(times_s)
    )
    grid = _grid_around((0.0, 0.0, 0.0), max(ring_m + radius_m, height_m / 2), spacing_m)
    points = grid.points_m()
    lid = _cover(np.abs(points[..., 2]) - height_m / 2, spacing_m)
    shares = []
    for i in range(len(tissues)):
        angle = 2 * np.pi * i / len(tissues)
        distance = np.hypot(points[..., 0] - ring_m * np.cos(angle), points[..., 1] - ring_m * np.sin(angle))
        shares.append(_cover(distance - radius_m, spacing_m) * lid)
    return _phantom("vials", tissues, np.stack(shares), grid, 0.0)


def _cover(distance_m: np.ndarray, spacing_m: float) -> np.ndarray:
    """Share of a voxel on the negative side of a surface at that distance."""
    return np.clip(0.5 - distance_m / spacing_m, 0, 1)


def _grid_around(centre_m: tuple[float, float, float], reach_m: float, spacing_m: float) -> Grid:
    if not (reach_m > 0 and spacing_m > 0):
        raise UsageError(f"phantom: size {reach_m} m and spacing {spacing_m} m, wanted positive lengths.")
    half = int(np.ceil(reach_m / spacing_m)) + 2
    size = 2 * half + 1
    return Grid.centred((size, size, size), (spacing_m, spacing_m, spacing_m), centre_m)


def _phantom(name: str, tissues: tuple[Tissue, ...], fractions: np.ndarray, grid: Grid, field_ppm: float) -> Phantom:
    corner = grid.affine_m[:3, 3]
    reach = grid.spacing_m * (np.array(grid.shape[::-1]) - 1)
    coarse = Grid(shape=(2, 2, 2), affine_m=np.vstack([np.column_stack([np.diag(reach), corner]), [0, 0, 0, 1]]))
    field = FieldMap(values=np.full((1, 2, 2, 2), field_ppm, np.float32), grid=coarse, unit="ppm")
    return Phantom(name=name, tissues=tissues, fractions=fractions.astype(np.float32), grid=grid, field_ppm=field)
