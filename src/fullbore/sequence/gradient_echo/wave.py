"""Wave-CAIPI: a 3D spoiled gradient echo whose gradients along phase and partition swing while it reads, on a sheared lattice."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from pydantic import Field

from fullbore.data import Encoding, Geometry, Gradient, Limits, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.block_table import Block, BlockTable, definitions
from fullbore.sequence.gradient_echo.echoes import Echoes, design_echoes
from fullbore.sequence.gradient_echo.excitation import Excitation, excitation
from fullbore.sequence.gradient_echo.view import EchoView, ViewTask, design_view
from fullbore.sequence.gradients import delayed, raster_up
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Factor, Number, Share, SlabPrescription, Time, Unit
from fullbore.sequence.read_line import balanced_line
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.sampling.regular import Caipi
from fullbore.sequence.spoiled_view import RF_SPOIL_DEG, spoil_phase_rad
from fullbore.sequence.waveforms import wave

_STEPS_PER_CYCLE = 8
"""Raster steps that a cycle takes at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveGre3d(SlabPrescription):
    """3D spoiled gradient echo with a sine along phase and a cosine along partition during the readout.

    wave_amplitude: of both gradients, 0 for straight lines. wave_cycles: during a readout. acceleration: steps along (phase,
    partition); caipi_shift: lines by which each measured partition is shifted against the one before. calibration: complete
    (lines, partitions) about the centre. readout_oversampling: voxels are drawn out along read by their place along phase and
    partition times the wave's amplitude over the readout's; samples beyond that gain nothing. dummy_views: unsampled views.
    """

    repetition_time: Time
    echo_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    wave_amplitude: Annotated[float, Unit("gradient"), Field(ge=0)] = 6e-3
    wave_cycles: Number = 7
    acceleration: tuple[Number, Number] = (3, 3)
    caipi_shift: Count = 1
    calibration: tuple[Count, Count] = (24, 24)
    dummy_views: Count = 100
    excitation: Excitation = "hard"
    excitation_duration: Time = 100e-6
    time_bandwidth: Factor = 8.0
    slab_share: Share = 0.9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Swing:
    """The waves of one readout's block along phase and slice.

    gradients: None for straight lines. before_per_m: k that must be there when the block begins. net_per_m: what the block
    adds to k. course_per_m: (sample, 2), how far each sample leaves its line.
    """

    gradients: tuple[Gradient | None, Gradient | None]
    before_per_m: tuple[float, float]
    net_per_m: tuple[float, float]
    course_per_m: np.ndarray


