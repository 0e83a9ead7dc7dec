"""Pulse-width modulation of staggered bridges: levels, harmonics, ripple."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.hardware.power_amplifier.amplifier import PowerAmplifier


def ripple_A(amplifier: PowerAmplifier, inductance_H: float, share: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
    """Peak-to-peak current ripple at a mean output of `share` of the stack's voltage.

    2 N staggered legs make levels V_link apart, between which the output hops 2 N f times a second: V_link d (1 - d) /
    (2 N f L), with d the share of the way between two levels. Largest V_link / (8 N f L), zero on every level.
    """
    position = np.abs(share) * amplifier.bridges
    way = position - np.floor(position)
    hops = 2 * amplifier.bridges * amplifier.switching_Hz
    return np.asarray(amplifier.link_V * way * (1 - way) / (hops * inductance_H))


def switched_V(
    bridges: int, link_V: float, switching_Hz: float, share: float, time_s: Float[np.ndarray, " t"]
) -> Float[np.ndarray, " t"]:
    """Voltage of the stack, edge by edge, at a constant mean: each leg's triangle carrier is 1 / (2 N f) later than the last."""
    total = np.zeros(len(time_s))
    for leg in range(2 * bridges):
        phase = time_s * switching_Hz + leg / (2 * bridges)
        carrier = 4 * np.abs(phase - np.floor(phase) - 0.5) - 1
        # a bridge is the difference of two legs with opposite references and half a period between them
        total += np.where(share > carrier, 0.5, -0.5)
    return np.asarray(link_V * total)
