"""The clock that everything is counted on: whole ticks, latency of a trigger, phase noise as jitter."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from jaxtyping import Float, Int

from fullbore.errors import LimitError, ValueRangeError


def ticks_of(times_s: Float[np.ndarray, "*n"], clock_Hz: float) -> Int[np.ndarray, "*n"]:
    """The tick nearest to each time; the error is half a tick at most."""
    return np.asarray(np.rint(np.asarray(times_s, np.float64) * clock_Hz).astype(np.int64))


def raster_ticks(raster_s: float, clock_Hz: float, name: str = "raster") -> int:
    """Ticks of a raster.

    Errors: LimitError where the raster is no whole number of ticks: events would then wander against the clock.
    """
    exact = Fraction(raster_s).limit_denominator(10**12) * Fraction(clock_Hz).limit_denominator(10**6)
    if exact.denominator != 1 or exact < 1:
        nearest = max(1, round(exact)) / clock_Hz
        raise LimitError(
            f"clock, {name}: {raster_s * 1e9:.6g} ns are {float(exact):.6g} ticks of {clock_Hz / 1e6:.6g} MHz, wanted a whole "
            f"number. Take {nearest * 1e9:.6g} ns, or another clock."
        )
    return int(exact)


def trigger_ticks(arrivals_s: Float[np.ndarray, " n"], clock_Hz: float, pipeline: int = 2) -> Int[np.ndarray, " n"]:
    """The tick at which triggers from outside are acted upon: the next edge after each, and the synchroniser's `pipeline`.

    They come late by `pipeline` + 1/2 ticks in the mean, with a standard deviation of 1 / sqrt(12) of a tick.
    """
    return np.asarray(np.floor(np.asarray(arrivals_s, np.float64) * clock_Hz).astype(np.int64) + 1 + pipeline)


def jitter_of_phase_noise(
    offsets_Hz: Float[np.ndarray, " n"], level_dBc_per_Hz: Float[np.ndarray, " n"], carrier_Hz: float
) -> float:
    """Standard deviation of the time error (s) of a clock with single-sideband phase noise L at these offsets.

    L is a straight line in dB over log f between the points, so each part is a power law and its integral is exact.
    sigma = sqrt(2 integral of 10^(L / 10) df) / (2 pi carrier).
    Errors: ValueRangeError for offsets that are not positive and growing.
    """
    offsets, density = np.asarray(offsets_Hz, float), 10 ** (np.asarray(level_dBc_per_Hz, float) / 10)
    if len(offsets) < 2 or offsets[0] <= 0 or np.any(np.diff(offsets) <= 0):
        raise ValueRangeError(f"phase noise, offsets: got {offsets.tolist()}, wanted at least two positive, growing frequencies.")
    total = 0.0
    for (f1, s1), (f2, s2) in zip(
        zip(offsets[:-1], density[:-1], strict=True), zip(offsets[1:], density[1:], strict=True), strict=True
    ):
        power = np.log(s2 / s1) / np.log(f2 / f1) + 1
        span = np.log(f2 / f1)
        total += s1 * f1 * (span if abs(power * span) < 1e-9 else np.expm1(power * span) / power)
    return float(np.sqrt(2 * total) / (2 * np.pi * carrier_Hz))
