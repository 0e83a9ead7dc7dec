"""A wire as a table of points, metres."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from jaxtyping import Float

from fullbore.errors import FormatError
from fullbore.files.atomic import atomic_path
from fullbore.files.making.path_check import read_path, sound_path

_COLUMNS = ["x_m", "y_m", "z_m"]


def write_track(path: Path, track_m: Float[np.ndarray, "n 3"]) -> None:
    """One row a point, to a tenth of a micrometre. Errors: ValueRangeError for what is no path."""
    points = sound_path(track_m, path.stem)
    rows = "\n".join(f"{x:.7f},{y:.7f},{z:.7f}" for x, y, z in points)
    with atomic_path(path) as temporary:
        temporary.write_text(f"{','.join(_COLUMNS)}\n{rows}\n", encoding="utf-8")


def read_track(path: Path) -> Float[np.ndarray, "n 3"]:
    """Points of a table with the heading x_m,y_m,z_m. Errors: FormatError with the line that is none."""
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"wire track {path}: cannot be read ({error}). Give a CSV file.") from error
    if not rows or rows[0] != _COLUMNS:
        raise FormatError(f"wire track {path}: got the heading {rows[0] if rows else None}, wanted {','.join(_COLUMNS)}.")
    points = np.empty((len(rows) - 1, 3))
    for line, row in enumerate(rows[1:], start=2):
        try:
            points[line - 2] = [float(value) for value in row]
        except ValueError:
            raise FormatError(f"wire track {path}, line {line}: got {row}, wanted three numbers.") from None
    return read_path(points, path.stem, path)
