"""Fingerprints of inputs and outputs, so that a result says what it was made from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def digest(tree: Any) -> str:
    """SHA-256 of a JSON-like tree, independent of key order."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True, default=str).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
