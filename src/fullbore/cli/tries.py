"""What a person sees while protocols are tried: a line each, and how long it will take at most at this pace."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from fullbore.cli.terminal import clock_text, say
from fullbore.clinical.search import Progress


def tries(options: argparse.Namespace, most: int = 0, clock: Callable[[], float] = time.monotonic) -> Progress:
    """One line per protocol that is tried beyond the first, on a terminal only.

    most: protocols that will be tried at most, 0 where that is not known. What is to go is the mean of those that were tried,
    times those that are left: most searches end sooner.
    """
    shown = sys.stderr.isatty() and not options.json
    began: list[float] = []

    def tell(number: int, what: str) -> None:
        if not shown or number < 2:
            return
        began.append(clock())
        done = len(began) - 1
        left = f"; at most {clock_text((most - number + 1) * (began[-1] - began[0]) / done)} to go" if done and most else ""
        of = f" of at most {most - 1}" if most else ""
        say(f"  try {number - 1}{of}{left}: {what}")

    return tell
