"""From a protocol and the machine's limits to a sequence, or to the reason why not and the nearest legal value."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

from fullbore.data import Limits, Sequence
from fullbore.errors import FullboreError, LimitError, UsageError
from fullbore.sequence.library import kind_of
from fullbore.sequence.prescription import SLEW_FRACTION, Protocol
from fullbore.sequence.refusal import Refusal, display

_ATTEMPTS = 8
_MOST_EXCITATIONS = 20_000_000
_MULTIPLY = (
    ("slices", "averages"),
    ("slices", "averages", "shots"),
    ("slices", "frames"),
    ("slices", "frames", "spokes_per_frame"),
    ("slices", "frames", "interleaves"),
)
"""Counts that multiply where a protocol has them all: each combination is excited on its own, `bands` slices together."""


def build(protocol: Protocol, limits: Limits) -> Sequence:
    """The sequence of a protocol, inside the limits (slew reduced by its gradient mode).

    Errors: LimitError naming the field, the limit, by how much, and the nearest legal values, which have been built.
    UsageError at once for counts whose product no memory holds.
    """
    try:
        return attempt(protocol, limits)
    except Refusal as refusal:
        raise LimitError(_advice(protocol, limits, refusal)) from None


def attempt(protocol: Protocol, limits: Limits) -> Sequence:
    """The same, for those who search. Errors: Refusal for the first limit that is broken; other errors as `build`."""
    _refuse_absurd(protocol)
    slew = limits.slew_T_per_m_s * SLEW_FRACTION[protocol.gradient_mode]
    return kind_of(protocol).build(protocol, replace(limits, slew_T_per_m_s=slew))


def least_excitations(protocol: Protocol) -> tuple[int, tuple[str, ...]]:
    """(a lower bound to the excitations of a protocol, each of a block at least; the fields whose counts make it)."""
    bounds: list[tuple[int, tuple[str, ...]]] = [(1, ())]
    for fields in _MULTIPLY:
        if all(hasattr(protocol, field) for field in fields):
            count = math.prod(int(getattr(protocol, field)) for field in fields)
            bounds.append((count // int(getattr(protocol, "bands", 1)), fields))
    return max(bounds)


def _refuse_absurd(protocol: Protocol) -> None:
    """Errors: UsageError, before anything is built, for counts whose product no memory holds."""
    count, fields = least_excitations(protocol)
    if count > _MOST_EXCITATIONS:
        product = " x ".join(f"{field} = {getattr(protocol, field)}" for field in fields)
        raise UsageError(
            f"{protocol.name}: got {product}, at least {count:.3g} excitations; "
            f"wanted at most {_MOST_EXCITATIONS:.0e}; lower one of them."
        )


def _advice(protocol: Protocol, limits: Limits, refusal: Refusal) -> str:
    """What is refused and what would be accepted, proven by building it."""
    first, changes, legal = refusal, {}, protocol
    for _ in range(_ATTEMPTS):
        if not hasattr(protocol, refusal.field):
            break
        changes[refusal.field] = refusal.legal
        try:
            change: dict[str, Any] = {refusal.field: refusal.legal}
            legal = replace(cast(Any, legal), **change)
            attempt(legal, limits)
        except Refusal as another:
            refusal = another
        except FullboreError:
            break
        else:
            return f"{protocol.name}: {first} {_changes(changes, first)}".rstrip()
    return f"{protocol.name}: {first.field}: got {display(first.field, first.asked)}: {first.reason}; no legal value was found."


def _changes(changes: dict[str, Any], first: Refusal) -> str:
    """The further fields that must change with the first, as a sentence; empty when there are none."""
    others = [f"{field} = {display(field, value)}" for field, value in changes.items() if field != first.field]
    return f"It also needs {', '.join(others)}." if others else ""
