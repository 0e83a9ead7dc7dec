"""`fullbore design`: a part of the machine from its brief, with a report."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from fullbore.cli.chosen_brief import chosen_brief
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.outcome import print_record, tell_demands, write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import Demand, MagnetViews, magnet_figure, magnet_page
from fullbore.data import Magnet
from fullbore.errors import UsageError
from fullbore.files.winding_table import read_windings, write_windings
from fullbore.hardware.magnet import (
    MagnetBrief,
    design_magnet,
    layout_of,
    load_magnet_brief,
    magnet_figures,
    magnet_presets,
    parse_magnet_brief,
    solenoid_field,
)
from fullbore.hardware.magnet.conductor import critical_current_A
from fullbore.hardware.magnet.figures import conductor_figures, wires_of
from fullbore.hardware.magnet.stray_line import stray_line
from fullbore.hardware.magnet.tolerances import wound_peak_to_peak
from fullbore.machinery import digest

_MAP_M = (0.30, 0.32)  # radius and half height of the map around the centre
_SAMPLES = 1000


def magnet(options: argparse.Namespace) -> int:
    """Design a magnet, or evaluate given windings; write magnet.json, windings.csv, magnet.png and report.html."""
    if options.windings and options.start:
        raise UsageError("design magnet: got --windings and --start, wanted one of them.")
    brief = magnet_brief(options)
    began = time.monotonic()
    with ExamTerminal({f"{brief.name}/design": 25.0}) as terminal:
        space = brief.space
        terminal.line(f"{brief.name}: {brief.b0_T:g} T, windings from {space.inner_radius_m:g} m, {space.length_m:g} m long")
        if options.windings:
            given = read_windings(options.windings, brief.b0_T)
            figures = {**magnet_figures(given, brief.stray.field_T), **conductor_figures(given, brief)}
            made = replace(given, figures=figures)
        else:
            start = layout_of(read_windings(options.start, brief.b0_T)) if options.start else None
            made = design_magnet(brief, _teller(terminal, brief.name), start)
        folder = new_folder(options.out, brief.name)
        record = _write(made, brief, folder, time.monotonic() - began)
        tell_demands(terminal, demands(made, brief))
        terminal.line(f"done: open {folder}/report.html")
    print_record(options, folder, record)
    return 0


def demands(made: Magnet, brief: MagnetBrief) -> list[Demand]:
    """The brief's limits beside what the windings reach."""
    figures, limits = made.figures, brief.limits
    found = [
        Demand(
            name=f"peak-to-peak over {100 * ball.diameter_m:.0f} cm",
            value=figures[f"peak_to_peak_{100 * ball.diameter_m:.0f}cm_ppm"],
            limit=1e6 * ball.peak_to_peak,
            unit="ppm",
        )
        for ball in brief.homogeneity
        if f"peak_to_peak_{100 * ball.diameter_m:.0f}cm_ppm" in figures
    ]
    found += [
        Demand(name=name, value=figures[key], limit=limit, unit="m")
        for name, key, limit in (
            ("stray line, radius", "stray_radius_m", brief.stray.radius_m),
            ("stray line, axial", "stray_axial_m", brief.stray.axial_m),
            ("length of the windings", "length_m", brief.space.length_m + 1e-9),
        )
    ]
    found += [
        Demand(
            name=f"load-line margin, {kind}",
            value=100 * figures[f"load_line_margin_{kind}"],
            limit=100 * limits.load_line_margin,
            unit="%",
            at_least=True,
        )
        for kind in wires_of(brief)
        if f"load_line_margin_{kind}" in figures
    ]
    found += [
        Demand(name="hoop stress", value=figures["hoop_stress_Pa"] / 1e6, limit=limits.hoop_stress_Pa / 1e6, unit="MPa"),
        Demand(name="stored energy", value=figures["energy_J"] / 1e6, limit=limits.energy_J / 1e6, unit="MJ"),
        Demand(name="conductor", value=figures["conductor_m"] / 1e3, limit=limits.conductor_m / 1e3, unit="km"),
    ]
    return found


def magnet_brief(options: argparse.Namespace) -> MagnetBrief:
    """The brief in a file, or a preset. Errors: UsageError for both at once, or for a file that is no brief."""
    return chosen_brief(options, "design", parse_magnet_brief, load_magnet_brief, magnet_presets()[-1])


def _teller(terminal: ExamTerminal, name: str) -> Callable[[float, str], None]:
    said: list[str] = []

    def tell(fraction: float, what: str) -> None:
        if what and what not in said:
            said.append(what)
            terminal.line(f"  {what}")
        terminal.progress(name, "design", fraction, what if fraction < 1 else "")

    return tell


def _write(made: Magnet, brief: MagnetBrief, folder: Path, seconds: float) -> dict[str, object]:
    views = magnet_views(made, brief)
    write_windings(made, folder / "windings.csv")
    sha = digest(asdict(brief))
    facts = [("brief", brief.name), ("brief's source", brief.source), ("brief's SHA-256", sha), ("made in", f"{seconds:.1f} s")]
    record: dict[str, object] = {"brief": asdict(brief), "brief_sha256": sha, "magnet": asdict(made)}
    record["seconds"] = round(seconds, 2)
    write_text(json.dumps(record, indent=1) + "\n", folder / "magnet.json")
    write_picture(magnet_figure(made, views), folder / "magnet.png", 110)
    write_text(magnet_page(made, views, demands(made, brief), facts), folder / "report.html")
    return {"seconds": record["seconds"], "figures": made.figures, "brief_sha256": sha}


def magnet_views(made: Magnet, brief: MagnetBrief) -> MagnetViews:
    """What the report draws."""
    sections = made.sections()
    radii, heights = np.linspace(0, _MAP_M[0], 61), np.linspace(-_MAP_M[1], _MAP_M[1], 129)
    r, z = np.meshgrid(radii, heights)
    field = solenoid_field(np.column_stack([r.ravel(), z.ravel()]), sections)[:, 1].reshape(r.shape)
    centre = made.figures["centre_field_T"]
    fields, wires = np.linspace(0, 10, 101), wires_of(brief)
    operating = {
        kind: (made.figures[f"peak_field_{kind}_T"], made.current_A) for kind in wires if f"peak_field_{kind}_T" in made.figures
    }
    spread = {
        ball.diameter_m: 1e6 * wound_peak_to_peak(sections, brief.tolerance, ball.diameter_m, _SAMPLES, np.random.default_rng(0))
        for ball in brief.homogeneity
    }
    return MagnetViews(
        radii_m=radii,
        heights_m=heights,
        deviation_ppm=1e6 * (field / centre - 1),
        stray_m=stray_line(sections, brief.stray.field_T),
        stray_T=brief.stray.field_T,
        allowed_m=(brief.stray.radius_m, brief.stray.axial_m),
        diameters_m=tuple(ball.diameter_m for ball in brief.homogeneity),
        fields_T=fields,
        critical_A={kind: np.array([critical_current_A(wire, float(b)) for b in fields]) for kind, wire in wires.items()},
        operating=operating,
        as_wound_ppm=spread,
    )
