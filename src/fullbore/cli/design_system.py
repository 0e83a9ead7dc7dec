"""`fullbore design system`: a whole machine from its parts, and what it means for sequences and images."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from fullbore import phantom, safety
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.machine_keep import (
    Shelf,
    keep_coils,
    keep_figures,
    keep_slice,
    known_axes,
    known_figures,
    known_slice,
)
from fullbore.cli.machines import machine, machine_names
from fullbore.cli.system_brief import HOMES, Tables, changed, parts_of, system_brief
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.library import sequence_protocol
from fullbore.clinical.machine_figures import BALLS_M, ECHO_PLANAR, TEN, MachineFigures, machine_figures
from fullbore.clinical.report.system_page import change, images_figure, system_page, times_figure
from fullbore.data import ScannerSpec, Subject
from fullbore.errors import LimitError
from fullbore.files import machine_digest, write_machine
from fullbore.files.atomic import atomic_path
from fullbore.hardware import Parts, designed_machines, with_parts
from fullbore.hardware.gradient import GradientBrief, WoundAxis, parse_gradient_brief, wound_gradient
from fullbore.hardware.system import FIELD_GRID
from fullbore.machinery import digest
from fullbore.recon import reconstruct
from fullbore.scanner import VirtualScanner
from fullbore.sequence import build, parse_protocol
from fullbore.sequence.settings import with_settings

BRIEF = "brief.json"
SUBJECT = Subject(identifier="unnamed", name="Unnamed", mass_kg=75.0, height_m=1.75)
_ONE_SLICE = {"slices": 1, "bands": 1, "frames": 1, "dummy_frames": 0}
_SPINS = 20_000
_MODE = "first_level"
"""Of the slice, as of the figures: what a machine can do to a person who is watched."""

# Seconds of each part's design, of an axis, of one machine's figures and of one scan: what the time to go begins with.
_PART_S = {"magnet": 60.0, "gradient": 1.0, "amplifier": 8.0, "transmit": 3.0, "receive": 3.0, "spectrometer": 1.0}
_AXIS_S, _FIGURES_S, _SCAN_S = 5.0, 12.0, 25.0
Tell = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to make: name, the machine to begin with, all parts' briefs, and which of the parts are designed anew.

    folder: of the machine to begin with; None for a preset.
    """

    name: str
    base: ScannerSpec
    folder: Path | None
    tables: Tables
    touched: set[str]


def system(options: argparse.Namespace) -> int:
    """Design the parts, write the machine's folder (machine.toml, machine.npz, brief.json, report.html); compare it."""
    asked = _asked(options)
    against = machine(options.against) if options.against else asked.base
    beside = _folder(options.against) if options.against else asked.folder
    before = _found(against, Shelf(own=beside, older=beside) if beside else None)
    axes = known_axes(_gradient(asked), FIELD_GRID, asked.folder) if "gradient" in asked.touched else {}
    began = time.monotonic()
    told = against is asked.base and asked.touched <= {"receive"}
    with ExamTerminal(_expected(asked.touched, len(axes), before, told, not options.no_scan)) as terminal:
        terminal.line(f"{asked.name} on {asked.base.name}: {', '.join(sorted(asked.touched)) or 'as it is'}")
        parts, made = _made(asked, axes, _teller(terminal, "parts"))
        folder = new_folder(options.out, made.name)
        sha = write_machine(made, folder)
        write_text(json.dumps(asked.tables, indent=1) + "\n", folder / BRIEF)
        if parts.wound is not None and parts.gradient is not None:
            keep_coils(Shelf(own=folder), parts.gradient, parts.wound)
        first = _judged(before, not options.no_scan, partial(_stage_teller, terminal, "before"))
        after = _told(_found(made, Shelf(own=folder)), against, first[0])
        both = [first, _judged(after, not options.no_scan, partial(_stage_teller, terminal, "after"))]
        figures, images = [one for one, _ in both], [image for _, image in both if image is not None]
        _write(folder, made, _facts(made, sha, time.monotonic() - began), asked, figures, images)
        terminal.line(f"  {change(*figures)}")
        terminal.line(f"done: open {folder}/report.html; scan with --scanner {folder}")
    if options.json:
        record = {"status": "complete", "folder": str(folder), "sha256": sha, "before": asdict(figures[0])}
        sys.stdout.write(json.dumps({**record, "after": asdict(figures[1])}, default=str) + "\n")
    return 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Judged:
    """A machine with its figures and its scanned slice, None where they are not made or not asked for; keys: of what is kept."""

    spec: ScannerSpec
    shelf: Shelf | None
    keys: dict[str, dict[str, object]]
    figures: MachineFigures | None = None
    image: np.ndarray | None = None


