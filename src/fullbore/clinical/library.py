"""The protocol library: which protocols make up an exam of a region, in which order, and one protocol of every sequence."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path
from typing import Any

from fullbore.errors import UsageError
from fullbore.machinery import read_toml

EXAMS: dict[str, tuple[str, ...]] = {"brain": ("localizer", "t1_mprage", "t2_tse", "t1t2_map")}


def regions() -> tuple[str, ...]:
    """The regions that have an exam."""
    return tuple(EXAMS)


_IN_EXAMS = {
    "spoiled_gre_3d": "brain/localizer",
    "mprage": "brain/t1_mprage",
    "spin_echo_train_2d": "brain/t2_tse",
    "inversion_recovery_spin_echo": "brain/t1t2_map",
}
"""Sequences whose protocol is part of an exam."""


def sequence_protocol(sequence: str) -> dict[str, Any]:
    """The protocol table that shows a sequence (a key of `sequence.SEQUENCES`), with a `[quick]` version.

    Errors: UsageError for a sequence without one.
    """
    return read_toml(_protocol_file(sequence))


def protocol_text(sequence: str) -> str:
    """The same as the text of its file."""
    return _protocol_file(sequence).read_text(encoding="utf-8")


def _protocol_file(sequence: str) -> Path:
    folder = Path(str(resources.files("fullbore.clinical") / "protocols"))
    known = {file.stem: file for file in (folder / "sequences").glob("*.toml")}
    known |= {name: folder / f"{path}.toml" for name, path in _IN_EXAMS.items()}
    if sequence not in known:
        near = difflib.get_close_matches(sequence, known, n=1, cutoff=0.5)
        advice = f"did you mean {near[0]!r}?" if near else "see `fullbore sequence list`."
        raise UsageError(f"sequence: unknown name {sequence!r}; {advice}")
    return known[sequence]


def exam_protocols(region: str, chosen: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    """The protocol tables of a region's exam by series name, in playing order.

    chosen: keep only these series; empty keeps all. Errors: UsageError for an unknown region or series.
    """
    if region not in EXAMS:
        raise UsageError(f"exam: unknown region {region!r}; wanted one of {', '.join(EXAMS)}.")
    unknown = [name for name in chosen if name not in EXAMS[region]]
    if unknown:
        raise UsageError(f"exam {region}: unknown series {', '.join(unknown)}; wanted some of {', '.join(EXAMS[region])}.")
    folder = Path(str(resources.files("fullbore.clinical") / "protocols" / region))
    return {name: read_toml(folder / f"{name}.toml") for name in EXAMS[region] if not chosen or name in chosen}
