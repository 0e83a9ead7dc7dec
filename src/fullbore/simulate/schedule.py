"""Which pulses act on a group of readouts, which readouts lie between them, and which trains of pulses repeat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.repetition import Repeat, find_repeats
from fullbore.simulate.timeline import PulseKind, Timeline


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schedule:
    """Pulses that act on one group and the readouts between them, in the scan's frame.

    pulses: indices into the timeline. rows: (pulse, 2). low, high, reference: (row, 3), see `run_states`.
    since_s: (row,) from the pulse's centre to the first sample. cut_per_m: (3,). repeats: trains that are played again and again.
    excited: sine of the largest excitation flip.
    """

    pulses: Int[np.ndarray, " pulse"]
    rows: Int[np.ndarray, "pulse 2"]
    low: Float[np.ndarray, "row 3"]
    high: Float[np.ndarray, "row 3"]
    reference: Float[np.ndarray, "row 3"]
    since_s: Float[np.ndarray, " row"]
    cut_per_m: Float[np.ndarray, " 3"]
    repeats: tuple[Repeat, ...]
    excited: float


def make_schedule(
    timeline: Timeline,
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
    return Schedule(
        pulses=pulses,
        rows=np.column_stack([edges[:-1], edges[1:]]),
        low=k.min(axis=1),
        high=k.max(axis=1),
        reference=k[:, 0] - moved @ frame.T,
        since_s=timeline.sample_time_s[rows, 0] - timeline.time_s[pulses[owner]],
        cut_per_m=cut_per_m,
        repeats=tuple(find_repeats(pulse_signature(timeline, pulses, frame), intervals(timeline, pulses, frame)[0])),
        excited=max(_sine(timeline.kinds[kind]) for kind in np.unique(timeline.kind[pulses])),
    )


def _sine(pulse: PulseKind) -> float:
    """Sine of the flip on resonance, 1 beyond 90 degrees; 0 for what does not excite."""
    flip = 2 * np.pi * GYROMAGNETIC_RATIO_HZ_PER_T * abs(pulse.b1_T.sum()) * pulse.step_s
    return float(np.sin(min(flip, np.pi / 2))) if pulse.use == "e" else 0.0


def intervals(
    timeline: Timeline, pulses: Int[np.ndarray, " pulse"], frame: Float[np.ndarray, "3 3"]
) -> tuple[Float[np.ndarray, " pulse"], Float[np.ndarray, "pulse 3"]]:
    """Time and gradient moment (in the scan's frame) from the pulse before, zero for the first."""
    interval = np.diff(timeline.time_s[pulses], prepend=timeline.time_s[pulses[0]])
    moment = np.diff(timeline.moment_per_m[pulses], axis=0, prepend=timeline.moment_per_m[pulses[:1]])
    return interval, moment @ frame.T


def pulse_signature(
    timeline: Timeline, pulses: Int[np.ndarray, " pulse"], frame: Float[np.ndarray, "3 3"]
) -> Int[np.ndarray, " pulse"]:
    """A number per pulse, the same for pulses of one kind, frequency, phase and interval before them."""
    interval, moment = intervals(timeline, pulses, frame)
    phase = np.round(np.mod(timeline.phase_rad[pulses] + 1e-7, 2 * np.pi), 5)
    columns = [
        timeline.kind[pulses],
        np.round(timeline.frequency_Hz[pulses], 2),
        phase,
        np.round(interval, 8),
        np.round(moment, 1),
    ]
    _, which = np.unique(np.column_stack(columns) + 0.0, axis=0, return_inverse=True)
    return np.asarray(which.ravel())
