"""A timeline from pulse end to pulse start: pools exchange during pulses, so pulses cannot be drawn together to their centres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int

from fullbore.simulate.timeline import PulseKind, Timeline


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clocks:
    """Intervals between pulses and from pulses to the middle of readouts.

    before, after: (pulse,) exp(-i phase) of the RF at its start and end. move_per_m (pulse, axis) cycles/m, dt_s: of the
    interval before each pulse. rows: (pulse, 2) first and last + 1 readout after it. row_move_per_m, row_dt_s: from the last
    pulse's end to a readout's middle. lengths_s: different lengths of intervals, which rest (pulse,) indexes; first_s: of those
    from the last pulse's end to a first sample, which row_first does.
    """

    before: Complex[np.ndarray, " pulse"]
    after: Complex[np.ndarray, " pulse"]
    move_per_m: Float[np.ndarray, "pulse axis"]
    dt_s: Float[np.ndarray, " pulse"]
    rows: Int[np.ndarray, "pulse 2"]
    row_move_per_m: Float[np.ndarray, "row axis"]
    row_dt_s: Float[np.ndarray, " row"]
    lengths_s: Float[np.ndarray, " length"]
    rest: Int[np.ndarray, " pulse"]
    first_s: Float[np.ndarray, " first"]
    row_first: Int[np.ndarray, " row"]


def clocks(timeline: Timeline) -> Clocks:
    """The timeline's intervals between the ends and starts of pulses."""
    centre, duration = (np.array(part)[timeline.kind] for part in zip(*map(_lengths, timeline.kinds), strict=True))
    early, late = (np.stack(part)[timeline.kind] for part in zip(*map(_moments, timeline.kinds), strict=True))
    start, end = timeline.time_s - centre, timeline.time_s - centre + duration
    start_moment, end_moment = timeline.moment_per_m - early, timeline.moment_per_m + late
    dt = np.append(0.0, np.maximum(start[1:] - end[:-1], 0))
    last, rows, middle = timeline.last_pulse, np.arange(len(timeline.last_pulse)), timeline.samples // 2
    lengths, rest = np.unique(np.round(dt * 1e10), return_inverse=True)
    since = np.maximum(timeline.sample_time_s[:, 0] - end[last], 0)
    first, row_first = np.unique(np.round(since * 1e10), return_inverse=True)
    phase = timeline.phase_rad - 2 * np.pi * timeline.frequency_Hz * centre
    edges = np.searchsorted(last, np.arange(len(dt) + 1))
    return Clocks(
        before=np.exp(-1j * phase), after=np.exp(-1j * (phase + 2 * np.pi * timeline.frequency_Hz * duration)),
        move_per_m=np.concatenate([np.zeros_like(start_moment[:1]), start_moment[1:] - end_moment[:-1]]), dt_s=dt,
        rows=np.column_stack([edges[:-1], edges[1:]]), row_dt_s=timeline.sample_time_s[rows, middle] - end[last],
        row_move_per_m=timeline.sample_moment_per_m[rows, middle] - end_moment[last], lengths_s=1e-10 * lengths,
        rest=rest.ravel(), first_s=1e-10 * first, row_first=row_first.ravel(),
    )  # fmt: skip


def _lengths(kind: PulseKind) -> tuple[float, float]:
    return kind.centre_s, kind.duration_s


def _moments(kind: PulseKind) -> tuple[Float[np.ndarray, " axis"], Float[np.ndarray, " axis"]]:
    """Gradient moment of a pulse before and after its centre, cycles/m."""
    early = np.clip(kind.centre_s - np.arange(len(kind.b1_T)) * kind.step_s, 0, kind.step_s)
    return early @ kind.gradient_Hz_per_m, (kind.step_s - early) @ kind.gradient_Hz_per_m
