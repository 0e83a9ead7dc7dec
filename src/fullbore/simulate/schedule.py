"""Which pulses act on a group of readouts, which readouts lie between them, and which trains of pulses repeat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.diffusion import Stretches, Waveforms
from fullbore.simulate.repetition import Repeat, Shortened, find_repeats, shorten
from fullbore.simulate.timeline import PulseKind, Timeline
from fullbore.simulate.tracks import Tracks, chains, joint_labels

ALIKE_SPREAD_S_PER_M2, ALIKE_PATH_S_PER_M = 8e3, 4.0
"""Intervals whose diffusion weighting differs by less than this are one: 1e-3 of the signal of water (3e-9 m^2/s)."""
MOST_ALIKE = 10
"""A chain of such intervals that grows longer than so many steps is broken up."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schedule:
    """Pulses that act on one group and the readouts between them, in the scan's frame.

    pulses: indices into the timeline. rows: (pulse, 2). low, high, reference: (row, 3), see `run_states`.
    since_s: (row,) from the pulse's centre to the first sample. cut_per_m: (3,). repeats: trains that are played again and again;
    shortened: the schedule without all but the first of these. excited: sine of the largest excitation flip. before: the stretch
    to each pulse from the one before it; until: from the pulse to the middle sample of each readout; both in the scan's frame.
    """

    pulses: Int[np.ndarray, " pulse"]
    rows: Int[np.ndarray, "pulse 2"]
    low: Float[np.ndarray, "row 3"]
    high: Float[np.ndarray, "row 3"]
    reference: Float[np.ndarray, "row 3"]
    since_s: Float[np.ndarray, " row"]
    cut_per_m: Float[np.ndarray, " 3"]
    repeats: tuple[Repeat, ...]
    shortened: Shortened
    excited: float
    before: Stretches
    until: Stretches


def make_schedule(
    timeline: Timeline,
    waveforms: Waveforms,
    k_per_m: Tracks,
    frame: Float[np.ndarray, "3 3"],
    pulses: Int[np.ndarray, " pulse"],
    rows: Int[np.ndarray, " own"],
    cut_per_m: Float[np.ndarray, " 3"],
) -> Schedule:
    """The acting pulses and the group's readouts between them; k_per_m is the nominal trajectory along the frame."""
    owner = np.searchsorted(pulses, timeline.last_pulse[rows], side="right") - 1
    k = k_per_m.taken(rows)
    moved = timeline.moments.at(0)[rows] - timeline.moment_per_m[pulses[owner]]
    edges = np.searchsorted(owner, np.arange(len(pulses) + 1))
    before = waveforms.between(pulses).turned(frame)
    repeats = tuple(find_repeats(pulse_signature(timeline, pulses, before), before.time_s))
    seen = (np.column_stack([edges[:-1], edges[1:]]), k.low(), k.high(), k.at(0) - moved @ frame.T)
    return Schedule(
        pulses=pulses,
        rows=seen[0],
        low=seen[1],
        high=seen[2],
        reference=seen[3],
        since_s=timeline.times.at(0)[rows, 0] - timeline.time_s[pulses[owner]],
        cut_per_m=cut_per_m,
        repeats=repeats,
        shortened=shorten(list(repeats), *seen),
        excited=max(_sine(timeline.kinds[kind]) for kind in np.unique(timeline.kind[pulses])),
        before=before,
        until=waveforms.until(pulses[owner], rows).turned(frame),
    )


def _sine(pulse: PulseKind) -> float:
    """Sine of the flip on resonance, 1 beyond 90 degrees; 0 for what does not excite."""
    flip = 2 * np.pi * GYROMAGNETIC_RATIO_HZ_PER_T * abs(pulse.b1_T.sum()) * pulse.step_s
    return float(np.sin(min(flip, np.pi / 2))) if pulse.use == "e" else 0.0


def pulse_signature(timeline: Timeline, pulses: Int[np.ndarray, " pulse"], before: Stretches) -> Int[np.ndarray, " pulse"]:
    """A number per pulse, the same for pulses of one kind, frequency and phase after intervals that are alike."""
    phase = np.round(np.mod(timeline.phase_rad[pulses] + 1e-7, 2 * np.pi), 5)
    upper = np.triu_indices(3)
    columns = [
        timeline.kind[pulses],
        np.round(timeline.frequency_Hz[pulses], 2),
        phase,
        np.round(before.time_s, 8),
        *np.round(before.moment_per_m, 1).T,
        *(_alike(path, ALIKE_PATH_S_PER_M) for path in before.path_s_per_m.T),
        *(_alike(spread, ALIKE_SPREAD_S_PER_M2) for spread in before.spread_s_per_m2[:, upper[0], upper[1]].T),
    ]
    return joint_labels(*columns)[1]


def _alike(values: Float[np.ndarray, " n"], step: float) -> Int[np.ndarray, " n"]:
    """A label per value: chains of values less than a step apart share one, unless they grow too long."""
    chain = chains(values, step)
    least = np.full(int(chain.max(initial=0)) + 1, np.inf)
    np.minimum.at(least, chain, values)
    part = np.floor((values - least[chain]) / (MOST_ALIKE * step)).astype(np.int64)
    return joint_labels(chain, part)[1] if part.any() else chain
