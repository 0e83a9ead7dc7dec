"""Which pulses act on a group of readouts, which readouts lie between them, and which trains of pulses repeat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.diffusion import Stretches, Waveforms
from fullbore.simulate.repetition import Repeat, Shortened, find_repeats, shorten
from fullbore.simulate.timeline import PulseKind, Timeline

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
    nominal_per_m: Float[np.ndarray, "row sample 3"],
    frame: Float[np.ndarray, "3 3"],
    pulses: Int[np.ndarray, " pulse"],
    rows: Int[np.ndarray, " own"],
    cut_per_m: Float[np.ndarray, " 3"],
) -> Schedule:
    """The acting pulses and the group's readouts between them; nominal_per_m is the trajectory in LPS."""
    owner = np.searchsorted(pulses, timeline.last_pulse[rows], side="right") - 1
    k = nominal_per_m[rows] @ frame.T
    moved = timeline.sample_moment_per_m[rows, 0] - timeline.moment_per_m[pulses[owner]]
    edges = np.searchsorted(owner, np.arange(len(pulses) + 1))
    before = waveforms.between(pulses).turned(frame)
    repeats = tuple(find_repeats(pulse_signature(timeline, pulses, before), before.time_s))
    seen = (np.column_stack([edges[:-1], edges[1:]]), k.min(axis=1), k.max(axis=1), k[:, 0] - moved @ frame.T)
    return Schedule(
        pulses=pulses,
        rows=seen[0],
        low=seen[1],
        high=seen[2],
        reference=seen[3],
        since_s=timeline.sample_time_s[rows, 0] - timeline.time_s[pulses[owner]],
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
        np.round(before.moment_per_m, 1),
        *(_alike(path, ALIKE_PATH_S_PER_M) for path in before.path_s_per_m.T),
        *(_alike(spread, ALIKE_SPREAD_S_PER_M2) for spread in before.spread_s_per_m2[:, upper[0], upper[1]].T),
    ]
    _, which = np.unique(np.column_stack(columns) + 0.0, axis=0, return_inverse=True)
    return np.asarray(which.ravel())


def _alike(values: Float[np.ndarray, " n"], step: float) -> Int[np.ndarray, " n"]:
    """A label per value: chains of values less than a step apart share one, unless they grow too long."""
    order = np.argsort(values, kind="stable")
    rising = values[order]
    chain = np.cumsum(np.diff(rising, prepend=rising[:1]) > step)
    part = np.floor((rising - rising[np.searchsorted(chain, chain)]) / (MOST_ALIKE * step)).astype(np.int64)
    label = np.empty(len(values), np.int64)
    label[order] = np.unique(np.column_stack([chain, part]), axis=0, return_inverse=True)[1].ravel()
    return label
