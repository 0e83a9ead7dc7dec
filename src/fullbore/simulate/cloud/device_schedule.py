"""A timeline as a device reads it: phases in turns, intervals by number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int32
from torch import Tensor

from fullbore.simulate.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeviceSchedule:
    """Intervals before pulses, and from pulses to the middle of readouts.

    shift: turns of the frame, from the pulse before to this one (of a readout: from its pulse back to the signal's frame).
    move: moment gained, per unit of place; dt_s: length; rest: which of the different lengths `length_s` it is.
    kind: which propagator a pulse plays. edges: (pulse + 1,) first readout after each pulse. Readouts before any pulse have
    entries that nobody reads.
    """

    kind: Int32[Tensor, " pulse"]
    shift: Float64[Tensor, " pulse"]
    move: Float64[Tensor, "pulse c"]
    dt_s: Float64[Tensor, " pulse"]
    rest: Int32[Tensor, " pulse"]
    edges: Int32[Tensor, " pulse1"]
    row_shift: Float64[Tensor, " row"]
    row_move: Float64[Tensor, "row c"]
    row_dt_s: Float64[Tensor, " row"]
    row_rest: Int32[Tensor, " row"]
    length_s: Float64[Tensor, " length"]

    def decay(
        self, t1_s: Float64[Tensor, " n"], t2_s: Float64[Tensor, " n"]
    ) -> tuple[Float32[Tensor, "length n"], Float32[Tensor, "length n"]]:
        """What recovers, 1 - exp(-t/T1), to full relative precision; what is left, exp(-t/T2)."""
        lengths = self.length_s[:, None]
        return -torch.expm1(-lengths / t1_s).to(torch.float32), torch.exp(-lengths / t2_s).to(torch.float32)


def schedule(timeline: Timeline, which: np.ndarray, device: torch.device) -> DeviceSchedule:
    """which: (pulse,) number of each pulse's propagator. The middle sample of a readout stands for it."""
    last, rows = np.maximum(timeline.last_pulse, 0), np.arange(len(timeline.last_pulse))
    middle = timeline.samples // 2
    dt = np.diff(timeline.time_s, prepend=timeline.time_s[:1])
    row_dt = np.where(timeline.last_pulse < 0, 0.0, timeline.sample_time_s[rows, middle] - timeline.time_s[last])
    turns = timeline.phase_rad / (2 * np.pi)
    lengths, number = np.unique(np.round(np.concatenate([dt, row_dt]) * 1e10), return_inverse=True)
    rest, row_rest = np.split(number.ravel(), [len(dt)])

    def real(values: np.ndarray) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=device)

    def whole(values: np.ndarray) -> Tensor:
        return torch.tensor(values, dtype=torch.int32, device=device)

    return DeviceSchedule(
        kind=whole(which),
        shift=real(-np.diff(turns, prepend=0.0)),
        move=real(np.diff(timeline.moment_per_m, axis=0, prepend=timeline.moment_per_m[:1])),
        dt_s=real(dt),
        rest=whole(rest),
        edges=whole(np.searchsorted(timeline.last_pulse, np.arange(len(timeline.kind) + 1))),
        row_shift=real(turns[last]),
        row_move=real(timeline.sample_moment_per_m[rows, middle] - timeline.moment_per_m[last]),
        row_dt_s=real(row_dt),
        row_rest=whole(row_rest),
        length_s=real(1e-10 * lengths),
    )
