"""PCASL: blood is labelled by flow through a plane, waits while background suppression nulls tissue, and is read by EPI."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.optimize import least_squares

from fullbore.data import Encoding, Limits, Sequence
from fullbore.sequence.block_table import Block, BlockTable, definitions
from fullbore.sequence.epi.slot import EpiSlot
from fullbore.sequence.module import Module, chained, wait_for
from fullbore.sequence.preparations import inversion, spoiling
from fullbore.sequence.preparations.arterial_labelling import LabellingTrain, labelling_train
from fullbore.sequence.prepared.planes import PlanesPrescription, plane_slot, shot_rows
from fullbore.sequence.prescription import Count, Field_T, Number, Position, Time, Unit
from fullbore.sequence.pulses import selective, slr_pulse
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.refusal import Refusal

GradientStrength = Annotated[float, Unit("gradient"), Field(gt=0)]
SATURATION_S, SATURATION_BANDWIDTH_TIME = 5.12e-3, 8.0
SLAB_MARGIN = 1.1
"""The saturated slab over the stack."""
_SPOILS = ((4000.0, 0.0, 4000.0), (0.0, 5000.0, 0.0))
SUPPRESSED_T1_S = (0.83, 1.33, 4.0)
"""White matter, grey matter, CSF at 3 T: what background suppression is to null."""
_SUPPRESSION_WEIGHTS = (0.7, 0.82, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PcaslEpi2d(PlanesPrescription):
    """Pseudo-continuous arterial spin labelling with two inversions of background suppression, read by EPI.

    label_duration: of the train. post_label_delay: from its end to the first slice's excitation. label_offset: of the plane
    from the stack's centre along its normal. label_b1, label_gradient_mean: averages over the train; label_gradient: during
    the pulses. balanced: control has the label's mean gradient. pairs: of label (set 0) and control (set 1), after a
    calibration image without either (set 2) when `calibration` says so.
    """

    label_duration: Time = 1.8
    post_label_delay: Time = 1.8
    label_offset: Position = -90e-3
    label_b1: Field_T = 1.6e-6
    label_gradient: GradientStrength = 6e-3
    label_gradient_mean: GradientStrength = 0.6e-3
    label_pulse_duration: Time = 500e-6
    label_period: Time = 1.2e-3
    balanced: bool = False
    background_suppression: bool = True
    inversion_duration: Time = 10e-3
    pairs: Number = 30
    calibration: bool = True
    dummy_pairs: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labelling:
    """What comes before the slices of an image: saturation, train, waits and inversions.

    inversions_s: from each inversion's centre to the first excitation. saturation_s: from the saturation to it.
    delay_s: from the train's end to it.
    """

    before: Module
    train: LabellingTrain
    pulses: int
    after: Module
    inversions_s: tuple[float, ...]
    saturation_s: float
    delay_s: float

    @property
    def duration_s(self) -> float:
        """From the saturation's start to the first slice's slot."""
        return self.before.duration_s + self.pulses * self.train.period_s + self.after.duration_s


def pcasl_epi_2d(protocol: PcaslEpi2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    slot, geometry = plane_slot(protocol, limits), protocol.geometry()
    labelling = design_labelling(protocol, slot, limits)
    table, rows = BlockTable(geometry, limits.block_raster_s), ReadoutRows(geometry, curves=slot.shot.curves)
    used = labelling.duration_s + protocol.slices * slot.length_s
    rest = wait_for("repetition_time", protocol.repetition_time, used, "labelling, delay and shots", limits.block_raster_s)
    if protocol.calibration:
        alone = wait_for(
            "repetition_time", protocol.repetition_time, protocol.slices * slot.length_s, "shots", limits.block_raster_s
        )
        table.play(*alone.blocks)
        _play_slices(protocol, slot, table, True)
        _add(protocol, slot, labelling, rows, -1, 0)
    plane_m = float(geometry.centre_m @ geometry.slice) + protocol.label_offset
    for pair in range(-protocol.dummy_pairs, protocol.pairs):
        for label in (True, False):
            table.play(*rest.blocks, *labelling.before.blocks)
            step = labelling.train.block(labelling.pulses, plane_m, label=label, balanced=protocol.balanced)
            table.play(step, times=labelling.pulses)
            table.play(*labelling.after.blocks)
            _play_slices(protocol, slot, table, pair >= 0)
            if pair >= 0:
                _add(protocol, slot, labelling, rows, int(label), pair)
    encoding = _encoding(protocol, slot, labelling, rows)
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def design_labelling(protocol: PcaslEpi2d, slot: EpiSlot, limits: Limits) -> Labelling:
    """Train, saturation and inversions in their places. Errors: Refusal for the label's fields and the delay."""
    train = labelling_train(
        pulse_s=protocol.label_pulse_duration,
        period_s=protocol.label_period,
        b1_mean_T=protocol.label_b1,
        peak_T_per_m=protocol.label_gradient,
        mean_T_per_m=protocol.label_gradient_mean,
        limits=limits,
    )
    _refuse_plane(protocol)
    pulses = max(round(protocol.label_duration / protocol.label_period), 1)
    before = slab_saturation(protocol, limits) if protocol.background_suppression else Module(blocks=())
    labelled_s = before.tail_s + pulses * train.period_s
    after, inversions_s = _delay(protocol, slot, labelled_s, limits)
    delay = _after(after, slot)
    return Labelling(
        before=before,
        train=train,
        pulses=pulses,
        after=after,
        inversions_s=inversions_s,
        saturation_s=labelled_s + delay if protocol.background_suppression else math.inf,
        delay_s=delay,
    )


