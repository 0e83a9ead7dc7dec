"""`fullbore make magnet`: winding table, sections, spools and bill of a magnet, each read back and its field compared."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fullbore.cli.design import magnet_brief
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.made_files import Workshop
from fullbore.cli.make import check_profiles
from fullbore.cli.outcome import print_record, write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import making_page, sections_figure
from fullbore.data import Magnet
from fullbore.errors import FormatError, LimitError
from fullbore.files import making
from fullbore.files.winding_table import read_windings, write_windings
from fullbore.hardware.magnet import MagnetBrief, solenoid_field
from fullbore.hardware.magnet.figures import wires_of
from fullbore.hardware.making import field_error, magnet_bill, magnet_profiles, magnet_spools, windings_at, windings_in_grooves

_ANGLES = 37


def make_magnet(options: argparse.Namespace) -> int:
    """Write windings and spools as CSV, DXF, STL and STEP, a bill of material, sections.png and report.html."""
    brief = magnet_brief(options)
    magnet = read_windings(options.windings, brief.b0_T)
    twice = [name for name, count in Counter(w.name.replace(" ", "-") for w in magnet.windings).items() if count > 1]
    if twice:
        raise FormatError(f"winding table {options.windings}: two windings are called {twice[0]!r}. Give each its own name.")
    began = time.monotonic()
    with ExamTerminal({"make/files": 10.0}) as terminal:
        shop = Workshop(folder=new_folder(options.out, f"{options.windings.stem}-made"), terminal=terminal, expected=9)
        spools = _spools(magnet, terminal)
        _fill(shop, magnet, brief, spools)
        terminal.progress("make", "files", 1.0, "")
        drawn = sections_figure(magnet_profiles(magnet), spools)
        write_picture(drawn, shop.folder / "sections.png", 90)
        bill = magnet_bill(magnet, wires_of(brief), spools)
        facts = [
            ("windings", str(options.windings)),
            ("wires as in", brief.name),
            ("made in", f"{time.monotonic() - began:.1f} s"),
        ]
        write_text(making_page(f"{magnet.name}, to be made", shop.made, bill, drawn, facts), shop.folder / "report.html")
        terminal.line(f"done: open {shop.folder}/report.html")
    print_record(options, shop.folder, {"files": shop.record()})
    return 0


def _spools(magnet: Magnet, terminal: ExamTerminal) -> dict[str, np.ndarray]:
    """Spools, or none where no single one holds a group: that is said, and the windings are made all the same."""
    try:
        return magnet_spools(magnet)
    except LimitError as error:
        terminal.line(f"  no spools: {error}")
        return {}


def _fill(shop: Workshop, magnet: Magnet, brief: MagnetBrief, spools: dict[str, np.ndarray]) -> None:
    diameter = max(ball.diameter_m for ball in brief.homogeneity)
    polar = np.linspace(0, np.pi, _ANGLES)
    points = diameter / 2 * np.column_stack([np.sin(polar), np.cos(polar)])
    wanted = solenoid_field(points, magnet.sections())[:, 1]

    def off(profiles: dict[str, np.ndarray]) -> float:
        named = {w.name: profiles.get(w.name.replace(" ", "-")) for w in magnet.windings}
        lost = [name for name, own in named.items() if own is None]
        if lost:
            raise FormatError(f"read back: the winding {lost[0]!r} is not there.")
        sections = windings_at(magnet, {name: own for name, own in named.items() if own is not None})
        return field_error(wanted, solenoid_field(points, sections)[:, 1])

    def wound_on(corners: np.ndarray) -> float:
        return field_error(wanted, solenoid_field(points, windings_at(magnet, windings_in_grooves(magnet, corners)))[:, 1])

    profiles = magnet_profiles(magnet)

    def of_table(path: Path) -> float:
        return field_error(wanted, solenoid_field(points, read_windings(path, brief.b0_T).sections())[:, 1])

    shop.add("windings.csv", "winding table", lambda p: write_windings(magnet, p), of_table)
    dxf, step = making.read_profiles_dxf, making.read_solids_step
    shop.add("windings.dxf", "sections of the windings", lambda p: making.write_profiles_dxf(p, profiles), lambda p: off(dxf(p)))
    shop.add("windings.step", "windings as solids", lambda p: making.write_solids_step(p, profiles), lambda p: off(step(p)))
    if spools:
        _fill_spools(shop, spools, wound_on)
    bill = magnet_bill(magnet, wires_of(brief), spools)
    shop.add("bill.csv", "bill of material", lambda p: making.write_bill(p, bill), None)


def _fill_spools(shop: Workshop, spools: dict[str, np.ndarray], wound_on: Callable[[np.ndarray], float]) -> None:
    """wound_on: field error of windings in the grooves whose corners (radius, z) are given."""

    def of_dxf(path: Path) -> float:
        return wound_on(np.concatenate(list(making.read_profiles_dxf(path).values())))

    def of_step(path: Path) -> float:
        return wound_on(np.concatenate(list(making.read_solids_step(path).values())))

    shop.add("spools.dxf", "sections of the spools", lambda p: making.write_profiles_dxf(p, spools), of_dxf)
    shop.add("spools.step", "spools as solids", lambda p: making.write_solids_step(p, spools), of_step)
    check_profiles(making.read_solids_step(shop.folder / "spools.step"), spools, "spools.step")
    shop.add("spools.stl", "spools", lambda p: making.write_stl(p, *_bodies(spools)), lambda p: wound_on(_corners(p)))


def _bodies(profiles: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """All spools as one list of triangles."""
    vertices, faces, count = [], [], 0
    for profile in profiles.values():
        own, triangles = making.revolved(profile)
        vertices.append(own)
        faces.append(triangles + count)
        count += len(own)
    return np.concatenate(vertices), np.concatenate(faces)


def _corners(path: Path) -> np.ndarray:
    """(radius, z) of a body's vertices. Errors: FormatError where it is not watertight."""
    body = making.read_stl(path)
    if not body.watertight:
        raise FormatError(f"{path}: read back, a spool is not watertight.")
    x, y, z = body.vertices_m.T
    return np.unique(np.round(np.column_stack([np.hypot(x, y), z]), 7), axis=0)
