"""Multiband pulses: several slices at once by adding shifted copies, with phases or delays that keep the peak low."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
from jaxtyping import Complex, Float
from scipy.optimize import minimize

from fullbore.data import Limits
from fullbore.errors import UsageError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.pulses.selective import SelectivePulse
from fullbore.sequence.pulses.shaped import DISCRETE_SLACK, fine_raster_s, refuse_peak

_STARTS = 40  # from which phases are refined: 8 bands take half a second, and more find nothing lower
_POWER = 24  # of the norm that stands for the peak


def multiband(
    selection: SelectivePulse,
    offsets_m: tuple[float, ...],
    limits: Limits,
    *,
    phases_rad: tuple[float, ...] | None = None,
    duration_field: str = "excitation_duration",
) -> SelectivePulse:
    """The selection at every offset (m from the isocentre) at once; each band is the single band's.

    phases_rad: of the bands, those of least peak B1 if None (`least_peak_phases`): a slice's image carries its own.
    Source: Wong, Proc ISMRM 2012:2209; Mueller, Magn Reson Med 6:364 (1988).
    Errors: Refusal when the peak B1 forbids so short a pulse; UsageError for a gradient that varies.
    """
    if selection.amplitude_T_per_m == 0.0:
        raise UsageError("multiband: the selection has no constant slice gradient. Give one that `selective` made.")
    pulse = selection.pulse
    frequency = GYROMAGNETIC_RATIO_HZ_PER_T * selection.amplitude_T_per_m * np.array(offsets_m, dtype=np.float64)
    raster = fine_raster_s(pulse.raster_s, float(np.abs(frequency).max()), limits)
    cut = round(pulse.raster_s / raster)
    envelope = np.repeat(pulse.b1_T, cut)
    t = (np.arange(len(envelope)) + 0.5) * raster - pulse.centre_s
    # A step holds B1 still, which weakens a band at f by sinc(f raster); the copies are lifted by as much.
    copies = np.exp(2j * np.pi * np.outer(frequency, t)) * (envelope / np.sinc(frequency * raster)[:, None])
    phases = least_peak_phases(copies) if phases_rad is None else np.array(phases_rad, dtype=np.float64)
    b1 = np.exp(1j * phases) @ copies
    refuse_peak(duration_field, pulse.duration_s, float(np.abs(b1).max()), limits, slack=DISCRETE_SLACK)
    return replace(selection, pulse=replace(pulse, b1_T=b1, raster_s=raster))


def least_peak_phases(copies: Complex[np.ndarray, "band step"]) -> Float[np.ndarray, " band"]:
    """Phases of the bands whose sum has the least peak, the first 0: a high norm is minimised from several starts.

    Newman's quadratic phases are the first start, the others are random and always the same.
    """
    if len(copies) == 1:
        return np.zeros(1)
    return np.array(_refined(np.ascontiguousarray(copies, dtype=np.complex128).tobytes(), len(copies)))


@lru_cache(maxsize=4)  # while a protocol is solved for, most that are tried have the same bands
def _refined(data: bytes, bands: int) -> tuple[float, ...]:
    """`least_peak_phases` of copies (band, step)."""
    copies = np.frombuffer(data, dtype=np.complex128).reshape(bands, -1)
    kept = np.abs(copies).max(axis=0)
    shapes = copies[:, kept > 0.2 * kept.max()] / kept.max()
    shapes = shapes[:, :: max(shapes.shape[1] // 2000, 1)]
    random = np.random.default_rng(0)
    best, lowest = np.zeros(bands), np.inf
    for start in range(_STARTS):
        first = np.pi * np.arange(bands) ** 2 / bands if start == 0 else random.uniform(0, 2 * np.pi, bands)
        found = minimize(_norm_and_slope, first, args=(shapes,), jac=True, method="L-BFGS-B").x
        peak = float(np.abs(np.exp(1j * found) @ copies).max())
        if peak < lowest:
            best, lowest = found, peak
    return tuple(float(phase) for phase in np.mod(best - best[0], 2 * np.pi))


def _norm_and_slope(phases: np.ndarray, shapes: np.ndarray) -> tuple[float, np.ndarray]:
    """Logarithm of the _POWER norm of the sum, and its derivative to each phase."""
    turned = np.exp(1j * phases)[:, None] * shapes
    total = turned.sum(axis=0)
    size = np.maximum(np.abs(total), 1e-9)
    weight = (size / size.max()) ** (_POWER - 2)
    norm = float((weight * size**2).sum())
    slope = (1j * turned * np.conj(total)).real @ weight / norm
    return float(np.log(size.max()) + np.log(norm / size.max() ** 2) / _POWER), slope


def time_shifted(
    selection: SelectivePulse,
    offsets_m: tuple[float, ...],
    shift_s: float,
    limits: Limits,
    *,
    duration_field: str = "excitation_duration",
) -> SelectivePulse:
    """Bands one after the other, each `shift_s` later than the last, under one longer gradient: no peak adds to another.

    Their echo times differ by the shift (an excitation and a refocusing pulse whose shift is half as long make them equal
    again). The effective centre is that of the middle of the row. Source: Auerbach et al., Magn Reson Med 69:1261 (2013).
    """
    if selection.amplitude_T_per_m == 0.0 or selection.slice is None:
        raise UsageError("time_shifted: the selection has no constant slice gradient. Give one that `selective` made.")
    raster = limits.gradient_raster_s
    shift = round(shift_s / raster) * raster
    pulse, longer = selection.pulse, shift * (len(offsets_m) - 1)
    frequency = GYROMAGNETIC_RATIO_HZ_PER_T * selection.amplitude_T_per_m * np.array(offsets_m, dtype=np.float64)
    common = math.gcd(round(pulse.raster_s / limits.rf_raster_s), round(raster / limits.rf_raster_s)) * limits.rf_raster_s
    step = fine_raster_s(common, float(np.abs(frequency).max()), limits)
    envelope = np.repeat(pulse.b1_T, round(pulse.raster_s / step))
    b1 = np.zeros(len(envelope) + round(longer / step), complex)
    for band, f in enumerate(frequency):
        start = round(band * shift / step)
        t = (start + np.arange(len(envelope)) + 0.5) * step - pulse.centre_s - longer / 2
        b1[start : start + len(envelope)] += envelope / np.sinc(f * step) * np.exp(2j * np.pi * f * t)
    refuse_peak(duration_field, pulse.duration_s, float(np.abs(b1).max()), limits, slack=DISCRETE_SLACK)
    times = selection.slice.times_s + longer * (np.arange(len(selection.slice.times_s)) >= len(selection.slice.times_s) // 2)
    return replace(
        selection,
        pulse=replace(pulse, b1_T=b1, raster_s=step, centre_s=pulse.centre_s + longer / 2),
        slice=replace(selection.slice, times_s=times),
        block_s=selection.block_s + longer,
    )
