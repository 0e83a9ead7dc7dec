"""A CPMG spin-echo train: excitation, then refocusing and self-rewinding echo blocks; the brick of TSE and of the T1-T2 map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, runtime_checkable
from typing import Protocol as Interface

import numpy as np

from fullbore.data import Gradient, Limits
from fullbore.sequence.block_table import Block
from fullbore.sequence.gradients import area_of, delayed, end_s, gentle_lobe, joined, lobe, ramp_s, raster_up
from fullbore.sequence.protocol import InversionRecoverySpinEcho
from fullbore.sequence.pulses import SelectivePulse, hard_pulse, sinc_pulse
from fullbore.sequence.pulses.selective import centred
from fullbore.sequence.read_line import (
    EVEN_DWELL_S,
    BalancedLine,
    LineShape,
    balanced_line,
    balanced_plateau_s,
    line_shape,
)
from fullbore.sequence.refusal import refuse_spacing

EXCITATION_TIME_BANDWIDTH = 4.0
REFOCUSING_TIME_BANDWIDTH = 3.0
CRUSH_CYCLES_PER_SLICE = 4.0
CRUSH_PER_M = 1000.0
"""Each crusher moves k by the larger of 4 cycles per slice and 1 per mm."""
SPACING_RASTER_S = 20e-6
"""Echo spacings are even numbers of 10 us steps, so that half of one lies on the block raster."""
REFOCUSING_PHASE_RAD = math.pi / 2
"""CPMG: refocusing a quarter turn from the excitation."""


@runtime_checkable
class StackTrain(Interface):
    """Any protocol of slices that are read by spin-echo trains: what designs the train. Meanings as in SpinEchoTrain2d."""

    @property
    def matrix(self) -> tuple[int, int]:
        """(read, phase)."""

    @property
    def fov(self) -> tuple[float, float]:
        """(read, phase), m."""

    @property
    def slice_thickness(self) -> float:
        """m."""

    @property
    def readout_oversampling(self) -> int:
        """Samples over pixels."""

    @property
    def bandwidth(self) -> float:
        """Hz per pixel."""

    @property
    def echo_spacing(self) -> float:
        """s."""

    @property
    def flip_angle(self) -> float:
        """rad."""

    @property
    def refocusing_flip_angle(self) -> float:
        """rad."""

    @property
    def excitation_duration(self) -> float:
        """s."""

    @property
    def refocusing_duration(self) -> float:
        """s."""

    @property
    def refocusing_slice_factor(self) -> float:
        """Thickness that the refocusing covers, over slice_thickness."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EchoTrain:
    """The bricks of a train, and how they compose.

    first_s: block between excitation and the first refocusing pulse. echo_s: block between refocusing pulses. read_dephase,
    slice_dephase: their lobes before the first pulse. phase, slice: the waveforms of the echo block, encode and rewind,
    crush and crush. phase_edge: k (cycles/m) at phase scale 1.
    """

    excitation: SelectivePulse
    refocusing: SelectivePulse
    first_s: float
    read_dephase: Gradient
    slice_dephase: Gradient
    echo_s: float
    line: BalancedLine
    shape: LineShape
    phase: Gradient
    slice: Gradient
    phase_edge: float

    @property
    def spacing_s(self) -> float:
        """From echo to echo."""
        return self.refocusing.block_s + self.echo_s

    @property
    def excitation_centre_s(self) -> float:
        """Centre of the excitation, from the train's start."""
        return self.excitation.pulse.delay_s + self.excitation.pulse.centre_s

    def duration_s(self, echoes: int) -> float:
        """From the excitation block's start to the end of the last echo block."""
        return self.excitation.block_s + self.first_s + echoes * self.spacing_s

    def sampling(self) -> dict[str, Any]:
        """samples, dwell_s and centre_sample, as Encoding names them."""
        shape = self.shape
        return {"samples": shape.samples, "dwell_s": shape.dwell_s, "centre_sample": shape.samples // 2}

    def blocks(self, k_phase: np.ndarray, sampled: np.ndarray, offset_m: float) -> tuple[Block, ...]:
        """The blocks of trains that differ in their lines only, one repetition each.

        k_phase (cycles/m), sampled: (train, echo). offset_m: of the slice, along its normal from the isocentre.
        """
        dephase = Block(duration_s=self.first_s, read=self.read_dephase, slice=self.slice_dephase)
        refocus = self.refocusing.block(REFOCUSING_PHASE_RAD, offset_m)
        blocks = [self.excitation.block(0.0, offset_m), dephase]
        for k, opened in zip(k_phase.T, sampled.T, strict=True):
            blocks += [refocus, self._echo(k, opened)]
        return tuple(blocks)

    def _echo(self, k_phase: np.ndarray, sampled: np.ndarray) -> Block:
        """The echo block of one place in the trains."""
        return Block(
            duration_s=self.echo_s,
            read=self.line.gradient,
            phase=self.phase,
            phase_scale=k_phase / self.phase_edge,
            slice=self.slice,
            adc=self.line.adc,
            sampled=sampled,
        )


def design_train(protocol: StackTrain | InversionRecoverySpinEcho, limits: Limits) -> EchoTrain:
    """The train that a protocol asks for; crushers and encoding take the time there is.

    Errors: Refusal for flips, bandwidth, slice thickness or echo spacing.
    """
    excitation, refocusing = _excitation(protocol, limits), _refocusing(protocol, limits)
    oversampling = protocol.readout_oversampling
    shape = line_shape(protocol.matrix[0], protocol.fov[0], protocol.bandwidth, oversampling, limits, EVEN_DWELL_S)
    edge = (protocol.matrix[1] // 2) / protocol.fov[1]
    crush = area_of(max(CRUSH_CYCLES_PER_SLICE / protocol.slice_thickness, CRUSH_PER_M))
    pulses = (excitation.block_s + refocusing.block_s) / 2
    after = crush - excitation.rephasing_area_T_s_per_m
    shortest = _shortest_spacing(shape, (area_of(edge), crush), after, pulses, refocusing, limits)
    refuse_spacing("echo_spacing", protocol.echo_spacing, shortest, "pulses, crushers and readout", SPACING_RASTER_S)
    first_s, echo_s = protocol.echo_spacing / 2 - pulses, protocol.echo_spacing - refocusing.block_s
    line = balanced_line(shape, echo_s, limits)
    flank = line.window_start_s
    return EchoTrain(
        excitation=excitation,
        refocusing=refocusing,
        first_s=first_s,
        read_dephase=gentle_lobe(line.half_area, first_s, limits),
        slice_dephase=gentle_lobe(after, first_s, limits),
        echo_s=echo_s,
        line=line,
        shape=shape,
        phase=flanks(gentle_lobe(area_of(edge), flank, limits), echo_s, -1.0),
        slice=flanks(gentle_lobe(crush, flank, limits), echo_s, 1.0),
        phase_edge=edge,
    )


def _shortest_spacing(
    shape: LineShape,
    flank_areas: tuple[float, ...],
    slice_area: float,
    pulses_s: float,
    refocusing: SelectivePulse,
    limits: Limits,
) -> float:
    """Shortest echo spacing: what the echo block needs, and what the half before the first refocusing pulse needs."""
    flank = max(*(end_s(lobe(area, limits)) for area in flank_areas), ramp_s(shape.amplitude, limits))
    echo_s = raster_up(balanced_plateau_s(shape, limits) + 2 * flank, SPACING_RASTER_S)
    half_area = balanced_line(shape, echo_s, limits).half_area
    first_s = max(end_s(lobe(area, limits)) for area in (slice_area, half_area))
    return raster_up(max(refocusing.block_s + echo_s, 2 * (pulses_s + first_s)), SPACING_RASTER_S)


def _excitation(protocol: StackTrain | InversionRecoverySpinEcho, limits: Limits) -> SelectivePulse:
    """The slice-selective excitation."""
    duration = protocol.excitation_duration
    pulse = sinc_pulse(protocol.flip_angle, duration, EXCITATION_TIME_BANDWIDTH, limits)
    return centred(pulse, EXCITATION_TIME_BANDWIDTH / duration, protocol.slice_thickness, limits)


def _refocusing(protocol: StackTrain | InversionRecoverySpinEcho, limits: Limits) -> SelectivePulse:
    """Slice-selective for a stack, non-selective for the map."""
    flip, duration = protocol.refocusing_flip_angle, protocol.refocusing_duration
    fields = {"field": "refocusing_flip_angle", "duration_field": "refocusing_duration"}
    if isinstance(protocol, InversionRecoverySpinEcho):
        return centred(hard_pulse(flip, duration, limits, use="r", **fields), 0.0, 0.0, limits)
    pulse = sinc_pulse(flip, duration, REFOCUSING_TIME_BANDWIDTH, limits, use="r", **fields)
    thickness = protocol.slice_thickness * protocol.refocusing_slice_factor
    return centred(pulse, REFOCUSING_TIME_BANDWIDTH / duration, thickness, limits)


def flanks(shape: Gradient, block_s: float, second: float) -> Gradient:
    """A lobe at the block's start and its mirror image, scaled, at the block's end."""
    late = delayed(shape, block_s - end_s(shape))
    return joined(shape, Gradient(times_s=late.times_s, values_T_per_m=second * late.values_T_per_m))
