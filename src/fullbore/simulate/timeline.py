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
from fullbore.simulate.tracks import Tracks, each_its_own, joint_labels

LONGEST_RF_STEP_S = 4e-6
LONGEST_RELAXED_S = 1e-5
STILL_PER_M = 1e-9
FAR_M, HELD_TURNS, MOST_PARTS = 0.25, 1e-6, 64
"""Steps of RF are cut, into so many parts at most, until a changing gradient misplaces the phase of a spin so far from the
isocentre by no more than this at mid-step: the mean over all steps, each weighed by what it flips."""


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
    phase_rad: RF phase at the pulse's centre; frequency_Hz: its offset (both in Pulseq's frame). shim: (pulse,), which of the
    sequence's shims plays it, -1 for none.
    last_pulse: (row,) the pulse before each readout, -1 where there was none. samples, dwell_s: (row,) length and step of each.
    times: of the samples, in s, one part; moments: of the samples; both run on beyond the end of shorter readouts.
    receiver_phase_rad: (row, sample), or (row, 1) where it is the same for all samples.
    """

    kinds: tuple[PulseKind, ...]
    kind: Int[np.ndarray, " pulse"]
    time_s: Float[np.ndarray, " pulse"]
    moment_per_m: Float[np.ndarray, "pulse part"]
    phase_rad: Float[np.ndarray, " pulse"]
    frequency_Hz: Float[np.ndarray, " pulse"]
    shim: Int[np.ndarray, " pulse"]
    last_pulse: Int[np.ndarray, " row"]
    samples: Int[np.ndarray, " row"]
    dwell_s: Float[np.ndarray, " row"]
    times: Tracks
    moments: Tracks
    receiver_phase_rad: Float[np.ndarray, "row sample1"]

    @property
    def uses(self) -> list[str]:
        """The use of every pulse."""
        return [self.kinds[k].use for k in self.kind]

    @property
    def sample_time_s(self) -> Float[np.ndarray, "row sample"]:
        """Time of every sample, made anew whenever it is asked for."""
        return self.times.all()[..., 0]

    @property
    def sample_moment_per_m(self) -> Float[np.ndarray, "row sample part"]:
        """Moment clock of every sample, made anew whenever it is asked for."""
        return self.moments.all()


def compile_timeline(sequence: Sequence, bore: Bore = IDEAL, marks_s: Float[np.ndarray, " m"] | None = None) -> Timeline:
    """The sequence on its two clocks, in an ideal bore or another. marks_s: rising times of further pulses that do nothing.

    Errors: UsageError when it has no readouts or no pulses, or disagrees with its encoding; ValueRangeError when an ADC overlaps
    an RF pulse.
    """
    _check(sequence)
    starts = sequence.block_starts_s()
    played = np.flatnonzero(sequence.rf >= 0)
    gradients = None if bore.is_ideal else play_gradients(sequence, bore.response)
    kinds, kind = _pulse_kinds(sequence, played, bore, gradients)
    pulse_centres = np.array([pulse.delay_s + pulse.centre_s for pulse in sequence.rf_pulses])
    time = starts[played] + pulse_centres[sequence.rf[played]]
    phase, frequency, shim = _carriers(sequence, played)
    read = np.flatnonzero(sequence.adc >= 0)
    middles = np.arange(sequence.encoding.samples) + 0.5
    offsets = np.stack([adc.delay_s + middles * adc.dwell_s for adc in sequence.adcs])
    times = Tracks(start=starts[read, None], course=offsets[..., None], kind=sequence.adc[read].astype(np.int64))
    if marks_s is not None:
        kinds = (*kinds, _nothing(kinds[0].gradient_Hz_per_m.shape[1]))
        time, phase, frequency, kind, shim = _marked(marks_s, len(kinds) - 1, time, phase, frequency, kind, shim)
    if gradients is None:
        moment, moments = _asked_moments(sequence, played, pulse_centres, read, offsets)
    else:
        moment, moments = _gathered_moments(bore, gradients, time, times)
    return Timeline(
        kinds=kinds,
        kind=kind,
        time_s=time,
        moment_per_m=moment,
        phase_rad=phase,
        frequency_Hz=frequency,
        shim=shim,
        last_pulse=np.searchsorted(time, times.at(0)[:, 0], side="right") - 1,
        samples=np.array([adc.samples for adc in sequence.adcs])[sequence.adc[read]],
        dwell_s=np.array([adc.dwell_s for adc in sequence.adcs])[sequence.adc[read]],
        times=times,
        moments=moments,
        receiver_phase_rad=receiver_phase_rad(sequence),
    )


def _carriers(
    sequence: Sequence, played: Int[np.ndarray, " b"]
) -> tuple[Float[np.ndarray, " b"], Float[np.ndarray, " b"], Int[np.ndarray, " b"]]:
    """Phase at the centre (rad), frequency offset (Hz) and shim of each pulse that is played."""
    own_centre = np.array([pulse.centre_s for pulse in sequence.rf_pulses])[sequence.rf[played]]
    phase = sequence.rf_phase_rad[played] + 2 * np.pi * sequence.rf_frequency_Hz[played] * own_centre
    return phase, sequence.rf_frequency_Hz[played], sequence.rf_shim[played].astype(np.int64)


def _marked(
    marks_s: Float[np.ndarray, " m"],
    nothing: int,
    time_s: Float[np.ndarray, " b"],
    phase_rad: Float[np.ndarray, " b"],
    frequency_Hz: Float[np.ndarray, " b"],
    kind: Int[np.ndarray, " b"],
    shim: Int[np.ndarray, " b"],
) -> tuple[Num[np.ndarray, " n"], ...]:
    """The pulses' columns with pulses of the kind `nothing` at the marks, all in the order of their times."""
    order, zero = np.argsort(np.append(marks_s, time_s), kind="stable"), np.zeros(len(marks_s))
    columns = (marks_s, time_s), (zero, phase_rad), (zero, frequency_Hz), (zero + nothing, kind), (zero - 1, shim)
    return tuple(np.append(mark, own)[order].astype(own.dtype) for mark, own in columns)


