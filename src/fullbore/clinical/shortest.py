"""How short a protocol's times can be on a machine: found by building and judging, down to one step of the raster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fullbore.clinical.reason import Reason
from fullbore.clinical.search import Judge, Progress, Tried
from fullbore.clinical.solve import Solution, reasons, solve
from fullbore.data import ScannerSpec, Sequence, Subject, Verdict
from fullbore.sequence import Protocol, Refusal
from fullbore.sequence.settings import with_settings

TIMES = ("echo_time", "echo_spacing", "echo_time", "repetition_time")
"""Fields in the order in which they are shortened; the echo time again after the echo spacing that it is counted in."""
MOST_BUILDS = 150
_START = 1e-3
_FOLLOWED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The shortest value of one field. raster_s: the step; reason: why one step less is refused, None where it never was."""

    field: str
    value_s: float
    raster_s: float
    reason: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shortest:
    """A protocol whose times are the shortest ones, with its proof; `bounds` tells each.

    solution: what became of the protocol as asked; where that is not legal, its nearest legal one was shortened.
    protocol, sequence, verdict: None, and bounds (), where there is no legal one.
    """

    solution: Solution
    protocol: Protocol | None
    sequence: Sequence | None
    verdict: Verdict | None
    bounds: tuple[Bound, ...]

    def value_s(self, field: str) -> float | None:
        """The shortest value of a field, None where the protocol has none."""
        return next((bound.value_s for bound in self.bounds if bound.field == field), None)

    @property
    def nerve_margin(self) -> float:
        """1 - stimulation over its limit, of the shortest protocol; NaN where there is none."""
        findings = self.verdict.findings if self.verdict is not None else ()
        shares = [item.value / item.limit for item in findings if item.check.startswith("nerve") and item.limit > 0]
        return 1 - max(shares) if shares else float("nan")


def shortest(
    protocol: Protocol,
    spec: ScannerSpec,
    subject: Subject,
    mode: str = "normal",
    *,
    builds: int = MOST_BUILDS,
    progress: Progress = lambda number, what: None,
) -> Shortest:
    """Echo time, echo spacing and repetition time as short as machine and body allow, one after the other, all else as asked.

    Each value is legal (built and judged with those found before it), and one step of the raster less is refused. Fields that
    are tied to the one being shortened follow it where the builder names their nearest value.
    builds: how many protocols may be judged at most. Errors: those of `solve`.
    """
    solution = solve(protocol, spec, subject, mode, progress=progress)
    if solution.nearest is None:
        return Shortest(solution=solution, protocol=None, sequence=None, verdict=None, bounds=())
    judge = Judge(spec, subject, mode, builds, progress)
    best = Tried(protocol=solution.nearest, sequence=solution.nearest_sequence, verdict=solution.nearest_verdict)
    bounds: dict[str, Bound] = {}
    for field in TIMES:
        if hasattr(protocol, field):
            best, refused = _shortened(best, field, judge, spec.limits.block_raster_s)
            reason = reasons(refused, spec)[0] if refused is not None else None
            value = getattr(best.protocol, field)
            bounds[field] = Bound(field=field, value_s=value, raster_s=spec.limits.block_raster_s, reason=reason)
    bounds = {name: bounds[name] for name in dict.fromkeys(TIMES) if name in bounds}
    now = {name: getattr(best.protocol, name) for name in bounds}
    told = tuple(Bound(field=b.field, value_s=now[b.field], raster_s=b.raster_s, reason=b.reason) for b in bounds.values())
    return Shortest(solution=solution, protocol=best.protocol, sequence=best.sequence, verdict=best.verdict, bounds=told)


def _shortened(best: Tried, field: str, judge: Judge, raster_s: float) -> tuple[Tried, Tried | None]:
    """The legal protocol with the shortest value of one field, and the refused one a step below it.

    The builder's own shortest value is tried first, then halvings between what is refused and what is legal.
    """
    refused: Tried | None = None
    low = 0
    tried, _ = _followed(best.protocol, field, _START * getattr(best.protocol, field), judge, upwards=True)
    high = _steps(best, field, raster_s)
    if tried.legal and _steps(tried, field, raster_s) < high:
        best, high = tried, _steps(tried, field, raster_s)
    elif not tried.legal and low < _steps(tried, field, raster_s) < high:
        refused, low = tried, _steps(tried, field, raster_s)
    first = True
    while high - low > 1 and judge.left > _FOLLOWED:
        middle = high - 1 if first else (low + high) // 2
        tried, asked = _followed(best.protocol, field, middle * raster_s, judge, upwards=False)
        found = _steps(tried, field, raster_s)
        if tried.legal and found < high:
            best, high = tried, found
        else:
            refused = tried if not tried.legal else refused or asked
            low = low if first and tried.legal else middle  # one step less may lie off the field's own, coarser raster
        first = False
    return best, refused


def _steps(tried: Tried, field: str, raster_s: float) -> int:
    """A field's value in steps of the raster, rounded."""
    return round(getattr(tried.protocol, field) / raster_s)


def _followed(protocol: Protocol, field: str, value_s: float, judge: Judge, *, upwards: bool) -> tuple[Tried, Tried]:
    """A protocol with one time set: rasters and tied fields are followed; with `upwards` the builder's shortest value, too.

    Returns where that ends, and what became of the value itself.
    """
    asked = tried = judge(_with(protocol, field, value_s), f"{field} {value_s * 1e3:.6g} ms")
    for _ in range(_FOLLOWED):
        error = tried.error
        if not isinstance(error, Refusal) or not hasattr(protocol, error.field):
            break
        if error.bound != "nearest" and not (upwards and error.field == field):
            break
        tried = judge(_with(tried.protocol, error.field, error.legal), f"{field} {value_s * 1e3:.6g} ms")
    return tried, asked


def _with(protocol: Protocol, field: str, value: Any) -> Protocol:
    return with_settings(protocol, {field: value})
