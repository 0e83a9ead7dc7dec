"""Why a protocol cannot be played: which part of the machine or of the body binds, where, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import Finding, Limits
from fullbore.errors import FullboreError
from fullbore.sequence import Protocol, Refusal, attempt

_PARTS = (
    ("gradient", "gradient amplifier (amplitude)"),
    ("slew", "gradient amplifier (slew rate)"),
    ("coil voltage", "gradient amplifier (voltage)"),
    ("coil current", "gradient amplifier (current)"),
    ("heat, ", "heat of gradient amplifier or coil"),
    ("nerve", "peripheral nerves"),
    ("cardiac", "heart"),
    ("SAR", "tissue heating"),
    ("B1+rms", "tissue heating"),
    ("B1 peak", "RF transmitter (peak B1)"),
    ("RF power", "RF amplifier"),
    ("forbidden band", "structure of the gradient coil"),
    ("static field", "static field"),
)
"""How a finding's name begins -> what binds. Names that are not here are of timing."""
_RELIEF = 1.5
_NOTED = 0.02
_RELIEVED: dict[str, Callable[[Limits], Limits]] = {
    "gradient amplifier (slew rate)": lambda limits: replace(limits, slew_T_per_m_s=_RELIEF * limits.slew_T_per_m_s),
    "gradient amplifier (amplitude)": lambda limits: replace(limits, gradient_T_per_m=_RELIEF * limits.gradient_T_per_m),
    "RF transmitter (peak B1)": lambda limits: replace(limits, b1_peak_T=_RELIEF * limits.b1_peak_T),
    "dead times": lambda limits: replace(limits, rf_dead_time_s=0.0, rf_ringdown_time_s=0.0, adc_dead_time_s=0.0),
}
"""What could bind while a sequence is built -> a machine on which it binds less."""
OWN_TIMES = "the protocol's own times"
"""What binds where no limit of the machine does: pulses, readouts and waits that the protocol itself asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One limit that forbids a protocol.

    binds: the part of machine or body, or OWN_TIMES. field: of the protocol, "" where a check of the built sequence forbids.
    check, value, limit, unit: the figure over its limit; value and limit are NaN where it was never built.
    event, block, time_s, axis: the worst case, axis 0, 1, 2 for x, y, z; None where there is none.
    """

    binds: str
    sentence: str
    field: str = ""
    check: str = ""
    value: float = float("nan")
    limit: float = float("nan")
    unit: str = ""
    event: str = ""
    block: int | None = None
    time_s: float | None = None
    axis: int | None = None


def part_of(check: str) -> str:
    """What binds when a check of that name forbids."""
    return next((part for start, part in _PARTS if check.startswith(start)), "timing")


def of_finding(finding: Finding) -> Reason:
    """The reason that a finding of the safety check is."""
    axes = [change.axis for change in finding.changes if change.axis is not None]
    return Reason(
        binds=part_of(finding.check),
        sentence=str(finding),
        check=finding.check,
        value=finding.value,
        limit=finding.limit,
        unit=finding.unit,
        event=finding.event,
        block=finding.block,
        time_s=finding.time_s,
        axis=axes[0] if axes else None,
    )


def of_refusal(protocol: Protocol, limits: Limits, refusal: Refusal) -> Reason:
    """The reason that a builder's refusal is; what binds is found by relieving one limit after the other."""
    gains = {name: _gain(protocol, relieve(limits), refusal) for name, relieve in _RELIEVED.items()}
    best = max(gains, key=lambda name: gains[name])
    sentence = refusal.fact if refusal.field == "heart_period" else str(refusal)  # a patient's heart takes no advice
    return Reason(binds=best if gains[best] > _NOTED else OWN_TIMES, sentence=sentence, field=refusal.field)


def of_error(error: FullboreError) -> Reason:
    """The reason that a builder gives without naming a field."""
    return Reason(binds=OWN_TIMES, sentence=str(error))


def _gain(protocol: Protocol, limits: Limits, refusal: Refusal) -> float:
    """How much nearer the legal value is on another machine, relative; 1 when nothing is refused or something else is."""
    try:
        attempt(protocol, limits)
    except Refusal as another:
        if another.field != refusal.field:
            return 1.0
        now, before, asked = (np.ravel(value).astype(float) for value in (another.legal, refusal.legal, refusal.asked))
        nearer = np.abs(before - asked).sum() - np.abs(now - asked).sum()
        return float(nearer / max(np.abs(before).sum(), 1e-30))
    except FullboreError:
        return 0.0
    return 1.0
