"""Which turns lie within each other, and how near they come."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from fullbore.hardware.gradient.contours import Loop


def nests(loops: list[Loop]) -> list[list[Loop]]:
    """Chains of neighbouring turns from the outermost inward, each turn in one.

    Neighbours are a level apart, each the other's nearest, and run the same way.
    """
    ordered = sorted(loops, key=_depth)
    trees = [cKDTree(loop.points_m) for loop in ordered]
    child: dict[int, int] = {}
    for depth in range(max((_depth(loop) for loop in loops), default=0)):
        for sign in (True, False):
            outer = [i for i, one in enumerate(ordered) if _depth(one) == depth and (one.level >= 0) == sign]
            inner = [i for i, one in enumerate(ordered) if _depth(one) == depth + 1 and (one.level >= 0) == sign]
            child |= _pairs(ordered, trees, outer, inner)
    starts = set(range(len(ordered))) - set(child.values())
    chains = []
    for start in sorted(starts):
        chain = [start]
        while chain[-1] in child:
            chain.append(child[chain[-1]])
        chains.append([ordered[i] for i in chain])
    return chains


def _depth(loop: Loop) -> int:
    return loop.level if loop.level >= 0 else -1 - loop.level


def _pairs(loops: list[Loop], trees: list[cKDTree], outer: list[int], inner: list[int]) -> dict[int, int]:
    if not outer or not inner:
        return {}
    apart = np.array([[_apart(loops[i], trees[o], loops[o]) for i in inner] for o in outer])
    best, back = apart.argmin(axis=1), apart.argmin(axis=0)
    return {outer[o]: inner[i] for o, i in enumerate(best) if back[i] == o and np.isfinite(apart[o, i])}


def _apart(inner: Loop, tree: cKDTree, outer: Loop) -> float:
    """Mean distance of a turn from another, infinite where they run against each other."""
    distance, nearest = tree.query(inner.points_m[::4])
    tangents = np.roll(inner.points_m, -1, axis=0)[::4] - inner.points_m[::4]
    others = (np.roll(outer.points_m, -1, axis=0) - outer.points_m)[nearest]
    return float(distance.mean()) if np.einsum("ij,ij", tangents, others) > 0 else np.inf


def least_spacing_m(loops: list[Loop], neighbours: int = 1) -> float:
    """Least distance between middles of two turns at most `neighbours` levels apart; points every 2 mm, so 1 % over at 8 mm."""
    fine = [_fine(loop.points_m) for loop in loops]
    trees = [cKDTree(points) for points in fine]
    least = np.inf
    for i, points in enumerate(fine):
        for j in range(i):
            if abs(loops[i].level - loops[j].level) <= neighbours:
                least = min(least, float(trees[j].query(points, distance_upper_bound=0.1)[0].min()))
    return least


def _fine(points: np.ndarray) -> np.ndarray:
    closed = np.concatenate([points, points[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    places = np.arange(0, along[-1], 2e-3)
    return np.stack([np.interp(places, along, closed[:, axis]) for axis in range(3)], axis=1)
