"""What may have been played before a readout of which only the trajectory is known: the shortest way to where it begins."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

# Of an ordinary whole-body machine, and how long its gradients stand before a receiver opens: a guess, and called one.
SLEW_PER_M_S2 = 100.0 * GYROMAGNETIC_RATIO_HZ_PER_T
STRONGEST_PER_M_S = 0.03 * GYROMAGNETIC_RATIO_HZ_PER_T
SETTLED_S = 20e-6


def lead_in_s(first_per_m: Float[np.ndarray, "*n"], speed_per_m_s: Float[np.ndarray, "*n"]) -> float:
    """How long the longest of them takes."""
    ramp_s, _, rise_s, flat_s = _lobe(first_per_m, speed_per_m_s)
    return SETTLED_S + float((ramp_s + 2 * rise_s + flat_s).max(initial=0.0))


def lead_in_moments(
    first_per_m: Float[np.ndarray, "row axis"], speed_per_m_s: Float[np.ndarray, "row axis"], before_s: Float[np.ndarray, " t"]
) -> Float[np.ndarray, "row t axis"]:
    """k at times before the first sample, from 0 at rest: a lobe, the ramp to the first speed, and a moment at it."""
    ramp_s, peak, rise_s, flat_s = (part[:, None, :] for part in _lobe(first_per_m, speed_per_m_s))
    still, last = SETTLED_S + 0 * ramp_s, speed_per_m_s[:, None, :]
    lengths = np.stack([rise_s, flat_s, rise_s, ramp_s, still, 0 * still])
    back = np.cumsum(lengths[::-1], axis=0)[::-1]
    speed = np.stack([0 * peak, peak, peak, 0 * peak, last, last])
    total = np.zeros((len(first_per_m), len(before_s), first_per_m.shape[1]))
    for n in range(5):
        length = back[n] - back[n + 1]
        along = np.clip(back[n] - before_s[None, :, None], 0, length)
        slope = (speed[n + 1] - speed[n]) / np.where(length > 0, length, 1)
        total += along * (speed[n] + 0.5 * slope * along)
    return total


def _lobe(first_per_m: Float[np.ndarray, "*n"], speed_per_m_s: Float[np.ndarray, "*n"]) -> tuple[np.ndarray, ...]:
    """Length of the last ramp; peak, rise and flat top of the lobe before it."""
    ramp_s = np.abs(speed_per_m_s) / SLEW_PER_M_S2
    area = first_per_m - speed_per_m_s * (0.5 * ramp_s + SETTLED_S)
    peak = np.minimum(np.sqrt(np.abs(area) * SLEW_PER_M_S2), STRONGEST_PER_M_S)
    rise_s = peak / SLEW_PER_M_S2
    flat_s = np.where(peak > 0, np.abs(area) / np.where(peak > 0, peak, 1) - rise_s, 0.0)
    return ramp_s, np.sign(area) * peak, rise_s, np.maximum(flat_s, 0.0)
