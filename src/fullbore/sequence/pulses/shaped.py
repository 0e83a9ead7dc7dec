"""What every RF shape ends with: its raster, its peak B1 inside the limits, its dead time, its energy."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Num

from fullbore.data import Limits, RfPulse
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.refusal import Refusal, refuse_spacing

SHAPE_RASTER_S = 10e-6
"""Length of one step of a shaped pulse; its spectral replicas, 100 kHz away, excite nothing in a body."""

MOST_TURN_PER_STEP = 0.05
"""Cycles that a shape may turn in one step: holding it constant then costs less than sinc(0.05) = 0.4 % of its height."""

DISCRETE_SLACK = 1.01
"""On legal durations of designed filters, whose peak is only nearly as 1 / duration when the number of steps changes."""


def refuse_flip(field: str, flip_rad: float, peak_T: float, limits: Limits) -> None:
    """Raise Refusal when a pulse whose peak grows with its flip exceeds the peak B1."""
    if peak_T <= limits.b1_peak_T * (1 + 1e-12):
        return
    legal = math.radians(math.floor(math.degrees(flip_rad * limits.b1_peak_T / peak_T) * 10) / 10)
    reason = f"peak B1 would be {peak_T * 1e6:.2f} uT, limit {limits.b1_peak_T * 1e6:.2f} uT at this pulse length"
    raise Refusal(field=field, asked=flip_rad, legal=legal, bound="largest", reason=reason)


def refuse_peak(
    duration_field: str,
    duration_s: float,
    peak_T: float,
    limits: Limits,
    *,
    what: str = "peak B1",
    power: float = 1.0,
    slack: float = 1.0,
) -> None:
    """Raise Refusal when a pulse whose peak falls as duration^-(1 / power) exceeds the peak B1.

    slack: factor on the legal duration, for shapes that change a little with their number of steps.
    """
    if peak_T <= limits.b1_peak_T * (1 + 1e-12):
        return
    legal = raster_up(duration_s * slack * (peak_T / limits.b1_peak_T) ** power, 2 * SHAPE_RASTER_S)
    reason = f"the {what} would be {peak_T * 1e6:.2f} uT, limit {limits.b1_peak_T * 1e6:.2f} uT"
    raise Refusal(field=duration_field, asked=duration_s, legal=legal, bound="shortest", reason=reason)


def refuse_duration(duration_field: str, duration_s: float, *, steps: int = 20) -> None:
    """Raise Refusal when a shaped pulse has fewer than `steps` steps or lasts no even number of them."""
    refuse_spacing(duration_field, duration_s, steps * SHAPE_RASTER_S, "a pulse's steps", 2 * SHAPE_RASTER_S)


def shaped_pulse(
    b1_T: Num[np.ndarray, " n"],
    raster_s: float,
    limits: Limits,
    *,
    flip_rad: float,
    use: str,
    centre_s: float | None = None,
) -> RfPulse:
    """A pulse that starts after the dead time, its effective centre in its middle unless it is given."""
    return RfPulse(
        b1_T=b1_T.astype(np.complex128),
        raster_s=raster_s,
        delay_s=raster_up(limits.rf_dead_time_s, limits.gradient_raster_s),
        centre_s=len(b1_T) * raster_s / 2 if centre_s is None else centre_s,
        flip_rad=flip_rad,
        use=use,
    )


def fine_raster_s(duration_s: float, frequency_Hz: float, limits: Limits) -> float:
    """The longest step, a divisor of the duration and a multiple of the RF raster, that a shape of such a frequency allows.

    At most SHAPE_RASTER_S; the RF raster itself when even that is too long.
    """
    wanted = min(SHAPE_RASTER_S, MOST_TURN_PER_STEP / max(abs(frequency_Hz), 1e-9))
    ticks = round(duration_s / limits.rf_raster_s)
    for step in range(max(math.floor(wanted / limits.rf_raster_s + 1e-9), 1), 1, -1):
        if ticks % step == 0:
            return step * limits.rf_raster_s
    return limits.rf_raster_s


def step_middles_s(duration_s: float, raster_s: float) -> np.ndarray:
    """Times of the middles of a pulse's steps, from its centre, (steps,)."""
    steps = round(duration_s / raster_s)
    return (np.arange(steps) + 0.5) * raster_s - duration_s / 2


def b1_energy_T2_s(pulse: RfPulse) -> float:
    """Integral of |B1+|^2 over a pulse, T^2 s."""
    return float(np.sum(np.abs(pulse.b1_T) ** 2) * pulse.raster_s)


def b1_rms_T(pulse: RfPulse, repetition_s: float | None = None) -> float:
    """Root mean square of |B1+|, T, over the pulse itself, or over a repetition time that plays it once."""
    return math.sqrt(b1_energy_T2_s(pulse) / (pulse.duration_s if repetition_s is None else repetition_s))


def b1_peak_T(pulse: RfPulse) -> float:
    """Largest |B1+| of a pulse, T."""
    return float(np.abs(pulse.b1_T).max())
