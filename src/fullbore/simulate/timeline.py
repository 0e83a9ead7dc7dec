"""A sequence read once: where its pulses are, what gradient moment lies between them, when its samples are taken.

Everything is measured on two clocks that run through the whole sequence: the time t and the moment
Gamma(t) = gamma/2pi * integral of G dt (cycles/m, LPS, never reset). A pulse acts at its centre; the gradient that is
on during the pulse belongs to the moments on both sides of the centre. In a bore that is not ideal the moment has a
part for each course of its field terms (`fields`): the gradients' three come first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int, Num

from fullbore.data import Gradient, RfAmplifier, RfPulse, Sequence
from fullbore.errors import UsageError, ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.fields import IDEAL, Bore, courses
from fullbore.simulate.gradients import PlayedGradients, play_gradients
from fullbore.simulate.moments import gathered

LONGEST_RF_STEP_S = 4e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PulseKind:
    """One RF shape under one gradient.

    b1_T: (step,) complex, Pulseq's frame. gradient_Hz_per_m: (step, part), gamma/2pi G during each step, LPS.
    centre_s: from the pulse's start. use: Pulseq's letter. name: for messages.
    """

    b1_T: Complex[np.ndarray, " step"]
    gradient_Hz_per_m: Float[np.ndarray, "step part"]
    step_s: float
    centre_s: float
    use: str
    name: str

    @property
    def duration_s(self) -> float:
        """Length of the pulse."""
        return len(self.b1_T) * self.step_s

    @property
    def has_constant_gradient(self) -> bool:
        """True when the gradient does not change during the pulse, so that position and frequency are interchangeable."""
        spread = np.ptp(self.gradient_Hz_per_m, axis=0).max()
        return bool(spread <= 1e-6 * max(float(np.abs(self.gradient_Hz_per_m).max()), 1.0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timeline:
    """The sequence on its two clocks.

    kinds: unique pulses. kind, time_s, moment_per_m (pulse, part): which kind each pulse is and the clocks at its centre.
    phase_rad: RF phase at the pulse's centre; frequency_Hz: its offset (both in Pulseq's frame).
    last_pulse: (row,) the pulse before each readout. sample_time_s: (row, sample); sample_moment_per_m: (row, sample, part).
    adc_phase_rad: (row,).
    """

    kinds: tuple[PulseKind, ...]
    kind: Int[np.ndarray, " pulse"]
    time_s: Float[np.ndarray, " pulse"]
    moment_per_m: Float[np.ndarray, "pulse part"]
    phase_rad: Float[np.ndarray, " pulse"]
    frequency_Hz: Float[np.ndarray, " pulse"]
    last_pulse: Int[np.ndarray, " row"]
    sample_time_s: Float[np.ndarray, "row sample"]
    sample_moment_per_m: Float[np.ndarray, "row sample part"]
    adc_phase_rad: Float[np.ndarray, " row"]

    @property
    def uses(self) -> list[str]:
        """The use of every pulse."""
        return [self.kinds[k].use for k in self.kind]


def moment_until(gradient: Gradient, times_s: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Integral of a piecewise linear gradient from its block's start to each time, T s/m; exact."""
    knots, values = gradient.times_s, gradient.values_T_per_m
    area = np.concatenate([[0.0], np.cumsum(0.5 * (values[1:] + values[:-1]) * np.diff(knots))])
    inside = np.clip(times_s, knots[0], knots[-1])
    i = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(knots) - 2)
    step = inside - knots[i]
    slope = (values[i + 1] - values[i]) / (knots[i + 1] - knots[i])
    return np.asarray(area[i] + step * (values[i] + 0.5 * slope * step))


