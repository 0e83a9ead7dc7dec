"""Bills of material as CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from fullbore.files.atomic import atomic_path

COLUMNS = ("item", "quantity", "unit", "mass_kg", "note")


def write_bill(path: Path, rows: list[tuple[str, float, str, float, str]]) -> None:
    """One row an item: its name, how much, of what unit, mass in kg, a remark."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows((item, f"{quantity:.6g}", unit, f"{mass:.6g}", note) for item, quantity, unit, mass, note in rows)
    with atomic_path(path) as temporary:
        temporary.write_text(stream.getvalue(), encoding="utf-8")
