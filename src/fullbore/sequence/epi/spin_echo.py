"""The spin-echo EPI slot: excitation, references, weighting, refocusing, weighting, lines; slices, shots and volumes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fullbore.data import Encoding, Limits, Sequence
from fullbore.sequence.block_table import Block, BlockTable, definitions
from fullbore.sequence.epi.shot import EpiShot, design_shot, epi_lines
from fullbore.sequence.epi.weighting import Weighting
from fullbore.sequence.gradients import area_of, end_s, gentle_lobe, lobe, raster_down, raster_up
from fullbore.sequence.module import Module, heartbeat, wait_for
from fullbore.sequence.moments import b_tensor
from fullbore.sequence.placement import interleaved
from fullbore.sequence.preparations import fat_saturation, spoiling
from fullbore.sequence.prescription import Angle, Bandwidth, Count, Number, Share, StackPrescription, Time
from fullbore.sequence.pulses import SelectivePulse, selective, sinc_pulse
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.refusal import Refusal, refuse_spacing

TIME_BANDWIDTH = 4.0
REFOCUSING_TIME_BANDWIDTH = 3.0
CRUSH_PER_M = 800.0
"""Each crusher about the refocusing pulse, cycles/m along read and slice: under 2 mm voxels it is more than a turn."""
SPOIL_PER_M = 2500.0
_TENSOR = ("xx", "yy", "zz", "xy", "xz", "yz")
_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinEchoEpi2d(StackPrescription):
    """Fields of every diffusion-weighted spin-echo EPI.

    bandwidth: Hz per pixel; it sets the echo spacing. shots: interleaved ones that measure all lines together.
    partial_fourier: share of the lines, before those after k = 0. averages: of every volume.
    """

    repetition_time: Time
    echo_time: Time
    bandwidth: Bandwidth
    shots: Number = 1
    averages: Number = 1
    partial_fourier: Share = 1.0
    fat_saturation: bool = True
    dummy_volumes: Count = 0
    flip_angle: Angle = np.pi / 2
    refocusing_flip_angle: Angle = np.pi
    excitation_duration: Time = 3.2e-3
    refocusing_duration: Time = 4.8e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Volumes:
    """Volumes of one weighting: amplitude scale (volume,) and rotation (volume, 3, 3) of each."""

    weighting: Weighting
    scale: np.ndarray
    turn: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Slot:
    """The bricks of one slice, and the lengths of the two weighting blocks."""

    before: Module
    excitation: SelectivePulse
    refocusing: SelectivePulse
    crusher: Block
    shot: EpiShot
    first_s: float
    second_s: float
    spoil: Module

    @property
    def refocusing_s(self) -> float:
        """From the excitation's centre to the refocusing's."""
        lead = self.excitation.block_s - self.excitation.centre_s + self._references_s + self.first_s
        return lead + self.crusher.duration_s + self.refocusing.centre_s

    @property
    def _references_s(self) -> float:
        return self.shot.prephase_s + self.shot.references * self.shot.train.spacing_s

    @property
    def pause_s(self) -> float:
        """Between the weighting blocks."""
        return 2 * self.crusher.duration_s + self.refocusing.block_s

    @property
    def length_s(self) -> float:
        """From the first block's start to the last one's end."""
        readout = self.shot.wind_s + self.shot.lines_s + self.spoil.duration_s
        lead = self.before.duration_s + self.excitation.block_s + self._references_s
        return lead + self.first_s + self.pause_s + self.second_s + readout

    def blocks(self, volumes: Volumes, volume: np.ndarray, offset_m: np.ndarray, shot: np.ndarray, sampled: bool) -> list[Block]:
        """The blocks of repetitions: their volume, slice offset and shot, (repetition,) each."""
        scale, turn = volumes.scale[volume], volumes.turn[volume]
        first, second = volumes.weighting.blocks(self.first_s, self.second_s, scale, turn)
        references = [replace(block, sampled=sampled) for block in self.shot.reference_blocks()]
        lead = [
            _tuned(self.excitation, offset_m, 0.0),
            self.shot.prephase(-self.excitation.rephasing_area_T_s_per_m),
            *references,
        ]
        pulse = _tuned(self.refocusing, offset_m, np.pi / 2)
        lines = [self.shot.wind(self.shot.wind_s, shot), *self.shot.line_blocks(sampled)]
        return [*self.before.blocks, *lead, first, self.crusher, pulse, self.crusher, second, *lines, *self.spoil.blocks]

    def rows(self, shot: int) -> dict[str, Any]:
        """Columns of one shot's rows."""
        start = self.excitation.block_s - self.excitation.centre_s + self.shot.prephase_s
        first = self.refocusing_s * 2 - self.shot.centre_s
        return {**self.shot.rows(shot), "echo_time_s": self.shot.echo_times_s(first, start)}


