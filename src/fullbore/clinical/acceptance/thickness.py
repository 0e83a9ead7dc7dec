"""Slice thickness from crossed ramps (ACR test 3, NEMA MS 5)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.errors import DataError


def full_width_m(place_m: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Both ends of the widest stretch above half of a profile's plateau (its 90th percentile within the stretch), m.

    Errors: DataError when the profile does not fall below half on both sides.
    """
    level = 0.5 * _plateau(values)
    above = np.flatnonzero(values > level)
    if not len(above) or above[0] == 0 or above[-1] == len(values) - 1:
        raise DataError("slice thickness: a ramp's signal does not end within the picture; is the slice on the ramps?")
    runs = np.split(above, np.flatnonzero(np.diff(above) > 1) + 1)
    run = max(runs, key=len)
    first, last = int(run[0]), int(run[-1])
    rise = (level - values[first - 1]) / (values[first] - values[first - 1])
    fall = (values[last] - level) / (values[last] - values[last + 1])
    return (
        float(place_m[first - 1] + rise * (place_m[first] - place_m[first - 1])),
        float(place_m[last] + fall * (place_m[last + 1] - place_m[last])),
    )


def ramp_thickness_m(top_m: float, bottom_m: float, slope: float = 0.1) -> float:
    """2 slope top bottom / (top + bottom): thickness from the lengths of two opposite ramps, free of a tilt to first order.

    Source: Phantom Test Guidance for the ACR MRI Accreditation Program (0.2 top bottom / (top + bottom) for ramps of 1 in 10).
    """
    if not (top_m > 0 and bottom_m > 0):
        raise DataError(f"slice thickness: ramps of {top_m} and {bottom_m} m, wanted positive lengths.")
    return 2 * slope * top_m * bottom_m / (top_m + bottom_m)


def _plateau(values: np.ndarray) -> float:
    """Median of what is above half of the bright end: a ramp's plateau, whatever its share of the profile."""
    return float(np.median(values[values > 0.5 * np.percentile(values, 98)]))
