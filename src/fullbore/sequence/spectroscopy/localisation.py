"""Echoes of one voxel: a slice, refocusing slabs across it with crushers about each, and a readout that begins at the echo."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fullbore.data import Adc, Encoding, Gradient, Limits, Sequence
from fullbore.sequence.block_table import Block, BlockTable, definitions, pause
from fullbore.sequence.gradients import area_of, end_s, gentle_lobe, lobe, raster_down, raster_up, spoiler
from fullbore.sequence.module import wait_for
from fullbore.sequence.preparations.spoiling import spoiling
from fullbore.sequence.preparations.water_suppression import water_suppression
from fullbore.sequence.pulses import SelectivePulse, selective, slr_pulse
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.spectroscopy.prescription import VoxelPrescription

CRUSH_PER_M = 1500.0
"""What one unit of a crusher moves k by: one and a half cycles per millimetre."""
SLICE, PHASE, READ = 2, 1, 0
_START_RASTER_S = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slab:
    """A pulse with its gradient along one logical axis, tuned to a place."""

    pulse: SelectivePulse
    axis: int
    frequency_Hz: float = 0.0
    phase_rad: float = 0.0

    @property
    def tail_s(self) -> float:
        """From the centre to the block's end."""
        return self.pulse.block_s - self.pulse.centre_s

    def block(self, phase_rad: np.ndarray) -> Block:
        """Its block, with these RF phases, one per repetition."""
        read, phase, slice_ = (self.pulse.slice if axis == self.axis else None for axis in (READ, PHASE, SLICE))
        return Block(
            duration_s=self.pulse.block_s,
            rf=self.pulse.pulse,
            rf_frequency_Hz=self.frequency_Hz,
            rf_phase_rad=phase_rad + self.phase_rad,
            read=read,
            phase=phase,
            slice=slice_,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Localisation:
    """One repetition from the excitation to the end of the readout.

    crushers: (pulse, axis) units of CRUSH_PER_M, before and after each refocusing slab. lobes: one block each, before and after
    the slabs in turn. gaps_s: pauses before the slabs and before the readout. echo_s: from the excitation's centre.
    """

    excitation: Slab
    refocusing: tuple[Slab, ...]
    lobes: tuple[Block, ...]
    gaps_s: tuple[float, ...]
    adc: Adc
    readout_s: float
    echo_s: float

    def blocks(self, phases_rad: np.ndarray, receiver_rad: np.ndarray, sampled: np.ndarray) -> list[Block]:
        """phases_rad: (repetition, refocusing pulse)."""
        played = [self.excitation.block(np.zeros(len(sampled)))]
        for number, slab in enumerate(self.refocusing):
            played += [*pause(self.gaps_s[number]), self.lobes[2 * number], slab.block(phases_rad[:, number])]
            played.append(self.lobes[2 * number + 1])
        readout = Block(duration_s=self.readout_s, adc=self.adc, adc_phase_rad=receiver_rad, sampled=sampled)
        return [*played, *pause(self.gaps_s[-1]), readout]


def voxel_slab(protocol: VoxelPrescription, axis: int, make: Callable[[float, str], SelectivePulse]) -> SelectivePulse:
    """`make(thickness, field)` for one edge of the voxel. Errors: Refusal, that of the thickness as one of the voxel."""
    try:
        return make(protocol.voxel[axis], "voxel")
    except Refusal as refusal:
        if refusal.field != "voxel" or isinstance(refusal.legal, tuple):
            raise
        edges = tuple(refusal.legal if number == axis else edge for number, edge in enumerate(protocol.voxel))
        raise Refusal(field="voxel", asked=protocol.voxel, legal=edges, bound="smallest", reason=refusal.reason) from None


def excitation_slab(protocol: VoxelPrescription, limits: Limits) -> Slab:
    """A quarter turn of a slice. Errors: Refusal."""
    duration, product = protocol.excitation_duration, protocol.excitation_time_bandwidth
    pulse = slr_pulse(math.pi / 2, duration, product, limits, bandwidth_field="excitation_time_bandwidth")
    made = voxel_slab(protocol, SLICE, lambda edge, field: selective(pulse, product / duration, edge, limits, field=field))
    frequency, phase = made.tuning(protocol.offset_m(SLICE))
    return Slab(pulse=made, axis=SLICE, frequency_Hz=frequency, phase_rad=phase)


def localise(
    protocol: VoxelPrescription,
    excitation: Slab,
    refocusing: tuple[Slab, ...],
    crushers: tuple[tuple[int, int, int], ...],
    shares: Callable[[float], tuple[float, ...]] | None,
    limits: Limits,
) -> Localisation:
    """The repetition of an echo time.

    shares: the times between centres, excitation to first slab to ... to echo, of an echo time; None for the first slab as early
    as it can be and half the echo time to the second (PRESS). Errors: Refusal for the echo time.
    """
    lobes = _crushers(excitation, refocusing, crushers, limits)
    dwell = round(1 / protocol.spectral_bandwidth / limits.adc_raster_s) * limits.adc_raster_s
    first = limits.adc_dead_time_s + dwell / 2
    befores, afters = lobes[::2], lobes[1::2]
    starts = [excitation.tail_s, *(s.tail_s + crush.duration_s for s, crush in zip(refocusing, afters, strict=True))]
    ends = [*(crush.duration_s + s.pulse.centre_s for s, crush in zip(refocusing, befores, strict=True)), first]
    shortest = [start + end for start, end in zip(starts, ends, strict=True)]
    wanted = _wanted(protocol.echo_time, shortest, shares, limits)
    gaps = [raster_down(w - s, limits.block_raster_s) for w, s in zip(wanted, shortest, strict=True)]
    times = np.cumsum([gap + short for gap, short in zip(gaps[:-1], shortest[:-1], strict=True)])
    echo = 2 * float(np.sum(times[1::2] - times[::2]))
    start = float(times[-1]) + starts[-1]
    gaps[-1] = max(raster_down(echo - first - start, limits.block_raster_s), 0.0)
    delay = round((echo - dwell / 2 - start - gaps[-1]) / _START_RASTER_S) * _START_RASTER_S
    return Localisation(
        excitation=excitation,
        refocusing=refocusing,
        lobes=lobes,
        gaps_s=tuple(gaps),
        adc=Adc(samples=protocol.samples, dwell_s=dwell, delay_s=delay),
        readout_s=raster_up(delay + protocol.samples * dwell + limits.adc_dead_time_s, limits.block_raster_s),
        echo_s=start + gaps[-1] + delay + dwell / 2,
    )


def _wanted(
    echo_time_s: float, shortest_s: list[float], shares: Callable[[float], tuple[float, ...]] | None, limits: Limits
) -> tuple[float, ...]:
    """Times between centres. Errors: Refusal for an echo time in which they are shorter than can be."""
    if shares is None:
        wanted: tuple[float, ...] = (shortest_s[0], echo_time_s / 2, echo_time_s / 2 - shortest_s[0])
        least = max(2 * shortest_s[1], 2 * (shortest_s[0] + shortest_s[2]))
    else:
        wanted = shares(echo_time_s)
        least = max(echo_time_s * s / w for s, w in zip(shortest_s, wanted, strict=True))
    if echo_time_s < least - 1e-9:
        legal = raster_up(least, 2 * limits.block_raster_s)
        reason = f"pulses and crushers take {(least - echo_time_s) * 1e3:.3f} ms more"
        raise Refusal(field="echo_time", asked=echo_time_s, legal=legal, bound="shortest", reason=reason)
    return wanted


def _crushers(
    excitation: Slab, refocusing: tuple[Slab, ...], crushers: tuple[tuple[int, int, int], ...], limits: Limits
) -> tuple[Block, ...]:
    """Lobes before and after each slab: alike but for what the slab's own gradient leaves; the first rephases the slice."""
    areas = []
    for number, (slab, units) in enumerate(zip(refocusing, crushers, strict=True)):
        before = area_of(CRUSH_PER_M) * np.array(units, dtype=np.float64)
        after = before.copy()
        after[slab.axis] += slab.pulse.area_before_T_s_per_m - slab.pulse.rephasing_area_T_s_per_m
        if number == 0:
            before[excitation.axis] -= excitation.pulse.rephasing_area_T_s_per_m
        areas += [before, after]
    return tuple(_lobe_block(area, limits) for area in areas)


def _lobe_block(area: np.ndarray, limits: Limits) -> Block:
    """Lobes of areas along (read, phase, slice), as gentle as a spoiler of the largest."""
    largest = float(np.abs(area).max())
    length = raster_up(max(end_s(spoiler(largest / area_of(1.0), limits)), end_s(lobe(largest, limits))), limits.block_raster_s)
    read, phase, slice_ = (_part(float(part), length, limits) for part in area)
    return Block(duration_s=length, read=read, phase=phase, slice=slice_)


def _part(area: float, length_s: float, limits: Limits) -> Gradient | None:
    return gentle_lobe(area, length_s, limits) if area else None


def pathways_per_m(crushers: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """What the crushers leave of every coherence pathway but the wanted one, (pathway, axis), cycles/m.

    A pathway is its order (-1, 0, 1) before each refocusing pulse; after the last it is -1.
    """
    units = np.array(crushers, dtype=np.float64) * CRUSH_PER_M
    count = len(units)
    intervals = np.zeros((count + 1, 3))
    intervals[:count] += units
    intervals[1:] += units
    orders = np.stack(np.meshgrid(*[(-1, 0, 1)] * count, indexing="ij"), axis=-1).reshape(-1, count)
    orders = np.concatenate([orders, np.full((len(orders), 1), -1)], axis=1)
    wanted = -((-1.0) ** np.arange(count, -1, -1))
    return np.asarray(orders[(orders != wanted).any(axis=1)] @ intervals)


def spectrum_sequence(protocol: VoxelPrescription, local: Localisation, limits: Limits) -> Sequence:
    """Repetitions of water suppression and localisation. Errors: Refusal for the repetition time."""
    geometry = protocol.geometry()
    table = BlockTable(geometry, limits.block_raster_s)
    count = protocol.dummy_scans + protocol.averages
    number = np.arange(count) - protocol.dummy_scans
    quarter = np.stack([number // 4**place % 4 for place in range(len(local.refocusing))], axis=1)
    phases = np.pi / 2 * quarter
    signs = (-1.0) ** (len(local.refocusing) - 1 - np.arange(len(local.refocusing)))
    receiver = 2 * phases @ signs
    main = local.blocks(phases, receiver, number >= 0)
    lead = local.excitation.pulse.centre_s
    before = water_suppression(limits, tail_s=lead).blocks if protocol.water_suppression == "vapor" else ()
    end = spoiling((CRUSH_PER_M, 0.0, CRUSH_PER_M), limits).blocks
    used = sum(block.duration_s for block in (*before, *main, *end))
    rest = wait_for("repetition_time", protocol.repetition_time, used, "a repetition's events", limits.block_raster_s)
    table.play(*before, *main, *end, *rest.blocks, times=count)
    rows = ReadoutRows(geometry)
    zero = np.zeros(3)
    rows.add(protocol.averages, average=number[number >= 0], echo_time_s=local.echo_s, k_first=zero, k_step=zero)
    return table.finish(protocol.name, _encoding(protocol, local, rows), definitions(protocol.name, geometry, limits))


def _encoding(protocol: VoxelPrescription, local: Localisation, rows: ReadoutRows) -> Encoding:
    """The table of readouts with its header: k is 0 in all of them, and the first sample is the echo."""
    return Encoding(
        geometry=rows.geometry,
        samples=protocol.samples,
        dwell_s=local.adc.dwell_s,
        centre_sample=0,
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=math.pi / 2,
        refocusing_flip_rad=math.pi,
        echo_times_s=(local.echo_s,),
        protocol=protocol.name,
        parameters={
            "dummy_scans": float(protocol.dummy_scans),
            "spectral_bandwidth_Hz": 1 / local.adc.dwell_s,
            "water_suppressed": float(protocol.water_suppression == "vapor"),
        },
    )
