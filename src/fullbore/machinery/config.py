"""Configuration is data: TOML files, read strictly."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from fullbore.errors import UsageError


def read_toml(path: Path) -> dict[str, Any]:
    """The tree in a TOML file. Errors: UsageError for a missing file or one that is not TOML, with the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file. Give the path of a TOML file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{path}: not a readable TOML file: {error}.") from error
