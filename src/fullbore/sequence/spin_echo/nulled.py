"""3D turbo spin echoes that null fluid (FLAIR), or fluid and white matter (DIR), before the train."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Limits, Sequence
from fullbore.errors import ValueRangeError
from fullbore.sequence.prescription import Time
from fullbore.sequence.pulses import hyperbolic_secant
from fullbore.sequence.pulses.response import pulse_response
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.spin_echo.flip_train import flip_train
from fullbore.sequence.spin_echo.slab import SlabSpinEcho, before_excitation, inversions, play_slab, train_of
from fullbore.signal.nulling import double_null_times_s, null_time_s
from fullbore.signal.refocusing_design import after_train


@dataclass(frozen=True, slots=True, kw_only=True)
class Flair3d(SlabSpinEcho):
    """3D FLAIR: an adiabatic inversion, inversion_time before the excitation; other fields as in SlabSpinEcho.

    null_t1, null_t2: of the fluid, for the inversion time of its null that `Encoding.parameters` states beside the one asked.
    """

    inversion_time: Time
    null_t1: Time = 4.3
    null_t2: Time = 2.0
    inversion_duration: Time = 10.24e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubleInversion3d(SlabSpinEcho):
    """3D DIR: two adiabatic inversions whose times are solved from the T1 of the two tissues to null, the longer first.

    null_t1, null_t2: relaxation times of the two. Other fields as in SlabSpinEcho.
    """

    null_t1: tuple[Time, Time] = (4.3, 0.832)
    null_t2: tuple[Time, Time] = (2.0, 0.08)
    inversion_duration: Time = 10.24e-3


def flair_3d(protocol: Flair3d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken; UsageError for an acceleration that calibration forbids."""
    train, last = train_of(protocol, limits), before_excitation(protocol, limits)
    asked = (protocol.inversion_time,)
    preparation = inversions(("inversion_time",), asked, protocol.inversion_duration, train, limits, last)
    rest, start = _rest(protocol, protocol.null_t1, protocol.null_t2)
    left = efficiency(protocol.inversion_duration, protocol.null_t1, protocol.null_t2, limits)
    header = {"null_inversion_time_s": null_time_s(protocol.null_t1, rest, start, left)}
    return play_slab(protocol, train, preparation, limits, **header)


def double_inversion_3d(protocol: DoubleInversion3d, limits: Limits) -> Sequence:
    """The sequence. Errors: as `flair_3d`; Refusal for a repetition time in which no two times null both."""
    train, last = train_of(protocol, limits), before_excitation(protocol, limits)
    times = solved_inversion_times_s(protocol, limits)
    fields = ("repetition_time", "repetition_time")
    try:
        preparation = inversions(fields, times, protocol.inversion_duration, train, limits, last)
    except Refusal:
        reason = f"inversions {times[0] * 1e3:.0f} and {times[1] * 1e3:.0f} ms before the excitation do not fit"
        raise _longer(protocol, reason) from None
    first, second = preparation.inversion_times_s
    return play_slab(protocol, train, preparation, limits, first_inversion_time_s=first, second_inversion_time_s=second)


def solved_inversion_times_s(protocol: DoubleInversion3d, limits: Limits) -> tuple[float, float]:
    """From the first and the second inversion's centre to the excitation's. Errors: Refusal when there are none."""
    found = [_rest(protocol, t1, t2) for t1, t2 in zip(protocol.null_t1, protocol.null_t2, strict=True)]
    slow, fast = (
        efficiency(protocol.inversion_duration, t1, t2, limits) for t1, t2 in zip(protocol.null_t1, protocol.null_t2, strict=True)
    )
    rests, starts = (found[0][0], found[1][0]), (found[0][1], found[1][1])
    try:
        times = double_null_times_s(protocol.null_t1, rests, starts, (slow, fast))
    except ValueRangeError as error:
        raise _longer(protocol, str(error)) from None
    if times[0] > found[0][0]:
        raise _longer(protocol, f"the first inversion would be {times[0] * 1e3:.0f} ms before the excitation")
    return times


def _longer(protocol: DoubleInversion3d, reason: str) -> Refusal:
    """The refusal of a repetition time in which no two inversions null both tissues; half as long again is tried next."""
    asked = protocol.repetition_time
    return Refusal(field="repetition_time", asked=asked, legal=round(1.5 * asked, 3), bound="shortest", reason=reason)


def efficiency(duration_s: float, t1_s: float, t2_s: float, limits: Limits) -> float:
    """Minus Mz right after the adiabatic inversion of Mz = 1, as if it all happened at its centre. Errors: Refusal."""
    pulse = hyperbolic_secant(duration_s, limits)
    _, m_z = pulse_response(pulse, offset_Hz=np.zeros(1), t1_s=t1_s, t2_s=t2_s)
    tail = pulse.duration_s - pulse.centre_s
    return float((1 - m_z[0]) * np.exp(tail / t1_s) - 1)


def _rest(protocol: SlabSpinEcho, t1_s: float, t2_s: float) -> tuple[float, float]:
    """From the end of a nulled tissue's train to the next excitation (s), and its Mz at that end."""
    store = {"none": 0.0, "flip_down": protocol.flip_angle, "flip_back": -protocol.flip_angle}[protocol.train_end]
    spacing, echoes = protocol.echo_spacing, protocol.train_length
    _, left = after_train(0.0, t1_s, t2_s, spacing, flip_train(protocol), protocol.flip_angle, store)
    length = (echoes + (1.0 if store else 0.5)) * spacing
    return protocol.repetition_time - length, left
