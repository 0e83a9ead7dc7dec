"""From what spins are at the middle of each readout to the samples of that readout."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Complex64, Float, Int

from fullbore.simulate.cloud.bends import Bends, Reach, alike, common_step, make_bends, reach_of
from fullbore.simulate.cloud.dynamics_kernel import turns
from fullbore.simulate.cloud.line_basis import LineBasis
from fullbore.simulate.cloud.line_grid import LineGrid
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.cloud.spots import Spots
from fullbore.simulate.timeline import Timeline

SAME_STEP_PER_M = 1e-6
"""k steps (cycles/m per sample) that differ by less are one line: 1e-5 turns after 100 samples, 0.1 m from the isocentre."""

FEWEST_SHARED = 12
"""Readouts along one line that make cells pay; fewer are gridded one by one."""

BENT = 10
"""Times the tolerance of a line: the most that is left of what bends it, anywhere and ever; a tenth of it as a rule."""
COLUMNS = 0.4
"""Columns that a bent line may take for each sample before every sample summed by itself is cheaper."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """Readouts along one evenly sampled line, straight or nearly. rows: of the sequence. step_per_m: (part,) cycles/m per sample.

    bends: how readouts leave it, None where none does.
    """

    rows: Int[np.ndarray, " n"]
    step_per_m: Float[np.ndarray, " part"]
    basis: LineBasis
    bends: Bends | None = None

    @property
    def ranks(self) -> list[int]:
        """How many patterns count for the line itself and for each term of its bends."""
        bends = [] if self.bends is None else [self.basis.rank_of(size / BENT) for size in self.bends.sizes[1:]]
        return [self.basis.rank, *bends]


class Readouts:
    """The readouts of a timeline, whatever their lengths.

    fixed False: spins are elsewhere, or seen otherwise, from readout to readout, so that none can share a line. place: where
    spins are, for lines that are not quite straight; such readouts are summed sample by sample without.
    """

    def __init__(
        self,
        timeline: Timeline,
        rates_per_s: tuple[float, float],
        tolerance: float,
        fixed: bool = True,
        place: Float[np.ndarray, "n part"] | None = None,
    ):
        kinds, which = np.unique(np.column_stack([timeline.samples, timeline.dwell_s]), axis=0, return_inverse=True)
        self.windows = [
            Window(timeline, np.flatnonzero(which.ravel() == i), int(samples), float(dwell_s), rates_per_s, tolerance, fixed)
            for i, (samples, dwell_s) in enumerate(kinds)
        ]
        if fixed and place is not None:
            for window in self.windows:
                window.share_bent(reach_of(place), tolerance)
        self.windows.sort(key=lambda window: -sum(len(line.rows) for line in window.lines))

    def order(self, spots: Spots) -> Int[np.ndarray, " n"]:
        """Spins sorted by their cell in the commonest line; as they are when there is none."""
        return self.windows[0].order(spots)

    def cost_s(self, coils: int) -> float:
        """About how long all readouts of one spin take on two cores."""
        return sum(window.cost_s(coils) for window in self.windows)

    def collect(
        self, spots: Spots, rows: slice, middle: Complex64[np.ndarray, "row n"], out: Complex64[np.ndarray, "row coil sample"]
    ) -> None:
        """Add to `out` what a part of the cloud gives in consecutive readouts; middle: its magnetisation at their middles."""
        for window in self.windows:
            window.collect(spots, rows, middle, out)


class Window:
    """Readouts of one length and dwell: those that share a line, straight ones of their own direction, and any others."""

    def __init__(
        self,
        timeline: Timeline,
        own: Int[np.ndarray, " own"],
        samples: int,
        dwell_s: float,
        rates_per_s: tuple[float, float],
        tolerance: float,
        fixed: bool,
    ):
        self.samples, self.dwell_s, self.middle = samples, dwell_s, samples // 2
        self._time_s, self._moment = timeline.sample_time_s[:, :samples], timeline.sample_moment_per_m[:, :samples]
        self.lines: list[Line] = []
        self.step_per_m = (self._moment[:, -1] - self._moment[:, 0]) / max(samples - 1, 1)
        straight = np.zeros(len(self._moment), bool)
        straight[own] = samples > 1 and self._stray()[own] < samples * SAME_STEP_PER_M
        _, first, which = np.unique(np.round(self.step_per_m / SAME_STEP_PER_M), axis=0, return_index=True, return_inverse=True)
        shared = np.bincount(which.ravel()[straight], minlength=len(first))
        fewest = FEWEST_SHARED if fixed else len(which) + 1
        if samples > 1:
            self.grid = LineGrid(samples, dwell_s, rates_per_s, tolerance)
            self._basis = basis = LineBasis(samples, dwell_s, rates_per_s, tolerance)
            for number in np.flatnonzero(shared >= fewest):
                rows = np.flatnonzero(straight & (which.ravel() == number))
                self.lines.append(Line(rows=rows, step_per_m=self.step_per_m[rows[0]], basis=basis))
        self.lines.sort(key=lambda line: -len(line.rows))
        self.spokes = np.flatnonzero(straight & (shared[which.ravel()] < fewest))
        self._spoke_rows = set(self.spokes.tolist())
        self.others = np.setdiff1d(own, np.flatnonzero(straight))

    def share_bent(self, reach: Reach, tolerance: float) -> None:
        """Let readouts that are nearly of one line share it, where that is cheaper than to sum each by itself."""
        if self.samples < 2:
            return
        left = np.sort(np.concatenate([self.spokes, self.others]))
        moment = self._moment[left] - self._moment[left, self.middle, None]
        found = []
        for own in alike(moment, reach, FEWEST_SHARED):
            step = common_step(moment[own])
            bends = make_bends(moment[own] - self._along(step), reach, BENT * tolerance)
            if bends is not None:
                line = Line(rows=left[own], step_per_m=step, basis=self._basis, bends=bends)
                found += [line] if sum(line.ranks) < COLUMNS * self.samples else []
        shared = np.concatenate([line.rows for line in found] or [left[:0]])
        self.lines = sorted([*self.lines, *found], key=lambda line: -len(line.rows))
        self.spokes, self.others = np.setdiff1d(self.spokes, shared), np.setdiff1d(self.others, shared)
        self._spoke_rows -= set(shared.tolist())

    def _along(self, step_per_m: Float[np.ndarray, " part"]) -> Float[np.ndarray, "sample part"]:
        """A line from the middle sample on, cycles/m."""
        return np.asarray((np.arange(self.samples) - self.middle)[:, None] * step_per_m)

    def cost_s(self, coils: int) -> float:
        """About how long the readouts of one spin take on two cores, as measured on lines, bent ones, spokes and spirals."""
        shared = sum(
            len(line.rows) * (2e-9 + (5e-10 if line.bends is None else 1.8e-10 * sum(line.ranks)) * coils) for line in self.lines
        )
        curved = self.samples * (2e-9 + 3e-11 * coils)
        return shared + len(self.spokes) * (5e-8 + 1e-8 * coils) + len(self.others) * curved

    def _stray(self) -> Float[np.ndarray, " row"]:
        """How far each readout is from a straight, even line."""
        ideal = self._moment[:, :1] + self.step_per_m[:, None] * np.arange(self.samples)[:, None]
        return np.asarray(np.abs(self._moment - ideal).max(axis=(1, 2)))

    def order(self, spots: Spots) -> Int[np.ndarray, " n"]:
        """Spins sorted by their cell in the commonest line; as they are when there is none."""
        if not self.lines:
            return np.arange(len(spots.cloud))
        return np.argsort(self._cells(self.lines[0], spots.cloud, spots.home)[1], kind="stable")

    def _cells(
        self, line: Line, cloud: SpinCloud, place: Float[np.ndarray, "n part"]
    ) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        u = place @ line.step_per_m + cloud.off_resonance_Hz * self.dwell_s
        return u, line.basis.cells(u)

    def collect(
        self, spots: Spots, rows: slice, middle: Complex64[np.ndarray, "row n"], out: Complex64[np.ndarray, "row coil sample"]
    ) -> None:
        """Add what a part of the cloud gives in consecutive readouts."""
        part, seen, value = spots.cloud, spots.seen(0.0), out[:, :, : self.samples]
        for line in self.lines:
            inside = line.rows[(line.rows >= rows.start) & (line.rows < rows.stop)] - rows.start
            if len(inside):
                self._collect_line(line, inside, rows.start, spots, seen, middle, value)
        alone = np.concatenate([self.spokes, self.others])
        for row in alone[(alone >= rows.start) & (alone < rows.stop)].tolist():
            at, place, times = row - rows.start, spots.at(float(self._time_s[row, self.middle])), self._time_s[row]
            if spots.are_seen_the_same:
                value[at] += self._sum(row, part, place, seen * middle[at])
                continue
            late = ((times - times[0]) / (times[-1] - times[0] + 1e-12)).astype(np.float32)  # sensitivities change straightly
            for time_s, share in ((times[0], 1 - late), (times[-1], late)):
                value[at] += share * self._sum(row, part, place, spots.seen(float(time_s)) * middle[at])

    def _sum(
        self, row: int, part: SpinCloud, place: Float[np.ndarray, "n part"], signal: Complex64[np.ndarray, "coil n"]
    ) -> Complex64[np.ndarray, "coil sample"]:
        """One readout of spins whose signal at its middle sample is given."""
        if row in self._spoke_rows:
            u = place @ self.step_per_m[row] + part.off_resonance_Hz * self.dwell_s
            return self.grid.samples(u, self.grid.terms(1 / part.t2_s), np.ascontiguousarray(signal.T))
        moment = np.ascontiguousarray((self._moment[row] - self._moment[row, self.middle]).T)
        onwards = np.empty((len(part), moment.shape[1]), np.complex64)
        _progress(place, part.off_resonance_Hz, 1 / part.t2_s, moment, self.dwell_s, self.middle, onwards)
        return np.asarray(signal @ onwards)

    def _collect_line(
        self,
        line: Line,
        rows: Int[np.ndarray, " own"],
        first: int,
        spots: Spots,
        seen: Complex64[np.ndarray, "coil n"],
        middle: Complex64[np.ndarray, "row n"],
        out: Complex64[np.ndarray, "row coil sample"],
    ) -> None:
        """Cell by cell: magnetisation at the middle times each spin's part in the patterns, then the patterns."""
        part = spots.cloud
        u, cell = self._cells(line, part, spots.home)
        order = np.argsort(cell, kind="stable") if np.any(np.diff(cell) < 0) else np.arange(len(cell))
        taken = slice(int(rows[0]), int(rows[-1]) + 1) if np.all(np.diff(rows) == 1) else rows
        held = middle[taken] if np.array_equal(order, np.arange(len(order))) else middle[taken][:, order]
        basis = line.basis.parts(u, cell, 1 / part.t2_s)[order]
        if line.bends is None:
            _add_cells(line.basis, cell[order], basis, seen[:, order], held, out, taken)
            return
        moment = self._moment[first + rows, : self.samples] - self._moment[first + rows, self.middle, None]
        courses = line.bends.courses(first + rows, moment - self._along(line.step_per_m))
        weighted = np.empty((len(rows), *out.shape[1:]), np.complex64)
        for shape, course, rank in zip(line.bends.shapes(spots.home[order]), courses, line.ranks, strict=True):
            weighted[:] = 0
            _add_cells(line.basis, cell[order], basis[:, :rank], seen[:, order] * shape, held, weighted, slice(None))
            out[taken] += weighted * course[:, None]


