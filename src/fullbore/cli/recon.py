"""`fullbore recon`: images from anybody's raw data. What cannot be read is refused before the rooms that would use it open."""

from __future__ import annotations

import argparse

from fullbore import files
from fullbore.cli.later import Later
from fullbore.errors import UsageError


def recon(options: argparse.Namespace) -> int:
    """Read, reconstruct, write image.nii.gz, image.png, recipe.toml and report.html; or list and show recipes.

    A spectroscopy scan of one voxel gives its spectrum instead.
    """
    if options.list:
        return Later("reconstructing:list_recipes")(options)
    if options.file is None:
        raise UsageError("recon: no file. Give the raw data, or --list for the recipes.")
    if options.lines_as_acquired and options.blip_pair is None:
        raise UsageError("recon: --lines-as-acquired is about the file of --blip-pair. Give both or neither.")
    if options.sequence is not None and options.girf is None:
        raise UsageError("recon: --sequence tells what --girf acts on. Give both, or leave the sequence out.")
    if options.blip_pair is not None:
        return Later("recon_pair:recon_pair")(options)
    if options.device != "cpu":
        Later("reconstructing:check_device")(options)
    raw = files.read_raw(options.file)
    return Later("reconstructing:reconstruct_file")(argparse.Namespace(**vars(options), raw=raw))
