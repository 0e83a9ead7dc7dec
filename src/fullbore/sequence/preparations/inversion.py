"""Inversion: an adiabatic pulse and a spoiler."""

from __future__ import annotations

from fullbore.data import Limits
from fullbore.sequence.block_table import Block
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.module import Module, chained
from fullbore.sequence.preparations.spoiling import spoiling
from fullbore.sequence.pulses import hyperbolic_secant, selective
from fullbore.sequence.pulses.hyperbolic_secant import hyperbolic_secant_bandwidth_Hz

INVERSION_SPOIL_PER_M = 5000.0
"""Net k after an inversion, along the slice axis: nothing that the inversion tipped comes back."""


def inversion(duration_s: float, limits: Limits) -> Module:
    """A non-selective adiabatic inversion with its spoiler; its centre is the pulse's. Errors: Refusal for its duration."""
    pulse = hyperbolic_secant(duration_s, limits)
    length = raster_up(pulse.delay_s + pulse.duration_s + limits.rf_ringdown_time_s, limits.block_raster_s)
    played = Module(blocks=(Block(duration_s=length, rf=pulse),), centre_s=pulse.delay_s + pulse.centre_s)
    return chained(played, spoiling((0.0, 0.0, INVERSION_SPOIL_PER_M), limits))


def slice_inversion(duration_s: float, thickness_m: float, offset_m: float, limits: Limits) -> Module:
    """An adiabatic inversion of one slice with its spoiler; its centre is the pulse's. offset_m: along the slice normal.

    Errors: Refusal for its duration, or a slice too thin.
    """
    pulse = hyperbolic_secant(duration_s, limits)
    chosen = selective(pulse, hyperbolic_secant_bandwidth_Hz(duration_s), thickness_m, limits)
    frequency, phase = chosen.tuning(offset_m)
    block = Block(duration_s=chosen.block_s, rf=chosen.pulse, rf_frequency_Hz=frequency, rf_phase_rad=phase, slice=chosen.slice)
    played = Module(blocks=(block,), centre_s=chosen.centre_s)
    return chained(played, spoiling((0.0, 0.0, INVERSION_SPOIL_PER_M), limits))
