"""Movement of a body or an organ: an invertible map between places at rest and places at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.errors import ValueRangeError

Map = Callable[[np.ndarray, float], np.ndarray]

_ITERATIONS = 200
_CLOSE_M = 1e-7
_MOST_CYCLES = 4
_SAME = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Movement:
    """Where matter goes. forward(points_m (n, 3) at rest, time_s): places at that time; backward: the inverse, (n, 3) to (n, 3).

    backward None: found by iteration, which needs a displacement whose slope stays below one. stretch: the largest factor by
    which backward lengthens a distance. incompressible: a promise that volumes are kept, for tests to hold it to.
    period_s: it repeats. quickest_s: the period of its quickest part, where it is chained of several.
    """

    forward: Map
    backward: Map | None = None
    stretch: float = 2.0
    incompressible: bool = False
    period_s: float | None = None
    quickest_s: float | None = None

    def at_rest(self, points_m: Float[np.ndarray, "n 3"], time_s: float | int) -> Float[np.ndarray, "n 3"]:
        """Places at rest of what lies at points_m at a time. Errors: ValueRangeError where the map cannot be inverted."""
        if self.backward is not None:
            return self.backward(points_m, float(time_s))
        found = points_m.copy()
        for _ in range(_ITERATIONS):
            error = points_m - self.forward(found, float(time_s))
            found += error
            if np.abs(error).max(initial=0.0) < _CLOSE_M:
                return found
        worst = float(np.abs(error).max())
        raise ValueRangeError(
            f"Movement: not inverted at t = {time_s} s, {1e3 * worst:.3g} mm are left after {_ITERATIONS} steps. "
            "Make it smaller or smoother, or give its inverse."
        )


def chained(first: Movement, second: Movement) -> Movement:
    """first, then second on what first has made: a beating heart in a breathing chest."""

    def forward(points: np.ndarray, time_s: float) -> np.ndarray:
        return second.forward(first.forward(points, time_s), time_s)

    def backward(points: np.ndarray, time_s: float) -> np.ndarray:
        return first.at_rest(second.at_rest(points, time_s), time_s)

    return Movement(
        forward=forward, backward=backward, stretch=first.stretch * second.stretch,
        incompressible=first.incompressible and second.incompressible,
        period_s=common_period([first.period_s, second.period_s]),
        quickest_s=min((p for one in (first, second) for p in (one.quickest_s, one.period_s) if p is not None), default=None),
    )  # fmt: skip


def common_period(periods_s: Iterable[float | None]) -> float | None:
    """The shortest time (s) in which each of some periods fits a whole number of times, to 1e-4 of it.

    None where one of them does not repeat, or where it takes more than `_MOST_CYCLES` of the longest.
    """
    known = list(periods_s)
    if not known or any(period is None for period in known):
        return None
    given = [period for period in known if period is not None]
    longest = max(given)
    for cycles in range(1, _MOST_CYCLES + 1):
        turns = [cycles * longest / period for period in given]
        if all(abs(turn - round(turn)) <= _SAME * turn for turn in turns):
            return cycles * longest
    return None


def rigid(turn: Callable[[float], np.ndarray], shift: Callable[[float], np.ndarray]) -> Movement:
    """Everything turns by the rotation matrix turn(time_s) about the origin and shifts by shift(time_s), metres."""
    return Movement(
        forward=lambda points, time_s: points @ turn(time_s).T + shift(time_s),
        backward=lambda points, time_s: (points - shift(time_s)) @ turn(time_s),
        stretch=1.0,
        incompressible=True,
    )


def sheared(slope: float) -> float:
    """The largest factor by which a shear of a slope, or its inverse, lengthens a distance: its larger singular value."""
    return slope / 2 + float(np.hypot(1, slope / 2))


def jacobian(movement: Movement, points_m: Float[np.ndarray, "n 3"], time_s: float | int) -> Float[np.ndarray, "n 3 3"]:
    """Slope of the places at a time over those at rest, by central differences over 0.2 mm; its determinant is the swelling."""
    step = 1e-4
    columns = [
        (movement.forward(points_m + step * axis, float(time_s)) - movement.forward(points_m - step * axis, float(time_s)))
        / (2 * step)
        for axis in np.eye(3)
    ]
    return np.stack(columns, axis=-1)
