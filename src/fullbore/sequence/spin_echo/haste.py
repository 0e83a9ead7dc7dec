"""HASTE: half-Fourier single-shot turbo spin echo."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fullbore.data import Encoding, Limits, Sequence
from fullbore.sequence.block_table import BlockTable, definitions
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.module import Module, wait_for
from fullbore.sequence.placement import interleaved
from fullbore.sequence.preparations import fat_saturation, spoiling
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Factor, Number, StackPrescription, Time
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.sampling import regular_lines
from fullbore.sequence.spin_echo_train import EchoTrain, design_train

OVERSCAN = 8
"""Fewest lines before k = 0: half-Fourier reconstruction takes the image's phase from as many on both sides."""
SPOIL_PER_M = 4000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Haste2d(StackPrescription):
    """2D half-Fourier single-shot turbo spin echo: a train measures all lines of a slice.

    repetition_time: from shot to shot. echo_time: of the echo that measures k = 0, a multiple of echo_spacing; it sets how many
    lines before k = 0 are measured (at least 8, or half of calibration_lines), and so the share of k-space. averages: of every
    slice. Other fields as in SpinEchoTrain2d.
    """

    repetition_time: Time
    echo_time: Time
    echo_spacing: Time
    refocusing_flip_angle: Angle
    bandwidth: Bandwidth
    flip_angle: Angle = math.pi / 2
    acceleration: Number = 1
    calibration_lines: Count = 24
    averages: Number = 1
    fat_saturation: bool = False
    excitation_duration: Time = 1.28e-3
    refocusing_duration: Time = 1.28e-3
    refocusing_slice_factor: Factor = 1.2


def haste_2d(protocol: Haste2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    train = design_train(protocol, limits)
    lines = shot_lines(protocol, train)
    raster, geometry = limits.block_raster_s, protocol.geometry()
    before = fat_saturation(limits) if protocol.fat_saturation else Module(blocks=())
    after = spoiling((SPOIL_PER_M, 0.0, SPOIL_PER_M), limits)
    used = raster_up(before.duration_s + train.duration_s(len(lines)) + after.duration_s, raster)
    rest = wait_for("repetition_time", protocol.repetition_time, used, f"a train of {len(lines)} echoes", raster)
    table, order = BlockTable(geometry, raster), np.array(interleaved(protocol.slices))
    sampled = np.ones((1, len(lines)), dtype=bool)
    k = ((lines - protocol.matrix[1] // 2) / protocol.fov[1])[None]
    places = np.array(protocol.slice_positions_m())[order]
    blocks = [(*before.blocks, *train.blocks(k, sampled, float(place)), *after.blocks, *rest.blocks) for place in places]
    table.play(*[block for shot in blocks for block in shot], times=protocol.averages)
    return table.finish(protocol.name, _encoding(protocol, train, lines, order), definitions(protocol.name, geometry, limits))


def shot_lines(protocol: Haste2d, train: EchoTrain) -> np.ndarray:
    """Lines in the order of the echoes, k = 0 at the echo time. Errors: Refusal for an echo time that cannot be."""
    lines = regular_lines(protocol.matrix[1], protocol.acceleration, protocol.calibration_lines)
    centre = int(np.searchsorted(lines, protocol.matrix[1] // 2))
    needed = protocol.calibration_lines // 2 if protocol.acceleration > 1 else OVERSCAN
    echo = round(protocol.echo_time / train.spacing_s) - 1
    nearest = min(max(echo, min(needed, centre)), centre)
    legal = (nearest + 1) * train.spacing_s
    if abs(legal - protocol.echo_time) > 1e-9:
        bound = "nearest" if nearest == echo else "shortest" if nearest > echo else "longest"
        reason = f"echoes come every {train.spacing_s * 1e3:g} ms, and {min(needed, centre)} to {centre} lines precede k = 0"
        raise Refusal(field="echo_time", asked=protocol.echo_time, legal=legal, bound=bound, reason=reason)
    return np.asarray(lines[centre - nearest :])


def _encoding(protocol: Haste2d, train: EchoTrain, lines: np.ndarray, order: np.ndarray) -> Encoding:
    """The table of readouts with its header."""
    calibration = centre_range(protocol.matrix[1], protocol.calibration_lines), (0, 1)
    rows = ReadoutRows(protocol.geometry(), calibration if protocol.acceleration > 1 else ((0, 0), (0, 0)))
    slices, echoes = len(order), len(lines)
    rows.add(
        protocol.averages * slices * echoes,
        line=np.tile(lines, protocol.averages * slices),
        slice=np.tile(np.repeat(order, echoes), protocol.averages),
        average=np.repeat(np.arange(protocol.averages), slices * echoes),
        echo_time_s=np.tile((np.arange(echoes) + 1) * train.spacing_s, protocol.averages * slices),
    )
    return Encoding(
        geometry=protocol.geometry(),
        **train.sampling(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        refocusing_flip_rad=protocol.refocusing_flip_angle,
        echo_spacing_s=train.spacing_s,
        echo_train_length=echoes,
        echo_times_s=(protocol.echo_time,),
        calibration=rows.calibration,
        acceleration=(float(protocol.acceleration), 1.0),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": train.shape.bandwidth,
            "partial_fourier": float((protocol.matrix[1] - lines[0]) / protocol.matrix[1]),
            "slice_gap_m": protocol.slice_gap,
        },
    )
