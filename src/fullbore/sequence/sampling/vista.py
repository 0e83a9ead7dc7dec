"""VISTA: lines of a dynamic series that keep apart in k and time like charges (minimal Riesz energy)."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Bool, Float

from fullbore.errors import UsageError

# Ahmad has an exponent of 1.4, with which far charges outweigh near ones: a frame's widest gap is then twice as wide.
_EXPONENT = 3.0
_TIME_STEP = 0.5  # how far apart consecutive frames count, of the mean spacing of lines within a frame


def vista_lines(
    lines: int, frames: int, acceleration: float, seed: int, density_slope: float = 1.5, calibration: int = 0, sweeps: int = 12
) -> Bool[np.ndarray, "frame line"]:
    """Which lines each frame measures: exactly round(lines / acceleration) of them, near a minimum of the Riesz energy.

    density_slope: how much a sample's charge grows from the centre of k-space to its edge, so that the centre is denser.
    calibration: lines about k = 0 (index lines // 2) that every frame measures. Frames repeat periodically.
    Starts from seeded random lines and moves one sample at a time to the free place of least energy in its frame; ends when
    none moves or after `sweeps`. Errors: UsageError when a frame cannot hold so many or so few lines.
    Source: Ahmad 2015, MRM 74:1266; there the samples slide continuously and are rounded, here they step on the grid.
    """
    count = round(lines / acceleration) if acceleration >= 1 else 0
    if not max(calibration, 1) <= count <= lines or frames < 1 or density_slope < 0:
        raise UsageError(
            f"vista: {count} of {lines} lines a frame (acceleration {acceleration:g}) cannot be with {calibration} calibration "
            f"lines, {frames} frames and a density slope of {density_slope:g}; lower the acceleration or the calibration."
        )
    index = np.arange(lines)
    first = lines // 2 - calibration // 2
    fixed = (index >= first) & (index < first + calibration)
    charge = 1 + density_slope * np.abs(index - lines // 2) / max(lines // 2, 1)
    rng = np.random.default_rng(seed)
    mask = np.zeros((frames, lines), dtype=bool)
    pool = np.flatnonzero(~fixed)
    chance = charge[pool] ** -1.0
    for frame in range(frames):
        mask[frame, fixed] = True
        if pool.size:
            mask[frame, rng.choice(pool, count - calibration, replace=False, p=chance / chance.sum())] = True
    kernel = _kernel(lines, frames, lines / count)
    for _ in range(sweeps):
        if not _sweep(mask, fixed, charge, kernel, rng.permutation(frames)):
            break
    return mask


def riesz_energy(mask: Bool[np.ndarray, "frame line"], density_slope: float = 1.5) -> float:
    """Energy that `vista_lines` lowers: sum over pairs of charge times charge over distance to the power 3."""
    frames, lines = mask.shape
    charge = 1 + density_slope * np.abs(np.arange(lines) - lines // 2) / max(lines // 2, 1)
    weights = mask * charge
    frame, line = np.nonzero(mask)
    kernel = _kernel(lines, frames, mask.size / max(len(line), 1))
    apart_t = np.abs(frame[:, None] - frame[None, :])
    apart_k = np.abs(line[:, None] - line[None, :])
    pair = kernel[apart_t, apart_k] * weights[frame, line][:, None] * weights[frame, line][None, :]
    return float((pair.sum() - np.trace(pair)) / 2)


def _kernel(lines: int, frames: int, spacing: float) -> Float[np.ndarray, "frame line"]:
    """1 / distance^3 for so many frames and lines apart; the series repeats, so at most half of it is apart."""
    apart = np.arange(frames)
    turns = np.minimum(apart, frames - apart)[:, None] * (_TIME_STEP * spacing)
    distance = np.hypot(turns, np.arange(lines)[None, :])
    distance[0, 0] = np.inf
    return np.asarray(distance**-_EXPONENT)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _sweep(mask: np.ndarray, fixed: np.ndarray, charge: np.ndarray, kernel: np.ndarray, turn: np.ndarray) -> bool:
    """Move every free sample once to its best place; True when any moved."""
    frames, lines = mask.shape
    moved = False
    potential = np.zeros(lines)
    for frame in turn:
        potential[:] = 0.0
        for t in range(frames):
            apart = abs(t - frame)
            for k in range(lines):
                if mask[t, k]:
                    for j in range(lines):
                        potential[j] += charge[k] * kernel[apart, abs(j - k)]
        for k in np.flatnonzero(mask[frame] & ~fixed):
            for j in range(lines):
                potential[j] -= charge[k] * kernel[0, abs(j - k)]
            mask[frame, k] = False
            best, least = k, charge[k] * potential[k]
            for j in range(lines):
                if not mask[frame, j] and charge[j] * potential[j] < least * (1 - 1e-9):
                    best, least = j, charge[j] * potential[j]
            mask[frame, best] = True
            moved = moved or best != k
            for j in range(lines):
                potential[j] += charge[best] * kernel[0, abs(j - best)]
    return moved
