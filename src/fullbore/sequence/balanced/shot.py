"""Heartbeats: each waits for its trigger, may prepare the magnetisation, and reads a train of views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fullbore.data import Encoding, Limits, Sequence
from fullbore.sequence.balanced.view import BalancedView, ViewPrescription
from fullbore.sequence.block_table import BlockTable, definitions
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.module import Module, heartbeat, wait_for
from fullbore.sequence.ordering import UNUSED
from fullbore.sequence.preparations import spoiling
from fullbore.sequence.prescription import Count, Number, Time
from fullbore.sequence.readout_rows import ReadoutRows

TRIGGER_S = 1e-3
END_SPOIL_PER_M = 2500.0
"""Net k along read and slice after a train: what it leaves in the plane does not meet the next preparation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggeredPrescription(ViewPrescription):
    """Views that follow the heart's trigger.

    heart_period: what the timing counts on; on a patient a little less than the R-R interval, so that no beat is missed.
    trigger_delay: from the trigger to the excitation of k = 0. acceleration: every so-manieth line, and calibration_lines
    around the centre where it is more than 1.
    """

    heart_period: Time
    trigger_delay: Time
    acceleration: Number = 1
    calibration_lines: Count = 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Train:
    """A start-up and views at `lines` (view,), UNUSED where nothing is sampled; `centre` is the view that counts as k = 0."""

    view: BalancedView
    lines: np.ndarray
    centre: int

    @property
    def length_s(self) -> float:
        """From the start-up's start to the last view's end."""
        return self.view.start_up_s + len(self.lines) * self.view.spacing_s

    @property
    def lead_s(self) -> float:
        """From the start-up's start to the excitation of k = 0."""
        return self.view.start_up_s + self.centre * self.view.spacing_s + self.view.excitation_centre_s

    def play(self, table: BlockTable, protocol: ViewPrescription, offset_m: float, sampled: bool) -> None:
        """Start-up and views."""
        used = self.lines != UNUSED
        k = np.where(used, (self.lines - protocol.matrix[1] // 2) / protocol.fov[1], 0.0)
        table.play(*self.view.start(offset_m))
        table.play(*self.view.views(k, used & sampled, offset_m), times=len(k))

    def since_s(self) -> np.ndarray:
        """From the excitation of k = 0 to each sampled readout's own echo."""
        number = np.flatnonzero(self.lines != UNUSED)
        return (number - self.centre) * self.view.spacing_s + self.view.echo_time_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beat:
    """What one heartbeat does: a preparation whose centre is `delay_s` before the excitation of k = 0 of a train.

    Either may be missing. columns: of all its rows. sampled: whether the train is measured.
    """

    train: Train | None = None
    preparation: Module | None = None
    delay_s: float = 0.0
    columns: dict[str, Any] = field(default_factory=dict)
    sampled: bool = True


def played_delay_s(preparation: Module, train: Train, asked_s: float, limits: Limits) -> float:
    """From a preparation's centre to the excitation of k = 0, as the block raster makes it."""
    least = preparation.tail_s + train.lead_s
    return least + round((asked_s - least) / limits.block_raster_s) * limits.block_raster_s


def play_beats(
    table: BlockTable, rows: ReadoutRows, protocol: TriggeredPrescription, beats: list[Beat], limits: Limits, delay: str
) -> None:
    """All beats of all slices, one slice after the other. delay: protocol field of the delay after a preparation.

    Errors: Refusal when a preparation and its delay do not fit before the train, or a train not into the heart period.
    """
    for number, offset_m in enumerate(protocol.slice_positions_m()):
        for beat in beats:
            _play_beat(table, protocol, beat, offset_m, limits, delay)
            if beat.train is not None and beat.sampled:
                _add(rows, protocol, beat, beat.train, number)


def _play_beat(
    table: BlockTable, protocol: TriggeredPrescription, beat: Beat, offset_m: float, limits: Limits, delay: str
) -> None:
    """One heart period."""
    raster = limits.block_raster_s
    trigger = heartbeat(duration_s=raster_up(TRIGGER_S, raster))
    used = table.play(*trigger.blocks)
    prepared = beat.preparation or Module(blocks=())
    if beat.train is None:
        table.play(*wait_for("heart_period", protocol.heart_period, used, "the trigger", raster).blocks)
        return
    lead = beat.train.lead_s
    if beat.preparation is not None:
        gap = wait_for(delay, beat.delay_s, prepared.tail_s + lead, "preparation and half the train", raster)
        used += prepared.duration_s + gap.duration_s
    reason = "trigger, preparation and half the train"
    table.play(*wait_for("trigger_delay", protocol.trigger_delay, used + lead, reason, raster).blocks)
    if beat.preparation is not None:
        table.play(*prepared.blocks, *gap.blocks)
    beat.train.play(table, protocol, offset_m, beat.sampled)
    spoil = spoiling((END_SPOIL_PER_M, 0.0, END_SPOIL_PER_M), limits)
    table.play(*spoil.blocks)
    spent = protocol.trigger_delay - lead + beat.train.length_s + spoil.duration_s
    table.play(*wait_for("heart_period", protocol.heart_period, spent, "trigger delay and train", raster).blocks)


def _add(rows: ReadoutRows, protocol: TriggeredPrescription, beat: Beat, train: Train, number: int) -> None:
    """The rows of one beat."""
    since = train.since_s()
    rows.add(
        len(since),
        line=train.lines[train.lines != UNUSED],
        slice=number,
        echo_time_s=train.view.echo_time_s,
        trigger_delay_s=protocol.trigger_delay + since,
        **beat.columns,
    )


def finished(
    protocol: TriggeredPrescription, view: BalancedView, table: BlockTable, rows: ReadoutRows, limits: Limits, **header: Any
) -> Sequence:
    """The sequence with its header; header: further fields of the Encoding, `parameters` among them."""
    parameters = {
        "bandwidth_Hz_per_px": view.shape.bandwidth,
        "heart_period_s": protocol.heart_period,
        "trigger_delay_s": protocol.trigger_delay,
        "start_up_views": float(len(view.ramp)),
        **header.pop("parameters", {}),
    }
    encoding = Encoding(
        geometry=rows.geometry,
        **view.sampling(),
        **rows.arrays(),
        repetition_time_s=view.spacing_s,
        flip_rad=protocol.flip_angle,
        echo_spacing_s=view.spacing_s,
        echo_times_s=(view.echo_time_s,),
        calibration=rows.calibration,
        acceleration=(float(protocol.acceleration), 1.0),
        protocol=protocol.name,
        parameters=parameters,
        **header,
    )
    return table.finish(protocol.name, encoding, definitions(protocol.name, rows.geometry, limits))
