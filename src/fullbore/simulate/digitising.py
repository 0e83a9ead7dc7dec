"""From the signal at the coils to digital samples: a jittering clock, converters of few bits, a filter that decimates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Complex, Complex64, Float

from fullbore.data import Adc, Receiver, Sequence
from fullbore.errors import UsageError
from fullbore.numerics.clipping import clipped_carrier

MARGIN = 2
"""Fast samples on either side that the interpolation of a jittering clock needs."""
JITTER_STREAM = 1 << 30


def reach(receiver: Receiver) -> int:
    """Fast samples that are taken on either side of a sample."""
    taps = 0 if receiver.filter is None else len(receiver.filter) // 2
    return taps + (MARGIN if receiver.jitter_s else 0)


def _played_beyond(receiver: Receiver) -> int:
    """Of them, those that the sequence plays."""
    return 0 if receiver.settling == "mirrored" else reach(receiver)


def continued(samples: Complex64[np.ndarray, "row coil fast"], receiver: Receiver) -> Complex64[np.ndarray, "row coil longer"]:
    """With what the filter sees beyond the ends, where the sequence does not play it: the point reflection in the end itself.

    A symmetric filter then passes the end as it is, and what is smooth there within a curvature.
    """
    beyond = reach(receiver) - _played_beyond(receiver)
    return np.pad(samples, ((0, 0), (0, 0), (beyond, beyond)), mode="reflect", reflect_type="odd") if beyond else samples


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
    dwell, beyond = adc.dwell_s / receiver.oversampling, _played_beyond(receiver)
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
) -> tuple[Complex64[np.ndarray, "row coil sample"], int]:
    """What a receiver makes of a signal (with its noise) that `digitised_sequence` gave: clock, converter, filter, decimation.

    Returns the samples, and how many fast samples were beyond the converter's full scale.
    """
    taps = np.ones(1) if receiver.filter is None else receiver.filter
    result, clipped = [], 0
    for row, line in enumerate(signal):
        if receiver.jitter_s:
            line = _jittered(line, receiver, fast_dwell_s, np.random.default_rng([seed, JITTER_STREAM, row]))
        line, over = converted(line, receiver, fast_dwell_s)
        clipped += over
        filtered = np.stack([np.convolve(channel, taps[::-1], mode="valid") for channel in line])
        result.append(filtered[:, :: receiver.oversampling])
    return np.stack(result).astype(np.complex64), clipped


def converted(
    values: Complex[np.ndarray, "*n"], receiver: Receiver, fast_dwell_s: float
) -> tuple[Complex[np.ndarray, "*n"], int]:
    """Values in the converter's steps, and how many were beyond full scale.

    A converter of the carrier itself has steps q; the two quadratures at a rate r then hold 2 q^2 / 12 * r / converter_Hz of
    noise each, as if each had a converter of the step q sqrt(2 r / converter_Hz). It clips the amplitude.
    """
    if not receiver.converter_Hz:
        over = np.maximum(np.abs(values.real), np.abs(values.imag)) > receiver.full_scale
        return quantised(values, receiver), 0 if receiver.bits is None else int(over.sum())
    kept, count = clipped_carrier(values, receiver.full_scale)
    if receiver.bits is None:
        return kept, count
    step = receiver.full_scale / 2.0 ** (receiver.bits - 1) * np.sqrt(2 / (fast_dwell_s * receiver.converter_Hz))
    return np.asarray(step * np.round(kept.astype(np.complex128) / step)), count


def quantised(values: Complex[np.ndarray, "*n"], receiver: Receiver) -> Complex[np.ndarray, "*n"]:
    """Real and imaginary part in steps of full_scale / 2^(bits - 1), clipped at full scale."""
    if receiver.bits is None:
        return values
    most = 2.0 ** (receiver.bits - 1)
    step = receiver.full_scale / most
    real, imaginary = (np.clip(np.round(part.astype(np.float64) / step), -most, most - 1) for part in (values.real, values.imag))
    return np.asarray(step * (real + 1j * imaginary))


def _jittered(
    line: Complex64[np.ndarray, "coil fast"], receiver: Receiver, fast_dwell_s: float, draws: np.random.Generator
) -> Complex[np.ndarray, "coil inner"]:
    """The line on a clock that jitters, the same for all coils.

    A time error d of a sampled carrier adds i w d z and, through the carrier's own image, i w d conj(z) turned at twice the
    carrier: a phase noise, and as much complex noise. Of both, a filter leaves the share of the converter's rate that it passes.
    """
    if not receiver.carrier_Hz:
        late = np.asarray(draws.normal(0, receiver.jitter_s / fast_dwell_s, line.shape[1]))
        return _shifted(line, late)
    share = np.sqrt(1 / (fast_dwell_s * receiver.converter_Hz))
    size = 2 * np.pi * receiver.carrier_Hz * receiver.jitter_s * share
    phase, real, imaginary = draws.normal(size=(3, line.shape[1])) * size
    inner = slice(MARGIN, line.shape[1] - MARGIN)
    turned = line * (1 + 1j * phase) + np.conj(line) * np.sqrt(0.5) * (real + 1j * imaginary)
    return np.asarray(turned[:, inner])


def _shifted(line: Complex[np.ndarray, "coil fast"], late: Float[np.ndarray, " fast"]) -> Complex[np.ndarray, "coil inner"]:
    """The line between its samples, `late` samples after each, without `MARGIN` at either end: through four neighbours."""
    inner = np.arange(MARGIN, line.shape[1] - MARGIN)
    t = late[inner]
    whole = np.clip(np.floor(t).astype(np.int64), -1, 0)
    t = t - whole
    weights = (-t * (t - 1) * (t - 2) / 6, (t * t - 1) * (t - 2) / 2, -t * (t + 1) * (t - 2) / 2, t * (t * t - 1) / 6)
    return np.asarray(sum(w * line[:, inner + whole + k - 1] for k, w in enumerate(weights)))
