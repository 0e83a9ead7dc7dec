"""`fullbore design array`: a receive array from its brief, with a report."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder, refuse_taken
from fullbore.cli.outcome import print_record, tell_demands, write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import ArrayViews, Demand, array_figure, array_page
from fullbore.clinical.report.array_page import g_figure
from fullbore.errors import UsageError
from fullbore.files.atomic import atomic_path
from fullbore.hardware.array import (
    ArrayBrief,
    ReceiveArray,
    Sphere,
    design_array,
    load_array_brief,
    parse_array_brief,
    plane_maps,
    ultimate_share,
)
from fullbore.hardware.array.body import Body
from fullbore.hardware.array.brief import with_choices
from fullbore.hardware.array.conductor import capacitors_needed
from fullbore.hardware.array.maps import PlaneMaps, UltimateShare
from fullbore.hardware.array.network import correlation, noise_figures_dB
from fullbore.machinery import digest, read_toml

_POLYGON = 64  # corners of a loop in table and picture


def array_part(options: argparse.Namespace) -> int:
    """Design an array; write array.json, loops.csv, array.npz, array.png, g.png and report.html."""
    brief = array_brief(options)
    began, title = time.monotonic(), f"{brief.name}-{brief.channels}"
    share = brief.channels / 16
    with ExamTerminal({f"{title}/design": 4 * share, f"{title}/maps": 3 + 2 * share}) as terminal:
        terminal.line(f"{title}: {brief.channels} loops on the {brief.former.form}, {brief.b0_T:g} T")
        made = design_array(brief, lambda fraction, what: terminal.progress(title, "design", fraction, what))
        terminal.progress(title, "maps", 0.0, "signal-to-noise ratio and g")
        maps = plane_maps(made)
        terminal.progress(title, "maps", 0.5, "share of the ultimate")
        ultimate = ultimate_share(made, sphere_of(brief), brief.electronics.noise_figure_dB)
        terminal.progress(title, "maps", 1.0, "")
        folder = new_folder(options.out, title)
        record = _write(made, brief, maps, ultimate, folder, time.monotonic() - began)
        tell_demands(terminal, array_demands(made, brief))
        terminal.line(f"done: open {folder}/report.html")
    print_record(options, folder, record)
    return 0


def array_brief(options: argparse.Namespace) -> ArrayBrief:
    """The brief in a file or a former's, with the channels and field asked. Errors: UsageError for both, or for no brief."""
    refuse_taken(options.out)
    if options.brief is not None and options.former is not None:
        raise UsageError("design array: got a brief and a former, wanted one of them.")
    if options.brief is not None:
        brief = parse_array_brief(read_toml(options.brief), str(options.brief))
        return with_choices(brief, options.channels, options.b0)
    return load_array_brief(options.former or "head", options.channels, options.b0)


def sphere_of(brief: ArrayBrief) -> Sphere:
    """The sphere on which the array is held against the ultimate."""
    return Sphere(
        radius_m=brief.body.sphere_radius_m,
        conductivity_S_per_m=brief.body.conductivity_S_per_m,
        permittivity=brief.body.permittivity,
        b0_T=brief.b0_T,
    )


def array_demands(made: ReceiveArray, brief: ArrayBrief) -> list[Demand]:
    """The brief's limits beside what the array reaches."""
    found, limits = made.figures, brief.limits
    return [
        Demand(
            name="preamplifier decoupling", value=found["decoupling_dB"], limit=limits.decoupling_dB, unit="dB", at_least=True
        ),
        Demand(
            name="quality, unloaded over loaded, worst loop",
            value=found["quality_ratio"],
            limit=limits.quality_ratio,
            unit="",
            at_least=True,
        ),
        Demand(name="coupling of neighbours, worst pair", value=found["coupling_of_neighbours"], limit=limits.coupling, unit=""),
        Demand(name="noise figure, worst channel", value=found["noise_figure_dB"], limit=limits.noise_figure_dB, unit="dB"),
    ]


def array_views(made: ReceiveArray, maps: PlaneMaps, ultimate: UltimateShare) -> ArrayViews:
    """What the report draws."""
    x, y = (maps.grid.axis_positions_m(axis) for axis in (0, 1))
    return ArrayViews(
        loops_m=tuple(loop.thinned(_POLYGON)[0] for loop in made.loops),
        body_m=_surface(made.body),
        extent_m=(float(x[0]), float(x[-1]), float(y[-1]), float(y[0])),
        inside=maps.inside,
        sensitivity=np.abs(maps.sensitivity_T_per_A),
        correlation=correlation(made.noise_ohm),
        snr=maps.snr,
        g=maps.g,
        radii=ultimate.radii,
        sample=ultimate.sample,
        whole=ultimate.whole,
        plane=ultimate.plane,
    )


