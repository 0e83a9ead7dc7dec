"""All readouts of a timeline on a device: lines, spokes and curves, each by its own sum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Complex64, Int, Int64
from torch import Tensor

from fullbore.simulate.cloud.device_cloud import DeviceCloud
from fullbore.simulate.cloud.device_layout import Layout, lay_out
from fullbore.simulate.cloud.device_lines import DeviceBasis, DeviceLine, turning
from fullbore.simulate.cloud.device_schedule import Piece
from fullbore.simulate.cloud.device_sums import sum_curve, sum_spokes
from fullbore.simulate.cloud.readouts import Readouts
from fullbore.simulate.timeline import Timeline

Found = tuple[Int[np.ndarray, " row"], Complex64[Tensor, "row coil sample"]]
SAME_MOMENT_PER_M = 1e-6


class DeviceReadouts:
    """How a device sums the readouts of one timeline for one cloud."""

    def __init__(self, timeline: Timeline, dwell_s: float, cloud: DeviceCloud, tolerance: float):
        low, high = torch.aminmax(1 / cloud.t2_s)
        self._readouts = Readouts(timeline, dwell_s, (float(low), float(high)), tolerance)
        self._dwell_s, self.middle = dwell_s, self._readouts.middle
        self._bases = [DeviceBasis(line.basis, cloud.device) for line in self._readouts.lines]
        moment = timeline.sample_moment_per_m
        self._onwards = moment - moment[:, self.middle, None]
        self._step = (moment[:, -1] - moment[:, 0]) / max(moment.shape[1] - 1, 1)
        curves = np.round(self._onwards[self._readouts.others] / SAME_MOMENT_PER_M)
        self._curve = np.unique(curves, axis=0, return_inverse=True)[1].ravel()

    @property
    def line_columns(self) -> int:
        """Complex numbers per spin and coil that all lines hold."""
        return sum(basis.rank for basis in self._bases)

    def lay_out(self, cloud: DeviceCloud) -> Layout:
        """The cloud in chunks for the commonest line; in one cell where there is none."""
        if not self._bases:
            return lay_out(torch.zeros(len(cloud), dtype=torch.int64, device=cloud.device))
        return lay_out(self._bases[0].cells(turning(self._readouts.lines[0], cloud, self._dwell_s)))

    def prepare(self, part: DeviceCloud, layout: Layout) -> list[DeviceLine]:
        """What the lines need to know of a block of spins, laid out for the first of them."""
        return [
            DeviceLine(line, basis, part, self._dwell_s, None if number else layout)
            for number, (line, basis) in enumerate(zip(self._readouts.lines, self._bases, strict=True))
        ]

    def collect(
        self, lines: list[DeviceLine], part: DeviceCloud, middle: Complex64[Tensor, "row n"], piece: Piece, work_bytes: int
    ) -> Iterator[Found]:
        """Rows of the sequence and what the block gives to them; middle: of the piece's readouts."""

        def held(rows: Int[np.ndarray, " row"]) -> Complex64[Tensor, "row n"]:
            return middle[_index(rows - piece.first_row, middle.device)]

        for line in lines:
            rows = _within(line.rows, piece)
            if len(rows):
                yield rows, line.samples(held(rows))
        rows = _within(self._readouts.spokes, piece)
        if len(rows):
            samples = self._onwards.shape[1]
            yield rows, sum_spokes(self._step[rows], part, self._dwell_s, samples, held(rows), work_bytes)
        inside = (self._readouts.others >= piece.first_row) & (self._readouts.others < piece.last_row)
        for curve in np.unique(self._curve[inside]):
            rows = self._readouts.others[inside & (self._curve == curve)]
            yield rows, sum_curve(self._onwards[rows[0]], part, self._dwell_s, held(rows), work_bytes)


def _within(rows: Int[np.ndarray, " n"], piece: Piece) -> Int[np.ndarray, " m"]:
    return rows[(rows >= piece.first_row) & (rows < piece.last_row)]


def _index(rows: Int[np.ndarray, " n"], device: torch.device) -> slice | Int64[Tensor, " n"]:
    """Neighbouring rows as a slice, which copies nothing."""
    if np.all(np.diff(rows) == 1):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return torch.tensor(rows, device=device)
