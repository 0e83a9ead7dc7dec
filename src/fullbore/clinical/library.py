"""The protocol library: which protocols make up an exam of a region, in which order."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from fullbore.errors import UsageError
from fullbore.machinery import read_toml

EXAMS: dict[str, tuple[str, ...]] = {"brain": ("localizer", "t1_mprage", "t2_tse", "t1t2_map")}


def regions() -> tuple[str, ...]:
    """The regions that have an exam."""
    return tuple(EXAMS)


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
