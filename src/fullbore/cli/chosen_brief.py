"""The brief that `fullbore design` is given: a file or a preset, and a place for what comes of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, TypeVar

from fullbore.cli.folder import refuse_taken
from fullbore.errors import UsageError
from fullbore.machinery import read_toml

_Brief = TypeVar("_Brief")


def chosen_brief(
    options: argparse.Namespace,
    part: str,
    parse: Callable[[dict[str, Any], str], _Brief],
    load: Callable[[str], _Brief],
    default: str,
) -> _Brief:
    """The brief in options.brief, or options.preset's, or the default preset's. part: names the command in errors.

    Errors: UsageError for both at once, or for a file that is no brief; OutputError when options.out is taken, before any work.
    """
    refuse_taken(options.out)
    if options.brief is not None and options.preset is not None:
        raise UsageError(f"{part}: got a brief and a preset, wanted one of them.")
    if options.brief is not None:
        return parse(read_toml(options.brief), str(options.brief))
    return load(options.preset or default)
