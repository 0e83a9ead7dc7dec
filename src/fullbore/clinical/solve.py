"""From a protocol to its sequence, or to the reason why not and the nearest protocol that is legal, proven by building it."""

from __future__ import annotations

import heapq
import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from fullbore.clinical.moves import after_finding, after_refusal, between, differing, distance, excess, is_far
from fullbore.clinical.reason import Reason, of_error, of_finding, of_refusal
from fullbore.data import ScannerSpec, Sequence, Subject, Verdict
from fullbore.errors import FullboreError, LimitError
from fullbore.safety import check
from fullbore.sequence import Protocol, Refusal, attempt
from fullbore.sequence.settings import setting, with_settings

MOST_BUILDS = 80
_HALVINGS = 5
_NEAREST = 4
_SEARCH_SHARE = 0.35
_RETREATS = 16
_GAIN = 0.995
"""A step that lowers the worst excess by less than this factor leads nowhere and is not followed."""

Progress = Callable[[int, str], None]
"""(protocols judged so far, the changes that were judged last)."""


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
        if self.nearest is None:
            return f"{self.asked.name}: {why} Of {self.builds} protocols around it that were tried, none is legal."
        return f"{self.asked.name}: {why} Nearest legal protocol: {self.arguments}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tried:
    """A protocol with what became of it: its sequence and verdict, or the error that forbids it."""

    protocol: Protocol
    sequence: Sequence | None = None
    verdict: Verdict | None = None
    error: FullboreError | None = None

    @property
    def legal(self) -> bool:
        """True when it was built and is allowed."""
        return self.verdict is not None and self.verdict.allowed

    @property
    def worst(self) -> float:
        """Its largest excess, infinite where it was not built."""
        return float("inf") if self.verdict is None else max(map(excess, self.verdict.findings), default=1.0)


