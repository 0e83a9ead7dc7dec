"""What a pattern does to a point: its point-spread function, the largest sidelobe, how noise-like the rest is, its width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Complex, Float, Shaped
from scipy import ndimage

from fullbore.errors import ShapeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointSpread:
    """A point-spread function over the pattern's own axes, peak 1 at index n // 2.

    sidelobe: largest magnitude outside the main lobe (the hill about the peak), 0 where there is none.
    rms: root mean square there. incoherence: rms / sidelobe, 1 when all sidelobes are alike, near 0 for a few sharp ghosts.
    """

    function: np.ndarray
    sidelobe: float
    rms: float
    incoherence: float


def point_spread(weights: Shaped[np.ndarray, "*shape"]) -> PointSpread:
    """The point-spread function of a mask, or of weights (decay, repeated samples), on a Cartesian grid of any dimension.

    k = 0 is index n // 2; a frame axis gives the spread over temporal frequencies.
    """
    values = np.asarray(weights, dtype=np.float64)
    function = np.fft.fftshift(np.fft.ifftn(np.fft.ifftshift(values)))
    return _measured(function)


def point_spread_at(
    k_per_m: Float[np.ndarray, "sample axis"],
    points_m: Float[np.ndarray, "*grid axis"],
    weights: Float[np.ndarray, " sample"] | None = None,
) -> PointSpread:
    """The point-spread function of samples anywhere in k-space, at the given points; the peak is where the magnitude is largest.

    weights: density compensation, all ones unless given. A direct sum: its cost is samples times points.
    """
    grid = points_m.shape[:-1]
    w = np.ones(len(k_per_m)) if weights is None else weights
    values = _summed(np.ascontiguousarray(k_per_m), np.ascontiguousarray(points_m.reshape(-1, points_m.shape[-1])), w)
    return _measured(values.reshape(grid))


def full_width(spread: PointSpread) -> float:
    """Full width at half maximum of a one-dimensional spread, in grid steps; sub-step by sinc interpolation.

    Errors: ShapeError for more than one axis longer than 1.
    """
    line = np.squeeze(spread.function)
    if line.ndim != 1:
        raise ShapeError(f"full_width: got a spread of shape {spread.function.shape}, wanted one line of it.")
    fine = 64
    k = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(line)))
    padded = np.zeros(fine * len(k), dtype=complex)
    first = len(padded) // 2 - len(k) // 2
    padded[first : first + len(k)] = k
    magnitude = np.abs(np.fft.fftshift(np.fft.ifft(padded)))
    peak = int(magnitude.argmax())
    below = magnitude < magnitude[peak] / 2
    right = int(np.argmax(below[peak:])) if below[peak:].any() else len(padded) - peak
    left = int(np.argmax(below[peak::-1])) if below[: peak + 1].any() else peak
    return (left + right) / fine


def _measured(function: Complex[np.ndarray, "*shape"]) -> PointSpread:
    """Scale the peak to 1 and look outside the main lobe."""
    magnitude = np.abs(function)
    peak = np.unravel_index(int(magnitude.argmax()), magnitude.shape)
    function = function / function[peak]
    outside = np.abs(function)[~_hill(np.abs(function), tuple(int(i) for i in peak))]
    sidelobe = float(outside.max()) if outside.size else 0.0
    sidelobe = sidelobe if sidelobe > 1e-12 else 0.0
    rms = float(np.sqrt(np.mean(outside**2))) if outside.size else 0.0
    return PointSpread(function=function, sidelobe=sidelobe, rms=rms, incoherence=rms / sidelobe if sidelobe else 0.0)


def _hill(magnitude: Float[np.ndarray, "*shape"], peak: tuple[int, ...]) -> Shaped[np.ndarray, "*shape"]:
    """The points that one reaches from the peak by going downhill only; everywhere flat counts as no hill."""
    hill = np.zeros(magnitude.shape, dtype=bool)
    hill[peak] = True
    cross = ndimage.generate_binary_structure(magnitude.ndim, 1)
    while True:
        # A step outwards is downhill when the highest hill neighbour stands above the new point.
        height = ndimage.maximum_filter(np.where(hill, magnitude, -1.0), footprint=cross, mode="wrap")
        new = ~hill & (height > magnitude * (1 + 1e-12)) & _falls(magnitude, hill, cross)
        if not new.any():
            return hill
        hill |= new


def _falls(
    magnitude: Float[np.ndarray, "*shape"], hill: Shaped[np.ndarray, "*shape"], cross: Shaped[np.ndarray, ...]
) -> Shaped[np.ndarray, "*shape"]:
    """Points that stand below every neighbour that is on the hill and above rounding."""
    lowest = ndimage.minimum_filter(np.where(hill, magnitude, np.inf), footprint=cross, mode="wrap")
    return np.asarray((magnitude < lowest) & (magnitude > 1e-9))


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _summed(k: np.ndarray, points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """sum of weight exp(2 pi i k.r) at each point."""
    out = np.zeros(len(points), np.complex128)
    for p in range(len(points)):
        real = imaginary = 0.0
        for s in range(len(k)):
            turn = 0.0
            for a in range(k.shape[1]):
                turn += k[s, a] * points[p, a]
            real += weights[s] * np.cos(2 * np.pi * turn)
            imaginary += weights[s] * np.sin(2 * np.pi * turn)
        out[p] = complex(real, imaginary)
    return out
