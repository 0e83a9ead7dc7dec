"""The played gradient waveform: unique blocks as segments of constant slew, and which one each block plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int

from fullbore.data import Sequence
from fullbore.numerics.unique_rows import unique_rows

# Corners nearer than this are one corner: far under any raster, far over float rounding within a block.
MERGE_S = 1e-10
# Durations are compared to the nanosecond.
TICK_S = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waveform:
    """Shapes are the unique combinations of a duration and three unscaled gradients; block b plays kind[b] times scale[b].

    Shape k has the segments offset[k] to offset[k + 1]: start_s from the block's start, duration_s, and the gradient's
    value just after the start and just before the end, T/m; it is straight between. A block of no duration has none.
    first_block: where a shape is played first. shape_s: how long it is.
    """

    kind: Int[np.ndarray, " block"]
    scale: Float[np.ndarray, "block 3"]
    first_block: Int[np.ndarray, " shape"]
    shape_s: Float[np.ndarray, " shape"]
    offset: Int[np.ndarray, " shape_end"]
    start_s: Float[np.ndarray, " segment"]
    duration_s: Float[np.ndarray, " segment"]
    begin: Float[np.ndarray, "segment 3"]
    end: Float[np.ndarray, "segment 3"]

    @property
    def slew(self) -> Float[np.ndarray, "segment 3"]:
        """Unscaled slew of every segment, T/m/s."""
        return np.asarray((self.end - self.begin) / self.duration_s[:, None])


def waveform(sequence: Sequence) -> Waveform:
    """The whole played waveform, exact from corner to corner; its size is that of the unique blocks."""
    ticks = np.round(sequence.duration_s / TICK_S).astype(np.int64)
    first, kind = unique_rows(np.column_stack([ticks, sequence.gradient]))
    gradients = sequence.gradients
    ends = np.cumsum([0] + [len(g.times_s) for g in gradients])
    times = np.concatenate([np.zeros(0)] + [g.times_s for g in gradients]).astype(np.float64)
    values = np.concatenate([np.zeros(0)] + [g.values_T_per_m for g in gradients]).astype(np.float64)
    shapes, lengths = sequence.gradient[first].astype(np.int64), sequence.duration_s[first].astype(np.float64)
    counts = _fill(times, values, ends, shapes, lengths, np.zeros(len(first) + 1, dtype=np.int64), *_room(0))
    offset = np.concatenate([[0], np.cumsum(counts)])
    room = _room(int(offset[-1]))
    _fill(times, values, ends, shapes, lengths, offset, *room)
    return Waveform(
        kind=kind, scale=np.ascontiguousarray(sequence.gradient_scale, dtype=np.float64), first_block=first,
        shape_s=lengths, offset=offset, start_s=room[0], duration_s=room[1], begin=room[2], end=room[3],
    )  # fmt: skip


def _room(segments: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros(segments), np.zeros(segments), np.zeros((segments, 3)), np.zeros((segments, 3))


@numba.njit(cache=True, nogil=True)
@no_type_check
def _between(times, values, low, high, p, t):
    """Value at t of a gradient whose corners are low..high and whose next corner is p; zero outside its times."""
    if p <= low or p >= high:
        return 0.0
    part = (t - times[p - 1]) / (times[p] - times[p - 1])
    return values[p - 1] + part * (values[p] - values[p - 1])


@numba.njit(cache=True, nogil=True)
@no_type_check
def _fill(times, values, ends, shapes, lengths, offset, start_s, duration_s, begin, end):
    """Lay out every shape's segments from offset on (or only count them, where there is no room); returns the counts."""
    counts = np.zeros(len(shapes), dtype=np.int64)
    low, high, p = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    for k in range(len(shapes)):
        for a in range(3):
            g = shapes[k, a]
            low[a], high[a] = (ends[g], ends[g + 1]) if g >= 0 else (0, 0)
            p[a] = low[a]
        length, now, n = lengths[k], 0.0, offset[k]
        while now < length - MERGE_S:
            after = now
            for a in range(3):
                while p[a] < high[a] and times[p[a]] <= now + MERGE_S:
                    after = max(after, times[p[a]])
                    p[a] += 1
            until = length
            for a in range(3):
                if p[a] < high[a]:
                    until = min(until, times[p[a]])
            if len(start_s):
                start_s[n], duration_s[n] = now, until - now
                for a in range(3):
                    begin[n, a] = _between(times, values, low[a], high[a], p[a], after)
                    end[n, a] = _between(times, values, low[a], high[a], p[a], until)
            n += 1
            now = until
        counts[k] = n - offset[k]
    return counts


@numba.njit(cache=True, nogil=True)
@no_type_check
def _sampled(kind, scale, starts, offset, start_s, duration_s, begin, end, first_s, step_s, out):
    """Gradient at first_s + j step_s into out (axis, j); zero after the last block."""
    b = max(np.searchsorted(starts, first_s, side="right") - 1, 0)
    i = offset[kind[b]]
    for j in range(out.shape[1]):
        t = first_s + j * step_s
        while b < len(kind) and t >= starts[b + 1]:
            b += 1
            if b < len(kind):
                i = offset[kind[b]]
        if b == len(kind):
            return
        k = kind[b]
        while i + 1 < offset[k + 1] and t - starts[b] >= start_s[i + 1]:
            i += 1
        if i >= offset[k + 1]:
            continue
        part = (t - starts[b] - start_s[i]) / duration_s[i]
        for a in range(3):
            out[a, j] = scale[b, a] * (begin[i, a] + part * (end[i, a] - begin[i, a]))


def block_edges(wave: Waveform) -> Float[np.ndarray, " edge"]:
    """Start of every block and the end of the last, s."""
    return np.concatenate([[0.0], np.cumsum(wave.shape_s[wave.kind])])


def sampled(
    wave: Waveform, first_s: float, step_s: float, count: int, edges_s: Float[np.ndarray, " edge"] | None = None
) -> Float[np.ndarray, "3 sample"]:
    """Gradient, T/m, at the times first_s + j step_s of the sequence; edges_s: `block_edges`, where they are known."""
    out = np.zeros((3, count))
    starts = block_edges(wave) if edges_s is None else edges_s
    _sampled(
        wave.kind, wave.scale, starts, wave.offset, wave.start_s, wave.duration_s, wave.begin, wave.end,
        float(first_s), float(step_s), out,
    )  # fmt: skip
    return out
