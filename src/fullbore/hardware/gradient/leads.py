"""Turns on cylinders -> one wire in series whose leads keep clear of it: bridges at the ends, returns a step off the layer.

A nest is a spiral: each turn is cut where it crosses the nest's own line (an angle) on its outer side, and bridged to the next.
The lead from its eye goes back along that line a step off the layer; both its leads end beyond the turns, beside each other.
There two wires a pitch apart, one the way out and one the way back, run round the end from nest to nest, and along the bore
in the room between the layers. So leads enclose next to nothing, and nothing is nearer to them than a pitch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.hardware.gradient.contours import SPACING_M, Loop
from fullbore.hardware.gradient.tracks import nests

# Length of a turn that its bridge takes; a small nest's is this share of its eye.
_CUT_M, _EYE = 0.04, 0.3
# Pitches over a layer's last turn at which lifted leads come down, the way out and the way back run, and layers are changed.
_DOWN, _OUT, _BACK, _CHANGE = 2.0, 3.0, 4.0, 6.0
# Where leads along the bore lie between primary and shield, as shares of the way.
_BETWEEN = (0.42, 0.58)
Rows = list[tuple[float, float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRoom:
    """pitch_m: between middles of wires. lift_m: step off each layer, positive outward. line_rad: where rings are cut."""

    pitch_m: float
    lift_m: tuple[float, ...]
    line_rad: float = np.pi / 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layer:
    radius: float
    lift: float
    loops: list[Loop]

    @property
    def tip(self) -> float:
        """Height of its last turn, at either end."""
        return max(float(np.abs(loop.points_m[:, 2]).max()) for loop in self.loops)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Nest:
    """turns: cut, (radius, angle, z) rows, outermost first, angles from the line on. way: of their current along the line's
    outer side, +-1; end: +-1, the end of the bore that its leads go to; outermost: no turn of the layer lies beyond."""

    line: float
    end: int
    way: int
    cut: float
    turns: list[np.ndarray]
    outermost: bool


def cylinder_track(layers: list[tuple[float, list[Loop]]], room: LeadRoom) -> Float[np.ndarray, "n 3"]:
    """One closed path (its last point joins its first, a pitch away) through every turn of every (radius, turns) once.

    Layers by rising radius, one or two. Every wire keeps a pitch from every other but where turns themselves are nearer.
    """
    kept = [_Layer(radius=r, lift=lift, loops=own) for (r, own), lift in zip(layers, room.lift_m, strict=True) if own]
    change = max(layer.tip for layer in kept) + _CHANGE * room.pitch_m
    angle = room.pitch_m / kept[0].radius
    out: Rows = []
    back: Rows = []
    heading, end, corner = 1, 1, None
    for number, layer in enumerate(kept):
        found = _nests(layer, room)
        for half in (0, 1):
            stations = sorted((nest for nest in found if nest.end == end), key=lambda nest: heading * nest.line)
            first, last = end * (layer.tip + _OUT * room.pitch_m), end * (layer.tip + _BACK * room.pitch_m)
            if corner is not None:
                out.append((layer.radius, corner, first))
                back.append((layer.radius, corner + heading * angle, last))
            for nest in stations:
                out += _through(nest, layer, room, heading)
            begin = stations[0].line - heading * room.pitch_m / layer.radius
            back += [(layer.radius, begin, last), (layer.radius, stations[-1].line, last)]
            if half == 1 and number == len(kept) - 1:
                break
            corner = stations[-1].line + 2 * heading * angle
            target = kept[number + 1].radius if half else _between(kept, number)
            stops = [(layer.radius, end * change), (target, end * change)]
            if not half:
                stops += [(target, -end * change), (layer.radius, -end * change)]
                end = -end
            out += [(layer.radius, corner, first), *((r, corner, z) for r, z in stops)]
            back += [(layer.radius, corner - heading * angle, last), *((r, corner - heading * angle, z) for r, z in stops)]
            heading = -heading
    track = _dense(np.array(out + back[::-1]))
    return np.stack([track[:, 0] * np.cos(track[:, 1]), track[:, 0] * np.sin(track[:, 1]), track[:, 2]], axis=1)


def _between(kept: list[_Layer], number: int) -> float:
    """Radius of the leads along the bore; those of a single layer run outside it."""
    low, high = kept[0].radius, kept[-1].radius
    return low + (_BETWEEN[number] * (high - low) if len(kept) > 1 else 3 * abs(kept[0].lift))


def _nests(layer: _Layer, room: LeadRoom) -> list[_Nest]:
    """Every chain of turns cut open; chains of one line at one end side by side."""
    radius = layer.radius
    beside = (_CUT_M + 3 * room.pitch_m) / radius
    found: list[_Nest] = []
    for chain in nests(layer.loops):
        middle = chain[-1].points_m.mean(axis=0)
        rings = np.hypot(*middle[:2]) < 0.1 * radius
        end = 1 if chain[0].points_m[:, 2].mean() > 0 else -1
        line = room.line_rad if rings else np.pi / 2 * np.round(np.arctan2(middle[1], middle[0]) / (np.pi / 2))
        line = float(line + 2 * np.pi if line < -np.pi / 2 - 0.1 else line)
        line += beside * sum(1 for nest in found if nest.end == end and abs(nest.line - line) < 4 * beside)
        reach = np.pi if rings else float(np.abs(_from(chain[-1].points_m, line)).max())
        cut = min(_CUT_M / radius, _EYE * reach)
        turns, way = zip(*(_cut(loop.points_m, line, cut, end) for loop in chain), strict=True)
        outermost = float((end * chain[0].points_m[:, 2]).max()) > layer.tip - room.pitch_m / 2
        found.append(_Nest(line=line, end=end, way=way[0], cut=cut, turns=list(turns), outermost=outermost))
    return found


def _from(points: np.ndarray, line: float) -> np.ndarray:
    """Angles from the line on, within half a turn."""
    return np.asarray(np.angle(np.exp(1j * (np.arctan2(points[:, 1], points[:, 0]) - line))))


def _cut(points: np.ndarray, line: float, cut: float, end: int) -> tuple[np.ndarray, int]:
    """A turn from half a cut behind the line's outer crossing to half a cut before it, (radius, angle from the line, z)."""
    points = _finer(points, np.abs(_from(points, line)) < cut + 2 * SPACING_M / np.hypot(points[:, 0], points[:, 1]), cut)
    away, height = np.abs(_from(points, line)), end * points[:, 2]
    near = away < cut + SPACING_M / np.hypot(points[:, 0], points[:, 1])
    outer = near & (height >= (height[near].max() + height[near].min()) / 2)
    crossing = int(np.where(outer, away, np.inf).argmin())
    ring = np.roll(points, -crossing, axis=0)
    away = np.unwrap(_from(ring, line))
    way = 1 if away[1] > away[0] else -1
    rows = np.stack([np.hypot(ring[:, 0], ring[:, 1]), way * away, ring[:, 2]], axis=1)
    close = rows[0] + [0.0, 2 * np.pi * np.round((rows[-1, 1] - rows[0, 1]) / (2 * np.pi)), 0.0]
    rows = np.concatenate([rows, close[None]])
    total = float(close[1] - rows[0, 1])  # 2 pi of a ring, 0 of a saddle
    first = int(np.flatnonzero(rows[:, 1] > cut / 2)[0])
    before = np.flatnonzero(rows[:, 1] < total - cut / 2)
    last = int(before[-1]) if total > 1 else int(np.flatnonzero((rows[:-1, 1] < -cut / 2) & (rows[1:, 1] >= -cut / 2))[-1])
    begin = _at(rows[first - 1], rows[first], cut / 2)
    finish = _at(rows[last], rows[last + 1], total - cut / 2)
    made = np.concatenate([begin[None], rows[first : last + 1], finish[None]])
    made[:, 1] *= way
    return made, way


