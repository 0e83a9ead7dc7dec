"""Curves of k-space: spirals of any density, rosettes. `trace` turns them into gradients."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.errors import UsageError


def spiral_curve(
    fov_m: float,
    k_max_per_m: float,
    interleaves: int,
    *,
    outer_density: float = 1.0,
    knee: float = 0.0,
    course: str = "out",
    points_a_turn: int = 64,
) -> Float[np.ndarray, "point 2"]:
    """One interleaf of a spiral, cycles/m; the others are rotations by 2 pi / interleaves.

    fov_m: field of view that the interleaves together sample in the centre (turns are 1 / fov apart). outer_density:
    sampling density at k_max, of that in the centre; it falls linearly from `knee` (share of k_max) on. course: "out" from
    the centre, "in" to it, or "in-out" through it (each half half of the turns: an even interleaf count covers as "out").
    """
    if min(fov_m, k_max_per_m, interleaves, outer_density) <= 0 or not 0 <= knee < 1 or course not in ("out", "in", "in-out"):
        raise UsageError(
            f"spiral: got fov {fov_m:g} m, k_max {k_max_per_m:g}/m, {interleaves} interleaves, outer density {outer_density:g}, "
            f"knee {knee:g}, course {course!r}; wanted positive numbers, a knee in [0, 1) and out, in or in-out."
        )
    radius = np.linspace(0.0, 1.0, 4001)
    density = 1 - (1 - outer_density) * np.clip((radius - knee) / (1 - knee), 0, 1)
    turn = 2 * np.pi * fov_m / interleaves * density * k_max_per_m
    angle = np.concatenate([[0.0], np.cumsum(0.5 * (turn[1:] + turn[:-1]) * np.diff(radius))])
    # Points even in the angle, but dense where the first turn leaves the centre.
    count = max(int(points_a_turn * angle[-1] / (2 * np.pi)), 64)
    at = angle[-1] * np.linspace(0, 1, count)
    at = np.unique(np.concatenate([at, at[1] * np.arange(1, 8) / 8]))
    r = k_max_per_m * np.interp(at, angle, radius)
    out = np.stack([r * np.cos(at), r * np.sin(at)], axis=1)
    if course == "out":
        return out
    return out[::-1].copy() if course == "in" else np.concatenate([-out[:0:-1], out])


def rosette_curve(k_max_per_m: float, petals: int, turns: float = 1.0, points_a_petal: int = 96) -> Float[np.ndarray, "point 2"]:
    """k_max sin(petals a / 2) exp(i a) for a over `turns` turns: petals from the centre and back, cycles/m."""
    if k_max_per_m <= 0 or petals < 1 or turns <= 0:
        raise UsageError(f"rosette: got k_max {k_max_per_m:g}/m, {petals} petals, {turns:g} turns; wanted positive numbers.")
    a = np.linspace(0, 2 * np.pi * turns, max(int(points_a_petal * petals * turns), 16))
    r = k_max_per_m * np.sin(petals * a / 2)
    return np.stack([r * np.cos(a), r * np.sin(a)], axis=1)
