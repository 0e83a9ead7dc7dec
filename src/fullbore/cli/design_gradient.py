"""`fullbore design gradient`: shielded gradient coils from their brief, with a report."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from fullbore.cli.chosen_brief import chosen_brief
from fullbore.cli.design_surface import asks_for_surface, design_surface
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.outcome import print_record, tell_demands, write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import Demand, GradientViews, gradient_figure, gradient_page
from fullbore.hardware.gradient import (
    GradientBrief,
    GradientCoil,
    GradientCoils,
    design_gradient,
    gradient_presets,
    load_gradient_brief,
    parse_gradient_brief,
    wire_field,
)
from fullbore.machinery import digest

_ACROSS, _ALONG = 41, 47
# The map reaches this much beyond the imaging volume.
_BEYOND = 1.15
# Nothing exceeds a limit by less than rounding.
_ROUNDING = 1 + 1e-9


def gradient(options: argparse.Namespace) -> int:
    """Design three coils; write gradient.json, wire tracks as CSV, gradient.png and report.html."""
    if asks_for_surface(options):
        return design_surface(options)
    brief = gradient_brief(options)
    began = time.monotonic()
    with ExamTerminal({f"{brief.name}/design": 20.0}) as terminal:
        drive = brief.drive
        terminal.line(
            f"{brief.name}: {1e3 * drive.amplitude_T_per_m:g} mT/m and {drive.slew_T_per_m_s:g} T/m/s "
            f"from {drive.current_A:g} A, {drive.voltage_V:g} V"
        )

        def tell(fraction: float, what: str) -> None:
            terminal.progress(brief.name, "design", fraction, what)

        made = design_gradient(brief, tell)
        terminal.progress(brief.name, "design", 1.0, "")
        folder = new_folder(options.out, brief.name)
        record = _write(made, brief, folder, time.monotonic() - began)
        tell_demands(terminal, demands(made, brief))
        terminal.line(f"done: open {folder}/report.html")
    print_record(options, folder, record)
    return 0


def gradient_brief(options: argparse.Namespace) -> GradientBrief:
    """The brief in a file, or a preset. Errors: UsageError for both at once, or for a file that is no brief."""
    return chosen_brief(options, "design gradient", parse_gradient_brief, load_gradient_brief, gradient_presets()[-1])


def demands(made: GradientCoils, brief: GradientBrief) -> list[Demand]:
    """The brief's limits beside what the wires reach."""
    return [demand for coil in made.coils for demand in _axis_demands(coil, brief)]


def _axis_demands(coil: GradientCoil, brief: GradientBrief) -> list[Demand]:
    f, drive, limits = coil.figures, brief.drive, brief.limits
    spacing = 1e3 * min(f["spacing_primary_m"], f["spacing_shield_m"])
    rows = (
        ("amplitude at full current", 1e3 * f["amplitude_T_per_m"], 1e3 * drive.amplitude_T_per_m, "mT/m", True),
        ("slew rate at full amplitude", f["slew_T_per_m_s"], drive.slew_T_per_m_s, "T/m/s", True),
        ("linearity", f["linearity_percent"], 100 * limits.linearity * _ROUNDING, "%", False),
        ("eddy field in the volume", f["eddy_percent"], 100 * limits.eddy * _ROUNDING, "%", False),
        ("least spacing", spacing, 1e3 * limits.spacing_m, "mm", True),
    )
    return [
        Demand(name=f"{coil.axis}: {name}", value=value, limit=limit, unit=unit, at_least=least)
        for name, value, limit, unit, least in rows
    ]


def _write(made: GradientCoils, brief: GradientBrief, folder: Path, seconds: float) -> dict[str, object]:
    sha = digest(asdict(brief))
    figures = {coil.axis: coil.figures for coil in made.coils}
    record: dict[str, object] = {
        "seconds": round(seconds, 2),
        "brief_sha256": sha,
        "figures": figures,
        "turns": {coil.axis: coil.turns for coil in made.coils},
        "mutual_H": made.mutual_H.tolist(),
    }
    sheets = {coil.axis: [_sheet_record(sheet) for sheet in coil.sheets] for coil in made.coils}
    tree = {"brief": asdict(brief), **record, "stream_functions": sheets}
    write_text(json.dumps(tree, indent=1) + "\n", folder / "gradient.json")
    for coil in made.coils:
        rows = "\n".join(f"{x:.6f},{y:.6f},{z:.6f}" for x, y, z in coil.closed_m)
        write_text(f"x_m,y_m,z_m\n{rows}\n", folder / f"track-{coil.axis}.csv")
    views = [gradient_views(coil, brief) for coil in made.coils]
    write_picture(gradient_figure(views), folder / "gradient.png", 80)
    facts = [("brief", brief.name), ("brief's source", brief.source), ("brief's SHA-256", sha), ("made in", f"{seconds:.1f} s")]
    page = gradient_page(brief.name, brief.source, views, demands(made, brief), figures, facts)
    write_text(page, folder / "report.html")
    return record


def _sheet_record(sheet: object) -> dict[str, object]:
    tree = asdict(sheet)  # type: ignore[call-overload]
    return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in tree.items()}


def gradient_views(coil: GradientCoil, brief: GradientBrief) -> GradientViews:
    """What the report draws of one axis: the plane through the z axis and x (y for the y coil)."""
    across = np.linspace(-_BEYOND, _BEYOND, _ACROSS) * brief.volume.radius_m
    along = np.linspace(-_BEYOND, _BEYOND, _ALONG) * brief.volume.half_length_m
    z, u = np.meshgrid(along, across, indexing="ij")
    points = np.zeros((u.size, 3))
    points[:, 1 if coil.axis == "y" else 0], points[:, 2] = u.ravel(), z.ravel()
    own, edge = (z, brief.volume.half_length_m) if coil.axis == "z" else (u, brief.volume.radius_m)
    field = wire_field(points, [coil.closed_m])[:, 2].reshape(u.shape) / coil.sensitivity_T_per_m_A
    return GradientViews(
        axis=coil.axis,
        radii_m=(coil.sheets[0].radius_m, coil.sheets[1].radius_m),
        track_m=coil.closed_m,
        volume_m=(brief.volume.radius_m, brief.volume.half_length_m),
        across_m=across,
        along_m=along,
        deviation_percent=100 * (field - own) / edge,
    )
