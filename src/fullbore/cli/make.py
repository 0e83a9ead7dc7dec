"""`fullbore make gradient`: drawings, bodies and tables of gradient coils, each read back and its field compared."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder, refuse_taken
from fullbore.cli.made_files import Workshop
from fullbore.cli.make_surface import SurfaceWork, bill_of_surface, fill_surface_formers, read_surface_work
from fullbore.cli.outcome import print_record, write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import making_page, tracks_figure
from fullbore.errors import FormatError, FullboreError, UsageError
from fullbore.files import making
from fullbore.hardware.gradient import GradientBrief, design_gradient, gradient_presets, load_gradient_brief, wire_field
from fullbore.hardware.gradient.brief import Conductor, Cylinders, Drive, GradientLimits, Volume
from fullbore.hardware.gradient.contours import SheetCurrent
from fullbore.hardware.gradient.figures import centre_gradient, volume_points
from fullbore.hardware.gradient.gaps import least_gap_m, touching_m
from fullbore.hardware.making import Item, field_error, gradient_bill, gradient_formers, ring_volume_m3

_PARTS: dict[str, Any] = {"volume": Volume, "limits": GradientLimits, "conductor": Conductor, "drive": Drive}
_PARTS |= dict.fromkeys("xyz", Cylinders)
# A table of points says its own figure again to this, or it is of another design.
_SAME = 1e-3
# A tube's polygon has less within than its circle; its sharp bends are cut: so much of the volume may be missing.
_VOLUME = 5e-3
_FLAT = "wires unrolled: along z, around, height; a layer a cylinder"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WoundGradient:
    """What is to be made. tracks_m: per axis, closed."""

    brief: GradientBrief
    tracks_m: dict[str, np.ndarray]
    sheets: dict[str, tuple[SheetCurrent, ...]]

    @property
    def name(self) -> str:
        """Of the brief."""
        return self.brief.name

    @property
    def source(self) -> str:
        """Of the brief."""
        return self.brief.source

    @property
    def volume(self) -> Volume:
        """Over which fields are compared."""
        return self.brief.volume

    @property
    def conductor(self) -> Conductor:
        """Of all axes."""
        return self.brief.conductor

    def radii_m(self) -> dict[str, tuple[float, ...]]:
        """Per axis, of its cylinders, primary first."""
        cylinders = {axis: self.brief.cylinders(axis) for axis in self.tracks_m}
        return {axis: (own.primary_radius_m, own.shield_radius_m) for axis, own in cylinders.items()}


def make_gradient(options: argparse.Namespace) -> int:
    """Write tracks and formers as CSV, DXF, STL and STEP, a bill of material, tracks.png and report.html."""
    if (options.folder is None) == (options.preset is None):
        raise UsageError("make gradient: wanted a folder of `fullbore design gradient`, or --preset, and not both.")
    refuse_taken(options.out)
    began = time.monotonic()
    expected = {"make/files": 20.0} if options.folder else {"make/design": 20.0, "make/files": 20.0}
    with ExamTerminal(expected) as terminal:
        wound = read_design(options.folder) if options.folder else _designed(options.preset, terminal)
        shop = Workshop(folder=new_folder(options.out, f"{wound.name}-made"), terminal=terminal, expected=14)
        _fill(shop, wound)
        terminal.progress("make", "files", 1.0, "")
        figures = _report(shop, wound, time.monotonic() - began)
        terminal.line(f"done: open {shop.folder}/report.html")
    print_record(options, shop.folder, figures)
    return 0


def _designed(preset: str, terminal: ExamTerminal) -> WoundGradient:
    if preset not in gradient_presets():
        raise UsageError(f"make gradient --preset: got {preset!r}, wanted one of {', '.join(gradient_presets())}.")
    brief = load_gradient_brief(preset)
    made = design_gradient(brief, lambda fraction, what: terminal.progress("make", "design", fraction, what))
    terminal.progress("make", "design", 1.0, "")
    tracks, sheets = ({c.axis: c.closed_m for c in made.coils}, {c.axis: c.sheets for c in made.coils})
    return WoundGradient(brief=brief, tracks_m=tracks, sheets={axis: tuple(own) for axis, own in sheets.items()})


def read_design(folder: Path) -> WoundGradient | SurfaceWork:
    """What `fullbore design gradient` wrote, on cylinders or on drawn surfaces: its record and its wire tracks.

    Errors: FormatError for a record or a track that cannot be read, or a track whose gradient is not the record's.
    """
    path = folder / "gradient.json"
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}). Give a folder of `fullbore design gradient`.") from error
    except ValueError as error:
        raise FormatError(f"{path}: no record of gradient coils ({type(error).__name__}: {error}).") from error
    if isinstance(tree, dict) and "mesh" in tree:
        return read_surface_work(tree, folder)
    return _on_cylinders(tree, folder)


def _on_cylinders(tree: Any, folder: Path) -> WoundGradient:
    path = folder / "gradient.json"
    try:
        brief = GradientBrief(**{key: _part(key, own) for key, own in tree["brief"].items()})
        sheets = {axis: tuple(_sheet(own) for own in tree["stream_functions"][axis]) for axis in "xyz"}
        wanted = {axis: float(tree["figures"][axis]["sensitivity_T_per_m_A"]) for axis in "xyz"}
    except (ValueError, KeyError, TypeError, AttributeError, FullboreError) as error:
        raise FormatError(f"{path}: no record of gradient coils ({type(error).__name__}: {error}).") from error
    tracks = {axis: making.read_track(folder / f"track-{axis}.csv") for axis in "xyz"}
    for axis, track in tracks.items():
        got = centre_gradient([track], axis)
        if not abs(got / wanted[axis] - 1) <= _SAME:
            raise FormatError(
                f"{folder}/track-{axis}.csv: makes {1e6 * got:.5g} uT/m/A, the record says {1e6 * wanted[axis]:.5g}. "
                "Design it anew."
            )
    return WoundGradient(brief=brief, tracks_m=tracks, sheets=sheets)


def _part(key: str, own: Any) -> Any:
    """A value of the brief's record, or a table of positive numbers. Errors: ValueError for others."""
    if key not in _PARTS:
        return own
    if not all(isinstance(value, int | float) and 0 < value < np.inf for value in own.values()):
        raise ValueError(f"brief.{key} holds what is no positive number")
    return _PARTS[key](**own)


