"""From a protocol to its sequence, or to the reason why not and the nearest protocol that is legal, proven by building it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from fullbore.clinical.excerpt import excerpt
from fullbore.clinical.moves import differing, distance
from fullbore.clinical.reason import Reason, of_error, of_finding, of_refusal
from fullbore.clinical.search import Hunt, Judge, Progress, Tried, told
from fullbore.data import ScannerSpec, Sequence, Subject, Verdict
from fullbore.errors import LimitError
from fullbore.sequence import Protocol, Refusal
from fullbore.sequence.settings import setting

MOST_BUILDS = 80
_MENDS = 2
"""Halvings of what a whole protocol needs beyond its excerpt."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """What became of a protocol.

    sequence: of `asked` where it can be built, None else; verdict: on it. reasons: why it is not legal, () where it is.
    nearest: a legal protocol, `asked` itself where that is legal, None where none was found; nearest_sequence and
    nearest_verdict are its proof. distance: `moves.distance` of both. builds: protocols that were judged.
    """

    asked: Protocol
    sequence: Sequence | None
    verdict: Verdict | None
    reasons: tuple[Reason, ...]
    nearest: Protocol | None
    nearest_sequence: Sequence | None
    nearest_verdict: Verdict | None
    distance: float
    builds: int

    @property
    def legal(self) -> bool:
        """True when the protocol can be played as it was asked for."""
        return not self.reasons

    @property
    def changes(self) -> dict[str, str]:
        """Field -> its text in the nearest legal protocol, for those that differ."""
        if self.nearest is None:
            return {}
        return {name: setting(self.asked, name, getattr(self.nearest, name)) for name in differing(self.asked, self.nearest)}

    @property
    def arguments(self) -> str:
        """The changes as `--set` arguments to paste."""
        return " ".join(f"--set {shlex.quote(f'{name}={text}')}" for name, text in self.changes.items())

    def sentence(self) -> str:
        """What forbids the protocol and what would be allowed, in words."""
        if self.legal:
            return f"{self.asked.name}: legal."
        why = " ".join(f"{reason.sentence} What binds: {reason.binds}." for reason in self.reasons)
        if self.nearest is None and self.builds < 2:
            return f"{self.asked.name}: {why}"
        if self.nearest is None:
            return f"{self.asked.name}: {why} Of {self.builds} protocols around it that were tried, none is legal."
        return f"{self.asked.name}: {why} Nearest legal protocol: {self.arguments}"


class Search:
    """The way to a Solution, to be ended at any time: why a protocol is not legal is known at once, then `run` looks for one.

    first: the protocol as asked, built and judged whole.
    """

    def __init__(
        self,
        protocol: Protocol,
        spec: ScannerSpec,
        subject: Subject,
        mode: str = "normal",
        *,
        builds: int = MOST_BUILDS,
        progress: Progress = lambda number, what: None,
    ) -> None:
        """As `solve`."""
        self._judge = Judge(spec, subject, mode, builds, progress)
        self.first = self._judge(protocol)
        if self.first.error is not None and not isinstance(self.first.error, LimitError):
            raise self.first.error
        self.reasons = reasons(self.first, spec)
        self._hunt = Hunt(self.first, self._judge)
        self._proven: Tried | None = self.first if self.first.legal else None

    def run(self) -> None:
        """Look for the nearest legal protocol. KeyboardInterrupt passes through; what was proven before it is kept."""
        if self.first.legal or self._judge.left < 1:
            return
        guess = self._guessed()
        if guess is not None and self._judge.left > 0:
            proof = self._judge(guess.protocol, told(self.first.protocol, guess.protocol))
            if proof.legal:
                self._proven = proof
                return
            self._hunt = Hunt(proof, self._judge, _MENDS)
            self._hunt.run()
        if self._hunt.found is None:
            self._hunt = Hunt(self.first, self._judge)
            self._hunt.run()

    def _guessed(self) -> Tried | None:
        """What is found by excerpts of long protocols; None for short ones, and where an excerpt hides what forbids."""
        if excerpt(self.first.protocol) is None:
            return None
        self._judge.by_excerpt = True
        try:
            hunt, first = Hunt(self.first, self._judge), self.first
            if first.verdict is not None and self._judge(first.protocol, "an excerpt of what was asked").legal:
                return None
            hunt.run()
            return hunt.found
        finally:
            self._judge.by_excerpt = False

    @property
    def solution(self) -> Solution:
        """What is known by now."""
        first, found = self.first, self._proven or self._hunt.found
        return Solution(
            asked=first.protocol,
            sequence=first.sequence,
            verdict=first.verdict,
            reasons=self.reasons,
            nearest=None if found is None else found.protocol,
            nearest_sequence=None if found is None else found.sequence,
            nearest_verdict=None if found is None else found.verdict,
            distance=float("inf") if found is None else distance(first.protocol, found.protocol),
            builds=self._judge.builds,
        )


def solve(
    protocol: Protocol,
    spec: ScannerSpec,
    subject: Subject,
    mode: str = "normal",
    *,
    builds: int = MOST_BUILDS,
    progress: Progress = lambda number, what: None,
) -> Solution:
    """The sequence of a protocol and its verdict; where it is not legal the reasons and the nearest legal protocol.

    Protocols are tried by rising `moves.distance`, each step one that a builder's refusal or the worst finding advises; what is
    found is then taken back, field by field, as far as it stays legal. Where small steps find nothing, all advice is followed at
    once until something is legal, and that is taken back. Of long protocols excerpts are tried; what they lead to is then built
    and judged whole, and where that is not legal the search goes on with whole ones. The same input gives the same output.
    The heart's period is never changed; its phases are as many as asked, or as fit into it.
    builds: how many protocols may be judged. progress: called before each.
    Limits: the search is bounded and follows advice, so it can miss a nearer protocol; what it gives is always proven.
    Errors: UsageError and others that no limit causes, for the protocol as asked; those of `safety.check`.
    """
    search = Search(protocol, spec, subject, mode, builds=builds, progress=progress)
    search.run()
    return search.solution


def reasons(tried: Tried, spec: ScannerSpec) -> tuple[Reason, ...]:
    """Why a protocol is not legal, () where it is."""
    if isinstance(tried.error, Refusal):
        return (of_refusal(tried.protocol, spec.limits, tried.error),)
    if tried.error is not None:
        return (of_error(tried.error),)
    return tuple(of_finding(finding) for finding in tried.verdict.refusals) if tried.verdict is not None else ()
