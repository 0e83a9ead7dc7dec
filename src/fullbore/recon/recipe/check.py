"""One way to refuse a part of a recipe."""

from __future__ import annotations

from typing import Any

from fullbore.errors import UsageError


def require(part: Any, condition: bool, wanted: str) -> None:
    """Errors: UsageError naming the part, with its values, unless `condition`."""
    if not condition:
        raise UsageError(f"{part}: wanted {wanted}.")
