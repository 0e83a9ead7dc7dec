"""3D turbo spin echo: preparation, a train of designed flips, recovery; the trunk of SPACE, FLAIR, DIR and vessel wall."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from fullbore.data import Encoding, Limits, Sequence
from fullbore.sequence.block_table import BlockTable, definitions
from fullbore.sequence.module import Module, chained, wait_for
from fullbore.sequence.ordering import UNUSED
from fullbore.sequence.preparations import fat_saturation, inversion
from fullbore.sequence.prescription import Count, Time
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.refusal import Refusal, refuse_spacing
from fullbore.sequence.spin_echo.flip_train import FlipTrainPrescription, flip_train
from fullbore.sequence.spin_echo.plane import Plane, plane_of
from fullbore.sequence.spin_echo.slab_train import SlabTrain, crush_per_m, design_slab_train
from fullbore.signal.refocusing_design import after_train

NOTHING = Module(blocks=())


@dataclass(frozen=True, slots=True, kw_only=True)
class SlabSpinEcho(FlipTrainPrescription):
    """Fields of every 3D turbo spin echo.

    echo_time: of the echo that measures k = 0, a multiple of echo_spacing; the contrast is that of the shorter equivalent echo
    time that `Encoding.parameters` states. dummy_trains: played unsampled first.
    """

    repetition_time: Time
    echo_time: Time
    dummy_trains: Count = 1
    fat_saturation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preparation:
    """What precedes the excitation, up to its block's start; inversion_times_s: of its inversions, to the excitation's centre."""

    module: Module = NOTHING
    inversion_times_s: tuple[float, ...] = ()


def centre_echo(protocol: SlabSpinEcho) -> int:
    """Index of the echo that measures k = 0. Errors: Refusal when the echo time is no echo of the train."""
    spacing = protocol.echo_spacing
    number = min(max(round(protocol.echo_time / spacing), 1), protocol.train_length)
    if abs(number * spacing - protocol.echo_time) > 1e-9:
        reason = f"echoes come every {spacing * 1e3:g} ms, {protocol.train_length} of them"
        raise Refusal(field="echo_time", asked=protocol.echo_time, legal=number * spacing, bound="nearest", reason=reason)
    return number - 1


def inversions(
    fields: tuple[str, ...],
    times_s: tuple[float, ...],
    pulse_s: float,
    train: SlabTrain,
    limits: Limits,
    last: Module = NOTHING,
) -> Preparation:
    """Adiabatic inversions at times before the excitation, falling, then `last` straight before it.

    fields: protocol fields that a Refusal names, one per time. pulse_s: length of the inversion pulse.
    """
    raster, pulse = limits.block_raster_s, inversion(pulse_s, limits)
    after = (*times_s[1:], -train.excitation_centre_s)
    parts: list[Module] = []
    for number, (field, time_s) in enumerate(zip(fields, times_s, strict=True)):
        final = number == len(times_s) - 1
        # up to the next inversion's start, or to the excitation block's
        lead = last.duration_s + train.excitation_centre_s if final else pulse.centre_s + after[number]
        pause = wait_for(field, time_s, pulse.tail_s + lead, "pulse, spoiler and what follows", raster)
        parts += [pulse, pause]
    module = chained(*parts, last) if parts else last
    starts = np.cumsum([0.0, *[part.duration_s for part in parts]])[:-1][::2]
    found = [float(module.duration_s + train.excitation_centre_s - start - pulse.centre_s) for start in starts]
    return Preparation(module=module, inversion_times_s=tuple(found))


def before_excitation(protocol: SlabSpinEcho, limits: Limits) -> Module:
    """What is played straight before the excitation."""
    return fat_saturation(limits) if protocol.fat_saturation else NOTHING


def train_of(protocol: SlabSpinEcho, limits: Limits) -> SlabTrain:
    """The train of a protocol. Errors: Refusal."""
    shortest_first = design_slab_train(protocol, np.array([protocol.refocusing_flip_angle]), limits)
    centre_echo(protocol)
    del shortest_first  # only its refusals: the flips are designed for a spacing that is known to be legal
    return design_slab_train(protocol, flip_train(protocol), limits)


def play_slab(protocol: SlabSpinEcho, train: SlabTrain, preparation: Preparation, limits: Limits, **header: float) -> Sequence:
    """The sequence of preparation, train and recovery. header: further parameters. Errors: Refusal for the repetition time."""
    raster, geometry = limits.block_raster_s, protocol.geometry()
    echo = centre_echo(protocol)
    plane = plane_of(protocol, protocol.train_length, echo)
    used = preparation.module.duration_s + train.duration_s
    refuse_spacing("repetition_time", protocol.repetition_time, used, "preparation and train", raster)
    recovery = wait_for("repetition_time", protocol.repetition_time, used, "preparation and train", raster)
    table = BlockTable(geometry, raster)
    dummies = np.full((protocol.dummy_trains, protocol.train_length), UNUSED)
    items = np.concatenate([dummies, plane.items])
    index = np.where(items[..., None] == UNUSED, 0, plane.points[items])
    k = (index - np.array(protocol.matrix[1:]) // 2) / np.array(protocol.fov[1:])
    sampled = items != UNUSED
    blocks = train.blocks(np.where(sampled[..., None], k, 0.0), sampled)
    table.play(*preparation.module.blocks, *blocks, *recovery.blocks, times=len(items))
    rows = ReadoutRows(geometry, plane.calibration)
    _add_rows(protocol, plane, preparation, rows)
    encoding = _encoding(protocol, train, plane, preparation, rows, header)
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def _add_rows(protocol: SlabSpinEcho, plane: Plane, preparation: Preparation, rows: ReadoutRows) -> None:
    train, echo = np.nonzero(plane.items != UNUSED)
    point = plane.points[plane.items[train, echo]]
    times = {"echo_time_s": (echo + 1) * protocol.echo_spacing}
    if preparation.inversion_times_s:
        times["inversion_time_s"] = np.full(len(train), preparation.inversion_times_s[-1])
    rows.add(len(train), line=point[:, 0], partition=point[:, 1], segment=train, **times)


def _encoding(
    protocol: SlabSpinEcho,
    train: SlabTrain,
    plane: Plane,
    preparation: Preparation,
    rows: ReadoutRows,
    header: dict[str, float],
) -> Encoding:
    """The table of readouts with its header."""
    lines, partitions = protocol.matrix[1:]
    flow = train.flow_moment_T_s2_per_m()
    columns: dict[str, Any] = {**train.sampling(), **rows.arrays()}
    return Encoding(
        geometry=protocol.geometry(),
        **columns,
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        refocusing_flip_rad=protocol.refocusing_flip_angle,
        echo_spacing_s=protocol.echo_spacing,
        echo_train_length=protocol.train_length,
        echo_times_s=(protocol.echo_time,),
        inversion_times_s=preparation.inversion_times_s[-1:],
        calibration=rows.calibration,
        acceleration=(lines * partitions / len(plane.points), 1.0),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": train.shape.bandwidth,
            "centre_echo": float(centre_echo(protocol)),
            "crush_per_m": crush_per_m(train),
            "dummy_trains": float(protocol.dummy_trains),
            "equivalent_echo_time_s": equivalent_echo_time_s(protocol),
            "flow_moment_read_T_s2_per_m": float(flow[0]),
            **header,
        },
    )


def equivalent_echo_time_s(protocol: SlabSpinEcho) -> float:
    """Echo time of the spin echo that weighs T2 as the echo at k = 0 does: -T2 ln(signal / signal without T1 and T2 decay).

    For the tissue of the design. Source: Busse 2006, Magn Reson Med 55:1030.
    """
    flips, echo = flip_train(protocol), centre_echo(protocol)
    decayed = after_train(1.0, protocol.design_t1, protocol.design_t2, protocol.echo_spacing, flips)[0][echo]
    kept = after_train(1.0, math.inf, math.inf, protocol.echo_spacing, flips)[0][echo]
    return float(-protocol.design_t2 * math.log(max(decayed, 1e-12) / max(kept, 1e-12)))
