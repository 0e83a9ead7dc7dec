"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fullbore.errors import OutputError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it becomes `path` when the block ends well and is removed otherwise.

    The temporary name keeps the suffix of `path` (all of `.nii.gz`), because writers choose a format by it, and starts
    with a dot. An interrupted or failed block leaves nothing under the final name, and leaves an older file there as it was.
    Errors: OutputError when the folder is missing or not writable, or the disk is full.
    """
    final = Path(path)
    ending = "".join(final.suffixes[-2:]) if final.name.endswith(".gz") else final.suffix
    temporary = final.with_name(f".{final.name}.{secrets.token_hex(4)}.part{ending}")
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(final)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{final}: could not be written ({reason}). Give a writable folder with room for it.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Ask the system to put the file's bytes on the disk, so that a full disk is noticed before the name is given."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
