"""The inversion module: adiabatic pulse and spoiler."""

from __future__ import annotations

from fullbore.data import Limits
from fullbore.sequence.block_table import Block
from fullbore.sequence.gradients import end_s, raster_up, spoiler
from fullbore.sequence.pulses import hyperbolic_secant

INVERSION_SPOIL_PER_M = 5000.0
"""Net k after an inversion, along the slice axis: nothing that the inversion tipped comes back."""


def inversion(duration_s: float, limits: Limits) -> tuple[tuple[Block, ...], float]:
    """A non-selective adiabatic inversion with its spoiler, and the time of the pulse's centre from its block's start."""
    pulse = hyperbolic_secant(duration_s, limits)
    length = raster_up(pulse.delay_s + pulse.duration_s + limits.rf_ringdown_time_s, limits.block_raster_s)
    spoil = spoiler(INVERSION_SPOIL_PER_M, limits)
    blocks = (Block(duration_s=length, rf=pulse), Block(duration_s=end_s(spoil), slice=spoil))
    return blocks, pulse.delay_s + pulse.centre_s
