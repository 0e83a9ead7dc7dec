"""Filters for Shinnar-Le Roux pulses: low passes that keep the ripples of the magnetisation that is asked for."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from jaxtyping import Float

from fullbore.sequence.refusal import Refusal
from fullbore.signal.shinnar_le_roux import minimum_phase_taps, spectrum_grid

Purpose = Literal["small_tip", "excitation", "refocusing", "inversion", "saturation"]
Phase = Literal["linear", "minimum", "maximum"]

_GRID = 16  # frequencies per tap at which ripples are measured
_SAFELY = 1.8  # times the time-bandwidth product that theory calls the least
_WIDER = 1.03  # growth of a transition band that misses its ripples
_FALL = 2.0  # of the ripple from half octave to half octave: as the frequency squared
_LIFTED = 2.5  # largest |gain|^2 of a lifted stop band over its ripple: the ripple, and half of the lift at its edge
_WIDEST = 0.95  # of half the pass band: beyond, there is no flat part left


def beta_ripples(purpose: Purpose, flip_rad: float, passband: float, stopband: float) -> tuple[float, float]:
    """(relative ripple in the pass band, ripple over the pass band's height in the stop band) of |beta|.

    passband, stopband: ripples of the magnetisation, as shares of what the pulse makes: |Mxy| for excitation, |Mxy| of a
    crushed echo for refocusing, Mz for inversion and saturation. At the flips that Pauly tabulates (small, 90, 180) these
    are his relations (1991, table I) to first order; for other excitation flips they are solved for.
    """
    height = math.sin(flip_rad / 2)
    if purpose == "small_tip":
        return passband, stopband
    if purpose == "refocusing":
        return passband / 4, math.sqrt(stopband)
    if purpose == "inversion":
        return passband / 8, math.sqrt(stopband / 2)
    if purpose == "saturation":
        return passband / 2 / (2 * height**2), math.sqrt(stopband / 2) / height
    return _excitation_ripple(height, passband), stopband * math.cos(flip_rad / 2)


def _excitation_ripple(height: float, passband: float) -> float:
    """The largest relative ripple of |beta| around a height that changes 2 b sqrt(1 - b^2) by no more than `passband`."""
    ripples = np.linspace(1e-5, min(0.5, 1 / height - 1 - 1e-9), 20001)
    made = 2 * height * math.sqrt(1 - height**2)
    edges = height * np.stack([1 - ripples, 1 + ripples])
    error = np.abs(2 * edges * np.sqrt(np.maximum(1 - edges**2, 0.0)) / made - 1).max(axis=0)
    return float(ripples[max(int(np.searchsorted(error, passband, side="right")) - 1, 0)])


def low_pass(
    taps: int, time_bandwidth: float, ripples: tuple[float, float], phase: Phase, *, field: str = "time_bandwidth"
) -> Float[np.ndarray, " taps"]:
    """A filter of unit gain whose transition is centred on time_bandwidth / 2 cycles per pulse and whose ripples hold.

    The transition is as narrow as the ripples allow (Parks-McClellan). minimum: spectral factor of a filter of twice the
    length; maximum: the same backwards. Errors: Refusal when the time-bandwidth product is too small for the ripples.
    """
    if phase == "linear":
        width = transition_width(*ripples) / time_bandwidth
        return _equiripple(taps, taps, time_bandwidth, ripples, width, field)[0]
    doubled = (2 * ripples[0], ripples[1] ** 2 / _LIFTED)
    width = 0.5 * transition_width(*doubled) / time_bandwidth
    power, stopped = _equiripple(2 * taps - 1, taps, time_bandwidth, doubled, width, field)
    factor = _spectral_factor(power, stopped, doubled[1])
    return factor if phase == "minimum" else np.ascontiguousarray(factor[::-1])


def _spectral_factor(power: Float[np.ndarray, " m"], stopped: float, ripple: float) -> Float[np.ndarray, " taps"]:
    """The minimum-phase filter whose |gain|^2 is a symmetric filter's, lifted to be positive where its ripple is not.

    The lift falls with the frequency as the ripple does (a Lorentzian over it), and its share in the pass band is divided out.
    """
    grid = spectrum_grid(len(power))
    gain = np.fft.fft(np.roll(np.concatenate([power, np.zeros(grid - len(power))]), -(len(power) // 2))).real
    lift = 3.0 * ripple / (1 + (np.fft.fftfreq(grid) / stopped) ** 2)
    lifted = np.maximum(gain + lift, 1e-3 * lift) / (1 + lift)
    return minimum_phase_taps(np.sqrt(lifted), (len(power) + 1) // 2)


def transition_width(passband: float, stopband: float) -> float:
    """Product of duration and transition width that a linear-phase filter of these ripples needs (Pauly 1991, eq. 20)."""
    one, two = math.log10(passband), math.log10(stopband)
    first = (5.309e-3 * one**2 + 7.114e-2 * one - 4.761e-1) * two
    return first - 2.66e-3 * one**2 - 5.941e-1 * one - 4.278e-1


def _equiripple(
    taps: int, length: int, time_bandwidth: float, ripples: tuple[float, float], width: float, field: str
) -> tuple[Float[np.ndarray, " taps"], float]:
    """(the first filter, over widening transitions, that keeps both ripples; where its stop band starts, cycles per tap).

    width: relative to half the pass band. The stop band's ripple falls by _FALL each half octave: an even one, out to the
    end of the spectrum, is an impulse at both ends of the pulse that grows with the number of steps.
    """
    asked = width
    while width < _WIDEST:
        passed, stopped = (1 - width) * time_bandwidth / 2 / length, (1 + width) * time_bandwidth / 2 / length
        starts = stopped * 2.0 ** (np.arange(math.floor(2 * math.log2(0.49 / stopped)) + 1) / 2)
        bands = np.column_stack([starts * np.where(starts > stopped, 1.001, 1.0), np.append(starts[1:], 0.5)])
        edges = np.concatenate([[0.0, passed], bands.ravel()])
        weights = [1.0, *(ripples[0] / ripples[1] * _FALL ** np.arange(len(starts)))]
        filter_ = _exchanged(taps, edges, weights)
        gain = np.abs(np.fft.rfft(filter_, _GRID * taps))
        frequency = np.arange(len(gain)) / (_GRID * taps)
        inside = np.abs(gain[frequency <= passed] - 1).max() <= ripples[0] * 1.001
        if inside and gain[frequency >= stopped].max() <= ripples[1] * 1.001:
            return filter_, stopped
        width *= _WIDER
    legal = math.ceil(10 * time_bandwidth * asked * _SAFELY / _WIDEST) / 10
    reason = f"ripples of {ripples[0]:.2g} and {ripples[1]:.2g} of beta leave no flat pass band"
    raise Refusal(field=field, asked=time_bandwidth, legal=legal, bound="smallest", reason=reason)


def _exchanged(taps: int, edges: np.ndarray, weights: list[float]) -> Float[np.ndarray, " taps"]:
    """Parks-McClellan's filter of one pass band and several stop bands; zeros where the exchange does not converge."""
    from scipy.signal import remez  # scipy.signal takes a second and 25 MB, which only designers of filters should pay

    try:
        return np.asarray(remez(taps, edges, [1.0, *np.zeros(len(weights) - 1)], weight=weights, fs=1.0, maxiter=200))
    except ValueError:  # "Failure to converge": a slightly wider transition does
        return np.zeros(taps)
