"""Shinnar-Le Roux pulses: selective pulses of any flip whose ripples are chosen."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Complex, Float

from fullbore.data import Limits, RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.pulses.shaped import SHAPE_RASTER_S, refuse_duration, shaped_pulse
from fullbore.sequence.pulses.slr_filter import Phase, Purpose, beta_ripples, low_pass
from fullbore.sequence.refusal import Refusal
from fullbore.signal.shinnar_le_roux import inverse_slr, minimum_phase_alpha

PURPOSE_USE = {"small_tip": "e", "excitation": "e", "refocusing": "r", "inversion": "i", "saturation": "s"}
"""Pulseq's letter of each purpose."""

MOST_STEPS = 512
"""Longer pulses take longer steps: 512 resolve any selective shape, and the transform takes their square in time."""

_BAND = 0.6  # share of the pass band over which the effective centre is fitted: its edges bend


def slr_pulse(
    flip_rad: float,
    duration_s: float,
    time_bandwidth: float,
    limits: Limits,
    *,
    purpose: Purpose = "excitation",
    phase: Phase = "linear",
    passband_ripple: float = 0.01,
    stopband_ripple: float = 0.01,
    use: str | None = None,
    duration_field: str = "excitation_duration",
    bandwidth_field: str = "time_bandwidth",
) -> RfPulse:
    """A pulse whose profile keeps its ripples; its bandwidth time_bandwidth / duration_s is between half heights of |beta|.

    purpose: whose magnetisation the ripples are of (`beta_ripples`); small_tip is linear design, right below 30 degrees.
    phase: linear refocuses wholly; minimum has its main lobe late, so that less time is lost after it and bands are
    sharper; maximum is its mirror image. An excitation's centre is where a rephaser and the echo time count from.
    Source: Pauly, Le Roux, Nishimura, Macovski, IEEE Trans Med Imaging 10:53 (1991).
    Errors: Refusal when the peak B1 forbids so short a pulse, or the time-bandwidth product is too small for the ripples.
    """
    refuse_duration(duration_field, duration_s)
    ripples = beta_ripples(purpose, flip_rad, passband_ripple, stopband_ripple)

    def designed(length_s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """A, B, B1 (T) and the step of the pulse of a length."""
        raster = slr_raster_s(length_s)
        shape = low_pass(round(length_s / raster), time_bandwidth, ripples, phase, field=bandwidth_field)
        alpha, beta, angle = slr_angles(flip_rad, shape, purpose, ripples[0])
        return alpha, beta, np.conj(angle) / (GYROMAGNETIC_RATIO_RAD_PER_S_T * raster), raster

    alpha, beta, b1, raster = designed(duration_s)
    _refuse_peak_of(lambda length_s: float(np.abs(designed(length_s)[2]).max()), duration_field, duration_s, limits, b1)
    own_use = PURPOSE_USE[purpose] if use is None else use
    centre = _centre_s(alpha, beta, own_use, raster, time_bandwidth)
    return shaped_pulse(b1, raster, limits, flip_rad=flip_rad, use=own_use, centre_s=centre)


def _refuse_peak_of(
    peak_T: Callable[[float], float], duration_field: str, duration_s: float, limits: Limits, b1_T: np.ndarray
) -> None:
    """Raise Refusal when B1 is over the peak, with a duration whose own design is not: its peak falls nearly as 1 / duration."""
    peak, legal = float(np.abs(b1_T).max()), duration_s
    while (found := peak_T(legal) if legal > duration_s else peak) > limits.b1_peak_T * (1 + 1e-12):
        legal = raster_up(legal * max(found / limits.b1_peak_T, 1.005), 2 * SHAPE_RASTER_S)
    if legal > duration_s:
        reason = f"the peak B1 would be {peak * 1e6:.2f} uT, limit {limits.b1_peak_T * 1e6:.2f} uT"
        raise Refusal(field=duration_field, asked=duration_s, legal=legal, bound="shortest", reason=reason)


def slr_angles(
    flip_rad: float, shape: Float[np.ndarray, " n"], purpose: Purpose, ripple: float
) -> tuple[Complex[np.ndarray, " n"], Complex[np.ndarray, " n"], Complex[np.ndarray, " n"]]:
    """(A, B, turns of the hard pulses in rad) of a filter of unit gain made a pulse of a flip; B1 is along x.

    ripple: the filter's, relative; a flip of 180 degrees is scaled down by it, because |B| cannot exceed 1.
    """
    if purpose == "small_tip":
        alpha = np.eye(1, len(shape))[0].astype(complex)
        return alpha, shape.astype(complex) * flip_rad / 2, flip_rad * shape[::-1].astype(complex)
    beta = (shape * min(math.sin(flip_rad / 2), 1 / (1 + ripple))).astype(complex)
    alpha = minimum_phase_alpha(beta)
    # Polynomials of positive taps give B1 along y; i beta gives it along x, as all shapes of this library have it.
    return alpha, beta, inverse_slr(alpha, 1j * beta)


def slr_raster_s(duration_s: float) -> float:
    """The step of a pulse of a duration: SHAPE_RASTER_S up to MOST_STEPS, then a multiple of it that divides the duration.

    It leaves at most MOST_STEPS and at least half as many; where no divisor does, the fewest steps above.
    """
    ticks = round(duration_s / SHAPE_RASTER_S)
    counts = [n for n in range(min(ticks, MOST_STEPS // 2), ticks + 1) if ticks % n == 0]
    steps = max((n for n in counts if n <= MOST_STEPS), default=counts[0])
    return ticks // steps * SHAPE_RASTER_S


def _centre_s(alpha: np.ndarray, beta: np.ndarray, use: str, raster_s: float, time_bandwidth: float) -> float:
    """Effective centre from the start: the slope of the phase of Mxy (excitation) or beta (all else) over the pass band."""
    steps = len(beta)
    turns = np.linspace(-0.5, 0.5, 65) * _BAND * time_bandwidth / steps  # cycles per step
    powers = np.exp(-2j * np.pi * np.outer(turns, np.arange(steps)))
    after = powers @ beta
    made = np.conj(powers @ alpha) * after if use == "e" else after
    delay = -np.polyfit(2 * np.pi * turns, np.unwrap(np.angle(made)), 1, w=np.abs(made))[0]
    # Spins that are tipped at a step's middle precess half a step more than the polynomial counts.
    return float((steps - 0.5 - delay) * raster_s)
