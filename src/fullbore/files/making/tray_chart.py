"""Numbers of iron sheets in pockets: as CSV, and read back from a printed chart."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from jaxtyping import Int
from pypdf import PdfReader

from fullbore.errors import FormatError
from fullbore.files.atomic import atomic_path

_LINE = re.compile(r"tray\s+(\d+)\s+pockets\s+(\d+)\s+to\s+(\d+):((?:\s+\d+)+)")
_MOST = 10_000


def write_sheets(path: Path, sheets: Int[np.ndarray, "t p"]) -> None:
    """One row a tray, one column a pocket."""
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(",".join(map(str, row)) for row in sheets.tolist()) + "\n", encoding="utf-8")


def read_sheets(path: Path) -> Int[np.ndarray, "t p"]:
    """Errors: FormatError for a file that is missing, ragged, or holds what is no count."""
    try:
        rows = [[int(value) for value in line.split(",")] for line in path.read_text(encoding="utf-8").splitlines()]
        sheets = np.array(rows, dtype=np.int64)
    except (OSError, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise FormatError(f"tray table {path}: cannot be read ({error}). Give a row of whole numbers a tray.") from error
    if sheets.ndim != 2 or not sheets.size or sheets.min() < 0:
        raise FormatError(f"tray table {path}: wanted a row a tray, a column a pocket, no number under 0.")
    return sheets


def read_chart_pdf(path: Path) -> Int[np.ndarray, "t p"]:
    """The numbers that a printed chart shows, from its text. Errors: FormatError for no PDF, or one without a whole chart."""
    try:
        text = "\n".join(page.extract_text() for page in PdfReader(path).pages)
    except Exception as error:  # foreign bytes make the parser raise whatever they meet
        raise FormatError(f"{path}: cannot be read as PDF ({type(error).__name__}: {error}). Give an intact file.") from error
    lines = [(int(t), int(a), int(b), [int(n) for n in words.split()]) for t, a, b, words in _LINE.findall(text)]
    if not lines or max(max(t, b) for t, _, b, _ in lines) > _MOST:
        raise FormatError(f"{path}: holds no lines `tray 1 pockets 1 to 15: ...`. Give a tray chart.")
    sheets = np.full((max(t for t, *_ in lines), max(b for _, _, b, _ in lines)), -1)
    for tray, first, last, counts in lines:
        if first < 1 or tray < 1 or last - first + 1 != len(counts):
            raise FormatError(f"{path}, tray {tray}: got {len(counts)} numbers for pockets {first} to {last}.")
        sheets[tray - 1, first - 1 : last] = counts
    if sheets.min() < 0:
        raise FormatError(f"{path}: some pockets have no number. Give all pages of the chart.")
    return sheets
