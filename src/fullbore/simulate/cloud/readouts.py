"""From what spins are at the middle of each readout to the samples of that readout."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Complex64, Float, Int

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """Readouts along one straight, evenly sampled line. rows: of the sequence. step_per_m: (part,) cycles/m per sample."""

    rows: Int[np.ndarray, " n"]
    step_per_m: Float[np.ndarray, " part"]
    basis: LineBasis


class Readouts:
    """The readouts of a timeline, whatever their lengths.

    alike False: spins are elsewhere, or seen otherwise, from readout to readout, so that none can share a line.
    """

    def __init__(self, timeline: Timeline, rates_per_s: tuple[float, float], tolerance: float, alike: bool = True):
        kinds, which = np.unique(np.column_stack([timeline.samples, timeline.dwell_s]), axis=0, return_inverse=True)
        self.windows = [
            Window(timeline, np.flatnonzero(which.ravel() == i), int(samples), float(dwell_s), rates_per_s, tolerance, alike)
            for i, (samples, dwell_s) in enumerate(kinds)
        ]
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
        alike: bool,
    ):
        self.samples, self.dwell_s, self.middle = samples, dwell_s, samples // 2
        self._time_s, self._moment = timeline.sample_time_s[:, :samples], timeline.sample_moment_per_m[:, :samples]
        self.lines: list[Line] = []
        self.step_per_m = (self._moment[:, -1] - self._moment[:, 0]) / max(samples - 1, 1)
        straight = np.zeros(len(self._moment), bool)
        straight[own] = samples > 1 and self._stray()[own] < samples * SAME_STEP_PER_M
        _, first, which = np.unique(np.round(self.step_per_m / SAME_STEP_PER_M), axis=0, return_index=True, return_inverse=True)
        shared = np.bincount(which.ravel()[straight], minlength=len(first))
        fewest = FEWEST_SHARED if alike else len(which) + 1
        if samples > 1:
            self.grid = LineGrid(samples, dwell_s, rates_per_s, tolerance)
            basis = LineBasis(samples, dwell_s, rates_per_s, tolerance)
            for number in np.flatnonzero(shared >= fewest):
                rows = np.flatnonzero(straight & (which.ravel() == number))
                self.lines.append(Line(rows=rows, step_per_m=self.step_per_m[rows[0]], basis=basis))
        self.lines.sort(key=lambda line: -len(line.rows))
        self.spokes = np.flatnonzero(straight & (shared[which.ravel()] < fewest))
        self._spoke_rows = set(self.spokes.tolist())
        self.others = np.setdiff1d(own, np.flatnonzero(straight))

    def cost_s(self, coils: int) -> float:
        """About how long the readouts of one spin take on two cores, as measured on lines, spokes and spirals."""
        shared = sum(len(line.rows) for line in self.lines)
        curved = self.samples * (2e-9 + 3e-11 * coils)
        return shared * (2e-9 + 5e-10 * coils) + len(self.spokes) * (5e-8 + 1e-8 * coils) + len(self.others) * curved

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
                self._collect_line(line, inside, spots, seen, middle, value)
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
        spots: Spots,
        seen: Complex64[np.ndarray, "coil n"],
        middle: Complex64[np.ndarray, "row n"],
        out: Complex64[np.ndarray, "row coil sample"],
    ) -> None:
        """Cell by cell: magnetisation at the middle times each spin's part in the patterns, then the patterns."""
        part = spots.cloud
        u, cell = self._cells(line, part, spots.home)
        order = np.argsort(cell, kind="stable") if np.any(np.diff(cell) < 0) else np.arange(len(cell))
        basis = line.basis.parts(u, cell, 1 / part.t2_s)
        joint = (basis[:, None, :] * seen.T[:, :, None]).reshape(len(part), -1)[order]
        taken = slice(int(rows[0]), int(rows[-1]) + 1) if np.all(np.diff(rows) == 1) else rows
        held = middle[taken] if np.array_equal(order, np.arange(len(order))) else middle[taken][:, order]
        edges = np.concatenate([[0], np.flatnonzero(np.diff(cell[order])) + 1, [len(cell)]])
        for first, last in pairwise(edges):
            sums = (held[:, first:last] @ joint[first:last]).reshape(-1, basis.shape[1])
            value = sums @ line.basis.patterns(int(cell[order[first]]))
            out[taken] += value.reshape(len(rows), len(seen), -1)


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
