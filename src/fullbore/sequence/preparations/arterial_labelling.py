"""Pseudo-continuous labelling: a train of short pulses under gradients that inverts blood as it flows through a plane."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import Gradient, Limits, RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.block_table import Block
from fullbore.sequence.gradients import end_s, gentle_lobe, lobe, ramp_s, raster_up, trapezoid
from fullbore.sequence.pulses.saturation_train import saturation_shape
from fullbore.sequence.pulses.shaped import SHAPE_RASTER_S, refuse_peak, shaped_pulse
from fullbore.sequence.refusal import Refusal, refuse_spacing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabellingTrain:
    """One step of the train: a Hann pulse under a gradient along the slice axis, whose mean over period_s is small.

    balanced, unbalanced: the gradient of a step with no mean and with `mean_T_per_m`. peak_T_per_m: during the pulse.
    """

    pulse: RfPulse
    unbalanced: Gradient
    balanced: Gradient
    peak_T_per_m: float
    mean_T_per_m: float
    period_s: float

    def block(self, count: int, offset_m: float, *, label: bool, balanced: bool) -> Block:
        """The block of `count` steps whose plane lies at offset_m from the isocentre along the slice axis.

        Label: each pulse goes on with the phase that spins in the plane gather. Control: every other pulse is turned round,
        and the mean gradient is none unless `balanced`, which here says that label and control have the same gradients.
        """
        frequency = GYROMAGNETIC_RATIO_HZ_PER_T * self.peak_T_per_m * offset_m
        mean = self.mean_T_per_m if label or balanced else 0.0
        step = 2 * math.pi * GYROMAGNETIC_RATIO_HZ_PER_T * mean * offset_m * self.period_s + (0.0 if label else math.pi)
        phase = np.arange(count) * step - 2 * math.pi * frequency * self.pulse.centre_s
        shape = self.unbalanced if mean else self.balanced
        return Block(duration_s=self.period_s, rf=self.pulse, slice=shape, rf_frequency_Hz=frequency, rf_phase_rad=phase)


def labelling_train(
    *, pulse_s: float, period_s: float, b1_mean_T: float, peak_T_per_m: float, mean_T_per_m: float, limits: Limits
) -> LabellingTrain:
    """The step of a train whose B1 is b1_mean_T on average.

    Source: Dai, Garcia, de Bazelaire, Alsop, Magn Reson Med 60:1488 (2008).
    Errors: Refusal for `label_pulse_duration`, `label_period` or `label_gradient`.
    """
    steps = round(pulse_s / SHAPE_RASTER_S)
    refuse_spacing("label_pulse_duration", pulse_s, 20 * SHAPE_RASTER_S, "a pulse's steps", 2 * SHAPE_RASTER_S)
    if peak_T_per_m > 0.6 * limits.gradient_T_per_m:
        legal, reason = 0.6 * limits.gradient_T_per_m, "the rewinder needs the rest of the gradient"
        raise Refusal(field="label_gradient", asked=peak_T_per_m, legal=legal, bound="largest", reason=reason)
    envelope = saturation_shape("hann", steps)
    peak = b1_mean_T * period_s / (float(envelope.sum()) * SHAPE_RASTER_S)
    refuse_peak("label_pulse_duration", pulse_s, peak, limits, what="peak B1")
    flip = GYROMAGNETIC_RATIO_RAD_PER_S_T * b1_mean_T * period_s
    pulse = shaped_pulse(peak * envelope, SHAPE_RASTER_S, limits, flip_rad=flip, use="p")
    rise = ramp_s(peak_T_per_m, limits)
    lead = max(raster_up(pulse.delay_s, limits.gradient_raster_s), rise)
    flat = raster_up(pulse_s, limits.gradient_raster_s)
    select = trapezoid(peak_T_per_m, rise, flat, rise, delay_s=lead - rise)
    start = end_s(select)
    longest = -peak_T_per_m * (rise + flat)
    shortest = max(start + end_s(lobe(longest, limits)), lead + pulse_s + limits.rf_ringdown_time_s)
    refuse_spacing("label_period", period_s, shortest, "pulse and rewinder", limits.block_raster_s)

    def with_mean(mean: float) -> Gradient:
        back = gentle_lobe(longest + mean * period_s, period_s - start, limits, start)
        times = np.concatenate([select.times_s, back.times_s[1:]])
        return Gradient(times_s=times, values_T_per_m=np.concatenate([select.values_T_per_m, back.values_T_per_m[1:]]))

    return LabellingTrain(
        pulse=_at(pulse, lead),
        unbalanced=with_mean(mean_T_per_m),
        balanced=with_mean(0.0),
        peak_T_per_m=peak_T_per_m,
        mean_T_per_m=mean_T_per_m,
        period_s=period_s,
    )


def _at(pulse: RfPulse, delay_s: float) -> RfPulse:
    return replace(pulse, delay_s=delay_s)
