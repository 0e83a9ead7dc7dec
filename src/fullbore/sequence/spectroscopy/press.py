"""PRESS: a slice and two refocusing slabs across it meet in one voxel."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fullbore.data import Limits, Sequence
from fullbore.sequence.prescription import Factor, Time
from fullbore.sequence.pulses import selective, slr_pulse
from fullbore.sequence.spectroscopy.localisation import (
    PHASE,
    READ,
    Slab,
    excitation_slab,
    localise,
    spectrum_sequence,
    voxel_slab,
)
from fullbore.sequence.spectroscopy.prescription import VoxelPrescription

CRUSHERS = ((1, 1, 1), (1, 1, -1))
"""About each refocusing pulse, along (read, phase, slice): every other pathway is left at least sqrt(3) units, by search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PressSvs(VoxelPrescription):
    """Point-resolved spectroscopy: 90 degrees on the slice, then refocusing on phase and on read.

    refocusing_duration, refocusing_time_bandwidth: of both Shinnar-Le Roux pulses.
    """

    refocusing_duration: Time = 6e-3
    refocusing_time_bandwidth: Factor = 5.0


def press_svs(protocol: PressSvs, limits: Limits) -> Sequence:
    """The first refocusing as early as it can be, the second half the echo time later. Errors: Refusal."""
    excitation = excitation_slab(protocol, limits)
    refocusing = _slab(protocol, PHASE, limits), _slab(protocol, READ, limits)
    local = localise(protocol, excitation, refocusing, CRUSHERS, None, limits)
    return spectrum_sequence(protocol, local, limits)


def _slab(protocol: PressSvs, axis: int, limits: Limits) -> Slab:
    duration, product = protocol.refocusing_duration, protocol.refocusing_time_bandwidth
    pulse = slr_pulse(
        math.pi,
        duration,
        product,
        limits,
        purpose="refocusing",
        duration_field="refocusing_duration",
        bandwidth_field="refocusing_time_bandwidth",
    )
    made = voxel_slab(protocol, axis, lambda edge, field: selective(pulse, product / duration, edge, limits, field=field))
    frequency, phase = made.tuning(protocol.offset_m(axis))
    return Slab(pulse=made, axis=axis, frequency_Hz=frequency, phase_rad=phase)
