"""The slice-selective view whose lobes cancel from pulse to pulse: balanced steady state, or spoiled by one lobe more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fullbore.data import Gradient, Limits
from fullbore.sequence.block_table import Block, Value
from fullbore.sequence.gradients import area_of, end_s, gentle_lobe, joined, lobe, ramp_s, raster_up
from fullbore.sequence.prescription import Angle, Bandwidth, Number, StackPrescription, Time
from fullbore.sequence.pulses import SelectivePulse, sinc_pulse
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
from fullbore.sequence.spoiled_view import spoil_phase_rad

TIME_BANDWIDTH = 2.5
SPOIL_CYCLES_PER_SLICE = 4.0
"""What a spoiled view leaves along the slice axis."""
TR_RASTER_S = 20e-6
"""Half a repetition time lies on the block raster."""

StartUp = Literal["ramp", "half"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewPrescription(StackPrescription):
    """A stack that is read view by view; the echo lies in the middle between two pulses.

    repetition_time: from pulse to pulse. start_up: "ramp", `start_up_views` pulses whose flips rise linearly, or "half", half
    the flip angle half a repetition time before the first view.
    """

    repetition_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    excitation_duration: Time = 1e-3
    start_up: StartUp = "ramp"
    start_up_views: Number = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BalancedView:
    """One view: a pulse's block and a readout's block, each symmetric in time, so that M0 of all axes and M1 of read and slice
    vanish from pulse centre to pulse centre, and at the echo all that is left is the line's k.

    ramp: the pulses of the start-up. phase: lobe and rewinder for phase scale 1, which moves k by `phase_edge` (cycles/m).
    spoiled: its slice axis ends in a spoiler, and its phases are quadratic rather than alternating. decode_per_m: (read, phase,
    slice) k that each readout has beside its line's, wound before it and unwound after.
    """

    pulse: SelectivePulse
    ramp: tuple[SelectivePulse, ...]
    halved: bool
    read: Gradient
    phase: Gradient
    slice: Gradient
    line: BalancedLine
    shape: LineShape
    phase_edge: float
    spacing_s: float
    flip_rad: float
    spoiled: bool
    limits: Limits
    decode_per_m: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def readout_s(self) -> float:
        """Length of the readout's block."""
        return self.spacing_s - self.pulse.block_s

    @property
    def echo_time_s(self) -> float:
        """From the pulse's centre to k = 0."""
        return self.spacing_s / 2

    @property
    def excitation_centre_s(self) -> float:
        """Centre of the pulse, from the view's start."""
        return self.pulse.block_s / 2

    @property
    def start_up_s(self) -> float:
        """Length of what precedes the first view."""
        return self.spacing_s / 2 if self.halved else len(self.ramp) * self.spacing_s

    def sampling(self) -> dict[str, Any]:
        """samples, dwell_s and centre_sample, as Encoding names them."""
        shape = self.shape
        return {"samples": shape.samples, "dwell_s": shape.dwell_s, "centre_sample": shape.samples // 2}

    def start(self, offset_m: float) -> tuple[Block, ...]:
        """The start-up, whose pulses are the numbers 0 to len(ramp) - 1."""
        phases = self._phases(0, len(self.ramp))
        if self.halved:
            wait = self.spacing_s / 2 - self.pulse.block_s
            balance = gentle_lobe(-2 * self.pulse.rephasing_area_T_s_per_m, wait, self.limits)
            return (self.ramp[0].block(float(phases[0]), offset_m), Block(duration_s=wait, slice=balance))
        blocks: list[Block] = []
        for pulse, phase in zip(self.ramp, phases, strict=True):
            blocks += [pulse.block(float(phase), offset_m), self._readout(0.0, 0.0, False)]
        return tuple(blocks)

    def views(self, k_phase: np.ndarray, sampled: np.ndarray, offset_m: float, first: int | None = None) -> tuple[Block, ...]:
        """The two blocks of views at k_phase (cycles/m), one repetition each; first: number of the first pulse.

        offset_m: of the slice along its normal, from the isocentre. By default the views follow the start-up.
        """
        phases = self._phases(len(self.ramp) if first is None else first, len(k_phase))
        return self.pulse.block(phases, offset_m), self._readout(k_phase, phases, sampled)

    def _phases(self, first: int, count: int) -> np.ndarray:
        """Of the pulses first..first + count - 1."""
        if self.spoiled:
            return spoil_phase_rad(first, count)
        return np.pi * (np.arange(first, first + count) % 2)

    def _readout(self, k_phase: Value, phase_rad: Value, sampled: bool | np.ndarray) -> Block:
        """The block between two pulses."""
        return Block(
            duration_s=self.readout_s,
            read=self.read,
            phase=self.phase,
            phase_scale=(k_phase + self.decode_per_m[1]) / self.phase_edge,
            slice=self.slice,
            adc=self.line.adc,
            adc_phase_rad=phase_rad,
            sampled=sampled,
        )


def design_view(
    protocol: ViewPrescription,
    limits: Limits,
    *,
    flip_rad: float | None = None,
    field: str = "flip_angle",
    spoiled: bool = False,
    decode_per_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> BalancedView:
    """The view that a protocol asks for; all lobes take the time there is. flip_rad, field: where it is not `flip_angle`.

    Errors: Refusal for flip, slice thickness, bandwidth or repetition time.
    """
    flip = protocol.flip_angle if flip_rad is None else flip_rad
    pulse = _pulse(protocol, flip, limits, field)
    shape = line_shape(
        protocol.matrix[0], protocol.fov[0], protocol.bandwidth, protocol.readout_oversampling, limits, EVEN_DWELL_S
    )
    edge = (protocol.matrix[1] // 2) / protocol.fov[1] + abs(decode_per_m[1])
    areas, along = _areas(protocol, pulse, edge, decode_per_m[2], spoiled), area_of(decode_per_m[0])
    _refuse_short(protocol, pulse, _shortest_readout(shape, areas, along, limits), areas[1], limits)
    block_s = protocol.repetition_time - pulse.block_s
    line = balanced_line(shape, block_s, limits)
    phase, slice_ = _lobes(line, block_s, areas, limits)
    return BalancedView(
        pulse=pulse,
        ramp=_ramp(protocol, flip, limits, field),
        halved=protocol.start_up == "half",
        read=_read(line, block_s, along, limits),
        phase=phase,
        slice=slice_,
        line=line,
        shape=shape,
        phase_edge=edge,
        spacing_s=protocol.repetition_time,
        flip_rad=flip,
        spoiled=spoiled,
        limits=limits,
        decode_per_m=decode_per_m,
    )


def _areas(
    protocol: ViewPrescription, pulse: SelectivePulse, edge: float, decode_per_m: float, spoiled: bool
) -> tuple[float, float, float]:
    """Of the lobes (T s/m): the phase's for `edge`, half the pulse's but for its decoding, and the slice's after the readout."""
    crush = area_of(SPOIL_CYCLES_PER_SLICE / protocol.slice_thickness) if spoiled else 0.0
    half = pulse.rephasing_area_T_s_per_m - area_of(decode_per_m)
    return area_of(edge), half, crush - half


def _refuse_short(protocol: ViewPrescription, pulse: SelectivePulse, readout_s: float, half: float, limits: Limits) -> None:
    """Errors: Refusal for a repetition time that is too short for pulse and readout, or for the start-up by halves."""
    shortest = pulse.block_s + readout_s
    if protocol.start_up == "half":
        shortest = max(shortest, 2 * (pulse.block_s + end_s(lobe(2 * half, limits))))
    refuse_spacing("repetition_time", protocol.repetition_time, shortest, "pulse, lobes and readout", TR_RASTER_S)


def _lobes(line: BalancedLine, block_s: float, areas: tuple[float, float, float], limits: Limits) -> tuple[Gradient, Gradient]:
    """Of the phase axis, wound and unwound, and of the slice axis, whose pulse is rephased before and prephased after."""
    edge, half, after = areas
    wind, unwind, rephase, prephase = (gentle_lobe(area, line.window_start_s, limits) for area in (edge, -edge, -half, after))
    return joined(wind, _late(unwind, block_s)), joined(rephase, _late(prephase, block_s))


def _pulse(protocol: ViewPrescription, flip_rad: float, limits: Limits, field: str) -> SelectivePulse:
    """The selective pulse of a flip."""
    pulse = sinc_pulse(flip_rad, protocol.excitation_duration, TIME_BANDWIDTH, limits, field=field)
    return centred(pulse, TIME_BANDWIDTH / protocol.excitation_duration, protocol.slice_thickness, limits)


def _ramp(protocol: ViewPrescription, flip_rad: float, limits: Limits, field: str) -> tuple[SelectivePulse, ...]:
    """The start-up's pulses, (k + 1/2) / n of the flip. Source: Deshpande et al., Magn Reson Med 49:151 (2003)."""
    count = 1 if protocol.start_up == "half" else protocol.start_up_views
    return tuple(_pulse(protocol, flip_rad * (k + 0.5) / count, limits, field) for k in range(count))


def _read(line: BalancedLine, block_s: float, along: float, limits: Limits) -> Gradient:
    """The line's trapezoid between two lobes that undo its halves, an area `along` added before and taken off after."""
    free = float(line.gradient.times_s[0])
    before, after = (gentle_lobe(area - line.half_area, free, limits) for area in (along, -along))
    return joined(joined(before, line.gradient), _late(after, block_s))


def _late(shape: Gradient, block_s: float) -> Gradient:
    """The lobe's mirror image at the block's end."""
    times = block_s - shape.times_s[::-1]
    return Gradient(times_s=times, values_T_per_m=shape.values_T_per_m[::-1])


def _shortest_readout(shape: LineShape, areas: tuple[float, ...], along: float, limits: Limits) -> float:
    """The shortest block that holds the line between its lobes, of an area `along` more, and those of the other axes."""
    flank = max(end_s(lobe(area, limits)) for area in areas)
    rise = ramp_s(shape.amplitude, limits)
    block_s = raster_up(balanced_plateau_s(shape, limits) + 2 * max(flank, rise), TR_RASTER_S)
    while True:
        line = balanced_line(shape, block_s, limits)
        free = min(
            line.window_start_s - flank, float(line.gradient.times_s[0]) - end_s(lobe(line.half_area + abs(along), limits))
        )
        if free > -1e-9:
            return block_s
        block_s += TR_RASTER_S