def wave_gre_3d(protocol: WaveGre3d, limits: Limits) -> Sequence:
    """Partitions outside, lines inside, after `dummy_views`. Errors: Refusal for a limit that is broken."""
    echoes, swing = _readout(protocol, limits)
    view = _design(protocol, echoes, swing, limits)
    geometry = protocol.geometry()
    table = BlockTable(geometry, limits.block_raster_s)
    line, partition = _points(protocol)
    k_phase = np.concatenate([np.zeros(protocol.dummy_views), (line - protocol.matrix[1] // 2) / protocol.fov[1]])
    k_slice = np.concatenate([np.zeros(protocol.dummy_views), (partition - protocol.matrix[2] // 2) / protocol.fov[2]])
    count = len(k_phase)
    offset = float(geometry.centre_m @ geometry.slice) if protocol.excitation != "hard" else 0.0
    table.play(*_blocks(view, swing, k_phase, k_slice, protocol.dummy_views, offset), times=count)
    calibration = tuple(centre_range(n, c) for n, c in zip(protocol.matrix[1:], protocol.calibration, strict=True))
    undersampled = len(line) < protocol.matrix[1] * protocol.matrix[2]
    along_read = np.arange(view.echoes.shape.samples) / geometry.encoded_fov_m[0]
    curve = np.column_stack([along_read, swing.course_per_m])
    rows = ReadoutRows(geometry, (calibration[0], calibration[1]) if undersampled else ((0, 0), (0, 0)), curves=(curve,))
    waving = {"curve": 0} if protocol.wave_amplitude else {}
    rows.add(len(line), line=line, partition=partition, echo_time_s=view.first_echo_s, **waving)
    return table.finish(protocol.name, _encoding(protocol, view, geometry, rows), definitions(protocol.name, geometry, limits))


def _readout(protocol: WaveGre3d, limits: Limits) -> tuple[Echoes, Swing]:
    """The line with its waves, in a block that holds the quarter waves before and after it. Errors: Refusal."""
    echoes = design_echoes(protocol.matrix[0], protocol.fov[0], protocol.bandwidth, protocol.readout_oversampling, limits)
    if protocol.wave_amplitude == 0:
        straight = np.zeros((echoes.shape.samples, 2))
        return echoes, Swing(gradients=(None, None), before_per_m=(0.0, 0.0), net_per_m=(0.0, 0.0), course_per_m=straight)
    raster = limits.gradient_raster_s
    length = raster_up(2 * echoes.shape.to_centre_s, 2 * raster)
    share = _share(protocol, length, limits)
    waves = [wave(length, protocol.wave_cycles, limits, cosine=cosine, share=share) for cosine in (False, True)]
    block = max(raster_up(echoes.block_s, 2 * raster), length + 2 * waves[1].lead_s)
    line = balanced_line(echoes.shape, block, limits)
    placed = [delayed(each.gradient, max((block - length) / 2 - each.lead_s, 0.0)) for each in waves]
    at = line.adc.delay_s + (np.arange(line.adc.samples) + 0.5) * line.adc.dwell_s
    before = [GYROMAGNETIC_RATIO_HZ_PER_T * each.prephase_T_s_per_m for each in waves]
    net = [GYROMAGNETIC_RATIO_HZ_PER_T * gradient.area_T_s_per_m for gradient in placed]
    course = [k + GYROMAGNETIC_RATIO_HZ_PER_T * g.area_until_T_s_per_m(at) for k, g in zip(before, placed, strict=True)]
    return replace(echoes, block_s=block, line=line, spacing_s=block), Swing(
        gradients=(placed[0], placed[1]),
        before_per_m=(before[0], before[1]),
        net_per_m=(net[0], net[1]),
        course_per_m=np.stack(course, axis=1),
    )


def _share(protocol: WaveGre3d, length_s: float, limits: Limits) -> float:
    """The wave's amplitude over the largest that amplitude and slew allow. Errors: Refusal for cycles and amplitude."""
    cycles = math.floor(length_s / (_STEPS_PER_CYCLE * limits.gradient_raster_s) + 1e-6)
    if protocol.wave_cycles > cycles:
        reason = f"a cycle takes {_STEPS_PER_CYCLE} raster steps, a readout lasts {length_s * 1e3:.3f} ms"
        raise Refusal(field="wave_cycles", asked=protocol.wave_cycles, legal=cycles, bound="highest", reason=reason)
    by_slew = limits.slew_T_per_m_s * length_s / (2 * np.pi * protocol.wave_cycles)
    largest = min(limits.gradient_T_per_m, by_slew)
    if protocol.wave_amplitude > largest * (1 + 1e-9):
        what = "slew" if by_slew < limits.gradient_T_per_m else "amplitude"
        reason = f"{protocol.wave_cycles} cycles in {length_s * 1e3:.3f} ms within the limit of {what}"
        legal = math.floor(largest * 1e5) * 1e-5
        raise Refusal(field="wave_amplitude", asked=protocol.wave_amplitude, legal=legal, bound="largest", reason=reason)
    return min(protocol.wave_amplitude / largest, 1.0)


def _design(protocol: WaveGre3d, echoes: Echoes, swing: Swing, limits: Limits) -> EchoView:
    """The view, whose encoding lobes wind the waves up and unwind them, too. Errors: Refusal."""
    pulse = excitation(
        protocol.excitation,
        protocol.flip_angle,
        protocol.excitation_duration,
        protocol.time_bandwidth,
        protocol.slab_share * protocol.fov[2],
        limits,
        thickness_field="slab_share",
    )
    waves = [max(abs(k), abs(k + net)) for k, net in zip(swing.before_per_m, swing.net_per_m, strict=True)]
    edges = [(n // 2) / fov + k for n, fov, k in zip(protocol.matrix[1:], protocol.fov[1:], waves, strict=True)]
    task = ViewTask(
        echo_time_s=protocol.echo_time,
        spacing_field="repetition_time",
        spacing_s=protocol.repetition_time,
        edges_per_m=(edges[0], edges[1]),
        pixel_m=protocol.fov[0] / protocol.matrix[0],
    )
    return design_view(pulse, echoes, task, limits)


def _blocks(view: EchoView, swing: Swing, k_phase: np.ndarray, k_slice: np.ndarray, dummies: int, offset_m: float) -> list[Block]:
    """The blocks of all views: the readout with its waves, and the last lobes undo what the waves leave."""
    sampled = np.arange(len(k_phase)) >= dummies
    started = k_phase + swing.before_per_m[0], k_slice + swing.before_per_m[1]
    phases = spoil_phase_rad(0, len(k_phase))
    *lead, readout, unwind = view.blocks(*started, phases, sampled=sampled, offset_m=offset_m)
    ended = [k + net for k, net in zip(started, swing.net_per_m, strict=True)]
    return [
        *lead,
        replace(readout, phase=swing.gradients[0], slice=swing.gradients[1]),
        replace(unwind, phase_scale=-ended[0] / view.phase_edge, slice_scale=-ended[1] / view.slice_edge),
    ]


def _points(protocol: WaveGre3d) -> tuple[np.ndarray, np.ndarray]:
    """Lines and partitions to measure, partitions outside. Errors: Refusal for the shift."""
    step = protocol.acceleration
    if protocol.caipi_shift >= step[0] and protocol.caipi_shift > 0:
        reason = f"lines are {step[0]} apart, so a shift of {protocol.caipi_shift} is one of fewer"
        legal = protocol.caipi_shift % step[0]
        raise Refusal(field="caipi_shift", asked=protocol.caipi_shift, legal=legal, bound="largest", reason=reason)
    shape = (protocol.matrix[2], protocol.matrix[1])
    lattice = Caipi(rows=step[1], columns=step[0], shift=protocol.caipi_shift)
    partition, line = np.nonzero(lattice.mask(shape, protocol.calibration[::-1]))
    return line, partition


def _encoding(protocol: WaveGre3d, view: EchoView, geometry: Geometry, rows: ReadoutRows) -> Encoding:
    """The table of readouts with its header."""
    columns = rows.arrays()
    measured = len(columns["counters"])
    return Encoding(
        geometry=geometry,
        **view.echoes.sampling(),
        **columns,
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=view.echo_times_s(),
        calibration=rows.calibration,
        acceleration=(protocol.matrix[1] * protocol.matrix[2] / measured, 1.0),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": view.echoes.shape.bandwidth,
            "caipi_shift": float(protocol.caipi_shift),
            "dummy_views": float(protocol.dummy_views),
            "rf_spoil_rad": float(np.deg2rad(RF_SPOIL_DEG)),
            "wave_amplitude_T_per_m": protocol.wave_amplitude,
            "wave_cycles": float(protocol.wave_cycles),
        },
    )
