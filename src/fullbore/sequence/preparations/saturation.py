"""Saturation: no longitudinal magnetisation is left, of all spins or of fat alone."""

from __future__ import annotations

import math

from fullbore.data import Limits, RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.block_table import Block
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.module import Module, chained
from fullbore.sequence.preparations.spoiling import spoiling
from fullbore.sequence.pulses import gaussian_pulse, hard_pulse

FAT_PPM = -3.4
"""Main peak of fat (methylene) against water. Source: Hamilton et al., NMR Biomed 24:784 (2011)."""
FAT_BANDWIDTH_PPM = 2.6
FAT_FLIP_RAD = math.radians(100.0)
"""A little over 90 degrees: fat recovers until the excitation."""
SPOIL_PER_M = 4000.0

HARD_SHARE = 0.9
"""Share of the peak B1 that hard pulses of preparations use."""
SATURATION_FLIPS = (85.2, 77.0, 128.5, 106.2)
"""Four flips (degrees), each spoiled, that leave under 0.5 % of Mz for B1 from 0.7 to 1.2 and T1 from 0.3 to 1.2 s, by search.

The idea: Chow et al., Magn Reson Med 74:1218 (2015), who optimised trains of pulses for cardiac saturation.
"""
_SATURATION_SPOILS = ((1.0, 0.0, 0.0), (0.0, 1.3, 0.0), (0.0, 0.0, 1.6), (1.9, -1.0, 0.0))


def fat_frequency_Hz(limits: Limits) -> float:
    """Where fat's main peak resonates against water."""
    return FAT_PPM * 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * limits.b0_T


def shortest_hard_s(flip_rad: float, limits: Limits) -> float:
    """Duration of a hard pulse of a flip at HARD_SHARE of the peak B1, on the gradient raster."""
    turns = flip_rad / (2 * math.pi)
    return raster_up(turns / (GYROMAGNETIC_RATIO_HZ_PER_T * HARD_SHARE * limits.b1_peak_T), limits.gradient_raster_s)


def alone(pulse: RfPulse, limits: Limits, *, frequency_Hz: float = 0.0, phase_rad: float = 0.0) -> Module:
    """A pulse without gradients in the shortest block that holds it; the module's centre is the pulse's."""
    length = raster_up(pulse.delay_s + pulse.duration_s + limits.rf_ringdown_time_s, limits.block_raster_s)
    phase = phase_rad - 2 * math.pi * frequency_Hz * pulse.centre_s
    block = Block(duration_s=length, rf=pulse, rf_frequency_Hz=frequency_Hz, rf_phase_rad=phase)
    return Module(blocks=(block,), centre_s=pulse.delay_s + pulse.centre_s)


def fat_saturation(limits: Limits, *, duration_s: float = 8e-3, flip_rad: float = FAT_FLIP_RAD) -> Module:
    """A Gaussian pulse on fat's main peak and a spoiler; its centre is its end.

    Source: Haase et al., Phys Med Biol 30:341 (1985) (CHESS).
    """
    bandwidth = FAT_BANDWIDTH_PPM * 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * limits.b0_T
    pulse = gaussian_pulse(flip_rad, duration_s, bandwidth, limits, use="s")
    both = chained(alone(pulse, limits, frequency_Hz=fat_frequency_Hz(limits)), spoiling((SPOIL_PER_M, SPOIL_PER_M, 0.0), limits))
    return Module(blocks=both.blocks, centre_s=both.duration_s)


def saturation(limits: Limits, *, number: int = 0) -> Module:
    """Hard pulses of SATURATION_FLIPS, each spoiled along another direction; the centre is the end of the last pulse.

    number: how many have come before. The spoilers' axes change from one to the next, for what one has stored along z in a
    comb comes back as a stimulated echo under the same spoilers, by up to 6 % of M0 0.6 s later.
    """
    parts: list[Module] = []
    for flip, ways in zip(SATURATION_FLIPS, _SATURATION_SPOILS, strict=True):
        flip_rad = math.radians(flip)
        pulse = hard_pulse(flip_rad, shortest_hard_s(flip_rad, limits), limits, use="s")
        k = [SPOIL_PER_M * ways[(axis - number) % 3] for axis in range(3)]
        parts += [alone(pulse, limits), spoiling((k[0], k[1], k[2]), limits)]
    whole = chained(*parts)
    return Module(blocks=whole.blocks, centre_s=whole.duration_s - parts[-1].duration_s)
