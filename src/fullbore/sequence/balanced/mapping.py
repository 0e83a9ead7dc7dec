"""Maps of the heart from single-shot bSSFP: MOLLI and SASHA for T1, T2 preparation for T2."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from fullbore.data import Limits, Sequence
from fullbore.sequence.balanced.cine import cine_rows
from fullbore.sequence.balanced.shot import Beat, Train, TriggeredPrescription, finished, play_beats, played_delay_s
from fullbore.sequence.balanced.view import BalancedView, design_view
from fullbore.sequence.block_table import BlockTable
from fullbore.sequence.module import Module
from fullbore.sequence.preparations import inversion, saturation, t2_preparation
from fullbore.sequence.prescription import Count, Duration, Number, Share, Time
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.sampling import regular_lines

Times = Annotated[tuple[Time, ...], Field(min_length=1)]
_SCHEME = r"\d+(-?\(\d+\)-?\d+)*"


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleShotPrescription(TriggeredPrescription):
    """One image in one beat, lines rising through k. partial_fourier: share of the lines, before those after k = 0.

    recovery_beats: beats that pass after each slice.
    """

    partial_fourier: Annotated[Share, Field(ge=0.5)] = 1.0
    recovery_beats: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Molli(SingleShotPrescription):
    """Modified Look-Locker inversion recovery. scheme: images after each inversion, and in brackets beats without images.

    inversion_times: of the first image after each inversion; the next ones come one heart period later each. Images are
    counted as sets in playing order.
    """

    scheme: Annotated[str, Field(pattern=f"^{_SCHEME}$")]
    inversion_times: Times
    inversion_duration: Time = 10.24e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sasha(SingleShotPrescription):
    """Saturation recovery single-shot: one image without preparation, then one for each of saturation_delays.

    A saturation delay is from the end of the saturation to the excitation of k = 0. Images are counted as sets.
    """

    saturation_delays: Times


@dataclass(frozen=True, slots=True, kw_only=True)
class T2PreparedBalanced(SingleShotPrescription):
    """Single-shot images after T2 preparations, 0 for none, with pause_beats without images between them; counted as sets."""

    preparation_times: Annotated[tuple[Duration, ...], Field(min_length=1)]
    pause_beats: Count = 3
    refocusings: Number = 4


def molli(protocol: Molli, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken; for inversion times that are not one for each inversion."""
    view = design_view(protocol, limits)
    train = single_shot(protocol, view)
    images, pauses = parsed_scheme(protocol.scheme)
    asked = protocol.inversion_times
    if len(asked) != len(images):
        last = asked[-1]
        legal = tuple([*asked, *[last + 80e-3 * (n + 1) for n in range(len(images))]][: len(images)])
        reason = f"the scheme has {len(images)} inversions"
        raise Refusal(field="inversion_times", asked=asked, legal=legal, bound="nearest", reason=reason)
    inverted = inversion(protocol.inversion_duration, limits)
    beats: list[Beat] = []
    times: list[float] = []
    for first, count, pause in zip(asked, images, [*pauses, 0], strict=True):
        _refuse_delay(protocol, "inversion_times", asked, first, inverted.tail_s + train.lead_s, inverted.centre_s)
        played = played_delay_s(inverted, train, first, limits)
        for number in range(count):
            times.append(played + number * protocol.heart_period)
            columns = {"set": len(times) - 1, "inversion_time_s": times[-1]}
            preparation = inverted if number == 0 else None
            beats.append(Beat(train=train, preparation=preparation, delay_s=played, columns=columns))
        beats += [Beat()] * pause
    parameters = {"inversions": float(len(images)), "images": float(len(times))}
    return _played(protocol, view, beats, limits, inversion_times_s=tuple(times), parameters=parameters)