def compile_timeline(sequence: Sequence, bore: Bore = IDEAL) -> Timeline:
    """The sequence on its two clocks, in an ideal bore or another.

    Errors: UsageError when it has no readouts, no pulses, or readouts of different lengths; ValueRangeError when an ADC
    overlaps an RF pulse or a readout comes before the first pulse.
    """
    _check(sequence)
    starts = sequence.block_starts_s()
    played = np.flatnonzero(sequence.rf >= 0)
    gradients = None if bore.is_ideal else play_gradients(sequence, bore.response)
    kinds, kind = _pulse_kinds(sequence, played, bore, gradients)
    centre = np.array([pulse.delay_s + pulse.centre_s for pulse in sequence.rf_pulses])[sequence.rf[played]]
    own_centre = np.array([pulse.centre_s for pulse in sequence.rf_pulses])[sequence.rf[played]]
    read = np.flatnonzero(sequence.adc >= 0)
    offsets = np.stack([adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s for adc in sequence.adcs])[sequence.adc[read]]
    time = starts[played] + centre
    sample_time = starts[read, None] + offsets
    last = np.searchsorted(time, sample_time[:, 0], side="right") - 1
    if last.min() < 0:
        raise ValueRangeError(f"Sequence {sequence.name}: block {read[0]} reads before the first RF pulse. Excite first.")
    if gradients is None:
        clock = _block_moments(sequence)
        moment = clock[played] + _partial_moments(sequence, played, centre[:, None])[:, 0]
        sample_moment = clock[read, None] + _partial_moments(sequence, read, offsets)
    else:
        both = gathered(bore.terms, gradients, np.concatenate([time, sample_time.ravel()]))
        moment, sample_moment = both[: len(time)], both[len(time) :].reshape(*sample_time.shape, -1)
    return Timeline(
        kinds=kinds,
        kind=kind,
        time_s=time,
        moment_per_m=moment,
        phase_rad=sequence.rf_phase_rad[played] + 2 * np.pi * sequence.rf_frequency_Hz[played] * own_centre,
        frequency_Hz=sequence.rf_frequency_Hz[played],
        last_pulse=last,
        sample_time_s=sample_time,
        sample_moment_per_m=sample_moment,
        adc_phase_rad=sequence.adc_phase_rad[read],
    )


def _check(sequence: Sequence) -> None:
    if not (sequence.adc >= 0).any():
        raise UsageError(f"Sequence {sequence.name}: no readouts, so there is nothing to acquire. Add an ADC event.")
    if not (sequence.rf >= 0).any():
        raise UsageError(f"Sequence {sequence.name}: no RF pulse, so there is no signal. Add an excitation.")
    if len({adc.samples for adc in sequence.adcs}) > 1 or sequence.adcs[0].samples != sequence.encoding.samples:
        got = sorted({adc.samples for adc in sequence.adcs})
        raise UsageError(f"Sequence {sequence.name}: readouts of {got} samples, wanted {sequence.encoding.samples} in each.")
    for block in np.flatnonzero((sequence.adc >= 0) & (sequence.rf >= 0)):
        pulse, adc = sequence.rf_pulses[sequence.rf[block]], sequence.adcs[sequence.adc[block]]
        adc_end, rf_end = adc.delay_s + adc.samples * adc.dwell_s, pulse.delay_s + pulse.duration_s
        if adc.delay_s < rf_end - 1e-9 and adc_end > pulse.delay_s + 1e-9:
            raise ValueRangeError(
                f"Sequence {sequence.name}, block {block}: the ADC ({adc.delay_s * 1e3:.3f} to {adc_end * 1e3:.3f} ms) overlaps "
                f"the RF pulse (to {rf_end * 1e3:.3f} ms). Delay the ADC."
            )


def _block_moments(sequence: Sequence) -> Float[np.ndarray, "block 3"]:
    """Moment clock at each block's start."""
    areas = np.array([gradient.area_T_s_per_m for gradient in sequence.gradients] + [0.0])
    per_block = areas[sequence.gradient] * sequence.gradient_scale * GYROMAGNETIC_RATIO_HZ_PER_T
    return np.asarray(np.cumsum(per_block, axis=0) - per_block)


def _partial_moments(
    sequence: Sequence, blocks: Int[np.ndarray, " n"], times_s: Float[np.ndarray, "n time"]
) -> Float[np.ndarray, "n time 3"]:
    """Moment from the start of each block to times within it; each pair of shape and times is integrated once."""
    result = np.zeros((*times_s.shape, 3))
    for axis in range(3):
        shape = sequence.gradient[blocks, axis]
        scale = sequence.gradient_scale[blocks, axis] * GYROMAGNETIC_RATIO_HZ_PER_T
        played = np.flatnonzero(shape >= 0)
        label = np.column_stack([shape[played], np.round(times_s[played][:, [0, -1]] * 1e9)])
        unique, which = np.unique(label, axis=0, return_inverse=True)
        for i in range(len(unique)):
            rows = played[which.ravel() == i]
            waveform = moment_until(sequence.gradients[shape[rows[0]]], times_s[rows[0]])
            result[rows, :, axis] = scale[rows, None] * waveform
    return result


