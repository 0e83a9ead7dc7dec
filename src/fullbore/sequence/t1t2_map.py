"""Joint T1 and T2 mapping: inversion recoveries and one long train, all from the same spin-echo train."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from fullbore.data import Encoding, Geometry, Limits, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.block_table import Block, BlockTable, definitions, pause
from fullbore.sequence.gradients import end_s, raster_up, spoiler
from fullbore.sequence.ordering import UNUSED, centre_out
from fullbore.sequence.placement import stack
from fullbore.sequence.preparations import inversion
from fullbore.sequence.protocol import InversionRecoverySpinEcho
from fullbore.sequence.pulses import hard_pulse
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.sampling import regular_lines
from fullbore.sequence.spin_echo_train import EchoTrain, design_train

SATURATION_SPOIL_PER_M = (4000.0, 6500.0, 9500.0)
"""Net k after each saturation pulse; none is a sum or a difference of the others."""
SATURATION_S = 0.5e-3
"""Least length of each hard 90 degree saturation pulse; longer where the peak B1 asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preparation:
    """What precedes each train: saturation, recovery and, for the first sets, the inversion.

    inversion_centre_s: of the pulse, from its block's start. offset_m: of the slice, from the isocentre along its normal.
    """

    saturation: tuple[Block, ...]
    inversion: tuple[Block, ...]
    inversion_centre_s: float
    offset_m: float

    @property
    def inversion_s(self) -> float:
        """Length of the inversion and its spoiler."""
        return sum(block.duration_s for block in self.inversion)


