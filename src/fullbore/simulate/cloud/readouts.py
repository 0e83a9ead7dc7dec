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
    """The readouts of a timeline: those that share a line, straight ones of their own direction, and those of any other shape.

    alike False: spins are elsewhere, or seen otherwise, from readout to readout, so that none can share a line.
    """

    def __init__(
        self, timeline: Timeline, dwell_s: float, rates_per_s: tuple[float, float], tolerance: float, alike: bool = True
    ):
        self._time_s = timeline.sample_time_s[:, timeline.sample_time_s.shape[1] // 2]
        self._moment, self._dwell_s = timeline.sample_moment_per_m, dwell_s
        samples = self._moment.shape[1]
        self.middle = samples // 2
        self.lines: list[Line] = []
        self.spokes = np.zeros(0, np.int64)
        straight = np.zeros(len(self._moment), bool)
        if samples > 1:
            step = (self._moment[:, -1] - self._moment[:, 0]) / (samples - 1)
            ideal = self._moment[:, :1] + step[:, None] * np.arange(samples)[:, None]
            straight = np.abs(self._moment - ideal).max(axis=(1, 2)) < samples * SAME_STEP_PER_M
            _, first, which = np.unique(np.round(step / SAME_STEP_PER_M), axis=0, return_index=True, return_inverse=True)
            basis = LineBasis(samples, dwell_s, rates_per_s, tolerance)
            shared = np.bincount(which.ravel()[straight], minlength=len(first))
            fewest = FEWEST_SHARED if alike else len(which) + 1
            for number in np.flatnonzero(shared >= fewest):
                rows = np.flatnonzero(straight & (which.ravel() == number))
                self.lines.append(Line(rows=rows, step_per_m=step[first[number]], basis=basis))
            self.lines.sort(key=lambda line: -len(line.rows))
            self.spokes = np.flatnonzero(straight & (shared[which.ravel()] < fewest))
            self._grid, self._step_per_m = LineGrid(samples, dwell_s, rates_per_s, tolerance), step
        self.others = np.flatnonzero(~straight)

    def order(self, cloud: SpinCloud, place: Float[np.ndarray, "n part"]) -> Int[np.ndarray, " n"]:
        """Spins sorted by their cell in the commonest line; as they are when there is none."""
        if not self.lines:
            return np.arange(len(cloud))
        return np.argsort(self._cells(self.lines[0], cloud, place)[1], kind="stable")

    def _cells(
        self, line: Line, cloud: SpinCloud, place: Float[np.ndarray, "n part"]
    ) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        u = place @ line.step_per_m + cloud.off_resonance_Hz * self._dwell_s
        return u, line.basis.cells(u)

    def collect(
        self, spots: Spots, middle: Complex64[np.ndarray, "row n"], out: Complex64[np.ndarray, "row coil sample"]
    ) -> None:
        """Add to `out` what a part of the cloud gives; middle: its magnetisation at each readout's middle sample."""
        part, seen = spots.cloud, spots.seen(0.0)
        for line in self.lines:
            self._collect_line(line, part, spots.home, seen, middle, out)
        terms = self._grid.terms(1 / part.t2_s) if len(self.spokes) else None
        for rows, add in ((self.spokes, self._add_spoke), (self.others, self._add_curve)):
            for row in rows:
                time_s = float(self._time_s[row])
                if not spots.are_fixed:
                    seen = spots.seen(time_s)
                add(row, part, spots.at(time_s), seen * middle[row], terms, out[row])

    def _add_spoke(self, row, part, place, signal, terms, out) -> None:  # type: ignore[no-untyped-def]
        u = place @ self._step_per_m[row] + part.off_resonance_Hz * self._dwell_s
        out += self._grid.samples(u, terms, np.ascontiguousarray(signal.T))

    def _add_curve(self, row, part, place, signal, terms, out) -> None:  # type: ignore[no-untyped-def]
        moment = np.ascontiguousarray((self._moment[row] - self._moment[row, self.middle]).T)
        onwards = np.empty((len(part), moment.shape[1]), np.complex64)
        _progress(place, part.off_resonance_Hz, 1 / part.t2_s, moment, self._dwell_s, self.middle, onwards)
        out += signal @ onwards

    def _collect_line(
        self,
        line: Line,
        part: SpinCloud,
        place: Float[np.ndarray, "n part"],
        seen: Complex64[np.ndarray, "coil n"],
        middle: Complex64[np.ndarray, "row n"],
        out: Complex64[np.ndarray, "row coil sample"],
    ) -> None:
        u, cell = self._cells(line, part, place)
        order = np.argsort(cell, kind="stable") if np.any(np.diff(cell) < 0) else np.arange(len(cell))
        basis = line.basis.parts(u, cell, 1 / part.t2_s)
        joint = (basis[:, None, :] * seen.T[:, :, None]).reshape(len(part), -1)[order]
        rows = slice(int(line.rows[0]), int(line.rows[-1]) + 1) if np.all(np.diff(line.rows) == 1) else line.rows
        held = middle[rows] if np.array_equal(order, np.arange(len(order))) else middle[rows][:, order]
        edges = np.concatenate([[0], np.flatnonzero(np.diff(cell[order])) + 1, [len(cell)]])
        for first, last in pairwise(edges):
            sums = (held[:, first:last] @ joint[first:last]).reshape(-1, basis.shape[1])
            value = sums @ line.basis.patterns(int(cell[order[first]]))
            out[rows] += value.reshape(len(line.rows), len(seen), -1)


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
