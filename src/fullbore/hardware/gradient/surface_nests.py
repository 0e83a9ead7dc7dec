"""Which turns of a drawn surface are wound one after another: those that a line of steepest fall crosses, each once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.hardware.gradient.contours import Loop
from fullbore.hardware.gradient.levels import depth_of
from fullbore.hardware.gradient.surface_ground import Ground

# Steps along a line of steepest fall, and the most of them; where lines may start on the innermost turn.
_STEP_M, _STEPS, _STARTS = 4e-3, 1500, 16
# A turn that moved so far is still the one that a kept place was on.
_KEPT_M, _NONE = 0.02, np.zeros((0, 3))
# A line's crossing lies on its turn to this: turns are drawn in chords.
_ON_M = 8e-3
# Pitches beside a cut within which no other nest's leads come in.
_CLEAR = 8.0
# Share of a turn that its cut takes at most; turns shorter than so many pitches have no room for cut and leads.
_CUT_SHARE, _CUT_PITCHES = 0.3, 2.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeadSpace:
    """pitch_m: between middles of wires beside each other; step_m: of wires over each other; cut_m: the most a bridge takes."""

    pitch_m: float
    step_m: float
    cut_m: float = 0.04


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nest:
    """loops: the outermost first, as are the rest. line_m: across all of them; crossings: its points on each. turns_m: cut
    open there, each from a lead or bridge that comes in to the next; backward: unit vector out of the nest along the line."""

    loops: list[Loop]
    line_m: Float[np.ndarray, "n 3"]
    crossings: list[int]
    turns_m: list[np.ndarray]
    backward: Float[np.ndarray, "xyz=3"]


def surface_nests(
    ground: Ground, loops: list[Loop], space: LeadSpace, choice: int = 0, kept_m: Float[np.ndarray, "k 3"] = _NONE
) -> list[Nest]:
    """Every turn in one nest; turns have room to be cut. choice: of lines that are as good, which one (0 is the farthest from
    the isocentre). kept_m: where lines begin if they cross as many turns from there."""
    left = sorted(range(len(loops)), key=lambda i: -depth_of(loops[i]))
    found: list[Nest] = []
    while left:
        members, line, crossings = _best_line(ground, loops, left, [nest.line_m[0] for nest in found], space, choice, kept_m)
        left = [i for i in left if i not in members]
        own = [loops[i] for i in members[::-1]]
        line = line[::-1]
        crossings = [len(line) - 1 - at for at in crossings[::-1]]
        turns = [_opened(loop.points_m, line[at], space) for loop, at in zip(own, crossings, strict=True)]
        first, second = crossings[0], min(crossings[0] + 3, len(line) - 1)
        backward = line[first] - line[second] if second > first else _fall(ground, line[first], own[0])
        unit = backward / np.linalg.norm(backward)
        found.append(Nest(loops=own, line_m=line, crossings=crossings, turns_m=turns, backward=unit))
    return found


def _fall(ground: Ground, place: np.ndarray, loop: Loop) -> np.ndarray:
    """Towards zero at a place of a turn."""
    _, nodes, shares = ground.places(place[None])
    slope = np.einsum("pc,pcx->px", shares, ground.slope[nodes])[0]
    return np.asarray(-slope if loop.level >= 0 else slope)


def _best_line(
    ground: Ground, loops: list[Loop], left: list[int], taken: list[np.ndarray], space: LeadSpace, choice: int, kept: np.ndarray
) -> tuple[list[int], np.ndarray, list[int]]:
    """From the deepest turn that is left: turns crossed, the line from its crossing with the first on, and where it crosses.

    Of lines that cross as many, one that begins at a kept place of its first turn, else one that ends clear of others' ends
    (taken) and is far from the isocentre.
    """
    inner = loops[left[0]]
    starts = inner.points_m[np.unique(np.linspace(0, len(inner.points_m), _STARTS, endpoint=False).astype(int))]
    places = [_place_on(inner.points_m, place) for place in kept if _along(inner.points_m, place)[0] < _KEPT_M]
    starts = np.concatenate([*places[:1], starts])
    paths, psi = _descents(ground, starts, 1.0 if inner.level >= 0 else -1.0)
    ranked = []
    for column in range(len(starts)):
        members, line, crossings = _crossed(loops, left, paths[:, column], psi[:, column])
        apart = min((float(np.linalg.norm(line[-1] - other)) for other in taken), default=np.inf)
        away = float(np.linalg.norm(line, axis=1).mean())
        rank = (-len(members), column >= len(places[:1]), -min(apart, space.cut_m + _CLEAR * space.pitch_m), -away, column)
        ranked.append((rank, members, line, crossings))
    ranked.sort(key=lambda one: one[0])
    as_good = [one for one in ranked if one[0][:3] == ranked[0][0][:3]]
    # neighbours of a line are much the same: choices are spread
    return as_good[(choice * max(1, len(as_good) // 5)) % len(as_good)][1:]


def _descents(ground: Ground, starts: np.ndarray, sign: float) -> tuple[np.ndarray, np.ndarray]:
    """Places (steps, p, 3) and depths (steps, p) of lines down to zero; what stalls stays where it is."""
    places, nodes, shares = ground.places(starts)
    rows, depths = [starts], [sign * np.einsum("pc,pc->p", shares, ground.psi[nodes])]
    going = np.ones(len(starts), dtype=bool)
    for _ in range(_STEPS):
        slope = -sign * np.einsum("pc,pcx->px", shares, ground.slope[nodes])
        slope /= np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-12)
        places, nodes, shares = ground.places(rows[-1] + _STEP_M * slope)
        depth = sign * np.einsum("pc,pc->p", shares, ground.psi[nodes])
        going &= (depth < depths[-1] - 1e-9) & (depths[-1] > 0.5)
        if not going.any():
            break
        rows.append(np.where(going[:, None], places, rows[-1]))
        depths.append(np.where(going, depth, depths[-1]))
    return np.array(rows), np.array(depths)


def _crossed(loops: list[Loop], left: list[int], path: np.ndarray, depth: np.ndarray) -> tuple[list[int], np.ndarray, list[int]]:
    """Turns that a line crosses one by one from its first on, the line with its crossings as points, and their numbers."""
    first = loops[left[0]]
    members, line, crossings = [left[0]], [path[0]], [0]
    sense, at = first.level >= 0, 0
    for level in range(depth_of(first) - 1, -1, -1):
        below = np.flatnonzero(depth[at:] < level + 0.5)
        if not len(below) or below[0] == 0:
            break
        end = at + int(below[0])
        share = (depth[end - 1] - level - 0.5) / (depth[end - 1] - depth[end])
        place = path[end - 1] + share * (path[end] - path[end - 1])
        same = [i for i in left if depth_of(loops[i]) == level and (loops[i].level >= 0) == sense]
        away = [_along(loops[i].points_m, place)[0] for i in same]
        if not away or min(away) > _ON_M:
            break
        line += [*path[at + 1 : end], place]
        members.append(same[int(np.argmin(away))])
        crossings.append(len(line) - 1)
        at = end - 1
    return members, np.array(line), crossings


def _along(points: np.ndarray, place: np.ndarray) -> tuple[float, float]:
    """Distance of a place from a closed line, and how far along it the nearest place is, m."""
    steps = np.roll(points, -1, axis=0) - points
    lengths = np.linalg.norm(steps, axis=1)
    share = np.clip(np.einsum("ij,ij->i", place - points, steps) / np.maximum(lengths**2, 1e-18), 0, 1)
    away = np.linalg.norm(points + share[:, None] * steps - place, axis=1)
    best = int(away.argmin())
    return float(away[best]), float(lengths[:best].sum() + share[best] * lengths[best])


def _place_on(points: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The place of a closed line nearest to another, (1, 3)."""
    at = _along(points, place)[1]
    closed = np.concatenate([points, points[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    return np.array([[np.interp(at, along, closed[:, axis]) for axis in range(3)]])


def room_to_cut(loop: Loop, space: LeadSpace) -> bool:
    """Whether a turn is long enough for its cut and leads."""
    steps = np.roll(loop.points_m, -1, axis=0) - loop.points_m
    return bool(_CUT_SHARE * np.linalg.norm(steps, axis=1).sum() >= _CUT_PITCHES * space.pitch_m)


def _opened(points: np.ndarray, place: np.ndarray, space: LeadSpace) -> np.ndarray:
    """A turn from half a cut behind a place to half a cut before it."""
    closed = np.concatenate([points, points[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    half = min(space.cut_m, _CUT_SHARE * float(along[-1])) / 2
    centre = _along(points, place)[1]
    begin, end = centre + half, centre - half + along[-1]
    places = np.concatenate([along[:-1], along[:-1] + along[-1]])
    inner = places[(places > begin + 1e-6) & (places < end - 1e-6)]
    wanted = np.concatenate([[begin], inner, [end]]) % along[-1]
    return np.stack([np.interp(wanted, along, closed[:, axis]) for axis in range(3)], axis=1)
