"""Ways of lead pairs over a surface: a tree of short paths along fine triangles' edges, clear of ports, straightened a little."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from fullbore.hardware.gradient.surface_ground import Ground
from fullbore.hardware.gradient.triangles import Surface

# Edges of ways on the mean, m, and the most triangles; edges that a terminal is joined to.
_EDGE_M, _MOST, _JOINED = 0.025, 60_000, 4
# Ways within so many pitches of a port or its leads count as so much longer.
_CLEAR, _LONGER = 8.0, 8.0
# Edges so near to kept ways, m, count as so much shorter.
_KEPT_M, _SHORTER, _NONE = 0.025, 0.7, np.zeros((0, 3))
# Pitches between points of a way, and rounds of straightening.
_POINT, _ROUNDS = 2.5, 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Roads:
    """nodes_m (n, 3): of fine triangles, then a point per terminal. graph: lengths between them. edges: nodes on open edges,
    outward (b, 3): unit vectors off the surface there. clear (n,): of ports."""

    nodes_m: Float[np.ndarray, "n 3"]
    graph: sparse.csr_matrix
    edges: Int[np.ndarray, " b"]
    outward: Float[np.ndarray, "b 3"]
    terminals: int
    clear: Bool[np.ndarray, " n"]

    def lengths(self, places: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Least lengths from any of some places to every one, and the places before on the way."""
        found, before, _ = dijkstra(self.graph, indices=places, min_only=True, return_predecessors=True)
        return np.asarray(found), np.asarray(before)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Net:
    """A tree on a surface: points and unit vectors to the leads' side (n, 3), neighbours; leaves: points of the terminals."""

    points_m: Float[np.ndarray, "n 3"]
    up: Float[np.ndarray, "n 3"]
    neighbours: list[list[int]]
    leaves: list[int]


