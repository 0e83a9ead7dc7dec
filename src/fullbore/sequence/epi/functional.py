"""Gradient-echo EPI for functional imaging: single shots, several slices at once with CAIPIRINHA blips."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import AcquisitionFlag, Encoding, Geometry, Limits, Sequence
from fullbore.sequence.block_table import Block, BlockTable, definitions
from fullbore.sequence.epi.shot import epi_lines
from fullbore.sequence.epi.slot import EpiSlot, design_slot
from fullbore.sequence.module import Module, wait_for
from fullbore.sequence.placement import interleaved
from fullbore.sequence.preparations import fat_saturation
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Number, Share, StackPrescription, Time
from fullbore.sequence.pulses import SelectivePulse, selective, sinc_pulse
from fullbore.sequence.pulses.multiband import multiband
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.refusal import Refusal

TIME_BANDWIDTH = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientEchoEpi2d(StackPrescription):
    """Single-shot gradient-echo EPI of a stack, again and again.

    repetition_time: of the whole stack. bandwidth: Hz per pixel; it sets the echo spacing. acceleration: lines are measured
    by steps of that many. bands: slices that are excited together; caipi_shift: neighbours among them are shifted by a
    field of view over this (1 for none). Calibration comes first where something is missing: every slice alone, all lines,
    in as many shots as `acceleration`. dummy_frames: played unsampled, towards the steady state. frames: measured.
    partial_fourier: share of the lines, before those after k = 0.
    """

    repetition_time: Time
    echo_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    frames: Number = 1
    acceleration: Number = 1
    bands: Number = 1
    caipi_shift: Number = 1
    partial_fourier: Share = 1.0
    fat_saturation: bool = True
    dummy_frames: Count = 1
    excitation_duration: Time = 2.56e-3


def gradient_echo_epi_2d(protocol: GradientEchoEpi2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken, and for slices that do not divide into groups."""
    geometry = protocol.geometry()
    slot = _design(protocol, limits)
    groups = protocol.slices // protocol.bands
    table = BlockTable(geometry, limits.block_raster_s)
    rows = ReadoutRows(geometry, curves=slot.shot.curves)
    if protocol.bands > 1 or protocol.acceleration > 1:
        _calibrate(protocol, slot, limits, table, rows)
    place = np.array(protocol.slice_positions_m())
    order = np.array(interleaved(groups))
    shot = np.full(groups, _imaging_shot(protocol))
    pause = _rest(protocol, slot, groups, limits)
    for count, sampled in ((protocol.dummy_frames, False), (protocol.frames, True)):
        blocks = slot.blocks(np.tile(place[order], count), np.tile(shot, count), sampled)
        table.play_rounds((tuple(blocks), groups), (pause, 1), rounds=count)
    _add_frames(protocol, slot, order, rows)
    return table.finish(protocol.name, _encoding(protocol, slot, geometry, rows), definitions(protocol.name, geometry, limits))


def _imaging_shot(protocol: GradientEchoEpi2d) -> int:
    """The shot of the plane that meets k = 0."""
    return protocol.matrix[1] // 2 % protocol.acceleration