def _finer(points: np.ndarray, near: np.ndarray, cut: float) -> np.ndarray:
    """A closed line whose pieces near a cut are at most half as long as it."""
    counts = np.where(near, int(np.ceil(2 * SPACING_M / (cut * np.hypot(*points[0, :2])))), 1)
    share = np.concatenate([np.arange(count) / count for count in counts])[:, None]
    begins, steps = (np.repeat(own, counts, axis=0) for own in (points, np.roll(points, -1, axis=0) - points))
    return np.asarray(begins + share * steps)


def _at(low: np.ndarray, high: np.ndarray, angle: float) -> np.ndarray:
    """Between two rows, where the angle is reached."""
    share = (angle - low[1]) / (high[1] - low[1])
    return np.asarray(low + share * (high - low))


def _through(nest: _Nest, layer: _Layer, room: LeadRoom, heading: int) -> Rows:
    """In at a pitch before the line, inward turn by turn, and out along the line, lifted."""
    radius, lift, tip = layer.radius, layer.lift, layer.tip
    pitch, half = room.pitch_m / radius, nest.cut / 2
    edge, down = nest.end * (tip + _OUT * room.pitch_m), nest.end * (tip + _DOWN * room.pitch_m)
    first, last = nest.turns[0][0], nest.turns[-1][-1]
    enter, leave, raised = nest.line - heading * pitch, nest.line - nest.way * half, radius + lift
    start = nest.line + nest.way * half
    rows: Rows = [(radius, enter, edge)]
    if nest.outermost:  # in the layer, beyond the last turn
        under = first[2] + nest.end * room.pitch_m
        rows += [(radius, enter, under), (radius, start, under)]
    else:  # over the turns beyond, and over the lead from the eye where that is in the way
        rows += [(radius, enter, down), (raised, enter, down), (raised, enter, first[2])]
        over = raised + lift if heading == nest.way else raised
        rows += [(over, enter, first[2]), (over, start, first[2])]
    for turn in nest.turns:
        rows += [(float(r), nest.line + float(a), float(z)) for r, a, z in turn]
    eye = float(last[2]) - nest.end * room.pitch_m
    rows += [(radius, leave, eye), (radius, nest.line, eye), (raised, nest.line, eye), (raised, nest.line, down)]
    return [*rows, (radius, nest.line, down), (radius, nest.line, edge)]


def _dense(rows: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "m 3"]:
    """Rows (radius, angle, z) with more between them where chords are longer than a turn's longest."""
    steps = np.diff(rows, axis=0)
    steps[:, 1] -= 2 * np.pi * np.where(np.abs(steps[:, 1]) > 1.5 * np.pi, np.round(steps[:, 1] / (2 * np.pi)), 0)  # rings close
    lengths = np.hypot(rows[:-1, 0] * steps[:, 1], steps[:, 2])
    pieces = [
        row + np.linspace(0, 1, max(1, int(np.ceil(length / (1.25 * SPACING_M)))), endpoint=False)[:, None] * step
        for row, step, length in zip(rows[:-1], steps, lengths, strict=True)
    ]
    return np.concatenate([*pieces, rows[-1:]])
