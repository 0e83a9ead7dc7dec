"""Pulseq's labels: the counters and flags of the Encoding as LABELSET extensions of the blocks that sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import AcquisitionFlag, Encoding
from fullbore.data.encoding import COUNTERS
from fullbore.numerics.unique_rows import unique_rows

LABELS: dict[str, str] = {
    "line": "LIN",
    "partition": "PAR",
    "slice": "SLC",
    "contrast": "ECO",
    "phase": "PHS",
    "repetition": "REP",
    "set": "SET",
    "segment": "SEG",
    "average": "AVG",
}
"""Counter -> Pulseq label."""

_CALIBRATING = AcquisitionFlag.CALIBRATION | AcquisitionFlag.CALIBRATION_AND_IMAGING
FLAG_LABELS: dict[str, AcquisitionFlag] = {
    "REF": _CALIBRATING,
    "IMA": AcquisitionFlag.CALIBRATION_AND_IMAGING,
    "NAV": AcquisitionFlag.NAVIGATION | AcquisitionFlag.PHASE_CORRECTION,
    "REV": AcquisitionFlag.REVERSE,
    "NOISE": AcquisitionFlag.NOISE,
}
"""Label -> the flags that set it to 1."""

TYPE = 1
"""Number of the LABELSET extension in our files."""

_UNCHANGED = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelTables:
    """extension: id of each readout's extension list, (row,), 0 for none. lists: lines of [EXTENSIONS]. sets: LABELSET's body."""

    extension: np.ndarray
    lists: list[str]
    sets: str


def label_tables(encoding: Encoding) -> LabelTables:
    """The extensions that make a reader's labels equal the Encoding's counters: only what changes is set."""
    names, values = _label_values(encoding)
    before = np.vstack([np.zeros((1, len(names)), dtype=np.int64), values[:-1]])
    changes = np.where(values == before, _UNCHANGED, values)
    first, which = unique_rows(changes)
    unique = changes[first]
    sets: dict[tuple[str, int], int] = {}
    lines: list[str] = []
    heads = np.zeros(len(unique), dtype=np.int64)
    for row, settings in enumerate(unique):
        for column in np.flatnonzero(settings != _UNCHANGED)[::-1]:
            reference = sets.setdefault((names[column], int(settings[column])), len(sets) + 1)
            lines.append(f"{len(lines) + 1} {TYPE} {reference} {heads[row]}")
            heads[row] = len(lines)
    body = "\n".join(f"{number} {value} {name}" for (name, value), number in sets.items())
    return LabelTables(extension=heads[which], lists=lines, sets=body)


def _label_values(encoding: Encoding) -> tuple[list[str], np.ndarray]:
    """Names of the labels that are ever set, and their values, (row, label)."""
    columns = {LABELS[name]: encoding.counter(name).astype(np.int64) for name in COUNTERS}
    for label, mask in FLAG_LABELS.items():
        columns[label] = (encoding.flags.astype(np.uint64) & np.uint64(mask) != 0).astype(np.int64)
    columns |= {label: column.astype(np.int64) for label, column in encoding.labels.items()}
    used = [name for name, column in columns.items() if column.any()]
    rows = encoding.rows
    return used, np.stack([columns[name] for name in used], axis=1) if used else np.zeros((rows, 0), dtype=np.int64)
