"""Slices read by single EPI shots after a preparation of their own: the readout of saturation-transfer and labelling scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fullbore.data import Limits
from fullbore.sequence.epi.shot import epi_lines
from fullbore.sequence.epi.slot import EpiSlot, design_slot
from fullbore.sequence.module import Module
from fullbore.sequence.preparations import fat_saturation
from fullbore.sequence.prescription import Angle, Bandwidth, Share, StackPrescription, Time
from fullbore.sequence.pulses import selective, sinc_pulse

TIME_BANDWIDTH = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanesPrescription(StackPrescription):
    """A stack of slices that single EPI shots read.

    repetition_time: from one preparation to the next. bandwidth: Hz per pixel; it sets the echo spacing. partial_fourier: share
    of the lines, before those after k = 0.
    """

    repetition_time: Time
    echo_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    partial_fourier: Share = 1.0
    fat_saturation: bool = True
    excitation_duration: Time = 2.56e-3


def plane_slot(protocol: PlanesPrescription, limits: Limits) -> EpiSlot:
    """The readout of one slice. Errors: Refusal for thickness, bandwidth or echo time."""
    pulse = sinc_pulse(protocol.flip_angle, protocol.excitation_duration, TIME_BANDWIDTH, limits)
    bandwidth = TIME_BANDWIDTH / protocol.excitation_duration
    return design_slot(
        before=fat_saturation(limits) if protocol.fat_saturation else Module(blocks=()),
        pulse=selective(pulse, bandwidth, protocol.slice_thickness, limits),
        matrix=protocol.matrix,
        fov_m=protocol.fov,
        oversampling=protocol.readout_oversampling,
        bandwidth=protocol.bandwidth,
        plane=epi_lines(protocol.matrix[1], 1, protocol.partial_fourier),
        echo_time_s=protocol.echo_time,
        limits=limits,
    )


def shot_rows(slot: EpiSlot, slices: np.ndarray, repetitions: int = 1) -> dict[str, Any]:
    """Columns of the shots of `slices` in playing order, the whole `repetitions` times, and `count`."""
    columns = slot.rows(0)
    each, shots = len(columns["line"]), len(slices) * repetitions
    tiled = {name: np.tile(value, (shots, *[1] * (value.ndim - 1))) for name, value in columns.items() if np.ndim(value)}
    return {**tiled, "count": each * shots, "slice": np.repeat(np.tile(slices, repetitions), each)}
