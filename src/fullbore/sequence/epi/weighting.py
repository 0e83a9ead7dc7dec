"""Diffusion weighting about a refocusing pulse: pulsed lobes, or free waveforms of any b-tensor, turned and scaled per volume."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import Gradient, Limits
from fullbore.errors import LimitError
from fullbore.sequence.block_table import Block
from fullbore.sequence.gradients import NERVE_TIME_S, raster_up, trapezoid
from fullbore.sequence.moments import b_tensor
from fullbore.sequence.waveforms import DiffusionTiming, b_tensor_waveform

SHAPES = {"linear": 1.0, "planar": -0.5, "spherical": 0.0}
"""Name of a b-tensor -> its b_delta. Source: Westin et al., NeuroImage 135:345 (2016)."""
_SWEEPS = 200
_GOLDEN = math.pi * (3 - math.sqrt(5))

Lobes = tuple[Gradient | None, Gradient | None, Gradient | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighting:
    """What plays before and after the refocusing pulse, on the logical axes at scale 1, and b (s/m^2) at that scale."""

    before: Lobes
    after: Lobes
    b_s_per_m2: float

    def blocks(self, before_s: float, after_s: float, scale: np.ndarray, turn: np.ndarray) -> tuple[Block, Block]:
        """The blocks of repetitions with amplitudes scale (repetition,), turned (repetition, 3, 3)."""
        parts = []
        for lobes, length in ((self.before, before_s), (self.after, after_s)):
            read, phase, slice_ = lobes
            block = Block(duration_s=length, read=read, phase=phase, slice=slice_, turn=turn)
            parts.append(replace(block, read_scale=scale, phase_scale=scale, slice_scale=scale))
        return parts[0], parts[1]


def pulsed(b_s_per_m2: float, before_s: float, pause_s: float, after_s: float, limits: Limits) -> Weighting:
    """Two equal lobes along read, as long as the shorter side allows, the first at once and the second at the end.

    Their amplitude is what b asks. Source: Stejskal, Tanner, J Chem Phys 42:288 (1965).
    Errors: LimitError when the amplitude is over the limit, with the largest b.
    """
    if b_s_per_m2 == 0:
        return Weighting(before=(None, None, None), after=(None, None, None), b_s_per_m2=0.0)
    length = min(before_s, after_s)
    rise = raster_up(
        max(limits.gradient_T_per_m / limits.slew_T_per_m_s, min(1.5 * NERVE_TIME_S, length / 4)), limits.gradient_raster_s
    )
    if length < 2 * rise + limits.gradient_raster_s:
        raise LimitError(f"diffusion lobes: {length * 1e3:.2f} ms leave no room for their ramps.")
    first, late = trapezoid(1.0, rise, length - 2 * rise, rise), trapezoid(1.0, rise, length - 2 * rise, rise, after_s - length)
    blocks = [Block(duration_s=before_s, read=first), Block(duration_s=pause_s), Block(duration_s=after_s, read=late)]
    unit = float(np.trace(b_tensor(blocks, excitation_s=0.0, refocusing_s=(before_s + pause_s / 2,))))
    amplitude = math.sqrt(b_s_per_m2 / unit)
    if amplitude > limits.gradient_T_per_m:
        largest = b_s_per_m2 * (limits.gradient_T_per_m / amplitude) ** 2
        raise LimitError(
            f"diffusion weighting: {b_s_per_m2 * 1e-6:.4g} s/mm2, largest is {largest * 1e-6:.4g} in this echo time."
        )
    made = [Gradient(times_s=g.times_s, values_T_per_m=amplitude * g.values_T_per_m) for g in (first, late)]
    return Weighting(before=(made[0], None, None), after=(made[1], None, None), b_s_per_m2=b_s_per_m2)


def free(
    shape: float,
    b_s_per_m2: float,
    before_s: float,
    pause_s: float,
    after_s: float,
    limits: Limits,
    *,
    nulled_moments: int = 1,
    turned: bool = True,
) -> Weighting:
    """A free waveform of a b-tensor's shape (b_delta), symmetric about the slice axis, its Maxwell terms nulled.

    nulled_moments: 2 for velocity, 3 for velocity and acceleration. Errors: LimitError when b is over the largest found.
    """
    timing = DiffusionTiming(first_s=before_s, pause_s=pause_s, second_s=after_s)
    found = b_tensor_waveform(
        shape, timing, limits, b_s_per_m2=b_s_per_m2, nulled_moments=nulled_moments, turned=turned, starts=2
    )
    first, second = found.lobes()
    return Weighting(before=_axes(first), after=_axes(second), b_s_per_m2=b_s_per_m2)


def _axes(lobes: tuple[Gradient, ...]) -> Lobes:
    return lobes[0], lobes[1], lobes[2]


def directions(count: int) -> np.ndarray:
    """Unit vectors (count, 3) that are far from one another and from one another's opposites; the first along z.

    Points and antipodes repel as charges do. Source: Jones, Horsfield, Simmons, Magn Reson Med 42:515 (1999).
    """
    n = np.arange(count)
    height = 1 - n / max(count, 1)
    start = np.sqrt(np.maximum(1 - height**2, 0))
    points = np.stack([start * np.cos(_GOLDEN * n), start * np.sin(_GOLDEN * n), height], axis=1)
    step = 0.5 / max(count, 1)
    for sweep in range(_SWEEPS if count > 1 else 0):
        force = np.zeros_like(points)
        for sign in (1.0, -1.0):
            gap = points[:, None] - sign * points[None]
            far = np.linalg.norm(gap, axis=2)
            np.fill_diagonal(far, np.inf)
            force += (gap / far[..., None] ** 3).sum(axis=1)
        force -= (force * points).sum(axis=1, keepdims=True) * points
        size = np.linalg.norm(force, axis=1).max()
        points = points + step * (1 - sweep / _SWEEPS) * force / max(size, 1e-12)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points @ _turn_to(points[0], np.array([0.0, 0.0, 1.0])).T


def _turn_to(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The rotation (3, 3) that takes a unit vector to another by the shortest way."""
    axis, cosine = np.cross(start, end), float(start @ end)
    if cosine < -1 + 1e-12:
        other = np.eye(3)[int(np.argmin(np.abs(start)))]
        axis = np.cross(start, other) / np.linalg.norm(np.cross(start, other))
        return np.asarray(2 * np.outer(axis, axis) - np.eye(3))
    cross = np.cross(np.eye(3), axis)
    return np.asarray(np.eye(3) + cross.T + cross.T @ cross.T / (1 + cosine))


def turns_to(vectors: np.ndarray, axis: int) -> np.ndarray:
    """Rotations (n, 3, 3) that take a logical axis to each unit vector (n, 3)."""
    return np.stack([_turn_to(np.eye(3)[axis], vector) for vector in vectors])
