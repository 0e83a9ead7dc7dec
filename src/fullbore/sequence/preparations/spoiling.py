"""Lobes that leave no transverse magnetisation to be seen."""

from __future__ import annotations

from fullbore.data import Limits
from fullbore.sequence.block_table import Block
from fullbore.sequence.gradients import end_s, raster_up, spoiler
from fullbore.sequence.module import Module


def spoiling(k_per_m: tuple[float, float, float], limits: Limits) -> Module:
    """Lobes that move k by so many cycles/m along (read, phase, slice), 0 for none; its centre is its start."""
    read, phase, slice_ = (spoiler(k, limits) if k else None for k in k_per_m)
    length = max((end_s(lobe) for lobe in (read, phase, slice_) if lobe is not None), default=0.0)
    if length == 0.0:
        return Module(blocks=())
    block = Block(duration_s=raster_up(length, limits.block_raster_s), read=read, phase=phase, slice=slice_)
    return Module(blocks=(block,))
