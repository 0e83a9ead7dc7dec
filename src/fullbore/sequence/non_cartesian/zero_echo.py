"""Zero echo time with single points in the middle (PETRA): the gradient is on before, during and after the pulse."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import Adc, Encoding, Gradient, Limits, RfPulse, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.block_table import Block, BlockTable, definitions
from fullbore.sequence.gradients import raster_down, raster_up
from fullbore.sequence.non_cartesian.directions import pole_to_pole, refuse_unequal
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Number, SlabPrescription, Time
from fullbore.sequence.pulses import hard_pulse
from fullbore.sequence.read_line import line_shape
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.refusal import Refusal, refuse_spacing
from fullbore.sequence.spoiled_view import spoil_phase_rad

_GENTLE = 0.7
"""Steps between shots use that much of the slew rate, for the nerves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Petra3d(SlabPrescription):
    """Zero echo time; fov and matrix are equal along all axes, and so is the field of view that the pulse excites.

    The gradient only steps from direction to direction between shots, which is silent. repetition_time: from pulse to pulse.
    bandwidth: Hz per pixel of a whole spoke. spokes: half-spokes on a spiral from pole to pole. The centre that the pulse,
    its ring-down and the receiver's dead time leave out is measured point by point, with weaker gradients.
    """

    repetition_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    spokes: Number
    dummy_shots: Count = 100
    excitation_duration: Time = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shot:
    """ramp_s: from one gradient to the next, at the start of the pulse's block. first_s: pulse centre to first sample."""

    pulse: RfPulse
    adc: Adc
    amplitude: float
    ramp_s: float
    pulse_block_s: float
    read_block_s: float
    first_s: float

    def blocks(self, before: np.ndarray, now: np.ndarray, phase_rad: np.ndarray, sampled: bool) -> tuple[Block, ...]:
        """Pulse and readout under gradients `now`, (repetition, 3), shares of the amplitude, coming from `before`."""
        top, end = self.amplitude, self.pulse_block_s
        fall = Gradient(times_s=np.array([0.0, self.ramp_s]), values_T_per_m=np.array([top, 0.0]))
        rise = Gradient(times_s=np.array([0.0, self.ramp_s, end]), values_T_per_m=np.array([0.0, top, top]))
        hold = Gradient(times_s=np.array([0.0, self.read_block_s]), values_T_per_m=np.array([top, top]))
        mix = np.stack([before, now, 0 * now], axis=2)
        pulse = Block(duration_s=end, rf=self.pulse, rf_phase_rad=phase_rad, read=fall, phase=rise, turn=mix)
        read = Block(
            duration_s=self.read_block_s,
            read=hold,
            phase=hold,
            slice=hold,
            read_scale=now[:, 0],
            phase_scale=now[:, 1],
            slice_scale=now[:, 2],
            adc=self.adc,
            adc_phase_rad=phase_rad,
            sampled=sampled,
        )
        return pulse, read

    def last(self, before: np.ndarray) -> Block:
        """The gradient goes out."""
        fall = Gradient(times_s=np.array([0.0, self.ramp_s]), values_T_per_m=np.array([self.amplitude, 0.0]))
        x, y, z = (float(part) for part in before)
        return Block(duration_s=self.ramp_s, read=fall, phase=fall, slice=fall, read_scale=x, phase_scale=y, slice_scale=z)


