"""`fullbore design gradient --surface FILE`: one gradient coil on drawn surfaces, with a report."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder, refuse_taken
from fullbore.cli.made_files import MOST_ERROR
from fullbore.cli.outcome import print_record, tell_demands, write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import Demand, GradientViews, SurfaceViews, surface_figure, surface_page
from fullbore.errors import FormatError, UsageError
from fullbore.files import making
from fullbore.files.making import read_surface
from fullbore.hardware.gradient import wire_field
from fullbore.hardware.gradient.figures import volume_points
from fullbore.hardware.gradient.meshing import sound_surface
from fullbore.hardware.gradient.surface_brief import SurfaceBrief, parse_surface_brief
from fullbore.hardware.gradient.surface_coil import PER_UNIT_M, WireOnSurface, design_on_surfaces, refuse_size
from fullbore.hardware.gradient.triangles import Surface
from fullbore.hardware.making import field_error
from fullbore.machinery import digest, file_digest, read_toml

_FLAGS = ("shield_surface", "unit", "axis", "volume", "amplitude", "current", "linearity", "bore", "eddy", "torque")
_BEYOND, _ACROSS, _ALONG = 1.15, 41, 41
_ROUNDING = 1 + 1e-9


def asks_for_surface(options: argparse.Namespace) -> bool:
    """Whether --surface is given, or a brief that names one. Errors: UsageError for the flags of a surface without one."""
    if options.surface is not None:
        return True
    given = [name for name in _FLAGS if getattr(options, name) is not None]
    if options.brief is not None and "surface" in read_toml(options.brief):
        return True
    if given:
        raise UsageError(
            f"design gradient: got --{given[0].replace('_', '-')} without --surface. Give the surface, or leave it out."
        )
    return False


def design_surface(options: argparse.Namespace) -> int:
    """Write gradient.json, the wire as CSV, DXF and STEP, surface.png and report.html."""
    refuse_taken(options.out)
    brief, files = surface_brief(options)
    given = [read_former(path, brief.unit) for path in files]
    began = time.monotonic()
    with ExamTerminal({f"{brief.name}/design": 30.0}) as terminal:
        drive = brief.drive
        terminal.line(f"{brief.name}: {brief.axis}, {1e3 * drive.amplitude_T_per_m:g} mT/m from {drive.current_A:g} A")

        def tell(fraction: float, what: str) -> None:
            terminal.progress(brief.name, "design", fraction, what)

        made = design_on_surfaces(brief, given[0], given[1] if len(given) > 1 else None, tell)
        terminal.progress(brief.name, "design", 1.0, "")
        folder = new_folder(options.out, brief.name)
        record = _write(made, brief, files, folder, time.monotonic() - began)
        tell_demands(terminal, surface_demands(made, brief))
        terminal.line(f"done: open {folder}/report.html")
    print_record(options, folder, record)
    return 0


def surface_brief(options: argparse.Namespace) -> tuple[SurfaceBrief, list[Path]]:
    """The brief in a file, changed by flags, or of flags alone; files of its surfaces (a brief's beside itself).

    Errors: UsageError for a preset beside a surface, for flags that are missing, or what `parse_surface_brief` refuses.
    """
    if options.preset is not None:
        raise UsageError("design gradient: got --preset and a surface, wanted one of them: presets are of cylinders.")
    table: dict[str, Any] = read_toml(options.brief) if options.brief is not None else {}
    beside = options.brief.parent if options.brief is not None else Path()
    files = {key: beside / str(table[key]) for key in ("surface", "shield_surface") if key in table}
    for key in ("surface", "shield_surface"):
        if getattr(options, key) is not None:
            files[key] = getattr(options, key)
            table[key] = str(files[key])
    brief = parse_surface_brief(_with_flags(table, options), str(options.brief or options.surface))
    return brief, list(files.values())


def _with_flags(table: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """A brief's document with what flags say in place of what it said. Errors: UsageError for what neither says."""
    made = {"axis": "x", **table}
    made |= {key: getattr(options, key) for key in ("unit", "axis") if getattr(options, key) is not None}
    parts: dict[str, dict[str, Any]] = {key: dict(made.get(key, {})) for key in ("volume", "drive", "limits")}
    if options.volume is not None:
        parts["volume"] = {"radius": options.volume, "half_length": options.volume}
    for part, key in (
        ("drive", "amplitude"), ("drive", "current"), ("limits", "linearity"), ("limits", "eddy"), ("limits", "torque"),
    ):  # fmt: skip
        if getattr(options, key) is not None:
            parts[part][key] = getattr(options, key)
    if options.bore is not None:
        made["bore_radius"] = options.bore
        parts["limits"].setdefault("eddy", "0.5 %")
    for flag, part, key in (("volume", "volume", "radius"), ("amplitude", "drive", "amplitude"), ("current", "drive", "current")):
        if key not in parts[part]:
            raise UsageError(f"design gradient --surface: wanted --{flag}, or {part}.{key} in a brief. Add one of them.")
    return made | {key: part for key, part in parts.items() if part}


def read_former(path: Path, unit: str) -> Surface:
    """Errors: FormatError for a file that is no sound surface, UsageError for one that is no coil's size in that unit."""
    nodes, triangles = read_surface(path)
    refuse_size(nodes, unit, path.name)
    return sound_surface(nodes * PER_UNIT_M[unit], triangles, path.name)


def surface_demands(made: WireOnSurface, brief: SurfaceBrief) -> list[Demand]:
    """The brief's limits beside what the turns reach."""
    f, drive, limits = made.figures, brief.drive, brief.limits
    rows = [
        ("amplitude at full current", 1e3 * f["amplitude_T_per_m"], 1e3 * drive.amplitude_T_per_m / _ROUNDING, "mT/m", True),
        ("linearity", f["linearity_percent"], 100 * limits.linearity * _ROUNDING, "%", False),
        ("least spacing", 1e3 * f["spacing_m"], 1e3 * limits.spacing_m, "mm", True),
        ("torque at full current", f["net_torque_Nm"], limits.torque_Nm * _ROUNDING, "Nm", False),
        ("least distance of any wires", 1e3 * f["least_distance_m"], 1e3 * brief.conductor.width_m, "mm", True),
    ]
    if limits.eddy is not None:
        rows.append(("eddy field in the volume", f["eddy_percent"], 100 * limits.eddy * _ROUNDING, "%", False))
    if limits.inductance_H is not None:
        rows.append(("inductance", 1e6 * f["inductance_H"], 1e6 * limits.inductance_H * _ROUNDING, "uH", False))
    if limits.resistance_ohm is not None:
        rows.append(("resistance", 1e3 * f["resistance_ohm"], 1e3 * limits.resistance_ohm * _ROUNDING, "mohm", False))
    if drive.voltage_V is not None:
        rows.append(("voltage of its slew rate", f["voltage_V"], drive.voltage_V, "V", False))
    return [Demand(name=f"{made.axis}: {name}", value=v, limit=m, unit=unit, at_least=least) for name, v, m, unit, least in rows]


def _write(made: WireOnSurface, brief: SurfaceBrief, files: list[Path], folder: Path, seconds: float) -> dict[str, object]:
    sha = digest(asdict(brief))
    drawings = {path.name: file_digest(path) for path in files}
    record: dict[str, object] = {"seconds": round(seconds, 2), "brief_sha256": sha, "drawings_sha256": drawings}
    record["figures"] = {made.axis: made.figures}
    mesh = {"nodes_m": made.surface.nodes_m.tolist(), "triangles": made.surface.triangles.tolist()}
    turns = [turn.round(7).tolist() for turn in made.turns_m]
    tree = {"brief": asdict(brief), **record, "mesh": mesh, "psi_turns": made.psi_turns.tolist(), "turns_m": turns}
    tree |= {"layers": made.layers.tolist(), "kinds": made.track.kinds.tolist()}
    write_text(json.dumps(tree) + "\n", folder / "gradient.json")
    _write_wire(made, brief, folder)
    views = surface_views(made, brief)
    write_picture(surface_figure(views), folder / "surface.png", 80)
    facts = [("brief", brief.name), ("brief's SHA-256", sha), ("made in", f"{seconds:.1f} s")]
    facts += [(f"SHA-256 of {name}", value) for name, value in drawings.items()]
    page = surface_page(brief.name, brief.source, views, surface_demands(made, brief), made.figures, facts)
    write_text(page, folder / "report.html")
    return record


def _write_wire(made: WireOnSurface, brief: SurfaceBrief, folder: Path) -> None:
    """Errors: FormatError where the field of the wire read back is another."""
    axis, wire = made.axis, made.track.closed_m
    points = volume_points(brief.volume)
    own = wire_field(points, [wire])[:, 2]
    files: list[tuple[str, Callable[[Path], None], Callable[[Path], np.ndarray]]] = [
        (f"track-{axis}.csv", lambda path: making.write_track(path, wire), making.read_track),
        ("tracks.dxf", lambda path: making.write_dxf(path, {axis: wire}), lambda path: making.read_dxf(path)[axis]),
        ("tracks.step", lambda path: making.write_step(path, {axis: wire}), lambda path: making.read_step(path)[axis]),
    ]
    for name, write, read in files:
        write(folder / name)
        off = field_error(own, wire_field(points, [read(folder / name)])[:, 2])
        if not off <= MOST_ERROR:
            raise FormatError(f"{folder / name}: read back, its field is off by {1e2 * off:.3g} %, limit {1e2 * MOST_ERROR:g} %.")


def _leads(made: WireOnSurface) -> list[np.ndarray]:
    """Bridges and leads, as they run from turn to turn."""
    track, turning = made.track.points_m, made.track.turning
    ends = np.flatnonzero(np.diff(turning.astype(int))) + 1
    return [own for own, turn in zip(np.split(track, ends), np.split(turning, ends), strict=True) if not turn[0]]


def surface_views(made: WireOnSurface, brief: SurfaceBrief) -> SurfaceViews:
    """What the report draws: triangles, turns, and the plane through the z axis and x (y for a y coil)."""
    corners = made.surface.corners_m
    nearest = cKDTree(corners.mean(axis=1)).query(np.array([turn[0] for turn in made.turns_m]))[1]
    return SurfaceViews(
        corners_m=corners,
        layers=made.layers,
        psi=made.psi_turns[made.surface.triangles].mean(axis=1),
        turns_m=list(made.turns_m),
        turn_layers=made.layers[nearest],
        leads_m=_leads(made),
        field=_plane(made, brief),
    )


def _plane(made: WireOnSurface, brief: SurfaceBrief) -> GradientViews:
    volume = brief.volume
    across = np.linspace(-_BEYOND, _BEYOND, _ACROSS) * volume.radius_m
    along = np.linspace(-_BEYOND, _BEYOND, _ALONG) * volume.half_length_m
    z, u = np.meshgrid(along, across, indexing="ij")
    points = np.zeros((u.size, 3))
    points[:, 1 if made.axis == "y" else 0], points[:, 2] = u.ravel(), z.ravel()
    own, edge = (z, volume.half_length_m) if made.axis == "z" else (u, volume.radius_m)
    field = wire_field(points, [made.track.closed_m])[:, 2].reshape(u.shape) / made.figures["sensitivity_T_per_m_A"]
    return GradientViews(
        axis=made.axis,
        radii_m=(0.0, 0.0),
        track_m=made.track.closed_m,
        volume_m=(volume.radius_m, volume.half_length_m),
        across_m=across,
        along_m=along,
        deviation_percent=100 * (field - own) / edge,
    )
