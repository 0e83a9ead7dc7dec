"""What comes of a command: pictures in its folder, demands on the terminal, a record on standard output."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from matplotlib.figure import Figure
from rich.markup import escape

from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import Demand
from fullbore.files.atomic import atomic_path


def write_picture(figure: Figure, path: Path, dpi: int) -> None:
    """A PNG, whole or not at all."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi)


def tell_demands(terminal: ExamTerminal, demands: Iterable[Demand]) -> None:
    """Each on a line: what is reached, its limit, met or missed."""
    for demand in demands:
        mark = "[green]met[/green]" if demand.met else "[red]missed[/red]"
        unit = f" {demand.unit}" if demand.unit else ""
        told = f"  {demand.name}: {demand.value:.4g}{unit}, limit {demand.limit:.4g}: "
        terminal.line(escape(told) + mark, markup=True)


def print_record(options: argparse.Namespace, folder: Path, record: Mapping[str, object]) -> None:
    """With --json: that it is complete, where, and the record, as one line of JSON."""
    if options.json:
        sys.stdout.write(json.dumps({"status": "complete", "folder": str(folder), **record}) + "\n")