def sasha(protocol: Sasha, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    view = design_view(protocol, limits)
    train = single_shot(protocol, view)
    beats = [Beat(train=train, columns={"set": 0})]
    for number, asked in enumerate(protocol.saturation_delays):
        saturated = saturation(limits, number=number)
        least = saturated.tail_s + train.lead_s
        _refuse_delay(protocol, "saturation_delays", protocol.saturation_delays, asked, least, saturated.centre_s)
        delay = played_delay_s(saturated, train, asked, limits)
        columns = {"set": number + 1, "saturation_delay_s": delay}
        beats.append(Beat(train=train, preparation=saturated, delay_s=delay, columns=columns))
    return _played(protocol, view, beats, limits, parameters={"images": float(len(beats))})


def t2_prepared_balanced(protocol: T2PreparedBalanced, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken; for preparations shorter than their pulses."""
    view = design_view(protocol, limits)
    train = single_shot(protocol, view)
    beats: list[Beat] = []
    for number, time in enumerate(protocol.preparation_times):
        columns = {"set": number, "preparation_time_s": time}
        if time == 0:
            beats.append(Beat(train=train, columns=columns))
        else:
            prepared = _prepared(protocol, time, limits)
            delay = prepared.tail_s + train.lead_s
            beats.append(Beat(train=train, preparation=prepared, delay_s=delay, columns=columns))
        beats += [Beat()] * (protocol.pause_beats if number + 1 < len(protocol.preparation_times) else 0)
    return _played(protocol, view, beats, limits, parameters={"pause_beats": float(protocol.pause_beats)})


def single_shot(protocol: SingleShotPrescription, view: BalancedView) -> Train:
    """All lines of an image in one train."""
    calibration = protocol.calibration_lines * (protocol.acceleration > 1)
    lines = regular_lines(protocol.matrix[1], protocol.acceleration, calibration, protocol.partial_fourier)
    return Train(view=view, lines=lines, centre=int((lines < protocol.matrix[1] // 2).sum()))


def parsed_scheme(scheme: str) -> tuple[list[int], list[int]]:
    """Images after each inversion, and beats of pause between: "5(3)3" is [5, 3] and [3]."""
    pauses = [int(text) for text in re.findall(r"\((\d+)\)", scheme)]
    images = [int(text) for text in re.split(r"-?\(\d+\)-?", scheme)]
    return images, pauses


def _prepared(protocol: T2PreparedBalanced, time_s: float, limits: Limits) -> Module:
    """A preparation. Errors: Refusal with times that all fit, found by trying."""
    try:
        return t2_preparation(time_s, limits, refocusings=protocol.refocusings)
    except Refusal as no:
        reason, longer = no.reason, time_s
    while True:
        longer = math.ceil(longer * 1e3 + 0.5) * 1e-3
        try:
            t2_preparation(longer, limits, refocusings=protocol.refocusings)
        except Refusal:
            continue
        asked = protocol.preparation_times
        legal = tuple(max(time, longer) if time > 0 else time for time in asked)
        raise Refusal(field="preparation_times", asked=asked, legal=legal, bound="shortest", reason=reason)


def _refuse_delay(
    protocol: TriggeredPrescription, field: str, asked: tuple[float, ...], delay_s: float, least_s: float, before_s: float
) -> None:
    """Errors: Refusal when a delay is shorter than what plays in it, or reaches back beyond the trigger."""
    longest = protocol.trigger_delay - before_s - 2e-3
    if delay_s < least_s - 5e-6:
        legal = _moved(asked, least_s, longest, apart=field == "inversion_times")
        reason = f"preparation and half the train take {least_s * 1e3:.3f} ms"
        raise Refusal(field=field, asked=asked, legal=legal, bound="shortest", reason=reason)
    if delay_s > longest:
        if longest < least_s:
            legal_delay = math.ceil((least_s + before_s) * 1e3 + 4) * 1e-3
            reason = "trigger, preparation and half the train"
            raise Refusal(field="trigger_delay", asked=protocol.trigger_delay, legal=legal_delay, bound="shortest", reason=reason)
        legal = _moved(asked, least_s, longest, apart=field == "inversion_times")
        reason = f"the trigger is only {protocol.trigger_delay * 1e3:.4g} ms before k = 0"
        raise Refusal(field=field, asked=asked, legal=legal, bound="longest", reason=reason)


def _moved(asked: tuple[float, ...], least_s: float, longest_s: float, apart: bool) -> tuple[float, ...]:
    """Times between two bounds, on whole ms, near those asked: times that differ still do; apart: all do.

    Each is moved alone where that does; else all by as much; else they are pushed together, or set at most 80 ms apart. Where
    the upper bound leaves no room for them, only the lower one counts.
    """
    wanted = len(asked) if apart else len(set(asked))
    low, high = math.ceil(least_s * 1e3 - 1e-6), math.floor(longest_s * 1e3 + 1e-6)
    high = high if high - low >= wanted - 1 else 10**9
    times = [time * 1e3 for time in asked]
    first, last = min(times), max(times)
    shift, step = max(low - first, 0) + min(high - last, 0), min(80, (high - low) // max(wanted - 1, 1))
    squeeze = (high - low) / (last - first) if last > first else 0.0
    order: list[float] = sorted(range(len(times)), key=lambda place: times[int(place)]) if apart else sorted(set(times))
    ways = (
        [min(max(time, low), high) for time in times],
        [time + shift for time in times],
        [round(low + (time - first) * squeeze) for time in times],
        [low + step * order.index(place if apart else time) for place, time in enumerate(times)],
    )
    for moved in ways:
        if low - 1e-6 <= min(moved) and max(moved) <= high + 1e-6 and len(set(moved)) == wanted:
            break
    return tuple(time * 1e-3 for time in moved)


def _played(protocol: SingleShotPrescription, view: BalancedView, beats: list[Beat], limits: Limits, **header: Any) -> Sequence:
    """All beats of all slices as a sequence."""
    rows = cine_rows(protocol)
    table = BlockTable(rows.geometry, limits.block_raster_s)
    every = beats + [Beat()] * protocol.recovery_beats
    play_beats(table, rows, protocol, every, limits, "trigger_delay")
    return finished(protocol, view, table, rows, limits, **header)
