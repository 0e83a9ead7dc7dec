"""The atlas brain in parts: cerebrum, cerebellum, brainstem and ventricles, each a layer, that add up to the whole brain."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, no_type_check

import numba
import numpy as np

from fullbore.data import Grid
from fullbore.phantom.atlas import CROP_MM, Atlas, load_atlas
from fullbore.phantom.bodies.head_nuclei import Nucleus
from fullbore.phantom.bodies.head_space import MM, Bend, at, bending, cord
from fullbore.phantom.bodies.head_tracts import Tracts, stick_tissues
from fullbore.phantom.body import Layer
from fullbore.phantom.brain import brain_mask, sharpen
from fullbore.phantom.fill import Fill
from fullbore.phantom.primitives import box
from fullbore.phantom.shape import Shape, grown
from fullbore.phantom.texture import smooth_field
from fullbore.phantom.tissues import library_tissue, water_variant

WHITE, GREY, FLUID = range(3)

# Parts of the brain from the top layer down: the organ's name, and what of the atlas it is made of.
PARTS = (
    ("left lateral ventricle", FLUID),
    ("right lateral ventricle", FLUID),
    ("third ventricle", FLUID),
    ("fourth ventricle", FLUID),
    ("brainstem", WHITE),
    ("brainstem", GREY),
    ("cerebellum", WHITE),
    ("cerebellum", GREY),
    ("cerebral white matter", WHITE),
    ("cerebral cortex", GREY),
)
_STEM, _CEREBELLUM, _CEREBRUM = 4, 6, 8

# Left lateral ventricle (horns as tubes), third, fourth with the aqueduct, brainstem: x, y, z, radius in atlas LPS mm.
_HORNS = (
    ((8, -32, 2, 8), (9, -24, 7, 9), (10, -12, 14, 9), (11, 2, 20, 9), (15, 16, 22, 10), (21, 30, 18, 12), (27, 43, 8, 11)),
    ((27, 43, 8, 9), (26, 58, 4, 7), (23, 74, 4, 5)),
    ((27, 43, 6, 8), (33, 35, -5, 6), (34, 22, -13, 5), (30, 8, -18, 5)),
)
_THIRD = ((0, -4, -8, 5), (0, 4, -2, 5), (0, 14, 5, 6), (0, 26, 3, 5))
_FOURTH = ((0, 28, -4, 3), (0, 34, -16, 3.5), (0, 40, -24, 6), (0, 44, -33, 13), (0, 46, -44, 8), (0, 47, -56, 4))
_STEM_LINE = ((0, 22, -12, 15), (0, 27, -28, 17), (0, 29, -38, 17), (0, 37, -52, 12), (0, 44, -66, 9), (0, 48, -80, 9))
_TEXTURE = 0.05
_TEXTURE_M = 7e-3
_BLOCK = 8


class Brain(NamedTuple):
    """fractions: float32 (white, grey, fluid; z, y, x). region: uint8 (z, y, x), see `_regions`. mask: inside the skull-strip."""

    fractions: np.ndarray
    region: np.ndarray
    mask: np.ndarray
    grid: Grid


@lru_cache(maxsize=2)
def load_brain(seed: int) -> Brain:
    """The atlas, bent by a seed, crisp, and divided. Errors: FormatError when nilearn's copy of the atlas is missing."""
    bend, atlas = bending(seed), load_atlas()
    grid = _grid(atlas.grey.shape)
    if bend is not None:
        atlas = Atlas(*bent(np.stack(atlas), _coarse_bend(bend, grid), _BLOCK))
    fractions, mask = sharpen(atlas), brain_mask(atlas)
    return Brain(fractions, _regions(grid, bend), mask, grid)


def _grid(shape: tuple[int, ...]) -> Grid:
    affine = np.diag([MM, MM, MM, 1.0])
    affine[:3, 3] = at(CROP_MM["x"][0], CROP_MM["y"][0], CROP_MM["z"][0])
    return Grid(shape=(shape[0], shape[1], shape[2]), affine_m=affine)


def _coarse_bend(bend: Bend, grid: Grid) -> np.ndarray:
    """The bend, smooth, on every eighth voxel of a grid: float32 (z y x, z, y, x), in voxels."""
    size = tuple(n // _BLOCK + 2 for n in grid.shape)
    z, y, x = np.meshgrid(*(np.arange(n) * _BLOCK for n in size), indexing="ij")
    where = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1) * MM + grid.affine_m[:3, 3]
    shift = bend(np.ascontiguousarray(where)) / MM
    return np.ascontiguousarray(shift.T[::-1].reshape(3, *size), np.float32)


