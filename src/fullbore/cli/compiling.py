"""Kernels are compiled where they are first called on a computer, and kept: seconds of silence that a person is told of."""

from __future__ import annotations

from functools import cache

from numba.core import event

from fullbore.cli.terminal import say


class _Teller(event.Listener):
    def __init__(self) -> None:
        self.told = False

    def on_start(self, event: event.Event) -> None:
        """What is found compiled on disk makes no such event."""
        if not self.told:
            say("compiling kernels (once on this computer)")
        self.told = True

    def on_end(self, event: event.Event) -> None:
        """Nothing: the command goes on."""


@cache
def tell_of_compiling() -> None:
    """From here on this process says so once, on standard error, when it begins to compile."""
    event.register("numba:compile", _Teller())
