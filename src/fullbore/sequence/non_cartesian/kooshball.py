"""Kooshball: a 3D spoiled gradient echo of spokes in all directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fullbore.data import Encoding, Limits, Sequence
from fullbore.sequence.block_table import BlockTable, definitions
from fullbore.sequence.non_cartesian.arm import spoke_arm
from fullbore.sequence.non_cartesian.directions import along, refuse_unequal
from fullbore.sequence.non_cartesian.shot import Shot, spoiled_shot
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Number, SlabPrescription, Time
from fullbore.sequence.pulses import hard_pulse
from fullbore.sequence.pulses.selective import unselective
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.sampling import phyllotaxis
from fullbore.sequence.sampling.angles import golden_means
from fullbore.sequence.spoiled_view import spoil_phase_rad

CYCLES_A_VOXEL = 2.0
"""Of the spoiler along the slice axis, with which every shot ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kooshball3d(SlabPrescription):
    """3D radial spoiled gradient echo with a non-selective pulse; fov and matrix are equal along all axes.

    repetition_time: from pulse to pulse. bandwidth: Hz per pixel of a spoke. spokes: full diameters in all. order: 2D golden
    means (even over any run of spokes), or a phyllotaxis of as many `interleaves` (a Fibonacci number), which divide the
    spokes. dummy_shots: played unsampled, towards the steady state.
    """

    repetition_time: Time
    echo_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    spokes: Number
    order: Literal["golden_means", "phyllotaxis"] = "golden_means"
    interleaves: Number = 1
    dummy_shots: Count = 100
    excitation_duration: Time = 1e-4


def kooshball_3d(protocol: Kooshball3d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    refuse_unequal(protocol.matrix, protocol.fov, 3)
    geometry, shot = protocol.geometry(), _design(protocol, limits)
    direction, segment = spoke_directions(protocol)
    spokes, dummies = len(direction), protocol.dummy_shots
    table, rows = BlockTable(geometry, limits.block_raster_s), ReadoutRows(geometry)
    phase, turn, zero = spoil_phase_rad(0, dummies + spokes), along(direction), np.zeros(dummies + spokes)
    still = np.broadcast_to(turn[:1], (dummies, 3, 3))
    table.play(*shot.blocks(still, zero[:dummies], zero[:dummies], phase[:dummies], False), times=dummies)
    table.play(*shot.blocks(turn, zero[dummies:], zero[dummies:], phase[dummies:], True), times=spokes)
    rows.add(spokes, line=np.arange(spokes), segment=segment, **shot.rows(turn, zero[dummies:]))
    encoding = Encoding(
        geometry=geometry,
        **shot.arm.sampling(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=(shot.echo_time_s,),
        acceleration=(max(np.pi / 2 * protocol.matrix[0] ** 2 / spokes, 1.0), 1.0),
        protocol=protocol.name,
        parameters={"dummy_shots": float(dummies), "spokes": float(spokes)},
    )
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def spoke_directions(protocol: Kooshball3d) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors on the logical axes, (spoke, 3), and the interleaf of each; rounded up to whole interleaves."""
    if protocol.order == "golden_means":
        return golden_means(protocol.spokes), np.zeros(protocol.spokes, dtype=np.int64)
    each = -(-protocol.spokes // protocol.interleaves)
    return phyllotaxis(protocol.interleaves, each).reshape(-1, 3), np.repeat(np.arange(protocol.interleaves), each)


def _design(protocol: Kooshball3d, limits: Limits) -> Shot:
    """The bricks."""
    pulse = hard_pulse(protocol.flip_angle, protocol.excitation_duration, limits)
    arm = (protocol.matrix[0], protocol.fov[0], protocol.bandwidth, protocol.readout_oversampling, limits)
    return spoiled_shot(
        unselective(pulse, 1 / protocol.excitation_duration, limits),
        lambda shift: spoke_arm(*arm, shift_s=shift),
        echo_time_s=protocol.echo_time,
        repetition_time_s=protocol.repetition_time,
        limits=limits,
        spoil_per_m=CYCLES_A_VOXEL * protocol.matrix[2] / protocol.fov[2],
    )
