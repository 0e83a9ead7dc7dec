"""What the safety check found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One checked quantity against one limit.

    where: block, time and axis of the worst case, or "" when it is a property of the whole sequence.
    advice: what to change and by how much, "" when the limit is kept.
    """

    check: str
    value: float
    limit: float
    unit: str
    allowed: bool
    where: str = ""
    advice: str = ""

    def __str__(self) -> str:
        sentence = f"{self.check}{', ' + self.where if self.where else ''}: {self.value:.4g} {self.unit}, limit {self.limit:.4g}."
        return f"{sentence} {self.advice}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All findings on one sequence on one machine for one subject; `mode` is the IEC operating mode it was judged for."""

    sequence: str
    scanner: str
    mode: str
    findings: tuple[Finding, ...]

    @property
    def allowed(self) -> bool:
        """True when every limit is kept."""
        return all(finding.allowed for finding in self.findings)

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that forbid the scan."""
        return tuple(finding for finding in self.findings if not finding.allowed)
