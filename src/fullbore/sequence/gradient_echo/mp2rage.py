"""MP2RAGE: two trains of spoiled views after one adiabatic inversion, for a T1-weighted image without bias and a T1 map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import Encoding, Geometry, Limits, Sequence
from fullbore.sequence.block_table import BlockTable, definitions
from fullbore.sequence.module import Module, wait_for
from fullbore.sequence.mprage import sampled_points, view_order
from fullbore.sequence.ordering import UNUSED
from fullbore.sequence.preparations import inversion
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Factor, Number, SlabPrescription, Time
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.spoiled_view import RF_SPOIL_DEG, View, design_view, spoil_phase_rad


@dataclass(frozen=True, slots=True, kw_only=True)
class Mp2rage(SlabPrescription):
    """Magnetisation prepared with two rapid gradient-echo trains.

    inversion_time, second_inversion_time: from the inversion's centre to the excitation of each train's middle view, which
    measures k_partition = 0; flip_angle, second_flip_angle: of the trains (sets 0 and 1). echo_spacing: from view to view.
    acceleration, calibration, sampling_seed, dummy_trains: as MPRAGE's.
    """

    repetition_time: Time
    inversion_time: Time
    second_inversion_time: Time
    echo_time: Time
    echo_spacing: Time
    flip_angle: Angle
    second_flip_angle: Angle
    bandwidth: Bandwidth
    views_per_train: Number
    acceleration: Factor = 1.0
    calibration: tuple[Count, Count] = (24, 24)
    sampling_seed: Count = 1
    dummy_trains: Count = 1
    excitation_duration: Time = 200e-6
    inversion_duration: Time = 10.24e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Timing:
    """Inversion, and the waits before, between and after the trains; inversion_times_s: as the raster makes them."""

    preparation: Module
    waits: tuple[Module, Module, Module]
    inversion_times_s: tuple[float, float]


def mp2rage(protocol: Mp2rage, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken; UsageError for an acceleration that calibration forbids."""
    second = replace(protocol, flip_angle=protocol.second_flip_angle)
    views = design_view(protocol, "echo_spacing", limits), design_view(second, "echo_spacing", limits)
    timing = _timing(protocol, views[0], limits)
    geometry = protocol.geometry()
    lines, partitions = protocol.matrix[1:]
    calibration = centre_range(lines, protocol.calibration[0]), centre_range(partitions, protocol.calibration[1])
    rows = ReadoutRows(geometry, calibration if protocol.acceleration > 1 else ((0, 0), (0, 0)))
    table = BlockTable(geometry, limits.block_raster_s)
    line, partition = sampled_points(protocol)
    for _ in range(protocol.dummy_trains):
        _play(protocol, views, timing, table, np.full((protocol.views_per_train, 2), np.nan))
    for number, items in enumerate(view_order(line, partition, protocol)):
        used = items != UNUSED
        _play(protocol, views, timing, table, np.where(used[:, None], np.stack([line[items], partition[items]], axis=1), np.nan))
        place = {"line": line[items[used]], "partition": partition[items[used]], "segment": number}
        for which, (view, time) in enumerate(zip(views, timing.inversion_times_s, strict=True)):
            flip = view.pulse.flip_rad
            rows.add(int(used.sum()), **place, set=which, echo_time_s=view.echo_time_s, inversion_time_s=time, flip_rad=flip)
    encoding = _encoding(protocol, views[0], timing, geometry, rows)
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def _timing(protocol: Mp2rage, view: View, limits: Limits) -> _Timing:
    """Waits that meet both inversion times and the repetition time. Errors: Refusal when a train does not fit."""
    raster, preparation = limits.block_raster_s, inversion(protocol.inversion_duration, limits)
    train = protocol.views_per_train * protocol.echo_spacing
    lead = protocol.views_per_train // 2 * protocol.echo_spacing + view.excitation_centre_s
    first = preparation.tail_s + lead
    before = wait_for("inversion_time", protocol.inversion_time, first, "inversion and half the train", raster)
    ti = first + before.duration_s
    between = wait_for("second_inversion_time", protocol.second_inversion_time, ti + train, "the first train", raster)
    used = preparation.duration_s + before.duration_s + between.duration_s + 2 * train
    after = wait_for("repetition_time", protocol.repetition_time, used, "inversion and trains", raster)
    times = (ti, ti + train + between.duration_s)
    return _Timing(preparation=preparation, waits=(before, between, after), inversion_times_s=times)


def _play(protocol: Mp2rage, views: tuple[View, View], timing: _Timing, table: BlockTable, index: np.ndarray) -> None:
    """One repetition; index: (view, (line, partition)), NaN where nothing is sampled."""
    sampled = np.isfinite(index[:, 0])
    centre = np.array([n // 2 for n in protocol.matrix[1:]])
    k = np.where(sampled[:, None], (index - centre) / np.array(protocol.fov[1:]), 0.0)
    phases = spoil_phase_rad(0, len(index))
    table.play(*timing.preparation.blocks)
    for view, wait in zip(views, timing.waits, strict=False):
        table.play(*wait.blocks)
        table.play(*view.blocks(k[:, 0], k[:, 1], phases, sampled), times=len(index))
    table.play(*timing.waits[2].blocks)


def _encoding(protocol: Mp2rage, view: View, timing: _Timing, geometry: Geometry, rows: ReadoutRows) -> Encoding:
    """The table of readouts with its header."""
    columns = rows.arrays()
    acceleration = 2 * protocol.matrix[1] * protocol.matrix[2] / len(columns["counters"])
    return Encoding(
        geometry=geometry,
        **view.sampling(),
        **columns,
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_spacing_s=protocol.echo_spacing,
        echo_train_length=protocol.views_per_train,
        echo_times_s=(view.echo_time_s,),
        inversion_times_s=timing.inversion_times_s,
        calibration=rows.calibration,
        acceleration=(acceleration, 1.0),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": view.shape.bandwidth,
            "centre_view": float(protocol.views_per_train // 2),
            "dummy_trains": float(protocol.dummy_trains),
            "rf_spoil_rad": float(np.deg2rad(RF_SPOIL_DEG)),
            "second_flip_rad": protocol.second_flip_angle,
            "views_per_train": float(protocol.views_per_train),
        },
    )
