"""What `fullbore recon` does with raw data once they are read."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from rich.markup import escape

from fullbore import files
from fullbore.cli.folder import new_folder
from fullbore.cli.recon_folder import fingerprint, stem_of, write_reconstruction
from fullbore.cli.recon_spectrum import recon_spectrum
from fullbore.cli.terminal import ExamTerminal
from fullbore.data import FieldMap, RawData
from fullbore.machinery import read_toml
from fullbore.recon import Recipe, is_spectrum, reconstruct
from fullbore.recon.calibration.played_path import with_played_path
from fullbore.recon.default_recipe import explained_recipe
from fullbore.recon.device import named_device
from fullbore.recon.library import named_recipe, recipe_names
from fullbore.recon.off_resonance import for_field
from fullbore.recon.recipe.text import to_toml, with_settings


def reconstruct_file(options: argparse.Namespace) -> int:
    """Reconstruct `options.raw`; write image.nii.gz, image.png, recipe.toml and report.html, or show the recipe."""
    raw: RawData = options.raw
    if is_spectrum(raw):
        return recon_spectrum(options, raw)
    raw = _played(options, raw)
    recipe, why = _recipe(options, raw)
    if options.show:
        sys.stdout.write(to_toml(recipe, why))
        return 0
    field = None if options.field is None else files.read_field_nifti(options.field)
    return _run(options, raw, recipe, why, field)


def check_device(options: argparse.Namespace) -> None:
    """Errors: UsageError for a device that is none, or that is not here."""
    named_device(options.device)


def list_recipes(options: argparse.Namespace) -> int:
    """The recipes that come along, with what each is for."""
    known = recipe_names()
    if options.json:
        sys.stdout.write(json.dumps(known) + "\n")
        return 0
    width = max(map(len, known))
    sys.stdout.writelines(f"{name:<{width}}  {purpose}\n" for name, purpose in known.items())
    return 0


def _played(options: argparse.Namespace, raw: RawData) -> RawData:
    """The readouts where a measured gradient response says that they were."""
    if options.girf is None:
        return raw
    response = files.read_impulse_response(options.girf)
    sequence = None if options.sequence is None else files.read_pulseq(options.sequence, b0_T=raw.b0_T)
    played = with_played_path(raw, response, sequence)
    provenance = {**played.provenance, "gradient response": f"{options.girf.name}, SHA-256 {fingerprint(options.girf)}"}
    return replace(played, provenance=provenance)


def _recipe(options: argparse.Namespace, raw: RawData) -> tuple[Recipe, dict[str, str]]:
    """The recipe that is asked for, or the one that suits the data, and why each part is as it is."""
    if options.recipe is None:
        recipe, why = explained_recipe(raw)
    else:
        path = Path(options.recipe)
        recipe = Recipe.from_dict(read_toml(path)) if path.suffix == ".toml" else named_recipe(options.recipe)
        why = {}
    if options.field is not None:
        recipe, changes = for_field(recipe)
        why |= changes
    for setting in options.set:
        why[setting.partition("=")[0].partition(".")[0].strip()] = f"set by hand: {setting}"
    return with_settings(recipe, options.set), why


def _run(options: argparse.Namespace, raw: RawData, recipe: Recipe, why: dict[str, str], field: FieldMap | None) -> int:
    stem = stem_of(options.file)
    with ExamTerminal({f"{stem}/reconstruct": 5.0, f"{stem}/write": 2.0}) as terminal:
        for key, value in raw.provenance.items():
            terminal.line(f"  {key}: {value}")
        for part, reason in why.items():
            terminal.line(f"  {part}: {_short(recipe, part)} ({reason})")
        show = lambda fraction, text: terminal.progress(stem, "reconstruct", fraction, text)  # noqa: E731
        image = reconstruct(raw, recipe, progress=show, field_Hz=field, device=options.device)
        if image.report["warning"] != "none":
            terminal.line(f"  [yellow]warning[/yellow]: {escape(str(image.report['warning']))}", markup=True)
        terminal.progress(stem, "write", 0.0, "")
        folder = new_folder(options.out, f"{stem}-recon")
        written = write_reconstruction(folder, options.file, raw, image, to_toml(recipe, why))
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