def _tuned(selection: SelectivePulse, offset_m: np.ndarray, phase_rad: float) -> Block:
    tuning = np.array([selection.tuning(float(offset)) for offset in offset_m])
    return Block(
        duration_s=selection.block_s,
        rf=selection.pulse,
        slice=selection.slice,
        rf_frequency_Hz=tuning[:, 0],
        rf_phase_rad=tuning[:, 1] + phase_rad,
    )


def sides(protocol: SpinEchoEpi2d, limits: Limits) -> tuple[float, float, float]:
    """Time for weighting before the pulse, its pause, and time after it (s). Errors: Refusal when there is none."""
    slot = _design(protocol, limits)
    return slot.first_s, slot.pause_s, slot.second_s


def _design(protocol: SpinEchoEpi2d, limits: Limits) -> _Slot:
    """The bricks. Errors: Refusal for flips, thickness, bandwidth or echo time."""
    excitation = _selective(protocol, limits, "excitation", protocol.flip_angle, TIME_BANDWIDTH, "e")
    refocusing = _selective(protocol, limits, "refocusing", protocol.refocusing_flip_angle, REFOCUSING_TIME_BANDWIDTH, "r")
    shot = design_shot(
        matrix=protocol.matrix,
        fov_m=protocol.fov,
        oversampling=protocol.readout_oversampling,
        bandwidth=protocol.bandwidth,
        plane=epi_lines(protocol.matrix[1], protocol.shots, protocol.partial_fourier),
        limits=limits,
        slice_area=-excitation.rephasing_area_T_s_per_m,
        refocused=True,
    )
    crusher = _crusher(limits)
    slot = _Slot(
        before=fat_saturation(limits) if protocol.fat_saturation else Module(blocks=()),
        excitation=excitation,
        refocusing=refocusing,
        crusher=crusher,
        shot=shot,
        first_s=0.0,
        second_s=0.0,
        spoil=spoiling((SPOIL_PER_M, 0.0, SPOIL_PER_M), limits),
    )
    late = crusher.duration_s + refocusing.block_s - refocusing.centre_s + shot.wind_s + shot.centre_s
    raster, half = limits.block_raster_s, protocol.echo_time / 2
    spare = min(half - slot.refocusing_s, half - late)
    if spare < -1e-9:
        refuse_spacing("echo_time", protocol.echo_time, 2 * (half - spare), "pulses and half the shot", 2 * raster)
    first, second = half - slot.refocusing_s, half - late
    if abs(first / raster - round(first / raster)) > 1e-3 or abs(second / raster - round(second / raster)) > 1e-3:
        return _design(replace(protocol, echo_time=_nearest(protocol.echo_time, first, second, raster)), limits)
    return replace(slot, first_s=round(first / raster) * raster, second_s=round(second / raster) * raster)


def _nearest(echo_time_s: float, first_s: float, second_s: float, raster_s: float) -> float:
    """Errors: Refusal always: the next echo time whose halves lie on the block raster."""
    legal = echo_time_s + 2 * (raster_up(first_s, raster_s) - first_s)
    reason = f"both sides of the refocusing lie on a raster of {raster_s * 1e6:g} us"
    raise Refusal(field="echo_time", asked=echo_time_s, legal=legal, bound="nearest", reason=reason)


