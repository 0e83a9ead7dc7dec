"""Where in a sequence something happens, in words and numbers, and findings made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Change, Finding, Sequence

AXES = ("x", "y", "z")

# A limit that is met to one part in a million is met: sequences are designed onto the limit.
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A block, an instant within it, and what plays there."""

    block: int
    offset_s: float = 0.0
    event: str = ""


def moment(sequence: Sequence, block: int, offset_s: float = 0.0) -> str:
    """ "block 41 (t = 12.34 ms)": the block, counted from 0, and the time from the sequence's start in ms."""
    return f"block {block} (t = {time_s(sequence, block, offset_s) * 1e3:.2f} ms)"


def time_s(sequence: Sequence, block: int, offset_s: float = 0.0) -> float:
    """Time from the sequence's start, s."""
    return float(np.sum(sequence.duration_s[:block])) + offset_s


def gradient_event(sequence: Sequence, block: int, axis: int) -> str:
    """ "gradient 3 on axis x": the unique gradient that a block plays on an axis, "" for none."""
    number = int(sequence.gradient[block, axis])
    return f"gradient {number} on axis {AXES[axis]}" if number >= 0 else ""


def kept(value: float, limit: float) -> bool:
    """True when a value is within its upper limit."""
    return value <= limit * (1 + TOLERANCE)


def finding(
    sequence: Sequence,
    check: str,
    value: float,
    limit: float,
    unit: str,
    *,
    place: Place | None = None,
    prefix: str = "",
    advice: str = "",
    changes: tuple[Change, ...] = (),
    binding: bool = True,
    basis: str = "",
) -> Finding:
    """A finding against an upper limit, with its place in words after `prefix`; advice is kept only where it is needed."""
    inside = kept(value, limit)
    found = place is not None and value > 0
    words = moment(sequence, place.block, place.offset_s) if place is not None and found else ""
    return Finding(
        check=check,
        value=float(value),
        limit=float(limit),
        unit=unit,
        allowed=inside or not binding,
        where=", ".join(part for part in (prefix, words) if part),
        advice="" if inside else advice,
        event=place.event if place is not None and found else "",
        block=place.block if place is not None and found else None,
        time_s=time_s(sequence, place.block, place.offset_s) if place is not None and found else None,
        changes=() if inside else changes,
        binding=binding,
        basis=basis,
    )