def _delay(protocol: PcaslEpi2d, slot: EpiSlot, labelled_s: float, limits: Limits) -> tuple[Module, tuple[float, ...]]:
    """From the train's end, `labelled_s` after the saturation, to the shots; and the inversions' times before the excitation."""
    whole, raster = protocol.post_label_delay, limits.block_raster_s
    if not protocol.background_suppression:
        return wait_for("post_label_delay", whole, slot.lead_s, "the shot's preparation", raster), ()
    invert = inversion(protocol.inversion_duration, limits)
    latest = whole - invert.centre_s
    closest = invert.tail_s + slot.lead_s
    least = 2 * invert.duration_s + slot.lead_s
    wait_for("post_label_delay", whole, least, "two inversions and the shot's preparation", raster)
    times = suppression_times(labelled_s + whole, latest, closest, invert.duration_s)
    first = wait_for("post_label_delay", whole - times[0], invert.centre_s, "an inversion", raster)
    second = wait_for("post_label_delay", times[0] - times[1], invert.duration_s, "two inversions", raster)
    spent = first.duration_s + second.duration_s + 2 * invert.duration_s + slot.lead_s
    third = wait_for("post_label_delay", whole, spent, "two inversions", raster)
    after = chained(first, invert, second, invert, third)
    late = _after(after, slot) - first.duration_s - invert.centre_s
    return after, (late, late - second.duration_s - invert.duration_s)


def suppression_times(total_s: float, latest_s: float, closest_s: float, apart_s: float) -> tuple[float, float]:
    """Times before the excitation of the two inversions that leave least of SUPPRESSED_T1_S, `total_s` after a saturation."""
    weights = np.array(_SUPPRESSION_WEIGHTS)

    def residue(x: np.ndarray) -> np.ndarray:
        second = closest_s + x[1] * (latest_s - apart_s - closest_s)
        first = second + apart_s + x[0] * (latest_s - second - apart_s)
        return np.asarray(weights * suppressed(np.array(SUPPRESSED_T1_S), total_s, (float(first), float(second))))

    best = min(
        (least_squares(residue, start, bounds=(0, 1)) for start in ((0.8, 0.2), (0.5, 0.4), (0.9, 0.05))),
        key=lambda found: found.cost,
    )
    second = closest_s + best.x[1] * (latest_s - apart_s - closest_s)
    return float(second + apart_s + best.x[0] * (latest_s - second - apart_s)), float(second)


