"""Which lines are measured: regular undersampling with calibration lines, variable-density Poisson disc."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Bool, Float, Int

from fullbore.errors import UsageError

DENSITY_SLOPE = 2.5
"""How much the disc radius grows from the centre of k-space to its edge: 1 + slope."""
_BISECTIONS = 16


def regular_lines(count: int, step: int, calibration: int) -> Int[np.ndarray, " line"]:
    """Every step-th line, k = 0 (index count // 2) among them, and `calibration` lines around the centre; rising."""
    index = np.arange(count)
    centre = count // 2
    inside = (index >= centre - calibration // 2) & (index < centre - calibration // 2 + calibration)
    return np.flatnonzero(((index - centre) % step == 0) | inside)


def poisson_disc(
    shape: tuple[int, int], acceleration: float, calibration: tuple[int, int], seed: int
) -> Bool[np.ndarray, "row column"]:
    """A variable-density Poisson-disc mask of exactly round(points / acceleration) points.

    shape: (rows, columns). calibration: fully sampled centre of that size. Corners of k-space are left out when the
    ellipse holds enough points. Seeded; ends after a fixed number of passes.
    Errors: UsageError when the calibration region alone needs more points than the acceleration allows.
    Source: dart throwing after Bridson, SIGGRAPH 2007; variable density after Vasanawala et al., ISBI 2011.
    """
    target = round(shape[0] * shape[1] / acceleration)
    centre = _central(shape, calibration)
    if centre.sum() > target:
        highest = shape[0] * shape[1] / int(centre.sum())
        raise UsageError(
            f"acceleration: got {acceleration:g}, but a calibration region of {calibration[0]} x {calibration[1]} "
            f"allows at most {highest:.2f}; lower one of them."
        )
    radius = _normalised_radius(shape)
    allowed = radius <= 1.0
    if target > 0.75 * allowed.sum():
        allowed = np.ones(shape, dtype=bool)
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.flatnonzero(allowed & ~centre))
    mask = _thrown(order, radius, centre, target)
    return _exactly(mask, centre, radius, allowed, target, rng)


def _central(shape: tuple[int, int], size: tuple[int, int]) -> Bool[np.ndarray, "row column"]:
    """The fully sampled rectangle."""
    mask = np.zeros(shape, dtype=bool)
    (row, rows), (column, columns) = ((n // 2 - s // 2, s) for n, s in zip(shape, size, strict=True))
    mask[max(row, 0) : row + rows, max(column, 0) : column + columns] = True
    return mask


def _normalised_radius(shape: tuple[int, int]) -> Float[np.ndarray, "row column"]:
    """Elliptic distance from k = 0, 1 at the edges' middles."""
    row, column = (2 * (np.arange(n) - n // 2) / n for n in shape)
    return np.hypot(row[:, None], column[None, :])


def _thrown(
    order: Int[np.ndarray, " point"], radius: Float[np.ndarray, "row column"], centre: Bool[np.ndarray, "row column"], target: int
) -> Bool[np.ndarray, "row column"]:
    """The dart-throwing mask whose disc size, found by bisection, gives a count nearest to the target."""
    low, high = 0.2, 1.5 * float(np.sqrt(radius.size / max(target, 1)))
    best, best_miss = centre, radius.size
    for _ in range(_BISECTIONS):
        size = (low + high) / 2
        mask = _throw(order, size * (1 + DENSITY_SLOPE * radius) / (1 + DENSITY_SLOPE / 2), centre.copy())
        miss = int(mask.sum()) - target
        if abs(miss) < best_miss:
            best, best_miss = mask, abs(miss)
        low, high = (size, high) if miss > 0 else (low, size)
    return best


@numba.njit(cache=True)
@no_type_check
def _throw(order: np.ndarray, reach: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Accept each candidate that has no accepted point within its reach (in grid steps)."""
    rows, columns = mask.shape
    for position in order:
        row, column = position // columns, position % columns
        limit = reach[row, column]
        span = int(limit)
        free = True
        for i in range(max(row - span, 0), min(row + span + 1, rows)):
            for j in range(max(column - span, 0), min(column + span + 1, columns)):
                if mask[i, j] and (i - row) ** 2 + (j - column) ** 2 < limit * limit:
                    free = False
                    break
            if not free:
                break
        mask[row, column] = free
    return mask


def _exactly(
    mask: Bool[np.ndarray, "row column"],
    centre: Bool[np.ndarray, "row column"],
    radius: Float[np.ndarray, "row column"],
    allowed: Bool[np.ndarray, "row column"],
    target: int,
    rng: np.random.Generator,
) -> Bool[np.ndarray, "row column"]:
    """Drop or add random points, outside the calibration region, until the count is the target's."""
    surplus = int(mask.sum()) - target
    pool = np.flatnonzero(mask & ~centre) if surplus > 0 else np.flatnonzero(allowed & ~mask)
    weight = (1 + DENSITY_SLOPE * radius.ravel()[pool]) ** (2.0 if surplus > 0 else -2.0)
    picked = rng.choice(pool, size=min(abs(surplus), len(pool)), replace=False, p=weight / weight.sum()) if len(pool) else pool
    exact = mask.copy()
    exact.ravel()[picked] = surplus < 0
    return exact
