"""T1rho: spin locks of several lengths, each before a train of spoiled views that begins at the centre of k-space (MAPSS)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fullbore.data import Encoding, Limits, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.block_table import Block, BlockTable, definitions
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.module import Module, chained, wait_for
from fullbore.sequence.preparations import fat_saturation, saturation, spoiling
from fullbore.sequence.preparations.saturation import alone
from fullbore.sequence.prescription import Angle, Bandwidth, Field_T, Number, SlabPrescription, Time
from fullbore.sequence.pulses.spin_lock import adiabatic_spin_lock, spin_lock
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.spoiled_view import View, design_view, spoil_phase_rad

SPOIL_PER_M = 4000.0
LOCK_RASTER_S = 40e-6
"""A lock's quarters lie on the raster of shapes."""
SHORTEST_LOCK_S = 400e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class T1Rho3d(SlabPrescription):
    """Spin-locked segmented 3D spoiled gradient echo.

    spin_lock_times: one image each, of `spin_lock_b1` (gamma B1 is the lock's frequency). spin_lock: how errors of B1 and B0
    are undone (adiabatic:
    half passages hold the spins to the lock). recovery_time: from the saturation that makes all shots equal
    to the lock. phase_cycle: every shot again with
    the magnetisation stored upside down; the difference is free of what relaxed after the lock. views_per_train: after one lock.
    One saturation more comes before all, for what a saturation leaves depends on what it finds.
    """

    spin_lock_times: tuple[Time, ...]
    spin_lock_b1: Field_T
    spin_lock: Literal["simple", "rotary_echo", "balanced", "adiabatic"] = "adiabatic"
    recovery_time: Time
    echo_time: Time
    echo_spacing: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    views_per_train: Number = 64
    phase_cycle: bool = True
    fat_saturation: bool = True
    excitation_duration: Time = 100e-6


def t1rho_3d(protocol: T1Rho3d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken."""
    view = design_view(protocol, "echo_spacing", limits)
    geometry = protocol.geometry()
    _refuse_times(protocol)
    trains = centric_trains(protocol.matrix[1:], protocol.fov[1:], protocol.views_per_train)
    table, rows = BlockTable(geometry, limits.block_raster_s), ReadoutRows(geometry)
    befores = [_recovered(protocol, limits, number) for number in range(3)]
    table.play(*befores[-1].blocks)
    shots = 0
    for number, lock_s in enumerate(protocol.spin_lock_times):
        for cycle in range(1 + protocol.phase_cycle):
            locking = spin_lock_module(protocol, lock_s, bool(cycle), limits)
            for segment, points in enumerate(trains):
                lock, shots = chained(befores[shots % 3], locking), shots + 1
                table.play(*lock.blocks)
                _play_views(protocol, view, points, cycle, table)
                measured = {"line": points[:, 0], "partition": points[:, 1], "segment": segment}
                counters = {"set": number, "average": cycle}
                lock_Hz = GYROMAGNETIC_RATIO_HZ_PER_T * protocol.spin_lock_b1
                facts = {"echo_time_s": view.echo_time_s, "spin_lock_time_s": lock_s, "spin_lock_Hz": lock_Hz}
                rows.add(len(points), **measured, **counters, **facts)
    encoding = _encoding(protocol, view, lock.duration_s, rows)
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def centric_trains(matrix: tuple[int, int], fov_m: tuple[float, float], views: int) -> list[np.ndarray]:
    """(line, partition) of every train's views, from the centre of k-space outwards: train t has every so many-th point."""
    partition, line = (index.ravel() for index in np.indices(matrix[::-1]))
    k = np.hypot((line - matrix[0] // 2) / fov_m[0], (partition - matrix[1] // 2) / fov_m[1])
    order = np.lexsort((line, partition, np.round(k, 6)))
    count = math.ceil(len(order) / views)
    return [np.stack([line, partition], axis=1)[order[first::count]] for first in range(count)]


def spin_lock_module(protocol: T1Rho3d, lock_s: float, inverted: bool, limits: Limits) -> Module:
    """The lock, a spoiler and fat saturation; its centre is the lock's."""
    b1, named = protocol.spin_lock_b1, "spin_lock_times"
    if protocol.spin_lock == "adiabatic":
        pulse = adiabatic_spin_lock(lock_s, b1, limits, inverted=inverted, duration_field=named)
    else:
        pulse = spin_lock(lock_s, b1, limits, kind=protocol.spin_lock, inverted=inverted, duration_field=named)
    parts = [alone(pulse, limits), spoiling((0.0, SPOIL_PER_M, SPOIL_PER_M), limits)]
    return chained(*parts, *([fat_saturation(limits)] if protocol.fat_saturation else []))


def _refuse_times(protocol: T1Rho3d) -> None:
    """Errors: Refusal for locks off their raster or shorter than the pulses around them."""
    asked = protocol.spin_lock_times
    legal = tuple(max(round(t / LOCK_RASTER_S) * LOCK_RASTER_S, SHORTEST_LOCK_S) for t in asked)
    if not asked:
        raise Refusal(field="spin_lock_times", asked=(), legal=(10e-3,), bound="nearest", reason="no time is given")
    if max(abs(a - b) for a, b in zip(asked, legal, strict=True)) > 1e-9:
        reason = f"locks last {SHORTEST_LOCK_S * 1e6:g} us or more, in steps of {LOCK_RASTER_S * 1e6:g} us"
        raise Refusal(field="spin_lock_times", asked=asked, legal=legal, bound="nearest", reason=reason)


def _recovered(protocol: T1Rho3d, limits: Limits, number: int) -> Module:
    """A saturation, so many after the first, and recovery up to the lock."""
    reset = saturation(limits, number=number)
    raster = limits.block_raster_s
    lead = raster_up(limits.rf_dead_time_s, raster)
    delay = wait_for("recovery_time", protocol.recovery_time, reset.tail_s + lead, "the saturation's spoiler", raster)
    return chained(reset, delay)


def _play_views(protocol: T1Rho3d, view: View, points: np.ndarray, cycle: int, table: BlockTable) -> None:
    """The views of one train."""
    k = (points - np.array(protocol.matrix[1:]) // 2) / np.array(protocol.fov[1:])
    phase = spoil_phase_rad(0, len(points))
    blocks = list(view.blocks(k[:, 0], k[:, 1], phase, np.ones(len(points), dtype=bool)))
    blocks[-1] = _received(blocks[-1], phase + math.pi * cycle)
    table.play(*blocks, times=len(points))


def _received(block: Block, phase_rad: np.ndarray) -> Block:
    return replace(block, adc_phase_rad=phase_rad)


def _encoding(protocol: T1Rho3d, view: View, lead_s: float, rows: ReadoutRows) -> Encoding:
    """The table of readouts with its header. lead_s: of the last shot before its views."""
    return Encoding(
        geometry=protocol.geometry(),
        **view.sampling(),
        **rows.arrays(),
        repetition_time_s=lead_s + protocol.views_per_train * protocol.echo_spacing,
        flip_rad=protocol.flip_angle,
        echo_spacing_s=protocol.echo_spacing,
        echo_train_length=protocol.views_per_train,
        echo_times_s=(view.echo_time_s,),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": view.shape.bandwidth,
            "spin_lock_Hz": GYROMAGNETIC_RATIO_HZ_PER_T * protocol.spin_lock_b1,
            "recovery_time_s": protocol.recovery_time,
        },
    )
