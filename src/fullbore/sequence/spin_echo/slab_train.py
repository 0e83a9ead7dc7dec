"""A 3D spin-echo train: short non-selective refocusing of any flips, crushers on the read axis, lines and partitions encoded."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from fullbore.data import Adc, Gradient, Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.block_table import Block
from fullbore.sequence.gradients import area_of, end_s, gentle_lobe, gentle_ramp_s, lobe, ramp_s, raster_up, waveform
from fullbore.sequence.module import Module
from fullbore.sequence.preparations import spoiling
from fullbore.sequence.prescription import Angle, Bandwidth, Gap, Time
from fullbore.sequence.pulses import SelectivePulse, hard_pulse, sinc_pulse
from fullbore.sequence.pulses.selective import centred
from fullbore.sequence.read_line import EVEN_DWELL_S, LineShape, balanced_line, balanced_plateau_s, line_shape
from fullbore.sequence.refusal import refuse_spacing
from fullbore.sequence.spin_echo.plane import PlanePrescription
from fullbore.sequence.spin_echo_train import (
    EXCITATION_TIME_BANDWIDTH,
    REFOCUSING_PHASE_RAD,
    SPACING_RASTER_S,
    flanks,
)

CRUSH_CYCLES_PER_VOXEL = 1.5
CRUSH_PER_M = 1000.0
"""From pulse to echo the read gradient moves k by the larger of 1.5 cycles per voxel and 1 per mm: no FID meets the window."""
SPOIL_PER_M = 4000.0
"""Largest net k after a train, along every axis."""
_GOLDEN = (0.6180339887498949, 0.4142135623730951, 0.7320508075688772)
"""How the three spoilers vary from train to train, each between half and all: equal ones would be undone by the refocusing of
the next train, and what fluid keeps transverse for seconds would return in the one after."""

TrainEnd = Literal["none", "flip_down", "flip_back"]
"""What is done with the magnetisation that a train leaves transverse: spoiled, or first turned along -z or +z."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlabTrainPrescription(PlanePrescription):
    """Fields of the train of every 3D turbo spin echo.

    echo_spacing: from echo to echo. refocusing_flip_angle: the largest of the train, or of all. bandwidth: Hz per pixel.
    slab_thickness: of the excitation; 0 for a non-selective one. train_end: none, flip_down or flip_back of what is left.
    """

    echo_spacing: Time
    bandwidth: Bandwidth
    refocusing_flip_angle: Angle
    flip_angle: Angle = math.pi / 2
    slab_thickness: Gap = 0.0
    train_end: TrainEnd = "none"
    excitation_duration: Time = 0.6e-3
    refocusing_duration: Time = 0.8e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlabTrain:
    """The bricks of a train, and how they compose.

    refocusing: pulse of each echo. first_s: block between excitation and the first pulse, played also before the flip-down.
    dephase: (read, slice) lobes in it. read, adc: of the echo block of echo_s. phase, partition: encode and rewind, at scale 1
    for k = edge (cycles/m). offset_m: of the slab, from the isocentre along its normal.
    """

    excitation: SelectivePulse
    refocusing: tuple[SelectivePulse, ...]
    first_s: float
    dephase: tuple[Gradient, Gradient]
    echo_s: float
    read: Gradient
    adc: Adc
    shape: LineShape
    encoding: tuple[Gradient, Gradient]
    edges: tuple[float, float]
    offset_m: float
    end: TrainEnd
    spoil: Module

    @property
    def spacing_s(self) -> float:
        """From echo to echo."""
        return self.refocusing[0].block_s + self.echo_s

    @property
    def excitation_centre_s(self) -> float:
        """Centre of the excitation, from the train's start."""
        return self.excitation.pulse.delay_s + self.excitation.pulse.centre_s

    @property
    def duration_s(self) -> float:
        """From the excitation block's start to the end of the spoiler."""
        tail = sum(block.duration_s for block in self._tail(1))
        return self.excitation.block_s + self.first_s + len(self.refocusing) * self.spacing_s + tail

    def sampling(self) -> dict[str, Any]:
        """samples, dwell_s and centre_sample, as Encoding names them."""
        return {"samples": self.shape.samples, "dwell_s": self.shape.dwell_s, "centre_sample": self.shape.samples // 2}

    def blocks(
        self, k: Float[np.ndarray, "train echo 2"], sampled: np.ndarray, excitation_phase_rad: float = 0.0
    ) -> tuple[Block, ...]:
        """The blocks of trains that differ in (line, partition) only, one repetition each. k: cycles/m."""
        blocks = [self.excitation.block(excitation_phase_rad, self.offset_m), self._dephase()]
        for number, pulse in enumerate(self.refocusing):
            scale = k[:, number] / np.array(self.edges)
            echo = Block(
                duration_s=self.echo_s,
                read=self.read,
                phase=self.encoding[0],
                phase_scale=scale[:, 0],
                slice=self.encoding[1],
                slice_scale=scale[:, 1],
                adc=self.adc,
                sampled=sampled[:, number],
            )
            blocks += [pulse.block(REFOCUSING_PHASE_RAD, 0.0), echo]
        return (*blocks, *self._tail(len(k)))

    def _dephase(self) -> Block:
        """Between excitation and the first refocusing pulse, and mirrored the same."""
        return Block(duration_s=self.first_s, read=self.dephase[0], slice=self.dephase[1])

    def _tail(self, trains: int) -> tuple[Block, ...]:
        """After the last echo: one more echo for the pulse that stores what is left, and the spoiler."""
        read, phase, slice_ = (0.5 + 0.5 * np.mod(np.arange(trains) * golden, 1.0) for golden in _GOLDEN)
        scales = {"read_scale": read, "phase_scale": phase, "slice_scale": slice_}
        spoil = tuple(replace(block, **scales) for block in self.spoil.blocks)
        if self.end == "none":
            return spoil
        stored = replace(self.excitation, pulse=replace(self.excitation.pulse, use="p"))
        turn = 0.0 if self.end == "flip_down" else math.pi
        last = self.refocusing[-1].block(REFOCUSING_PHASE_RAD, 0.0)
        return (last, self._dephase(), stored.block(turn, self.offset_m), *spoil)

    def flow_moment_T_s2_per_m(self) -> np.ndarray:
        """First moment of (read, phase, slice) from a refocusing pulse's centre to the echo, at k = 0 of phase and slice.

        Spins that move at v gain 2 pi gamma M1 v more phase from each half of an echo spacing than still ones.
        """
        pulse = self.refocusing[0].block_s / 2
        module = Module(blocks=(Block(duration_s=self.refocusing[0].block_s), Block(duration_s=self.echo_s, read=self.read)))
        moved = module.moments(start_s=pulse, end_s=pulse + self.spacing_s / 2)
        return np.asarray(moved[1])


def design_slab_train(protocol: SlabTrainPrescription, flips: Float[np.ndarray, " echo"], limits: Limits) -> SlabTrain:
    """The train of these refocusing flips (rad); lobes take the time there is.

    Errors: Refusal for flips, bandwidth, slab thickness or echo spacing.
    """
    shape, excitation, largest = _bricks(protocol, limits)
    shortest = _shortest(protocol, shape, excitation, largest, limits)
    refuse_spacing("echo_spacing", protocol.echo_spacing, shortest, "pulses, crushers and readout", SPACING_RASTER_S)
    first_s = protocol.echo_spacing / 2 - (excitation.block_s + largest.block_s) / 2
    echo_s = protocol.echo_spacing - largest.block_s
    line = balanced_line(shape, echo_s, limits)
    flank = line.window_start_s
    read = _crushed(shape.amplitude, _crush_area(protocol, shape, line.window_end_s - flank), flank, echo_s, limits)
    assert read is not None  # the shortest spacing has room for it
    edges = _edges(protocol)
    lobes = [flanks(gentle_lobe(area_of(edge), flank, limits), echo_s, -1.0) for edge in edges]
    each = {float(flip): _refocusing(protocol, float(flip), limits) for flip in np.unique(flips)}
    geometry = protocol.geometry()
    return SlabTrain(
        excitation=excitation,
        refocusing=tuple(each[float(flip)] for flip in flips),
        first_s=first_s,
        dephase=(
            gentle_lobe(read.area_T_s_per_m / 2, first_s, limits),
            gentle_lobe(-excitation.rephasing_area_T_s_per_m, first_s, limits),
        ),
        echo_s=echo_s,
        read=read,
        adc=line.adc,
        shape=shape,
        encoding=(lobes[0], lobes[1]),
        edges=edges,
        offset_m=float(geometry.centre_m @ geometry.slice),
        end=protocol.train_end,
        spoil=spoiling((SPOIL_PER_M, SPOIL_PER_M, SPOIL_PER_M), limits),
    )


def _bricks(protocol: SlabTrainPrescription, limits: Limits) -> tuple[LineShape, SelectivePulse, SelectivePulse]:
    """The line, the excitation, and the refocusing pulse of the largest flip. Errors: Refusal."""
    oversampling = protocol.readout_oversampling
    for field in ("excitation_duration", "refocusing_duration"):
        refuse_spacing(field, getattr(protocol, field), SPACING_RASTER_S, "a pulse's two halves", SPACING_RASTER_S)
    shape = line_shape(protocol.matrix[0], protocol.fov[0], protocol.bandwidth, oversampling, limits, EVEN_DWELL_S)
    return shape, _excitation(protocol, limits), _refocusing(protocol, protocol.refocusing_flip_angle, limits)


def _excitation(protocol: SlabTrainPrescription, limits: Limits) -> SelectivePulse:
    """Hard, or selective for a slab."""
    duration = protocol.excitation_duration
    if protocol.slab_thickness == 0:
        return centred(hard_pulse(protocol.flip_angle, duration, limits), 0.0, 0.0, limits)
    pulse = sinc_pulse(protocol.flip_angle, duration, EXCITATION_TIME_BANDWIDTH, limits)
    bandwidth = EXCITATION_TIME_BANDWIDTH / duration
    return centred(pulse, bandwidth, protocol.slab_thickness, limits, field="slab_thickness")


def _refocusing(protocol: SlabTrainPrescription, flip_rad: float, limits: Limits) -> SelectivePulse:
    fields = {"field": "refocusing_flip_angle", "duration_field": "refocusing_duration"}
    return centred(hard_pulse(flip_rad, protocol.refocusing_duration, limits, use="r", **fields), 0.0, 0.0, limits)


def _edges(protocol: SlabTrainPrescription) -> tuple[float, float]:
    """Largest k (cycles/m) of lines and partitions."""
    first, second = (max(n // 2, 1) / fov for n, fov in zip(protocol.matrix[1:], protocol.fov[1:], strict=True))
    return first, second


def _crush_area(protocol: SlabTrainPrescription, shape: LineShape, plateau_s: float) -> float:
    """Area (T s/m) of the read gradient's flank beside its plateau."""
    crush = max(CRUSH_CYCLES_PER_VOXEL * protocol.matrix[0] / protocol.fov[0], CRUSH_PER_M)
    return area_of(crush) - shape.amplitude * plateau_s / 2


def _shortest(
    protocol: SlabTrainPrescription, shape: LineShape, excitation: SelectivePulse, refocusing: SelectivePulse, limits: Limits
) -> float:
    """Shortest echo spacing: what the echo block needs, and what the half before the first refocusing pulse needs."""
    plateau, raster = balanced_plateau_s(shape, limits), limits.gradient_raster_s
    crush = _crush_area(protocol, shape, plateau)
    flank = max(*(end_s(lobe(area_of(edge), limits)) for edge in _edges(protocol)), ramp_s(shape.amplitude, limits))
    while _flank(shape.amplitude, crush, flank, limits) is None:
        flank = raster_up(flank + raster, raster)
    echo_s = raster_up(plateau + 2 * flank, SPACING_RASTER_S)
    half = crush + shape.amplitude * (plateau / 2 + raster)  # a plateau may be longer by two steps of the raster
    first_s = max(end_s(lobe(half, limits)), end_s(lobe(-excitation.rephasing_area_T_s_per_m, limits)))
    pulses = excitation.block_s + refocusing.block_s
    return raster_up(max(refocusing.block_s + echo_s, pulses + 2 * first_s), SPACING_RASTER_S)


def _crushed(amplitude: float, area: float, flank_s: float, block_s: float, limits: Limits) -> Gradient | None:
    """The read gradient of an echo block: flank, plateau, flank, symmetric about the middle; None when too short."""
    corners = _flank(amplitude, area, flank_s, limits)
    if corners is None:
        return None
    return waveform([*corners, *[(block_s - time_s, value) for time_s, value in reversed(corners)]])


def _flank(amplitude: float, area: float, length_s: float, limits: Limits) -> list[tuple[float, float]] | None:
    """Corner points from 0 to an amplitude that gather an area; None when amplitude and slew forbid it in so short a time."""
    raster = limits.gradient_raster_s
    ramp = gentle_ramp_s(length_s, limits)
    while 2 * ramp <= length_s * (1 + 1e-9):
        top = (area - amplitude * ramp / 2) / (length_s - ramp)
        steepest = max(abs(top), abs(top - amplitude)) / ramp
        if abs(top) <= limits.gradient_T_per_m and steepest <= limits.slew_T_per_m_s:
            return [(0.0, 0.0), (ramp, top), (length_s - ramp, top), (length_s, amplitude)]
        ramp = raster_up(ramp + raster, raster)
    return None


def crush_per_m(train: SlabTrain) -> float:
    """k (cycles/m) that the read gradient moves from a refocusing pulse to the echo."""
    return GYROMAGNETIC_RATIO_HZ_PER_T * train.read.area_T_s_per_m / 2