def _selective(
    protocol: SpinEchoEpi2d, limits: Limits, name: str, flip_rad: float, time_bandwidth: float, use: str
) -> SelectivePulse:
    duration = getattr(protocol, f"{name}_duration")
    field = "flip_angle" if use == "e" else "refocusing_flip_angle"
    pulse = sinc_pulse(flip_rad, duration, time_bandwidth, limits, use=use, field=field, duration_field=f"{name}_duration")
    return selective(pulse, time_bandwidth / duration, protocol.slice_thickness, limits)


def _crusher(limits: Limits) -> Block:
    """One of the pair about the refocusing pulse."""
    length = raster_up(1.5 * end_s(lobe(area_of(CRUSH_PER_M), limits)), limits.block_raster_s)
    crush = gentle_lobe(area_of(CRUSH_PER_M), length, limits)
    return Block(duration_s=length, read=crush, slice=crush)


def play_volumes(
    protocol: SpinEchoEpi2d,
    limits: Limits,
    parts: list[Volumes],
    heart_period_s: float = 0.0,
    trigger_delay_s: float = 0.0,
) -> Sequence:
    """All volumes of all parts, average by average, shot by shot; with a heart period every slot waits for the trigger."""
    slot = _design(protocol, limits)
    geometry = protocol.geometry()
    table = BlockTable(geometry, limits.block_raster_s)
    rows = ReadoutRows(geometry, curves=slot.shot.curves)
    order = np.array(interleaved(protocol.slices))
    waits = _waits(protocol, slot, limits, heart_period_s, trigger_delay_s)
    place = np.array(protocol.slice_positions_m())[order]
    number = 0
    for average in range(-protocol.dummy_volumes, protocol.averages):
        played = parts if average >= 0 else parts[:1]
        number = 0
        for part in played:
            volumes, shots = (index.ravel() for index in np.indices((len(part.scale), protocol.shots)))
            every = np.repeat(volumes, len(order)), np.tile(place, len(volumes)), np.repeat(shots, len(order))
            each = (*waits[0].blocks, *slot.blocks(part, *every, average >= 0), *waits[1].blocks)
            table.play_rounds((each, len(order)), (waits[2].blocks, 1), rounds=len(volumes))
            for volume in range(len(part.scale) if average >= 0 else 0):
                counters = {"repetition": number + volume, "average": average, **_measures(protocol, slot, part, volume)}
                for shot in range(protocol.shots):
                    _add_shot(slot, rows, order, shot, counters)
            number += len(part.scale)
    return table.finish(protocol.name, _encoding(protocol, slot, rows), definitions(protocol.name, geometry, limits))


def _waits(
    protocol: SpinEchoEpi2d, slot: _Slot, limits: Limits, heart_period_s: float, trigger_delay_s: float
) -> tuple[Module, Module, Module]:
    """Before each slot, after each slot, after all slices. Errors: Refusal for the repetition time or the heart's."""
    raster, nothing = limits.block_raster_s, Module(blocks=())
    if heart_period_s:
        trigger = heartbeat(duration_s=raster_up(1e-3, raster))
        lead = slot.before.duration_s + slot.excitation.centre_s
        delay = wait_for("trigger_delay", trigger_delay_s, trigger.duration_s + lead, "trigger and preparation", raster)
        used = trigger.duration_s + delay.duration_s + slot.length_s
        rest = wait_for("heart_period", heart_period_s, used, "delay and shot", raster)
        refuse = protocol.slices * heart_period_s
        refuse_spacing("repetition_time", protocol.repetition_time, refuse, f"{protocol.slices} heartbeats", raster)
        end = wait_for("repetition_time", protocol.repetition_time, refuse, "heartbeats", raster)
        return Module(blocks=trigger.blocks + delay.blocks), rest, end
    each = raster_down(protocol.repetition_time / protocol.slices, raster)
    if each < slot.length_s - 1e-9:
        reason = f"{protocol.slices} slices' shots"
        refuse_spacing("repetition_time", protocol.repetition_time, protocol.slices * slot.length_s, reason, raster)
    after = wait_for("repetition_time", each, slot.length_s, "a shot", raster)
    end = wait_for("repetition_time", protocol.repetition_time, protocol.slices * each, "shots", raster)
    return nothing, after, end


