"""The folder that a command fills: new, writable, and the caller's own."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from fullbore.errors import OutputError


def new_folder(asked: Path | None, default: str) -> Path:
    """Make the output folder. Errors: OutputError when the asked one exists and is not empty, or cannot be made.

    Without `asked`, the first free of default, default-2, default-3, ...
    """
    refuse_taken(asked)
    folder = asked if asked is not None else _first_free(default)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"output folder {folder}: cannot be written ({error.strerror}). Choose another with --out.") from error
    return folder


def refuse_taken(asked: Path | None) -> None:
    """Before any work. Errors: OutputError when the asked folder exists and is not empty, or stands in what is no folder."""
    if asked is None:
        return
    if asked.exists() and (not asked.is_dir() or any(asked.iterdir())):
        raise OutputError(f"output folder {asked}: exists already. Choose another with --out, or move it away.")
    nearest = next(folder for folder in (asked, *asked.absolute().parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise OutputError(f"output folder {asked}: cannot be written, as {nearest} cannot be. Choose another with --out.")


def _first_free(default: str) -> Path:
    default = default.replace(os.sep, "-")
    names = itertools.chain([default], (f"{default}-{number}" for number in itertools.count(2)))
    return next(Path(name) for name in names if not Path(name).exists())
