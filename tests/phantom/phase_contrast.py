"""A small axial gradient echo by hand, gated to the heart, with a bipolar pair along z that is played once each way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fullbore.data import Adc, Gradient, RfPulse, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T
from tests.simulate.small import GRE, built, machine

LINES, FOV_M, SLICE_M, RAMP_S = 16, 32e-3, 6e-3, 0.2e-3
DWELL_S = 20e-6
LOBE_S = 0.6e-3
"""Of each lobe's flat top; the pair is two lobes of ramp, flat and ramp."""


def trapezoid(flat_s: float) -> Gradient:
    """One of height 1."""
    return Gradient(times_s=np.cumsum([0.0, RAMP_S, flat_s, RAMP_S]), values_T_per_m=np.array([0.0, 1.0, 1.0, 0.0]))


def slice_pulse(flip_rad: float, duration_s: float = 2e-3, lobes: float = 4.0) -> RfPulse:
    """A sinc under a Hann window."""
    steps = round(duration_s / 1e-5)
    x = (np.arange(steps) + 0.5) / steps - 0.5
    shape = np.sinc(lobes * x) * np.cos(np.pi * x) ** 2
    scale = flip_rad / (GYROMAGNETIC_RATIO_RAD_PER_S_T * 1e-5 * shape.sum())
    return RfPulse(
        b1_T=scale * shape.astype(complex), raster_s=1e-5, delay_s=RAMP_S, centre_s=duration_s / 2, flip_rad=flip_rad, use="e"
    )


def phase_contrast(
    lobe_T_per_m: float,
    centre_m: tuple[float, float, float],
    *,
    flip_deg: float,
    delay_s: float,
    every_s: float,
    dummies: int = 0,
) -> tuple[Sequence, float]:
    """Each line twice, with the pair once each way; each pulse delay_s after the start of one of `every_s`. The slice is at z.

    Also the time from a pulse's block to the middle of the pair.
    """
    pulse = slice_pulse(np.deg2rad(flip_deg))
    select = 4.0 / pulse.duration_s / (GYROMAGNETIC_RATIO_HZ_PER_T * SLICE_M)
    lobe, flat_s, read_s = trapezoid(LOBE_S), 0.8e-3, LINES * DWELL_S
    pair = Gradient(
        times_s=np.concatenate([lobe.times_s, lobe.times_s[-1] + lobe.times_s[1:]]),
        values_T_per_m=np.concatenate([lobe.values_T_per_m, -lobe.values_T_per_m[1:]]),
    )
    shapes = (trapezoid(pulse.duration_s), trapezoid(flat_s), pair, trapezoid(read_s))
    long_s = [shape.times_s[-1] for shape in shapes]
    read = 1 / (FOV_M * GYROMAGNETIC_RATIO_HZ_PER_T * DWELL_S)
    area = flat_s + RAMP_S
    rephase = -select * (pulse.duration_s / 2 + RAMP_S / 2) / area
    prephase = -read * (read_s / 2 + RAMP_S / 2) / area
    rest_s = every_s - delay_s - sum(long_s)
    rows, blocks = [-1] * dummies + [n for n in range(LINES) for _ in range(2)], []
    for number, row in enumerate(rows):
        way = 1 - 2 * (number % 2)
        step = (max(row, 0) - LINES // 2) / (FOV_M * GYROMAGNETIC_RATIO_HZ_PER_T * area)
        blocks += [
            (delay_s, -1, (-1, -1, -1), (0, 0, 0), -1), (long_s[0], 0, (-1, -1, 0), (0, 0, select), -1),
            (long_s[1], -1, (1, 1, 1), (prephase, step, rephase), -1),
            (long_s[2], -1, (-1, -1, 2), (0, 0, way * lobe_T_per_m), -1),
            (long_s[3], -1, (3, -1, -1), (read, 0, 0), 0 if row >= 0 else -1),
            (rest_s, -1, (-1, -1, 1), (0, 0, 30e-3), -1),
        ]  # fmt: skip
    position_Hz = select * GYROMAGNETIC_RATIO_HZ_PER_T * centre_m[2]
    return _sequence(pulse, shapes, blocks, position_Hz), long_s[0] + long_s[1] + long_s[2] / 2


def _sequence(pulse: RfPulse, shapes: tuple[Gradient, ...], blocks: list[tuple], position_Hz: float) -> Sequence:
    """blocks: duration, pulse, gradients, their scales and ADC of each."""
    duration, rf, gradient, scale, adc = zip(*blocks, strict=True)
    count, dwell = len(blocks), {"samples": LINES, "dwell_s": DWELL_S}
    encoding = replace(built(GRE, machine()).encoding.take(np.arange(2 * LINES) % 16), **dwell)
    return Sequence(
        name="phase contrast", rf_pulses=(pulse,), gradients=shapes, adcs=(Adc(**dwell, delay_s=RAMP_S),),
        duration_s=np.array(duration), rf=np.array(rf), rf_phase_rad=np.zeros(count),
        rf_frequency_Hz=np.where(np.array(rf) >= 0, position_Hz, 0.0), gradient=np.array(gradient, np.int32),
        gradient_scale=np.array(scale, float), adc=np.array(adc), adc_phase_rad=np.zeros(count), encoding=encoding,
    )  # fmt: skip


def turns_per_m_s(lobe_T_per_m: float) -> float:
    """Phase (turns) between both ways for each m/s along z: twice the first moment of the pair."""
    area = lobe_T_per_m * (LOBE_S + RAMP_S)
    return 2 * GYROMAGNETIC_RATIO_HZ_PER_T * area * (LOBE_S + 2 * RAMP_S)


def images(samples: np.ndarray, centre_m: tuple[float, float, float]) -> np.ndarray:
    """Two images (way, y, x) about a centre, of the first coil; pixels n - LINES // 2 off the centre."""
    k = np.arange(LINES) - LINES // 2
    lines = samples[:, 0].reshape(LINES, 2, LINES).transpose(1, 0, 2)
    # Samples lie half a dwell behind the steps of k.
    x, y = (np.exp(2j * np.pi * np.outer(place, freq / FOV_M)) for place, freq in _axes(centre_m, k))
    return np.einsum("wyx,Yy,Xx->wYX", lines, y, x) / (LINES * LINES)


def _axes(centre_m: tuple[float, float, float], k: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    step = FOV_M / LINES
    return [(centre_m[0] + k * step, k + 0.5), (centre_m[1] + k * step, k.astype(float))]
