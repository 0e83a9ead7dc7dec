"""Stack of stars: a 3D spoiled gradient echo of golden-angle spokes in the plane and phase encoding along the slab."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Encoding, Limits, Sequence
from fullbore.sequence.block_table import BlockTable, definitions
from fullbore.sequence.non_cartesian.arm import spoke_arm
from fullbore.sequence.non_cartesian.directions import in_plane, refuse_unequal
from fullbore.sequence.non_cartesian.shot import Shot, spoiled_shot
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Number, SlabPrescription, Time
from fullbore.sequence.pulses import selective, sinc_pulse
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.sampling import golden_spokes_rad
from fullbore.sequence.spoiled_view import spoil_phase_rad

TIME_BANDWIDTH = 8.0
CYCLES_A_VOXEL = 2.0
"""Of the spoiler along the slab, with which every shot ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOfStars3d(SlabPrescription):
    """Golden-angle stack of stars: every spoke angle is measured in all partitions, then the next angle.

    fov and matrix are equal along read and phase. repetition_time: from pulse to pulse. bandwidth: Hz per pixel of a spoke.
    spokes: angles. dummy_shots: played unsampled, towards the steady state.
    """

    repetition_time: Time
    echo_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    spokes: Number
    dummy_shots: Count = 100
    excitation_duration: Time = 1e-3


def stack_of_stars_3d(protocol: StackOfStars3d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    refuse_unequal(protocol.matrix, protocol.fov, 2)
    geometry, shot = protocol.geometry(), _design(protocol, limits)
    partitions, spokes, dummies = protocol.matrix[2], protocol.spokes, protocol.dummy_shots
    table, rows = BlockTable(geometry, limits.block_raster_s), ReadoutRows(geometry)
    angle = np.repeat(golden_spokes_rad(spokes), partitions)
    partition = np.tile(np.arange(partitions), spokes)
    k_slice, turn = (partition - partitions // 2) / protocol.fov[2], in_plane(angle)
    offset = np.full(len(angle), float(geometry.centre_m @ geometry.slice))
    phase = spoil_phase_rad(0, dummies + len(angle))
    still = (in_plane(np.zeros(dummies)), np.zeros(dummies), np.full(dummies, offset[0]))
    table.play(*shot.blocks(*still, phase[:dummies], False), times=dummies)
    table.play(*shot.blocks(turn, k_slice, offset, phase[dummies:], True), times=len(angle))
    line = np.repeat(np.arange(spokes), partitions)
    rows.add(len(angle), line=line, partition=partition, **shot.rows(turn, k_slice))
    encoding = Encoding(
        geometry=geometry,
        **shot.arm.sampling(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=(shot.echo_time_s,),
        acceleration=(max(np.pi / 2 * protocol.matrix[0] / spokes, 1.0), 1.0),
        protocol=protocol.name,
        parameters={"dummy_shots": float(dummies), "spokes": float(spokes)},
    )
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def _design(protocol: StackOfStars3d, limits: Limits) -> Shot:
    """The bricks."""
    pulse = sinc_pulse(protocol.flip_angle, protocol.excitation_duration, TIME_BANDWIDTH, limits)
    bandwidth = TIME_BANDWIDTH / protocol.excitation_duration
    arm = (protocol.matrix[0], protocol.fov[0], protocol.bandwidth, protocol.readout_oversampling, limits)
    return spoiled_shot(
        selective(pulse, bandwidth, protocol.fov[2], limits, field="excitation_duration"),
        lambda shift: spoke_arm(*arm, shift_s=shift),
        echo_time_s=protocol.echo_time,
        repetition_time_s=protocol.repetition_time,
        limits=limits,
        k_slice=(protocol.matrix[2] // 2) / protocol.fov[2],
        spoil_per_m=CYCLES_A_VOXEL * protocol.matrix[2] / protocol.fov[2],
    )