def suppressed(t1_s: np.ndarray, saturation_s: float, inversions_s: tuple[float, ...]) -> np.ndarray:
    """Mz / M0 after a saturation and perfect inversions, each so long before."""
    mz, clock = np.zeros_like(t1_s), saturation_s
    for time in (*inversions_s, 0.0):
        mz = 1 - (1 - mz) * np.exp(-(clock - time) / t1_s)
        mz, clock = (-mz if time else mz), time
    return np.asarray(mz)


def slab_saturation(protocol: PcaslEpi2d, limits: Limits) -> Module:
    """Two saturations of the stack, each spoiled; the centre is the second one's."""
    thickness = SLAB_MARGIN * (protocol.slices * protocol.slice_thickness + (protocol.slices - 1) * protocol.slice_gap)
    pulse = slr_pulse(
        math.pi / 2, SATURATION_S, SATURATION_BANDWIDTH_TIME, limits, purpose="saturation", duration_field="slice_thickness"
    )
    chosen = selective(pulse, SATURATION_BANDWIDTH_TIME / SATURATION_S, thickness, limits)
    geometry = protocol.geometry()
    frequency, phase = chosen.tuning(float(geometry.centre_m @ geometry.slice))
    block = Block(duration_s=chosen.block_s, rf=chosen.pulse, slice=chosen.slice, rf_frequency_Hz=frequency, rf_phase_rad=phase)
    played = Module(blocks=(block,), centre_s=chosen.centre_s)
    parts = [part for spoil in _SPOILS for part in (played, spoiling(spoil, limits))]
    return chained(*parts, centre=2)


def _after(after: Module, slot: EpiSlot) -> float:
    """From the train's end to the first slice's excitation."""
    return after.duration_s + slot.lead_s


def _refuse_plane(protocol: PcaslEpi2d) -> None:
    """Errors: Refusal for a plane inside the stack."""
    half = (protocol.slices * protocol.slice_thickness + (protocol.slices - 1) * protocol.slice_gap) / 2 + 10e-3
    if abs(protocol.label_offset) < half:
        legal = math.copysign(math.ceil(half * 1e3) * 1e-3, protocol.label_offset)
        reason = "the plane must lie 10 mm outside the stack"
        raise Refusal(field="label_offset", asked=protocol.label_offset, legal=legal, bound="nearest", reason=reason)


def _play_slices(protocol: PcaslEpi2d, slot: EpiSlot, table: BlockTable, sampled: bool) -> None:
    """All slices, from the labelling plane's side upwards."""
    place = np.array(protocol.slice_positions_m())
    table.play(*slot.blocks(place, np.zeros(len(place), dtype=np.int64), sampled), times=len(place))


def _add(protocol: PcaslEpi2d, slot: EpiSlot, labelling: Labelling, rows: ReadoutRows, labelled: int, pair: int) -> None:
    """Rows of one image. labelled: 1 label, 0 control, -1 neither."""
    columns = shot_rows(slot, np.arange(protocol.slices))
    delay = labelling.delay_s + columns["slice"] * slot.length_s
    number = {1: 0, 0: 1, -1: 2}[labelled]
    facts = {"labelled": labelled, "post_label_delay_s": delay if labelled >= 0 else np.nan}
    rows.add(columns.pop("count"), **columns, set=number, repetition=pair, **facts)


def _encoding(protocol: PcaslEpi2d, slot: EpiSlot, labelling: Labelling, rows: ReadoutRows) -> Encoding:
    """The table of readouts with its header."""
    suppression = {f"inversion_{number + 1}_s": time for number, time in enumerate(labelling.inversions_s)}
    saturation = {"saturation_s": labelling.saturation_s} if labelling.inversions_s else {}
    return Encoding(
        geometry=protocol.geometry(),
        **slot.header(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=(protocol.echo_time,),
        protocol=protocol.name,
        parameters={
            "label_duration_s": labelling.pulses * labelling.train.period_s,
            "label_offset_m": protocol.label_offset,
            "post_label_delay_s": labelling.delay_s,
            "slot_s": slot.length_s,
            **saturation,
            **suppression,
        },
    )