@numba.njit(cache=True, nogil=True)
@no_type_check
def bent(volumes, shift, block, nearest=False):
    """Volumes (volume, z, y, x) at their own voxels moved by a shift that is known on every block-th, both linear, 0 outside.

    nearest: take the nearest voxel, for labels.
    """
    count, nz, ny, nx = volumes.shape
    out = np.zeros_like(volumes)
    move = np.empty(3)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                move[:] = 0.0
                gz, gy, gx = z / block, y / block, x / block
                for corner in range(8):
                    cz, cy, cx = int(gz) + (corner >> 2), int(gy) + ((corner >> 1) & 1), int(gx) + (corner & 1)
                    weight = (1 - abs(gz - cz)) * (1 - abs(gy - cy)) * (1 - abs(gx - cx))
                    for axis in range(3):
                        move[axis] += weight * shift[axis, cz, cy, cx]
                fz, fy, fx = z + move[0], y + move[1], x + move[2]
                if nearest:
                    fz, fy, fx = np.floor(fz + 0.5), np.floor(fy + 0.5), np.floor(fx + 0.5)
                bz, by, bx = int(np.floor(fz)), int(np.floor(fy)), int(np.floor(fx))
                for corner in range(8):
                    cz, cy, cx = bz + (corner >> 2), by + ((corner >> 1) & 1), bx + (corner & 1)
                    weight = (1 - abs(fz - cz)) * (1 - abs(fy - cy)) * (1 - abs(fx - cx))
                    if weight > 0 and 0 <= cz < nz and 0 <= cy < ny and 0 <= cx < nx:
                        for k in range(count):
                            out[k, z, y, x] += weight * volumes[k, cz, cy, cx]
    return out


def tentorium_mm(x_mm: np.ndarray, y_mm: np.ndarray) -> np.ndarray:
    """Height (atlas mm) of the tent between cerebrum and cerebellum, falling backward and sideways from its ridge."""
    return np.asarray(2 - 0.29 * (y_mm - 40) - 0.6 * np.abs(x_mm))


def _regions(grid: Grid, bend: Bend | None) -> np.ndarray:
    """uint8 (z, y, x): 0 cerebrum, 1 brainstem, 2 cerebellum, plus 4 for left lateral, 8 right, 12 third, 16 fourth ventricle."""
    x, y, z = (np.arange(CROP_MM[n][0], CROP_MM[n][1] + 1, dtype=np.float32) for n in "xyz")
    zz, yy, xx = z[:, None, None], y[None, :, None], x[None, None, :]
    front = np.clip(22 + 1.1 * (zz + 34), 22, 40)
    out = np.where((zz < tentorium_mm(xx, yy)) & (yy > front), 2, 0).astype(np.uint8)
    out[_within(grid, cord(_STEM_LINE)) & (zz < 2)] = 1
    left = np.zeros(grid.shape, bool)
    for horn in _HORNS:
        left |= _within(grid, cord(horn))
    behind = (yy > 26) & (zz < 14 - 0.4 * (yy - 26)) & (np.abs(xx) < 19)
    left &= (xx >= 0) & ~behind
    out[left] = out[left] % 4 + 4
    right = left[:, :, ::-1].copy()
    right[:, :, x == 0] = False
    out[right] = out[right] % 4 + 8
    third = _within(grid, cord(_THIRD)) & (np.abs(xx) < 6)
    out[third & (out < 4)] += 12
    fourth = _within(grid, cord(_FOURTH)) & (np.abs(xx) < 15)
    out[fourth & (out < 4)] += 16
    if bend is not None:
        out = bent(out[None].astype(np.float32), _coarse_bend(bend, grid), _BLOCK, True)[0].astype(np.uint8)
    return out


def _within(grid: Grid, shape: Shape) -> np.ndarray:
    """True (z, y, x) at grid points inside a shape."""
    index_low = np.maximum(np.floor((np.array(shape.low_m) - grid.affine_m[:3, 3]) / MM), 0).astype(int)
    index_high = np.ceil((np.array(shape.high_m) - grid.affine_m[:3, 3]) / MM).astype(int) + 1
    window = tuple(slice(index_low[i], index_high[i]) for i in (2, 1, 0))
    out = np.zeros(grid.shape, bool)
    part = out[window]
    z, y, x = np.meshgrid(*(np.arange(n) + index_low[2 - i] for i, n in enumerate(part.shape)), indexing="ij")
    where = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1) * MM + grid.affine_m[:3, 3]
    part[:] = (shape.distance(np.ascontiguousarray(where)) < 0).reshape(part.shape)
    return out


def around_nuclei(brain: Brain, nuclei: Sequence[Nucleus], margin_m: float | int = 2.3e-3) -> np.ndarray:
    """The brain's fractions with the grey matter that the atlas has within a margin of the nuclei given to white matter.

    The nuclei are painted over it; what would be left is a grey rim of another shape than theirs.
    """
    fractions = brain.fractions.copy()
    for nucleus in nuclei:
        if nucleus.tissue == "hippocampus":
            continue
        near = _within(brain.grid, grown(nucleus.shape, margin_m))
        fractions[WHITE][near] += fractions[GREY][near]
        fractions[GREY][near] = 0
    return fractions


