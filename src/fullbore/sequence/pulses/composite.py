"""Composite pulses: rectangular pulses in a row whose errors cancel."""

from __future__ import annotations

import math

import numpy as np

from fullbore.data import Limits, RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.pulses.shaped import SHAPE_RASTER_S, refuse_duration, shaped_pulse
from fullbore.sequence.refusal import Refusal

Part = tuple[float, float]
"""(flip, phase) of one rectangular pulse, rad."""

_QUARTER, _HALF = math.pi / 2, math.pi
REFOCUSING: tuple[Part, ...] = ((_QUARTER, 0.0), (_HALF, _QUARTER), (_QUARTER, 0.0))
"""90x 180y 90x: refocuses about y and inverts over a wide range of B1. Source: Levitt, Freeman, J Magn Reson 33:473 (1979)."""
INVERSION: tuple[Part, ...] = ((_QUARTER, 0.0), (_HALF * 4 / 3, _QUARTER), (_QUARTER, 0.0))
"""90x 240y 90x: inverts over a wide range of offset. Source: Levitt, Prog NMR Spectrosc 18:61 (1986)."""
TIP_UP: tuple[Part, ...] = ((_HALF * 3 / 2, 0.0), (2 * _HALF, _HALF))
"""270x 360-x: ends a T2 preparation at +z over a range of offsets. Source: Brittain et al., Magn Reson Med 33:689 (1995)."""


def composite_pulse(
    parts: tuple[Part, ...],
    duration_s: float,
    limits: Limits,
    *,
    flip_rad: float,
    use: str = "e",
    duration_field: str = "excitation_duration",
) -> RfPulse:
    """The parts without pauses, all of about one amplitude, in a duration; each part's flip is exact.

    flip_rad: what the whole does at the nominal B1. Errors: Refusal when the peak B1 forbids so short a pulse.
    """
    refuse_duration(duration_field, duration_s)
    b1, steps = _amplitudes(parts, duration_s)
    peak, most = float(np.abs(b1).max()), limits.b1_peak_T * (1 + 1e-12)
    if peak > most:
        longer = duration_s
        while np.abs(_amplitudes(parts, longer)[0]).max() > most:  # steps are rounded: the peak does not fall smoothly
            longer += 2 * SHAPE_RASTER_S
        reason = f"the peak B1 would be {peak * 1e6:.2f} uT, limit {limits.b1_peak_T * 1e6:.2f} uT"
        raise Refusal(
            field=duration_field, asked=duration_s, legal=raster_up(longer, 2 * SHAPE_RASTER_S), bound="shortest", reason=reason
        )
    return shaped_pulse(np.repeat(b1, steps), SHAPE_RASTER_S, limits, flip_rad=flip_rad, use=use)


def _amplitudes(parts: tuple[Part, ...], duration_s: float) -> tuple[np.ndarray, np.ndarray]:
    """(complex B1 in T, steps) of each part."""
    flips, phases = np.array(parts).T
    ends = np.concatenate([[0], np.round(np.cumsum(flips) / flips.sum() * duration_s / SHAPE_RASTER_S).astype(int)])
    steps = np.maximum(np.diff(ends), 1)
    return flips * np.exp(1j * phases) / (GYROMAGNETIC_RATIO_RAD_PER_S_T * steps * SHAPE_RASTER_S), steps


def composite_refocusing(duration_s: float, limits: Limits, *, duration_field: str = "refocusing_duration") -> RfPulse:
    """90x 180y 90x: a refocusing pulse about y, 0.95 of whose echo is left from 0.7 to 1.3 of the nominal B1.

    An error of B1 turns the echo's phase; two of them, the second with all phases reversed, turn it back (MLEV).
    """
    return composite_pulse(REFOCUSING, duration_s, limits, flip_rad=math.pi, use="r", duration_field=duration_field)


def composite_inversion(duration_s: float, limits: Limits, *, duration_field: str = "inversion_duration") -> RfPulse:
    """90x 240y 90x: inverts over a wide range of offset in a tenth of an adiabatic pulse's time."""
    return composite_pulse(INVERSION, duration_s, limits, flip_rad=math.pi, use="i", duration_field=duration_field)


def broadband_pulse(
    flip_rad: float,
    duration_s: float,
    limits: Limits,
    *,
    use: str = "e",
    duration_field: str = "excitation_duration",
) -> RfPulse:
    """BB1: a rotation by any flip about x, from any state, whose error is of sixth order in the error of B1.

    A rectangular pulse, in its middle 180(p) 360(3p) 180(p) with cos p = -flip / (4 pi). Costs 720 degrees of B1.
    Source: Wimperis, J Magn Reson A 109:221 (1994); symmetric as by Cummins, Llewellyn, Jones, Phys Rev A 67:042308 (2003).
    """
    phase = math.acos(-flip_rad / (4 * math.pi))
    half = (flip_rad / 2, 0.0)
    parts = (half, (_HALF, phase), (2 * _HALF, 3 * phase), (_HALF, phase), half)
    return composite_pulse(parts, duration_s, limits, flip_rad=flip_rad, use=use, duration_field=duration_field)
