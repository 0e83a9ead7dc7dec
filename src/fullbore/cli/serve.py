"""`fullbore serve`: images for whoever streams readouts (MRD over TCP)."""

from __future__ import annotations

import argparse
import logging

from fullbore.cli.terminal import say
from fullbore.console.stream import Policy, StreamServer
from fullbore.data import Image, RawData
from fullbore.recon import Combination, Recipe, preview, reconstruct

# What a client may ask for by name. "default" looks at the data and chooses.
RECIPES: dict[str, Recipe | None] = {"default": None, "combination": Recipe(solver=Combination())}


def serve(options: argparse.Namespace) -> int:
    """Listen until Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    policy = Policy(
        recipes=tuple(RECIPES),
        preview_every_s=options.preview,
        idle_s=options.idle,
        largest_bytes=round(options.memory * (1 << 30)),
        folder=options.keep,
    )
    server = StreamServer(reconstruct=_image, preview=preview, policy=policy, address=(options.host, options.port))
    say(f"listening on {options.host}:{server.port}; recipes: {', '.join(RECIPES)}; Ctrl-C ends")
    server.serve()
    return 0


def _image(raw: RawData, recipe: str) -> Image:
    return reconstruct(raw, RECIPES[recipe])
