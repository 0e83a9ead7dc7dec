"""Drift of the centre frequency between two like gradient echoes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex


def frequency_change_Hz(first: Complex[np.ndarray, "*n"], second: Complex[np.ndarray, "*n"], echo_time_s: float) -> float:
    """By how much off-resonance grew from the first scan's readouts (or image) to the second's, from their phase at the echo.

    Readouts, channel by channel, rather than images: the phase of a combined image depends on its coil maps too. A free spin
    gathers exp(-2 pi i f t). Unambiguous within half of 1 / echo_time_s on both sides.
    """
    product = (second.astype(np.complex128) * np.conj(first)).sum()
    return float(-np.angle(product) / (2 * np.pi * echo_time_s))
