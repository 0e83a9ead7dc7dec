"""Small steps from a protocol that is refused towards one that is not, and how far a protocol is from another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from fnmatch import fnmatchcase
from typing import Any

from fullbore.data import Change, Finding
from fullbore.sequence import Protocol, Refusal
from fullbore.sequence.prescription import SLEW_FRACTION
from fullbore.sequence.settings import dimension, written_unit

FIELD_COST = 0.2
"""Distance of touching one more field, in units of a relative change: two fields by 1 % are further than one by 20 %."""
FARTHEST = 100.0
_OTHER_COST = 1.0
_DIGITS = 4
_RASTER_S = 10e-6  # that of blocks on most machines; others are met by the builders' own advice
_LEAST = 0.05
_MOST = 0.7

FOLLOWING = ("phases", "cardiac_phases")
"""Fields that nobody chooses anew when times change: as many as asked, or as fit into the heart's period."""
_IN_A_BEAT = ("views_per_segment", "lines_per_beat", "views_per_beat")
_LONGER = ("repetition_time", "recovery_time")
_GENTLER = (
    ("bandwidth", 1.0),
    ("slice_thickness", -1.0),
    ("*_thickness", -1.0),
    ("echo_time", -1.0),
    ("echo_spacing", -1.0),
    ("repetition_time", -1.0),
    ("b_values", 2.0),
    ("b_value", 2.0),
    ("excitation_duration", -1.0),
    ("refocusing_duration", -1.0),
)
"""Field -> how it goes with the gradients' amplitude: gradients of f times the amplitude leave value * f ** power."""

_FIELDS: dict[str, tuple[tuple[str, float], ...]] = {
    "ramp time": _GENTLER,
    "gradient amplitude": _GENTLER,
    "repetition time": tuple((name, 1.0) for name in _LONGER),
    "flip angle": (("*flip_angle*", 1.0), ("spin_lock_b1", 1.0), ("saturation_b1", 1.0), ("labelling_b1", 1.0)),
    "pulse duration": tuple((f"{name}_duration", 1.0) for name in ("excitation", "refocusing", "inversion", "*pulse")),
    "echo spacing": (("echo_spacing", 1.0), ("repetition_time", 1.0), ("bandwidth", -1.0)),
    "echo time": (("echo_time", 1.0),),
}
"""Quantity of a Change -> fields (patterns) that a protocol may have for it, and the power with which they follow it."""
_EASED = ("ramp time", "gradient amplitude")
_ORDER = tuple(sorted(SLEW_FRACTION, key=lambda mode: SLEW_FRACTION[mode]))


def distance(asked: Protocol, other: Protocol) -> float:
    """FIELD_COST for each field that differs, plus the absolute logarithms of all ratios."""
    return sum((FIELD_COST + _size(getattr(asked, name), getattr(other, name)) for name in differing(asked, other)), 0.0)


def differing(asked: Protocol, other: Protocol) -> tuple[str, ...]:
    """Names of the fields that differ, in the protocol's order."""
    return tuple(name for name in _names(asked) if getattr(asked, name) != getattr(other, name))


def is_far(asked: Protocol, other: Protocol) -> bool:
    """True when a field is more than FARTHEST times what was asked: not worth building, and it might never end."""
    return any(_size(getattr(asked, name), getattr(other, name)) > math.log(FARTHEST) for name in differing(asked, other))


def _names(protocol: Protocol) -> list[str]:
    made: Any = protocol
    return [item.name for item in fields(made)]


def _size(old: Any, new: Any) -> float:
    """Relative size of one field's change."""
    if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        return max((_size(a, b) for a, b in zip(old, new, strict=True)), default=0.0)
    if isinstance(old, str) and old in SLEW_FRACTION and new in SLEW_FRACTION:
        old, new = SLEW_FRACTION[old], SLEW_FRACTION[new]
    if isinstance(old, bool | str | tuple) or not (old > 0 and new > 0):
        return 0.0 if old == new else _OTHER_COST
    return abs(math.log(new / old))


def after_refusal(protocol: Protocol, refusal: Refusal) -> Iterator[dict[str, Any]]:
    """Changes that a builder's refusal suggests: its own, and faster gradients for a time that is too short."""
    if refusal.field == "heart_period":
        yield from _into_the_beat(protocol, refusal)
    elif hasattr(protocol, refusal.field):
        yield {refusal.field: refusal.legal}
    if refusal.bound == "shortest" and protocol.gradient_mode != _ORDER[-1]:
        yield {"gradient_mode": _ORDER[_ORDER.index(protocol.gradient_mode) + 1]}


