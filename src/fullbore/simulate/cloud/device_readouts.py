"""All readouts of a timeline on a device: lines, spokes and curves, each by its own sum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Bool, Complex64, Int, Int64
from torch import Tensor

from fullbore.simulate.cloud.device_cloud import DeviceCloud
from fullbore.simulate.cloud.device_layout import Layout, lay_out
from fullbore.simulate.cloud.device_lines import DeviceBasis, DeviceLine, turning
from fullbore.simulate.cloud.device_sums import sum_curve, sum_spokes
from fullbore.simulate.cloud.readouts import Readouts, Window
from fullbore.simulate.cloud.schedule import Piece
from fullbore.simulate.timeline import Timeline

Found = tuple[Int[np.ndarray, " row"], Complex64[Tensor, "row coil sample"]]
SAME_MOMENT_PER_M = 1e-6


class DeviceReadouts:
    """How a device sums the readouts of one timeline, whatever their lengths, for one cloud."""

    def __init__(self, timeline: Timeline, cloud: DeviceCloud, tolerance: float):
        low, high = torch.aminmax(1 / cloud.t2_s)
        windows = Readouts(timeline, (float(low), float(high)), tolerance).windows
        self._windows = [_DeviceWindow(window, timeline, cloud.device) for window in windows]

    @property
    def line_columns(self) -> int:
        """Complex numbers per spin and coil that all lines hold."""
        return sum(basis.rank for window in self._windows for basis in window.bases)

    def lay_out(self, cloud: DeviceCloud) -> Layout:
        """The cloud in chunks for the commonest line, the first; in one cell where there is none."""
        return self._windows[0].lay_out(cloud)

    def prepare(self, part: DeviceCloud, layout: Layout) -> list[list[DeviceLine]]:
        """What the lines of each window need to know of a block of spins, laid out for the first of them."""
        return [window.prepare(part, None if number else layout) for number, window in enumerate(self._windows)]

    def collect(
        self, lines: list[list[DeviceLine]], part: DeviceCloud, middle: Complex64[Tensor, "row n"], piece: Piece, work_bytes: int
    ) -> Iterator[Found]:
        """Rows of the sequence and what the block gives to them; middle: of the piece's readouts."""
        for window, own in zip(self._windows, lines, strict=True):
            yield from window.collect(own, part, middle, piece, work_bytes)


class _DeviceWindow:
    """Readouts of one length and dwell."""

    def __init__(self, window: Window, timeline: Timeline, device: torch.device):
        self._window = window
        self.bases = [DeviceBasis(line.basis, device) for line in window.lines]
        moment = timeline.sample_moment_per_m[window.others, : window.samples]
        self._onwards = moment - moment[:, window.middle, None]
        self._curve = np.unique(np.round(self._onwards / SAME_MOMENT_PER_M), axis=0, return_inverse=True)[1].ravel()

    def lay_out(self, cloud: DeviceCloud) -> Layout:
        if not self.bases:
            return lay_out(torch.zeros(len(cloud), dtype=torch.int64, device=cloud.device))
        return lay_out(self.bases[0].cells(turning(self._window.lines[0], cloud, self._window.dwell_s)))

    def prepare(self, part: DeviceCloud, layout: Layout | None) -> list[DeviceLine]:
        """layout: that of the first line, where the block's spins are in it."""
        return [
            DeviceLine(line, basis, part, self._window.dwell_s, None if number else layout)
            for number, (line, basis) in enumerate(zip(self._window.lines, self.bases, strict=True))
        ]

    def collect(
        self, lines: list[DeviceLine], part: DeviceCloud, middle: Complex64[Tensor, "row n"], piece: Piece, work_bytes: int
    ) -> Iterator[Found]:
        window = self._window

        def held(rows: Int[np.ndarray, " row"]) -> Complex64[Tensor, "row n"]:
            return middle[_index(rows - piece.rows.start, middle.device)]

        for line in lines:
            rows = line.rows[_within(line.rows, piece)]
            if len(rows):
                yield rows, line.samples(held(rows))
        rows = window.spokes[_within(window.spokes, piece)]
        if len(rows):
            yield rows, sum_spokes(window.step_per_m[rows], part, window.dwell_s, window.samples, held(rows), work_bytes)
        inside = _within(window.others, piece)
        for curve in np.unique(self._curve[inside]):
            alike = np.flatnonzero(inside & (self._curve == curve))
            rows = window.others[alike]
            yield rows, sum_curve(self._onwards[alike[0]], part, window.dwell_s, held(rows), work_bytes)


def _within(rows: Int[np.ndarray, " n"], piece: Piece) -> Bool[np.ndarray, " n"]:
    return (rows >= piece.rows.start) & (rows < piece.rows.stop)


def _index(rows: Int[np.ndarray, " n"], device: torch.device) -> slice | Int64[Tensor, " n"]:
    """Neighbouring rows as a slice, which copies nothing."""
    if np.all(np.diff(rows) == 1):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return torch.tensor(rows, device=device)
