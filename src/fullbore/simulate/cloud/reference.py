"""The readable truth: every spin through every step of the sequence, brute force in float64."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float

from fullbore.data import Sequence
from fullbore.signal import play
from fullbore.simulate.cloud.spins import SpinCloud


def reference(cloud: SpinCloud, sequence: Sequence) -> Complex[np.ndarray, "row coil sample"]:
    """Noiseless samples of a small cloud. Steps are as long as RF raster, gradient knots and samples allow.

    Gradients are taken at the middle of a step, which is exact for the moment of a linear piece.
    """
    steps = [_steps(sequence, block) for block in range(sequence.blocks)]
    dt, b1, carrier, gradient, sampled = (np.concatenate(part) for part in zip(*steps, strict=True))
    signal, _ = play(
        position_m=cloud.position_m, t1_s=cloud.t1_s, t2_s=cloud.t2_s, off_resonance_Hz=cloud.off_resonance_Hz,
        b1_scale=cloud.b1_scale, weight=cloud.sensitivity * cloud.amount, dt_s=dt, b1_T=b1, gradient_T_per_m=gradient,
        sampled=sampled, carrier_Hz=carrier,
    )  # fmt: skip
    rows = signal.reshape(len(signal), sequence.encoding.rows, -1).transpose(1, 0, 2)
    return np.asarray(rows * np.exp(1j * sequence.adc_phase_rad[sequence.adc >= 0])[:, None, None])


def _steps(
    sequence: Sequence, block: int
) -> tuple[
    Float[np.ndarray, " n"], Complex[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, "n 3"], Bool[np.ndarray, " n"]
]:
    """Steps of one block: length, b1 at the start (signal's frame), its frequency, gradient, whether a sample ends it."""
    pulse = sequence.rf_pulses[sequence.rf[block]] if sequence.rf[block] >= 0 else None
    adc = sequence.adcs[sequence.adc[block]] if sequence.adc[block] >= 0 else None
    shapes = [sequence.gradients[index] if index >= 0 else None for index in sequence.gradient[block]]
    edges = [np.array([0.0, sequence.duration_s[block]])]
    edges += [shape.times_s for shape in shapes if shape is not None]
    if pulse is not None:
        edges.append(pulse.delay_s + np.arange(len(pulse.b1_T) + 1) * pulse.raster_s)
    taken = adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s if adc is not None else np.zeros(0)
    knots = np.unique(np.round(np.concatenate([*edges, taken]), 12))
    middle = 0.5 * (knots[1:] + knots[:-1])
    gradient = np.zeros((len(middle), 3))
    for axis, shape in enumerate(shapes):
        if shape is not None:
            value = np.interp(middle, shape.times_s, shape.values_T_per_m, 0.0, 0.0)
            gradient[:, axis] = sequence.gradient_scale[block, axis] * value
    b1, carrier = np.zeros(len(middle), complex), np.zeros(len(middle))
    if pulse is not None:
        index = np.floor((middle - pulse.delay_s) / pulse.raster_s).astype(int)
        on = (index >= 0) & (index < len(pulse.b1_T))
        carrier[on] = sequence.rf_frequency_Hz[block]
        phase = sequence.rf_phase_rad[block] + 2 * np.pi * carrier * (knots[:-1] - pulse.delay_s)
        b1[on] = np.conj(pulse.b1_T[index[on]] * np.exp(1j * phase[on]))
    return np.diff(knots), b1, carrier, gradient, np.isin(knots[1:], np.round(taken, 12))
