"""The played gradient waveform of a whole sequence as segments of constant slew: exact, from corner to corner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fullbore.data import Gradient, Sequence

# Corner times are compared to the picosecond: well under any raster, well over float rounding within a block.
_DECIMALS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segments:
    """Consecutive pieces of waveform, (n,) each, in playing order.

    block: which block a segment lies in. start_s: its start, from the block's start. duration_s: its length.
    slew_T_per_m_s: (n, 3) constant slew. step_T_per_m: (n, 3) jump of the gradient at the segment's start.
    """

    block: np.ndarray
    start_s: np.ndarray
    duration_s: np.ndarray
    slew_T_per_m_s: np.ndarray
    step_T_per_m: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shape:
    """Segments of one unique combination of three unscaled gradients; first and last are the values at the block's edges."""

    start_s: np.ndarray
    duration_s: np.ndarray
    slew: np.ndarray
    step: np.ndarray
    first: np.ndarray
    last: np.ndarray


def limits_at(gradient: Gradient, times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Value of an unscaled gradient just before and just after each time, (t,) each; zero outside its own times."""
    own = np.round(gradient.times_s, _DECIMALS)
    value = np.interp(times_s, own, gradient.values_T_per_m)
    before = np.where((times_s > own[0]) & (times_s <= own[-1]), value, 0.0)
    after = np.where((times_s >= own[0]) & (times_s < own[-1]), value, 0.0)
    return before, after


def _shape(gradients: list[Gradient | None], duration_s: float) -> _Shape:
    """Merge the corners of up to three gradients that play in one block of the given duration."""
    edges = np.round(np.array([0.0, duration_s]), _DECIMALS)
    corners = [np.round(g.times_s, _DECIMALS) for g in gradients if g is not None]
    times = np.unique(np.concatenate([edges, *corners]))
    times = times[(times >= 0.0) & (times <= edges[1])]
    before, after = np.zeros((len(times), 3)), np.zeros((len(times), 3))
    for axis, gradient in enumerate(gradients):
        if gradient is not None:
            before[:, axis], after[:, axis] = limits_at(gradient, times)
    span = np.diff(times)
    step = (after - before)[:-1]
    step[0] = 0.0
    return _Shape(
        start_s=times[:-1],
        duration_s=span,
        slew=(before[1:] - after[:-1]) / span[:, None],
        step=step,
        first=after[0],
        last=before[-1],
    )


def _shapes(sequence: Sequence) -> tuple[list[_Shape], np.ndarray]:
    """Unique (duration, x, y, z) combinations, and which of them each block plays."""
    ticks = np.round(sequence.duration_s * 1e9).astype(np.int64)
    keys, first, which = np.unique(np.column_stack([ticks, sequence.gradient]), axis=0, return_index=True, return_inverse=True)
    shapes = [
        _shape([sequence.gradients[i] if i >= 0 else None for i in key[1:]], float(sequence.duration_s[block]))
        for key, block in zip(keys, first, strict=True)
    ]
    return shapes, which.reshape(-1)


def _edge_steps(shapes: list[_Shape], which: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Jump of the gradient at the start of every block, and (last row) when the sequence ends, (block + 1, 3)."""
    first = np.array([s.first for s in shapes])[which] * scale
    last = np.array([s.last for s in shapes])[which] * scale
    steps = np.zeros((len(which) + 1, 3))
    steps[:-1] = first
    steps[1:] -= last
    return steps


def segments(sequence: Sequence, chunk: int = 1_000_000) -> Iterator[Segments]:
    """The whole played waveform, in pieces of about `chunk` segments. Blocks of no duration are skipped.

    A jump at the end of the sequence arrives as a last segment of no duration.
    """
    played = np.flatnonzero(sequence.duration_s > 0)
    if len(played) == 0:
        return
    shapes, which_all = _shapes(sequence)
    which, scale = which_all[played], np.where(sequence.gradient >= 0, sequence.gradient_scale, 0.0)[played]
    edges = _edge_steps(shapes, which, scale)
    counts = np.array([len(s.start_s) for s in shapes])
    offset = np.concatenate([[0], np.cumsum(counts)[:-1]])
    table = [np.concatenate([getattr(s, name) for s in shapes]) for name in ("start_s", "duration_s", "slew", "step")]
    ends = np.cumsum(counts[which])
    low = 0
    while low < len(played):
        high = max(low + 1, int(np.searchsorted(ends, (ends[low - 1] if low else 0) + chunk)))
        yield _gather(table, counts[which[low:high]], offset[which[low:high]], played[low:high], scale[low:high], edges[low:high])
        low = high
    yield Segments(
        block=played[-1:],
        start_s=sequence.duration_s[played[-1:]],
        duration_s=np.zeros(1),
        slew_T_per_m_s=np.zeros((1, 3)),
        step_T_per_m=edges[-1:],
    )


def _gather(
    table: list[np.ndarray], counts: np.ndarray, offset: np.ndarray, played: np.ndarray, scale: np.ndarray, edges: np.ndarray
) -> Segments:
    """Lay the shapes of consecutive blocks end to end, each times its scale."""
    begin = np.concatenate([[0], np.cumsum(counts)[:-1]])
    owner = np.repeat(np.arange(len(counts)), counts)
    index = np.arange(int(counts.sum())) - begin[owner] + offset[owner]
    step = table[3][index] * scale[owner]
    step[begin] += edges
    return Segments(
        block=played[owner],
        start_s=table[0][index],
        duration_s=table[1][index],
        slew_T_per_m_s=table[2][index] * scale[owner],
        step_T_per_m=step,
    )