def _design(protocol: GradientEchoEpi2d, limits: Limits) -> EpiSlot:
    """The bricks. Errors: Refusal for slices, thickness, bandwidth or echo time."""
    if protocol.slices % protocol.bands:
        legal = -(-protocol.slices // protocol.bands) * protocol.bands
        reason = f"{protocol.bands} bands excite them together"
        raise Refusal(field="slices", asked=protocol.slices, legal=legal, bound="nearest", reason=reason)
    bandwidth = TIME_BANDWIDTH / protocol.excitation_duration
    pulse = sinc_pulse(protocol.flip_angle, protocol.excitation_duration, TIME_BANDWIDTH, limits)
    single = selective(pulse, bandwidth, protocol.slice_thickness, limits)
    plane = epi_lines(protocol.matrix[1], protocol.acceleration, protocol.partial_fourier)
    slot = design_slot(
        before=fat_saturation(limits) if protocol.fat_saturation else Module(blocks=()),
        pulse=single,
        matrix=protocol.matrix,
        fov_m=protocol.fov,
        oversampling=protocol.readout_oversampling,
        bandwidth=protocol.bandwidth,
        plane=plane,
        echo_time_s=protocol.echo_time,
        limits=limits,
        slice_k=_slice_k(protocol, plane.lines.shape[1], plane.centre),
    )
    return replace(slot, pulse=_banded(protocol, single, limits))


def _banded(protocol: GradientEchoEpi2d, single: SelectivePulse, limits: Limits) -> SelectivePulse:
    """The pulse of a group: the first slice's band at offset 0, the others as far away as they are."""
    if protocol.bands == 1:
        return single
    apart = (protocol.slice_thickness + protocol.slice_gap) * (protocol.slices // protocol.bands)
    return multiband(single, tuple(band * apart for band in range(protocol.bands)), limits)


def _slice_k(protocol: GradientEchoEpi2d, echoes: int, centre: int) -> np.ndarray | None:
    """k along the slice axis of every echo (cycles/m), 0 at k = 0; None without CAIPIRINHA blips."""
    if protocol.bands == 1 or protocol.caipi_shift == 1:
        return None
    apart = (protocol.slice_thickness + protocol.slice_gap) * (protocol.slices // protocol.bands)
    shift, lowest = protocol.caipi_shift, (protocol.caipi_shift - 1) // 2
    turn = np.mod(np.arange(echoes) - centre + lowest, shift) - lowest
    return np.asarray(turn / (shift * apart))


def _rest(protocol: GradientEchoEpi2d, slot: EpiSlot, groups: int, limits: Limits) -> tuple[Block, ...]:
    """What a frame waits after its groups. Errors: Refusal for the repetition time."""
    used = groups * slot.length_s
    return wait_for("repetition_time", protocol.repetition_time, used, f"{groups} shots", limits.block_raster_s).blocks


def _calibrate(protocol: GradientEchoEpi2d, slot: EpiSlot, limits: Limits, table: BlockTable, rows: ReadoutRows) -> None:
    """Every slice alone, all its lines, in as many shots as lines are left out."""
    bandwidth = TIME_BANDWIDTH / protocol.excitation_duration
    pulse = sinc_pulse(protocol.flip_angle, protocol.excitation_duration, TIME_BANDWIDTH, limits)
    single = selective(pulse, bandwidth, protocol.slice_thickness, limits)
    alone = replace(slot, pulse=single, shot=replace(slot.shot, slice_k=np.zeros_like(slot.shot.slice_k)))
    place, order = np.array(protocol.slice_positions_m()), np.array(interleaved(protocol.slices))
    for shot in range(protocol.acceleration):
        table.play(*alone.blocks(place[order], np.full(len(order), shot), True), times=len(order))
        for piece in order:
            columns = alone.rows(shot)
            columns["flags"] = columns["flags"] | np.where(columns["flags"] & _REFERENCE, 0, AcquisitionFlag.CALIBRATION)
            rows.add(len(columns["line"]), **columns, slice=piece)


_REFERENCE = int(AcquisitionFlag.PHASE_CORRECTION)


def _add_frames(protocol: GradientEchoEpi2d, slot: EpiSlot, order: np.ndarray, rows: ReadoutRows) -> None:
    """Rows of all frames."""
    columns = slot.rows(_imaging_shot(protocol))
    columns["segment"] = 0
    each = len(columns["line"])
    frame = {name: np.tile(value, (len(order), *[1] * (np.ndim(value) - 1))) for name, value in columns.items() if np.ndim(value)}
    many = {name: np.tile(value, (protocol.frames, *[1] * (value.ndim - 1))) for name, value in frame.items()}
    count = each * len(order)
    together = {"SMS": protocol.bands} if protocol.bands > 1 else {}
    rows.add(
        count * protocol.frames,
        **many,
        slice=np.tile(np.repeat(order, each), protocol.frames),
        repetition=np.repeat(np.arange(protocol.frames), count),
        **together,
    )


def _encoding(protocol: GradientEchoEpi2d, slot: EpiSlot, geometry: Geometry, rows: ReadoutRows) -> Encoding:
    """The table of readouts with its header."""
    train = slot.shot.train
    return Encoding(
        geometry=geometry,
        **slot.header(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=(protocol.echo_time,),
        acceleration=(float(protocol.acceleration), float(protocol.bands)),
        protocol=protocol.name,
        parameters={
            "bands": float(protocol.bands),
            "caipi_shift": float(protocol.caipi_shift),
            "dummy_frames": float(protocol.dummy_frames),
            "echo_spacing_s": train.spacing_s,
            "effective_echo_spacing_s": train.spacing_s / protocol.acceleration,
        },
    )