def _sheet(tree: dict[str, Any]) -> SheetCurrent:
    heights, profile = (np.array(tree[key], dtype=np.float64) for key in ("heights_m", "profile_A"))
    if heights.ndim != 1 or len(heights) < 2 or heights.shape != profile.shape or not (np.diff(heights) > 0).all():
        raise ValueError("a stream function's heights do not rise, or its values are not one a height")
    return SheetCurrent(
        radius_m=float(tree["radius_m"]),
        order=int(tree["order"]),
        heights_m=heights,
        profile_A=profile,
        turned_rad=float(tree["turned_rad"]),
    )


def _fill(shop: Workshop, wound: WoundGradient | SurfaceWork) -> None:
    points, tracks = volume_points(wound.volume), wound.tracks_m
    fields = {axis: wire_field(points, [track])[:, 2] for axis, track in tracks.items()}

    def off(got: dict[str, np.ndarray]) -> float:
        return max(field_error(fields[axis], wire_field(points, [track])[:, 2]) for axis, track in got.items())

    def all_off(read: Callable[[Path], dict[str, np.ndarray]], path: Path) -> float:
        got = read(path)
        if set(got) != set(fields):
            raise FormatError(f"{path}: read back, got the wires {sorted(got)}, wanted {sorted(fields)}.")
        return off(got)

    def track_off(axis: str, path: Path) -> float:
        return off({axis: making.read_track(path)})

    def tube_off(axis: str, path: Path) -> float:
        return off({axis: _centre(path, tracks[axis])})

    for axis, track in tracks.items():
        write = partial(making.write_track, track_m=track)
        shop.add(f"track-{axis}.csv", "points of the wire, m", write, partial(track_off, axis))
    shop.add("tracks.dxf", "wires in space", partial(making.write_dxf, tracks_m=tracks), partial(all_off, making.read_dxf))
    if isinstance(wound, WoundGradient):
        flat = partial(making.write_flat_dxf, tracks_m=tracks, radii_m=wound.radii_m())
        shop.add("tracks-flat.dxf", _FLAT, flat, partial(all_off, making.read_flat_dxf))
    shop.add("tracks.step", "wires as curves", partial(making.write_step, tracks_m=tracks), partial(all_off, making.read_step))
    width = wound.conductor.width_m
    for axis, track in tracks.items():
        body = partial(_write_tube, track=track, radius_m=width / 2)
        shop.add(f"wire-{axis}.stl", f"wire as a tube of {1e3 * width:g} mm", body, partial(tube_off, axis))
    if isinstance(wound, WoundGradient):
        _fill_formers(shop, wound)
    else:
        fill_surface_formers(shop, wound)
    shop.add("bill.csv", "bill of material", partial(making.write_bill, rows=bill_of(wound)), None)


