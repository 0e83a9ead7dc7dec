"""CEST and APT: a train of saturation pulses at a list of offsets, each before a single shot of a slice: the Z-spectrum."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import Encoding, Limits, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.block_table import Block, BlockTable, definitions, pause
from fullbore.sequence.epi.slot import EpiSlot
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.module import Module, chained, wait_for
from fullbore.sequence.placement import interleaved
from fullbore.sequence.preparations import spoiling
from fullbore.sequence.prepared.planes import PlanesPrescription, plane_slot, shot_rows
from fullbore.sequence.prescription import Count, Duration, Field_T, Number, Time
from fullbore.sequence.pulses.saturation_train import SaturationTrain, Shape, saturation_train
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.refusal import Refusal

SPOIL_PER_M = 4000.0
MOST_PPM = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SaturationTransferEpi2d(PlanesPrescription):
    """Z-spectra by single-shot gradient-echo EPI after a saturation train.

    offsets_ppm: from water, one image each; far ones (-300) are the reference. saturation_b1: rms over the train, pauses
    included. saturation_duration, saturation_gap: of one pulse and the pause after it. repetition_time: of one train and its
    slice. dummy_images: at the first offset, unsampled.
    """

    offsets_ppm: tuple[float, ...]
    saturation_b1: Field_T = 2e-6
    saturation_pulses: Number = 20
    saturation_duration: Time = 90e-3
    saturation_gap: Duration = 10e-3
    saturation_shape: Shape = "sinc_gaussian"
    dummy_images: Count = 0


def saturation_transfer_epi_2d(protocol: SaturationTransferEpi2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    if not protocol.offsets_ppm or max(map(abs, protocol.offsets_ppm)) > MOST_PPM:
        legal = tuple(min(max(ppm, -MOST_PPM), MOST_PPM) for ppm in protocol.offsets_ppm) or (-300.0, 0.0)
        reason = f"one or more offsets up to {MOST_PPM:g} ppm"
        raise Refusal(field="offsets_ppm", asked=protocol.offsets_ppm, legal=legal, bound="nearest", reason=reason)
    slot, geometry, train = plane_slot(protocol, limits), protocol.geometry(), saturation_pulses(protocol, limits)
    table, rows = BlockTable(geometry, limits.block_raster_s), ReadoutRows(geometry, curves=slot.shot.curves)
    order = np.array(interleaved(protocol.slices))
    place = np.array(protocol.slice_positions_m())[order]
    for image in range(-protocol.dummy_images, len(protocol.offsets_ppm)):
        offset_Hz = protocol.offsets_ppm[max(image, 0)] * 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * limits.b0_T
        prepared = saturation_module(replace(train, frequency_Hz=offset_Hz), limits)
        used = prepared.duration_s + slot.length_s
        rest = wait_for("repetition_time", protocol.repetition_time, used, "saturation and shot", limits.block_raster_s)
        blocks = slot.blocks(place, np.zeros(len(place), dtype=np.int64), image >= 0)
        table.play(*rest.blocks, *prepared.blocks, *blocks, times=len(place))
        if image >= 0:
            columns = shot_rows(slot, order)
            facts = {"saturation_offset_Hz": offset_Hz, "b1_rms_T": protocol.saturation_b1}
            rows.add(columns.pop("count"), **columns, repetition=image, **facts)
    encoding = _encoding(protocol, slot, prepared, rows)
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def saturation_pulses(protocol: SaturationTransferEpi2d, limits: Limits) -> SaturationTrain:
    """The train on resonance. Errors: Refusal for B1 or gap."""
    count, gap = protocol.saturation_pulses, protocol.saturation_gap if protocol.saturation_pulses > 1 else 0.0
    b1, length, shape = protocol.saturation_b1, protocol.saturation_duration, protocol.saturation_shape
    return saturation_train(b1, 0.0, length, gap, count, limits, shape=shape)


def saturation_module(train: SaturationTrain, limits: Limits) -> Module:
    """A train and a spoiler; its centre is the train's end."""
    count, offset_Hz = train.count, train.frequency_Hz
    pulse, raster = train.pulse, limits.block_raster_s
    lead = raster_up(pulse.delay_s, raster)
    length = raster_up(pulse.delay_s + pulse.duration_s + limits.rf_ringdown_time_s, raster)
    blocks: list[Block] = []
    for number in range(count):
        phase = train.phase_rad(number)
        blocks.append(Block(duration_s=length, rf=pulse, rf_frequency_Hz=offset_Hz, rf_phase_rad=phase))
        if number < count - 1:
            blocks += pause(_raster(train.period_s - length, raster))
    whole = Module(blocks=tuple(blocks), centre_s=lead + train.duration_s)
    return chained(whole, spoiling((SPOIL_PER_M, SPOIL_PER_M, 0.0), limits))


def _raster(time_s: float, raster_s: float) -> float:
    return round(time_s / raster_s) * raster_s


def _encoding(protocol: SaturationTransferEpi2d, slot: EpiSlot, prepared: Module, rows: ReadoutRows) -> Encoding:
    """The table of readouts with its header."""
    return Encoding(
        geometry=protocol.geometry(),
        **slot.header(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=(protocol.echo_time,),
        protocol=protocol.name,
        parameters={
            "dummy_images": float(protocol.dummy_images),
            "saturation_b1_rms_T": protocol.saturation_b1,
            "saturation_to_excitation_s": prepared.tail_s + slot.lead_s,
            "saturation_train_s": prepared.centre_s,
        },
    )
