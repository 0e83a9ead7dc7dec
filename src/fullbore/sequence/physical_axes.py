"""From events on logical axes to what the scanner's x, y and z play: one shape times one scale on each axis."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fullbore.data import Gradient

_NOTHING = 1e-12
"""Weights below this are the rounding of a rotation."""
_DIGITS = 12
_TIME_DIGITS = 10

Axes = tuple[Gradient | None, Gradient | None, Gradient | None]


@dataclass(slots=True, eq=False)
class GradientLibrary:
    """All shapes of a sequence, each kept once.

    Shapes that differ by a factor are one, so that a rotated readout, or oblique lobes of one timing, stay shape times scale.
    Axes that need the sum of different shapes get one of their own for each ratio.
    """

    _shapes: list[Gradient] = field(default_factory=list)
    _numbers: dict[bytes, int] = field(default_factory=dict)
    _known: dict[int, tuple[Gradient, int, float]] = field(default_factory=dict)

    def finished(self, index: np.ndarray, scale: np.ndarray) -> tuple[tuple[Gradient, ...], np.ndarray]:
        """The shapes by number, each as large as it is ever played, and the scales that go with them, none beyond 1.

        index: int32 (block, 3), scale: (block, 3), all that was played.
        """
        largest = np.zeros(len(self._shapes) + 1)
        np.maximum.at(largest, index.ravel(), np.abs(scale).ravel())
        largest[:-1] = np.where(largest[:-1] > 1 + _NOTHING, largest[:-1], 1.0)
        largest[-1] = 1.0
        shapes = [
            shape if size == 1.0 else Gradient(times_s=shape.times_s, values_T_per_m=shape.values_T_per_m * size)
            for shape, size in zip(self._shapes, largest[:-1], strict=True)
        ]
        return tuple(shapes), scale / largest[index]

    def played(self, events: Axes, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shape numbers, int32 (repetition, 3), -1 for nothing, and their scales, (repetition, 3).

        weights: (repetition, axis, logical), how much of each logical event an axis plays.
        """
        times = len(weights)
        index = np.full((times, 3), -1, dtype=np.int32)
        scale = np.ones((times, 3))
        numbers, factors = self._numbered(events)
        if not numbers:
            return index, scale
        for axis in range(3):
            amount = self._collected(numbers, factors, weights[:, axis])
            heard = np.abs(amount) > _NOTHING
            several = heard.sum(axis=1) > 1
            for column, number in enumerate(dict.fromkeys(numbers.values())):
                alone = heard[:, column] & ~several
                index[alone, axis], scale[alone, axis] = number, amount[alone, column]
            self._play_sums(list(dict.fromkeys(numbers.values())), amount, several, index[:, axis], scale[:, axis])
        return index, scale

    def _numbered(self, events: Axes) -> tuple[dict[int, int], dict[int, float]]:
        """Logical axis -> number of its event's shape, and how many times that shape the event is."""
        numbers, factors = {}, {}
        for logical, event in enumerate(events):
            if event is not None and np.any(event.values_T_per_m):
                numbers[logical], factors[logical] = self._number(event)
        return numbers, factors

    def _collected(self, numbers: dict[int, int], factors: dict[int, float], weights: np.ndarray) -> np.ndarray:
        """Amount of each different shape, (repetition, shape), from weights (repetition, logical)."""
        columns = list(dict.fromkeys(numbers.values()))
        amount = np.zeros((len(weights), len(columns)))
        for logical, number in numbers.items():
            amount[:, columns.index(number)] += weights[:, logical] * factors[logical]
        return amount

    def _play_sums(
        self, columns: list[int], amount: np.ndarray, several: np.ndarray, index: np.ndarray, scale: np.ndarray
    ) -> None:
        """Give the repetitions that need a sum of shapes their own shape."""
        rows = np.flatnonzero(several)
        if not len(rows):
            return
        size = np.abs(amount[rows]).max(axis=1)
        ratios, which = np.unique(np.round(amount[rows] / size[:, None], _DIGITS), axis=0, return_inverse=True)
        made = [self._number(_summed([self._shapes[number] for number in columns], ratio)) for ratio in ratios]
        which = which.reshape(-1)
        index[rows] = np.array([number for number, _ in made])[which]
        scale[rows] = size * np.array([factor for _, factor in made])[which]

    def _number(self, event: Gradient) -> tuple[int, float]:
        """The number of an event's shape, and how many times that shape it is."""
        if id(event) not in self._known:
            peak = float(event.values_T_per_m[np.argmax(np.abs(event.values_T_per_m))])
            key = np.round(event.times_s, _TIME_DIGITS).tobytes() + np.round(event.values_T_per_m / peak, _DIGITS).tobytes()
            if key not in self._numbers:
                self._numbers[key] = len(self._shapes)
                self._shapes.append(event)
            number = self._numbers[key]
            first = self._shapes[number].values_T_per_m
            self._known[id(event)] = (event, number, peak / float(first[np.argmax(np.abs(first))]))
        return self._known[id(event)][1:]


def _summed(shapes: list[Gradient], weights: np.ndarray) -> Gradient:
    """The sum of shapes times weights, corners of all kept; a shape is zero outside its own times.

    A shape that begins or ends away from zero must do so at the block's edge, as continuous waveforms do.
    """
    used = [(shape, weight) for shape, weight in zip(shapes, weights, strict=True) if abs(weight) > _NOTHING]
    times = np.unique(np.round(np.concatenate([shape.times_s for shape, _ in used]), _TIME_DIGITS))
    values = np.zeros(len(times))
    for shape, weight in used:
        values += weight * np.interp(times, np.round(shape.times_s, _TIME_DIGITS), shape.values_T_per_m, left=0.0, right=0.0)
    return Gradient(times_s=times, values_T_per_m=values)