class Judge:
    """Builds and judges protocols for one machine, subject and mode, and counts."""

    def __init__(self, spec: ScannerSpec, subject: Subject, mode: str, most: int, progress: Progress) -> None:
        """most: builds that may be spent."""
        self.spec, self.subject, self.mode, self.left, self.progress = spec, subject, mode, most, progress
        self.builds = 0

    def __call__(self, protocol: Protocol, what: str = "") -> Tried:
        """One protocol. What is no limit of machine or body (a wrong request) is an error of the result, too."""
        self.builds, self.left = self.builds + 1, self.left - 1
        self.progress(self.builds, what)
        try:
            sequence = attempt(protocol, self.spec.limits)
        except FullboreError as error:
            return Tried(protocol=protocol, error=error)
        return Tried(protocol=protocol, sequence=sequence, verdict=check(sequence, self.spec, self.subject, self.mode))

    def settled(self, protocol: Protocol, what: str = "") -> Tried:
        """The same, on the rasters: refusals that only name a nearest value are followed."""
        tried = self(protocol, what)
        for _ in range(_NEAREST):
            error = tried.error
            if not isinstance(error, Refusal) or error.bound != "nearest" or not hasattr(protocol, error.field):
                break
            tried = self(with_settings(tried.protocol, {error.field: error.legal}), what)
        return tried


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
    once until something is legal, and that is taken back. The same input gives the same output.
    builds: how many protocols may be judged. progress: called before each.
    Limits: the search is bounded and follows advice, so it can miss a nearer protocol; what it gives is always proven.
    Errors: UsageError and others that no limit causes, for the protocol as asked; those of `safety.check`.
    """
    judge = Judge(spec, subject, mode, builds, progress)
    first = judge(protocol)
    if first.error is not None and not isinstance(first.error, LimitError):
        raise first.error
    found = first if first.legal else _searched(first, judge) or _retreated(first, judge)
    if found is not None and found is not first:
        found = _taken_back(first, found, judge)
    return Solution(
        asked=protocol,
        sequence=first.sequence,
        verdict=first.verdict,
        reasons=() if first.legal else reasons(first, spec),
        nearest=None if found is None else found.protocol,
        nearest_sequence=None if found is None else found.sequence,
        nearest_verdict=None if found is None else found.verdict,
        distance=float("inf") if found is None else distance(protocol, found.protocol),
        builds=judge.builds,
    )


def reasons(tried: Tried, spec: ScannerSpec) -> tuple[Reason, ...]:
    """Why a protocol is not legal, () where it is."""
    if isinstance(tried.error, Refusal):
        return (of_refusal(tried.protocol, spec.limits, tried.error),)
    if tried.error is not None:
        return (of_error(tried.error),)
    return tuple(of_finding(finding) for finding in tried.verdict.refusals) if tried.verdict is not None else ()


def _searched(first: Tried, judge: Judge) -> Tried | None:
    """The first legal protocol by rising distance from the first; None when there is none or the builds are spent."""
    order, seen = count(), {first.protocol}
    waiting: list[tuple[float, int, Protocol, float]] = []

    def push(tried: Tried, before: float) -> None:
        for changes in _steps(first.protocol, tried):
            protocol = _changed(tried.protocol, changes)
            if protocol is not None and protocol not in seen and not is_far(first.protocol, protocol):
                seen.add(protocol)
                heapq.heappush(waiting, (distance(first.protocol, protocol), next(order), protocol, before))

    push(first, first.worst)
    keep = judge.left - math.ceil(_SEARCH_SHARE * judge.left)
    while waiting and judge.left > keep:
        _, _, protocol, before = heapq.heappop(waiting)
        tried = judge(protocol, _told(first.protocol, protocol))
        if tried.legal:
            return tried
        if tried.verdict is None:  # how far it was over before what was refused still counts
            push(tried, before)
        elif before == float("inf") or tried.worst < _GAIN * before:
            push(tried, tried.worst)
    return None


def _retreated(first: Tried, judge: Judge) -> Tried | None:
    """A legal protocol far away: everything that is advised at once, again and again; None when that leads nowhere, too."""
    tried = first
    for _ in range(min(_RETREATS, judge.left)):
        changes: dict[str, Any] = {}
        for step in _steps(first.protocol, tried)[: 1 if tried.verdict is None else None]:
            changes = {**step, **changes}  # the first advice on a field holds
        protocol = _changed(tried.protocol, changes)
        if protocol is None or protocol == tried.protocol or is_far(first.protocol, protocol):
            return None
        tried = judge(protocol, _told(first.protocol, protocol))
        if tried.legal:
            return tried
    return None


def _steps(asked: Protocol, tried: Tried) -> list[dict[str, Any]]:
    """What is advised for a protocol that is not legal."""
    if isinstance(tried.error, Refusal):
        return list(after_refusal(tried.protocol, tried.error))
    if tried.verdict is None or not tried.verdict.refusals:
        return []
    return list(after_finding(asked, tried.protocol, max(tried.verdict.refusals, key=excess)))


def _changed(protocol: Protocol, changes: dict[str, Any]) -> Protocol | None:
    """The protocol with changes, None where it would refuse them itself."""
    try:
        return with_settings(protocol, changes)
    except (FullboreError, ValueError):
        return None


def _taken_back(first: Tried, found: Tried, judge: Judge) -> Tried:
    """A legal protocol moved back towards the first one, field by field, largest change first, as far as it stays legal."""
    asked = first.protocol
    fields = sorted(differing(asked, found.protocol), key=lambda name: -_alone(asked, found.protocol, name))
    for name in fields if len(fields) > 1 else ():
        tried = _back(found.protocol, name, getattr(asked, name), asked, judge)
        found = tried if tried is not None and tried.legal else found
    for name in fields:
        illegal = getattr(asked, name)
        for _ in range(_HALVINGS):
            value = between(asked, name, illegal, getattr(found.protocol, name))
            tried = None if value is None else _back(found.protocol, name, value, asked, judge)
            if tried is None:
                break
            if tried.legal:
                found = tried
            else:
                illegal = value
    return found


def _alone(asked: Protocol, other: Protocol, name: str) -> float:
    """Distance of one field's change."""
    return distance(asked, with_settings(asked, {name: getattr(other, name)}))


def _back(protocol: Protocol, name: str, value: Any, asked: Protocol, judge: Judge) -> Tried | None:
    """A protocol with one field changed, on the rasters; None when the builds are spent or nothing is nearer for it."""
    if judge.left <= _NEAREST:
        return None
    changed = _changed(protocol, {name: value})
    if changed is None:
        return None
    tried = judge.settled(changed, _told(asked, changed))
    return tried if distance(asked, tried.protocol) < distance(asked, protocol) else None


def _told(asked: Protocol, other: Protocol) -> str:
    return ", ".join(f"{name} = {setting(other, name, getattr(other, name))}" for name in differing(asked, other))
