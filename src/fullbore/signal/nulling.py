"""Inversion times that null tissues."""

from __future__ import annotations

import math

from scipy.optimize import brentq

from fullbore.errors import ValueRangeError


def null_time_s(t1_s: float, rest_s: float, start: float = 0.0, efficiency: float = 1.0) -> float:
    """From one inversion to the null of a T1. rest_s: from Mz = `start` to that null, the whole period but for the train.

    efficiency: the inversion makes -efficiency of 1.
    """
    left = (1 - start) * math.exp(-rest_s / t1_s)
    return t1_s * math.log((1 + efficiency) / (1 + efficiency * left))


def double_null_times_s(
    t1_s: tuple[float, float],
    rest_s: tuple[float, float],
    start: tuple[float, float] = (0.0, 0.0),
    efficiency: tuple[float, float] = (1.0, 1.0),
) -> tuple[float, float]:
    """From the first and from the second of two inversions to the time at which two T1 (the longer first) are null together.

    rest_s: for each tissue, from Mz = `start` to that time. efficiency: each inversion makes -efficiency of 1. Mz is then
    1 - (1 + f) E(second) + f (1 + f) E(first) - f^2 (1 - start) E(rest) with E(t) = exp(-t / T1).
    Source: Redpath, Smith, Br J Radiol 67:1258 (1994), with imperfect inversions.
    Errors: ValueRangeError when no such times are.
    """
    slow, fast = t1_s
    if not slow > fast:
        raise ValueRangeError(f"double_null_times_s: got T1 {slow:g} s and {fast:g} s, wanted the longer one first.")
    tissues = zip(start, rest_s, t1_s, efficiency, strict=True)
    left = [f * f * (1 - m) * math.exp(-rest / t1) for m, rest, t1, f in tissues]
    f, g = efficiency

    def first(second: float) -> float:
        """The time that nulls the longer T1, given the second."""
        return -slow * math.log(((1 + f) * math.exp(-second / slow) - 1 + left[0]) / (f * (1 + f)))

    def rest(second: float) -> float:
        return 1 - (1 + g) * math.exp(-second / fast) + g * (1 + g) * math.exp(-first(second) / fast) - left[1]

    longest = min(3 * fast, -slow * math.log((1 - left[0]) / (1 + f)) * (1 - 1e-6))
    if rest(0.0) * rest(longest) > 0:
        raise ValueRangeError(f"double_null_times_s: no two inversions null T1 {slow:g} s and {fast:g} s together.")
    second = float(brentq(rest, 0.0, longest, xtol=1e-9))
    return first(second), second