def _asked_moments(
    sequence: Sequence,
    played: Int[np.ndarray, " pulse"],
    centres_s: Float[np.ndarray, " rf"],
    read: Int[np.ndarray, " row"],
    offsets_s: Float[np.ndarray, "adc sample"],
) -> tuple[Float[np.ndarray, "pulse part"], Tracks]:
    """Moment clocks of pulses and samples in an ideal bore, from the gradients as they are asked for."""
    clock = _block_moments(sequence)
    moment = clock[played] + _partial_moments(sequence, played, sequence.rf[played], centres_s[:, None]).at(0)
    return moment, _partial_moments(sequence, read, sequence.adc[read], offsets_s).moved(clock[read])


def _gathered_moments(
    bore: Bore, gradients: PlayedGradients, time_s: Float[np.ndarray, " pulse"], times: Tracks
) -> tuple[Float[np.ndarray, "pulse part"], Tracks]:
    """Moment clocks of pulses and samples from the gradients as they are played."""
    sample_time = times.all()[..., 0]
    both = gathered(bore.terms, gradients, np.concatenate([time_s, sample_time.ravel()]))
    return both[: len(time_s)], each_its_own(both[len(time_s) :].reshape(*sample_time.shape, -1))


def _nothing(parts: int) -> PulseKind:
    zero = np.zeros((1, parts))
    return PulseKind(b1_T=np.zeros(1, complex), gradient_Hz_per_m=zero, step_s=1e-9, centre_s=0.0, use="u", name="nothing")


def receiver_phase_rad(sequence: Sequence) -> Float[np.ndarray, "row sample1"]:
    """What the receiver adds to the phase of each sample: (row, sample), or (row, 1) where it is the same for all."""
    read = np.flatnonzero(sequence.adc >= 0)
    phase = sequence.adc_phase_rad[read, None].astype(np.float64)
    if not sequence.adc_frequency_Hz.any() and not any(adc.phase_rad for adc in sequence.adcs):
        return phase
    adcs = [sequence.adcs[index] for index in sequence.adc[read]]
    phase = np.repeat(phase, sequence.encoding.samples, axis=1)
    for row, (adc, frequency_Hz) in enumerate(zip(adcs, sequence.adc_frequency_Hz[read], strict=True)):
        phase[row, : adc.samples] += 2 * np.pi * frequency_Hz * (np.arange(adc.samples) + 0.5) * adc.dwell_s
        phase[row, : len(adc.phase_rad)] += adc.phase_rad
    return phase


