"""Water suppression for spectroscopy: seven selective pulses whose residue hardly depends on B1 and T1 (VAPOR)."""

from __future__ import annotations

import math

from fullbore.data import Limits
from fullbore.sequence.module import Module, chained, wait
from fullbore.sequence.preparations.saturation import alone
from fullbore.sequence.preparations.spoiling import spoiling
from fullbore.sequence.pulses import gaussian_pulse

FLIP_RAD = math.radians(84.0)
RATIO = 1.78
FLIP_SHARES = (1.0, 1.0, RATIO, 1.0, RATIO, 1.0, RATIO)
DELAYS_S = (150e-3, 80e-3, 160e-3, 80e-3, 100e-3, 30e-3, 26e-3)
"""From each pulse's centre to the next one's, the last to the excitation's.

The scheme: Tkac et al., Magn Reson Med 41:649 (1999). What it leaves of water is this module's test, not the source's.
"""
DURATION_S = 15e-3
BANDWIDTH_HZ = 170.0
_SPOILS = (
    (1.0, 0.0, 0.0),
    (0.0, 1.3, 0.0),
    (0.0, 0.0, 1.6),
    (-1.5, 0.9, 0.0),
    (0.0, -1.7, 1.1),
    (1.2, 0.0, -1.9),
    (-1.4, -1.0, 0.7),
)
_SPOIL_PER_M = 1000.0


def water_suppression(limits: Limits, *, tail_s: float) -> Module:
    """The pulses, each spoiled along another direction; the centre is its end.

    tail_s: from the module's end to the centre of the excitation, which the last delay counts to.
    """
    parts: list[Module] = []
    pulses = [gaussian_pulse(FLIP_RAD * share, DURATION_S, BANDWIDTH_HZ, limits, use="s") for share in FLIP_SHARES]
    bricks = [alone(pulse, limits) for pulse in pulses]
    following = [*(brick.centre_s for brick in bricks[1:]), tail_s]
    for brick, ways, delay, lead in zip(bricks, _SPOILS, DELAYS_S, following, strict=True):
        crush = spoiling((ways[0] * _SPOIL_PER_M, ways[1] * _SPOIL_PER_M, ways[2] * _SPOIL_PER_M), limits)
        rest = delay - brick.tail_s - crush.duration_s - lead
        steps = round(rest / limits.block_raster_s)
        parts += [brick, crush, wait(steps * limits.block_raster_s)]
    whole = chained(*parts)
    return Module(blocks=whole.blocks, centre_s=whole.duration_s)