def _found(spec: ScannerSpec, shelf: Shelf | None) -> _Judged:
    """What is known of a machine."""
    own = {"machine": machine_digest(spec), "subject": asdict(SUBJECT)}
    keys: dict[str, dict[str, object]] = {
        "figures": {**own, "sequences": TEN},
        "scan": {**own, "sequence": ECHO_PLANAR, "settings": _ONE_SLICE, "spins": _SPINS, "mode": _MODE},
    }
    if shelf is None:
        return _Judged(spec=spec, shelf=shelf, keys=keys)
    figures, image = known_figures(shelf, keys["figures"]), known_slice(shelf, keys["scan"])
    return _Judged(spec=spec, shelf=shelf, keys=keys, figures=figures, image=image)


def _told(after: _Judged, against: ScannerSpec, figures: MachineFigures) -> _Judged:
    """A machine whose array alone is another has the figures of the one it is compared with: they follow from all else."""
    made = after.spec
    if machine_digest(replace(made, name=against.name, receive=against.receive)) != machine_digest(against):
        return after
    figures = replace(figures, name=made.name)
    if after.shelf:
        keep_figures(after.shelf, after.keys["figures"], figures)
    return replace(after, figures=figures)


def _judged(known: _Judged, scan: bool, teller: Callable[[str], Tell]) -> tuple[MachineFigures, np.ndarray | None]:
    """What is not known is made, and kept."""
    figures, image = known.figures, known.image
    if figures is None:
        tell = teller("figures")
        figures = machine_figures(known.spec, SUBJECT, progress=tell)
        tell(1.0, "")
        if known.shelf:
            keep_figures(known.shelf, known.keys["figures"], figures)
    if image is None and scan:
        tell = teller("scan")
        image = _slice(known.spec, tell)
        if known.shelf and image is not None:
            keep_slice(known.shelf, known.keys["scan"], image)
    return figures, image if scan else None


def _expected(touched: set[str], axes: int, before: _Judged, told: bool, scan: bool) -> dict[str, float]:
    """Stage -> seconds, before anything is known of this computer; what is kept takes none."""
    stages = {"system/parts": sum(_PART_S[part] for part in touched)}
    if "gradient" in touched:
        stages["system/parts"] += _AXIS_S * (3 - axes)
    for when, known, image in (("before", before.figures is not None, before.image), ("after", told, None)):
        stages[f"system/figures {when}"] = 0.0 if known else _FIGURES_S
        stages[f"system/scan {when}"] = _SCAN_S if scan and image is None else 0.0
    return stages


def _gradient(asked: Asked) -> GradientBrief:
    return parse_gradient_brief(asked.tables["gradient"], "gradient")


def _made(asked: Asked, axes: dict[str, WoundAxis], tell: Tell) -> tuple[Parts, ScannerSpec]:
    """The parts that are designed, and the machine with them; gradient axes as far as they are not known."""
    shares = np.cumsum([_PART_S["magnet"] * ("magnet" in asked.touched), _AXIS_S * (3 - len(axes)), 5.0])
    first, second = (float(value) for value in shares[:2] / shares[2])
    tables = {part: table for part, table in asked.tables.items() if part in asked.touched}
    parts = parts_of(tables, lambda share, what: tell(first * share, what))
    if parts.gradient is not None:
        wound = wound_gradient(parts.gradient, FIELD_GRID, axes, lambda share, what: tell(first + (second - first) * share, what))
        parts = replace(parts, wound=wound)
    spec = with_parts(asked.base, parts, lambda share, what: tell(second + (1 - second) * share, what))
    return parts, replace(spec, name=asked.name)