def _pulse_kinds(
    sequence: Sequence, played: Int[np.ndarray, " pulse"], bore: Bore, gradients: PlayedGradients | None
) -> tuple[tuple[PulseKind, ...], Int[np.ndarray, " pulse"]]:
    if gradients is not None:  # any two may differ by what came before them
        starts = sequence.block_starts_s()
        kinds = tuple(_pulse_kind(sequence, int(block), bore, gradients, float(starts[block])) for block in played)
        return _merge_same(kinds, np.arange(len(kinds)))
    label = np.column_stack([sequence.rf[played], sequence.gradient[played], np.round(sequence.gradient_scale[played], 12)])
    _, first, which = np.unique(label, axis=0, return_index=True, return_inverse=True)
    kinds = tuple(_pulse_kind(sequence, int(played[i]), bore) for i in first)
    return _merge_same(kinds, which.ravel())


def _merge_same(
    kinds: tuple[PulseKind, ...], which: Int[np.ndarray, " pulse"]
) -> tuple[tuple[PulseKind, ...], Int[np.ndarray, " pulse"]]:
    """Blocks whose gradients differ only outside the pulse play the same kind."""
    seen: dict[bytes, int] = {}
    kept: list[PulseKind] = []
    target = np.empty(len(kinds), dtype=np.int64)
    for i, kind in enumerate(kinds):
        key = kind.name.encode() + np.round(kind.gradient_Hz_per_m, 6).tobytes() + kind.b1_T.tobytes()
        if key not in seen:
            seen[key] = len(kept)
            kept.append(kind)
        target[i] = seen[key]
    return tuple(kept), target[which]


def _pulse_kind(
    sequence: Sequence, block: int, bore: Bore, gradients: PlayedGradients | None = None, start_s: float = 0.0
) -> PulseKind:
    pulse: RfPulse = sequence.rf_pulses[sequence.rf[block]]
    merge = max(1, int(LONGEST_RF_STEP_S / pulse.raster_s + 1e-9))
    while len(pulse.b1_T) % merge:
        merge -= 1
    b1 = amplified(pulse, bore.rf_amplifier).reshape(-1, merge).mean(axis=1)
    step = pulse.raster_s * merge
    middle = pulse.delay_s + (np.arange(len(b1)) + 0.5) * step
    if gradients is None:
        course = GYROMAGNETIC_RATIO_HZ_PER_T * _asked_gradient(sequence, block, middle, step)
    else:
        course = courses(bore.terms, start_s + middle, gradients.at(start_s + middle))
    return PulseKind(
        b1_T=b1,
        gradient_Hz_per_m=course,
        step_s=step,
        centre_s=pulse.centre_s,
        use=pulse.use,
        name=f"rf {int(sequence.rf[block])}",
    )


def amplified(pulse: RfPulse, amplifier: RfAmplifier | None) -> Complex[np.ndarray, " n"]:
    """The pulse as the power amplifier gives it, T, step by step."""
    b1 = pulse.b1_T.astype(np.complex128)
    if amplifier is None:
        return b1
    level = np.abs(b1 / amplifier.peak_T) ** 2
    gain = 1 + sum(a * level ** (order + 1) for order, a in enumerate(amplifier.compression))
    spent_s = (np.arange(len(b1)) + 0.5) * pulse.raster_s
    return np.asarray(b1 * gain * (1 - amplifier.droop_per_s * spent_s))


def _asked_gradient(sequence: Sequence, block: int, middle_s: Float[np.ndarray, " n"], step_s: float) -> Float[np.ndarray, "n 3"]:
    gradient = np.zeros((len(middle_s), 3))
    for axis in range(3):
        shape = sequence.gradient[block, axis]
        if shape >= 0:
            gradient[:, axis] = sequence.gradient_scale[block, axis] * _mean_gradient(sequence.gradients[shape], middle_s, step_s)
    return gradient


def _mean_gradient(gradient: Gradient, middle_s: Float[np.ndarray, " n"], step_s: float) -> Num[np.ndarray, " n"]:
    edges = np.append(middle_s - 0.5 * step_s, middle_s[-1] + 0.5 * step_s)
    return np.asarray(np.diff(moment_until(gradient, edges)) / step_s)
