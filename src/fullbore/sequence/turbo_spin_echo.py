"""2D turbo spin echo: slices interleaved within the repetition time, lines ordered so that k = 0 has the echo time."""

from __future__ import annotations

from typing import Protocol as Interface
from typing import runtime_checkable

import numpy as np

from fullbore.data import Encoding, Geometry, Limits, Sequence
from fullbore.sequence.block_table import Block, BlockTable, definitions, pause
from fullbore.sequence.gradients import raster_down
from fullbore.sequence.ordering import UNUSED, cyclic
from fullbore.sequence.placement import interleaved, stack
from fullbore.sequence.protocol import SpinEchoTrain2d
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.refusal import Refusal, refuse_spacing
from fullbore.sequence.sampling import regular_lines
from fullbore.sequence.spin_echo_train import EchoTrain, design_train


@runtime_checkable
class EchoTimed(Interface):
    """Any protocol with trains of echoes one of which measures k = 0."""

    @property
    def echo_time(self) -> float:
        """Of the echo that measures k = 0, s."""

    @property
    def train_length(self) -> int:
        """Echoes."""


def turbo_spin_echo(protocol: SpinEchoTrain2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    train = design_train(protocol, limits)
    echo = centre_echo(protocol, train)
    slot = _slot_s(protocol, train, limits)
    geometry = stack_of(protocol)
    lines = regular_lines(protocol.matrix[1], protocol.acceleration, protocol.calibration_lines)
    order = cyclic(len(lines), int(np.searchsorted(lines, protocol.matrix[1] // 2)), protocol.train_length, echo)
    calibration = centre_range(protocol.matrix[1], protocol.calibration_lines), (0, 1)
    rows = ReadoutRows(geometry, calibration if protocol.acceleration > 1 else ((0, 0), (0, 0)))
    table = BlockTable(geometry, limits.block_raster_s)
    dummies = np.full((protocol.dummy_shots, protocol.train_length), UNUSED)
    items = np.concatenate([dummies, order])
    line = np.where(items == UNUSED, UNUSED, lines[items])
    table.play(*_repetition(protocol, train, geometry, line, slot), times=len(line))
    _add_rows(protocol, train, rows, line)
    return table.finish(
        protocol.name, _encoding(protocol, train, geometry, rows, echo), definitions(protocol.name, geometry, limits)
    )


def stack_of(protocol: SpinEchoTrain2d) -> Geometry:
    """The stack of slices that a protocol asks for."""
    return stack(
        protocol.orientation,
        protocol.centre,
        protocol.fov,
        protocol.matrix,
        protocol.readout_oversampling,
        protocol.slices,
        protocol.slice_thickness,
        protocol.slice_gap,
    )


def centre_echo(protocol: EchoTimed, train: EchoTrain) -> int:
    """Index of the echo that measures k = 0. Errors: Refusal when the echo time is no echo of the train."""
    number = min(max(round(protocol.echo_time / train.spacing_s), 1), protocol.train_length)
    if abs(number * train.spacing_s - protocol.echo_time) > 1e-9:
        reason = f"echoes come every {train.spacing_s * 1e3:g} ms, {protocol.train_length} of them"
        legal = number * train.spacing_s
        raise Refusal(field="echo_time", asked=protocol.echo_time, legal=legal, bound="nearest", reason=reason)
    return number - 1


def _slot_s(protocol: SpinEchoTrain2d, train: EchoTrain, limits: Limits) -> float:
    """Time from slice to slice. Errors: Refusal when the slices do not fit the repetition time."""
    shortest = protocol.slices * train.duration_s(protocol.train_length)
    refuse_spacing(
        "repetition_time", protocol.repetition_time, shortest, f"{protocol.slices} slices' trains", limits.block_raster_s
    )
    return raster_down(protocol.repetition_time / protocol.slices, limits.block_raster_s)


def _repetition(protocol: SpinEchoTrain2d, train: EchoTrain, geometry: Geometry, line: np.ndarray, slot_s: float) -> list[Block]:
    """The blocks of one repetition time: a train of every slice. line: (shot, echo), UNUSED where nothing is sampled."""
    sampled = line != UNUSED
    k = np.where(sampled, (line - protocol.matrix[1] // 2) / protocol.fov[1], 0.0)
    blocks: list[Block] = []
    for place, piece in enumerate(interleaved(protocol.slices)):
        offset = float(geometry.centre_m @ geometry.slice + geometry.slice_offsets_m[piece])
        last = place == protocol.slices - 1
        length = protocol.repetition_time - place * slot_s if last else slot_s
        blocks += train.blocks(k, sampled, offset)
        blocks += pause(length - train.duration_s(protocol.train_length))
    return blocks


def _add_rows(protocol: SpinEchoTrain2d, train: EchoTrain, rows: ReadoutRows, line: np.ndarray) -> None:
    """The rows of all shots, slices and echoes. line: (shot, echo), UNUSED where nothing is sampled."""
    order = np.array(interleaved(protocol.slices))
    lines = np.repeat(line[:, None, :], len(order), axis=1)
    shot, place, echo = np.nonzero(lines != UNUSED)
    times = (echo + 1) * train.spacing_s
    segment = shot - protocol.dummy_shots
    rows.add(len(shot), line=lines[shot, place, echo], slice=order[place], segment=segment, echo_time_s=times)


def _encoding(protocol: SpinEchoTrain2d, train: EchoTrain, geometry: Geometry, rows: ReadoutRows, echo: int) -> Encoding:
    """The table of readouts with its header."""
    return Encoding(
        geometry=geometry,
        **train.sampling(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        refocusing_flip_rad=protocol.refocusing_flip_angle,
        echo_spacing_s=train.spacing_s,
        echo_train_length=protocol.train_length,
        echo_times_s=((echo + 1) * train.spacing_s,),
        calibration=rows.calibration,
        acceleration=(float(protocol.acceleration), 1.0),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": train.shape.bandwidth,
            "centre_echo": float(echo),
            "dummy_shots": float(protocol.dummy_shots),
            "slice_gap_m": protocol.slice_gap,
        },
    )
