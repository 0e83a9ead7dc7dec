"""MPRAGE: adiabatic inversion, then a train of spoiled views whose partitions rise; sparsely sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol as Interface
from typing import runtime_checkable

import numpy as np

from fullbore.data import Encoding, Geometry, Limits, Sequence
from fullbore.sequence.block_table import Block, BlockTable, definitions, pause
from fullbore.sequence.ordering import UNUSED, rising
from fullbore.sequence.placement import slab
from fullbore.sequence.preparations import inversion
from fullbore.sequence.protocol import Mprage
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.refusal import refuse_spacing
from fullbore.sequence.sampling import poisson_disc
from fullbore.sequence.spoiled_view import RF_SPOIL_DEG, View, design_view, spoil_phase_rad


@runtime_checkable
class PreparedTrains(Interface):
    """What a protocol says about trains of views and what they sample."""

    @property
    def matrix(self) -> tuple[int, int, int]:
        """(read, phase, partition)."""

    @property
    def acceleration(self) -> float:
        """Points over points measured."""

    @property
    def calibration(self) -> tuple[int, int]:
        """Complete centre, (lines, partitions)."""

    @property
    def sampling_seed(self) -> int:
        """Of the pattern."""

    @property
    def views_per_train(self) -> int:
        """Views after each preparation."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainTiming:
    """What surrounds the views in one repetition: inversion and spoiler, a wait, and the recovery after them.

    inversion_time_s: as the raster makes it.
    """

    preparation: tuple[Block, ...]
    wait_s: float
    recovery_s: float
    inversion_time_s: float


def mprage(protocol: Mprage, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken; UsageError for an acceleration that calibration forbids."""
    view = design_view(protocol, "echo_spacing", limits)
    timing = _timing(protocol, view, limits)
    geometry = slab(protocol.orientation, protocol.centre, protocol.fov, protocol.matrix, protocol.readout_oversampling)
    lines, partitions = protocol.matrix[1:]
    calibration = centre_range(lines, protocol.calibration[0]), centre_range(partitions, protocol.calibration[1])
    rows = ReadoutRows(geometry, calibration if protocol.acceleration > 1 else ((0, 0), (0, 0)))
    table = BlockTable(geometry, limits.block_raster_s)
    line, partition = sampled_points(protocol)
    trains = view_order(line, partition, protocol)
    for _ in range(protocol.dummy_trains):
        _play_train(protocol, view, timing, table, np.full((protocol.views_per_train, 2), np.nan))
    for number, items in enumerate(trains):
        used = items != UNUSED
        index = np.where(used[:, None], np.stack([line[items], partition[items]], axis=1), np.nan)
        _play_train(protocol, view, timing, table, index)
        played = items[used]
        measured = {"line": line[played], "partition": partition[played], "segment": number}
        times = {"echo_time_s": view.echo_time_s, "inversion_time_s": timing.inversion_time_s}
        rows.add(len(played), **measured, **times)
    return table.finish(
        protocol.name, _encoding(protocol, view, timing, geometry, rows), definitions(protocol.name, geometry, limits)
    )


def sampled_points(protocol: PreparedTrains) -> tuple[np.ndarray, np.ndarray]:
    """Lines and partitions to measure, sorted by partition, then line."""
    lines, partitions = protocol.matrix[1:]
    mask = poisson_disc((partitions, lines), protocol.acceleration, protocol.calibration[::-1], protocol.sampling_seed)
    partition, line = np.nonzero(mask)
    return line, partition


def view_order(line: np.ndarray, partition: np.ndarray, protocol: PreparedTrains) -> np.ndarray:
    """Item of each (train, view): partitions rise through the train, k = 0 at the middle view, lines rise over the trains."""
    lines, partitions = protocol.matrix[1:]
    centre = int(np.flatnonzero((line == lines // 2) & (partition == partitions // 2))[0])
    order = rising(len(line), centre, protocol.views_per_train, protocol.views_per_train // 2)
    rank = np.where(order == UNUSED, lines, line[order])
    return np.take_along_axis(order, np.argsort(rank, axis=0, kind="stable"), axis=0)


def _timing(protocol: Mprage, view: View, limits: Limits) -> TrainTiming:
    """Waits that meet inversion and repetition time. Errors: Refusal when the train does not fit."""
    raster = limits.block_raster_s
    preparation = inversion(protocol.inversion_duration, limits)
    lead = protocol.views_per_train // 2 * protocol.echo_spacing + view.excitation_centre_s
    shortest = preparation.tail_s + lead
    if protocol.inversion_time < shortest - 1e-9:
        refuse_spacing("inversion_time", protocol.inversion_time, shortest, "inversion and half the train", raster)
    wait = round((protocol.inversion_time - shortest) / raster) * raster
    used = preparation.duration_s + wait + protocol.views_per_train * protocol.echo_spacing
    refuse_spacing("repetition_time", protocol.repetition_time, used, "inversion and train", raster)
    return TrainTiming(
        preparation=preparation.blocks,
        wait_s=wait,
        recovery_s=protocol.repetition_time - used,
        inversion_time_s=shortest + wait,
    )


def _play_train(protocol: Mprage, view: View, timing: TrainTiming, table: BlockTable, index: np.ndarray) -> None:
    """One repetition; index: (view, (line, partition)), NaN where nothing is sampled."""
    sampled = np.isfinite(index[:, 0])
    centre = np.array([n // 2 for n in protocol.matrix[1:]])
    k = np.where(sampled[:, None], (index - centre) / np.array(protocol.fov[1:]), 0.0)
    views = len(index)
    phases = spoil_phase_rad(0, views)
    table.play(*timing.preparation, *pause(timing.wait_s))
    table.play(*view.blocks(k[:, 0], k[:, 1], phases, sampled), times=views)
    table.play(*pause(timing.recovery_s))


def _encoding(protocol: Mprage, view: View, timing: TrainTiming, geometry: Geometry, rows: ReadoutRows) -> Encoding:
    """The table of readouts with its header."""
    columns = rows.arrays()
    acceleration = protocol.matrix[1] * protocol.matrix[2] / len(columns["counters"])
    return Encoding(
        geometry=geometry,
        **view.sampling(),
        **columns,
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_spacing_s=protocol.echo_spacing,
        echo_train_length=protocol.views_per_train,
        echo_times_s=(view.echo_time_s,),
        inversion_times_s=(timing.inversion_time_s,),
        calibration=rows.calibration,
        acceleration=(acceleration, 1.0),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": view.shape.bandwidth,
            "centre_view": float(protocol.views_per_train // 2),
            "dummy_trains": float(protocol.dummy_trains),
            "excitation_centre_s": view.excitation_centre_s,
            "rf_spoil_rad": float(np.deg2rad(RF_SPOIL_DEG)),
            "views_per_train": float(protocol.views_per_train),
        },
    )
