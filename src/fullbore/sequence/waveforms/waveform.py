"""Gradients of several axes on the raster: linear between corners, one corner a raster step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.data import Gradient
from fullbore.errors import ShapeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waveform:
    """values_T_per_m: (corner, axis), corner i at i * raster_s; linear between them. Axes are the caller's."""

    raster_s: float
    values_T_per_m: np.ndarray

    def __post_init__(self) -> None:
        if self.values_T_per_m.ndim != 2 or len(self.values_T_per_m) < 2:
            raise ShapeError(f"Waveform: got {self.values_T_per_m.shape}, wanted (corner, axis) with at least 2 corners.")

    @property
    def duration_s(self) -> float:
        """From the first corner to the last."""
        return (len(self.values_T_per_m) - 1) * self.raster_s

    @property
    def slew_T_per_m_s(self) -> np.ndarray:
        """Slope of each raster step, (step, axis)."""
        return np.asarray(np.diff(self.values_T_per_m, axis=0) / self.raster_s)

    def times_s(self) -> np.ndarray:
        """Times of the corners, (corner,)."""
        return np.arange(len(self.values_T_per_m)) * self.raster_s

    def moment(self, order: int, about_s: float = 0.0) -> np.ndarray:
        """integral of g (t - about)^order dt of each axis, (axis,), T s^(order + 1) / m; exact."""
        return np.asarray(moment_weights(len(self.values_T_per_m), self.raster_s, order, about_s) @ self.values_T_per_m)

    def k_per_m(self, times_s: np.ndarray | None = None) -> np.ndarray:
        """k from 0 at the start to each time (the corners unless given), (time, axis), cycles/m; exact."""
        times = self.times_s() if times_s is None else times_s
        return np.stack([GYROMAGNETIC_RATIO_HZ_PER_T * g.area_until_T_s_per_m(times) for g in self.gradients()], axis=1)

    def gradients(self, delay_s: float = 0.0) -> tuple[Gradient, ...]:
        """One `Gradient` an axis."""
        times = self.times_s() + delay_s
        return tuple(Gradient(times_s=times, values_T_per_m=values.copy()) for values in self.values_T_per_m.T)

    def reversed(self) -> Waveform:
        """Played backwards: k runs from the end to the start when the sign is turned, too."""
        return Waveform(raster_s=self.raster_s, values_T_per_m=self.values_T_per_m[::-1].copy())

    def turned(self, rotation: np.ndarray) -> Waveform:
        """In another frame: rotation (new axis, axis)."""
        return Waveform(raster_s=self.raster_s, values_T_per_m=self.values_T_per_m @ rotation.T)

    def then(self, other: Waveform) -> Waveform:
        """This waveform followed by another that starts with the value at which this one ends."""
        jump = np.abs(self.values_T_per_m[-1] - other.values_T_per_m[0]).max()
        if jump > 1e-9 or abs(self.raster_s - other.raster_s) > 1e-12:
            raise ShapeError(f"Waveform.then: a jump of {jump:.3g} T/m or another raster; join waveforms that meet.")
        return Waveform(raster_s=self.raster_s, values_T_per_m=np.concatenate([self.values_T_per_m, other.values_T_per_m[1:]]))


def moment_weights(corners: int, raster_s: float, order: int, about_s: float = 0.0) -> Float[np.ndarray, " corner"]:
    """w such that w @ values is the integral of g (t - about)^order over a waveform of so many corners; exact."""
    shares, weights = np.polynomial.legendre.leggauss(order // 2 + 2)
    shares, weights = (shares + 1) / 2, weights / 2
    start = np.arange(corners - 1)[:, None]
    power = ((start + shares) * raster_s - about_s) ** order * weights * raster_s
    out = np.zeros(corners)
    out[:-1] += (power * (1 - shares)).sum(axis=1)
    out[1:] += (power * shares).sum(axis=1)
    return out