def _check(sequence: Sequence) -> None:
    if not (sequence.adc >= 0).any():
        raise UsageError(f"Sequence {sequence.name}: no readouts, so there is nothing to acquire. Add an ADC event.")
    if not (sequence.rf >= 0).any():
        raise UsageError(f"Sequence {sequence.name}: no RF pulse, so there is no signal. Add an excitation.")
    longest = max(sequence.adcs[index].samples for index in np.unique(sequence.adc[sequence.adc >= 0]))
    if longest != sequence.encoding.samples:
        raise UsageError(
            f"Sequence {sequence.name}: its longest readout has {longest} samples, its encoding {sequence.encoding.samples}."
        )
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
    sequence: Sequence, blocks: Int[np.ndarray, " n"], course: Int[np.ndarray, " n"], times_s: Float[np.ndarray, "course time"]
) -> Tracks:
    """Moment from the start of each block to the times of its course within it; every shape is integrated once for a course."""
    shapes, scales = sequence.gradient[blocks].astype(np.int64), sequence.gradient_scale[blocks] * GYROMAGNETIC_RATIO_HZ_PER_T
    unit = np.zeros((len(sequence.gradients) + 1, *times_s.shape))  # the last is nothing, number -1
    for axis in range(3):
        first, _ = joint_labels(shapes[:, axis], course)
        for shape, number in zip(shapes[first, axis], course[first], strict=True):
            if shape >= 0:
                unit[shape, number] = sequence.gradients[shape].area_until_T_s_per_m(times_s[number])
    start = scales * unit[shapes, course[:, None], 0]
    unit -= unit[..., :1]
    runs = np.abs(unit).max(axis=2)[shapes, course[:, None]] * np.abs(scales) > STILL_PER_M
    shapes[~runs], scales[~runs] = -1, 0.0
    first, kind = joint_labels(course, *shapes.T, *scales.T)
    curves = scales[first, None] * unit[shapes[first], course[first, None]].transpose(0, 2, 1)
    return Tracks(start=start, course=curves, kind=kind)


def _pulse_kinds(
    sequence: Sequence, played: Int[np.ndarray, " pulse"], bore: Bore, gradients: PlayedGradients | None
) -> tuple[tuple[PulseKind, ...], Int[np.ndarray, " pulse"]]:
    if gradients is not None:  # any two may differ by what came before them
        starts = sequence.block_starts_s()
        kinds = tuple(_pulse_kind(sequence, int(block), bore, gradients, float(starts[block])) for block in played)
        return _merge_same(kinds, np.arange(len(kinds)))
    scale = np.round(sequence.gradient_scale[played], 12)
    first, which = joint_labels(sequence.rf[played], *sequence.gradient[played].T, *scale.T)
    kinds = tuple(_pulse_kind(sequence, int(played[i]), bore) for i in first)
    return _merge_same(kinds, which)


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
    b1 = amplified(pulse, bore.rf_amplifier)

    def course(step_s: float, steps: int) -> Float[np.ndarray, "step part"]:
        middle = pulse.delay_s + (np.arange(steps) + 0.5) * step_s
        if gradients is None:
            return GYROMAGNETIC_RATIO_HZ_PER_T * _asked_gradient(sequence, block, middle, step_s)
        return courses(bore.terms, start_s + middle, gradients.at(start_s + middle))

    merge = max(1, int(LONGEST_RF_STEP_S / pulse.raster_s + 1e-9))
    while len(b1) % merge:
        merge -= 1
    step = pulse.raster_s * merge
    played = course(step, len(b1) // merge)
    flip = np.abs(b1.reshape(-1, merge)).mean(axis=1)
    split = _split(played, flip, step)
    if split > 1:
        split = int(np.ceil(split / merge - 1e-9))
        b1, step = np.repeat(b1, split), pulse.raster_s / split
        played = course(step, len(b1))
    else:
        b1 = b1.reshape(-1, merge).mean(axis=1)
    return PulseKind(
        b1_T=b1,
        gradient_Hz_per_m=played,
        step_s=step,
        centre_s=pulse.centre_s,
        use=pulse.use,
        name=f"rf {int(sequence.rf[block])}",
    )


def _split(course: Float[np.ndarray, "step part"], flip: Float[np.ndarray, " step"], step_s: float) -> int:
    """In how many parts to take a step so that a gradient that changes meanwhile, and relaxation, may be held apart from it.

    flip: each step's weight. A step's phase is right at its ends, whatever the gradient does, so that only what it flips errs.
    """
    change = np.abs(np.diff(course[:, :3], axis=0)).max(axis=1, initial=0.0)
    worse = np.maximum(np.append(change, 0.0), np.append(0.0, change))  # of a step's two neighbours
    change_Hz = FAR_M * float(flip @ worse / max(float(flip.sum()), 1e-300))
    turning = np.sqrt(change_Hz * step_s / (8 * HELD_TURNS))
    return int(np.clip(np.ceil(max(turning, step_s / LONGEST_RELAXED_S - 1e-9)), 1, MOST_PARTS))


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
    return np.asarray(np.diff(gradient.area_until_T_s_per_m(edges)) / step_s)
