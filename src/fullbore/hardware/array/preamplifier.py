"""Matching a loop to its preamplifier, so that the amplifier hears best and the loop carries least current."""

from __future__ import annotations

import math
from dataclasses import dataclass

REFERENCE_OHM = 50.0
NOISE_K = 290.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A loop broken by tuning capacitors and one matching capacitor, from which an inductor leads to the preamplifier.

    tuning_F: all tuning capacitors in series. matching_F, matching_H: of equal reactance sqrt(R 50 ohm), so that the amplifier
    sees 50 ohm. loop_ohm: the resistance that the amplifier's input then puts into the loop, X^2 / input.
    decoupling_dB: how much less current flows than into a matched load.
    """

    tuning_F: float
    matching_F: float
    matching_H: float
    loop_ohm: float
    decoupling_dB: float


def match_loop(inductance_H: float, resistance_ohm: float, omega: float, input_ohm: float) -> Match:
    """The network for a loop; source: Roemer 1990, MRM 16:192, fig. 5 and appendix."""
    reactance = math.sqrt(resistance_ohm * REFERENCE_OHM)
    left = omega * inductance_H - reactance
    seen = reactance**2 / input_ohm
    return Match(
        tuning_F=1 / (omega * left) if left > 0 else math.inf,
        matching_F=1 / (omega * reactance),
        matching_H=reactance / omega,
        loop_ohm=seen,
        decoupling_dB=20 * math.log10((resistance_ohm + seen) / (2 * resistance_ohm)),
    )


def input_for_decoupling_ohm(decoupling_dB: float) -> float:
    """The input resistance that gives a decoupling: 50 ohm / (2 10^(dB/20) - 1)."""
    return REFERENCE_OHM / (2 * 10 ** (decoupling_dB / 20) - 1)


def noise_factor(source_ohm: complex, best_ohm: float, least_factor: float) -> float:
    """Noise factor at a source impedance, for an amplifier whose series voltage and shunt current noise are uncorrelated.

    F = Fmin + (Fmin - 1) |Z - best|^2 / (2 best Re Z): Fmin at the best source. Source: Rothe and Dahlke 1956, Proc IRE 44:811.
    """
    return least_factor + (least_factor - 1) * abs(source_ohm - best_ohm) ** 2 / (2 * best_ohm * source_ohm.real)
