"""The folder that a command fills: new, writable, and the caller's own."""

from __future__ import annotations

import itertools
from pathlib import Path

from fullbore.errors import OutputError


def new_folder(asked: Path | None, default: str) -> Path:
    """Make the output folder. Errors: OutputError when the asked one exists and is not empty, or cannot be made.

    Without `asked`, the first free of default, default-2, default-3, ...
    """
    folder = asked if asked is not None else _first_free(default)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"output folder {folder}: exists already. Choose another with --out, or move it away.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"output folder {folder}: cannot be written ({error.strerror}). Choose another with --out.") from error
    return folder


def _first_free(default: str) -> Path:
    names = itertools.chain([default], (f"{default}-{number}" for number in itertools.count(2)))
    return next(Path(name) for name in names if not Path(name).exists())