def _into_the_beat(protocol: Protocol, refusal: Refusal) -> Iterator[dict[str, Any]]:
    """What makes shorter what does not fit into the heart's period, which is the patient's: an earlier start, fewer views."""
    asked, legal = (float(value) for value in (refusal.asked, refusal.legal) if not isinstance(value, tuple))
    made: Any = protocol
    if getattr(made, "trigger_delay", 0.0) > legal - asked:
        yield {"trigger_delay": scaled(protocol, "trigger_delay", 1.0, asked - legal)}
    for name in _IN_A_BEAT:
        if getattr(made, name, 1) > 1:
            fewer = max(int(getattr(made, name) * asked / legal), 1)
            yield {name: max(fewer - fewer % 2, 2) if name == "views_per_segment" else fewer}  # they are played in pairs
    if isinstance(getattr(made, "acceleration", None), int):
        yield {"acceleration": made.acceleration + 1}


def after_finding(asked: Protocol, protocol: Protocol, finding: Finding) -> Iterator[dict[str, Any]]:
    """Changes that a finding suggests, one field each: every alternative of its `changes`, on every field that there is.

    A field that already differs from what was asked goes on as far again, so that small advice does not mean small steps.
    """
    seen: list[tuple[str, Any]] = []
    if any(change.quantity in _EASED for change in finding.changes):
        for mode in reversed(_ORDER[: _ORDER.index(protocol.gradient_mode)]):
            yield {"gradient_mode": mode}
    for change in finding.changes:
        factors = [_factor(change, finding)]
        if change.quantity == "echo spacing":  # a forbidden band is left on either side
            factors.append(1 / factors[0])
        for pattern, power in _FIELDS.get(change.quantity, ()):
            for name in _names(protocol):
                if fnmatchcase(name, pattern):
                    for factor in factors:
                        whole = _stride(factor**power, getattr(asked, name), getattr(protocol, name))
                        value = scaled(protocol, name, whole, change.added if change.quantity not in _EASED else 0.0)
                        if (name, value) not in seen:
                            seen.append((name, value))
                            yield {name: value}


def _stride(factor: float, asked: Any, now: Any) -> float:
    """The advised factor, at least _LEAST, and as far again as the field has already gone that way (at most _MOST)."""
    if factor == 1.0:
        return factor
    way = math.copysign(1.0, math.log(factor))
    known = not isinstance(now, tuple | bool | str) and now > 0 and asked > 0
    gone = max(way * math.log(now / asked), 0.0) if known else 0.0
    return math.exp(way * (max(abs(math.log(factor)), _LEAST) + min(gone, _MOST)))


def _factor(change: Change, finding: Finding) -> float:
    """Factor to the quantity that suffices; a gradient that is eased is taken to be as much lower as the excess."""
    if change.quantity in _EASED and finding.value > 0:
        return min(finding.limit / finding.value, 1.0)
    return change.factor if change.factor > 0 and math.isfinite(change.factor) else 1.0


def excess(finding: Finding) -> float:
    """How far a finding is over its limit: value over limit, 1 when it is kept."""
    if finding.allowed:
        return 1.0
    if finding.limit <= 0 or finding.at_least:
        return math.inf
    return finding.value / finding.limit


def scaled(protocol: Protocol, field: str, factor: float, added: float = 0.0) -> Any:
    """A field's value times a factor plus a summand, on four digits away from what it was."""
    return _each(getattr(protocol, field), lambda value: _short(value, value * factor + added, dimension(protocol, field)))


def between(protocol: Protocol, field: str, asked: Any, legal: Any) -> Any:
    """A value half-way (by ratio) between an illegal and a legal one, on four digits towards the legal one; None for none."""
    if isinstance(legal, tuple) and isinstance(asked, tuple) and len(asked) == len(legal):
        parts = [between(protocol, field, a, b) if a != b else b for a, b in zip(asked, legal, strict=True)]
        return None if None in parts else tuple(parts)
    if isinstance(legal, bool | str | tuple) or not (asked > 0 and legal > 0):
        return None
    value = _short(asked, math.sqrt(asked * legal), dimension(protocol, field))
    return value if min(asked, legal) < value < max(asked, legal) else None


def _each(value: Any, change: Any) -> Any:
    return tuple(_each(part, change) for part in value) if isinstance(value, tuple) else change(value)


def _short(old: Any, new: float, name: str) -> Any:
    """A value on _DIGITS digits of the unit that people read it in, rounded away from the old one."""
    away = math.ceil if new > old else math.floor
    if isinstance(old, int):
        return int(away(new))
    if new == 0:
        return new
    unit = written_unit(name)[1]
    place = 10.0 ** (math.floor(math.log10(abs(new / unit))) + 1 - _DIGITS)
    place = max(place, _RASTER_S / unit) if name == "time" else place
    return away(new / unit / place - 1e-9 if away is math.ceil else new / unit / place + 1e-9) * place * unit
