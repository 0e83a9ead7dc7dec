"""Time of flight: blood that comes fresh into a saturated slab is bright."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Encoding, Limits, Sequence
from fullbore.sequence.block_table import BlockTable, definitions
from fullbore.sequence.gradient_echo.echoes import design_echoes
from fullbore.sequence.gradient_echo.excitation import Excitation, excitation
from fullbore.sequence.gradient_echo.view import EchoView, ViewTask, design_view
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Factor, Share, SlabPrescription, StackPrescription, Time
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.sampling import poisson_disc
from fullbore.sequence.spoiled_view import RF_SPOIL_DEG, spoil_phase_rad


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfFlight3d(SlabPrescription):
    """3D time of flight of one slab, flow-compensated along read and slice.

    flip_ramp: how much the flip rises from the slab's middle to the end of the slice axis, as a share (TONE); 0 for none.
    acceleration: points of the (phase, partition) plane over points measured, `calibration` (lines, partitions) complete.
    slab_share: of the partitions' field of view that is excited.
    """

    repetition_time: Time
    echo_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    flip_ramp: Share = 0.0
    acceleration: Factor = 1.0
    calibration: tuple[Count, Count] = (24, 24)
    sampling_seed: Count = 1
    dummy_views: Count = 200
    excitation: Excitation = "slr"
    excitation_duration: Time = 1.28e-3
    time_bandwidth: Factor = 8.0
    slab_share: Share = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfFlight2d(StackPrescription):
    """2D time of flight, a slice after the other, flow-compensated along read and slice. dummy_views: before each slice."""

    repetition_time: Time
    echo_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    dummy_views: Count = 20
    excitation: Excitation = "sinc"
    excitation_duration: Time = 1.6e-3
    time_bandwidth: Factor = 4.0


def time_of_flight_3d(protocol: TimeOfFlight3d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    geometry = protocol.geometry()
    _, lines, partitions = protocol.matrix
    edges = tuple((n // 2) / fov for n, fov in zip(protocol.matrix[1:], protocol.fov[1:], strict=True))
    view = _design(protocol, (edges[0], edges[1]), protocol.slab_share * protocol.fov[2], protocol.flip_ramp, limits)
    mask = np.ones((partitions, lines), bool)
    if protocol.acceleration > 1:
        mask = poisson_disc((partitions, lines), protocol.acceleration, protocol.calibration[::-1], protocol.sampling_seed)
    partition, line = np.nonzero(mask)
    complete = centre_range(lines, protocol.calibration[0]), centre_range(partitions, protocol.calibration[1])
    rows = ReadoutRows(geometry, complete if protocol.acceleration > 1 else ((0, 0), (0, 0)))
    table = BlockTable(geometry, limits.block_raster_s)
    k_phase, k_slice = (line - lines // 2) / protocol.fov[1], (partition - partitions // 2) / protocol.fov[2]
    _play(protocol, view, table, k_phase, k_slice, float(geometry.centre_m @ geometry.slice), 0)
    rows.add(len(line), line=line, partition=partition, echo_time_s=view.first_echo_s)
    encoding = _encoding(protocol, view, rows, lines * partitions / len(line), {"flip_ramp": protocol.flip_ramp})
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def time_of_flight_2d(protocol: TimeOfFlight2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    geometry = protocol.geometry()
    lines = protocol.matrix[1]
    view = _design(protocol, ((lines // 2) / protocol.fov[1], 0.0), protocol.slice_thickness, 0.0, limits)
    rows, table = ReadoutRows(geometry), BlockTable(geometry, limits.block_raster_s)
    line = np.arange(lines)
    for number, offset in enumerate(protocol.slice_positions_m()):
        first = number * (lines + protocol.dummy_views)
        _play(protocol, view, table, (line - lines // 2) / protocol.fov[1], np.zeros(lines), offset, first)
        rows.add(lines, line=line, slice=number, echo_time_s=view.first_echo_s)
    encoding = _encoding(protocol, view, rows, 1.0, {})
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def _design(
    protocol: TimeOfFlight3d | TimeOfFlight2d, edges: tuple[float, float], thickness_m: float, ramp: float, limits: Limits
) -> EchoView:
    """The flow-compensated view. Errors: Refusal."""
    field = "slab_share" if isinstance(protocol, TimeOfFlight3d) else "slice_thickness"
    shape = (protocol.excitation, protocol.flip_angle, protocol.excitation_duration, protocol.time_bandwidth)
    pulse = excitation(*shape, thickness_m, limits, ramp=ramp, thickness_field=field)
    matrix, fov = protocol.matrix[0], protocol.fov[0]
    echoes = design_echoes(matrix, fov, protocol.bandwidth, protocol.readout_oversampling, limits)
    task = ViewTask(
        echo_time_s=protocol.echo_time,
        spacing_field="repetition_time",
        spacing_s=protocol.repetition_time,
        edges_per_m=edges,
        pixel_m=fov / matrix,
        moments_T_s2_per_m=np.zeros((1, 3)),
    )
    return design_view(pulse, echoes, task, limits)


def _play(
    protocol: TimeOfFlight3d | TimeOfFlight2d,
    view: EchoView,
    table: BlockTable,
    k_phase: np.ndarray,
    k_slice: np.ndarray,
    offset_m: float,
    first: int,
) -> None:
    """Dummy views, then a view for each point; first: number of the first excitation."""
    dummies = np.zeros(protocol.dummy_views)
    k = [np.concatenate([dummies, along]) for along in (k_phase, k_slice)]
    count = len(k[0])
    sampled = np.arange(count) >= len(dummies)
    table.play(*view.blocks(k[0], k[1], spoil_phase_rad(first, count), sampled=sampled, offset_m=offset_m), times=count)


def _encoding(
    protocol: TimeOfFlight3d | TimeOfFlight2d,
    view: EchoView,
    rows: ReadoutRows,
    acceleration: float,
    parameters: dict[str, float],
) -> Encoding:
    """The table of readouts with its header."""
    return Encoding(
        geometry=rows.geometry,
        **view.echoes.sampling(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=(view.first_echo_s,),
        calibration=rows.calibration,
        acceleration=(acceleration, 1.0),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": view.echoes.shape.bandwidth,
            "dummy_views": float(protocol.dummy_views),
            "rf_spoil_rad": float(np.deg2rad(RF_SPOIL_DEG)),
            **parameters,
        },
    )