def _surface(body: Body) -> np.ndarray:
    around, along = np.meshgrid(np.linspace(0, 2 * np.pi, 33), np.linspace(-1, 1, 15), indexing="ij")
    across = np.sqrt(1 - along**2) if body.form == "ellipsoid" else np.ones_like(along)
    unit = np.stack([across * np.cos(around), across * np.sin(around), along], axis=-1)
    return np.asarray(unit * np.array(body.half_axes_m))


def _write(
    made: ReceiveArray, brief: ArrayBrief, maps: PlaneMaps, ultimate: UltimateShare, folder: Path, seconds: float
) -> dict[str, object]:
    views, sha = array_views(made, maps, ultimate), digest(asdict(brief))
    figures = {**made.figures, **_image_figures(maps, ultimate)}
    record: dict[str, object] = {"seconds": round(seconds, 2), "figures": figures, "brief_sha256": sha}
    loops = _loop_rows(made)
    tree = {**record, "brief": asdict(brief), "loops": loops}
    write_text(json.dumps(tree, indent=1) + "\n", folder / "array.json")
    lines = ["loop,x_m,y_m,z_m"]
    lines += [f"{n + 1},{p[0]:.6f},{p[1]:.6f},{p[2]:.6f}" for n, loop in enumerate(views.loops_m) for p in loop]
    write_text("\n".join(lines) + "\n", folder / "loops.csv")
    with atomic_path(folder / "array.npz") as temporary, temporary.open("wb") as stream:
        names = ("inductance_H", "sample_ohm", "wire_ohm", "capacitor_ohm", "impedance_ohm", "noise_ohm", "transfer")
        np.savez_compressed(stream, **{name: getattr(made, name) for name in names})
    write_picture(array_figure(views), folder / "array.png", 110)
    write_picture(g_figure(views), folder / "g.png", 110)
    facts = [("brief", brief.name), ("brief's source", brief.source), ("brief's SHA-256", sha), ("made in", f"{seconds:.1f} s")]
    facts += [("sphere of the ultimate", f"radius {1e3 * brief.body.sphere_radius_m:g} mm, the body's medium")]
    rows = [tuple(row.values()) for row in loops]
    write_text(array_page(made.name, views, array_demands(made, brief), figures, facts, rows), folder / "report.html")
    return record


def _image_figures(maps: PlaneMaps, ultimate: UltimateShare) -> dict[str, float]:
    found = {}
    for name, values in maps.g.items():
        key = "g_" + name.replace(" ", "").replace("=", "")
        found[f"{key}_mean"], found[f"{key}_worst"] = (float(f(values[maps.inside])) for f in (np.mean, np.max))
    middle = maps.snr.shape[0] // 2
    found["snr_centre_per_mm3"] = float(maps.snr[middle, middle])
    found["snr_mean_per_mm3"] = float(maps.snr[maps.inside].mean())
    found["ultimate_centre_per_mm3"] = float(ultimate.ultimate[0])
    for kind in ("sample", "whole"):
        values = getattr(ultimate, kind)
        found[f"ultimate_share_centre_{kind}"] = float(values[0])
        found[f"ultimate_share_half_radius_{kind}"] = float(np.interp(0.5, ultimate.radii, values))
    return found


def _loop_rows(made: ReceiveArray) -> list[dict[str, float | int]]:
    """One row a loop, as `LOOP_HEAD` names them."""
    noise, frequency = noise_figures_dB(made.noise_ohm, made.sample_ohm, made.coil_ohm), made.omega / (2 * np.pi)
    rows: list[dict[str, float | int]] = []
    for n, (loop, match) in enumerate(zip(made.loops, made.matches, strict=True)):
        size, coil, sample = float(made.inductance_H[n, n]), float(made.coil_ohm[n]), float(made.sample_ohm[n, n].real)
        rows.append(
            {
                "loop": n + 1,
                "wire_mm": 1e3 * loop.length_m,
                "inductance_nH": 1e9 * size,
                "wire_mohm": 1e3 * float(made.wire_ohm[n]),
                "capacitor_mohm": 1e3 * float(made.capacitor_ohm[n]),
                "sample_mohm": 1e3 * sample,
                "quality_unloaded": made.omega * size / coil,
                "quality_loaded": made.omega * size / (coil + sample),
                "breaks": capacitors_needed(loop.length_m, frequency),
                "tuning_pF": 1e12 * match.tuning_F,
                "matching_pF": 1e12 * match.matching_F,
                "matching_nH": 1e9 * match.matching_H,
                "noise_figure_dB": float(noise[n]),
            }
        )
    return rows
