"""Collecting the Encoding: one row per readout, in playing order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fullbore.data import AcquisitionFlag, Geometry
from fullbore.data.encoding import COUNTERS, MEASURES
from fullbore.errors import ValueRangeError
from fullbore.numerics.unique_rows import unique_rows

_TIMES = ("echo_time_s", "inversion_time_s")
_NOT_IMAGING = AcquisitionFlag.NAVIGATION | AcquisitionFlag.PHASE_CORRECTION | AcquisitionFlag.NOISE | AcquisitionFlag.CALIBRATION
_DEFAULTS: dict[str, Any] = {
    "flags": 0,
    "curve": -1,
    "turn": np.eye(3),
    "k_first": np.full(3, np.nan),
    "k_step": np.full(3, np.nan),
}


@dataclass(slots=True, eq=False)
class ReadoutRows:
    """Accumulates counters, times and further columns; the arrays that Encoding wants come out at the end.

    curves: what curved readouts follow, as in Encoding.
    """

    geometry: Geometry
    calibration: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    curves: tuple[np.ndarray, ...] = ()
    _columns: dict[str, list[np.ndarray]] = field(default_factory=dict)
    _count: int = 0

    def add(self, count: int, **columns: Any) -> None:
        """Append `count` rows; a column is one value or one per row, and 0 (counters) or NaN (numbers) where it is not named.

        Names: those of COUNTERS and MEASURES, `echo_time_s`, `inversion_time_s`, `flags` (AcquisitionFlag), and where a row
        is not the line of its counters: `k_first` and `k_step` (row, 3), cycles/m on the logical axes, `curve` (a number)
        and `turn` (row, 3, 3), as in Encoding. A name in capitals is a further Pulseq label.
        """
        known = (*COUNTERS, *_TIMES, *MEASURES, *_DEFAULTS)
        unknown = [name for name in columns if name not in known and not name.isupper()]
        if unknown:
            raise ValueRangeError(f"ReadoutRows: got a column {unknown[0]!r}, wanted one of COUNTERS or MEASURES.")
        for name in dict.fromkeys((*COUNTERS, *_TIMES, *self._columns, *columns)):
            if name not in self._columns:
                self._columns[name] = [self._blank(name, self._count)]
            value = columns.get(name)
            blank = self._blank(name, count)
            self._columns[name].append(blank if value is None else np.broadcast_to(np.asarray(value), blank.shape))
        self._count += count

    def _blank(self, name: str, count: int) -> np.ndarray:
        """A column that says nothing."""
        default = np.asarray(_DEFAULTS.get(name, 0 if name in COUNTERS or name.isupper() else np.nan))
        return np.broadcast_to(default, (count, *default.shape))

    def column(self, name: str) -> np.ndarray:
        """All rows of one column so far."""
        return np.concatenate(self._columns[name])

    def arrays(self) -> dict[str, Any]:
        """Every column, named as Encoding names them."""
        counters = np.stack([self.column(name) for name in COUNTERS], axis=1).astype(np.int32)
        first, step = self._trajectory(counters)
        times = {name: self.column(name).astype(np.float64) for name in _TIMES}
        columns: dict[str, Any] = {
            "counters": counters,
            "flags": self._flags(counters),
            "k_first_per_m": first,
            "k_step_per_m": step,
            **times,
        }
        columns["measures"] = {name: self.column(name).astype(np.float64) for name in self._columns if name in MEASURES}
        columns["labels"] = {name: self.column(name).astype(np.int32) for name in self._columns if name.isupper()}
        if "curve" in self._columns:
            columns |= {"curves": self.curves, "curve": self.column("curve").astype(np.int32)}
        if "turn" in self._columns:
            columns["turns"] = self.column("turn").astype(np.float64)
        return columns

    def _trajectory(self, counters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First sample and step of each row in LPS cycles/m: its counters' line where it was not given."""
        g = self.geometry
        line, partition = counters[:, COUNTERS.index("line")], counters[:, COUNTERS.index("partition")]
        read = np.full(len(counters), -(g.encoded_matrix[0] // 2) / g.encoded_fov_m[0])
        phase = (line - g.encoded_matrix[1] // 2) / g.encoded_fov_m[1]
        slab = (partition - g.encoded_matrix[2] // 2) / g.encoded_fov_m[2] * float(g.is_3d)
        first = np.stack([read, phase, slab], axis=1)
        step = np.tile([1 / g.encoded_fov_m[0], 0.0, 0.0], (len(counters), 1))
        for name, nominal in (("k_first", first), ("k_step", step)):
            if name in self._columns:
                given = self.column(name)
                np.copyto(nominal, given, where=np.isfinite(given))
        if "curve" in self._columns:
            step[self.column("curve") >= 0] = 0.0
        frame = np.stack([g.read, g.phase, g.slice])
        return first @ frame, step @ frame

    def _flags(self, counters: np.ndarray) -> np.ndarray:
        """What was given, and: first and last of each (slice, contrast, repetition, set), calibration lines, the end."""
        given = self.column("flags") if "flags" in self._columns else np.zeros(len(counters))
        flags = given.astype(np.uint64)
        keys = counters[:, [COUNTERS.index(name) for name in ("slice", "contrast", "phase", "repetition", "set")]]
        group = unique_rows(keys.astype(np.int64))[1]
        first = np.unique(group, return_index=True)[1]
        last = len(group) - 1 - np.unique(group[::-1], return_index=True)[1]
        flags[first] |= np.uint64(AcquisitionFlag.FIRST_IN_SLICE)
        flags[last] |= np.uint64(AcquisitionFlag.LAST_IN_SLICE)
        flags[self._calibrating(counters, flags)] |= np.uint64(AcquisitionFlag.CALIBRATION_AND_IMAGING)
        flags[-1:] |= np.uint64(AcquisitionFlag.LAST_IN_MEASUREMENT)
        return flags

    def _calibrating(self, counters: np.ndarray, flags: np.ndarray) -> np.ndarray:
        """Imaging rows that lie in the calibration region."""
        inside = (flags & np.uint64(_NOT_IMAGING)) == 0
        for name, (low, high) in zip(("line", "partition"), self.calibration, strict=True):
            column = counters[:, COUNTERS.index(name)]
            inside &= (column >= low) & (column < high)
        return inside


def centre_range(count: int, width: int) -> tuple[int, int]:
    """(first, last + 1) of at most `width` indices around the centre count // 2."""
    first = count // 2 - width // 2
    return max(first, 0), min(first + width, count)
