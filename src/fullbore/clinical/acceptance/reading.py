"""A measured figure beside its limits, and where the limits come from."""

from __future__ import annotations

from dataclasses import dataclass

SOURCED, MEMORY, CHOICE = "sourced", "memory", "choice"
"""What a limit rests on: a source that was read; memory, not verified; a choice of ours, where no source fixes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One figure. low, high: what passes, None for no limit on that side; without any the figure informs only.

    basis: one of SOURCED, MEMORY, CHOICE. note: what the reader must know beside it. explained: what fails does so by known
    physics that the note names, not by a fault of the machine.
    """

    test: str
    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    basis: str = SOURCED
    note: str = ""
    explained: bool = False

    @property
    def passed(self) -> bool | None:
        """Whether it is within its limits (a NaN never is); None when it informs only."""
        if self.low is None and self.high is None:
            return None
        above = self.low is None or self.value >= self.low
        return bool(above and (self.high is None or self.value <= self.high))

    @property
    def limit(self) -> str:
        """The limits in words."""
        if self.low is not None and self.high is not None:
            return f"{self.low:.4g} to {self.high:.4g}"
        if self.low is not None:
            return f"at least {self.low:.4g}"
        return "" if self.high is None else f"at most {self.high:.4g}"

    @property
    def word(self) -> str:
        """pass, FAIL or info; with the mark of a limit that no source was read for."""
        passed = self.passed
        if passed is None:
            return "info"
        known = ["physics"] if self.explained and not passed else []
        marks = known + ([] if self.basis == SOURCED else [self.basis])
        return ("pass" if passed else "FAIL") + (f" ({', '.join(marks)})" if marks else "")
