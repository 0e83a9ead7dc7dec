"""What a loop's own metal and capacitors cost."""

from __future__ import annotations

import math

from scipy.special import ive

from fullbore.physics.constants import SPEED_OF_LIGHT_M_PER_S, VACUUM_PERMEABILITY_N_PER_A2

# Annealed copper at 20 C (IACS, IEC 60028: 1/58 ohm mm2/m).
COPPER_OHM_M = 1 / 58.0e6
COIL_K = 293.0


def skin_depth_m(frequency_Hz: float, resistivity_ohm_m: float = COPPER_OHM_M) -> float:
    """Depth at which a plane wave has fallen to 1/e: sqrt(rho / (pi f mu0))."""
    return math.sqrt(resistivity_ohm_m / (math.pi * frequency_Hz * VACUUM_PERMEABILITY_N_PER_A2))


def wire_resistance_ohm(
    length_m: float, wire_radius_m: float, frequency_Hz: float, resistivity_ohm_m: float = COPPER_OHM_M
) -> float:
    """Resistance of a straight round wire: Re of rho g I0(g a) / (2 pi a I1(g a)) * length, g = (1 + i) / skin depth.

    Both limits are exact: rho / (pi a^2) at low, rho / (2 pi a depth) at high frequency. Proximity is left out.
    Source: Ramo, Whinnery, Van Duzer, Fields and Waves in Communication Electronics, ch. 4 (round wires).
    """
    grow = (1 + 1j) / skin_depth_m(frequency_Hz, resistivity_ohm_m)
    argument = grow * wire_radius_m
    ratio = complex(ive(0, argument)) / complex(ive(1, argument))  # both scaled alike
    return (resistivity_ohm_m * grow * ratio / (2 * math.pi * wire_radius_m)).real * length_m


def capacitors_needed(length_m: float, frequency_Hz: float, share: float = 1 / 20) -> int:
    """How many breaks keep each piece of wire under a share of the free-space wavelength, two at least (tuning, matching)."""
    return max(2, math.ceil(length_m * frequency_Hz / (share * SPEED_OF_LIGHT_M_PER_S)))


def capacitor_resistance_ohm(reactance_ohm: float, quality: float) -> float:
    """Series resistance of the capacitors that together tune a reactance, each of the quality factor given."""
    return abs(reactance_ohm) / quality
