"""Commands whose modules are imported only when they run: help and one small command must not wait for the others."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Later:
    """The command at "module:function" of `fullbore.cli`, imported when it is called."""

    place: str

    def function(self) -> Callable[[argparse.Namespace], Any]:
        """The command itself."""
        module, name = self.place.split(":")
        found: Callable[[argparse.Namespace], Any] = getattr(import_module(f"fullbore.cli.{module}"), name)
        return found

    def __call__(self, options: argparse.Namespace) -> int:
        """Import it, run it, and give its exit code."""
        command = self.function()
        if "numba" in sys.modules:  # else there is nothing to compile
            import_module("fullbore.cli.compiling").tell_of_compiling()
        return int(command(options) or 0)