def brain_layers(brain: Brain, fractions: np.ndarray, tracts: Tracts | None, seed: int) -> list[Layer]:
    """Layers of the brain, from the cortex up to the ventricles; the fluid between its parts is what lies below them.

    The share of a part is that of the atlas over what the parts above have left, so that together they are the atlas.
    """
    table = _part_table()
    start = brain.grid.affine_m[:3, 3].copy()
    layers = []
    textures = [smooth_field(31 * seed + 7 + kind, _TEXTURE_M) for kind in range(2)]
    for number in range(len(PARTS) - 1, -1, -1):
        organ, kind = PARTS[number]
        fill = _part_fill(fractions, brain.region, start, table, number, kind, tracts, textures)
        layers.append(Layer(shape=_part_box(fractions[kind], brain.region, table[kind] == number, start), fill=fill, organ=organ))
    return layers


def _part_box(fraction: np.ndarray, region: np.ndarray, wanted: np.ndarray, start: np.ndarray) -> Shape:
    """A box two voxels wider on each side than a part, so that the part ends by its own shares, not by the box."""
    held = wanted[region] & (fraction > 0)
    ends = []
    for axes in ((0, 1), (0, 2), (1, 2)):
        line = np.flatnonzero(held.any(axis=axes))
        ends.append((line[0] - 2, line[-1] + 2))
    low, high = (start + MM * np.array([end[side] for end in ends], np.float64) for side in (0, 1))
    (x, y, z), (u, v, w) = ((low + high) / 2).tolist(), (high - low).tolist()
    return box((x, y, z), (u, v, w))


def _part_table() -> np.ndarray:
    """int (kind, region) -> number of the part, -1 for none."""
    table = np.full((3, 20), -1)
    for region in range(20):
        base = (_CEREBRUM, _STEM, _CEREBELLUM, _CEREBRUM)[region % 4]
        table[WHITE, region], table[GREY, region] = base, base + 1
        table[FLUID, region] = region // 4 - 1
    return table


def _part_fill(
    fractions: np.ndarray,
    region: np.ndarray,
    start: np.ndarray,
    table: np.ndarray,
    number: int,
    kind: int,
    tracts: Tracts | None,
    textures: list,
) -> Fill:
    def own(points: np.ndarray) -> np.ndarray:
        share, above = part_share(fractions, region, table, number, start, MM, np.ascontiguousarray(points))
        return np.asarray(np.clip(share / np.maximum(1 - above, 1e-6), 0, 1))

    if kind == FLUID:
        return Fill(tissues=("csf",), shares=lambda points, distance, width_m: own(points)[:, None])
    whole = library_tissue(("white matter", "grey matter")[kind])
    sticks = stick_tissues(whole) if kind == WHITE and tracts is not None else (whole,)
    tissues = tuple(water_variant(stick, change) for stick in sticks for change in (-_TEXTURE, _TEXTURE))

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float | int) -> np.ndarray:
        out, amount = np.zeros((len(points), len(tissues))), own(points)
        some = np.flatnonzero(amount > 0)
        where = np.ascontiguousarray(points[some])
        more = 0.5 + 0.5 * textures[kind](where)
        parts = np.ones((len(some), 1)) if len(sticks) == 1 or tracts is None else tracts.shares(where)
        both = parts[:, :, None] * np.stack([1 - more, more], axis=1)[:, None, :]
        out[some] = amount[some, None] * both.reshape(len(some), len(tissues))
        return out

    return Fill(tissues=tissues, shares=shares)


@numba.njit(cache=True, nogil=True)
@no_type_check
def part_share(fractions, region, table, number, start, step, points):
    """Share of a part at points, linear between voxels, and the sum of the shares of the parts above it (smaller numbers)."""
    _, nz, ny, nx = fractions.shape
    own, above = np.zeros(len(points)), np.zeros(len(points))
    for i in range(len(points)):
        fx, fy, fz = ((points[i, 0] - start[0]) / step, (points[i, 1] - start[1]) / step, (points[i, 2] - start[2]) / step)
        x, y, z = int(np.floor(fx)), int(np.floor(fy)), int(np.floor(fz))
        fx, fy, fz = fx - x, fy - y, fz - z
        for corner in range(8):
            cx, cy, cz = x + (corner & 1), y + ((corner >> 1) & 1), z + (corner >> 2)
            if cx < 0 or cy < 0 or cz < 0 or cx >= nx or cy >= ny or cz >= nz:
                continue
            weight = (fx if corner & 1 else 1 - fx) * (fy if (corner >> 1) & 1 else 1 - fy) * (fz if corner >> 2 else 1 - fz)
            for kind in range(3):
                part = table[kind, region[cz, cy, cx]]
                if part == number:
                    own[i] += weight * fractions[kind, cz, cy, cx]
                elif 0 <= part < number:
                    above[i] += weight * fractions[kind, cz, cy, cx]
    return own, above
