"""Closed surfaces of triangles: a tube along a wire, a profile turned about z; and the wire of a tube again."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from fullbore.errors import ValueRangeError
from fullbore.files.making.path_check import sound_path

Vertices = Float[np.ndarray, "v 3"]
Faces = Int[np.ndarray, "f 3"]
# A ring in a sharp bend is stretched by no more than this.
_STRETCH = 2.0
_SAME_M = 1e-6
# Edges at a vertex of a tube's rim.
_RIM = 5


def tube(track_m: Float[np.ndarray, "n 3"], radius_m: float, sides: int = 8) -> tuple[Vertices, Faces]:
    """A round wire as a prism of `sides` sides (vertices on the circle) mitred at every point, with flat ends.

    Its volume is that of the polygon, sides / 2 sin(2 pi / sides) radius^2, times the length: exact while no bend is sharper than
    120 degrees (there the mitre is cut short).
    Errors: ValueRangeError for no path or a closed one, no radius, less than three sides.
    """
    points = sound_path(track_m, "tube")
    points = points[np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > _SAME_M])]
    if len(points) > 1 and np.linalg.norm(points[-1] - points[0]) < _SAME_M:
        raise ValueRangeError("tube: the path ends where it begins. Open it at its terminals.")
    if len(points) < 2 or not radius_m > 0 or sides < 3:
        raise ValueRangeError(f"tube: got {len(points)} points, radius {radius_m} m, {sides} sides, wanted 2, over 0, 3 or more.")
    vertices = np.concatenate([_rings(points, radius_m, sides).reshape(-1, 3), points[:1], points[-1:]])
    ring = np.arange(sides)
    low = (np.arange(len(points) - 1)[:, None] * sides + ring).ravel()
    low_next = (np.arange(len(points) - 1)[:, None] * sides + (ring + 1) % sides).ravel()
    walls = np.concatenate(
        [np.stack([low, low_next, low_next + sides], axis=1), np.stack([low, low_next + sides, low + sides], axis=1)]
    )
    begin, end = len(vertices) - 2, len(vertices) - 1
    last = (len(points) - 1) * sides
    caps = np.concatenate(
        [
            np.stack([np.full(sides, begin), (ring + 1) % sides, ring], axis=1),
            np.stack([np.full(sides, end), last + ring, last + (ring + 1) % sides], axis=1),
        ]
    )
    return vertices, np.concatenate([walls, caps])


def _rings(points: np.ndarray, radius: float, sides: int) -> Float[np.ndarray, "n s 3"]:
    """The first ring is square to the wire; each next one is the one before it, pushed along the wire onto the next mitre."""
    along = np.diff(points, axis=0)
    along /= np.linalg.norm(along, axis=1)[:, None]
    helper = np.eye(3)[int(np.argmin(np.abs(along[0])))]
    across = np.cross(along[0], helper)
    across /= np.linalg.norm(across)
    angle = 2 * np.pi * np.arange(sides) / sides
    flat = radius * (np.cos(angle)[:, None] * across + np.sin(angle)[:, None] * np.cross(along[0], across))
    rings = np.empty((len(points), sides, 3))
    rings[0] = flat
    for n in range(1, len(points)):
        before = along[n - 1]
        after = along[n] if n < len(along) else before
        mitre = before + after
        size = float(np.linalg.norm(mitre))
        # a mitre stretches by one over the cosine of half the bend; a wire that turns back on itself gets a square end
        normal = mitre / size if size > 2 / _STRETCH else before
        rings[n] = flat - np.outer(flat @ normal / (before @ normal), before)
        flat = rings[n] - np.outer(rings[n] @ after, after) if size > 2 / _STRETCH else _turned(flat, before, after)
    return rings + points[:, None]


def _turned(flat: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The ring moved from one direction to another by the least turn (Rodrigues); a full return keeps the ring, mirrored."""
    cosine = float(before @ after)
    if cosine < -1 + 1e-9:
        return flat[::-1]
    axis = np.cross(before, after)
    return np.asarray(flat * cosine + np.cross(axis, flat) + np.outer(flat @ axis, axis) / (1 + cosine))


def revolved(profile_m: Float[np.ndarray, "p 2"], sides: int = 180) -> tuple[Vertices, Faces]:
    """A closed profile of corners (radius, z), counter-clockwise with the radius to the right, turned about z: a ring or spool.

    Errors: ValueRangeError for less than three corners, a radius of zero or less, a profile that runs clockwise.
    """
    radius, z = np.asarray(profile_m, dtype=np.float64).T
    area = 0.5 * float(np.sum(radius * np.roll(z, -1) - np.roll(radius, -1) * z))
    if len(radius) < 3 or not radius.min() > 0 or not area > 0 or sides < 3:
        raise ValueRangeError("revolved: wanted three corners or more with radii over zero, counter-clockwise, and three sides.")
    angle = 2 * np.pi * np.arange(sides) / sides
    corners = len(radius)
    vertices = np.stack(
        [np.outer(np.cos(angle), radius), np.outer(np.sin(angle), radius), np.broadcast_to(z, (sides, corners))], axis=-1
    )
    side, corner = np.meshgrid(np.arange(sides), np.arange(corners), indexing="ij")

    def index(turn: int, step: int) -> np.ndarray:
        return (((side + turn) % sides) * corners + (corner + step) % corners).ravel()

    a, b, c, d = index(0, 0), index(1, 0), index(1, 1), index(0, 1)
    return vertices.reshape(-1, 3), np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


def centre_line(vertices_m: Vertices, faces: Faces) -> Float[np.ndarray, "n 3"]:
    """The wire of a tube with flat ends, whatever the order of its triangles: middles of rings, from end to end.

    An end's middle is a vertex whose neighbours are all rim, where five edges meet; from it, ring follows ring along the edges.
    Which end comes first is not in a surface: it is the first in the order of the vertices.
    Errors: ValueRangeError for other surfaces.
    """
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    both = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    count = len(vertices_m)
    degree = np.bincount(both[:, 0], minlength=count)
    rim_neighbours = np.bincount(both[:, 0], degree[both[:, 1]] == _RIM, minlength=count)
    graph = csr_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(count, count))
    for end in np.flatnonzero((rim_neighbours == degree) & (degree >= 3)):
        steps = dijkstra(graph, unweighted=True, indices=int(end))
        if np.isfinite(steps).all():
            steps = steps.astype(int)
            sizes = np.bincount(steps)
            if len(sizes) > 3 and sizes[-1] == 1 and (sizes[1:-1] == degree[end]).all():
                sums = [np.bincount(steps, vertices_m[:, axis]) / sizes for axis in range(3)]
                return np.stack(sums, axis=1)[1:-1]
    raise ValueRangeError("centre line: the surface is no tube with flat ends.")
