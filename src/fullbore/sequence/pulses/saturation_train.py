"""Off-resonant saturation for MT and CEST: shaped pulses in a row, stated by their B1 rms and duty cycle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fullbore.data import Limits, RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.pulses.shaped import SHAPE_RASTER_S, b1_rms_T, refuse_duration, shaped_pulse, step_middles_s
from fullbore.sequence.refusal import Refusal, refuse_spacing

Shape = Literal["block", "gaussian", "sinc_gaussian", "hann"]

GAUSSIAN_CUT = 3.0
"""Half the pulse over the Gaussian's standard deviation: it ends at 1 % of its peak."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SaturationTrain:
    """count times a pulse, each followed by a pause (but for the last), frequency_Hz from water.

    A block plays the pulse with rf_frequency_Hz = frequency_Hz and the phase of `phase_rad`; the next starts period_s later.
    """

    pulse: RfPulse
    count: int
    gap_s: float
    frequency_Hz: float

    @property
    def period_s(self) -> float:
        """From one pulse's start to the next one's."""
        return self.pulse.duration_s + self.gap_s

    @property
    def duration_s(self) -> float:
        """From the first pulse's start to the last one's end."""
        return self.count * self.period_s - self.gap_s

    @property
    def duty_cycle(self) -> float:
        """Share of the train in which a pulse plays."""
        return self.count * self.pulse.duration_s / self.duration_s

    @property
    def b1_rms_T(self) -> float:
        """Root mean square of B1 over the whole train: the continuous wave of equal power."""
        return b1_rms_T(self.pulse) * math.sqrt(self.duty_cycle)

    def phase_rad(self, number: int) -> float:
        """Phase that pulse `number` (from 0) needs at its start to go on with the first one's oscillation."""
        return math.fmod(2 * math.pi * self.frequency_Hz * number * self.period_s, 2 * math.pi)


def saturation_train(
    b1_rms_T: float,
    frequency_Hz: float,
    pulse_s: float,
    gap_s: float,
    count: int,
    limits: Limits,
    *,
    shape: Shape = "gaussian",
    field: str = "saturation_b1",
    duration_field: str = "saturation_duration",
    gap_field: str = "saturation_gap",
) -> SaturationTrain:
    """A train whose B1 rms over its whole duration, pauses included, is b1_rms_T.

    gap_s: at least ring-down and dead time for more than one pulse. frequency_Hz: from water, + as off-resonance counts.
    Source of the shapes: Henkelman, Stanisz, Graham, NMR Biomed 14:57 (2001); Zaiss, Bachert, Phys Med Biol 58:R221 (2013).
    Errors: Refusal when the peak B1 is too high for such an rms.
    """
    refuse_duration(duration_field, pulse_s)
    if count > 1:
        raster = limits.block_raster_s
        least = raster_up(limits.rf_dead_time_s, limits.gradient_raster_s) + limits.rf_ringdown_time_s
        refuse_spacing(gap_field, gap_s, raster_up(least, raster), "ring-down and dead time", raster)
    envelope = saturation_shape(shape, round(pulse_s / SHAPE_RASTER_S))
    duty = count * pulse_s / (count * (pulse_s + gap_s) - gap_s)
    peak = b1_rms_T / math.sqrt(duty * float(np.mean(envelope**2)))
    if peak > limits.b1_peak_T * (1 + 1e-12):
        reason = f"peak B1 would be {peak * 1e6:.2f} uT, limit {limits.b1_peak_T * 1e6:.2f} uT, at a duty cycle of {duty:.0%}"
        legal = math.floor(b1_rms_T * limits.b1_peak_T / peak * 1e9) * 1e-9
        raise Refusal(field=field, asked=b1_rms_T, legal=legal, bound="largest", reason=reason)
    flip = GYROMAGNETIC_RATIO_RAD_PER_S_T * peak * float(envelope.sum()) * SHAPE_RASTER_S
    pulse = shaped_pulse(peak * envelope, SHAPE_RASTER_S, limits, flip_rad=flip, use="s")
    return SaturationTrain(pulse=pulse, count=count, gap_s=gap_s, frequency_Hz=frequency_Hz)


def saturation_shape(shape: Shape, steps: int) -> np.ndarray:
    """An envelope of unit peak, (steps,)."""
    u = 2 * step_middles_s(steps * 1.0, 1.0) / steps  # -1 to 1
    if shape == "block":
        return np.ones(steps)
    if shape == "hann":
        return np.asarray(0.5 + 0.5 * np.cos(np.pi * u))
    gaussian = np.exp(-0.5 * (GAUSSIAN_CUT * u) ** 2)
    return np.asarray(gaussian * np.sinc(u) if shape == "sinc_gaussian" else gaussian)