def _fill_formers(shop: Workshop, wound: WoundGradient) -> None:
    formers = gradient_formers(wound.brief)
    for name, profile in formers.items():
        vertices, faces = making.revolved(profile)
        shop.add(f"{name}.stl", "former", partial(making.write_stl, vertices_m=vertices, faces=faces), None)
        _check_body(shop.folder / f"{name}.stl", ring_volume_m3(profile))
    shop.add("formers.step", "formers as solids", partial(making.write_solids_step, profiles_m=formers), None)
    check_profiles(making.read_solids_step(shop.folder / "formers.step"), formers, "formers.step")
    shop.add("formers.dxf", "sections of the formers", partial(making.write_profiles_dxf, profiles_m=formers), None)
    check_profiles(making.read_profiles_dxf(shop.folder / "formers.dxf"), formers, "formers.dxf")


def _write_tube(path: Path, track: np.ndarray, radius_m: float) -> None:
    """The closed track's tube, open at the terminals."""
    making.write_stl(path, *making.tube(track[:-1], radius_m))


def _centre(path: Path, track: np.ndarray) -> np.ndarray:
    """The wire of a tube, in the sense of the track, closed again. Errors: FormatError for a body that is not watertight."""
    body = making.read_stl(path)
    if not body.watertight:
        raise FormatError(f"{path}: read back, the body is not watertight. Use a thinner wire.")
    line = making.centre_line(body.vertices_m, body.faces)
    if np.linalg.norm(line[0] - track[0]) > np.linalg.norm(line[-1] - track[0]):
        line = line[::-1]
    return np.concatenate([line, line[:1]])


def _check_body(path: Path, volume_m3: float) -> None:
    body = making.read_stl(path)
    if not body.watertight or not abs(body.volume_m3 / volume_m3 - 1) <= _VOLUME:
        raise FormatError(f"{path}: read back, it holds {body.volume_m3:.6g} m3, wanted {volume_m3:.6g}, watertight.")


def check_profiles(got: dict[str, np.ndarray], wanted: dict[str, np.ndarray], name: str) -> None:
    """Errors: FormatError where sections read back differ by more than a micrometre."""
    for own, profile in wanted.items():
        found = got.get(own.replace(" ", "-"))
        if found is None or found.shape != profile.shape or not np.abs(found - profile).max() <= 1e-6:
            raise FormatError(f"{name}: read back, the section of {own!r} is another.")


def bill_of(wound: WoundGradient | SurfaceWork) -> list[Item]:
    """The bill of material."""
    if isinstance(wound, SurfaceWork):
        return bill_of_surface(wound)
    return gradient_bill(wound.tracks_m, wound.sheets, wound.brief)


def _report(shop: Workshop, wound: WoundGradient | SurfaceWork, seconds: float) -> dict[str, object]:
    read = making.read_dxf(shop.folder / "tracks.dxf")
    write_picture(tracks_figure(read, wound.radii_m()), shop.folder / "tracks.png", 80)
    bill, width = bill_of(wound), wound.conductor.width_m
    touching, wanted = touching_m(read, width), width + wound.conductor.gap_m
    gaps = least_gap_m(read, 2 * wanted)
    told = f"{1e3 * min(gaps.values()):.2f} mm ({', '.join(f'{axis} {1e3 * gap:.2f}' for axis, gap in gaps.items())})"
    said = f"least distance between middles of any two wires, where width and gap take {1e3 * wanted:g} mm"
    shop.terminal.line(f"  {said}: {told}")
    facts = [("brief", wound.name), ("brief's source", wound.source), ("made in", f"{seconds:.1f} s"), (said, told)]
    if any(touching.values()):
        near = ", ".join(f"{axis} {length:.1f} m" for axis, length in touching.items())
        shop.terminal.line(f"  wire nearer than {1e3 * width:g} mm to other wire (to be laid by hand): {near}")
        facts.append((f"wire nearer than {1e3 * width:g} mm to other wire, as drawn: to be laid by hand", near))
    page = making_page(f"{wound.name}, to be made", shop.made, bill, tracks_figure(read, wound.radii_m()), facts)
    write_text(page, shop.folder / "report.html")
    return {
        "files": shop.record(),
        "touching_m": touching,
        "least_distance_m": gaps,
        "copper_kg": sum(row[3] for row in bill if row[0].startswith("copper")),
    }