def _add_cells(
    lines: LineBasis,
    cell: Int[np.ndarray, " n"],
    parts: Complex64[np.ndarray, "n r"],
    seen: Complex64[np.ndarray, "coil n"],
    held: Complex64[np.ndarray, "own n"],
    out: Complex64[np.ndarray, "row coil sample"],
    taken: slice | Int[np.ndarray, " own"],
) -> None:
    """Add to the rows taken what spins, sorted by their cell, give along their line."""
    joint = (parts[:, None, :] * seen.T[:, :, None]).reshape(len(parts), -1)
    edges = np.concatenate([[0], np.flatnonzero(np.diff(cell)) + 1, [len(cell)]])
    for first, last in pairwise(edges):
        sums = (held[:, first:last] @ joint[first:last]).reshape(-1, parts.shape[1])
        value = sums @ lines.patterns(int(cell[first]))[: parts.shape[1]]
        out[taken] += value.reshape(len(held), len(seen), -1)


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _progress(place, off_resonance, rate, moment, dwell, middle, out):
    """What each spin (n) goes on by from the middle sample to every sample; moment: (part, sample)."""
    count = out.shape[1]
    phase, cosine, sine = np.empty(count), np.empty(count, np.float32), np.empty(count, np.float32)
    for n in range(out.shape[0]):
        x, y, z, f = place[n, 0], place[n, 1], place[n, 2], off_resonance[n] * dwell
        for j in range(count):
            phase[j] = x * moment[0, j] + y * moment[1, j] + z * moment[2, j] + f * (j - middle)
        for c in range(3, place.shape[1]):
            for j in range(count):
                phase[j] += place[n, c] * moment[c, j]
        for j in range(count):
            cosine[j], sine[j] = turns(phase[j])
        decay, step = np.exp(rate[n] * dwell * middle), np.exp(-rate[n] * dwell)
        for j in range(count):
            out[n, j] = complex(decay * cosine[j], -decay * sine[j])
            decay *= step
