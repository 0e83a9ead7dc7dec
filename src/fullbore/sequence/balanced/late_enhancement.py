"""Late enhancement with phase-sensitive inversion recovery: every other beat a reference at a small flip angle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fullbore.data import Limits, Sequence
from fullbore.sequence.balanced.cine import cine_rows, segments
from fullbore.sequence.balanced.shot import Beat, Train, TriggeredPrescription, finished, play_beats, played_delay_s
from fullbore.sequence.balanced.view import BalancedView, design_view
from fullbore.sequence.block_table import BlockTable
from fullbore.sequence.preparations import inversion
from fullbore.sequence.prescription import Angle, Count, Number, Time
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.sampling import regular_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class LateEnhancement(TriggeredPrescription):
    """Segmented inversion recovery; set 0 is the inversion recovery, set 1, one beat later, the reference of its phase.

    inversion_time: to the excitation of each segment's middle view. readout: of both sets, spoiled or balanced.
    views_per_segment: an even number. dummy_pairs: pairs of beats played unsampled before each slice.
    """

    inversion_time: Time
    views_per_segment: Number
    reference_flip_angle: Angle
    readout: Literal["spoiled", "balanced"] = "spoiled"
    dummy_pairs: Count = 1
    inversion_duration: Time = 10.24e-3


def late_enhancement(protocol: LateEnhancement, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    if protocol.views_per_segment % 2:
        asked, reason = protocol.views_per_segment, "neighbouring lines are played in pairs"
        raise Refusal(field="views_per_segment", asked=asked, legal=asked + 1, bound="nearest", reason=reason)
    spoiled = protocol.readout == "spoiled"
    view = design_view(protocol, limits, spoiled=spoiled)
    field = "reference_flip_angle"
    low = design_view(protocol, limits, flip_rad=protocol.reference_flip_angle, field=field, spoiled=spoiled)
    inverted = inversion(protocol.inversion_duration, limits)
    calibration = protocol.calibration_lines * (protocol.acceleration > 1)
    dealt = segments(regular_lines(protocol.matrix[1], protocol.acceleration, calibration), protocol.views_per_segment)
    trains = [(_train(protocol, view, mine), _train(protocol, low, mine)) for mine in dealt]
    delay = played_delay_s(inverted, trains[0][0], protocol.inversion_time, limits)
    beats = []
    for number, pair in enumerate([trains[0]] * protocol.dummy_pairs + trains):
        measured = number >= protocol.dummy_pairs
        segment = number - protocol.dummy_pairs
        recovered = {"set": 0, "segment": segment, "inversion_time_s": delay, "flip_rad": view.flip_rad}
        reference = {"set": 1, "segment": segment, "flip_rad": low.flip_rad}
        beats.append(Beat(train=pair[0], preparation=inverted, delay_s=delay, columns=recovered, sampled=measured))
        beats.append(Beat(train=pair[1], columns=reference, sampled=measured))
    rows = cine_rows(protocol)
    table = BlockTable(rows.geometry, limits.block_raster_s)
    play_beats(table, rows, protocol, beats, limits, "inversion_time")
    parameters = {"views_per_segment": float(protocol.views_per_segment), "reference_flip_rad": low.flip_rad}
    return finished(
        protocol, view, table, rows, limits, inversion_times_s=(delay,), parameters=parameters,
        echo_train_length=protocol.views_per_segment,
    )  # fmt: skip


def _train(protocol: LateEnhancement, view: BalancedView, lines: np.ndarray) -> Train:
    """The views of one segment; its middle counts."""
    return Train(view=view, lines=lines, centre=protocol.views_per_segment // 2)
