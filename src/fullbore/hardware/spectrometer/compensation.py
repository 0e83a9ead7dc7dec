"""The last filter of the chain: it decimates and undoes the droop of the CIC filter before it."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from fullbore.errors import LimitError
from fullbore.hardware.spectrometer.cic import cic_response

_POINTS = 400
_MOST_TAPS = 511
_DROOP_TAPS = 21


def response(taps: Float[np.ndarray, " n"], frequency: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """Of an odd, symmetric filter about its middle: real, so that its group delay is (n - 1) / 2 samples everywhere."""
    middle = len(taps) // 2
    return np.asarray(taps[middle] + 2 * np.cos(2 * np.pi * np.outer(frequency, np.arange(1, middle + 1))) @ taps[middle + 1 :])


def figures_dB(
    taps: Float[np.ndarray, " n"], order: int, cic_decimation: int, decimation: int, passband: float
) -> tuple[float, float]:
    """Flatness (peak-to-peak) and alias rejection of CIC and this filter together.

    passband: share of the output's rate that is used, about 0. Aliased onto it: what lies that close to any multiple of the
    output's rate but 0, up to half the converter's.
    """
    inside = np.linspace(0, passband / 2 / decimation, _POINTS)
    kept = np.abs(response(taps, inside) * cic_response(inside / cic_decimation, order, cic_decimation))
    bands = np.arange(1, decimation * max(1, min(cic_decimation // 2, 8)) + 1)
    edges = np.linspace(-passband / 2, passband / 2, 41)
    outside = ((bands[:, None] + edges) / decimation).ravel()
    aliased = np.abs(response(taps, outside) * cic_response(outside / cic_decimation, order, cic_decimation))
    flat = 20 * np.log10(kept.max() / kept.min())
    return float(flat), float(-20 * np.log10(aliased.max() / kept.min()))


@lru_cache(maxsize=64)
def compensating_filter(
    order: int, cic_decimation: int, decimation: int, passband: float, flatness_dB: float, alias_dB: float
) -> tuple[float, ...]:
    """The shortest odd, symmetric least-squares filter that keeps flatness and alias rejection; its sum is 1.

    Errors: LimitError where 511 taps do not suffice.
    """
    low, high = 1, (_MOST_TAPS - 3) // 2
    best = None
    while low <= high:  # taps are 2 half + 1; figures improve with length but for small ripples, so what is found is checked
        half = (low + high) // 2
        taps = _least_squares(2 * half + 1, order, cic_decimation, decimation, passband, alias_dB, flatness_dB)
        flat, alias = figures_dB(taps, order, cic_decimation, decimation, passband)
        if flat <= flatness_dB and alias >= alias_dB:
            best, high = taps, half - 1
        else:
            low = half + 1
    if best is None:
        raise LimitError(
            f"filter: {flatness_dB:.3g} dB of flatness and {alias_dB:.4g} dB of alias rejection over {100 * passband:.3g} % of "
            f"the bandwidth ask for more than {_MOST_TAPS - 2} taps. Allow a narrower passband."
        )
    return tuple(best.tolist())


def _least_squares(
    count: int, order: int, cic_decimation: int, decimation: int, passband: float, alias_dB: float, flatness_dB: float
) -> Float[np.ndarray, " n"]:
    from scipy.signal import firls  # scipy.signal takes a second and 25 MB, which only designers of filters should pay

    edge, stop = passband / 2 / decimation, (1 - passband / 2) / decimation
    inside = np.linspace(0, edge, 13)
    wanted = 1 / cic_response(inside / cic_decimation, order, cic_decimation)
    bands = [f for pair in pairwise(inside) for f in pair]
    gains = [g for pair in pairwise(wanted) for g in pair]
    # Errors are weighed as far as the two demands differ.
    heavy = (10 ** (flatness_dB / 20) - 1) / 2 * 10 ** (alias_dB / 20)
    weight = [1.0] * (len(bands) // 2) + [min(max(heavy**2, 1.0), 1e8)]
    taps = firls(count, [*bands, stop, 0.5], [*gains, 0.0, 0.0], weight=weight, fs=1.0)
    return np.asarray(taps / taps.sum())


def equivalent_taps(taps: tuple[float, ...], order: int, cic_decimation: int) -> Float[np.ndarray, " n"]:
    """The filter with the CIC's droop in it, at the filter's own rate: what the chain does to a signal within the fast band.

    The droop becomes 21 taps that fit it by least squares up to 0.4 of that rate.
    """
    frequency = np.linspace(0, 0.4, _POINTS)
    cosines = np.hstack([np.ones((_POINTS, 1)), 2 * np.cos(2 * np.pi * np.outer(frequency, np.arange(1, _DROOP_TAPS // 2 + 1)))])
    half = np.linalg.lstsq(cosines, cic_response(frequency / cic_decimation, order, cic_decimation), rcond=None)[0]
    droop = np.concatenate([half[:0:-1], half])
    return np.convolve(np.array(taps), droop / droop.sum())
