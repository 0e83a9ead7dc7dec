"""From the signal at the coils to digital samples: a jittering clock, converters of few bits, a filter that decimates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Complex, Complex64, Float

from fullbore.data import Adc, Receiver, Sequence
from fullbore.errors import UsageError

MARGIN = 2
"""Fast samples on either side that the interpolation of a jittering clock needs."""
JITTER_STREAM = 1 << 30


def reach(receiver: Receiver) -> int:
    """Fast samples that are taken on either side of a sample."""
    taps = 0 if receiver.filter is None else len(receiver.filter) // 2
    return taps + (MARGIN if receiver.jitter_s else 0)


def digitised_sequence(sequence: Sequence, receiver: Receiver) -> Sequence:
    """The same sequence with every readout sampled as fast, and as far beyond its ends, as the receiver samples it.

    Errors: UsageError for readouts of several lengths, or so early in their block that the filter has not filled.
    """
    encoding = sequence.encoding
    if encoding.row_samples is not None or encoding.row_dwell_s is not None:
        raise UsageError(f"Flaws.receiver: {sequence.name} has readouts of several lengths, wanted one. Leave the receiver out.")
    adcs = tuple(_fast(adc, receiver, sequence.name) for adc in sequence.adcs)
    late = np.array([fast.delay_s - adc.delay_s for fast, adc in zip(adcs, sequence.adcs, strict=True)])
    read = sequence.adc >= 0
    phase = sequence.adc_phase_rad.copy()
    phase[read] += 2 * np.pi * sequence.adc_frequency_Hz[read] * late[sequence.adc[read]]
    fast = replace(encoding, samples=adcs[0].samples, dwell_s=adcs[0].dwell_s)
    return replace(sequence, adcs=adcs, adc_phase_rad=phase, encoding=fast)


def _fast(adc: Adc, receiver: Receiver, name: str) -> Adc:
    dwell, beyond = adc.dwell_s / receiver.oversampling, reach(receiver)
    delay = adc.delay_s + 0.5 * adc.dwell_s - (beyond + 0.5) * dwell
    if delay < -1e-12:
        early_us = -delay * 1e6
        raise UsageError(f"Flaws.receiver: {name} reads {early_us:.1f} us too early for the filter. Shorten it or delay the ADC.")
    samples = (adc.samples - 1) * receiver.oversampling + 2 * beyond + 1
    at = (np.arange(samples) - beyond) / receiver.oversampling
    phase = tuple(np.interp(at, np.arange(adc.samples), adc.phase_rad).tolist()) if adc.phase_rad else ()
    return Adc(samples=samples, dwell_s=dwell, delay_s=max(delay, 0.0), phase_rad=phase)


def digitise(
    signal: Complex64[np.ndarray, "row coil fast"], receiver: Receiver, fast_dwell_s: float, seed: int
) -> Complex64[np.ndarray, "row coil sample"]:
    """What a receiver makes of a signal (with its noise) that `digitised_sequence` gave: clock, converter, filter, decimation."""
    taps = np.ones(1) if receiver.filter is None else receiver.filter
    result = []
    for row, line in enumerate(signal):
        if receiver.jitter_s:
            late = np.random.default_rng([seed, JITTER_STREAM, row]).normal(0, receiver.jitter_s / fast_dwell_s, line.shape[1])
            line = _shifted(line, late)
        line = quantised(line, receiver)
        filtered = np.stack([np.convolve(channel, taps[::-1], mode="valid") for channel in line])
        result.append(filtered[:, :: receiver.oversampling])
    return np.stack(result).astype(np.complex64)


def quantised(values: Complex[np.ndarray, "*n"], receiver: Receiver) -> Complex[np.ndarray, "*n"]:
    """Real and imaginary part in steps of full_scale / 2^(bits - 1), clipped at full scale."""
    if receiver.bits is None:
        return values
    most = 2.0 ** (receiver.bits - 1)
    step = receiver.full_scale / most
    real, imaginary = (np.clip(np.round(part.astype(np.float64) / step), -most, most - 1) for part in (values.real, values.imag))
    return np.asarray(step * (real + 1j * imaginary))


def _shifted(line: Complex[np.ndarray, "coil fast"], late: Float[np.ndarray, " fast"]) -> Complex[np.ndarray, "coil inner"]:
    """The line between its samples, `late` samples after each, without `MARGIN` at either end: through four neighbours."""
    inner = np.arange(MARGIN, line.shape[1] - MARGIN)
    t = late[inner]
    whole = np.clip(np.floor(t).astype(np.int64), -1, 0)
    t = t - whole
    weights = (-t * (t - 1) * (t - 2) / 6, (t * t - 1) * (t - 2) / 2, -t * (t + 1) * (t - 2) / 2, t * (t * t - 1) / 6)
    return np.asarray(sum(w * line[:, inner + whole + k - 1] for k, w in enumerate(weights)))
