"""Pulseq's [SHAPES]: numbered sample lists, run-length coded on their differences."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

QUANTUM = 1e-7
"""Step to which a compressed shape is rounded, as the format's reference writer does."""
DRIFT = 1e-6
"""Error of a running sum of samples beyond which a shape is not compressed: 10 us of 80 mT/m times this are 3e-5 cycles/m."""


def compressed(samples: np.ndarray, spacing: float = 1.0) -> np.ndarray:
    """The stored form of a shape: its differences, runs of n > 1 equal ones as (value, value, n - 2).

    The samples themselves when they are four or fewer, when the coding would not be shorter, or when its rounding would add up
    beyond DRIFT, as that of a long gradient may: its moment is what matters. Errors stay below QUANTUM / 2.
    spacing: raster steps from one sample to the next, at most; corners far apart add up to more.
    Source: Pulseq file specification 1.5, section on shapes.
    """
    if len(samples) <= 4:
        return samples
    rounded = np.round(samples / QUANTUM)
    if spacing * np.abs(np.cumsum(rounded * QUANTUM - samples)).max() > DRIFT:
        return samples
    steps = np.diff(rounded, prepend=0.0)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(steps)) + 1])
    runs = np.diff(np.concatenate([starts, [len(steps)]]))
    repeats = np.where(runs > 1, 3, 1)
    stored = np.repeat(steps[starts] * QUANTUM, repeats)
    last = np.cumsum(repeats) - 1
    stored[last[runs > 1]] = runs[runs > 1] - 2
    return stored if len(stored) < len(samples) else samples


@dataclass(slots=True, eq=False)
class ShapeLibrary:
    """Keeps each shape once; ids count from 1."""

    _ids: dict[tuple[bytes, float], int] = field(default_factory=dict)
    _texts: list[str] = field(default_factory=list)

    def id_of(self, samples: np.ndarray, spacing: float = 1.0) -> int:
        """The number of a shape, given when it is new; spacing as for `compressed`."""
        key = (np.ascontiguousarray(samples, dtype=np.float64).tobytes(), spacing)
        if key not in self._ids:
            self._ids[key] = len(self._ids) + 1
            values = "\n".join(f"{value:.10g}" for value in compressed(samples, spacing))
            self._texts.append(f"shape_id {self._ids[key]}\nnum_samples {len(samples)}\n{values}\n")
        return self._ids[key]

    def text(self) -> str:
        """The section's body."""
        return "\n".join(self._texts)


def decompressed(stored: np.ndarray, count: int, *, allow_plain: bool) -> np.ndarray | None:
    """The samples of a stored shape, (count,), or None when the stored numbers do not unpack to `count` samples.

    allow_plain: since version 1.4 a shape that stores as many numbers as it has samples is not coded.
    """
    if allow_plain and len(stored) == count:
        return stored
    equal = np.flatnonzero(stored[1:] == stored[:-1])
    starts, repeats = [], []
    free = 0
    for start in equal.tolist():
        # The count of a run may equal its value, and a run may be followed by a like number: neither starts a run.
        if start < free:
            continue
        if start + 2 >= len(stored):
            break
        more = stored[start + 2]
        if more != round(more) or not 0 <= more <= count:
            return None
        starts.append(start)
        repeats.append(int(more) + 2)
        free = start + 3
    times = np.ones(len(stored), dtype=np.int64)
    if starts:
        begin = np.array(starts)
        times[begin] = repeats
        times[begin + 1] = times[begin + 2] = 0
    if int(times.sum()) != count:
        return None
    return np.asarray(np.cumsum(np.repeat(stored, times)))
