"""Loops on a helmet: places and sizes that null the flux which neighbours share."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq, least_squares
from scipy.sparse import lil_matrix

from fullbore.errors import LimitError, UsageError
from fullbore.hardware.array.brief import ArrayBrief, Former
from fullbore.hardware.array.loop import POINTS, Loop, loop_of
from fullbore.hardware.array.overlap import couplings, neighbours, refuse_gap

_CRITICAL = 1.52  # radii from centre to centre of two flat circles that share no flux
_SAMPLES, _SWEEPS = 2500, 40  # points on the helmet, and rounds in which each loop moves to the middle of its own
_COARSE = 128  # points on a wire while places are sought
_COARSE_WIRE_M = 0.003
_STEPS = 8
# Against drifting: residuals of a size and a place (share of a radius) beside those of coupling, and how far each may go.
_KEEP_SIZE, _KEEP_PLACE, _FURTHEST = 0.2, 0.2, 0.35
_FEWEST = 4


def helmet_loops(brief: ArrayBrief) -> tuple[Loop, ...]:
    """Circles wrapped onto the helmet, evenly over it (each in the middle of what is nearest to it).

    With critical overlap, places and sizes of all loops follow by least squares on the mutual inductances of neighbours: a
    planar net has fewer than three edges a circle, and a circle has three freedoms. Errors: LimitError when gaps leave no room.
    """
    former, count = brief.former, brief.channels
    if count < _FEWEST:
        raise UsageError(f"array, helmet: got {count} channels, wanted at least {_FEWEST}.")
    places = _spread(former, count)
    centres = np.array([loop.centre_m for loop in _laid(former, places, np.ones(count), 8)])
    apart = np.sort(np.linalg.norm(centres[:, None] - centres[None], axis=-1), axis=1)
    if brief.placement == "gap":
        nearest, wire = float(apart[:, 1].min()), brief.electronics.wire_radius_m
        radius = (nearest - brief.gap_m) / 2
        if radius <= 2 * wire:
            refuse_gap(brief, nearest - 4 * wire)
        return _laid(former, places, np.full(count, radius))
    start = float(apart[:, 1:4].mean()) / _CRITICAL
    return _laid(former, *_relaxed(former, places, np.full(count, start * _common(former, places, start))))


def _common(former: Former, places: np.ndarray, start_m: float) -> float:
    """The factor on one radius for all that nulls the mean coupling of neighbours."""
    pairs = neighbours(_laid(former, places, np.full(len(places), start_m), 8))

    def mean(factor: float) -> float:
        loops = _laid(former, places, np.full(len(places), factor * start_m), _COARSE)
        return float(couplings(loops, pairs, _COARSE_WIRE_M).mean())

    return float(brentq(mean, 0.5, 1.8, xtol=1e-4)) if pairs and mean(0.5) * mean(1.8) < 0 else 1.0


def _spread(former: Former, count: int) -> np.ndarray:
    """Directions (loop, 3) on the unit sphere: Lloyd's sweeps over the ellipsoid's cap, from a golden-angle spiral."""
    axes = np.array(former.half_axes_m)
    ground = _spiral(former, _SAMPLES)
    # A patch of the unit sphere becomes one of the ellipsoid: its area grows by abc |n / axes|.
    weight = np.linalg.norm(ground / axes, axis=1)
    places = _spiral(former, count)
    for _ in range(_SWEEPS):
        owner = np.argmin(np.linalg.norm((ground[:, None] - places[None]) * axes, axis=-1), axis=1)
        sums = np.stack([np.bincount(owner, weight * ground[:, axis], count) for axis in range(3)], axis=-1)
        sizes = np.linalg.norm(sums, axis=1, keepdims=True)
        if not sizes.all():
            raise LimitError(
                f"array, helmet: {count} loops cannot be spread over half axes of {', '.join(f'{a:g}' for a in axes)} m; their "
                "shape binds. Take half axes that differ less."
            )
        places = sums / sizes
    return np.asarray(places)


def _spiral(former: Former, count: int) -> np.ndarray:
    height = former.lowest + (1 - former.lowest) * (np.arange(count) + 0.5) / count
    azimuth = np.pi * (3 - np.sqrt(5)) * np.arange(count)
    across = np.sqrt(1 - height**2)
    return np.stack([across * np.cos(azimuth), across * np.sin(azimuth), height], axis=-1)


def _laid(former: Former, directions: np.ndarray, radii: np.ndarray, points: int = POINTS) -> tuple[Loop, ...]:
    return tuple(_wrapped(former, d, float(r), points) for d, r in zip(directions, radii, strict=True))


def _wrapped(former: Former, direction: np.ndarray, radius_m: float, points: int) -> Loop:
    """The shadow on the helmet, seen from its centre, of a circle that touches it."""
    axes, centre = np.array(former.half_axes_m), np.array(former.centre_m)
    normal = direction / axes / np.linalg.norm(direction / axes)
    first = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    first /= np.linalg.norm(first)
    second = np.cross(normal, first)

    def curve(angle: np.ndarray) -> np.ndarray:
        flat = axes * direction + radius_m * (np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second)
        return np.asarray(centre + flat / np.linalg.norm(flat / axes, axis=1, keepdims=True))

    return loop_of(curve, centre + axes * direction, normal, points)


def _relaxed(former: Former, directions: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One least-squares run with its list of neighbours."""
    count, mean = len(radii), float(radii.mean())
    pairs = neighbours(_laid(former, directions, radii, 8))
    helper = np.eye(3)[np.argmin(np.abs(directions), axis=1)]
    first = np.cross(directions, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(directions, first)
    step = mean / float(np.mean(former.half_axes_m))

    def moved(state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        along, across, grow = state.reshape(3, count)
        turned = directions + step * (along[:, None] * first + across[:, None] * second)
        return turned / np.linalg.norm(turned, axis=1, keepdims=True), radii * np.exp(grow)

    def misfit(state: np.ndarray) -> np.ndarray:
        found = couplings(_laid(former, *moved(state), _COARSE), pairs, _COARSE_WIRE_M)
        place, size = state[: 2 * count], np.log(moved(state)[1] / mean)
        return np.concatenate([found, _KEEP_PLACE * place, _KEEP_SIZE * size])

    solved = least_squares(
        misfit,
        np.zeros(3 * count),
        jac_sparsity=_pattern(pairs, count),
        diff_step=1e-4,
        max_nfev=_STEPS,
        bounds=(-_FURTHEST, _FURTHEST),
        x_scale=0.1,
    )
    return moved(solved.x)


def _pattern(pairs: list[tuple[int, int]], count: int) -> lil_matrix:
    """Which residual hangs on which loop's freedoms."""
    out = lil_matrix((len(pairs) + 3 * count, 3 * count), dtype=int)
    for row, pair in enumerate(pairs):
        for loop in pair:
            out[row, [loop, count + loop, 2 * count + loop]] = 1
    for own in range(3 * count):
        out[len(pairs) + own, own] = 1
    return out
