"""What was computed before, kept beside what it is about: a tree and arrays under a key of all that went into them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from fullbore.files.atomic import atomic_path

_RECORD = "record"


def keep(path: Path, key: str, tree: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz. tree: what JSON can say; numbers come back bit by bit. Errors: OutputError where it cannot be written."""
    record = {"key": key, "tree": tree, "sha256": _sum(key, tree, arrays)}
    held = {f"a.{name}": array for name, array in arrays.items()}
    with atomic_path(path) as temporary:
        np.savez(temporary, **{_RECORD: np.array(json.dumps(record))}, **held)  # type: ignore[arg-type]


def kept(path: Path, key: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """What `keep` wrote under that key; None for another key, or for a file that is missing, foreign or altered."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            record = json.loads(str(stored[_RECORD]))
            arrays = {name[2:]: stored[name] for name in stored.files if name != _RECORD}
        if record["key"] == key and record["sha256"] == _sum(key, record["tree"], arrays):
            return record["tree"], arrays
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    return None


def _sum(key: str, tree: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    state = hashlib.sha256(json.dumps([key, tree], sort_keys=True).encode())
    for name in sorted(arrays):
        state.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        state.update(np.ascontiguousarray(arrays[name]).tobytes())
    return state.hexdigest()
