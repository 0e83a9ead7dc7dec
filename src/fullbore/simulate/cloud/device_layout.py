"""Spins laid out in chunks of one size, each within one cell of a line: what makes many small sums one batched product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int, Int64
from torch import Tensor

SIZES = (1024, 512, 256, 128, 64)
FEWEST = 32
MOST_EMPTY = 1.125
"""Slots per spin that the largest size of chunk may cost."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """slot: the spin in each slot, -1 where it is empty. cell: of each chunk."""

    slot: Int64[Tensor, "chunk size"]
    cell: Int64[Tensor, " chunk"]

    def part(self, chunks: slice) -> Layout:
        """Only these chunks."""
        return Layout(slot=self.slot[chunks], cell=self.cell[chunks])


def lay_out(cell: Int64[Tensor, " n"]) -> Layout:
    """Spins by their cell, in their own order within it."""
    rising, order = cell.to(torch.int32).sort(stable=True)
    cells, counts = torch.unique_consecutive(rising, return_counts=True)
    held = counts.cpu().numpy()
    size = chunk_size(held)
    chunks = -(-held // size)
    number = np.arange(chunks.sum()) - np.repeat(np.cumsum(chunks) - chunks, chunks)
    first = np.repeat(np.cumsum(held) - held, chunks) + number * size
    left = np.repeat(held, chunks) - number * size
    start, room = (torch.tensor(x, device=cell.device)[:, None] for x in (first, left))
    inner = torch.arange(size, device=cell.device)
    slot = torch.where(inner < room, order[(start + inner).clamp(max=len(cell) - 1)], -1)
    return Layout(slot=slot, cell=cells.long().repeat_interleave(torch.tensor(chunks, device=cell.device)))


def chunk_size(held: Int[np.ndarray, " cell"]) -> int:
    """The largest size that leaves few slots empty."""
    for size in SIZES:
        if (-(-held // size) * size).sum() <= MOST_EMPTY * held.sum():
            return size
    return FEWEST
