"""`fullbore make shim`: the chart that fills a magnet's trays, as PDF and CSV, read back and its field compared."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_pdf import PdfPages

from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder, refuse_taken
from fullbore.cli.made_files import Workshop
from fullbore.cli.outcome import print_record
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import chart_figure, making_page, tray_charts
from fullbore.errors import FormatError, FullboreError
from fullbore.files import making
from fullbore.files.atomic import atomic_path
from fullbore.hardware.magnet.tolerances import sphere_points
from fullbore.hardware.making import field_error, shim_bill
from fullbore.hardware.shim import ShimTrays, sheet_fields_T

_SAME_DATE = {"CreationDate": None, "ModDate": None}


def make_shim(options: argparse.Namespace) -> int:
    """Write trays.pdf, trays.csv, bill.csv and report.html from a folder of `fullbore design shim`."""
    refuse_taken(options.out)
    sheets, trays, diameter, name = read_shim(options.folder)
    began = time.monotonic()
    with ExamTerminal({"make/files": 5.0}) as terminal:
        shop = Workshop(folder=new_folder(options.out, f"{options.folder.name}-made"), terminal=terminal, expected=3)
        fields = sheet_fields_T(trays, sphere_points(diameter))
        wanted = fields @ sheets.ravel()

        def off(got: np.ndarray) -> float:
            if got.shape != sheets.shape:
                raise FormatError(f"read back: got a chart of {got.shape} trays and pockets, wanted {sheets.shape}.")
            return field_error(wanted, fields @ got.ravel())

        table, read = making.write_sheets, making.read_sheets
        shop.add("trays.csv", "sheets per tray and pocket", lambda p: table(p, sheets), lambda p: off(read(p)))
        shop.add("trays.pdf", "the same, to print", lambda p: _print(p, name, sheets), lambda p: off(making.read_chart_pdf(p)))
        bill = shim_bill(sheets, trays)
        shop.add("bill.csv", "bill of material", lambda p: making.write_bill(p, bill), None)
        terminal.progress("make", "files", 1.0, "")
        facts = [("shim", str(options.folder)), ("made in", f"{time.monotonic() - began:.1f} s")]
        page = making_page(f"{name}, to be made", shop.made, bill, chart_figure(sheets), facts)
        write_text(page, shop.folder / "report.html")
        terminal.line(f"done: open {shop.folder}/report.html")
    print_record(options, shop.folder, {"files": shop.record()})
    return 0


def read_shim(folder: Path) -> tuple[np.ndarray, ShimTrays, float, str]:
    """Sheets (tray, pocket), trays, diameter of the even volume (m), name. Errors: FormatError for what is no shim's record."""
    path = folder / "shim.json"
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        sheets = np.array(tree["sheets"], dtype=np.int64)
        trays = ShimTrays(**tree["brief"]["shim_trays"])
        diameter = max(float(ball["diameter_m"]) for ball in tree["brief"]["homogeneity"])
        name = f"Shim of {tree['brief']['name']}"
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}). Give a folder of `fullbore design shim`.") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, FullboreError) as error:
        raise FormatError(f"{path}: no record of a shim ({type(error).__name__}: {error}).") from error
    if sheets.shape != (trays.trays, trays.pockets) or sheets.min() < 0 or not sheets.any():
        raise FormatError(f"{path}: got sheets {sheets.shape}, wanted {(trays.trays, trays.pockets)} counts, some over 0.")
    if not 0 < diameter < 2 * trays.radius_m:
        raise FormatError(f"{path}: got a volume of {diameter} m, wanted one within the trays.")
    return sheets, trays, diameter, name


def _print(path: Path, title: str, sheets: np.ndarray) -> None:
    with atomic_path(path) as temporary, PdfPages(temporary, metadata=_SAME_DATE) as pages:
        for chart in tray_charts(title, sheets):
            pages.savefig(chart)
