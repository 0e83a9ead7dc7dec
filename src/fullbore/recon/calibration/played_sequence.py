"""What a measured response makes of a whole sequence: the moments that it adds, from excitation to every sample."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.interpolate import CubicSpline

from fullbore.data import GradientImpulseResponse, Sequence
from fullbore.numerics.response_filter import EARLY, departure_kernel
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

STEP_S = 5e-6
# What happened longer ago than this is forgotten, however finely the response was sampled.
MEMORY_S = 1.0
_CHUNK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlayedSequence:
    """At each sample, (row, sample, ...), padded with the last one: nominal k (cycles/m) and what is added to it.

    added: (row, sample, 4), x, y, z in cycles/m and the turns of the uniform field.
    """

    nominal_per_m: Float[np.ndarray, "row sample 3"]
    added: Float[np.ndarray, "row sample 4"]


def play_sequence(sequence: Sequence, response: GradientImpulseResponse) -> PlayedSequence:
    """Moments of the sequence asked for, exactly, and of what the response adds, at samples and centres of pulses."""
    starts = np.round(sequence.block_starts_s(), 12)
    course = _Course(sequence=sequence, starts_s=starts, at_starts=_moments_at_starts(sequence))
    kernel = departure_kernel(response.frequency_Hz, response.response, STEP_S, min(MEMORY_S, sequence.total_duration_s))
    lags = kernel.values.shape[2] - EARLY
    readouts, pulses = np.flatnonzero(sequence.adc >= 0), np.flatnonzero(sequence.rf >= 0)
    centre_s = starts[pulses] + _centres_s(sequence)[sequence.rf[pulses]]
    times_s = _sample_times_s(sequence, readouts)
    moments = np.concatenate([course.at(times_s.ravel()).reshape(*times_s.shape, 3), np.zeros((*times_s.shape, 4))], axis=-1)
    of_pulses = np.concatenate([course.at(centre_s), np.zeros((len(pulses), 4))], axis=-1)
    base = np.zeros(4)
    for first, last in _chunks(sequence.duration_s):
        begin = starts[first]
        length = float(sequence.duration_s[first:last].sum())
        count = int(np.ceil(length / STEP_S)) + 4
        edges = begin + STEP_S * np.arange(-lags, count + EARLY + 1)
        steps = np.diff(course.at(edges), axis=0)
        new = kernel.applied(steps[None])[0, lags : lags + count]
        gathered = np.concatenate([np.zeros((1, 4)), np.cumsum(new, axis=0)])
        spline = CubicSpline(STEP_S * np.arange(count + 1), gathered, axis=0)
        rows = np.flatnonzero((readouts >= first) & (readouts < last))
        moments[rows, :, 3:] = base + spline(times_s[rows] - begin)
        own = np.flatnonzero((pulses >= first) & (pulses < last))
        of_pulses[own, 3:] = base + spline(centre_s[own] - begin)
        base = base + spline(length)
    turned = _since_excitation(sequence, moments, of_pulses, readouts, pulses)
    return PlayedSequence(nominal_per_m=turned[..., :3], added=turned[..., 3:])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Course:
    """The gradient moment at any time, cycles/m."""

    sequence: Sequence
    starts_s: Float[np.ndarray, " block"]
    at_starts: Float[np.ndarray, "block 3"]

    def at(self, times_s: Float[np.ndarray, " t"]) -> Float[np.ndarray, "t 3"]:
        """From the sequence's start; nothing is played before it or beyond its end."""
        block = np.maximum(np.searchsorted(self.starts_s, times_s, side="right") - 1, 0)
        result = self.at_starts[block]
        since = times_s - self.starts_s[block]
        for axis in range(3):
            shape = self.sequence.gradient[block, axis]
            for number in np.unique(shape[shape >= 0]).tolist():
                on = np.flatnonzero(shape == number)
                area = self.sequence.gradients[number].area_until_T_s_per_m(since[on])
                scale = self.sequence.gradient_scale[block[on], axis] * GYROMAGNETIC_RATIO_HZ_PER_T
                result[on, axis] += scale * area
        return np.asarray(result)


def _moments_at_starts(sequence: Sequence) -> Float[np.ndarray, "block 3"]:
    areas = np.array([shape.area_T_s_per_m for shape in sequence.gradients] + [0.0])
    each = areas[sequence.gradient] * sequence.gradient_scale * GYROMAGNETIC_RATIO_HZ_PER_T
    return np.asarray(np.cumsum(each, axis=0) - each)


def _centres_s(sequence: Sequence) -> Float[np.ndarray, " pulse"]:
    return np.array([pulse.delay_s + pulse.centre_s for pulse in sequence.rf_pulses] + [0.0])


def _sample_times_s(sequence: Sequence, readouts: Int[np.ndarray, " row"]) -> Float[np.ndarray, "row sample"]:
    """Of readouts padded to the longest with their last sample's."""
    starts = np.round(sequence.block_starts_s(), 12)[readouts]
    windows = [sequence.adcs[number] for number in sequence.adc[readouts].tolist()]
    count = np.array([window.samples for window in windows])
    index = np.minimum(np.arange(int(count.max(initial=1)))[None], count[:, None] - 1)
    delay, dwell = (np.array([getattr(window, name) for window in windows]) for name in ("delay_s", "dwell_s"))
    return np.asarray(starts[:, None] + delay[:, None] + (index + 0.5) * dwell[:, None])


def _chunks(duration_s: Float[np.ndarray, " block"]) -> Iterator[tuple[int, int]]:
    """Runs of whole blocks, (first, last + 1), of about half a second."""
    number = np.floor((np.cumsum(duration_s) - duration_s) / _CHUNK_S)
    edges = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(duration_s)]
    yield from itertools.pairwise(edges)


def _since_excitation(
    sequence: Sequence,
    moments: Float[np.ndarray, "row sample part"],
    of_pulses: Float[np.ndarray, "pulse part"],
    readouts: Int[np.ndarray, " row"],
    pulses: Int[np.ndarray, " pulse"],
) -> Float[np.ndarray, "row sample part"]:
    """What each part has gathered since the last excitation, its sign turned by every refocusing pulse in between.

    Pulses of other uses change nothing. A refocusing pulse takes m + s o to -m - s o = m' + s' o' with s' = -s, o' = o + 2 s m.
    """
    use = np.array([pulse.use for pulse in sequence.rf_pulses] + [""])[sequence.rf[pulses]]
    sign, offset = np.ones(len(pulses) + 1), np.zeros((len(pulses) + 1, moments.shape[2]))
    for number in range(len(pulses)):
        sign[number + 1], offset[number + 1] = sign[number], offset[number]
        if use[number] in ("e", "u"):
            sign[number + 1], offset[number + 1] = 1.0, -of_pulses[number]
        elif use[number] == "r":
            sign[number + 1] = -sign[number]
            offset[number + 1] = offset[number] + 2 * sign[number] * of_pulses[number]
    last = np.searchsorted(pulses, readouts, side="right")
    return np.asarray(moments + (sign[last, None] * offset[last])[:, None])
