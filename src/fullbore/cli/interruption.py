"""Ctrl-C that falls where Python cannot raise: inside a finaliser or a weak reference's callback."""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_AGAIN_S = 0.02


@contextmanager
def interrupts_heard() -> Iterator[None]:
    """Inside, a KeyboardInterrupt that Python would print and forget is raised again, a moment later, in the main thread."""
    before = sys.unraisablehook

    def hook(lost: sys.UnraisableHookArgs) -> None:
        if lost.exc_type is not None and issubclass(lost.exc_type, KeyboardInterrupt):
            threading.Timer(_AGAIN_S, _thread.interrupt_main).start()
        else:
            before(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
