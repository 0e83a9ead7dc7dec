"""bSSFP cine: the beating heart in phases, some lines of each phase in every beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fullbore.data import Limits, Sequence
from fullbore.sequence.balanced.shot import TRIGGER_S, Beat, Train, TriggeredPrescription, finished, play_beats
from fullbore.sequence.balanced.view import BalancedView, design_view
from fullbore.sequence.block_table import BlockTable
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.module import heartbeat, wait_for
from fullbore.sequence.ordering import UNUSED
from fullbore.sequence.preparations import spoiling
from fullbore.sequence.prescription import Count, Number
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.sampling import paired, regular_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancedCine(TriggeredPrescription):
    """Segmented cine of a stack, slice after slice.

    phases: of the heart, each `views_per_segment` views long; an even number, because neighbouring lines are played in pairs
    whose eddy currents cancel. gating: "prospective" waits for the trigger in each beat; "retrospective" plays on and on after
    the slice's first trigger, so that the steady state is never left, and says in `trigger_delay_s` when in the beat a row was.
    trigger_delay: to the first view of the first phase. dummy_beats: played unsampled before each slice.
    """

    phases: Number
    views_per_segment: Number
    gating: Literal["prospective", "retrospective"] = "retrospective"
    dummy_beats: Count = 1


def balanced_cine(protocol: BalancedCine, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken, and where the phases do not fit into the heart period."""
    view = design_view(protocol, limits)
    rows = cine_rows(protocol)
    table = BlockTable(rows.geometry, limits.block_raster_s)
    trains = segment_trains(protocol, view)
    if protocol.gating == "prospective":
        beats = [Beat(train=trains[0], sampled=False)] * protocol.dummy_beats
        beats += [Beat(train=train, columns=segment_columns(protocol, train, n)) for n, train in enumerate(trains)]
        refuse_phases(protocol, protocol.trigger_delay + 5e-3, protocol.heart_period)
        play_beats(table, rows, protocol, beats, limits, "trigger_delay")
    else:
        refuse_phases(protocol, 0.0, _views_per_beat(protocol) * view.spacing_s)
        for number, offset_m in enumerate(protocol.slice_positions_m()):
            _play_on(table, rows, protocol, trains, number, offset_m, limits)
    counts = {name: float(getattr(protocol, name)) for name in ("phases", "views_per_segment", "dummy_beats")}
    return finished(protocol, view, table, rows, limits, echo_train_length=protocol.views_per_segment, parameters=counts)


def cine_rows(protocol: TriggeredPrescription) -> ReadoutRows:
    """The collector of a triggered protocol's rows."""
    calibration = centre_range(protocol.matrix[1], protocol.calibration_lines), (0, 1)
    return ReadoutRows(protocol.geometry(), calibration if protocol.acceleration > 1 else ((0, 0), (0, 0)))


def segments(lines: np.ndarray, views: int) -> np.ndarray:
    """Lines (rising) dealt to segments of `views` (even), (segment, view): pairs of neighbours, pairs far apart; UNUSED last."""
    pairs = [lines[i : i + 2] for i in range(0, len(lines), 2)]
    count = -(-len(pairs) // (views // 2))
    dealt = np.full((count, views), UNUSED, dtype=np.int64)
    for number in range(count):
        mine = paired(np.concatenate(pairs[number::count]))
        dealt[number, : len(mine)] = mine
    return dealt


def segment_trains(protocol: BalancedCine, view: BalancedView) -> list[Train]:
    """The train of each segment: its views once for every phase. Errors: Refusal for an odd number of views."""
    if protocol.views_per_segment % 2:
        asked, reason = protocol.views_per_segment, "neighbouring lines are played in pairs"
        raise Refusal(field="views_per_segment", asked=asked, legal=asked + 1, bound="nearest", reason=reason)
    lines = regular_lines(protocol.matrix[1], protocol.acceleration, protocol.calibration_lines * (protocol.acceleration > 1))
    dealt = segments(lines, protocol.views_per_segment)
    return [Train(view=view, lines=np.tile(mine, protocol.phases), centre=0) for mine in dealt]


def segment_columns(protocol: BalancedCine, train: Train, number: int) -> dict[str, np.ndarray | int]:
    """Columns of one segment's rows."""
    phase = np.repeat(np.arange(protocol.phases), protocol.views_per_segment)
    return {"phase": phase[train.lines != UNUSED], "segment": number}


def refuse_phases(protocol: BalancedCine, used_s: float, available_s: float) -> None:
    """Errors: Refusal when the phases do not fit between `used_s` and `available_s` after the trigger."""
    each = protocol.views_per_segment * protocol.repetition_time
    fit = int((available_s - used_s) / each + 1e-6)
    if fit < 1:
        legal = raster_up(used_s + protocol.phases * each, 1e-3)
        reason = f"one phase takes {each * 1e3:.4g} ms"
        raise Refusal(field="heart_period", asked=protocol.heart_period, legal=legal, bound="shortest", reason=reason)
    if protocol.phases > fit:
        reason = f"a phase takes {each * 1e3:.4g} ms and a beat has {(available_s - used_s) * 1e3:.4g} ms"
        raise Refusal(field="phases", asked=protocol.phases, legal=fit, bound="largest", reason=reason)


def _views_per_beat(protocol: BalancedCine) -> int:
    """How many views a heart period holds."""
    return round(protocol.heart_period / protocol.repetition_time)


def _play_on(
    table: BlockTable,
    rows: ReadoutRows,
    protocol: BalancedCine,
    trains: list[Train],
    number: int,
    offset_m: float,
    limits: Limits,
) -> None:
    """One slice without a break after its trigger."""
    view, raster = trains[0].view, limits.block_raster_s
    trigger = heartbeat(duration_s=raster_up(TRIGGER_S, raster))
    lead = trigger.duration_s + trains[0].lead_s
    table.play(*trigger.blocks)
    table.play(*wait_for("trigger_delay", protocol.trigger_delay, lead, "trigger and start-up", raster).blocks)
    beat = np.full((protocol.dummy_beats + len(trains), _views_per_beat(protocol)), UNUSED)
    played = len(trains[0].lines)
    for segment, train in enumerate(trains):
        beat[protocol.dummy_beats + segment, :played] = train.lines
    lines = beat.ravel()
    k = np.where(lines != UNUSED, (lines - protocol.matrix[1] // 2) / protocol.fov[1], 0.0)
    table.play(*view.start(offset_m))
    table.play(*view.views(k, lines != UNUSED, offset_m), times=len(k))
    table.play(*spoiling((2500.0, 0.0, 2500.0), limits).blocks)
    since = protocol.trigger_delay + view.echo_time_s + np.arange(lines.size) * view.spacing_s
    inside = np.mod(since, protocol.heart_period).reshape(beat.shape)[protocol.dummy_beats :, :played]
    for segment, train in enumerate(trains):
        used = train.lines != UNUSED
        columns = segment_columns(protocol, train, segment)
        times = {"echo_time_s": view.echo_time_s, "trigger_delay_s": inside[segment][used]}
        rows.add(int(used.sum()), line=train.lines[used], slice=number, **times, **columns)
