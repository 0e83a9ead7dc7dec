"""`fullbore phantom`: digital patients and test objects, listed, shown and exported."""

from __future__ import annotations

import argparse
import base64
import inspect
import json
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fullbore import files, phantom
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.movies import check_movie, movie, write_movie
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import body_figure, body_page
from fullbore.data import Grid, ParameterMaps
from fullbore.errors import UsageError
from fullbore.files.atomic import atomic_path
from fullbore.machinery import read_toml
from fullbore.phantom import Body
from fullbore.phantom.body import families
from fullbore.phantom.body_truth import organ_labels, organ_volumes, property_maps
from fullbore.phantom.described import described_body
from fullbore.phantom.imported import body_from_labels, body_from_maps
from fullbore.phantom.sampling import shares
from fullbore.phantom.spins import family_shares

_SHOWN_VOXELS = 160


def list_bodies(options: argparse.Namespace) -> int:
    """Name, first sentence and parameters of every body."""
    known = {name: _described(name) for name in phantom.BODIES}
    if options.json:
        sys.stdout.write(json.dumps(known) + "\n")
        return 0
    for name, told in known.items():
        sys.stdout.write(f"{name}\n    {told['about']}\n")
        for parameter, value in told["parameters"].items():
            sys.stdout.write(f"    --set {parameter}={value}\n")
    return 0


def show(options: argparse.Namespace) -> int:
    """Write body.png and report.html of a body."""
    body, grid = _asked(options)
    if options.movie is not None:
        check_movie(options.movie, body)
    folder = new_folder(options.out, f"{options.body}-phantom")
    maps = property_maps(body, grid, options.time, names=("T1", "T2", "PD"))
    drawing = body_figure(organ_labels(body, grid, options.time), len(body.organs), maps)
    with atomic_path(folder / "body.png") as temporary:
        drawing.savefig(temporary, format="png", facecolor=drawing.get_facecolor())
    volumes = organ_volumes(body, grid, options.time)
    facts = [("body", options.body), ("parameters", ", ".join(options.set) or "as usual"), ("time", f"{options.time:g} s")]
    facts += [("cut at", f"{1e3 * grid.spacing_m[0]:.3g} mm"), ("source", body.source or "see its tissues")]
    page, record = body_page(body.name, facts, drawing, volumes, body.tissues, body.truths), {}
    if options.movie is not None:
        page, record = _with_movie(page, body, options), {"movie": str(options.movie)}
    write_text(page, folder / "report.html")
    told = {"folder": str(folder), "organs": volumes, "truths": dict(body.truths), **record}
    return _done(options, told, f"{folder}/report.html" + (f", {options.movie}" if record else ""))


def _with_movie(page: str, body: Body, options: argparse.Namespace) -> str:
    """Write the movie, and put it into the page before its tables."""
    with ExamTerminal({f"{options.body}/movie": 60.0}) as terminal:
        frames, step_s = movie(body, lambda part: terminal.progress(options.body, "movie", part, ""))
    options.movie.parent.mkdir(parents=True, exist_ok=True)
    write_movie(frames, step_s, options.movie)
    data = base64.b64encode(options.movie.read_bytes()).decode()
    kind = "gif" if options.movie.suffix.lower() == ".gif" else "mp4"
    seen = f'<img alt="movie" src="data:image/gif;base64,{data}">'
    if kind == "mp4":
        seen = f'<video autoplay loop muted controls src="data:video/mp4;base64,{data}"></video>'
    caption = f"{len(frames)} pictures over {len(frames) * step_s:.3g} s; a GIF shows none for less than 20 ms."
    return page.replace("<h2>Organs</h2>", f"<figure>{seen}<figcaption>{caption}</figcaption></figure><h2>Organs</h2>", 1)


def export(options: argparse.Namespace) -> int:
    """Write truth maps, the segmentation and, when asked, the mixture of tissues as NIfTI, and truths.json."""
    body, grid = _asked(options)
    wanted = tuple(name.strip() for name in options.maps.split(",") if name.strip())
    maps = property_maps(body, grid, options.time, names=wanted, oversampling=options.oversampling)
    folder = new_folder(options.out, f"{options.body}-truth")
    about = {"Body": body.name, "Time": options.time, "Parameters": list(options.set)}
    written = files.write_maps_nifti(_without_array(maps), folder, options.body, extra=about)
    labels = organ_labels(body, grid, options.time, oversampling=options.oversampling)
    written += files.write_labels_nifti(labels, body.organs, grid, folder / f"{options.body}_dseg", extra=about)
    if options.mixture:
        held = family_shares(body, shares(body, grid, options.time, oversampling=options.oversampling))
        written += files.write_shares_nifti(held, families(body), grid, folder / f"{options.body}_probseg", extra=about)
    volumes = organ_volumes(body, grid, options.time, oversampling=options.oversampling)
    record = {"truths": dict(body.truths), "organ_volumes_m3": volumes, **about}
    write_text(json.dumps(record, indent=1) + "\n", folder / "truths.json")
    return _done(options, {"folder": str(folder), "files": [str(path) for path in written]}, str(folder))


