"""`fullbore design shim`: iron for a magnet as wound."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from fullbore.cli.design import magnet_brief
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.outcome import print_record, write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import shim_figure, shim_page
from fullbore.errors import UsageError
from fullbore.files.winding_table import read_windings
from fullbore.hardware.magnet.brief import MagnetBrief
from fullbore.hardware.magnet.tolerances import sphere_points, wound_fields
from fullbore.hardware.shim import PassiveShim, ShimTrays, sheet_fields_T, shim_passively

_FINE = (37, 48)  # polar, azimuth: where the result is judged
_MOST_PPM = 1000.0


def shim(options: argparse.Namespace) -> int:
    """Wind the table's magnet once with the brief's errors, shim it, write shim.json, trays.csv, shim.png and report.html."""
    brief = magnet_brief(options)
    if brief.shim_trays is None:
        raise UsageError(f"design shim: the brief {brief.name} has no table [shim_trays]. Add one with a radius and a length.")
    if options.seed < 0 or not 0 < options.target < _MOST_PPM:
        raise UsageError(f"--seed, --target: got {options.seed}, {options.target}, wanted a seed from 0 and a target in ppm.")
    wound = read_windings(options.windings, brief.b0_T)
    trays = ShimTrays(**asdict(brief.shim_trays))
    diameter = max(ball.diameter_m for ball in brief.homogeneity)
    coarse, fine = sphere_points(diameter), sphere_points(diameter, *_FINE)
    began = time.monotonic()
    with ExamTerminal({"shim/iron": 8.0}) as terminal:
        terminal.line(f"{options.windings.name} as wound once (seed {options.seed}), {diameter * 100:.0f} cm")
        terminal.progress("shim", "iron", 0.0, "linear programs and whole sheets")
        places, generator = np.concatenate([coarse, fine]), np.random.default_rng(options.seed)
        field = wound_fields(wound.sections(), brief.tolerance, places, 1, generator)[0]
        made = shim_passively(coarse, field[: len(coarse)], trays, options.target * 1e-6)
        before = field[len(coarse) :]
        after = before + sheet_fields_T(trays, fine) @ made.sheets.ravel()
        terminal.progress("shim", "iron", 1.0, "")
        folder = new_folder(options.out, "shim")
        record = _write(made, before, after, brief, folder, time.monotonic() - began)
        terminal.line(
            f"  {record['before_ppm']:.4g} -> {record['after_ppm']:.3g} ppm peak-to-peak with {record['iron_kg']:.3g} kg of iron"
        )
        terminal.line(f"done: open {folder}/report.html")
    print_record(options, folder, record)
    return 0


def _write(
    made: PassiveShim, before: np.ndarray, after: np.ndarray, brief: MagnetBrief, folder: Path, seconds: float
) -> dict[str, float]:
    uneven, even = (1e6 * (field / field.mean() - 1).reshape(_FINE) for field in (before, after))
    record = {
        "before_ppm": float(np.ptp(uneven)),
        "after_ppm": float(np.ptp(even)),
        "iron_kg": made.iron_kg,
        "mean_T": made.mean_T,
        "seconds": round(seconds, 2),
    }
    sheets = made.sheets.astype(int)
    tree = {**record, "brief": asdict(brief), "sheets": sheets.tolist()}
    write_text(json.dumps(tree, indent=1) + "\n", folder / "shim.json")
    write_text("\n".join(",".join(map(str, row)) for row in sheets) + "\n", folder / "trays.csv")
    write_picture(shim_figure(sheets, uneven, even), folder / "shim.png", 110)
    facts = [
        (f"peak-to-peak before, over {_FINE[0]} x {_FINE[1]} points", f"{record['before_ppm']:.4g} ppm"),
        ("peak-to-peak after", f"{record['after_ppm']:.3g} ppm"),
        ("iron", f"{made.iron_kg:.3g} kg in {int((sheets > 0).sum())} pockets, sheets of {made.trays.sheet_kg * 1e3:.3g} g"),
        ("mean field", f"{made.mean_T:.6f} T"),
        ("made in", f"{seconds:.1f} s"),
    ]
    write_text(shim_page(f"Passive shim of {brief.name}", sheets, uneven, even, facts), folder / "report.html")
    return record
