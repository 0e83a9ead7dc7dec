"""`fullbore recon FILE --blip-pair OTHER`: one image and the field of two echo-planar scans whose blips go opposite ways."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace

from fullbore import files
from fullbore.cli.folder import new_folder
from fullbore.cli.recon_folder import stem_of, write_reconstruction
from fullbore.cli.terminal import ExamTerminal
from fullbore.data import RawData
from fullbore.errors import UsageError
from fullbore.recon.blip_pair import pair_recipe, reconstruct_pair, with_lines_reversed
from fullbore.recon.recipe import OffResonance, Recipe
from fullbore.recon.recipe.text import to_toml, with_settings


def recon_pair(options: argparse.Namespace) -> int:
    """Read both, find field and image, write them, the recipe and the report."""
    refused = [name for name in ("recipe", "field", "girf") if getattr(options, name) is not None]
    if refused:
        raise UsageError(f"recon: --blip-pair with --{refused[0]}: a pair finds its own field, in one way. Leave one out.")
    if options.device != "cpu":
        raise UsageError(f"recon: --blip-pair with --device {options.device}: a pair is solved on the processor. Leave it out.")
    plus, minus = files.read_raw(options.file), files.read_raw(options.blip_pair)
    if options.lines_as_acquired:
        minus = with_lines_reversed(minus)
    recipe = _recipe(options, plus)
    why = {"off_resonance": "the field that makes both magnitudes agree", "solver": "both scans in one model, few iterations"}
    if options.show:
        sys.stdout.write(to_toml(recipe, why))
        return 0
    stem = stem_of(options.file)
    with ExamTerminal({f"{stem}/reconstruct": 5.0, f"{stem}/write": 2.0}) as terminal:
        terminal.progress(stem, "reconstruct", 0.0, "field and image")
        pair = reconstruct_pair(plus, minus, recipe.off_resonance)
        terminal.progress(stem, "write", 0.0, "")
        folder = new_folder(options.out, f"{stem}-recon")
        pair.image.report.update(second_file=options.blip_pair.name)
        written = write_reconstruction(folder, options.file, plus, pair.image, to_toml(recipe, why), pair.field)
        terminal.progress(stem, "write", 1.0, "")
        one, two = pair.misfit
        terminal.line(f"  unexplained by image and field: {100 * one:.1f} % of this scan, {100 * two:.1f} % of the other")
        terminal.line(f"done: open {folder}/report.html")
    if options.json:
        record = {"status": "complete", "file": str(options.file), "blip_pair": str(options.blip_pair), "folder": str(folder)}
        told = record | {"recipe": recipe.to_dict(), "misfit": pair.misfit, "images": [str(path) for path in written]}
        sys.stdout.write(json.dumps(told, default=str) + "\n")
    return 0


def _recipe(options: argparse.Namespace, plus: RawData) -> Recipe:
    """What a pair is reconstructed with; settings of its off-resonance alone are obeyed."""
    recipe = pair_recipe(plus)
    changed = with_settings(recipe, options.set)
    if replace(changed, off_resonance=recipe.off_resonance) != recipe or not isinstance(changed.off_resonance, OffResonance):
        raise UsageError(
            "recon: --blip-pair with --set: only off_resonance may be changed, e.g. off_resonance.echo_spacing_s=5e-4."
        )
    return changed
