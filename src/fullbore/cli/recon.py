"""`fullbore recon`: images from anybody's raw data."""

from __future__ import annotations

import argparse
import json
import sys

from fullbore import files
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import picture, recon_page
from fullbore.files.atomic import atomic_path
from fullbore.machinery import file_digest
from fullbore.recon import default_recipe, reconstruct


def recon(options: argparse.Namespace) -> int:
    """Read, reconstruct, write image.nii.gz, image.png and report.html."""
    raw = files.read_raw(options.file)
    stem = options.file.name.removesuffix("".join(options.file.suffixes))
    recipe = default_recipe(raw)
    with ExamTerminal({f"{stem}/reconstruct": 5.0, f"{stem}/write": 2.0}) as terminal:
        for key, value in raw.provenance.items():
            terminal.line(f"  {key}: {value}")
        image = reconstruct(raw, recipe, progress=lambda fraction, text: terminal.progress(stem, "reconstruct", fraction, text))
        if image.report["warning"] != "none":
            terminal.line(f"  [yellow]warning[/yellow]: {image.report['warning']}")
        terminal.progress(stem, "write", 0.0, "")
        folder = new_folder(options.out, f"{stem}-recon")
        written = files.write_nifti(image, folder / "image")
        with atomic_path(folder / "image.png") as temporary:
            picture(image).savefig(temporary, format="png")
        write_text(recon_page(raw, image, options.file.name, _fingerprint(options)), folder / "report.html")
        terminal.progress(stem, "write", 1.0, "")
        terminal.line(f"done: open {folder}/report.html")
    if options.json:
        record = {"status": "complete", "file": str(options.file), "folder": str(folder), "recipe": recipe.to_dict()}
        record["images"] = [str(path) for path in written]
        sys.stdout.write(json.dumps(record, default=str) + "\n")
    return 0


def _fingerprint(options: argparse.Namespace) -> str:
    path = options.file if options.file.is_file() else options.file.with_suffix(".cfl")
    return file_digest(path) if path.is_file() else ""