def _described(name: str) -> dict[str, Any]:
    function = phantom.BODIES[name]
    about = (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")
    return {
        "about": about,
        "parameters": {key: str(item.default) for key, item in inspect.signature(function).parameters.items()},
    }


def _asked(options: argparse.Namespace) -> tuple[Body, Grid]:
    """The body of a name or a TOML file, and the grid to cut it on; options.body becomes the name for files."""
    parameters = dict(setting(text) for text in options.set)
    if options.body.endswith(".toml"):
        body, options.body = _described_in(Path(options.body), parameters), Path(options.body).stem
    else:
        body = phantom.make_body(options.body, parameters)
    assert body.low_m is not None and body.high_m is not None
    longest = float(np.max(np.subtract(body.high_m, body.low_m)))
    spacing_m = longest / _SHOWN_VOXELS if options.spacing is None else 1e-3 * options.spacing
    grid = phantom.body_grid(body, spacing_m)
    return body, grid if options.station is None else _station(grid, options.station)


def _station(grid: Grid, text: str) -> Grid:
    """The layers of a grid between two heights, written LOW:HIGH in millimetres."""
    low, _, high = text.partition(":")
    try:
        ends_m = 1e-3 * float(low), 1e-3 * float(high)
    except ValueError:
        raise UsageError(f"--station {text!r}: wanted LOW:HIGH in mm, for example --station=-900:-500.") from None
    heights = grid.affine_m[2, 3] + grid.affine_m[2, 2] * np.arange(grid.shape[0])
    held = np.flatnonzero((heights >= ends_m[0]) & (heights < ends_m[1]))
    if len(held) == 0:
        raise UsageError(
            f"--station {text!r}: nothing there; the body lies between {1e3 * heights[0]:.0f} and {1e3 * heights[-1]:.0f} mm."
        )
    affine = grid.affine_m.copy()
    affine[2, 3] = heights[held[0]]
    return Grid(shape=(len(held), *grid.shape[1:]), affine_m=affine)


def _described_in(path: Path, parameters: dict[str, Any]) -> Body:
    """The body that a TOML file describes; the NIfTI files that it names lie beside it."""
    tree = read_toml(path)
    labels, maps = tree.pop("labels", None), tree.pop("maps", None)
    base, name = None, str(tree.get("name", path.stem))
    if labels is not None:
        volume, grid = files.read_nifti(path.parent / str(_held(path, "labels", labels, "file")))
        table = {int(label): str(tissue) for label, tissue in dict(_held(path, "labels", labels, "tissues")).items()}
        base = body_from_labels(name, volume, grid, table, source=str(labels["file"]))
    elif maps is not None:
        read = [files.read_nifti(path.parent / str(_held(path, "maps", maps, key))) for key in ("T1", "T2", "PD")]
        t1, t2, density = (volume.astype(np.float64) for volume, _ in read)
        base = body_from_maps(name, t1, t2, density, read[0][1], source=", ".join(str(maps[key]) for key in ("T1", "T2", "PD")))
    if parameters:
        tree["parameters"] = {**tree.get("parameters", {}), **parameters}
    return described_body(tree, base)


def _held(path: Path, table: str, values: dict[str, Any], key: str) -> Any:
    if key not in values:
        raise UsageError(f"{path}: [{table}] without {key!r}. Add it.")
    return values[key]


def setting(text: str) -> tuple[str, Any]:
    """Key and value of KEY=VALUE, the value as in TOML; a text needs no quotes. Errors: UsageError."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {text!r}: wanted KEY=VALUE, for example --set seed=3.")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _without_array(maps: ParameterMaps) -> ParameterMaps:
    """The tissue of every voxel is a file of its own, not a line in every sidecar."""
    return replace(maps, report={key: value for key, value in maps.report.items() if key != "tissue"})


def _done(options: argparse.Namespace, record: dict[str, Any], where: str) -> int:
    if options.json:
        sys.stdout.write(json.dumps({"status": "complete", "body": options.body, **record}) + "\n")
    else:
        sys.stdout.write(f"done: {where}\n")
    return 0
