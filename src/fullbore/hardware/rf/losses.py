"""What copper, capacitors and shield take of each mode's current."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.hardware.rf.birdcage import CoilShape, fold
from fullbore.hardware.rf.brief import PartsBrief
from fullbore.hardware.rf.cylinder import CylinderSolution
from fullbore.hardware.rf.ladder import mode_factor
from fullbore.hardware.rf.layers import MU0

COPPER_S_PER_M = 5.8e7  # annealed copper at 20 C (IACS)


def surface_resistance_ohm(frequency_Hz: float) -> float:
    """Resistance of a square of thick copper, sqrt(omega mu0 / 2 sigma)."""
    return float(np.sqrt(np.pi * frequency_Hz * MU0 / COPPER_S_PER_M))


def mode_losses_ohm(
    shape: CoilShape, frequency_Hz: float, ring_F: float, rung_F: float, parts: PartsBrief, empty: CylinderSolution
) -> Float[np.ndarray, " n"]:
    """Resistance of each mode p = 0..N-1 of the unloaded coil, per window.

    A strip carries its current on one face and twice as densely at its edges as two faces would: R_s length / width (a choice).
    The shield's currents are those of the orders in `empty`.
    """
    square = surface_resistance_ohm(frequency_Hz)
    omega = 2 * np.pi * frequency_Hz
    segment = 2 * np.pi * shape.radius_m / shape.rungs
    ring = square * segment / shape.ring_width_m + 1 / (omega * ring_F * parts.capacitor_quality) + parts.joint_ohm
    rung = square * shape.length_m / shape.rung_width_m + 1 / (omega * rung_F * parts.capacitor_quality)
    modes = 2 * ring + rung * np.array([mode_factor(shape.rungs, p) for p in range(shape.rungs)])
    return modes + fold(_shield_losses_ohm(empty, square), shape.rungs)


def _shield_losses_ohm(empty: CylinderSolution, square_ohm: float) -> Float[np.ndarray, " m"]:
    out = []
    for field in empty.orders[len(empty.orders) // 2 :]:
        step = field.wavenumbers_per_m[1] - field.wavenumbers_per_m[0]
        currents = empty.shield_currents(field)
        out.append(square_ohm * empty.shape.shield_radius_m * step * sum(float(np.sum(np.abs(k) ** 2)) for k in currents))
    return np.array(out)
