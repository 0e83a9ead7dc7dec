"""Winding tables: what a winding shop reads, as CSV, and back."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from fullbore.data import Magnet, Winding
from fullbore.errors import FormatError, FullboreError
from fullbore.files.atomic import atomic_path

_PLACES = ("inner_radius_m", "outer_radius_m", "centre_m", "length_m")
_COLUMNS = ("name", "wire", *_PLACES, "layers", "turns_per_layer", "turns", "wire_length_m", "current_A")


def write_windings(magnet: Magnet, path: Path) -> None:
    """One row a coil, lengths in metres to the nanometre so that the table gives the same ppm; turns are signed."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(_COLUMNS)
    for w in magnet.windings:
        per_layer = abs(w.turns) / w.layers if w.layers else ""
        around = abs(w.turns) * np.pi * (w.inner_radius_m + w.outer_radius_m)
        places = [f"{getattr(w, name):.9f}" for name in _PLACES]
        numbers = [w.layers, f"{per_layer:g}" if per_layer else "", f"{w.turns:.10g}", f"{around:.2f}", f"{magnet.current_A:.9g}"]
        table.writerow([w.name, w.wire, *places, *numbers])
    with atomic_path(path) as temporary:
        temporary.write_text(stream.getvalue(), encoding="utf-8")


def read_windings(path: Path, b0_T: float = 3.0) -> Magnet:
    """A magnet from a winding table: any with the columns inner_radius_m, outer_radius_m, centre_m, length_m and either `turns`
    with `current_A` or `current_density_A_per_m2`; other columns of `write_windings` are optional.

    Errors: FormatError for a file that is missing, lacks a column or holds what is no coil, with the line.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"winding table {path}: cannot be read ({error}). Give a CSV file.") from error
    if not rows:
        raise FormatError(f"winding table {path}: no rows. Give a heading and one row a coil.")
    current = _number(rows[0], "current_A", path, 2) if "current_A" in rows[0] else 1.0
    windings = []
    for line, row in enumerate(rows, start=2):
        try:
            windings.append(_winding(row, current, path, line))
        except FormatError:
            raise
        except FullboreError as error:
            raise FormatError(f"winding table {path}, line {line}: {error}") from error
    return Magnet(name=path.stem, b0_T=b0_T, current_A=current, windings=tuple(windings), source=path.name)


def _winding(row: dict[str, str], current_A: float, path: Path, line: int) -> Winding:
    inner, outer, centre, length = (_number(row, name, path, line) for name in _PLACES)
    if row.get("turns"):
        turns = _number(row, "turns", path, line)
    else:
        turns = _number(row, "current_density_A_per_m2", path, line) * (outer - inner) * length / current_A
    return Winding(
        name=row.get("name") or f"coil {line - 1}",
        inner_radius_m=inner,
        outer_radius_m=outer,
        centre_m=centre,
        length_m=length,
        turns=turns,
        layers=int(row.get("layers") or 0),
        wire=row.get("wire") or ("primary" if turns > 0 else "shield"),
    )


def _number(row: dict[str, str], name: str, path: Path, line: int) -> float:
    try:
        return float(row[name])
    except (KeyError, TypeError, ValueError):
        got = row.get(name)
        raise FormatError(f"winding table {path}, line {line}, {name}: got {got!r}, wanted a number.") from None
