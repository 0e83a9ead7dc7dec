"""`fullbore serve`: images for whoever streams readouts (MRD over TCP)."""

from __future__ import annotations

import argparse
import logging

from fullbore.cli.terminal import say
from fullbore.console.stream import Policy, StreamServer
from fullbore.data import Image, RawData
from fullbore.recon import preview, reconstruct
from fullbore.recon.library import named_recipe, recipe_names

# Looks at the data and chooses; all other names are those of `fullbore recon --list`.
_DEFAULT = "default"


def serve(options: argparse.Namespace) -> int:
    """Listen until Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    recipes = (_DEFAULT, *recipe_names())
    policy = Policy(
        recipes=recipes,
        preview_every_s=options.preview,
        idle_s=options.idle,
        largest_bytes=round(options.memory * (1 << 30)),
        folder=options.keep,
    )
    server = StreamServer(reconstruct=_image, preview=preview, policy=policy, address=(options.host, options.port))
    say(f"listening on {options.host}:{server.port}; recipes: {', '.join(recipes)}; Ctrl-C ends")
    server.serve()
    return 0


def _image(raw: RawData, recipe: str) -> Image:
    return reconstruct(raw, None if recipe == _DEFAULT else named_recipe(recipe))
