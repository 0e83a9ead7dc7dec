"""`fullbore recon`: images from anybody's raw data."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from fullbore import files
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import picture, recon_page
from fullbore.data import RawData
from fullbore.errors import UsageError
from fullbore.files.atomic import atomic_path
from fullbore.machinery import file_digest, read_toml
from fullbore.recon import Recipe, reconstruct
from fullbore.recon.default_recipe import explained_recipe
from fullbore.recon.library import named_recipe, recipe_names
from fullbore.recon.recipe.text import to_toml, with_settings


def recon(options: argparse.Namespace) -> int:
    """Read, reconstruct, write image.nii.gz, image.png, recipe.toml and report.html; or list and show recipes."""
    if options.list:
        return _list(options)
    if options.file is None:
        raise UsageError("recon: no file. Give the raw data, or --list for the recipes.")
    raw = files.read_raw(options.file)
    recipe, why = _recipe(options, raw)
    if options.show:
        sys.stdout.write(to_toml(recipe, why))
        return 0
    return _run(options, raw, recipe, why)


def _list(options: argparse.Namespace) -> int:
    known = recipe_names()
    if options.json:
        sys.stdout.write(json.dumps(known) + "\n")
        return 0
    width = max(map(len, known))
    sys.stdout.writelines(f"{name:<{width}}  {purpose}\n" for name, purpose in known.items())
    return 0


def _recipe(options: argparse.Namespace, raw: RawData) -> tuple[Recipe, dict[str, str]]:
    """The recipe that is asked for, or the one that suits the data, and why each part is as it is."""
    if options.recipe is None:
        recipe, why = explained_recipe(raw)
    else:
        path = Path(options.recipe)
        recipe = Recipe.from_dict(read_toml(path)) if path.suffix == ".toml" else named_recipe(options.recipe)
        why = {}
    for setting in options.set:
        why[setting.partition("=")[0].partition(".")[0].strip()] = f"set by hand: {setting}"
    return with_settings(recipe, options.set), why


def _run(options: argparse.Namespace, raw: RawData, recipe: Recipe, why: dict[str, str]) -> int:
    stem = options.file.name.removesuffix("".join(options.file.suffixes))
    with ExamTerminal({f"{stem}/reconstruct": 5.0, f"{stem}/write": 2.0}) as terminal:
        for key, value in raw.provenance.items():
            terminal.line(f"  {key}: {value}")
        for part, reason in why.items():
            terminal.line(f"  {part}: {_short(recipe, part)} ({reason})", markup=False)
        image = reconstruct(raw, recipe, progress=lambda fraction, text: terminal.progress(stem, "reconstruct", fraction, text))
        if image.report["warning"] != "none":
            terminal.line(f"  [yellow]warning[/yellow]: {image.report['warning']}")
        terminal.progress(stem, "write", 0.0, "")
        folder = new_folder(options.out, f"{stem}-recon")
        written = files.write_nifti(image, folder / "image")
        written += files.write_noise_nifti(image, folder / "image")
        with atomic_path(folder / "image.png") as temporary:
            picture(image).savefig(temporary, format="png")
        text = to_toml(recipe, why)
        write_text(text, folder / "recipe.toml")
        write_text(recon_page(raw, image, options.file.name, _fingerprint(options), text), folder / "report.html")
        terminal.progress(stem, "write", 1.0, "")
        terminal.line(f"done: open {folder}/report.html")
    if options.json:
        record = {"status": "complete", "file": str(options.file), "folder": str(folder), "recipe": recipe.to_dict(), "why": why}
        record["images"] = [str(path) for path in written]
        sys.stdout.write(json.dumps(record, default=str) + "\n")
    return 0


def _short(recipe: Recipe, part: str) -> str:
    value = getattr(recipe, part, None)
    return type(value).__name__ if hasattr(value, "__dataclass_fields__") else str(value)


def _fingerprint(options: argparse.Namespace) -> str:
    path = options.file if options.file.is_file() else options.file.with_suffix(".cfl")
    return file_digest(path) if path.is_file() else ""
