"""Trains that repeat: once spins have settled, every further repetition answers as the last one did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

CANDIDATES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Pulses first, ..., first + period * count - 1 are one train of `period` pulses played `count` times."""

    first: int
    period: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shortened:
    """A schedule with only the first repetitions of every train; the last two of them see what any repetition would.

    pulses: kept pulses. rows: (kept pulse, 2) into stand-in rows. low, high, reference: (stand-in row, 3).
    actual: (pair, 2) of a stand-in row and a row of the schedule that it answers for. previous: (pair, 2) of a stand-in row
    of a train's last kept repetition and the same one a repetition earlier.
    """

    pulses: Int[np.ndarray, " kept"]
    rows: Int[np.ndarray, "kept 2"]
    low: Float[np.ndarray, "row 3"]
    high: Float[np.ndarray, "row 3"]
    reference: Float[np.ndarray, "row 3"]
    actual: Int[np.ndarray, "pair 2"]
    previous: Int[np.ndarray, "pair 2"]


def find_repeats(signature: Int[np.ndarray, " pulse"], keep: int) -> list[Repeat]:
    """Trains that are played more than `keep` times, found greedily from the start, the longest coverage first."""
    size, at = len(signature), 0
    found: list[Repeat] = []
    while at < size:
        best = Repeat(first=at, period=1, count=1)
        for period in np.flatnonzero(signature[at + 1 :] == signature[at])[:CANDIDATES] + 1:
            if at + period * (keep + 1) > size:
                break
            same = signature[at : size - period] == signature[at + period :]
            length = len(same) if same.all() else int(np.argmin(same))
            count = 1 + length // int(period)
            if count > keep and count * period > best.count * best.period:
                best = Repeat(first=at, period=int(period), count=count)
        if best.count > keep:
            found.append(best)
        at = best.first + best.period * best.count
    return found


def shorten(
    repeats: list[Repeat],
    keep: int,
    rows: Int[np.ndarray, "pulse 2"],
    low: Float[np.ndarray, "row 3"],
    high: Float[np.ndarray, "row 3"],
    reference: Float[np.ndarray, "row 3"],
) -> Shortened:
    """Keep the first `keep` (at least 2) repetitions of each train; see `Shortened`. Arguments as in `Schedule`."""
    pulses, seen, answered, earlier = _kept(repeats, keep, len(rows))
    bounds: list[np.ndarray] = []
    edges, actual, previous = [0], [], []
    for together, answers, before in zip(seen, answered, earlier, strict=True):
        count = int((rows[together, 1] - rows[together, 0]).max())
        for number in range(count):
            member = rows[together, 0][rows[together, 1] - rows[together, 0] > number] + number
            bounds.append(np.stack([low[member].min(axis=0), high[member].max(axis=0), reference[member[0]]]))
            target = rows[answers, 0][rows[answers, 1] - rows[answers, 0] > number] + number
            actual.append(np.column_stack([np.full(len(target), edges[-1] + number), target]))
            if before >= 0:
                previous.append((edges[-1] + number, edges[before] + number))
        edges.append(edges[-1] + count)
    limits = np.stack(bounds) if bounds else np.zeros((0, 3, 3))
    return Shortened(
        pulses=np.array(pulses),
        rows=np.column_stack([edges[:-1], edges[1:]]).astype(np.int64),
        low=np.ascontiguousarray(limits[:, 0]),
        high=np.ascontiguousarray(limits[:, 1]),
        reference=np.ascontiguousarray(limits[:, 2]),
        actual=np.concatenate(actual) if actual else np.zeros((0, 2), np.int64),
        previous=np.array(previous, np.int64).reshape(-1, 2),
    )


def _kept(
    repeats: list[Repeat], keep: int, size: int
) -> tuple[list[int], list[np.ndarray], list[np.ndarray], list[int]]:
    """Per kept pulse: itself, the pulses whose rows it sees, those it answers for, and its place one repetition earlier."""
    pulses: list[int] = []
    seen: list[np.ndarray] = []
    answered: list[np.ndarray] = []
    earlier: list[int] = []
    at = 0
    for repeat in [*repeats, Repeat(first=size, period=1, count=0)]:
        for alone in range(at, repeat.first):
            _add(pulses, seen, answered, earlier, alone, np.array([alone]), np.array([alone]), -1)
        for turn in range(min(keep, repeat.count)):
            for offset in range(repeat.period):
                everyone = repeat.first + offset + repeat.period * np.arange(repeat.count)
                own = everyone[turn : turn + 1]
                last = turn == keep - 1
                together = everyone if turn >= keep - 2 else own
                before = len(pulses) - repeat.period if last else -1
                _add(pulses, seen, answered, earlier, int(own[0]), together, everyone[turn:] if last else own, before)
        at = repeat.first + repeat.period * repeat.count
    return pulses, seen, answered, earlier


def _add(pulses, seen, answered, earlier, pulse, together, answers, before):  # type: ignore[no-untyped-def]
    pulses.append(pulse)
    seen.append(together)
    answered.append(answers)
    earlier.append(before)
