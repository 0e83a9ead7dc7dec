"""A body sampled: mixtures at points, on grids, and as the `Phantom` that a scanner takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float

from fullbore.data import FieldMap, Grid, Phantom
from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.body import Body, family
from fullbore.phantom.canvas import Canvas, Columns, canvas, organ_columns, shares_of, tissue_columns
from fullbore.phantom.field import shimmed_field
from fullbore.phantom.painting import paint
from fullbore.phantom.tiling import tiles, untiled

_EDGE = 4
_SLAB_POINTS = 1 << 18
# Each worker gets a few stacks of slabs, of four slabs at most.
_STACKS, _TALLEST = 6, 4
_LARGEST = 4_000_000_000


def mixture(
    body: Body, points_m: Float[np.ndarray, "n 3"], width_m: float = 0.0, time_s: float | int = 0.0
) -> Float[np.ndarray, "n tissue"]:
    """Shares of the body's tissues at any points (LPS, metres) at a time; what is missing to one is air.

    width_m: size of the sample, over which surfaces are soft; 0: the tissue exactly at the point.
    """
    points = np.ascontiguousarray(points_m, np.float64)
    sight = np.ones(len(points), np.float32)
    count = len(body.tissues)
    whole = _canvas(body, points, sight, {1: 0.0}, width_m, float(time_s), tissue_columns(body), count, max(len(points), 1))
    paint(body, whole)
    out = np.zeros((len(points), count), np.float32)
    for column in np.flatnonzero(whole.used[0]):
        out[:, column] = shares_of(whole, int(column))
    return out


def body_grid(body: Body, spacing_m: float | tuple[float, float, float], margin: int = 2) -> Grid:
    """An axis-aligned grid over the body's own box, `margin` voxels wider on each side; not beyond the ends of an endless body.

    Errors: UsageError when it is too large; ValueRangeError.
    """
    spacing = np.broadcast_to(np.asarray(spacing_m, np.float64), (3,))
    if not (np.isfinite(spacing) & (spacing > 0)).all():
        raise ValueRangeError(f"body_grid {body.name}: spacing {spacing_m} m, wanted positive lengths.")
    assert body.low_m is not None and body.high_m is not None
    low, high = np.array(body.low_m), np.array(body.high_m)
    around = np.array([margin, margin, 0 if body.endless else margin])
    size = np.ceil((high - low) / spacing - 1e-6).astype(int) + 2 * around
    if float(np.prod(size.astype(float))) * len(body.tissues) > _LARGEST:
        raise UsageError(
            f"body_grid {body.name}: {spacing_m} m over {high - low} m with {len(body.tissues)} tissues takes more than 16 GB. "
            "Sample it coarser, or a part of it on a grid of your own."
        )
    nx, ny, nz = (int(n) for n in size)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = (low + high) / 2 - (size - 1) / 2 * spacing
    return Grid(shape=(nz, ny, nx), affine_m=affine)


def shares(body: Body, grid: Grid, time_s: float | int = 0.0, *, oversampling: int = 1) -> Float[np.ndarray, "tissue z y x"]:
    """Share of every voxel that each of body.tissues fills, float32.

    A voxel is cut into parts that are as near to cubes as they can be, `oversampling` of them along its shortest edge; surfaces
    are soft over a part. The error of a volume falls with the square of the part; tubes thinner than a part are overstated.
    """
    return _on_grid(body, grid, float(time_s), oversampling, tissue_columns(body), len(body.tissues))


def organ_shares(body: Body, grid: Grid, time_s: float | int = 0.0, *, oversampling: int = 1) -> Float[np.ndarray, "organ z y x"]:
    """Share of every voxel that each of body.organs fills, float32; named holes too."""
    return _on_grid(body, grid, float(time_s), oversampling, organ_columns(body), len(body.organs))


def sampled(
    body: Body, where: float | Grid, time_s: float | int = 0.0, *, oversampling: int = 1, field_ppm: FieldMap | None = None
) -> Phantom:
    """The `Phantom` of a body at a time, on a grid, or at a spacing (metres) over its own box.

    field_ppm: its off-resonance; where not given, that of its susceptibilities, shimmed to second order over body.shim_over;
    without tissues to shim over, zero.
    """
    grid = where if isinstance(where, Grid) else body_grid(body, float(where))
    fractions = shares(body, grid, time_s, oversampling=oversampling)
    chosen = [n for n, t in enumerate(body.tissues) if t.name in body.shim_over or family(t.name) in body.shim_over]
    if field_ppm is None and chosen:
        field_ppm = shimmed_field(fractions, body.tissues, grid, chosen, continue_above=body.endless)
    elif field_ppm is None:
        field_ppm = _no_field(grid)
    return Phantom(name=body.name, tissues=body.tissues, fractions=fractions, grid=grid, field_ppm=field_ppm)


def slabs(grid: Grid, parts: tuple[int, int, int]) -> Iterator[tuple[slice, slice]]:
    """The grid in slabs of whole voxel layers, of about a quarter of a million parts each: (slice of z, slice of y)."""
    row = grid.shape[2] * int(np.prod(parts))
    rows = max(_EDGE, _SLAB_POINTS // max(row, 1) // _EDGE * _EDGE)
    if rows < grid.shape[1]:
        for z in range(grid.shape[0]):
            for y in range(0, grid.shape[1], rows):
                yield slice(z, z + 1), slice(y, min(y + rows, grid.shape[1]))
        return
    layers = max(1, _SLAB_POINTS // (row * grid.shape[1]))
    layers = max(_EDGE, layers // _EDGE * _EDGE) if grid.shape[0] > _EDGE else layers
    for z in range(0, grid.shape[0], layers):
        yield slice(z, min(z + layers, grid.shape[0])), slice(0, grid.shape[1])


def voxel_parts(grid: Grid, oversampling: int) -> tuple[int, int, int]:
    """Into how many parts a voxel is cut along x, y, z. Errors: UsageError for less than one."""
    if oversampling < 1:
        raise UsageError(f"oversampling: {oversampling}, wanted a whole number from 1.")
    fine = grid.spacing_m.min() / oversampling
    x, y, z = (int(n) for n in np.maximum(1, np.rint(grid.spacing_m / fine)))
    return x, y, z


def _on_grid(body: Body, grid: Grid, time_s: float, oversampling: int, columns: Columns, count: int) -> np.ndarray:
    parts = voxel_parts(grid, oversampling)
    out = np.zeros((count, *grid.shape), np.float32)

    def work(stack: list[tuple[slice, slice]]) -> None:
        zs, ys = slice(stack[0][0].start, stack[-1][0].stop), stack[0][1]
        slab, size, padded = paint_slabs(body, grid, stack, parts, time_s, columns, count)
        nz, ny, nx = zs.stop - zs.start, ys.stop - ys.start, grid.shape[2]
        px, py, pz = parts
        for column in np.flatnonzero(slab.used.any(axis=0)):
            fine = untiled(slab.values, slab.pages, column, size, padded)
            if px * py * pz > 1:
                fine = fine.reshape(nz, pz, ny, py, nx, px).mean(axis=(1, 3, 5), dtype=np.float32)
            out[column, zs, ys] = fine

    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, stacked(grid, parts, workers)):
            pass
    return out


def stacked(grid: Grid, parts: tuple[int, int, int], workers: int) -> list[list[tuple[slice, slice]]]:
    """The slabs of a grid, neighbours that are painted at once together: not so many that workers would wait for the last."""
    pieces = list(slabs(grid, parts))
    count = min(max(len(pieces) // (_STACKS * workers), 1), _TALLEST)
    if pieces[0][1] != slice(0, grid.shape[1]):
        count = 1
    return [pieces[first : first + count] for first in range(0, len(pieces), count)]


def paint_slabs(
    body: Body,
    grid: Grid,
    stack: list[tuple[slice, slice]],
    parts: tuple[int, int, int],
    time_s: float,
    columns: Columns,
    count: int,
) -> tuple[Canvas, tuple[int, int, int], tuple[int, int, int]]:
    """The parts of the voxels of neighbouring slabs, painted, each slab a part of the canvas; how many there are along (z, y, x),
    and of the blocks that hold them. columns: what layers paint into, see `Canvas`, of `count` in all.
    """
    px, py, pz = parts
    zs, ys = [piece[0] for piece in stack], stack[0][1]
    size = ((zs[-1].stop - zs[0].start) * pz, (ys.stop - ys.start) * py, grid.shape[2] * px)
    each = _padded((zs[0].stop - zs[0].start) * pz)
    z = np.concatenate([_indices(_padded((one.stop - one.start) * pz), pz, one.start) for one in zs])
    y, x = _indices(_padded(size[1]), py, ys.start), _indices(_padded(size[2]), px, 0)
    points, sight = tiles(z, y, x, size, np.ascontiguousarray(grid.affine_m, np.float64))
    steps = grid.affine_m[:3, :3] / np.array([px, py, pz])
    half = 0.5 * float(np.linalg.norm(np.abs(steps).sum(axis=1)))
    width = float(abs(np.linalg.det(steps)) ** (1 / 3))
    reach = {edge**3: (edge - 1) * half for edge in (_EDGE, _EDGE // 2, 1)}
    whole = _canvas(body, points, sight, reach, width, time_s, columns, count, each * len(y) * len(x))
    paint(body, whole)
    return whole, size, (len(z), len(y), len(x))


def _padded(count: int) -> int:
    """The next multiple of a block's edge."""
    return -(-count // _EDGE) * _EDGE


def _indices(count: int, parts: int, start: int) -> np.ndarray:
    """Where the parts of voxels lie along an axis, in voxels."""
    return (np.arange(count) + 0.5) / parts - 0.5 + start


def _canvas(
    body: Body,
    points: np.ndarray,
    sight: np.ndarray,
    reach: dict[int, float],
    width_m: float,
    time_s: float,
    columns: Columns,
    count: int,
    part: int,
) -> Canvas:
    if not (np.isfinite(time_s) and 0 <= width_m < np.inf):
        raise ValueRangeError(f"body {body.name}: time {time_s} s, width {width_m} m, wanted finite ones, the width from 0.")
    return canvas(points, sight, reach, width_m, time_s, columns, count, part)


def _no_field(grid: Grid) -> FieldMap:
    """Zero everywhere, on two points along each axis."""
    affine = grid.affine_m.copy()
    affine[:3, :3] *= np.maximum(np.array(grid.shape[::-1]) - 1, 1)
    return FieldMap(values=np.zeros((1, 2, 2, 2), np.float32), grid=Grid(shape=(2, 2, 2), affine_m=affine), unit="ppm")
