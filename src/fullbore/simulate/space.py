"""Carry the responses of one group through space, block by block along read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Complex, Complex64, Float, Float32, Int, Int32

from fullbore.data import FieldMap
from fullbore.numerics.fourier_sum import FourierSum
from fullbore.simulate.cell_kernel import class_mass, count_cells, list_cells, place_cells, spread_cells
from fullbore.simulate.classes import ClassAxes
from fullbore.simulate.compression import SlotModel
from fullbore.simulate.encode import Comb, fourier_matrix, in_plane, sum_lines
from fullbore.simulate.lattice import Lattice, sample_field
from fullbore.simulate.lines import Line, of_lines, of_tissues
from fullbore.simulate.reads import sum_reads
from fullbore.simulate.spreading import WIDTH, spreading_weights
from fullbore.simulate.tracks import Tracks

FEW_PARTITIONS = 2
ROW_PARTS, PART_VALUES = 16, 1 << 19
BLOCK_BYTES = 150_000_000
LINE_BYTES = 400_000_000
USUAL_TERMS = 30
STILL, MOST_CELLS = 0.05, 1.5
"""Cells moved apart by less than this part of the tolerance, in grid steps, stay where they are, if they are not many more than
the grid's points."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """What stays the same for all slots of a group.

    density: (tissue,) proton density. lines: of the tissues, which classes tell apart. sensitivity, mix: of `coils.Coils`.
    fine: axes of the class tables.
    plane_wise: classes differ from plane to plane.
    tolerance: relative l2. pool: of threads that share the work; what they do does not depend on how many they are.
    """

    lattice: Lattice
    density: Float[np.ndarray, " tissue"]
    lines: tuple[Line, ...]
    sensitivity: FieldMap
    mix: Complex64[np.ndarray, "coil combination"] | None
    fine: ClassAxes
    plane_wise: bool
    tolerance: float
    pool: Executor

    def mass(self, x: slice = slice(None)) -> Float[np.ndarray, "line plane f b"]:
        """How much of the object each class holds (sum of squares), in a range of x."""
        result = np.zeros((len(self.density), *self.fine.shape))
        part = self.lattice
        class_mass(
            part.fractions[..., x], self.density, part.b1_scale[..., x], part.off_resonance_Hz[..., x], self.plane_wise,
            *_even(self.fine.off_resonance_Hz), *_even(self.fine.b1_scale), result,
        )  # fmt: skip
        return of_lines(result, self.lines)

    def components(
        self, model: SlotModel, mass: Float[np.ndarray, "line plane f b"], dropped: float
    ) -> tuple[Complex[np.ndarray, "tissue plane f b k"], Complex[np.ndarray, "k row q"]]:
        """Of a slot's model, the lines of each tissue together: cells know tissues only."""
        table, pattern = model.components(mass, dropped)
        return of_tissues(table, self.lines, len(self.density)), pattern

    def sensitivities(self, x: slice) -> Complex64[np.ndarray, "z y x coil"]:
        """Of every cell in a range of x, the coils' combinations last."""
        read, y = replace(self.lattice.x, points_m=self.lattice.x.points_m[x], weights=None), self.lattice.y
        shape = (*self.lattice.b1_scale.shape[:2], len(read.points_m), len(self.sensitivity.values))
        result = np.empty(shape, np.complex64)

        def place(part: slice) -> None:
            axes = (read, replace(y, points_m=y.points_m[part], weights=None), self.lattice.z)
            result[:, part] = sample_field(self.sensitivity, self.lattice.frame, axes, channels_last=True)

        list(self.pool.map(place, parts_of(len(y.points_m), int(np.clip(result.size // PART_VALUES, 1, ROW_PARTS // 2)))))
        return result


def parts_of(size: int, most: int) -> list[slice]:
    """At most so many nearly equal ranges of 0 ... size."""
    edges = np.linspace(0, size, min(most, size) + 1).astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(edges)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """A piece of the grid along read: its points, the cells that reach it, and its first point in grid steps from x = 0.

    still: the points are the cells themselves, which nothing moves apart.
    """

    points_m: Float[np.ndarray, " x"]
    cells: slice
    first: int
    still: bool = False


def _even(axis: Float[np.ndarray, " n"]) -> tuple[float, float]:
    return float(axis[0]), max(float(axis[-1] - axis[0]) / max(len(axis) - 1, 1), 1e-12)


def blocks_of(scene: Scene, comb: Comb) -> list[Block]:
    """Pieces of the read grid, small enough for memory, that hold all cells after their shift."""
    lattice, step = scene.lattice, comb.step_m
    cells = lattice.x.points_m
    moved = _moved(scene, comb)
    reach = float(np.abs(moved).max()) + (WIDTH // 2 + 1) * step
    first, last = int(np.floor((cells[0] - reach) / step)), int(np.ceil((cells[-1] + reach) / step)) + 1
    if moved[1] - moved[0] < STILL * step * scene.tolerance and len(cells) < MOST_CELLS * (last - first):
        parts = parts_of(len(cells), _pieces(scene, comb, len(cells)))
        return [Block(points_m=cells[part] + moved[0], cells=part, first=0, still=True) for part in parts]
    edges = np.linspace(first, last, _pieces(scene, comb, last - first) + 1).astype(int)
    result = []
    for low, high in pairwise(edges):
        near = np.flatnonzero((cells >= low * step - reach) & (cells <= high * step + reach))
        if len(near):
            points = np.arange(low, high) * step
            result.append(Block(points_m=points, cells=slice(int(near[0]), int(near[-1]) + 1), first=int(low)))
    return result


def _moved(scene: Scene, comb: Comb) -> tuple[float, float]:
    """How far, least and most, off-resonance moves cells along read."""
    off = scene.lattice.off_resonance_Hz
    ends = float(off.min()) * comb.shift_m_per_Hz, float(off.max()) * comb.shift_m_per_Hz
    return min(ends), max(ends)


def _pieces(scene: Scene, comb: Comb, points: int) -> int:
    """In how many pieces so many points of the read grid stay within memory."""
    planes = 1 if is_thin(comb) else len(scene.lattice.z.points_m)
    point_bytes = 8 * planes * len(scene.lattice.y.points_m) * scene.sensitivity.values.shape[0]
    line_bytes = 8 * USUAL_TERMS * comb.lines * scene.sensitivity.values.shape[0]
    return max(1, int(np.ceil(points * max(point_bytes / BLOCK_BYTES, line_bytes / LINE_BYTES))))


def is_thin(comb: Comb) -> bool:
    """True for the few kz of a slice, whose planes are summed at once."""
    return len(comb.k_slice_per_m) <= FEW_PARTITIONS


def slice_turns(scene: Scene, comb: Comb) -> list[Complex64[np.ndarray, " z"]]:
    """Factors of the planes for cells that are summed over z at once, one set per kz; ones where they are kept apart."""
    if is_thin(comb):
        return list(fourier_matrix(comb.k_slice_per_m, scene.lattice.z))
    return [np.ones(len(scene.lattice.z.points_m), np.complex64)]


def carry(
    scene: Scene,
    model: SlotModel,
    comb: Comb,
    others: list[SlotModel],
    out: Complex64[np.ndarray, "n coil sample"],
    rows_out: Int[np.ndarray, " row"],
    turn: Complex64[np.ndarray, " row"],
    progress: Callable[[float], None],
) -> None:
    """Add one comb of one slot to the samples `out[rows_out]`; others: all slots, whose energy sets what may be dropped.

    turn: factor of each of the slot's readouts.
    """
    y, z = scene.lattice.y, scene.lattice.z
    if len(z.points_m) == 1:
        comb = in_plane(comb, z)
    kz = comb.k_slice_per_m
    over_y = [FourierSum(part.k_phase_per_m, y.points_m, y.transfer(part.k_phase_per_m)) for part in comb.partitions]
    over_z = None if is_thin(comb) else FourierSum(kz, z.points_m, z.transfer(kz))
    pieces = blocks_of(scene, comb)
    for number, block in enumerate(pieces):
        progress(number / len(pieces))
        mass = scene.mass(block.cells)
        energies = sum(other.energy(mass) for other in others)
        table, pattern = scene.components(model, mass, (0.6 * scene.tolerance) ** 2 * energies / len(others))
        if not len(pattern):
            continue
        sensitivity = scene.sensitivities(block.cells)
        lines = np.empty((comb.lines, len(block.points_m), len(pattern), sensitivity.shape[-1]), np.complex64)
        found = [find_cells(scene, model, comb, block, turn) for turn in slice_turns(scene, comb)]
        slab = np.empty((len(comb.k_slice_per_m), sensitivity.shape[1], len(block.points_m), sensitivity.shape[-1]), np.complex64)
        for k in range(len(pattern)):
            _sum_slices(scene, found, block.still, over_z, np.ascontiguousarray(table[..., k]), sensitivity, slab)
            sum_lines(slab, comb.partitions, over_y, lines[:, :, k], scene.pool)
        read = comb.read_sum(block.points_m, scene.lattice.x, scene.lattice.cell_volume_m3, spread=not block.still)
        turned = pattern[:, comb.rows] * (comb.turn * turn[comb.rows])[:, None]
        sum_reads(lines, comb.line, turned, model.sample, read, scene.mix, out, rows_out[comb.rows], scene.pool)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellList:
    """Occupied cells of one block as `list_cells` gives them; starts: of each y row."""

    cell: Int32[np.ndarray, "n 3"]
    where: Float[np.ndarray, " n"]
    turn: Complex64[np.ndarray, " n"]
    entry: Int[np.ndarray, " n1"]
    corner: Int[np.ndarray, " m"]
    weight: Float32[np.ndarray, "m 3"]
    starts: Int[np.ndarray, " y1"]


def find_cells(scene: Scene, model: SlotModel, comb: Comb, block: Block, turn: Complex64[np.ndarray, " z"]) -> CellList:
    """The occupied cells of a block, where they go and what they look up."""
    part, x = scene.lattice, block.cells
    fractions = part.fractions[..., x]
    counts = np.empty((fractions.shape[2], 2), np.int64)
    count_cells(fractions, scene.density, counts)
    starts = np.concatenate([np.zeros((1, 2), np.int64), np.cumsum(counts, axis=0)])
    cells, entries = starts[-1]
    found = CellList(
        cell=np.empty((cells, 3), np.int32),
        where=np.empty(cells),
        turn=np.empty(cells, np.complex64),
        entry=np.zeros(cells + 1, np.int64),
        corner=np.empty(entries, np.int64),
        weight=np.empty((entries, 3), np.float32),
        starts=np.ascontiguousarray(starts[:, 0]),
    )
    fs, bs = scene.fine.off_resonance_Hz, scene.fine.b1_scale
    list_cells(
        fractions, scene.density, part.b1_scale[..., x], part.b1_phase_rad[..., x], part.off_resonance_Hz[..., x],
        scene.plane_wise, *_even(fs), len(fs), *_even(bs), len(bs), turn, model.middle_s, comb.k_centre_per_m,
        float(part.x.points_m[x][0]), part.x.spacing_m, comb.shift_m_per_Hz, comb.step_m, block.first,
        starts, found.cell, found.where, found.turn, found.entry, found.corner, found.weight,
    )  # fmt: skip
    return found


def _sum_slices(
    scene: Scene,
    found: list[CellList],
    still: bool,
    transform: FourierSum | None,
    table: Complex64[np.ndarray, "tissue plane f b"],
    sensitivity: Complex64[np.ndarray, "z y x coil"],
    out: Complex64[np.ndarray, "kz y x2 coil"],
) -> None:
    """Cells of one component, row by row spread along read and summed over z for every kz.

    transform: over z; None where `found` holds the cells of each kz with their planes' factors.
    """
    maps, flat = sensitivity.view(np.float32), table.ravel()
    depth, height = scene.lattice.b1_scale.shape[:2]

    def spread(cells: CellList, rows: range, apart: int, target: Complex64[np.ndarray, "n x2 coil"]) -> None:
        held = cells.turn, cells.entry, cells.corner, cells.weight, table.shape[-1], flat, maps
        ends = cells.starts[rows.start], cells.starts[rows.stop], apart, target.view(np.float32)
        if still:
            place_cells(cells.cell, *held, *ends)
        else:
            spread_cells(cells.cell, cells.where, *held, _TAPS, *ends)

    def sum_rows(rows: range) -> None:
        if transform is None:
            for cells, target in zip(found, out, strict=True):
                target[rows.start : rows.stop] = 0
                spread(cells, rows, 1, target)
            return
        held = np.empty((depth, *out.shape[2:]), np.complex64)
        for y in rows:
            if found[0].starts[y] == found[0].starts[y + 1]:
                out[:, y] = 0
            else:
                held[...] = 0
                spread(found[0], range(y, y + 1), 0, held)
                out[:, y] = transform(held.reshape(depth, -1)).reshape(len(out), *held.shape[1:])

    rows = (range(part.start, part.stop) for part in parts_of(height, int(np.clip(out.size // PART_VALUES, 2, ROW_PARTS))))
    list(scene.pool.map(sum_rows, rows))


_TAPS: Float32[np.ndarray, "bin tap"] = spreading_weights()


def carry_directly(
    scene: Scene,
    model: SlotModel,
    k_per_m: Tracks,
    out: Complex64[np.ndarray, "n coil sample"],
    rows_out: Int[np.ndarray, " row"],
    turn: Complex64[np.ndarray, " row"],
) -> None:
    """Any trajectory, cell by cell: slow but right. turn: factor of each of the slot's readouts."""
    table, pattern = scene.components(model, scene.mass(), 0.0)
    pattern = pattern * turn[:, None]
    part = scene.lattice
    for x in range(len(part.x.points_m)):
        cells = _column(scene, table, model.middle_s, x)
        sensitivity = scene.sensitivities(slice(x, x + 1))[:, :, 0]
        held = np.flatnonzero((np.abs(cells) > 0).any(axis=-1).ravel())
        if not len(held):
            continue
        flat = (cells[..., :, None] * sensitivity[..., None, :]).reshape(-1, cells.shape[-1] * sensitivity.shape[-1])[held]
        for row, phase in _phases(part, k_per_m, x, held):
            value = (phase @ flat).reshape(len(phase), cells.shape[-1], -1)
            seen = np.einsum("jkc,kj->cj", value, pattern[:, row] @ model.sample)
            out[rows_out[row]] += seen if scene.mix is None else scene.mix @ seen


def _phases(
    part: Lattice, k_per_m: Tracks, x: int, held: Int[np.ndarray, " n"]
) -> Iterator[tuple[int, Complex[np.ndarray, "sample n"]]]:
    z, y = (a.ravel()[held] for a in np.meshgrid(part.z.points_m, part.y.points_m, indexing="ij"))
    for row in range(len(k_per_m)):
        k = k_per_m.row(row)
        gain = part.x.transfer(k[:, 0]) * part.y.transfer(k[:, 1]) * part.z.transfer(k[:, 2])
        angle = k[:, :1] * part.x.points_m[x] + np.outer(k[:, 1], y) + np.outer(k[:, 2], z)
        yield row, gain[:, None] * np.exp(-2j * np.pi * angle)


def _column(
    scene: Scene, table: Complex64[np.ndarray, "tissue plane f b k"], middle_s: float, x: int
) -> Complex[np.ndarray, "z y k"]:
    """Coefficients of the cells at one x, the readable way."""
    part = scene.lattice
    (f0, f_step), (b0, b_step) = _even(scene.fine.off_resonance_Hz), _even(scene.fine.b1_scale)
    frequency, scale = part.off_resonance_Hz[..., x], part.b1_scale[..., x]
    at_f, at_b = (frequency - f0) / f_step, (scale - b0) / b_step
    i, j = (np.clip(a.astype(int), 0, max(n - 2, 0)) for a, n in ((at_f, table.shape[2]), (at_b, table.shape[3])))
    u, v = np.clip(at_f - i, 0, 1)[..., None], np.clip(at_b - j, 0, 1)[..., None]
    i1, j1 = np.minimum(i + 1, table.shape[2] - 1), np.minimum(j + 1, table.shape[3] - 1)
    plane = np.arange(len(frequency))[:, None] if scene.plane_wise else np.zeros((len(frequency), 1), int)
    total = np.zeros((*frequency.shape, table.shape[-1]), complex)
    for t, own in enumerate(table):
        low = (1 - v) * own[plane, i, j] + v * own[plane, i, j1]
        high = (1 - v) * own[plane, i1, j] + v * own[plane, i1, j1]
        total += (scene.density[t] * part.fractions[t, ..., x])[..., None] * ((1 - u) * low + u * high)
    turn = np.exp(1j * (part.b1_phase_rad[..., x] - 2 * np.pi * frequency * middle_s)) * part.cell_volume_m3
    return np.asarray(total * turn[..., None])
