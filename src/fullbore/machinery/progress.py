"""How far long work is and how long it will still take, without drawing anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Ticker = Callable[[float, str], None]
"""What long verbs report to: (fraction 0..1, what is happening)."""


@dataclass(slots=True)
class Agenda:
    """A list of stages with the seconds each is expected to take, corrected by the seconds they really take.

    clock: returns seconds, e.g. time.monotonic. The time to go is the expected time of what is left, scaled by how
    much slower or faster than expected the finished work was.
    """

    expected_s: dict[str, float]
    clock: Callable[[], float]
    _spent_s: dict[str, float] = field(default_factory=dict)
    _stage: str = ""
    _began_s: float = 0.0
    _fraction: float = 0.0

    def begin(self, stage: str) -> None:
        """Enter a stage; the one before is over."""
        self.finish()
        self._stage, self._began_s, self._fraction = stage, self.clock(), 0.0

    def finish(self) -> None:
        """The present stage is over."""
        if self._stage:
            self._spent_s[self._stage] = self.clock() - self._began_s
        self._stage = ""

    def advance(self, fraction: float) -> None:
        """The present stage is `fraction` done."""
        self._fraction = min(max(fraction, self._fraction), 1.0)

    @property
    def done(self) -> float:
        """Share of the expected work that is done, 0..1."""
        total = sum(self.expected_s.values())
        finished = sum(self.expected_s.get(stage, 0.0) for stage in self._spent_s)
        return min((finished + self._fraction * self.expected_s.get(self._stage, 0.0)) / total, 1.0) if total > 0 else 1.0

    @property
    def to_go_s(self) -> float:
        """Seconds still to go."""
        total = sum(self.expected_s.values())
        expected_done = self.done * total
        spent = sum(self._spent_s.values()) + (self.clock() - self._began_s if self._stage else 0.0)
        pace = (spent + 2.0) / (expected_done + 2.0)  # two seconds of trust in the estimate before the first measurement
        return max(total - expected_done, 0.0) * pace
