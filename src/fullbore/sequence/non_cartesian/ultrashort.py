"""Ultrashort echo time: half-spokes in all directions, sampled from the first instant of their ramp after a hard pulse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Encoding, Limits, Sequence
from fullbore.sequence.block_table import BlockTable, definitions
from fullbore.sequence.non_cartesian.arm import half_spoke_arm
from fullbore.sequence.non_cartesian.directions import along, refuse_unequal, whole_sphere
from fullbore.sequence.non_cartesian.shot import Shot, spoiled_shot
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Number, SlabPrescription, Time
from fullbore.sequence.pulses import hard_pulse
from fullbore.sequence.pulses.selective import unselective
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.spoiled_view import spoil_phase_rad

CYCLES_A_VOXEL = 2.0
"""Of the spoiler along the slice axis, with which every shot ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ute3d(SlabPrescription):
    """3D ultrashort echo time; fov and matrix are equal along all axes.

    echo_time: from the middle of the pulse to k = 0, which is where the gradient starts to rise. bandwidth: Hz per pixel of a
    whole spoke on the flat top. spokes: half-spokes in all, golden means over the sphere. dummy_shots: played unsampled.
    """

    repetition_time: Time
    echo_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    spokes: Number
    dummy_shots: Count = 100
    excitation_duration: Time = 6e-5


def ute_3d(protocol: Ute3d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    refuse_unequal(protocol.matrix, protocol.fov, 3)
    geometry, shot = protocol.geometry(), _design(protocol, limits)
    spokes, dummies = protocol.spokes, protocol.dummy_shots
    table, rows = BlockTable(geometry, limits.block_raster_s), ReadoutRows(geometry, curves=shot.arm.curves)
    turn, zero, phase = along(whole_sphere(spokes)), np.zeros(dummies + spokes), spoil_phase_rad(0, dummies + spokes)
    still = np.broadcast_to(turn[:1], (dummies, 3, 3))
    table.play(*shot.blocks(still, zero[:dummies], zero[:dummies], phase[:dummies], False), times=dummies)
    table.play(*shot.blocks(turn, zero[dummies:], zero[dummies:], phase[dummies:], True), times=spokes)
    rows.add(spokes, line=np.arange(spokes), **shot.rows(turn, zero[dummies:]))
    encoding = Encoding(
        geometry=geometry,
        **shot.arm.sampling(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=(shot.echo_time_s,),
        acceleration=(max(np.pi * protocol.matrix[0] ** 2 / spokes, 1.0), 1.0),
        protocol=protocol.name,
        parameters={"dummy_shots": float(dummies), "spokes": float(spokes)},
    )
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def _design(protocol: Ute3d, limits: Limits) -> Shot:
    """The bricks."""
    pulse = hard_pulse(protocol.flip_angle, protocol.excitation_duration, limits)
    oversampling = protocol.readout_oversampling
    return spoiled_shot(
        unselective(pulse, 1 / protocol.excitation_duration, limits),
        half_spoke_arm(protocol.matrix[0], protocol.fov[0], protocol.bandwidth, oversampling, limits),
        echo_time_s=protocol.echo_time,
        repetition_time_s=protocol.repetition_time,
        limits=limits,
        spoil_per_m=CYCLES_A_VOXEL * protocol.matrix[2] / protocol.fov[2],
    )