def roads(
    ground: Ground, terminals: list[np.ndarray], lanes: list[np.ndarray], pitch_m: float, kept_m: Float[np.ndarray, "k 3"] = _NONE
) -> Roads:
    """terminals: polylines from where ways begin to where they end. Ways keep clear of them and of the lanes, and to kept points
    where these are as good."""
    fine = ground.surface
    while _mean_edge(fine) > _EDGE_M and 4 * len(fine.triangles) <= _MOST:
        fine = _quartered(fine)
    begins = np.array([own[0] for own in terminals])
    nodes = np.concatenate([fine.nodes_m, begins])
    pairs = np.concatenate([fine.triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    joined = cKDTree(fine.nodes_m).query(begins, k=_JOINED)[1]
    own = np.repeat(len(fine.nodes_m) + np.arange(len(begins)), _JOINED)
    pairs = np.concatenate([pairs, np.stack([joined.ravel(), own], axis=1)])
    lengths = np.maximum(np.linalg.norm(nodes[pairs[:, 0]] - nodes[pairs[:, 1]], axis=1), 1e-6)
    blocked = cKDTree(np.concatenate([cut_evenly(own, 5e-3) for own in [*terminals, *lanes]]))
    middles = (nodes[pairs[:, 0]] + nodes[pairs[:, 1]]) / 2
    lengths = np.where(blocked.query(middles)[0] < _CLEAR * pitch_m, _LONGER * lengths, lengths)
    if len(kept_m):
        lengths = np.where(cKDTree(kept_m).query(middles)[0] < _KEPT_M, _SHORTER * lengths, lengths)
    graph = sparse.csr_matrix((lengths, (pairs[:, 0], pairs[:, 1])), shape=(len(nodes),) * 2)
    edges, outward = _rim(fine)
    return Roads(
        nodes_m=nodes,
        graph=graph.maximum(graph.T),
        edges=edges,
        outward=outward,
        terminals=len(begins),
        clear=blocked.query(nodes)[0] > (_CLEAR + 2) * pitch_m,
    )


def net(
    ground: Ground, terminals: list[np.ndarray], lanes: list[np.ndarray], pitch_m: float, kept_m: Float[np.ndarray, "k 3"] = _NONE
) -> Net:
    """The tree that joins all terminals, one by one by the shortest way to what is joined; two at least."""
    ways = roads(ground, terminals, lanes, pitch_m, kept_m)
    first = len(ways.nodes_m) - ways.terminals
    tree, left, edges = {first}, set(range(first + 1, len(ways.nodes_m))), set()
    while left:
        lengths, before = ways.lengths(sorted(tree))
        at = min(left, key=lambda node: (lengths[node], node))
        while at not in tree:
            edges.add((at, int(before[at])))
            tree.add(at)
            at = int(before[at])
        left -= tree
    numbers = {node: n for n, node in enumerate(sorted(tree))}
    points = [ways.nodes_m[node] for node in sorted(tree)]
    links = [(numbers[a], numbers[b]) for a, b in edges]
    leaves, fixed = [], set()
    for n, own in enumerate(terminals):
        at = numbers[first + n]
        for place in own[1:]:
            points.append(place)
            links.append((at, len(points) - 1))
            at = len(points) - 1
            fixed.add(at)
        leaves.append(at)
    return _straightened(ground, np.array(points), links, leaves, fixed, _POINT * pitch_m)


def _straightened(
    ground: Ground, points: np.ndarray, links: list[tuple[int, int]], leaves: list[int], fixed: set[int], spacing: float
) -> Net:
    """Points a spacing apart along every way, moved between their neighbours; terminals stay."""
    around = _neighbours(len(points), links)
    kept = [n for n in range(len(points)) if len(around[n]) != 2 or n in fixed]
    places, numbers, ways = [points[n] for n in kept], {n: m for m, n in enumerate(kept)}, []
    for start in kept:
        for step in around[start]:
            chain = [start, step]
            while chain[-1] not in numbers:
                here = around[chain[-1]]
                chain.append(here[0] if here[1] == chain[-2] else here[1])
            if chain[0] < chain[-1]:
                between = cut_evenly(points[chain], spacing)[1:-1]
                own = [numbers[chain[0]], *range(len(places), len(places) + len(between)), numbers[chain[-1]]]
                places += list(between)
                ways += list(itertools.pairwise(own))
    around = _neighbours(len(places), ways)
    placed = np.array(places)
    free = np.array([n for n in range(len(places)) if len(around[n]) > 1 and not (n < len(kept) and kept[n] in fixed)], dtype=int)
    for _ in range(_ROUNDS if len(free) else 0):
        middles = np.array([placed[around[n]].mean(axis=0) for n in free])
        placed[free] = ground.on((placed[free] + middles) / 2)
    return Net(points_m=placed, up=ground.ups(placed), neighbours=around, leaves=[numbers[n] for n in leaves])


def _neighbours(count: int, links: list[tuple[int, int]]) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(count)]
    for a, b in sorted(links):
        found[a].append(b)
        found[b].append(a)
    return found


def cut_evenly(points: Float[np.ndarray, "n 3"], spacing: float) -> Float[np.ndarray, "m 3"]:
    """An open line cut into equal parts of about that length."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    places = np.linspace(0, along[-1], max(1, round(along[-1] / spacing)) + 1)
    return np.stack([np.interp(places, along, points[:, axis]) for axis in range(3)], axis=1)


def _mean_edge(surface: Surface) -> float:
    corners = surface.corners_m
    return float(np.linalg.norm(np.roll(corners, 1, axis=1) - corners, axis=2).mean())


def _quartered(surface: Surface) -> Surface:
    """Every triangle in four."""
    triangles, count = surface.triangles, len(surface.nodes_m)
    sides = np.sort(np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)]), axis=1)
    pairs, which = np.unique(sides, axis=0, return_inverse=True)
    ab, bc, ca = count + which.reshape(3, -1)
    a, b, c = triangles.T
    made = [np.stack(own, axis=1) for own in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
    return Surface(nodes_m=np.concatenate([surface.nodes_m, surface.nodes_m[pairs].mean(axis=1)]), triangles=np.concatenate(made))


def _rim(surface: Surface) -> tuple[np.ndarray, np.ndarray]:
    """Nodes on open edges, and unit vectors off the surface there."""
    triangles = surface.triangles
    sides = np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    _, which, count = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True, return_counts=True)
    open_ = count[which.ravel()] == 1
    step = surface.nodes_m[sides[open_, 1]] - surface.nodes_m[sides[open_, 0]]
    off = np.cross(step, np.tile(surface.normals_m2 / surface.areas_m2[:, None], (3, 1))[open_])
    total = np.zeros_like(surface.nodes_m)
    for corner in range(2):
        np.add.at(total, sides[open_, corner], off)
    nodes = np.unique(sides[open_])
    size = np.maximum(np.linalg.norm(total[nodes], axis=1, keepdims=True), 1e-12)
    return nodes, total[nodes] / size
