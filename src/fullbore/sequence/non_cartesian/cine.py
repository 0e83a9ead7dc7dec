"""Real-time cine: balanced tiny-golden-angle spokes, and spoiled spirals, frame after frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fullbore.data import Encoding, Limits, Sequence
from fullbore.sequence.block_table import BlockTable, definitions
from fullbore.sequence.non_cartesian.arm import spiral_arm, spoke_arm, vector_lobe
from fullbore.sequence.non_cartesian.directions import in_plane, refuse_unequal
from fullbore.sequence.non_cartesian.shot import Shot, balanced_shot, spoiled_shot
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Number, StackPrescription, Time
from fullbore.sequence.pulses import SelectivePulse, selective, sinc_pulse
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.sampling import golden_spokes_rad
from fullbore.sequence.spoiled_view import spoil_phase_rad

TIME_BANDWIDTH = 2.0
CYCLES_A_SLICE = 4.0
"""Of the spoiler along the slice with which every spiral shot ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cine(StackPrescription):
    """What both have: slice after slice, so many frames of each. dummy_shots: unsampled, before each slice's first frame."""

    repetition_time: Time
    flip_angle: Angle
    frames: Number
    dummy_shots: Count = 60
    excitation_duration: Time = 8e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class RadialCine2d(_Cine):
    """Real-time balanced SSFP with golden-angle spokes; echoes lie in the middle between pulses.

    repetition_time: from pulse to pulse. bandwidth: Hz per pixel. spokes_per_frame: so many successive spokes make a frame.
    golden_angle_order: 1 the golden angle (111 degrees), 7 the seventh tiny one (23.6 degrees), whose small steps spare
    eddy currents.
    """

    bandwidth: Bandwidth
    spokes_per_frame: Number
    golden_angle_order: Number = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class SpiralCine2d(_Cine):
    """Real-time spoiled gradient echo with spiral interleaves, all of them in every frame.

    repetition_time: from pulse to pulse. echo_time: to the start of the spiral. interleaves: of a frame.
    """

    echo_time: Time
    interleaves: Number


def radial_cine_2d(protocol: RadialCine2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    refuse_unequal(protocol.matrix, protocol.fov, 2)
    arm = (protocol.matrix[0], protocol.fov[0], protocol.bandwidth, protocol.readout_oversampling, limits)
    shot = balanced_shot(
        _excitation(protocol, limits),
        lambda shift: spoke_arm(*arm, shift_s=shift),
        repetition_time_s=protocol.repetition_time,
        limits=limits,
    )
    shots = protocol.dummy_shots + protocol.frames * protocol.spokes_per_frame
    angle = golden_spokes_rad(shots, protocol.golden_angle_order)
    # The half flip that comes first has phase pi, so all pulses alternate.
    phase = np.pi * (np.arange(shots) % 2)
    return _played(protocol, shot, angle, phase, protocol.spokes_per_frame, limits, balanced=True)


def spiral_cine_2d(protocol: SpiralCine2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    refuse_unequal(protocol.matrix, protocol.fov, 2)
    shot = spoiled_shot(
        _excitation(protocol, limits),
        spiral_arm(protocol.matrix[0], protocol.fov[0], protocol.interleaves, limits),
        echo_time_s=protocol.echo_time,
        repetition_time_s=protocol.repetition_time,
        limits=limits,
        spoil_per_m=CYCLES_A_SLICE / protocol.slice_thickness,
    )
    shots = protocol.dummy_shots + protocol.frames * protocol.interleaves
    number = (np.arange(shots) - protocol.dummy_shots) % protocol.interleaves
    angle = 2 * np.pi * number / protocol.interleaves
    return _played(protocol, shot, angle, spoil_phase_rad(0, shots), protocol.interleaves, limits, balanced=False)


def _excitation(protocol: _Cine, limits: Limits) -> SelectivePulse:
    """The slice."""
    pulse = sinc_pulse(protocol.flip_angle, protocol.excitation_duration, TIME_BANDWIDTH, limits)
    return selective(pulse, TIME_BANDWIDTH / protocol.excitation_duration, protocol.slice_thickness, limits)


def _played(
    protocol: _Cine,
    shot: Shot,
    angle_rad: np.ndarray,
    phase_rad: np.ndarray,
    shots_per_frame: int,
    limits: Limits,
    *,
    balanced: bool,
) -> Sequence:
    """Slice after slice: the half flip (balanced), dummies, frames."""
    geometry, dummies = protocol.geometry(), protocol.dummy_shots
    table, rows = BlockTable(geometry, limits.block_raster_s), ReadoutRows(geometry, curves=shot.arm.curves)
    turn, count = in_plane(angle_rad), len(angle_rad) - dummies
    number, zero = np.arange(count), np.zeros(len(angle_rad))
    for piece, place in enumerate(protocol.slice_positions_m()):
        if balanced:
            _play_half_flip(shot, place, table)
        offset, start = np.full(len(angle_rad), place), table.duration_s
        parts = ((slice(0, dummies), False), (slice(dummies, None), True))
        for part, sampled in parts:
            blocks = shot.blocks(turn[part], zero[part], offset[part], phase_rad[part], sampled)
            table.play(*blocks, times=len(turn[part]))
        columns = shot.rows(turn[dummies:], zero[dummies:])
        time = start + (dummies + number) * shot.length_s + shot.excitation.centre_s + shot.echo_time_s
        frame: dict[str, Any] = {"line": number % shots_per_frame, "repetition": number // shots_per_frame, "slice": piece}
        rows.add(count, **frame, **columns, time_s=time)
    encoding = Encoding(
        geometry=geometry,
        **shot.arm.sampling(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=(shot.echo_time_s,),
        protocol=protocol.name,
        parameters={"dummy_shots": float(dummies), "frame_time_s": shots_per_frame * protocol.repetition_time},
    )
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def _play_half_flip(shot: Shot, place_m: float, table: BlockTable) -> None:
    """Half the flip half a repetition before the first pulse: the shortest way to the steady state.

    Source: Deimling, Heid, Proc ISMRM 1994:495.
    """
    excitation = shot.excitation
    half = replace(excitation.pulse, b1_T=excitation.pulse.b1_T / 2, flip_rad=excitation.pulse.flip_rad / 2)
    first = replace(shot.excite(np.array([place_m]), np.array([np.pi])), rf=half)
    undo = -excitation.rephasing_area_T_s_per_m - excitation.area_before_T_s_per_m
    gap = shot.length_s / 2 - excitation.block_s
    table.play(first, vector_lobe(np.array([[0.0, 0.0, undo]]), gap, shot.limits))
