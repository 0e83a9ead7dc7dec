"""What an amplitude limit leaves of a carrier."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float


def clipped_fundamental(amplitude: Float[np.ndarray, "*n"], limit: float) -> Float[np.ndarray, "*n"]:
    """Amplitude of the fundamental of a sine that is cut off at +- limit: (2 / pi) (asin x + x sqrt(1 - x^2)) a, x = limit / a.

    The amplitude itself up to the limit; 4 / pi of the limit, a square wave's, far beyond it. A band-pass signal whose band
    is narrow against its carrier keeps its phase and has its envelope changed in just this way, within its own band.
    """
    share = limit / np.maximum(amplitude, limit)
    return np.asarray(2 / np.pi * (np.arcsin(share) + share * np.sqrt(1 - share**2)) * amplitude)


def clipped_carrier(envelope: Complex[np.ndarray, "*n"], limit: float) -> tuple[Complex[np.ndarray, "*n"], int]:
    """The complex envelope of a clipped carrier within its band, and how many of its samples were beyond the limit."""
    size = np.abs(envelope)
    over = size > limit
    count = int(over.sum())
    if not count:
        return envelope, 0
    kept = envelope.copy()
    kept[over] *= clipped_fundamental(size[over].astype(np.float64), limit) / size[over]
    return kept, count