def t1t2_map(protocol: InversionRecoverySpinEcho, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    train = design_train(protocol, limits)
    geometry = _slice_of(protocol)
    preparation = _preparation(protocol, geometry, limits)
    _refuse_inversion_times(protocol, preparation, train, limits)
    lines = regular_lines(protocol.matrix[1], protocol.acceleration, protocol.calibration_lines)
    calibration = centre_range(protocol.matrix[1], protocol.calibration_lines), (0, 1)
    rows = ReadoutRows(geometry, calibration if protocol.acceleration > 1 else ((0, 0), (0, 0)))
    table = BlockTable(geometry, limits.block_raster_s)
    order = centre_out(len(lines), int(np.searchsorted(lines, protocol.matrix[1] // 2)), protocol.train_length)
    trains = np.where(order == UNUSED, UNUSED, lines[order])
    for number, inversion_time in enumerate(protocol.inversion_times):
        wait = (*preparation.inversion, *pause(inversion_time - _shortest(preparation, train)))
        _play(protocol, train, preparation, table, trains, wait)
        shot, echo = np.nonzero(trains != UNUSED)
        times: dict[str, Any] = {"echo_time_s": (echo + 1) * train.spacing_s, "inversion_time_s": inversion_time}
        rows.add(len(shot), line=trains[shot, echo], set=number, segment=shot, **times)
    _multi_echo(protocol, train, preparation, table, rows, lines)
    return table.finish(protocol.name, _encoding(protocol, train, geometry, rows), definitions(protocol.name, geometry, limits))


def _multi_echo(
    protocol: InversionRecoverySpinEcho,
    train: EchoTrain,
    preparation: Preparation,
    table: BlockTable,
    rows: ReadoutRows,
    lines: np.ndarray,
) -> None:
    """The last set: every echo of a train measures the same line."""
    trains = np.repeat(lines[:, None], protocol.echoes, axis=1)
    _play(protocol, train, preparation, table, trains, ())
    shot, echo = (index.ravel() for index in np.indices(trains.shape))
    times = (echo + 1) * train.spacing_s
    number = len(protocol.inversion_times)
    rows.add(trains.size, line=trains.ravel(), contrast=echo, set=number, segment=shot, echo_time_s=times)


def _play(
    protocol: InversionRecoverySpinEcho,
    train: EchoTrain,
    preparation: Preparation,
    table: BlockTable,
    line: np.ndarray,
    inversion: tuple[Block, ...],
) -> None:
    """Saturation, recovery, the inversion's blocks and a train, once per row of line (train, echo), UNUSED where unsampled."""
    sampled = line != UNUSED
    k = np.where(sampled, (line - protocol.matrix[1] // 2) / protocol.fov[1], 0.0)
    lead = (*preparation.saturation, *pause(protocol.recovery_time), *inversion)
    table.play(*lead, *train.blocks(k, sampled, preparation.offset_m), times=len(line))


def _slice_of(protocol: InversionRecoverySpinEcho) -> Geometry:
    """The slice that a protocol asks for."""
    return stack(
        protocol.orientation,
        protocol.centre,
        protocol.fov,
        protocol.matrix,
        protocol.readout_oversampling,
        slices=1,
        thickness_m=protocol.slice_thickness,
        gap_m=0.0,
    )


def _preparation(protocol: InversionRecoverySpinEcho, geometry: Geometry, limits: Limits) -> Preparation:
    """Saturation by three hard pulses with unequal spoilers, and the inversion."""
    gentlest = math.pi / 2 / (GYROMAGNETIC_RATIO_RAD_PER_S_T * limits.b1_peak_T)
    pulse = hard_pulse(math.pi / 2, raster_up(max(SATURATION_S, gentlest), limits.gradient_raster_s), limits, use="s")
    length = raster_up(pulse.delay_s + pulse.duration_s + limits.rf_ringdown_time_s, limits.block_raster_s)
    saturation: tuple[Block, ...] = ()
    for spoil in SATURATION_SPOIL_PER_M:
        lobe = spoiler(spoil, limits)
        saturation += (Block(duration_s=length, rf=pulse), Block(duration_s=end_s(lobe), slice=lobe))
    inverted = inversion(protocol.inversion_duration, limits)
    return Preparation(
        saturation=saturation,
        inversion=inverted.blocks,
        inversion_centre_s=inverted.centre_s,
        offset_m=float(geometry.centre_m @ geometry.slice),
    )


def _shortest(preparation: Preparation, train: EchoTrain) -> float:
    """Shortest time from the inversion's centre to the excitation's."""
    return preparation.inversion_s - preparation.inversion_centre_s + train.excitation_centre_s


def _refuse_inversion_times(
    protocol: InversionRecoverySpinEcho, preparation: Preparation, train: EchoTrain, limits: Limits
) -> None:
    """Errors: Refusal for the first inversion time that is too short or off the raster."""
    asked, legal = protocol.inversion_times, []
    shortest = _shortest(preparation, train)
    for time in asked:
        steps = max(0, round((time - shortest) / limits.block_raster_s))
        legal.append(shortest + steps * limits.block_raster_s)
    worst = int(np.argmax(np.abs(np.array(legal) - np.array(asked))))
    if abs(legal[worst] - asked[worst]) > 1e-9:
        reason = f"inversion, its spoiler and the excitation take {shortest * 1e3:g} ms"
        raise Refusal(field="inversion_times", asked=asked, legal=tuple(legal), bound="nearest", reason=reason)


def _encoding(protocol: InversionRecoverySpinEcho, train: EchoTrain, geometry: Geometry, rows: ReadoutRows) -> Encoding:
    """The table of readouts with its header."""
    return Encoding(
        geometry=geometry,
        **train.sampling(),
        **rows.arrays(),
        repetition_time_s=protocol.recovery_time + train.duration_s(protocol.echoes),
        flip_rad=protocol.flip_angle,
        refocusing_flip_rad=protocol.refocusing_flip_angle,
        echo_spacing_s=train.spacing_s,
        echo_train_length=protocol.echoes,
        echo_times_s=tuple((echo + 1) * train.spacing_s for echo in range(protocol.echoes)),
        inversion_times_s=(*protocol.inversion_times, math.nan),
        calibration=rows.calibration,
        acceleration=(float(protocol.acceleration), 1.0),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": train.shape.bandwidth,
            "inversion_train_length": float(protocol.train_length),
            "recovery_time_s": protocol.recovery_time,
            "slice_thickness_m": protocol.slice_thickness,
        },
    )
