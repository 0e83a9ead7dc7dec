"""MR fingerprinting: inversion, then unbalanced steady-state shots whose flips vary smoothly, one spiral interleaf each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from pydantic import Field

from fullbore.data import Encoding, Limits, RfPulse, Sequence
from fullbore.sequence.block_table import BlockTable, definitions, pause
from fullbore.sequence.module import wait_for
from fullbore.sequence.non_cartesian.arm import spiral_arm
from fullbore.sequence.non_cartesian.directions import in_plane, refuse_unequal
from fullbore.sequence.non_cartesian.shot import Shot, spoiled_shot
from fullbore.sequence.preparations import inversion
from fullbore.sequence.prescription import Angle, Duration, Number, StackPrescription, Time
from fullbore.sequence.pulses import selective, sinc_pulse
from fullbore.sequence.readout_rows import ReadoutRows

TIME_BANDWIDTH = 4.0
CYCLES_A_SLICE = 4.0
"""Dephasing along the slice in every shot, 8 pi. Source: Jiang et al., Magn Reson Med 74:1621 (2015)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprinting2d(StackPrescription):
    """Unbalanced (FISP) fingerprinting with a constant repetition time, all pulses of one phase.

    inversion_time: from the inversion's to the first excitation's centre. lowest_flip_angle, peak_flip_angles, lobe_shots:
    flips are half sines, one per peak, of so many shots each: lowest + (peak - lowest) sin(pi (n + 1/2) / lobe_shots).
    interleaves: of the spiral; shot n plays interleaf n modulo that. recovery_time: after each slice.
    """

    repetition_time: Time
    echo_time: Time
    inversion_time: Time
    peak_flip_angles: Annotated[tuple[Angle, ...], Field(min_length=1)]
    lowest_flip_angle: Angle
    lobe_shots: Number
    interleaves: Number
    recovery_time: Duration = 0.0
    excitation_duration: Time = 2e-3
    inversion_duration: Time = 10e-3


def flip_train_rad(protocol: Fingerprinting2d) -> np.ndarray:
    """Flip of every shot. Source: half-sine lobes of alternating height, after Jiang et al., Magn Reson Med 74:1621 (2015)."""
    arch = np.sin(np.pi * (np.arange(protocol.lobe_shots) + 0.5) / protocol.lobe_shots)
    low = protocol.lowest_flip_angle
    return np.concatenate([low + (peak - low) * arch for peak in protocol.peak_flip_angles])


def fingerprinting_2d(protocol: Fingerprinting2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    refuse_unequal(protocol.matrix, protocol.fov, 2)
    flips = flip_train_rad(protocol)
    geometry, shot = protocol.geometry(), _design(protocol, float(flips.max()), limits)
    preparation = inversion(protocol.inversion_duration, limits)
    used = preparation.tail_s + shot.excitation.centre_s
    wait = wait_for("inversion_time", protocol.inversion_time, used, "inversion and spoiler", limits.block_raster_s)
    table, rows = BlockTable(geometry, limits.block_raster_s), ReadoutRows(geometry, curves=shot.arm.curves)
    pulses = [_scaled(shot.excitation.pulse, float(flip)) for flip in flips]
    number = np.arange(len(flips))
    turn = in_plane(2 * np.pi * (number % protocol.interleaves) / protocol.interleaves)
    recovery = round(protocol.recovery_time / limits.block_raster_s) * limits.block_raster_s
    for piece, place in enumerate(protocol.slice_positions_m()):
        table.play(*preparation.blocks, *wait.blocks)
        start = table.duration_s
        _play_train(shot, pulses, turn, place, table)
        table.play(*pause(recovery))
        after = number * shot.length_s
        rows.add(
            len(flips),
            line=number % protocol.interleaves,
            repetition=number,
            slice=piece,
            inversion_time_s=used + wait.duration_s + after,
            flip_rad=flips,
            rf_phase_rad=0.0,
            time_s=start + after + shot.excitation.centre_s + shot.echo_time_s,
            **shot.rows(turn, np.zeros(len(flips))),
        )
    encoding = Encoding(
        geometry=geometry,
        **shot.arm.sampling(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=float(flips.max()),
        echo_times_s=(shot.echo_time_s,),
        inversion_times_s=(used + wait.duration_s,),
        acceleration=(float(protocol.interleaves), 1.0),
        protocol=protocol.name,
        parameters={"interleaves": float(protocol.interleaves), "shots": float(len(flips))},
    )
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def _play_train(shot: Shot, pulses: list[RfPulse], turn: np.ndarray, place_m: float, table: BlockTable) -> None:
    """One slice's shots, each with its own pulse."""
    zero, place = np.zeros(1), np.full(1, place_m)
    for pulse, turned in zip(pulses, turn, strict=True):
        excite, *others = shot.blocks(turned[None], zero, place, zero, True)
        table.play(replace(excite, rf=pulse), *others)


def _scaled(pulse: RfPulse, flip_rad: float) -> RfPulse:
    return replace(pulse, b1_T=pulse.b1_T * (flip_rad / pulse.flip_rad), flip_rad=flip_rad)


def _design(protocol: Fingerprinting2d, flip_rad: float, limits: Limits) -> Shot:
    """The bricks, with the largest flip."""
    pulse = sinc_pulse(flip_rad, protocol.excitation_duration, TIME_BANDWIDTH, limits, field="excitation_duration")
    bandwidth = TIME_BANDWIDTH / protocol.excitation_duration
    return spoiled_shot(
        selective(pulse, bandwidth, protocol.slice_thickness, limits),
        spiral_arm(protocol.matrix[0], protocol.fov[0], protocol.interleaves, limits),
        echo_time_s=protocol.echo_time,
        repetition_time_s=protocol.repetition_time,
        limits=limits,
        spoil_per_m=CYCLES_A_SLICE / protocol.slice_thickness,
    )
