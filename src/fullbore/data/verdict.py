"""What the safety check found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One quantity to change so that a limit is kept: new = old * factor + added, `added` in `unit`.

    quantity: one of QUANTITIES. A room that knows protocols maps it to a field. Each Change of a finding is meant alone:
    amplitudes, flip angles and repetition times suffice; ramps and rhythms are right to first order, so judge again.
    axis: 0, 1, 2 for x, y, z of the scanner; None where it concerns all axes or none.
    """

    quantity: str
    factor: float = 1.0
    added: float = 0.0
    unit: str = ""
    axis: int | None = None


QUANTITIES = (
    "ramp time",
    "gradient amplitude",
    "gradient end",
    "gradient corner",
    "repetition time",
    "flip angle",
    "pulse duration",
    "echo spacing",
    "echo time",
    "spoiler area",
    "block duration",
    "RF delay",
    "RF raster",
    "ADC delay",
    "dwell time",
    "operating mode",
)
"""What a `Change` may name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One checked quantity against one limit.

    where: block, time and axis of the worst case, or "" when it is a property of the whole sequence.
    advice: what to change and by how much, "" when the limit is kept.
    event: what is played there, e.g. "gradient 3 on axis x". block, time_s: counted and timed from the sequence's start.
    changes: the advice as numbers, alternatives to each other.
    binding: over the limit forbids the scan; a finding that is not binding is a hint, and always allowed.
    at_least: the limit is a lower one.
    basis: what the value rests on where it is an estimate or a choice, "" where it follows from the sequence alone.
    """

    check: str
    value: float
    limit: float
    unit: str
    allowed: bool
    where: str = ""
    advice: str = ""
    event: str = ""
    block: int | None = None
    time_s: float | None = None
    changes: tuple[Change, ...] = ()
    binding: bool = True
    at_least: bool = False
    basis: str = ""

    def __str__(self) -> str:
        limit = f"wanted at least {self.limit:.4g}" if self.at_least else f"limit {self.limit:.4g}"
        sentence = f"{self.check}{', ' + self.where if self.where else ''}: {self.value:.4g} {self.unit}, {limit}."
        return f"{sentence} {self.advice}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All findings on one sequence on one machine for one subject; `mode` is the IEC operating mode it was judged for.

    unchecked: what could not be checked because the machine's description lacks it, a sentence each.
    """

    sequence: str
    scanner: str
    mode: str
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """True when every binding limit is kept."""
        return all(finding.allowed for finding in self.findings)

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that forbid the scan."""
        return tuple(finding for finding in self.findings if not finding.allowed)

    @property
    def hints(self) -> tuple[Finding, ...]:
        """The findings that do not forbid the scan but advise a change."""
        return tuple(finding for finding in self.findings if finding.allowed and finding.advice)
