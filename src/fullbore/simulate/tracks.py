"""Where readouts run: each from its own start along a course that many share, so that samples need not be held row by row."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tracks:
    """Sample s of row r is at start[r] + course[kind[r], s]. Parts: axes of k, or of the moment clock, or time alone."""

    start: Float[np.ndarray, "row part"]
    course: Float[np.ndarray, "kind sample part"]
    kind: Int[np.ndarray, " row"]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def samples(self) -> int:
        """Of a row."""
        return self.course.shape[1]

    def all(self) -> Float[np.ndarray, "row sample part"]:
        """Every sample of every row."""
        result = self.course[self.kind]
        result += self.start[:, None]
        return result

    def row(self, number: int) -> Float[np.ndarray, "sample part"]:
        """The samples of one row."""
        return np.asarray(self.start[number] + self.course[self.kind[number]])

    def at(self, sample: int) -> Float[np.ndarray, "row part"]:
        """One sample of every row."""
        return np.asarray(self.start + self.course[self.kind, sample])

    def taken(self, rows: Int[np.ndarray, " n"]) -> Tracks:
        """Some of the rows."""
        return replace(self, start=self.start[rows], kind=self.kind[rows])

    def turned(self, frame: Float[np.ndarray, "3 3"]) -> Tracks:
        """The same along the rows of `frame`."""
        return replace(self, start=self.start @ frame.T, course=self.course @ frame.T)

    def moved(self, by: Float[np.ndarray, "*row part"]) -> Tracks:
        """All rows, or each, moved."""
        return replace(self, start=self.start + by)

    def low(self) -> Float[np.ndarray, "row part"]:
        """Least value of each row."""
        return np.asarray(self.start + self.course.min(axis=1)[self.kind])

    def high(self) -> Float[np.ndarray, "row part"]:
        """Largest value of each row."""
        return np.asarray(self.start + self.course.max(axis=1)[self.kind])

    def largest(self) -> Float[np.ndarray, " part"]:
        """Largest magnitude of each part."""
        return np.maximum(np.abs(self.low()).max(axis=0), np.abs(self.high()).max(axis=0))

    def still(self, part: int, within: float) -> Bool[np.ndarray, " kind"]:
        """Which courses change by no more than this."""
        return np.asarray(np.ptp(self.course[..., part], axis=1) <= within)


def each_its_own(values: Float[np.ndarray, "row sample part"]) -> Tracks:
    """Tracks that share nothing."""
    return Tracks(start=np.zeros(values[:, 0].shape), course=values, kind=np.arange(len(values)))


def joint_labels(*columns: np.ndarray) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " n"]]:
    """First member and number of every set of rows that agree in all columns, sets in lexicographic order."""
    which = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        if (column == column[:1]).all():
            continue
        _, own = np.unique(column, return_inverse=True)
        which = np.unique(which * (int(own.max(initial=0)) + 1) + own.ravel(), return_inverse=True)[1].ravel()
    return np.unique(which, return_index=True)[1], which


def chains(values: Float[np.ndarray, " n"], step: float) -> Int[np.ndarray, " n"]:
    """A rising number for every value: values less than a step from the next one share theirs."""
    if not len(values) or not np.ptp(values) > step:
        return np.zeros(len(values), np.int64)
    order = np.argsort(values, kind="stable")
    label = np.empty(len(values), np.int64)
    label[order] = np.concatenate([[0], np.cumsum(np.diff(values[order]) > step)])
    return label
