"""Breathing: organs slide by their own lengths, the front of the trunk rises; every map has its inverse in closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fullbore.errors import ValueRangeError
from fullbore.phantom.bodies.heart_motion import tethered
from fullbore.phantom.movement import Movement, sheared

# Of the liver's way downward. Heart: Wang 1995 (0.6 of the diaphragm; not verified); the others are choices.
SHARES = {"liver": 1.0, "spleen": 0.9, "stomach": 0.8, "kidney": 0.6, "pancreas": 0.6, "heart": 0.55, "bowel": 0.35}
# And of the front's way forward.
_HEART_FORWARD = 0.15
# So far before the front, in the air, places are asked for.
_AHEAD_M = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Breath:
    """breathing(t): 0 at the end of expiration, 1 at the end of inspiration. down_m: of the liver. forward_m: of the front."""

    curve: Callable[[float], float]
    period_s: float
    down_m: float
    forward_m: float

    def sliding(self, organ: str) -> Movement:
        """An organ that slides as a whole, down (and, the heart, a little forward)."""
        way = np.array([0, -_HEART_FORWARD * self.forward_m if organ == "heart" else 0.0, -SHARES[organ] * self.down_m])
        return Movement(
            forward=lambda points, t: points + self.curve(t) * way,
            backward=lambda points, t: points - self.curve(t) * way,
            stretch=1.0, incompressible=True, period_s=self.period_s,
        )  # fmt: skip

    def hung(self, organ: str, held_m: tuple[float, float], within_m: float, length_m: float) -> Movement:
        """A vessel that leaves one at rest: held within a radius of (x, y), following an organ from `length_m` farther on."""
        down = SHARES[organ] * self.down_m

        def lowered(points: np.ndarray, t: float, sign: float) -> np.ndarray:
            out, away = points.copy(), np.hypot(points[:, 0] - held_m[0], points[:, 1] - held_m[1])
            out[:, 2] -= sign * self.curve(t) * down * np.clip((away - within_m) / length_m, 0, 1)
            return out

        slope = down / length_m
        return Movement(
            forward=lambda points, t: lowered(points, t, 1.0), backward=lambda points, t: lowered(points, t, -1.0),
            stretch=sheared(slope), incompressible=True, period_s=self.period_s,
        )  # fmt: skip

    def diaphragm(self, top_m: float, length_m: float) -> Movement:
        """The belly's content below the diaphragm: all of the way at the top, nothing length_m further down."""
        down = np.array([0, 0, -1.0])
        return tethered(
            np.array([0, 0, top_m]), down, length_m, lambda t: self.curve(t) * self.down_m * down, self.down_m, self.period_s
        )

    def front(
        self, back_m: float, depth_m: float, share: Callable[[np.ndarray], np.ndarray] | None = None, steepest_per_m: float = 0.0
    ) -> Movement:
        """Of the whole trunk: the front rises, a place at depth d before back_m by forward_m (d / depth_m)^2; behind, nothing.

        share: how much of it places (n, 3) take, by their x and z; all of it where not given. steepest_per_m: its largest slope.
        """
        quarter = self.forward_m / depth_m**2

        def bend(points: np.ndarray, t: float) -> float | np.ndarray:
            return self.curve(t) * quarter * (1.0 if share is None else share(points))

        def forward(points: np.ndarray, t: float) -> np.ndarray:
            out, ahead = points.copy(), np.maximum(back_m - points[:, 1], 0)
            out[:, 1] -= bend(points, t) * ahead**2
            return out

        def backward(points: np.ndarray, t: float) -> np.ndarray:
            out, ahead = points.copy(), np.maximum(back_m - points[:, 1], 0)
            # d + bend d^2 = ahead, in a form that does not lose digits when bend is small.
            depth = 2 * ahead / (1 + np.sqrt(1 + 4 * bend(points, t) * ahead))
            out[:, 1] += ahead - depth
            return out

        # A shear, which is largest in front; along the depth the inverse shortens.
        stretch = sheared(steepest_per_m * self.forward_m * (1 + _AHEAD_M / depth_m) ** 2)
        return Movement(forward=forward, backward=backward, stretch=stretch, period_s=self.period_s)


def breath(period_s: float, down_m: float, forward_m: float) -> Breath:
    """Breathing by sin^4: most of the time near expiration. Source: Lujan 1999, Med Phys 26:715, with n = 2 (not verified).

    Errors: ValueRangeError for a breath that nobody draws.
    """
    for name, value, low, high in (
        ("breathing_period_s", period_s, 1.5, 15.0),
        ("breathing_down_m", down_m, 0.0, 0.04),
        ("breathing_forward_m", forward_m, 0.0, 0.02),
    ):
        if not low <= value <= high:
            raise ValueRangeError(f"torso: {name} {value}, wanted {low} to {high}.")
    return Breath(curve=lambda t: float(np.sin(np.pi * t / period_s) ** 4), period_s=period_s, down_m=down_m, forward_m=forward_m)
