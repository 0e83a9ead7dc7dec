"""The search for a legal protocol near one that is not: what is advised, nearest first; then back as far as it stays legal."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from fullbore.clinical.excerpt import excerpt, excerpted
from fullbore.clinical.moves import FOLLOWING, after_finding, after_refusal, between, differing, distance, excess, is_far
from fullbore.data import ScannerSpec, Sequence, Subject, Verdict
from fullbore.errors import FullboreError
from fullbore.safety import check
from fullbore.sequence import Protocol, Refusal, attempt
from fullbore.sequence.settings import setting, with_settings

HALVINGS = 5
_NEAREST = 4
_SEARCH_SHARE = 0.35
_RETREATS = 16
_GAIN = 0.995
"""A step that lowers the worst excess by less than this factor leads nowhere and is not followed."""

Progress = Callable[[int, str], None]
"""(protocols judged so far, the changes that are judged now)."""


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
        """most: builds that may be spent. `by_excerpt`: whether a part of a long protocol stands for all of it."""
        self.spec, self.subject, self.mode, self.left, self.progress = spec, subject, mode, most, progress
        self.builds, self.by_excerpt = 0, False

    def __call__(self, protocol: Protocol, what: str = "") -> Tried:
        """One protocol. What is no limit of machine or body (a wrong request) is an error of the result, too."""
        self.builds, self.left = self.builds + 1, self.left - 1
        self.progress(self.builds, what)
        part = excerpt(protocol) if self.by_excerpt else None
        tried = self._judged(part or protocol)
        if part is not None and isinstance(tried.error, Refusal) and tried.error.field in excerpted(protocol):
            tried = self._judged(protocol)  # the excerpt is what cannot be
        return replace(tried, protocol=protocol)

    def _judged(self, protocol: Protocol) -> Tried:
        try:
            sequence = attempt(protocol, self.spec.limits)
        except FullboreError as error:
            return Tried(protocol=protocol, error=error)
        return Tried(protocol=protocol, sequence=sequence, verdict=check(sequence, self.spec, self.subject, self.mode))

    def gated(self, protocol: Protocol, what: str = "") -> Tried:
        """The same; phases of the heart that do not fit into its period are as many as do."""
        tried = self(protocol, what)
        for _ in FOLLOWING:
            if not follows(tried.error):
                break
            assert isinstance(tried.error, Refusal)
            tried = self(with_settings(tried.protocol, {tried.error.field: tried.error.legal}), what)
            self.builds, self.left = self.builds - 1, self.left + 1  # still the same try
        return tried

    def settled(self, protocol: Protocol, what: str = "") -> Tried:
        """The same, on the rasters: refusals that only name a nearest value are followed."""
        tried = self.gated(protocol, what)
        for _ in range(_NEAREST):
            error = tried.error
            if not isinstance(error, Refusal) or error.bound != "nearest" or not hasattr(protocol, error.field):
                break
            tried = self.gated(with_settings(tried.protocol, {error.field: error.legal}), what)
        return tried


class Hunt:
    """A legal protocol near `first`, which is not; `found` is the nearest so far, None before there is one."""

    def __init__(self, first: Tried, judge: Judge, halvings: int = HALVINGS) -> None:
        """halvings: of the way back of each field."""
        self.first, self.judge, self.halvings = first, judge, halvings
        self.found: Tried | None = None

    def run(self) -> None:
        """Search, retreat where that finds nothing, and take back what is not needed."""
        self.found = self._searched() or self._retreated()
        if self.found is not None:
            self._take_back(self.found)

    def _searched(self) -> Tried | None:
        """The first legal protocol by rising distance; None when there is none or the builds are spent."""
        asked, order, judge = self.first.protocol, count(), self.judge
        seen = set() if follows(self.first.error) else {asked}
        waiting: list[tuple[float, int, Protocol, float]] = []

        def push(tried: Tried, before: float) -> None:
            for changes in _steps(asked, tried):
                protocol = _changed(asked, tried.protocol, changes)
                if protocol is not None and protocol not in seen and not is_far(asked, protocol):
                    seen.add(protocol)
                    heapq.heappush(waiting, (distance(asked, protocol), next(order), protocol, before))

        push(self.first, self.first.worst)
        keep = judge.left - math.ceil(_SEARCH_SHARE * judge.left)
        while waiting and judge.left > keep:
            _, _, protocol, before = heapq.heappop(waiting)
            tried = judge.gated(protocol, told(asked, protocol))
            if tried.legal:
                return tried
            if tried.verdict is None:  # how far it was over before what was refused still counts
                push(tried, before)
            elif before == float("inf") or tried.worst < _GAIN * before:
                push(tried, tried.worst)
        return None

    def _retreated(self) -> Tried | None:
        """A legal protocol far away: everything that is advised at once, again and again; None when that leads nowhere, too."""
        asked, tried, before = self.first.protocol, self.first, None
        for _ in range(_RETREATS):
            changes: dict[str, Any] = {}
            for step in _steps(asked, tried)[: 1 if tried.verdict is None else None]:
                changes = {**step, **changes}  # the first advice on a field holds
            protocol = _changed(asked, tried.protocol, changes) if changes else None
            if protocol is None or protocol == before or is_far(asked, protocol) or self.judge.left < 1:
                return None
            tried, before = self.judge.gated(protocol, told(asked, protocol)), protocol
            if tried.legal:
                return tried
        return None

    def _take_back(self, found: Tried) -> None:
        """Move it towards what was asked, field by field, largest change first, as far as it stays legal."""
        asked = self.first.protocol
        fields = [name for name in differing(asked, found.protocol) if name not in FOLLOWING]
        fields.sort(key=lambda name: -_alone(asked, found.protocol, name))
        for name in fields if len(fields) > 1 else ():
            tried = self._back(found.protocol, name, getattr(asked, name))
            found = self.found = tried if tried is not None and tried.legal else found
        for name in fields:
            illegal = getattr(asked, name)
            for _ in range(self.halvings):
                value = between(asked, name, illegal, getattr(found.protocol, name))
                tried = None if value is None else self._back(found.protocol, name, value)
                if tried is None:
                    break
                if tried.legal:
                    found = self.found = tried
                else:
                    illegal = value

    def _back(self, protocol: Protocol, name: str, value: Any) -> Tried | None:
        """A protocol with one field changed, on the rasters; None when the builds are spent or nothing is nearer for it."""
        if self.judge.left <= _NEAREST:
            return None
        asked = self.first.protocol
        changed = _changed(asked, protocol, {name: value})
        if changed is None:
            return None
        tried = self.judge.settled(changed, told(asked, changed))
        return tried if distance(asked, tried.protocol) < distance(asked, protocol) else None


def follows(error: FullboreError | None) -> bool:
    """True for a refusal of more phases of the heart than fit into its period."""
    return isinstance(error, Refusal) and error.bound == "largest" and error.field in FOLLOWING


def told(asked: Protocol, other: Protocol) -> str:
    """What differs, as settings."""
    return ", ".join(f"{name} = {setting(other, name, getattr(other, name))}" for name in differing(asked, other))


def _steps(asked: Protocol, tried: Tried) -> list[dict[str, Any]]:
    """What is advised for a protocol that is not legal."""
    if isinstance(tried.error, Refusal):
        return list(after_refusal(tried.protocol, tried.error))
    if tried.verdict is None or not tried.verdict.refusals:
        return []
    return list(after_finding(asked, tried.protocol, max(tried.verdict.refusals, key=excess)))


def _changed(asked: Protocol, protocol: Protocol, changes: dict[str, Any]) -> Protocol | None:
    """The protocol with changes, None where it would refuse them itself; as many phases of the heart as were asked for."""
    following = {name: getattr(asked, name) for name in FOLLOWING if hasattr(asked, name)}
    try:
        return with_settings(protocol, {**changes, **following})
    except (FullboreError, ValueError):
        return None


def _alone(asked: Protocol, other: Protocol, name: str) -> float:
    """Distance of one field's change."""
    return distance(asked, with_settings(asked, {name: getattr(other, name)}))
