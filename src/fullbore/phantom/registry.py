"""Every digital patient and test object, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fullbore.errors import UsageError
from fullbore.phantom.bodies.heart import heart
from fullbore.phantom.bodies.torso import torso
from fullbore.phantom.body import Body

BODIES: dict[str, Callable[..., Body]] = {
    "heart": heart,
    "torso": torso,
}


def make_body(name: str, parameters: Mapping[str, Any] | None = None) -> Body:
    """The body of a name, with its parameters (keywords of its function) where they differ from the usual.

    Errors: UsageError for an unknown name or parameter; what the body itself refuses.
    """
    if name not in BODIES:
        raise UsageError(f"phantom {name!r}: wanted one of {', '.join(BODIES)}.")
    try:
        return BODIES[name](**dict(parameters or {}))
    except TypeError as error:
        raise UsageError(f"phantom {name!r}: {error}. See its parameters with: fullbore phantom list.") from error
