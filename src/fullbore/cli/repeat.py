"""`fullbore repeat`: run an exam again from its folder and compare every file it delivered, byte by byte."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from fullbore import __version__
from fullbore.cli.doors import Machine
from fullbore.cli.folder import new_folder
from fullbore.cli.scan import SUBJECT, plan_exam, run_exam
from fullbore.cli.terminal import say
from fullbore.errors import FormatError
from fullbore.machinery import file_digest

FOLDERS = ("sequences", "raw", "images", "maps", "dicom")


def repeat(options: argparse.Namespace) -> int:
    """Run again with the recorded protocols, seed, machine and date; 0 when every file is the same, 4 when one differs."""
    record = read_record(options.folder)
    out = options.out or options.folder.with_name(options.folder.name + "-repeated")
    if record["fullbore"] != __version__:
        say(f"fullbore: made by version {record['fullbore']}, repeated by {__version__}: differences may be the version's.")
    protocols = {entry["name"]: entry["protocol"] for entry in record["series"]}
    preset = record["machine"]["preset"]
    machine = Machine.assemble(preset, SUBJECT)
    started = datetime.fromisoformat(record["started"])
    plan = plan_exam(record["region"], protocols, record["quick"], record["seed"], machine, preset, started)
    run_exam(plan, machine, new_folder(out, "exam-repeated"))
    same, different = compare(options.folder, out)
    if options.json:
        sys.stdout.write(json.dumps({"same": same, "different": different}) + "\n")
    if different:
        raise FormatError(f"repeat: {len(different)} of {len(same) + len(different)} files differ, the first is {different[0]}.")
    say(f"repeat: all {len(same)} files are the same, bit for bit.")
    return 0


def read_record(folder: Path) -> dict[str, Any]:
    """exam.json of an exam folder. Errors: FormatError when it is missing, broken or of an exam that never ran."""
    path = folder / "exam.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        wanted = {"fullbore", "region", "quick", "seed", "started", "machine", "series"}
        if not wanted <= set(record):
            raise FormatError(f"{path}: lacks {', '.join(sorted(wanted - set(record)))}. Give the folder of an exam.")
    except (OSError, ValueError, TypeError) as error:
        raise FormatError(f"{path}: cannot be read ({error}). Give the folder of an exam.") from error
    return dict(record)


def compare(first: Path, second: Path) -> tuple[list[str], list[str]]:
    """Names of the delivered files that are the same and that differ (or are missing in one of the two)."""
    names = sorted(
        {
            p.relative_to(root).as_posix()
            for root in (first, second)
            for f in FOLDERS
            for p in (root / f).rglob("*")
            if p.is_file()
        }
    )
    same = [
        n for n in names if (first / n).is_file() and (second / n).is_file() and file_digest(first / n) == file_digest(second / n)
    ]
    return same, [name for name in names if name not in same]
