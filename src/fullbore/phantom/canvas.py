"""What is painted on: points in groups, their sight, and what they receive, on pages that exist where something was painted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from fullbore.phantom.body import Body
from fullbore.phantom.movement import Movement
from fullbore.phantom.strokes import PAGE, gathered, middles, scatter, unknown, unpaged
from fullbore.phantom.surfaces import Surfaces
from fullbore.phantom.tissues import AIR

Columns = tuple[Int[np.ndarray, " _"], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canvas:
    """Points in groups, and what they receive.

    points_m: (point, 3), those of a group in a row. groups: how many points groups have, the largest first, each of them cut
    into the next, down to one point, its first and its last point at opposite corners; reach_m: the farthest that a point lies
    from the middle of its group. width_m: over which a surface is soft. columns: what each layer paints into, by layer, -1 for
    nothing. sight: of each point, zero for one that nobody wants.
    pages: where in values a column's shares of 64 points in a row are; 0 where there are none. taken: how many pages are in use.
    part: how many points lie in each part, one after another. used: the columns that something was painted into, by part.
    """

    points_m: Float[np.ndarray, "point 3"]
    groups: tuple[int, ...]
    reach_m: tuple[float, ...]
    width_m: float
    time_s: float
    columns: Columns
    sight: Float[np.ndarray, " point"]
    pages: Int[np.ndarray, "column row"]
    values: Float[np.ndarray, "page 64"]
    taken: Int[np.ndarray, " 1"]
    part: int
    used: Bool[np.ndarray, "part column"]


def canvas(
    points_m: Float[np.ndarray, "point 3"],
    sight: Float[np.ndarray, " point"],
    reach_m: dict[int, float],
    width_m: float,
    time_s: float,
    columns: Columns,
    count: int,
    part: int,
) -> Canvas:
    """An empty canvas. reach_m: by size of group. count: of columns. part: points in each part."""
    rows = -(-len(points_m) // PAGE)
    # Memory that is never touched is never had.
    values = np.empty((rows * count + 1, PAGE), np.float32)
    values[0] = 0
    return Canvas(
        points_m=points_m, groups=tuple(reach_m), reach_m=tuple(reach_m.values()), width_m=width_m, time_s=time_s,
        columns=columns, sight=sight, pages=np.zeros((count, rows), np.int32), values=values, taken=np.zeros(1, np.int64),
        part=part, used=np.zeros((max(1, -(-len(points_m) // max(part, 1))), count), bool),
    )  # fmt: skip


def shares_of(canvas: Canvas, column: int) -> Float[np.ndarray, " point"]:
    """What every point has received in a column."""
    return np.asarray(unpaged(canvas.values, canvas.pages, column))[: len(canvas.points_m)]


def tissue_columns(body: Body) -> Columns:
    """A column for every tissue, variants apart."""
    place = {tissue.name: number for number, tissue in enumerate(body.tissues)} | {AIR: -1}
    return _numbers(
        [place[item if isinstance(item, str) else item.name] for item in layer.filling.tissues] for layer in body.layers
    )


def organ_columns(body: Body) -> Columns:
    """A column for every organ, whatever it is made of; holes that have a name of their own too."""
    place = {name: number for number, name in enumerate(body.organs)}
    return _numbers([place[layer.organ]] * len(layer.filling.tissues) for layer in body.layers)


def _numbers(rows: Iterable[list[int]]) -> Columns:
    return tuple(np.array(row, np.int64) for row in rows)


class Rest:
    """Where the points of a canvas and the middles of its groups are at rest, each worked out when it is first asked for."""

    def __init__(self, movement: Movement | None, canvas: Canvas) -> None:
        self.stretch = 1.0 if movement is None else movement.stretch
        self.surfaces = Surfaces(len(canvas.points_m))
        self._movement, self._canvas = movement, canvas
        self._found: dict[tuple[Movement | None, int], tuple[np.ndarray, np.ndarray]] = {}

    def places(self, level: int, groups: np.ndarray, size: int, own: Movement | None = None) -> Float[np.ndarray, "group 3"]:
        """Middles of all groups of a level, points of the last, with an organ's own movement; known are those of some groups
        of `size` points.
        """
        canvas = self._canvas
        parts = canvas.groups[level]
        if own is None and self._movement is None and parts == 1:
            return canvas.points_m
        # So many points become known at once.
        grain = canvas.groups[max(level - 1, 0)]
        if (own, level) not in self._found:
            count = len(canvas.points_m)
            self._found[own, level] = np.empty((count // parts, 3)), np.zeros(count // grain, bool)
        places, known = self._found[own, level]
        fresh = unknown(groups, size, grain, known)
        if len(fresh):
            if own is None:
                move, start = self._movement, middles(canvas.points_m, fresh, grain, parts)
            else:
                move, start = own, gathered(self.places(level, fresh, grain), fresh, grain // parts)
            scatter(places, fresh, np.ascontiguousarray(at_rest(move, start, canvas.time_s)))
        return places


def at_rest(movement: Movement | None, points: Float[np.ndarray, "n 3"], time_s: float) -> Float[np.ndarray, "n 3"]:
    """Places at rest of points; the points themselves where nothing moves."""
    return points if movement is None or len(points) == 0 else movement.at_rest(points, time_s)
