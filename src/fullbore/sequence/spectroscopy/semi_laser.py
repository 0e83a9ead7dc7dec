"""sLASER: a slice and two pairs of adiabatic slabs, for sharp voxel edges, little chemical-shift displacement and any B1."""

from __future__ import annotations

from dataclasses import dataclass

from fullbore.data import Limits, Sequence
from fullbore.sequence.prescription import Frequency, Time
from fullbore.sequence.pulses import moved
from fullbore.sequence.pulses.goia import goia_wurst
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

CRUSHERS = ((1, 1, 1), (-1, 1, 1), (-1, 1, -1), (1, 1, -1))
"""About each adiabatic pulse, along (read, phase, slice): every other pathway is left at least sqrt(3) units, by search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaserSvs(VoxelPrescription):
    """Semi-localised by adiabatic selective refocusing: 90 degrees on the slice, GOIA-WURST pairs on phase and on read.

    refocusing_duration, refocusing_bandwidth (Hz): of each adiabatic pulse.
    """

    refocusing_duration: Time = 4e-3
    refocusing_bandwidth: Frequency = 12e3


def slaser_svs(protocol: SlaserSvs, limits: Limits) -> Sequence:
    """Slabs an eighth, three, five and seven eighths of the echo time after the excitation. Errors: Refusal."""
    excitation = excitation_slab(protocol, limits)
    refocusing = tuple(slab for axis in (PHASE, READ) for slab in (_slab(protocol, axis, limits),) * 2)
    local = localise(protocol, excitation, refocusing, CRUSHERS, _evenly, limits)
    return spectrum_sequence(protocol, local, limits)


def _evenly(echo_time_s: float) -> tuple[float, ...]:
    """Times between centres: pulses in the middle of equal parts."""
    quarter = echo_time_s / 4
    return quarter / 2, quarter, quarter, quarter, quarter / 2


def _slab(protocol: SlaserSvs, axis: int, limits: Limits) -> Slab:
    duration, bandwidth = protocol.refocusing_duration, protocol.refocusing_bandwidth
    made = voxel_slab(protocol, axis, lambda edge, field: goia_wurst(duration, bandwidth, edge, limits, field=field))
    return Slab(pulse=moved(made, protocol.offset_m(axis), limits), axis=axis)
