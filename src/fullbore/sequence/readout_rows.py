"""Collecting the Encoding: one row per readout, in playing order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fullbore.data import AcquisitionFlag, Geometry
from fullbore.data.encoding import COUNTERS

_MEASURES = ("echo_time_s", "inversion_time_s")


@dataclass(slots=True, eq=False)
class ReadoutRows:
    """Accumulates counters and times; the arrays that Encoding wants come out at the end."""

    geometry: Geometry
    calibration: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    _columns: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def add(self, count: int, **columns: int | float | np.ndarray) -> None:
        """Append `count` rows; a column that is not named is 0 (counters) or NaN (times)."""
        for name in (*COUNTERS, *_MEASURES):
            value = columns.get(name, np.nan if name in _MEASURES else 0)
            self._columns.setdefault(name, []).append(np.broadcast_to(np.asarray(value), (count,)))

    def column(self, name: str) -> np.ndarray:
        """All rows of one column so far."""
        return np.concatenate(self._columns[name])

    def arrays(self) -> dict[str, Any]:
        """counters, flags, k_first_per_m, k_step_per_m, echo_time_s and inversion_time_s, as Encoding names them."""
        counters = np.stack([self.column(name) for name in COUNTERS], axis=1).astype(np.int32)
        first, step = self._trajectory(counters)
        times = {name: self.column(name).astype(np.float64) for name in _MEASURES}
        return {"counters": counters, "flags": self._flags(counters), "k_first_per_m": first, "k_step_per_m": step, **times}

    def _trajectory(self, counters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First sample and step of each row in LPS cycles/m."""
        g = self.geometry
        line, partition = counters[:, COUNTERS.index("line")], counters[:, COUNTERS.index("partition")]
        read = np.full(len(counters), -(g.encoded_matrix[0] // 2) / g.encoded_fov_m[0])
        phase = (line - g.encoded_matrix[1] // 2) / g.encoded_fov_m[1]
        slab = (partition - g.encoded_matrix[2] // 2) / g.encoded_fov_m[2] * float(g.is_3d)
        first = np.stack([read, phase, slab], axis=1) @ np.stack([g.read, g.phase, g.slice])
        return first, np.tile(g.read / g.encoded_fov_m[0], (len(counters), 1))

    def _flags(self, counters: np.ndarray) -> np.ndarray:
        """First and last of each (slice, contrast, repetition, set), calibration lines, the end."""
        flags = np.zeros(len(counters), dtype=np.uint64)
        keys = counters[:, [COUNTERS.index(name) for name in ("slice", "contrast", "phase", "repetition", "set")]]
        group = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
        first = np.unique(group, return_index=True)[1]
        last = len(group) - 1 - np.unique(group[::-1], return_index=True)[1]
        flags[first] |= np.uint64(AcquisitionFlag.FIRST_IN_SLICE)
        flags[last] |= np.uint64(AcquisitionFlag.LAST_IN_SLICE)
        flags[self._calibrating(counters)] |= np.uint64(AcquisitionFlag.CALIBRATION_AND_IMAGING)
        flags[-1] |= np.uint64(AcquisitionFlag.LAST_IN_MEASUREMENT)
        return flags

    def _calibrating(self, counters: np.ndarray) -> np.ndarray:
        """Rows that lie in the calibration region."""
        inside = np.ones(len(counters), dtype=bool)
        for name, (low, high) in zip(("line", "partition"), self.calibration, strict=True):
            column = counters[:, COUNTERS.index(name)]
            inside &= (column >= low) & (column < high)
        return inside


def centre_range(count: int, width: int) -> tuple[int, int]:
    """(first, last + 1) of at most `width` indices around the centre count // 2."""
    first = count // 2 - width // 2
    return max(first, 0), min(first + width, count)
