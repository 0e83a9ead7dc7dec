"""3D spoiled gradient echo with several echoes: QSM, Dixon, T2* maps; of everything or of a slab."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Encoding, Geometry, Limits, Sequence
from fullbore.sequence.block_table import BlockTable, definitions
from fullbore.sequence.gradient_echo.echoes import design_echoes
from fullbore.sequence.gradient_echo.excitation import Excitation, excitation
from fullbore.sequence.gradient_echo.view import EchoView, ViewTask, design_view
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Factor, Number, Share, SlabPrescription, Time
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.sampling import poisson_disc
from fullbore.sequence.spoiled_view import RF_SPOIL_DEG, spoil_phase_rad


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiEchoGre3d(SlabPrescription):
    """3D spoiled gradient echo that reads several echoes after each excitation.

    echo_time: of the first echo. bipolar: every other readout runs backward, so that echoes may follow each other faster;
    else all run forward with a fly-back between. acceleration: points of the (phase, partition) plane over points measured,
    with `calibration` (lines, partitions) complete. excitation: hard is of everything, sinc and slr of `slab_share` of the
    partitions' field of view. dummy_views: played unsampled, towards the steady state.
    """

    repetition_time: Time
    echo_time: Time
    echo_spacing: Time
    echoes: Number
    flip_angle: Angle
    bandwidth: Bandwidth
    bipolar: bool = False
    acceleration: Factor = 1.0
    calibration: tuple[Count, Count] = (24, 24)
    sampling_seed: Count = 1
    dummy_views: Count = 100
    excitation: Excitation = "hard"
    excitation_duration: Time = 100e-6
    time_bandwidth: Factor = 8.0
    slab_share: Share = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Dixon3d(MultiEchoGre3d):
    """Fat and water: two, three or six echoes, by default out of phase and in phase of fat's main peak at 3 T in turn."""

    echo_time: Time = 1.15e-3
    echo_spacing: Time = 1.15e-3
    echoes: Number = 2
    bipolar: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class T2StarGre3d(MultiEchoGre3d):
    """T2* (R2*) maps: many echoes that all run forward, the first as early as it can be."""

    echoes: Number = 8


def multi_echo_gre_3d(protocol: MultiEchoGre3d, limits: Limits) -> Sequence:
    """Partitions outside, lines inside, echoes inmost, after `dummy_views`. Errors: Refusal for a limit that is broken."""
    view = multi_echo_view(protocol, limits)
    geometry = protocol.geometry()
    table = BlockTable(geometry, limits.block_raster_s)
    line, partition = measured_points(protocol)
    dummies = protocol.dummy_views
    k_phase = np.concatenate([np.zeros(dummies), (line - protocol.matrix[1] // 2) / protocol.fov[1]])
    k_slice = np.concatenate([np.zeros(dummies), (partition - protocol.matrix[2] // 2) / protocol.fov[2]])
    count = len(k_phase)
    sampled = np.arange(count) >= dummies
    offset = float(geometry.centre_m @ geometry.slice) if protocol.excitation != "hard" else 0.0
    table.play(*view.blocks(k_phase, k_slice, spoil_phase_rad(0, count), sampled=sampled, offset_m=offset), times=count)
    calibration = (
        centre_range(protocol.matrix[1], protocol.calibration[0]),
        centre_range(protocol.matrix[2], protocol.calibration[1]),
    )
    rows = ReadoutRows(geometry, calibration if protocol.acceleration > 1 else ((0, 0), (0, 0)))
    columns = view.echoes.columns(len(line), view.first_echo_s)
    each = protocol.echoes
    rows.add(len(line) * each, line=np.repeat(line, each), partition=np.repeat(partition, each), **columns)
    return table.finish(protocol.name, _encoding(protocol, view, geometry, rows), definitions(protocol.name, geometry, limits))


def multi_echo_view(protocol: MultiEchoGre3d, limits: Limits) -> EchoView:
    """The view. Errors: Refusal for flip, bandwidth, echo spacing, echo time or repetition time."""
    thickness = protocol.slab_share * protocol.fov[2]
    pulse = excitation(
        protocol.excitation,
        protocol.flip_angle,
        protocol.excitation_duration,
        protocol.time_bandwidth,
        thickness,
        limits,
        thickness_field="slab_share",
    )
    echoes = design_echoes(
        protocol.matrix[0],
        protocol.fov[0],
        protocol.bandwidth,
        protocol.readout_oversampling,
        limits,
        count=protocol.echoes,
        spacing_s=protocol.echo_spacing,
        bipolar=protocol.bipolar,
    )
    edges = tuple((n // 2) / fov for n, fov in zip(protocol.matrix[1:], protocol.fov[1:], strict=True))
    task = ViewTask(
        echo_time_s=protocol.echo_time,
        spacing_field="repetition_time",
        spacing_s=protocol.repetition_time,
        edges_per_m=(edges[0], edges[1]),
        pixel_m=protocol.fov[0] / protocol.matrix[0],
    )
    return design_view(pulse, echoes, task, limits)


def measured_points(protocol: MultiEchoGre3d) -> tuple[np.ndarray, np.ndarray]:
    """Lines and partitions to measure, partitions outside."""
    _, lines, partitions = protocol.matrix
    if protocol.acceleration == 1:
        partition, line = (index.ravel() for index in np.indices((partitions, lines)))
    else:
        mask = poisson_disc((partitions, lines), protocol.acceleration, protocol.calibration[::-1], protocol.sampling_seed)
        partition, line = np.nonzero(mask)
    return line, partition


def _encoding(protocol: MultiEchoGre3d, view: EchoView, geometry: Geometry, rows: ReadoutRows) -> Encoding:
    """The table of readouts with its header."""
    columns = rows.arrays()
    measured = len(columns["counters"]) / protocol.echoes
    return Encoding(
        geometry=geometry,
        **view.echoes.sampling(),
        **columns,
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_spacing_s=view.echoes.spacing_s,
        echo_train_length=protocol.echoes,
        echo_times_s=view.echo_times_s(),
        calibration=rows.calibration,
        acceleration=(protocol.matrix[1] * protocol.matrix[2] / measured, 1.0),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": view.echoes.shape.bandwidth,
            "bipolar": float(protocol.bipolar),
            "dummy_views": float(protocol.dummy_views),
            "rf_spoil_rad": float(np.deg2rad(RF_SPOIL_DEG)),
        },
    )
