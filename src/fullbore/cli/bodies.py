"""`fullbore phantom`: digital patients and test objects, listed, shown and exported."""

from __future__ import annotations

import argparse
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
    folder = new_folder(options.out, f"{options.body}-phantom")
    maps = property_maps(body, grid, options.time, names=("T1", "T2", "PD"))
    drawing = body_figure(organ_labels(body, grid, options.time), len(body.organs), maps)
    with atomic_path(folder / "body.png") as temporary:
        drawing.savefig(temporary, format="png", facecolor=drawing.get_facecolor())
    volumes = organ_volumes(body, grid, options.time)
    facts = [("body", options.body), ("parameters", ", ".join(options.set) or "as usual"), ("time", f"{options.time:g} s")]
    facts += [("cut at", f"{1e3 * grid.spacing_m[0]:.3g} mm"), ("source", body.source or "see its tissues")]
    write_text(body_page(body.name, facts, drawing, volumes, body.tissues, body.truths), folder / "report.html")
    return _done(options, {"folder": str(folder), "organs": volumes, "truths": dict(body.truths)}, f"{folder}/report.html")


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
    parameters = dict(_pair(text) for text in options.set)
    if options.body.endswith(".toml"):
        body, options.body = _described_in(Path(options.body), parameters), Path(options.body).stem
    else:
        body = phantom.make_body(options.body, parameters)
    assert body.low_m is not None and body.high_m is not None
    longest = float(np.max(np.subtract(body.high_m, body.low_m)))
    spacing_m = longest / _SHOWN_VOXELS if options.spacing is None else 1e-3 * options.spacing
    return body, phantom.body_grid(body, spacing_m)


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


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {text!r}: wanted KEY=VALUE, for example --set seed=3.")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value


def _without_array(maps: ParameterMaps) -> ParameterMaps:
    """The tissue of every voxel is a file of its own, not a line in every sidecar."""
    return replace(maps, report={key: value for key, value in maps.report.items() if key != "tissue"})


def _done(options: argparse.Namespace, record: dict[str, Any], where: str) -> int:
    if options.json:
        sys.stdout.write(json.dumps({"status": "complete", "body": options.body, **record}) + "\n")
    else:
        sys.stdout.write(f"done: {where}\n")
    return 0
