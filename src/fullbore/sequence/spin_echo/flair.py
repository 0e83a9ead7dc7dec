"""2D FLAIR: turbo spin echo of a stack, each slice inverted while others are read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fullbore.data import Encoding, Limits, Sequence
from fullbore.sequence.block_table import Block, BlockTable, definitions, pause
from fullbore.sequence.gradients import raster_down, raster_up
from fullbore.sequence.module import Module
from fullbore.sequence.ordering import UNUSED, cyclic
from fullbore.sequence.placement import interleaved
from fullbore.sequence.preparations import slice_inversion
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Factor, Number, StackPrescription, Time
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.refusal import Refusal, refuse_spacing
from fullbore.sequence.sampling import regular_lines
from fullbore.sequence.spin_echo_train import EchoTrain, design_train
from fullbore.sequence.turbo_spin_echo import centre_echo


@dataclass(frozen=True, slots=True, kw_only=True)
class Flair2d(StackPrescription):
    """2D fluid-attenuated inversion recovery.

    echo_time: of the echo that measures k = 0, a multiple of echo_spacing. concatenations: groups of slices that are measured
    one after the other, every n-th slice in each, so that an inversion does not touch a neighbour's. inversion_slice_factor:
    thickness of the inversion, over slice_thickness. Other fields as in SpinEchoTrain2d.
    """

    repetition_time: Time
    echo_time: Time
    inversion_time: Time
    echo_spacing: Time
    train_length: Number
    refocusing_flip_angle: Angle
    bandwidth: Bandwidth
    flip_angle: Angle = math.pi / 2
    concatenations: Number = 2
    acceleration: Number = 1
    calibration_lines: Count = 24
    dummy_shots: Count = 1
    excitation_duration: Time = 2.56e-3
    refocusing_duration: Time = 2.56e-3
    refocusing_slice_factor: Factor = 1.2
    inversion_duration: Time = 10.24e-3
    inversion_slice_factor: Factor = 1.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interleave:
    """How a slot, one of `slots` in a repetition time, holds the inversion of one slice and the train of another.

    ahead: how many slots before its train a slice is inverted. inversion_s, train_s: starts of both in a slot of slot_s.
    """

    slots: int
    slot_s: float
    ahead: int
    inversion_s: float
    train_s: float


def flair_2d(protocol: Flair2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    train = design_train(protocol, limits)
    echo = centre_echo(protocol, train)
    plan = interleave(protocol, train, limits)
    geometry = protocol.geometry()
    lines = regular_lines(protocol.matrix[1], protocol.acceleration, protocol.calibration_lines)
    centre = int(np.searchsorted(lines, protocol.matrix[1] // 2))
    order = cyclic(len(lines), centre, protocol.train_length, echo)
    calibration = centre_range(protocol.matrix[1], protocol.calibration_lines), (0, 1)
    rows = ReadoutRows(geometry, calibration if protocol.acceleration > 1 else ((0, 0), (0, 0)))
    table = BlockTable(geometry, limits.block_raster_s)
    items = np.concatenate([np.full((protocol.dummy_shots, protocol.train_length), UNUSED), order])
    line = np.where(items == UNUSED, UNUSED, lines[items])
    for group in groups(protocol):
        table.play(*_repetition(protocol, train, plan, group, line, limits), times=len(line))
        _add_rows(protocol, train, plan, rows, group, line)
    return table.finish(protocol.name, _encoding(protocol, train, rows, echo), definitions(protocol.name, geometry, limits))


def groups(protocol: Flair2d) -> list[list[int]]:
    """Slices of each concatenation in playing order."""
    parts = [list(range(first, protocol.slices, protocol.concatenations)) for first in range(protocol.concatenations)]
    return [[part[place] for place in interleaved(len(part))] for part in parts if part]


def interleave(protocol: Flair2d, train: EchoTrain, limits: Limits) -> Interleave:
    """The slots. Errors: Refusal for a repetition time that they do not fit, or an inversion time that falls between them."""
    raster, most = limits.block_raster_s, -(-protocol.slices // protocol.concatenations)
    pulse, length = _inversion(protocol, 0.0, limits), train.duration_s(protocol.train_length)
    shortest = most * raster_up(pulse.duration_s + length, raster)
    reason = f"inversions and trains of {most} slices"
    refuse_spacing("repetition_time", protocol.repetition_time, shortest, reason, raster)
    slot = raster_down(protocol.repetition_time / most, raster)
    lead = pulse.centre_s - train.excitation_centre_s
    # the inversion before the train of its slot, or after it: how much later than a number of slots the train comes
    early = pulse.duration_s - lead, slot - length - lead
    late = early[0] - slot, -length - lead
    ranges = [(ahead, ahead * slot + low, ahead * slot + high) for low, high in (early, late) for ahead in range(most + 1)]
    ranges = [item for item in ranges if item[1] > 0 and item[2] < protocol.repetition_time - length]
    ranges = ranges or [(0, *early)]
    asked = protocol.inversion_time
    ahead, low, high = min(ranges, key=lambda item: max(item[1] - asked, asked - item[2], 0.0))
    if not low - 1e-9 <= asked <= high + 1e-9:
        legal = raster_up(low, raster) if asked < low else raster_down(high, raster)
        reason = f"trains come every {slot * 1e3:.2f} ms and leave no room for the inversion then"
        raise Refusal(field="inversion_time", asked=asked, legal=legal, bound="nearest", reason=reason)
    shift = round((asked - ahead * slot + lead) / raster) * raster
    return Interleave(slots=most, slot_s=slot, ahead=ahead, inversion_s=max(-shift, 0.0), train_s=max(shift, 0.0))


def _inversion(protocol: Flair2d, offset_m: float, limits: Limits) -> Module:
    thickness = protocol.slice_thickness * protocol.inversion_slice_factor
    return slice_inversion(protocol.inversion_duration, thickness, offset_m, limits)


def _repetition(
    protocol: Flair2d, train: EchoTrain, plan: Interleave, group: list[int], line: np.ndarray, limits: Limits
) -> list[Block]:
    """The blocks of one repetition time of a group of slices. line: (shot, echo), UNUSED where nothing is sampled."""
    sampled, places = line != UNUSED, protocol.slice_positions_m()
    k = np.where(sampled, (line - protocol.matrix[1] // 2) / protocol.fov[1], 0.0)
    length = train.duration_s(protocol.train_length)
    blocks: list[Block] = []
    for place in range(plan.slots):
        pulse, read = _slice(group, place + plan.ahead, plan.slots), _slice(group, place, plan.slots)
        last = place == plan.slots - 1
        end = protocol.repetition_time - place * plan.slot_s if last else plan.slot_s
        module = _inversion(protocol, places[pulse], limits) if pulse is not None else None
        parts = [(plan.inversion_s, module.blocks, module.duration_s)] if module else []
        if read is not None:
            parts.append((plan.train_s, train.blocks(k, sampled, places[read]), length))
        now = 0.0
        for start, played, duration in sorted(parts, key=lambda part: part[0]):
            blocks += [*pause(start - now), *played]
            now = start + duration
        blocks += pause(end - now)
    return blocks


def _slice(group: list[int], place: int, slots: int) -> int | None:
    """The slice of a slot, None in a group with fewer slices than slots."""
    return group[place % slots] if place % slots < len(group) else None


def _add_rows(
    protocol: Flair2d, train: EchoTrain, plan: Interleave, rows: ReadoutRows, group: list[int], line: np.ndarray
) -> None:
    """The rows of all shots, slices and echoes of a group."""
    lines = np.repeat(line[:, None, :], len(group), axis=1)
    shot, place, echo = np.nonzero(lines != UNUSED)
    wrapped = (np.arange(len(group)) < plan.ahead) * (protocol.repetition_time - plan.slots * plan.slot_s)
    inverted = protocol.inversion_time + wrapped[place]
    rows.add(
        len(shot),
        line=lines[shot, place, echo],
        slice=np.array(group)[place],
        segment=shot - protocol.dummy_shots,
        echo_time_s=(echo + 1) * train.spacing_s,
        inversion_time_s=inverted,
    )


def _encoding(protocol: Flair2d, train: EchoTrain, rows: ReadoutRows, echo: int) -> Encoding:
    """The table of readouts with its header."""
    return Encoding(
        geometry=protocol.geometry(),
        **train.sampling(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        refocusing_flip_rad=protocol.refocusing_flip_angle,
        echo_spacing_s=train.spacing_s,
        echo_train_length=protocol.train_length,
        echo_times_s=((echo + 1) * train.spacing_s,),
        inversion_times_s=(protocol.inversion_time,),
        calibration=rows.calibration,
        acceleration=(float(protocol.acceleration), 1.0),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": train.shape.bandwidth,
            "centre_echo": float(echo),
            "concatenations": float(protocol.concatenations),
            "dummy_shots": float(protocol.dummy_shots),
            "slice_gap_m": protocol.slice_gap,
        },
    )
