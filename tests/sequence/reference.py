"""Readable references: waveforms and k-space of a Sequence by plain integration of its gradients."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import numpy as np

import fullbore
from fullbore.data import Limits, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence import Protocol, build, parse_protocol

LIMITS = Limits(gradient_T_per_m=45e-3, slew_T_per_m_s=200.0, b1_peak_T=20e-6)
NAMES = ("localizer", "t1_mprage", "t2_tse", "t1t2_map")
FOLDER = Path(fullbore.__file__).parent / "clinical" / "protocols" / "brain"


def protocol(name: str, *, quick: bool = True, **changes: object) -> Protocol:
    """A protocol of the brain exam, with changes as they would stand in the file."""
    table = tomllib.loads((FOLDER / f"{name}.toml").read_text())
    table["quick"] = {**table.get("quick", {}), **changes}
    return parse_protocol(table, quick=quick or bool(changes))


def small(name: str) -> Protocol:
    """The quick protocol of the exam, the map with fewer lines: as they are tested."""
    return protocol(name, matrix=[36, 36], calibration_lines=8) if name == "t1t2_map" else protocol(name)


@cache
def built(name: str) -> Sequence:
    """The sequence of a small protocol."""
    return build(small(name), LIMITS)


def waveform(sequence: Sequence, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Times (s) and values (T/m) of one axis's corner points over the whole sequence."""
    times, values = [np.zeros(1)], [np.zeros(1)]
    starts = sequence.block_starts_s()
    for block in np.flatnonzero(sequence.gradient[:, axis] >= 0):
        shape = sequence.gradients[sequence.gradient[block, axis]]
        times.append(starts[block] + shape.times_s)
        values.append(sequence.gradient_scale[block, axis] * shape.values_T_per_m)
    times.append(np.array([sequence.total_duration_s]))
    values.append(np.zeros(1))
    return np.concatenate(times), np.concatenate(values)


def moment(sequence: Sequence, axis: int, at_s: np.ndarray) -> np.ndarray:
    """gamma/2pi times the integral of one axis's gradient from the start to each time (cycles/m)."""
    times, values = waveform(sequence, axis)
    areas = np.concatenate([[0.0], np.cumsum(np.diff(times) * (values[1:] + values[:-1]) / 2)])
    index = np.clip(np.searchsorted(times, at_s, side="right") - 1, 0, len(times) - 2)
    gap = np.maximum(times[index + 1] - times[index], 1e-15)
    now = values[index] + (values[index + 1] - values[index]) * (at_s - times[index]) / gap
    return GYROMAGNETIC_RATIO_HZ_PER_T * (areas[index] + (at_s - times[index]) * (values[index] + now) / 2)


def pulse_times(sequence: Sequence) -> tuple[np.ndarray, np.ndarray]:
    """Centre (s) and use of every RF pulse."""
    blocks = np.flatnonzero(sequence.rf >= 0)
    pulses = [sequence.rf_pulses[i] for i in sequence.rf[blocks]]
    centres = sequence.block_starts_s()[blocks] + np.array([p.delay_s + p.centre_s for p in pulses])
    return centres, np.array([p.use for p in pulses])


def sample_times(sequence: Sequence) -> np.ndarray:
    """Time of every ADC sample, (row, sample); short readouts are filled up with NaN."""
    blocks = np.flatnonzero(sequence.adc >= 0)
    starts = sequence.block_starts_s()[blocks]
    times = np.full((len(blocks), sequence.encoding.samples), np.nan)
    for row, (start, index) in enumerate(zip(starts, sequence.adc[blocks], strict=True)):
        adc = sequence.adcs[index]
        times[row, : adc.samples] = start + adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s
    return times


def trajectory(sequence: Sequence) -> np.ndarray:
    """k of every sample (row, sample, 3): zero at an excitation's centre, negated at a refocusing pulse's."""
    sampled = sample_times(sequence)
    known = np.isfinite(sampled)
    sampled = np.where(known, sampled, sampled[:, :1])
    centres, uses = pulse_times(sequence)
    k = np.empty((*sampled.shape, 3))
    owner = np.searchsorted(centres, sampled[:, 0]) - 1
    for axis in range(3):
        at_pulse = moment(sequence, axis, centres)
        origin = np.zeros(len(centres))  # k after pulse n is moment - origin[n]
        for n, use in enumerate(uses):
            before = at_pulse[n] - (origin[n - 1] if n else 0.0)
            after = {"e": 0.0, "r": -before}.get(use, before)
            origin[n] = at_pulse[n] - after
        k[..., axis] = moment(sequence, axis, sampled.ravel()).reshape(sampled.shape) - origin[owner][:, None]
    k[~known] = np.nan
    return k
