"""What a person sees while an exam runs: one bar with an honest time to go, and a line for each thing that is finished."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from fullbore.machinery import Agenda


class ExamTerminal:
    """Draws on standard error; on a terminal a live bar, elsewhere plain lines only."""

    def __init__(self, expected_s: dict[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self.agenda = Agenda(expected_s, clock)
        self.console = Console(stderr=True, highlight=False)
        self._live = Live(console=self.console, refresh_per_second=8, transient=True)
        self._title = ""
        self._text = ""
        self._finished = False
        self._clock = clock
        self._stage_began = 0.0

    def __enter__(self) -> ExamTerminal:
        if self.console.is_terminal:
            self._live.__enter__()
        return self

    def __exit__(self, *failure: object) -> None:
        if self.console.is_terminal:
            self._live.__exit__(None, None, None)

    def line(self, text: str, *, markup: bool = False) -> None:
        """One finished line; without markup square brackets, as in people's file names, are just that."""
        self.console.print(text, soft_wrap=True, markup=markup)

    def progress(self, series: str, stage: str, fraction: float, text: str) -> None:
        """What `Exam.run` reports to."""
        key = f"{series}/{stage}"
        if key != self._title:
            self.agenda.begin(key)
            self._title, self._stage_began = key, self._clock()
            self._finished = False
        self.agenda.advance(fraction)
        self._text = text
        if fraction >= 1.0 and not self._finished and not text:
            self._finished = True
            self.agenda.finish()
            if not self.console.is_terminal:
                spent, left = self._clock() - self._stage_began, self.agenda.to_go_s
                self.line(
                    f"  {series:<10} {stage:<12} {spent:6.1f} s   ({100 * self.agenda.done:3.0f} %, {clock_text(left)} to go)"
                )
        if self.console.is_terminal:
            self._live.update(self._row())

    def _row(self) -> Table:
        row = Table.grid(padding=(0, 1))
        share = ProgressBar(total=1.0, completed=self.agenda.done, width=36)
        row.add_row(
            f"{self._title:<24}",
            share,
            f"{100 * self.agenda.done:3.0f} %",
            f"{clock_text(self.agenda.to_go_s)} to go",
            self._text,
        )
        return row


def clock_text(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def say(text: str) -> None:
    """One line on standard error."""
    sys.stderr.write(text + "\n")
