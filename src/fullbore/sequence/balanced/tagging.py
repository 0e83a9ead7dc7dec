"""Tagging: a cosine of longitudinal magnetisation is laid over the heart at the trigger, and a cine follows it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from fullbore.data import Limits, Sequence
from fullbore.sequence.balanced.cine import BalancedCine, cine_rows, refuse_phases, segment_columns, segment_trains
from fullbore.sequence.balanced.shot import Beat, finished, play_beats
from fullbore.sequence.balanced.view import design_view
from fullbore.sequence.block_table import BlockTable
from fullbore.sequence.module import Module, chained
from fullbore.sequence.preparations import spoiling
from fullbore.sequence.preparations.saturation import alone
from fullbore.sequence.prescription import Angle, Length
from fullbore.sequence.pulses import hard_pulse

TAG_PULSE_S = 1e-3
SPOIL_PER_M = 4000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedCine(BalancedCine):
    """A spoiled cine, always triggered, of tagged magnetisation.

    tag_spacing: from tag to tag along tag_axis. tag_flip_angle: of each of the two tagging pulses: 90 degrees turns Mz into
    minus its cosine, 45 into half of 1 minus it. complementary: set 1 repeats every beat with the opposite second pulse, and
    set 0 less set 1 is tags alone, however much has recovered (CSPAMM).
    """

    tag_spacing: Length
    tag_axis: Literal["read", "phase"] = "read"
    tag_flip_angle: Angle = math.pi / 2
    complementary: bool = True


def tagged_cine(protocol: TaggedCine, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken, and where the phases do not fit into the heart period."""
    view = design_view(protocol, limits, spoiled=True)
    trains = segment_trains(protocol, view)
    sets = [tags(protocol, sign, limits) for sign in (1, -1)[: 1 + protocol.complementary]]
    refuse_phases(protocol, protocol.trigger_delay + 5e-3, protocol.heart_period)
    beats = []
    for number in range(-protocol.dummy_beats, len(trains)):
        train = trains[max(number, 0)]
        for kind, prepared in enumerate(sets):
            columns = {"set": kind, **segment_columns(protocol, train, number)}
            delay = prepared.tail_s + train.lead_s
            beats.append(Beat(train=train, preparation=prepared, delay_s=delay, columns=columns, sampled=number >= 0))
    rows = cine_rows(protocol)
    table = BlockTable(rows.geometry, limits.block_raster_s)
    play_beats(table, rows, protocol, beats, limits, "trigger_delay")
    parameters = {
        "tag_spacing_m": protocol.tag_spacing,
        "tag_flip_rad": protocol.tag_flip_angle,
        "phases": float(protocol.phases),
    }
    return finished(protocol, view, table, rows, limits, echo_train_length=protocol.views_per_segment, parameters=parameters)


def tags(protocol: TaggedCine, sign: int, limits: Limits) -> Module:
    """Two hard pulses with one cycle per tag spacing between them, and a spoiler; the centre is the last pulse's end.

    Errors: Refusal for the flip angle.
    """
    pulse = hard_pulse(protocol.tag_flip_angle, TAG_PULSE_S, limits, use="p", field="tag_flip_angle")
    k = 1 / protocol.tag_spacing
    wound = spoiling((k, 0.0, 0.0) if protocol.tag_axis == "read" else (0.0, k, 0.0), limits)
    pair = chained(alone(pulse, limits), wound, alone(pulse, limits, phase_rad=0.0 if sign > 0 else math.pi))
    return Module(blocks=pair.blocks + spoiling((0.0, 0.0, SPOIL_PER_M), limits).blocks, centre_s=pair.duration_s)
