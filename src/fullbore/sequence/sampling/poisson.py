"""Variable-density Poisson discs: of one image, of lines, and of frames that complement each other."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Bool, Float, Int

from fullbore.errors import UsageError
from fullbore.sequence.sampling.regular import central

DENSITY_SLOPE = 2.5
"""How much the disc radius grows from the centre of k-space to its edge: 1 + slope."""
_BISECTIONS = 16


def poisson_disc(
    shape: tuple[int, int], acceleration: float, calibration: tuple[int, int], seed: int, density_slope: float = DENSITY_SLOPE
) -> Bool[np.ndarray, "row column"]:
    """A variable-density Poisson-disc mask of exactly round(points / acceleration) points.

    shape: (rows, columns); a size of 1 gives lines. calibration: fully sampled centre of that size. density_slope: how much
    the disc's radius grows from the centre to the edge of k-space (0: the same density everywhere). Corners of k-space are
    left out when the ellipse holds enough points. Seeded; ends after a fixed number of passes.
    Errors: UsageError when no such mask is: more calibration points than the acceleration allows, no point at all.
    Source: dart throwing after Bridson, SIGGRAPH 2007; variable density after Vasanawala et al., ISBI 2011.
    """
    return poisson_frames(1, shape, acceleration, calibration, seed, density_slope)[0]


def poisson_frames(
    frames: int,
    shape: tuple[int, int],
    acceleration: float,
    calibration: tuple[int, int],
    seed: int,
    density_slope: float = DENSITY_SLOPE,
) -> Bool[np.ndarray, "frame row column"]:
    """A Poisson-disc mask for each frame, each of the same exact count, that complement each other.

    A frame takes the positions first that the frames before it took least, so that a run of about `acceleration` frames
    covers k-space as evenly as the variable density lets it. Errors: as `poisson_disc`.
    """
    target, centre = _request(frames, shape, acceleration, calibration, density_slope)
    radius = _normalised_radius(shape)
    allowed = radius <= 1.0
    if target > 0.75 * allowed.sum():
        allowed = np.ones(shape, dtype=bool)
    rng = np.random.default_rng(seed)
    used = np.zeros(shape, dtype=np.int64)
    masks = np.zeros((frames, *shape), dtype=bool)
    for frame in range(frames):
        free = rng.permutation(np.flatnonzero(allowed & ~centre))
        order = free[np.argsort(used.ravel()[free], kind="stable")]
        mask = _thrown(order, radius, centre, target, density_slope)
        masks[frame] = _exactly(mask, centre, radius, allowed, used, target, rng, density_slope)
        used += masks[frame]
    return masks


def _request(
    frames: int, shape: tuple[int, int], acceleration: float, calibration: tuple[int, int], slope: float
) -> tuple[int, Bool[np.ndarray, "row column"]]:
    """How many points, and the calibration region. Errors: UsageError for what cannot be."""
    if min(shape) < 1 or frames < 1:
        raise UsageError(f"shape: got {frames} frame(s) of {shape[0]} x {shape[1]}; wanted at least 1 of each.")
    if not 1 <= acceleration < np.inf or not 0 <= slope < np.inf:
        raise UsageError(f"acceleration: got {acceleration:g} with a density slope of {slope:g}; wanted >= 1 and >= 0.")
    target = round(shape[0] * shape[1] / acceleration)
    if target < 1:
        raise UsageError(f"acceleration: got {acceleration:g}, but {shape[0]} x {shape[1]} has fewer points; lower it.")
    centre = central(shape, calibration)
    if centre.sum() > target:
        highest = shape[0] * shape[1] / int(centre.sum())
        raise UsageError(
            f"acceleration: got {acceleration:g}, but a calibration region of {calibration[0]} x {calibration[1]} "
            f"allows at most {highest:.2f}; lower one of them."
        )
    return target, centre


def _normalised_radius(shape: tuple[int, int]) -> Float[np.ndarray, "row column"]:
    """Elliptic distance from k = 0, 1 at the edges' middles."""
    row, column = (2 * (np.arange(n) - n // 2) / n for n in shape)
    return np.hypot(row[:, None], column[None, :])


def _thrown(
    order: Int[np.ndarray, " point"],
    radius: Float[np.ndarray, "row column"],
    centre: Bool[np.ndarray, "row column"],
    target: int,
    slope: float,
) -> Bool[np.ndarray, "row column"]:
    """The dart-throwing mask whose disc size, found by bisection, gives a count nearest to the target."""
    thinning = radius.size / max(target, 1)
    low, high = 0.2, 1.5 * float(thinning if 1 in radius.shape else np.sqrt(thinning))
    best, best_miss = centre, radius.size
    most = 2 * target + int(centre.sum())  # more are not counted: the discs are far too small
    for _ in range(_BISECTIONS):
        size = (low + high) / 2
        mask = _throw(order, size * (1 + slope * radius) / (1 + slope / 2), centre.copy(), most)
        miss = int(mask.sum()) - target
        if abs(miss) < best_miss:
            best, best_miss = mask, abs(miss)
        if miss == 0:
            break
        low, high = (size, high) if miss > 0 else (low, size)
    return best


@numba.njit(cache=True, nogil=True)
@no_type_check
def _throw(order: np.ndarray, reach: np.ndarray, mask: np.ndarray, most: int) -> np.ndarray:
    """Accept each candidate that has no accepted point within its reach (in grid steps), until there are more than most.

    Looks at the accepted points or at the candidate's neighbourhood, whichever are fewer.
    """
    rows, columns = mask.shape
    known = np.flatnonzero(mask)
    points = np.empty((most + len(known) + 1, 2), dtype=np.int64)
    count = len(known)
    points[:count, 0], points[:count, 1] = known // columns, known % columns
    for position in order:
        row, column = position // columns, position % columns
        limit = reach[row, column]
        span = int(min(limit, rows + columns))
        top, bottom = max(row - span, 0), min(row + span + 1, rows)
        left, right = max(column - span, 0), min(column + span + 1, columns)
        if count < (bottom - top) * (right - left):
            free = _far(points[:count], row, column, limit * limit)
        else:
            free = _clear(mask[top:bottom, left:right], row - top, column - left, limit * limit)
        if free:
            mask[row, column] = True
            points[count] = row, column
            count += 1
            if count > most:
                break
    return mask


@numba.njit(cache=True, nogil=True)
@no_type_check
def _far(points: np.ndarray, row: int, column: int, square: float) -> bool:
    """No point of the list within the distance."""
    for p in range(len(points)):  # noqa: SIM110 (Numba knows no generators)
        if (points[p, 0] - row) ** 2 + (points[p, 1] - column) ** 2 < square:
            return False
    return True


@numba.njit(cache=True, nogil=True)
@no_type_check
def _clear(mask: np.ndarray, row: int, column: int, square: float) -> bool:
    """No point of the mask within the distance."""
    for i in range(mask.shape[0]):
        for j in range(mask.shape[1]):
            if mask[i, j] and (i - row) ** 2 + (j - column) ** 2 < square:
                return False
    return True


def _exactly(
    mask: Bool[np.ndarray, "row column"],
    centre: Bool[np.ndarray, "row column"],
    radius: Float[np.ndarray, "row column"],
    allowed: Bool[np.ndarray, "row column"],
    used: Int[np.ndarray, "row column"],
    target: int,
    rng: np.random.Generator,
    slope: float,
) -> Bool[np.ndarray, "row column"]:
    """Drop or add random points, outside the calibration region, until the count is the target's; the least used stay."""
    surplus = int(mask.sum()) - target
    pool = np.flatnonzero(mask & ~centre) if surplus > 0 else np.flatnonzero(allowed & ~mask)
    weight = (1 + slope * radius.ravel()[pool]) ** (2.0 if surplus > 0 else -2.0)
    # The largest of log(u) / weight: a draw without replacement by weight (Efraimidis and Spirakis 2006).
    key = np.log(rng.random(len(pool))) / weight
    turns = used.ravel()[pool] * (-1 if surplus > 0 else 1)
    picked = pool[np.lexsort((-key, turns))[: abs(surplus)]]
    exact = mask.copy()
    exact.ravel()[picked] = surplus < 0
    return exact