def _measures(protocol: SpinEchoEpi2d, slot: _Slot, part: Volumes, volume: int) -> dict[str, float]:
    """The b-tensor of a volume in LPS with all imaging gradients up to the echo, its trace by the same name."""
    one = np.array([volume])
    blocks = slot.blocks(part, one, np.zeros(1), np.zeros(1, dtype=np.int64), True)
    turned = [replace(block, **_one_turn(block)) if block.turn is not None else block for block in blocks]
    start = slot.before.duration_s + slot.excitation.centre_s
    refocusing = (start + slot.refocusing_s,)
    tensor = b_tensor(turned, excitation_s=start, refocusing_s=refocusing, end_s=start + 2 * slot.refocusing_s)
    geometry = protocol.geometry()
    frame = np.stack([geometry.read, geometry.phase, geometry.slice])
    tensor = frame.T @ tensor @ frame
    found = {f"b_{name}_s_per_m2": float(tensor[pair]) for name, pair in zip(_TENSOR, _PAIRS, strict=True)}
    return {"b_value_s_per_m2": float(np.trace(tensor)), **found}


def _one_turn(block: Block) -> dict[str, Any]:
    """A turned block of one repetition as gradients on the logical axes."""
    assert block.turn is not None
    turn = np.asarray(block.turn).reshape(3, 3)
    shapes = [(gradient, turn[:, axis]) for axis, gradient in enumerate(block.gradients) if gradient is not None]
    scale = float(np.ravel(block.read_scale)[0])
    made: dict[str, Any] = {"turn": None, "read_scale": 1.0, "phase_scale": 1.0, "slice_scale": 1.0}
    for axis, name in enumerate(("read", "phase", "slice")):
        made[name] = None
        for gradient, column in shapes:
            part = replace(gradient, values_T_per_m=scale * column[axis] * gradient.values_T_per_m)
            made[name] = (
                part if made[name] is None else replace(part, values_T_per_m=part.values_T_per_m + made[name].values_T_per_m)
            )
    return made


def _add_shot(slot: _Slot, rows: ReadoutRows, order: np.ndarray, shot: int, counters: dict[str, Any]) -> None:
    """Rows of one shot of every slice."""
    columns = slot.rows(shot)
    each = len(columns["line"])
    columns = {
        name: np.tile(value, (len(order), *[1] * (value.ndim - 1))) if np.ndim(value) else value
        for name, value in columns.items()
    }
    rows.add(each * len(order), **columns, **counters, slice=np.repeat(order, each))


def _encoding(protocol: SpinEchoEpi2d, slot: _Slot, rows: ReadoutRows) -> Encoding:
    """The table of readouts with its header."""
    train = slot.shot.train
    return Encoding(
        geometry=protocol.geometry(),
        samples=train.adc.samples,
        dwell_s=train.adc.dwell_s,
        centre_sample=train.adc.samples // 2,
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        refocusing_flip_rad=protocol.refocusing_flip_angle,
        echo_spacing_s=train.spacing_s,
        echo_train_length=slot.shot.plane.lines.shape[1],
        echo_times_s=(protocol.echo_time,),
        protocol=protocol.name,
        parameters={
            "dummy_volumes": float(protocol.dummy_volumes),
            "echo_spacing_s": train.spacing_s,
            "effective_echo_spacing_s": train.spacing_s / protocol.shots,
            "shots": float(protocol.shots),
        },
    )
