"""Timing: everything on its raster, inside its block, and out of the way of the dead times."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fullbore.data import Adc, Finding, Gradient, Limits, RfPulse, Sequence
from fullbore.physics.units import UNITS
from fullbore.safety.place import AXES, moment

# Clocks are compared to a nanosecond: far under any raster, far over float rounding of a block's times.
TOLERANCE_S = 1e-9

_US = 1.0 / UNITS["time"]["us"]

# One broken rule: (check, block, by how much in seconds, what to do).
Fault = tuple[str, int, float, str]


def off_raster_s(times_s: np.ndarray | float, raster_s: float) -> np.ndarray:
    """Distance of each time to the nearest multiple of the raster, s."""
    times = np.asarray(times_s, dtype=np.float64)
    return np.asarray(np.abs(times - np.round(times / raster_s) * raster_s))


def timing_findings(sequence: Sequence, limits: Limits) -> list[Finding]:
    """One finding per rule: the worst violation in us (0 when the rule is kept), with the block and the advice."""
    checks = ("block raster", "gradient timing", "RF timing", "ADC timing", "RF-ADC overlap")
    faults = list(_faults(sequence, limits))
    return [_finding(sequence, check, [fault for fault in faults if fault[0] == check]) for check in checks]


def _finding(sequence: Sequence, check: str, faults: list[Fault]) -> Finding:
    """The worst fault of one rule."""
    if not faults:
        return Finding(check=check, value=0.0, limit=0.0, unit="us", allowed=True)
    _, block, size, advice = max(faults, key=lambda fault: fault[2])
    return Finding(
        check=check, value=size * _US, limit=0.0, unit="us", allowed=False, where=moment(sequence, block), advice=advice
    )


def _faults(sequence: Sequence, limits: Limits) -> Iterator[Fault]:
    """All broken rules; each unique event and block duration is looked at once, at the first block that plays it."""
    yield from _block_faults(sequence, limits)
    for pulse, duration, block in _unique(sequence, sequence.rf):
        for size, advice in _rf_rules(sequence.rf_pulses[pulse], duration, limits):
            yield "RF timing", block, size, advice
    for adc, duration, block in _unique(sequence, sequence.adc):
        for size, advice in _adc_rules(sequence.adcs[adc], duration, limits):
            yield "ADC timing", block, size, advice
    for axis in range(3):
        for index, duration, block in _unique(sequence, sequence.gradient[:, axis]):
            for size, advice in _gradient_rules(sequence.gradients[index], duration, limits):
                yield "gradient timing", block, size, f"Axis {AXES[axis]}: {advice}"
    for both in np.flatnonzero((sequence.rf >= 0) & (sequence.adc >= 0)):
        block = int(both)
        pulse, adc = sequence.rf_pulses[sequence.rf[block]], sequence.adcs[sequence.adc[block]]
        overlap = _overlap_s(pulse, adc, limits)
        if overlap > TOLERANCE_S:
            yield "RF-ADC overlap", block, overlap, f"Open the ADC {overlap * _US:.4g} us away from the RF pulse."


def _block_faults(sequence: Sequence, limits: Limits) -> Iterator[Fault]:
    """Block durations that are negative or off the block raster."""
    off = off_raster_s(sequence.duration_s, limits.block_raster_s)
    off = np.where(sequence.duration_s < 0, -sequence.duration_s, off)
    if len(off) and off.max() > TOLERANCE_S:
        worst = int(off.argmax())
        nearest = np.ceil(max(sequence.duration_s[worst], 0.0) / limits.block_raster_s) * limits.block_raster_s
        yield "block raster", worst, float(off[worst]), f"Make the block {nearest * _US:.4f} us long."


def _unique(sequence: Sequence, index: np.ndarray) -> Iterator[tuple[int, float, int]]:
    """(event, block duration, first block) of every unique pair that plays an event."""
    blocks = np.flatnonzero(index >= 0)
    ticks = np.round(sequence.duration_s[blocks] / TOLERANCE_S).astype(np.int64)
    pairs, first = np.unique(np.column_stack([index[blocks], ticks]), axis=0, return_index=True)
    for (event, _), at in zip(pairs, first, strict=True):
        block = int(blocks[at])
        yield int(event), float(sequence.duration_s[block]), block


def _broken(size: float, advice: str) -> Iterator[tuple[float, str]]:
    """The fault, when its size is more than rounding."""
    if size > TOLERANCE_S:
        yield float(size), advice


def _rf_rules(pulse: RfPulse, block_s: float, limits: Limits) -> Iterator[tuple[float, str]]:
    """Rasters, dead time before and ring-down after one pulse."""
    raster = limits.rf_raster_s
    yield from _broken(float(off_raster_s(pulse.delay_s, raster)), f"Put the RF delay on the {raster * _US:.4g} us raster.")
    step = float(off_raster_s(pulse.raster_s, raster))
    yield from _broken(step, f"Sample the pulse on multiples of {raster * _US:.4g} us.")
    early = limits.rf_dead_time_s - pulse.delay_s
    yield from _broken(early, f"Delay the RF pulse {early * _US:.4g} us more (dead time {limits.rf_dead_time_s * _US:.4g} us).")
    late = pulse.delay_s + pulse.duration_s + limits.rf_ringdown_time_s - block_s
    yield from _broken(late, f"Lengthen the block by {late * _US:.4g} us (ring-down {limits.rf_ringdown_time_s * _US:.4g} us).")


def _adc_rules(adc: Adc, block_s: float, limits: Limits) -> Iterator[tuple[float, str]]:
    """Rasters and dead times of one readout window."""
    raster = limits.adc_raster_s
    yield from _broken(float(off_raster_s(adc.dwell_s, raster)), f"Put the dwell time on the {raster * _US:.4g} us raster.")
    delay = float(off_raster_s(adc.delay_s, limits.rf_raster_s))
    yield from _broken(delay, f"Put the ADC delay on the {limits.rf_raster_s * _US:.4g} us raster.")
    early = limits.adc_dead_time_s - adc.delay_s
    yield from _broken(early, f"Delay the ADC by {early * _US:.4g} us more (dead time {limits.adc_dead_time_s * _US:.4g} us).")
    late = adc.delay_s + adc.samples * adc.dwell_s + limits.adc_dead_time_s - block_s
    yield from _broken(late, f"Lengthen the block by {late * _US:.4g} us (dead time {limits.adc_dead_time_s * _US:.4g} us).")


def _gradient_rules(gradient: Gradient, block_s: float, limits: Limits) -> Iterator[tuple[float, str]]:
    """Ends on the raster, corners on half rasters (where Pulseq samples shapes), all inside the block."""
    raster, times = limits.gradient_raster_s, gradient.times_s
    ends = float(off_raster_s(times[[0, -1]], raster).max())
    inner = float(off_raster_s(times, raster / 2).max())
    yield from _broken(max(ends, inner), f"put its corners on the {raster * _US:.4g} us raster.")
    late = float(times[-1]) - block_s
    yield from _broken(late, f"lengthen the block by {late * _US:.4g} us.")


def _overlap_s(pulse: RfPulse, adc: Adc, limits: Limits) -> float:
    """How long the receiver is open while the transmitter plays or rings, s."""
    begin = max(pulse.delay_s, adc.delay_s)
    end = min(pulse.delay_s + pulse.duration_s + limits.rf_ringdown_time_s, adc.delay_s + adc.samples * adc.dwell_s)
    return end - begin