def petra_3d(protocol: Petra3d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    refuse_unequal(protocol.matrix, protocol.fov, 3)
    geometry, shot = protocol.geometry(), _design(protocol, limits)
    spokes, dummies = protocol.spokes, protocol.dummy_shots
    reach = GYROMAGNETIC_RATIO_HZ_PER_T * shot.amplitude * shot.first_s
    points = centre_points(reach * protocol.fov[0]) / (reach * protocol.fov[0])
    gradient = np.concatenate([pole_to_pole(spokes), points])
    _refuse_step(protocol, shot, np.concatenate([gradient, np.zeros((1, 3))]), limits)
    table, rows = BlockTable(geometry, limits.block_raster_s), ReadoutRows(geometry)
    phase = spoil_phase_rad(0, dummies + len(gradient))
    still = np.broadcast_to(gradient[:1], (dummies, 3))
    # The first shot comes from rest.
    played = np.concatenate([np.zeros((1, 3)), still, gradient])
    table.play(*shot.blocks(played[:dummies], still, phase[:dummies], False), times=dummies)
    table.play(*shot.blocks(played[dummies:-1], gradient, phase[dummies:], True), times=len(gradient))
    table.play(shot.last(gradient[-1]))
    number = np.arange(len(gradient))
    rows.add(
        len(gradient),
        line=number,
        segment=(number >= spokes).astype(np.int64),
        echo_time_s=shot.first_s,
        k_first=reach * gradient,
        k_step=reach * gradient * (shot.adc.dwell_s / shot.first_s),
    )
    encoding = Encoding(
        geometry=geometry,
        samples=shot.adc.samples,
        dwell_s=shot.adc.dwell_s,
        centre_sample=0,
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=(shot.first_s,),
        acceleration=(max(np.pi * protocol.matrix[0] ** 2 / spokes, 1.0), 1.0),
        protocol=protocol.name,
        parameters={"dummy_shots": float(dummies), "spokes": float(spokes), "single_points": float(len(points))},
    )
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def centre_points(radius: float) -> np.ndarray:
    """Points of the integer grid within a radius, (point, 3), in an order whose steps are small; the centre comes last.

    What the centre's shot leaves behind is dephased by nothing, so no other shot may follow it.
    """
    reach = math.floor(radius)
    x = np.arange(-reach, reach + 1)
    grid = np.stack(np.meshgrid(x, x, x, indexing="ij"), axis=-1)
    grid[:, 1::2] = grid[:, 1::2, ::-1]
    grid[1::2] = grid[1::2, ::-1]
    points = grid.reshape(-1, 3)
    within = points[(np.linalg.norm(points, axis=1) <= radius) & points.any(axis=1)]
    return np.concatenate([within, np.zeros((1, 3), dtype=within.dtype)])


def _design(protocol: Petra3d, limits: Limits) -> _Shot:
    """The bricks. Errors: Refusal for bandwidth, flip and repetition time."""
    _refuse_profile(protocol)
    pulse = hard_pulse(protocol.flip_angle, protocol.excitation_duration, limits)
    shape = line_shape(protocol.matrix[0], protocol.fov[0], protocol.bandwidth, protocol.readout_oversampling, limits)
    raster = limits.block_raster_s
    on = raster_up(pulse.duration_s + limits.rf_ringdown_time_s, raster)
    first = on - pulse.centre_s + limits.adc_dead_time_s + shape.dwell_s / 2
    lost = math.floor(first / shape.dwell_s)
    samples = max(shape.samples // 2 - lost, 1) + 1
    delay = raster_up(limits.adc_dead_time_s, limits.rf_raster_s)
    read = raster_up(delay + samples * shape.dwell_s + limits.adc_dead_time_s, raster)
    shortest = limits.rf_dead_time_s
    refuse_spacing(
        "repetition_time", protocol.repetition_time, on + read + raster_up(shortest, raster), "pulse and readout", raster
    )
    ramp = raster_down(protocol.repetition_time - on - read, raster)
    return _Shot(
        pulse=replace(pulse, delay_s=ramp),
        adc=Adc(samples=samples, dwell_s=shape.dwell_s, delay_s=delay),
        amplitude=shape.amplitude,
        ramp_s=ramp,
        pulse_block_s=ramp + on,
        read_block_s=read,
        first_s=on - pulse.centre_s + delay + shape.dwell_s / 2,
    )


def _refuse_profile(protocol: Petra3d) -> None:
    """The hard pulse must reach the edge of the field of view under the gradient: to sinc(1/2) = 64 % of its flip."""
    highest = 1 / (protocol.matrix[0] * protocol.excitation_duration)
    if protocol.bandwidth > highest * (1 + 1e-9):
        legal = math.floor(highest * 10) / 10
        reason = "the pulse would not reach the edge of the field of view"
        raise Refusal(field="bandwidth", asked=protocol.bandwidth, legal=legal, bound="highest", reason=reason)


def _refuse_step(protocol: Petra3d, shot: _Shot, gradient: np.ndarray, limits: Limits) -> None:
    """The ramps between shots must be slow enough."""
    step = shot.amplitude * max(float(np.linalg.norm(np.diff(gradient, axis=0), axis=1).max()), 1.0)
    needed = raster_up(step / (_GENTLE * limits.slew_T_per_m_s), limits.block_raster_s)
    if needed > shot.ramp_s + 1e-9:
        shortest = protocol.repetition_time + needed - shot.ramp_s
        refuse_spacing("repetition_time", protocol.repetition_time, shortest, "steps of the gradient", limits.block_raster_s)
