"""The true k-space trajectory: the gradient waveforms integrated, reset by excitations and negated by refocusing."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.data import Sequence
from fullbore.simulate.timeline import Timeline, compile_timeline
from fullbore.simulate.tracks import Tracks


def trajectory(sequence: Sequence) -> Float[np.ndarray, "row sample 3"]:
    """k-space position of every sample, cycles/m in LPS, float64, from the sequence's own waveforms.

    k is zero at the centre of an excitation, changes sign at the centre of a refocusing pulse and ignores other pulses.
    """
    timeline = compile_timeline(sequence)
    return sample_positions(timeline, positions_after_pulses(timeline)).all()


def positions_after_pulses(timeline: Timeline) -> Float[np.ndarray, "pulse 3"]:
    """k just after the centre of each pulse: its moment less an origin, which an excitation puts where it is itself.

    Refocusing mirrors the origin in the pulse's moment m, o -> 2 m - o: with alternating signs that is a sum.
    """
    use, moment = np.array(timeline.uses), timeline.moment_per_m
    turns = np.flatnonzero((use == "e") | (use == "r"))
    excites, number = (use[turns] == "e")[:, None], np.arange(len(turns))[:, None]
    signed = np.where(number % 2, -1.0, 1.0) * moment[turns]
    mirrored = np.cumsum(np.where(excites, 0.0, 2 * signed), axis=0)
    latest = np.maximum.accumulate(np.where(excites, number, -1))[:, 0]
    origin = mirrored + np.where(latest[:, None] >= 0, (signed - mirrored)[latest], 0.0)
    origin = np.concatenate([np.zeros((1, 3)), np.where(number % 2, -1.0, 1.0) * origin])
    return np.asarray(moment - origin[np.searchsorted(turns, np.arange(len(moment)), side="right")])


def sample_positions(timeline: Timeline, after: Float[np.ndarray, "pulse 3"]) -> Tracks:
    """k at every sample from k after every pulse."""
    start = after[timeline.last_pulse] - timeline.moment_per_m[timeline.last_pulse]
    start[timeline.last_pulse < 0] = 0
    return timeline.moments.moved(start)
