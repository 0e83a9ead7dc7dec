"""Timing: everything on its raster, inside its block, and out of the way of the dead times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from fullbore.data import Adc, Change, Finding, Gradient, Limits, RfPulse, Sequence
from fullbore.numerics.unique_rows import unique_rows
from fullbore.physics.units import UNITS
from fullbore.safety.place import AXES, Place, finding, gradient_event

# Clocks are compared to a nanosecond: far under any raster, far over float rounding of a block's times.
TOLERANCE_S = 1e-9

_US = 1.0 / UNITS["time"]["us"]

# One broken rule: (by how much in seconds, what to do, and that as a number).
Rule = tuple[float, str, Change]
# The same with the check, the block and the event.
Fault = tuple[str, int, str, float, str, Change]


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
    _, block, event, size, advice, change = max(faults, key=lambda fault: fault[3])
    place = Place(block=block, event=event)
    return finding(sequence, check, size * _US, 0.0, "us", place=place, advice=advice, changes=(change,))


def _faults(sequence: Sequence, limits: Limits) -> Iterator[Fault]:
    """All broken rules; each unique event and block duration is looked at once, at the first block that plays it."""
    yield from _block_faults(sequence, limits)
    for pulse, duration, block in _unique(sequence, sequence.rf):
        for rule in _rf_rules(sequence.rf_pulses[pulse], duration, limits):
            yield ("RF timing", block, f"RF pulse {pulse}", *rule)
    for adc, duration, block in _unique(sequence, sequence.adc):
        for rule in _adc_rules(sequence.adcs[adc], duration, limits):
            yield ("ADC timing", block, f"ADC {adc}", *rule)
    for axis in range(3):
        for index, duration, block in _unique(sequence, sequence.gradient[:, axis]):
            for size, advice, change in _gradient_rules(sequence.gradients[index], duration, limits):
                event = gradient_event(sequence, block, axis)
                yield "gradient timing", block, event, size, f"Axis {AXES[axis]}: {advice}", replace(change, axis=axis)
    both = np.flatnonzero((sequence.rf >= 0) & (sequence.adc >= 0))
    for at in unique_rows(np.column_stack([sequence.rf[both], sequence.adc[both]]))[0]:
        block = int(both[at])
        pulse, adc = int(sequence.rf[block]), int(sequence.adc[block])
        size = _overlap_s(sequence.rf_pulses[pulse], sequence.adcs[adc], limits)
        for rule in _broken(size, f"Open the ADC {size * _US:.4g} us away from the RF pulse.", "ADC delay", size):
            yield ("RF-ADC overlap", block, f"ADC {adc}", *rule)


def _block_faults(sequence: Sequence, limits: Limits) -> Iterator[Fault]:
    """Block durations that are off the block raster."""
    off = off_raster_s(sequence.duration_s, limits.block_raster_s)
    if off.max() > TOLERANCE_S:
        worst = int(off.argmax())
        nearest = float(np.ceil(sequence.duration_s[worst] / limits.block_raster_s) * limits.block_raster_s)
        added = nearest - float(sequence.duration_s[worst])
        for rule in _broken(float(off[worst]), f"Make the block {nearest * _US:.4f} us long.", "block duration", added):
            yield ("block raster", worst, "block", *rule)


def _unique(sequence: Sequence, index: np.ndarray) -> Iterator[tuple[int, float, int]]:
    """(event, block duration, first block) of every unique pair that plays an event."""
    blocks = np.flatnonzero(index >= 0)
    ticks = np.round(sequence.duration_s[blocks] / TOLERANCE_S).astype(np.int64)
    for at in unique_rows(np.column_stack([index[blocks], ticks]))[0]:
        block = int(blocks[at])
        yield int(index[block]), float(sequence.duration_s[block]), block


def _broken(size: float, advice: str, quantity: str, added: float) -> Iterator[Rule]:
    """The fault, when its size is more than rounding."""
    if size > TOLERANCE_S:
        yield float(size), advice, Change(quantity=quantity, added=float(added), unit="s")


def _onto(time_s: float, raster_s: float, advice: str, quantity: str) -> Iterator[Rule]:
    """The fault of a time that is off its raster; it moves to the next multiple."""
    added = float(np.ceil(time_s / raster_s - TOLERANCE_S) * raster_s - time_s)
    yield from _broken(float(off_raster_s(time_s, raster_s)), advice, quantity, added)


def _rf_rules(pulse: RfPulse, block_s: float, limits: Limits) -> Iterator[Rule]:
    """Rasters, dead time before and ring-down after one pulse."""
    raster, dead, ring = limits.rf_raster_s, limits.rf_dead_time_s, limits.rf_ringdown_time_s
    yield from _onto(pulse.delay_s, raster, f"Put the RF delay on the {raster * _US:.4g} us raster.", "RF delay")
    yield from _onto(pulse.raster_s, raster, f"Sample the pulse on multiples of {raster * _US:.4g} us.", "RF raster")
    early = dead - pulse.delay_s
    yield from _broken(early, f"Delay the RF pulse {early * _US:.4g} us more (dead time {dead * _US:.4g} us).", "RF delay", early)
    late = pulse.delay_s + pulse.duration_s + ring - block_s
    advice = f"Lengthen the block by {late * _US:.4g} us (ring-down {ring * _US:.4g} us)."
    yield from _broken(late, advice, "block duration", late)


def _adc_rules(adc: Adc, block_s: float, limits: Limits) -> Iterator[Rule]:
    """Rasters and dead times of one readout window."""
    raster, grid, dead = limits.adc_raster_s, limits.rf_raster_s, limits.adc_dead_time_s
    yield from _onto(adc.dwell_s, raster, f"Put the dwell time on the {raster * _US:.4g} us raster.", "dwell time")
    yield from _onto(adc.delay_s, grid, f"Put the ADC delay on the {grid * _US:.4g} us raster.", "ADC delay")
    early = dead - adc.delay_s
    yield from _broken(early, f"Delay the ADC by {early * _US:.4g} us more (dead time {dead * _US:.4g} us).", "ADC delay", early)
    late = adc.delay_s + adc.samples * adc.dwell_s + dead - block_s
    advice = f"Lengthen the block by {late * _US:.4g} us (dead time {dead * _US:.4g} us)."
    yield from _broken(late, advice, "block duration", late)


def _gradient_rules(gradient: Gradient, block_s: float, limits: Limits) -> Iterator[Rule]:
    """Ends on the raster, corners on half rasters (where Pulseq samples shapes), all inside the block."""
    raster, times = limits.gradient_raster_s, gradient.times_s
    ends = float(off_raster_s(times[[0, -1]], raster).max())
    inner = float(off_raster_s(times, raster / 2).max())
    off = max(ends, inner)
    yield from _broken(off, f"put its corners on the {raster * _US:.4g} us raster.", "gradient corner", off)
    late = float(times[-1]) - block_s
    yield from _broken(late, f"lengthen the block by {late * _US:.4g} us.", "block duration", late)


def _overlap_s(pulse: RfPulse, adc: Adc, limits: Limits) -> float:
    """How long the receiver is open while the transmitter plays or rings, s."""
    begin = max(pulse.delay_s, adc.delay_s)
    end = min(pulse.delay_s + pulse.duration_s + limits.rf_ringdown_time_s, adc.delay_s + adc.samples * adc.dwell_s)
    return end - begin
