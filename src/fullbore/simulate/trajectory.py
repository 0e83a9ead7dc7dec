"""The true k-space trajectory: the gradient waveforms integrated, reset by excitations and negated by refocusing."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.data import Sequence
from fullbore.simulate.timeline import Timeline, compile_timeline


def trajectory(sequence: Sequence) -> Float[np.ndarray, "row sample 3"]:
    """k-space position of every sample, cycles/m in LPS, float64, from the sequence's own waveforms.

    k is zero at the centre of an excitation, changes sign at the centre of a refocusing pulse and ignores other pulses.
    """
    timeline = compile_timeline(sequence)
    return sample_positions(timeline, positions_after_pulses(timeline))


def positions_after_pulses(timeline: Timeline) -> Float[np.ndarray, "pulse 3"]:
    """k just after the centre of each pulse."""
    result = np.zeros_like(timeline.moment_per_m)
    k = np.zeros(3)
    last = np.zeros(3)
    for n, use in enumerate(timeline.uses):
        k = k + timeline.moment_per_m[n] - last
        last = timeline.moment_per_m[n]
        k = np.zeros(3) if use == "e" else -k if use == "r" else k
        result[n] = k
    return result


def sample_positions(timeline: Timeline, after: Float[np.ndarray, "pulse 3"]) -> Float[np.ndarray, "row sample 3"]:
    """k at every sample from k after every pulse."""
    start = after[timeline.last_pulse] - timeline.moment_per_m[timeline.last_pulse]
    start[timeline.last_pulse < 0] = 0
    return timeline.sample_moment_per_m + start[:, None, :]
