"""Readouts along one straight, evenly sampled line, on a device: one batched product over chunks of spins, then one more."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Complex64, Float64, Int64
from torch import Tensor

from fullbore.simulate.cloud.device_cloud import DeviceCloud
from fullbore.simulate.cloud.device_layout import Layout, lay_out
from fullbore.simulate.cloud.device_polynomials import chebyshev_rows, scaled
from fullbore.simulate.cloud.line_basis import LineBasis
from fullbore.simulate.cloud.readouts import Line


class DeviceBasis:
    """A `LineBasis` as tensors: the same cells, parts and patterns."""

    def __init__(self, basis: LineBasis, device: torch.device):
        def tensor(values: np.ndarray, dtype: torch.dtype) -> Tensor:
            return torch.tensor(values, dtype=dtype, device=device)

        self.rank, self.orders = basis.rank, basis._orders
        self._bounds, self._half_width, self._cells_per_cycle = (
            (basis._low, basis._high),
            basis._half_width,
            basis._cells_per_cycle,
        )
        self._coefficients = torch.view_as_real(tensor(basis._coefficients, torch.complex64)).flatten(1)
        self._patterns, self._j = tensor(basis._patterns, torch.complex128), tensor(basis._j, torch.int64)

    def cells(self, u: Float64[Tensor, " n"]) -> Int64[Tensor, " n"]:
        """The cell of each spin that turns by u cycles per sample."""
        return torch.floor(u * self._cells_per_cycle + 0.5).long()

    def parts(
        self, u: Float64[Tensor, " n"], cell: Int64[Tensor, " n"], rate_per_s: Float64[Tensor, " n"]
    ) -> Complex64[Tensor, "n r"]:
        """Each spin's part in the patterns."""
        place = ((u - cell / self._cells_per_cycle) / self._half_width).to(torch.float32)
        first, second = chebyshev_rows(place, self.orders[0]), chebyshev_rows(scaled(rate_per_s, *self._bounds), self.orders[1])
        both = (first[:, :, None] * second[:, None, :]).flatten(1)
        return torch.view_as_complex((both @ self._coefficients).unflatten(1, (self.rank, 2)))

    def patterns(self, cell: Int64[Tensor, " chunk"]) -> Complex64[Tensor, "chunk r sample"]:
        """The patterns as spins of these cells play them."""
        turns = (cell[:, None] * self._j) % self._cells_per_cycle / self._cells_per_cycle
        carried = torch.polar(torch.ones_like(turns, dtype=torch.float64), -2 * torch.pi * turns.double())
        return (self._patterns * carried[:, None, :]).to(torch.complex64)


class DeviceLine:
    """A line and a block of spins: ready to take in what the spins are at the middle of its readouts."""

    def __init__(self, line: Line, basis: DeviceBasis, part: DeviceCloud, dwell_s: float, layout: Layout | None):
        """layout: that in which the block's spins already are, where it was made for this line."""
        u = turning(line, part, dwell_s)
        cell = basis.cells(u) if layout is None else layout.cell.repeat_interleave(layout.slot.shape[1])
        joint = (basis.parts(u, cell, 1 / part.t2_s)[:, None, :] * part.seen[:, :, None]).flatten(1)
        self._slot = None
        if layout is None:
            layout = lay_out(cell)
            self._slot = layout.slot.clamp(min=0).flatten()
            joint = joint[self._slot] * (layout.slot.flatten() >= 0)[:, None]
        self.rows, self._coils, self._rank, self._chunks = line.rows, part.coils, basis.rank, len(layout.cell)
        self._joint = joint.unflatten(0, layout.slot.shape)
        self._patterns = basis.patterns(layout.cell).flatten(0, 1)

    def samples(self, middle: Complex64[Tensor, "row n"]) -> Complex64[Tensor, "row coil sample"]:
        """The sum over the block's spins."""
        held = middle if self._slot is None else middle[:, self._slot]
        by_chunk = held.unflatten(1, (self._chunks, -1)).transpose(0, 1)
        sums = torch.bmm(by_chunk, self._joint).unflatten(2, (self._coils, self._rank))
        flat = sums.permute(1, 2, 0, 3).reshape(len(middle) * self._coils, -1)
        return (flat @ self._patterns).unflatten(0, (len(middle), self._coils))


def turning(line: Line, part: DeviceCloud, dwell_s: float) -> Float64[Tensor, " n"]:
    """Cycles per sample by which each spin turns along a line."""
    step = torch.tensor(line.step_per_m, dtype=torch.float64, device=part.device)
    return part.place @ step + part.off_resonance_Hz * dwell_s
