"""Trains that repeat: once spins have settled, every further repetition answers as the last one did."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

CANDIDATES = 64
FEWEST, SETTLING_S = 3, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Pulses first, ..., first + period * count - 1 are one train of `period` pulses played `count` times.

    keep: how many of the repetitions to play, at least 2.
    """

    first: int
    period: int
    count: int
    keep: int

    @property
    def end(self) -> int:
        """First pulse after the repetitions."""
        return self.first + self.period * self.count

    def longer(self) -> Repeat | None:
        """The same with twice the repetitions played, None where that is all of them."""
        return replace(self, keep=2 * self.keep) if 2 * self.keep < self.count else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shortened:
    """A schedule with only the first repetitions of every train; the last two of them see what any repetition would.

    pulses: kept pulses. rows: (kept pulse, 2) into stand-in rows. low, high, reference: (stand-in row, 3).
    actual: (pair, 2) of a stand-in row and a row of the schedule that it answers for. previous: (triple, 3) of a stand-in
    row of a train's last kept repetition, the same one a repetition earlier, and the train's number.
    """

    pulses: Int[np.ndarray, " kept"]
    rows: Int[np.ndarray, "kept 2"]
    low: Float[np.ndarray, "row 3"]
    high: Float[np.ndarray, "row 3"]
    reference: Float[np.ndarray, "row 3"]
    actual: Int[np.ndarray, "pair 2"]
    previous: Int[np.ndarray, "triple 3"]


def find_repeats(signature: Int[np.ndarray, " pulse"], interval_s: Float[np.ndarray, " pulse"]) -> list[Repeat]:
    """Trains played more often than spins need to settle, found greedily from the start, the longest coverage first.

    interval_s: time before each pulse. At least `FEWEST` repetitions and `SETTLING_S` are kept.
    """
    size, at = len(signature), 0
    found: list[Repeat] = []
    while at < size:
        best = None
        for period in np.flatnonzero(signature[at + 1 :] == signature[at])[:CANDIDATES] + 1:
            if at + int(period) * (FEWEST + 1) > size:
                break
            repeat = _repeat(signature, interval_s, at, int(period))
            if repeat.count > repeat.keep and (best is None or repeat.end > best.end):
                best = repeat
        if best is not None:
            found.append(best)
        at = at + 1 if best is None else best.end
    return found


def _repeat(signature: Int[np.ndarray, " pulse"], interval_s: Float[np.ndarray, " pulse"], first: int, period: int) -> Repeat:
    same = signature[first : len(signature) - period] == signature[first + period :]
    length = len(same) if same.all() else int(np.argmin(same))
    duration = float(interval_s[first + 1 : first + period + 1].sum())
    keep = max(FEWEST, int(np.ceil(SETTLING_S / max(duration, 1e-6))))
    return Repeat(first=first, period=period, count=1 + length // period, keep=keep)


def shorten(
    repeats: list[Repeat],
    rows: Int[np.ndarray, "pulse 2"],
    low: Float[np.ndarray, "row 3"],
    high: Float[np.ndarray, "row 3"],
    reference: Float[np.ndarray, "row 3"],
) -> Shortened:
    """Play only the kept repetitions of each train; see `Shortened`. Other arguments as in `Schedule`."""
    if not repeats:
        return _whole(rows, low, high, reference)
    pulses, seen, answered, earlier, train = _kept(repeats, len(rows))
    bounds: list[np.ndarray] = []
    edges, actual, previous = [0], [], []
    for together, answers, before, number_of_train in zip(seen, answered, earlier, train, strict=True):
        count = int((rows[together, 1] - rows[together, 0]).max())
        for number in range(count):
            member = rows[together, 0][rows[together, 1] - rows[together, 0] > number] + number
            bounds.append(np.stack([low[member].min(axis=0), high[member].max(axis=0), reference[member[0]]]))
            target = rows[answers, 0][rows[answers, 1] - rows[answers, 0] > number] + number
            actual.append(np.column_stack([np.full(len(target), edges[-1] + number), target]))
            if before >= 0:
                previous.append((edges[-1] + number, edges[before] + number, number_of_train))
        edges.append(edges[-1] + count)
    limits = np.stack(bounds) if bounds else np.zeros((0, 3, 3))
    return Shortened(
        pulses=np.array(pulses),
        rows=np.column_stack([edges[:-1], edges[1:]]).astype(np.int64),
        low=np.ascontiguousarray(limits[:, 0]),
        high=np.ascontiguousarray(limits[:, 1]),
        reference=np.ascontiguousarray(limits[:, 2]),
        actual=np.concatenate(actual) if actual else np.zeros((0, 2), np.int64),
        previous=np.array(previous, np.int64).reshape(-1, 3),
    )


def _whole(
    rows: Int[np.ndarray, "pulse 2"],
    low: Float[np.ndarray, "row 3"],
    high: Float[np.ndarray, "row 3"],
    reference: Float[np.ndarray, "row 3"],
) -> Shortened:
    """Everything is played, and every row answers for itself."""
    every = np.arange(len(low))
    return Shortened(
        pulses=np.arange(len(rows)),
        rows=rows,
        low=np.ascontiguousarray(low),
        high=np.ascontiguousarray(high),
        reference=np.ascontiguousarray(reference),
        actual=np.column_stack([every, every]),
        previous=np.zeros((0, 3), np.int64),
    )


def _kept(repeats: list[Repeat], size: int) -> tuple[list[int], list[np.ndarray], list[np.ndarray], list[int], list[int]]:
    """Per kept pulse: itself, the pulses whose rows it sees, those it answers for, its place one repetition earlier, train."""
    table: list[tuple[int, np.ndarray, np.ndarray, int, int]] = []
    at = 0
    for number, repeat in enumerate([*repeats, Repeat(first=size, period=1, count=0, keep=2)]):
        table += [(alone, np.array([alone]), np.array([alone]), -1, -1) for alone in range(at, repeat.first)]
        for turn in range(min(repeat.keep, repeat.count)):
            last = turn == repeat.keep - 1
            before = len(table) - repeat.period if last else -1
            for offset in range(repeat.period):
                everyone = repeat.first + offset + repeat.period * np.arange(repeat.count)
                own = everyone[turn : turn + 1]
                together = everyone if turn >= repeat.keep - 2 else own
                table.append((int(own[0]), together, everyone[turn:] if last else own, before + offset if last else -1, number))
        at = repeat.end
    pulses, seen, answered, earlier, train = (list(column) for column in zip(*table, strict=True))
    return pulses, seen, answered, earlier, train
