"""B1 shimming: channel amplitudes and phases that even |B1+| over a region, under a limit on power.

Magnitude least squares: minimise sum (|A w| - t)^2 + lambda w^H P w by exchanging the phases of the target with those reached
(Setsompop 2008, Magn Reson Med 59:908; Kassakian 2006, thesis, MIT); the cost cannot grow from step to step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex

from fullbore.errors import LimitError, ShapeError, ValueRangeError

_STEPS, _SETTLED, _SETTLED_LIMITED, _BISECTIONS = 500, 1e-12, 1e-6, 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shim:
    """weights: (channel,). rms_error: root mean square of |A w| / t - 1. power: w^H P w. steps: taken in the last solve."""

    weights: np.ndarray
    rms_error: float
    power: float
    steps: int


def shim_magnitude(
    fields: Complex[np.ndarray, "p channel"],
    target: float,
    starts: Sequence[Complex[np.ndarray, " channel"]],
    power: Complex[np.ndarray, "i j"] | None = None,
    limit: float = np.inf,
) -> Shim:
    """Weights for |fields @ weights| = target over the points, with weights^H power weights <= limit.

    starts: drives to begin from; the result is no worse than any of them that keeps the limit (each first scaled to its best
    size within it). Local minima remain possible.
    Errors: ShapeError, ValueRangeError for a target that is not positive or no start; LimitError for a limit that is not.
    """
    channels = fields.shape[1]
    if power is not None and power.shape != (channels, channels):
        raise ShapeError(f"shim_magnitude: got a power matrix {power.shape}, wanted ({channels}, {channels}).")
    if not target > 0 or not starts:
        raise ValueRangeError(f"shim_magnitude: got target {target}, {len(starts)} starts, wanted > 0 and at least one.")
    if not limit > 0:
        raise LimitError(f"shim_magnitude: a power limit of {limit} allows no field. Give a positive limit.")
    matrix = np.zeros((channels, channels), complex) if power is None else np.asarray(power, complex)
    found = [_limited(fields, target, _scaled(fields, target, start, matrix, limit), matrix, limit) for start in starts]
    return min(found, key=lambda shim: shim.rms_error)


def rms_error(fields: Complex[np.ndarray, "p channel"], target: float, weights: Complex[np.ndarray, " channel"]) -> float:
    """Root mean square of |B1+| / target - 1."""
    return float(np.sqrt(np.mean((np.abs(fields @ weights) / target - 1) ** 2)))


def scaled_drive(
    fields: Complex[np.ndarray, "p channel"], target: float, weights: Complex[np.ndarray, " channel"]
) -> Complex[np.ndarray, " channel"]:
    """The drive at its best size: t sum |a| / sum |a|^2, in closed form."""
    size = np.abs(fields @ weights)
    return weights * (target * size.sum() / (size**2).sum())


def _power(weights: np.ndarray, matrix: np.ndarray) -> float:
    return float((weights.conj() @ matrix @ weights).real)


def _scaled(fields: np.ndarray, target: float, start: np.ndarray, matrix: np.ndarray, limit: float) -> np.ndarray:
    best = scaled_drive(fields, target, start.astype(complex))
    used = _power(best, matrix)
    return best * np.sqrt(limit / used) if used > limit else best


def _limited(fields: np.ndarray, target: float, start: np.ndarray, matrix: np.ndarray, limit: float) -> Shim:
    """Exchange without the limit; where that breaks it, the least lambda that keeps it, by bisection in its logarithm."""
    free = _exchange(fields, target, start, matrix, 0.0)
    if free.power <= limit:
        return free
    scale = float(np.linalg.norm(fields) ** 2 / max(np.trace(matrix).real, 1e-300))
    kept = Shim(weights=start, rms_error=rms_error(fields, target, start), power=_power(start, matrix), steps=0)
    low, high = -8.0, 4.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        tried = _exchange(fields, target, start, matrix, scale * 10**middle)
        within = tried.power <= limit
        if within and tried.rms_error < kept.rms_error:
            kept = tried
        low, high = (low, middle) if within else (middle, high)
    return kept


def _exchange(fields: np.ndarray, target: float, start: np.ndarray, matrix: np.ndarray, weight: float) -> Shim:
    normal = fields.conj().T @ fields + weight * matrix
    # a channel that no point sees keeps no current
    inverse = np.linalg.pinv(normal, rcond=1e-12, hermitian=True) @ fields.conj().T
    weights, last, step, settled = start, np.inf, 0, False
    while step < _STEPS and not settled:
        weights = inverse @ (target * np.exp(1j * np.angle(fields @ weights)))
        cost = rms_error(fields, target, weights)
        settled = abs(last - cost) < (_SETTLED if weight == 0 else _SETTLED_LIMITED) * max(cost, 1e-9)
        last, step = cost, step + 1
    return Shim(weights=weights, rms_error=rms_error(fields, target, weights), power=_power(weights, matrix), steps=step)
