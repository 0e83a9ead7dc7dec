"""One receive loop: a smooth closed wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.errors import ShapeError

POINTS = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loop:
    """A closed wire as equal steps of its parameter.

    points_m (n, 3): on the wire, n a power of two. lengths_m (n, 3): what each stands for, the curve's derivative times the step:
    sums over it converge exponentially for smooth integrands, also when thinned. centre_m, normal: where it looks from.
    """

    points_m: np.ndarray
    lengths_m: np.ndarray
    centre_m: np.ndarray
    normal: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.points_m)
        if self.points_m.shape != (count, 3) or self.lengths_m.shape != (count, 3) or count < 8 or count & (count - 1):
            raise ShapeError(
                f"Loop: got points {self.points_m.shape} and lengths {self.lengths_m.shape}, wanted (2^n, 3) of both."
            )

    def thinned(self, points: int) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
        """Points and lengths of the same curve in fewer steps; `points` a power of two."""
        step = max(1, len(self.points_m) // points)
        return self.points_m[::step], self.lengths_m[::step] * step

    @property
    def length_m(self) -> float:
        """Length of the wire."""
        return float(np.linalg.norm(self.lengths_m, axis=1).sum())

    @property
    def radius_m(self) -> float:
        """Radius of the circle with the same length."""
        return self.length_m / (2 * np.pi)


def loop_of(curve: Callable[[np.ndarray], np.ndarray], centre_m: np.ndarray, normal: np.ndarray, points: int = POINTS) -> Loop:
    """The loop whose point at the parameter t in [0, 2 pi) is curve(t) -> (n, 3); the derivative is spectral."""
    where = curve(2 * np.pi * (np.arange(points) + 0.5) / points)
    frequency = np.fft.fftfreq(points, 1 / points)
    frequency[points // 2] = 0  # the Nyquist term of a real curve has no derivative
    slope = np.fft.ifft(1j * frequency[:, None] * np.fft.fft(where, axis=0), axis=0).real
    lengths = slope * (2 * np.pi / points)
    return Loop(points_m=where, lengths_m=lengths, centre_m=centre_m, normal=normal / np.linalg.norm(normal))


def circle(
    centre_m: Float[np.ndarray, "xyz=3"], normal: Float[np.ndarray, "xyz=3"], radius_m: float, points: int = POINTS
) -> Loop:
    """A flat circular loop, right-handed about `normal`."""
    axis = normal / np.linalg.norm(normal)
    helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)

    def curve(angle: np.ndarray) -> np.ndarray:
        return np.asarray(centre_m + radius_m * (np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second))

    return loop_of(curve, np.asarray(centre_m, float), axis, points)
