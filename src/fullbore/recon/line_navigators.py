"""Where the object has gone, from navigators that are lines of k-space along the axes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.data import AcquisitionFlag, RawData
from fullbore.errors import DataError


def navigated_shifts_m(raw: RawData) -> Float[np.ndarray, "group axis"]:
    """Shift along (read, phase, slice) at every group of three navigators against the first group's.

    An object that moves by d turns k by exp(-2 pi i k d): the slope of that phase, weighted by the signal's power, over all
    coils, out to where the first group's signal falls under a tenth of its peak. Turns do not enter. A coil that does not move
    with the object biases it by the slope of its sensitivity.
    Errors: DataError where there are no such rows. Source: Ehman, Felmlee, Radiology 173:255 (1989).
    """
    encoding = raw.encoding
    flagged = (encoding.flags.astype(np.uint64) & np.uint64(AcquisitionFlag.NAVIGATION)) != 0
    axes = np.stack([encoding.geometry.read, encoding.geometry.phase, encoding.geometry.slice])
    result = []
    for number in range(3):
        rows = np.flatnonzero(flagged & (encoding.counter("set") == number + 1))
        if not len(rows):
            raise DataError("raw data: no line navigators along read, phase and slice. Measure with navigated_gre_3d.")
        k = encoding.take(rows[:1]).trajectory_per_m()[0] @ axes[number]
        result.append([_shift_m(raw.samples[rows[0]], raw.samples[row], k) for row in rows])
    return np.array(result).T


def _shift_m(first: np.ndarray, now: np.ndarray, k_per_m: np.ndarray) -> float:
    """Least-squares slope of the phase over k, after a constant that it may have."""
    product = (now * np.conj(first)).sum(axis=0)
    power = (np.abs(first) ** 2).sum(axis=0)
    near = power > 0.01 * power.max()
    centre = int(np.argmin(np.abs(k_per_m)))
    low, high = centre, centre
    while low > 0 and near[low - 1]:
        low -= 1
    while high < len(near) - 1 and near[high + 1]:
        high += 1
    part = slice(low, high + 1)
    phase = np.unwrap(np.angle(product[part]))
    slope = np.polyfit(k_per_m[part], phase, 1, w=np.abs(product[part]))[0]
    return float(-slope / (2 * np.pi))
