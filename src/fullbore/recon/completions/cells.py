"""Points of a lattice laid out so that a neighbour is a fixed step in memory: sums over neighbours gather nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Complex, Inexact, Int
from torch import Tensor

from fullbore.recon.completions.lattice import Lattice


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Sources side by side in one row of the lattice. rows: of the lattice from the point to them; first, last: their numbers."""

    rows: int
    first: int
    last: int
    y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Every point of a lattice whose cell of missing positions touches a matrix, and room for its sources around them.

    Rows of the lattice fall into classes that begin at the same y. From all points of a class a source lies the same number of
    places further, in the class of its own row. A table is (x, class, place, channel), the rows of a class one behind the
    other: `above` empty ones, `rows`, and `below` empty ones again, `width` places each, of which `left` are before y >= 0.
    phases: what `width` is a multiple of, the most sources in a run: every so many points a run of sources is a row of a matrix
    whose rows do not overlap.
    """

    lattice: Lattice
    shape: tuple[int, int]
    runs: tuple[Run, ...]
    z: int
    starts: tuple[int, ...]
    rows: int
    above: int
    below: int
    left: int
    width: int
    phases: int

    def table(self, values: Inexact[Tensor, "x channel kz ky"]) -> Inexact[Tensor, "x class place channel"]:
        """The lattice's points of `values`, zero around them."""
        places = self.left + (self.above + self.rows + self.below + 1) * self.width + self.phases
        table = values.new_zeros((values.shape[0], len(self.starts), places, values.shape[1]))
        held = table[:, :, self.left : places - self.phases].unflatten(2, (-1, self.width))
        for number in range(len(self.starts)):
            first, inside, along = self._inside(number, 0, 0, (0, self.rows))
            found = values[:, :, inside, along].permute(0, 2, 3, 1)
            rows, columns = self.above + first[0], self.left + first[1]
            held[:, number, rows : rows + found.shape[1], columns : columns + found.shape[2]] = found
        return table

    def around(
        self, table: Inexact[Tensor, "x class place channel"], number: int, run: Run, phase: int, rows: tuple[int, int]
    ) -> Inexact[Tensor, "x point sc"]:
        """The sources of a run as a view of the table: of every point `phase` + a multiple of `phases`, in rows of a class."""
        count, channels = (rows[1] - rows[0]) * self.width // self.phases, table.shape[3]
        turn, other = divmod(number + run.rows, len(self.starts))
        step = (self.starts[number] + run.y - self.starts[other]) // self.lattice.lines
        first = self.left + (self.above + rows[0] + turn) * self.width + step + phase
        offset = table.storage_offset() + other * table.stride(1) + first * channels
        sizes = table.shape[0], count, (run.last - run.first) * channels
        # In one step: several cost as much as a small product.
        return table.as_strided(sizes, (table.stride(0), self.phases * channels, 1), offset)

    def put(
        self,
        found: Inexact[Tensor, "x row along channel"],
        into: Inexact[Tensor, "x channel kz ky"],
        number: int,
        target: tuple[int, int],
        rows: tuple[int, int],
    ) -> None:
        """What was found for one position (kz, ky) of the cells in `rows` of a class, into the matrix where it lies inside."""
        (row, column), z, y = self._inside(number, *target, rows)
        inside = into[:, :, z, y]
        column += self.left
        inside.copy_(found.permute(0, 3, 1, 2)[:, :, row : row + inside.shape[2], column : column + inside.shape[3]])

    def well_known(self, mask: Bool[np.ndarray, "kz ky"], share: float) -> Bool[Tensor, "class row along"] | None:
        """Which points have more than this share of those sources measured that lie in the matrix; None for all of them."""
        both = torch.from_numpy(np.stack([mask, np.ones_like(mask)])[None].astype(np.float32))
        table = self.table(both)
        if torch.equal(table[..., 0], table[..., 1]):
            return None
        counts = torch.zeros((len(self.starts), self.rows * self.width, 2))
        for number, count in enumerate(counts):
            for run in self.runs:
                for phase in range(self.phases):
                    seen = self.around(table, number, run, phase, (0, self.rows))[0]
                    count[phase :: self.phases] += seen.unflatten(1, (-1, 2)).sum(1)
        return (counts[..., 0] > share * counts[..., 1]).unflatten(1, (self.rows, self.width))

    def contains(self) -> Bool[np.ndarray, "kz ky"]:
        """Which positions of the matrix are points of the lattice."""
        found = np.zeros(self.shape, dtype=bool)
        for number in range(len(self.starts)):
            _, z, y = self._inside(number, 0, 0, (0, self.rows))
            found[z, y] = True
        return found

    def pieces(self, cells: int) -> Iterator[tuple[int, tuple[int, int]]]:
        """All rows of all classes, at most so many cells at a time: (class, rows from and to)."""
        step = max(1, cells // self.width)
        for number in range(len(self.starts)):
            for first in range(0, self.rows, step):
                yield number, (first, min(first + step, self.rows))

    def _inside(self, number: int, z: int, y: int, rows: tuple[int, int]) -> tuple[tuple[int, int], slice, slice]:
        """Where positions (z, y) from the points in rows of a class lie in the matrix: first row and column, and the slices."""
        lattice, classes = self.lattice, len(self.starts)
        step = lattice.partitions * classes
        top, start = self.z + lattice.partitions * number + z, self.starts[number] + y
        row = max(rows[0], -(top // step))
        column = -(start // lattice.lines)
        end = min(self.shape[0], top + step * rows[1])
        return (
            (row - rows[0], column),
            slice(min(top + step * row, end), end, step),
            slice(start % lattice.lines, None, lattice.lines),
        )


def lay_out(lattice: Lattice, shape: tuple[int, int], sources: Int[np.ndarray, "source 2"]) -> Cells:
    """The cells of a matrix (kz, ky) and the places of their sources, offsets (kz, ky) as `Lattice.sources` gives them."""
    steps, lines = lattice.partitions, lattice.lines
    # The row before the matrix counts where its cells reach into it.
    z = lattice.origin[0] % steps - (steps if lattice.origin[0] % steps else 0)
    classes = lines // math.gcd(lattice.shift, lines)
    turn = (z - lattice.origin[0]) // steps
    starts = tuple((lattice.origin[1] + lattice.shift * (turn + number)) % lines for number in range(classes))
    runs = tuple(_runs(sources, steps))
    apart = [
        (starts[number] + y - starts[(number + run.rows) % classes]) // lines
        for number in range(classes)
        for run in runs
        for y in (run.y, run.y + (run.last - run.first - 1) * lines)
    ]
    phases = max(run.last - run.first for run in runs)
    # What lies after one row lies before the next: both are empty, and one room serves both.
    before = int(max(starts) > 0)
    left = before + max(0, -min(apart), max(apart))
    width = left + (shape[1] - 1 - min(starts)) // lines + 1
    reach = [run.rows for run in runs]
    return Cells(
        lattice=lattice,
        shape=shape,
        runs=runs,
        z=z,
        starts=starts,
        rows=-(-((shape[0] - 1 - z) // steps + 1) // classes),
        above=-(min(reach) // classes),
        below=(classes - 1 + max(reach)) // classes,
        left=left,
        width=-(-width // phases) * phases,
        phases=phases,
    )


def _runs(sources: Int[np.ndarray, "source 2"], steps: int) -> Iterator[Run]:
    for z in np.unique(sources[:, 0]).tolist():
        inside = np.flatnonzero(sources[:, 0] == z)
        yield Run(rows=z // steps, first=int(inside[0]), last=int(inside[-1]) + 1, y=int(sources[inside[0], 1]))


def predicted(
    cells: Cells,
    table: Complex[Tensor, "x class place channel"],
    weights: Complex[Tensor, "x sc tc"],
    number: int,
    rows: tuple[int, int],
) -> Complex[Tensor, "x row along tc"]:
    """The weighted sums of the sources of all points in rows of a class: one matrix product for each run and phase."""
    x, channels = table.shape[0], table.shape[3]
    points, depth = (rows[1] - rows[0]) * cells.width // cells.phases, weights.shape[2]
    # Batches of products want their results one behind the other; a single one writes where its results belong.
    order = (cells.phases, x, points, depth) if x > 1 else (x, points, cells.phases, depth)
    found = table.new_empty(order) if x > 1 else table.new_empty(order).permute(2, 0, 1, 3)
    for begun, run in enumerate(cells.runs):
        factors = weights[:, run.first * channels : run.last * channels]
        for phase, result in enumerate(found):
            result.baddbmm_(cells.around(table, number, run, phase, rows), factors, beta=min(begun, 1))
    return found.permute(1, 2, 0, 3).flatten(1, 2).unflatten(1, (rows[1] - rows[0], cells.width))