def _asked(options: argparse.Namespace) -> Asked:
    """A brief on its base, or a folder's machine with some of its parts changed."""
    if options.brief is None and options.base is not None:
        tables = changed(_known_tables(options.base), options.set)
        base, touched = machine(options.base), {text.split(".")[0] for text in options.set}
        return Asked(name=f"{base.name}-changed", base=base, folder=_folder(options.base), tables=tables, touched=touched)
    brief = system_brief(options.brief)
    tables, name = changed(brief.tables, options.set), options.base or brief.base
    return Asked(name=brief.name, base=machine(name), folder=_folder(name), tables=tables, touched=set(tables))


def _folder(name: str) -> Path | None:
    """Where a machine lies that may be written to; None for one that is shipped."""
    return Path(name) if name not in machine_names() else None


def _known_tables(name: str) -> Tables:
    """The briefs that a machine was made from; none for a preset."""
    if name in designed_machines():
        return system_brief(designed_machines()[name] / "brief.toml").tables
    path = Path(name) / BRIEF
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _stage_teller(terminal: ExamTerminal, when: str, stage: str) -> Tell:
    return _teller(terminal, f"{stage} {when}")


def _teller(terminal: ExamTerminal, stage: str) -> Tell:
    return lambda share, what: terminal.progress("system", stage, share, what)


def _slice(spec: ScannerSpec, tell: Tell) -> np.ndarray | None:
    """Magnitude (y, x) of one echo-planar slice of vials, played by isochromats, which feel every flaw; None where refused."""
    protocol = with_settings(parse_protocol(sequence_protocol(ECHO_PLANAR), quick=True), _ONE_SLICE)
    scanner = VirtualScanner(spec=spec, phantom=phantom.cylinder_vials(), subject=SUBJECT, spins=_SPINS)
    try:
        sequence = build(protocol, spec.limits)
        verdict = safety.check(sequence, spec, SUBJECT, _MODE)
        image = reconstruct(scanner.acquire(sequence, verdict, seed=1, progress=tell))
    except LimitError as error:
        tell(1.0, f"no slice: {error}")
        return None
    tell(1.0, "")
    values = np.abs(image.values.reshape(-1, *image.grid.shape)[0])
    return np.asarray(values[values.shape[0] // 2])


def _facts(spec: ScannerSpec, sha: str, seconds: float) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = [
        ("field", f"{spec.b0_T:g} T, bore {spec.bore_diameter_m * 100:g} cm"),
        ("gradients", f"{spec.limits.gradient_T_per_m * 1e3:.4g} mT/m at {spec.limits.slew_T_per_m_s:.4g} T/m/s"),
        ("B1+", f"{spec.limits.b1_peak_T * 1e6:.4g} uT at most"),
        ("receive", f"{spec.receive.name}, {spec.receive.coils} channels"),
        ("SHA-256", sha),
        ("made in", f"{seconds:.0f} s"),
    ]
    if spec.chain is not None:
        volts, amperes = min(spec.chain.voltage_V), min(spec.chain.current_A)
        facts.insert(2, ("amplifier", f"{volts:.4g} V x {amperes:.4g} A = {volts * amperes / 1e6:.3g} MVA per axis"))
    return facts


def _write(
    folder: Path,
    spec: ScannerSpec,
    facts: list[tuple[str, object]],
    asked: Asked,
    figures: list[MachineFigures],
    images: list[np.ndarray],
) -> None:
    rows = []
    for part in HOMES:
        table = asked.tables.get(part)
        said = "the base machine's own" if table is None else str(table.get("name", table.get("windings", "")))
        new = ", designed now" if part in asked.touched else ""
        rows.append((part, f"{said}{new}" + (f", brief {digest(table)[:12]}" if table is not None else "")))
    write_text(system_page(f"Machine {spec.name}", facts, rows, figures, images), folder / "report.html")
    with atomic_path(folder / "times.png") as temporary:
        times_figure(figures).savefig(temporary, format="png", dpi=110)
    if images:
        with atomic_path(folder / "images.png") as temporary:
            images_figure(images, figures).savefig(temporary, format="png", dpi=110)
    shifts = {f"{ball * 100:.0f} cm": [item.echo_planar_shift_m(ball) for item in figures] for ball in BALLS_M}
    record = {"figures": [asdict(item) for item in figures], "echo_planar_shift_m": shifts}
    write_text(json.dumps(record, indent=1, default=str) + "\n", folder / "figures.json")
