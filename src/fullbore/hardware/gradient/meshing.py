"""Triangles of a drawing -> a surface that boundary elements can use: turned one way, no edge too long, no edge of three."""

from __future__ import annotations

from collections import deque

import numpy as np
from jaxtyping import Float, Int

from fullbore.errors import FormatError, LimitError
from fullbore.hardware.gradient.triangles import Surface

# A matrix of this many triangles squared takes 0.8 GB.
MOST_TRIANGLES = 10_000
# Sides of equal length to this are told apart by their numbers.
_TIE = 1e-9
# Cosine between triangles of one flat part; rounds of turning edges, more than any needs.
_FLAT, _ROUNDS = 1 - 1e-6, 200


def sound_surface(nodes_m: Float[np.ndarray, "n 3"], triangles: Int[np.ndarray, "t 3"], name: str) -> Surface:
    """A surface, open or closed, of one piece or more, with all triangles of a piece turned one way.

    Triangles without area are left out, of which drawings have some. Errors: FormatError where nothing is left, where more
    than two
    triangles meet along an edge (no stream function is single-valued there), or for a one-sided surface.
    """
    a, b, c = (nodes_m[triangles[:, i]] for i in range(3))
    double = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    longest = np.max([np.linalg.norm(p - q, axis=1) for p, q in ((a, b), (b, c), (c, a))], axis=0)
    kept = triangles[double > 1e-6 * longest**2]
    if not len(kept):
        raise FormatError(f"surface {name}: got no triangle that has an area, wanted a surface. Give an intact file.")
    edges, faces, _ = _edges(kept)
    most = int(np.bincount(edges).max())
    if most > 2:
        at = nodes_m[kept[faces[np.flatnonzero(edges == np.bincount(edges).argmax())[0]]]].mean(axis=0)
        raise FormatError(
            f"surface {name}: {most} triangles meet along one edge near {np.round(at, 3).tolist()} m, wanted two at most "
            "(not a manifold). Take the extra faces away."
        )
    used, numbers = np.unique(kept, return_inverse=True)
    return Surface(nodes_m=nodes_m[used], triangles=_one_way(numbers.reshape(-1, 3), name))


def _edges(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every side of every triangle: number of its edge, its triangle, and whether it runs from the lower node on."""
    sides = np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    numbers = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True)[1].ravel()
    return numbers, np.tile(np.arange(len(triangles)), 3), sides[:, 0] < sides[:, 1]


def _one_way(triangles: np.ndarray, name: str) -> np.ndarray:
    """Turned so that neighbours run along their common edge against each other. Errors: FormatError for a one-sided surface."""
    numbers, faces, forward = _edges(triangles)
    order = np.argsort(numbers, kind="stable")
    pairs = order[:-1][numbers[order[:-1]] == numbers[order[1:]]], order[1:][numbers[order[:-1]] == numbers[order[1:]]]
    neighbours: list[list[tuple[int, bool]]] = [[] for _ in triangles]
    for one, two in zip(*pairs, strict=True):
        against = bool(forward[one] == forward[two])
        neighbours[faces[one]].append((int(faces[two]), against))
        neighbours[faces[two]].append((int(faces[one]), against))
    turned: dict[int, bool] = {}
    for start in range(len(triangles)):
        if start in turned:
            continue
        turned[start] = False
        queue = deque([start])
        while queue:
            here = queue.popleft()
            for other, against in neighbours[here]:
                wanted = turned[here] ^ against
                if other not in turned:
                    turned[other] = wanted
                    queue.append(other)
                elif turned[other] != wanted:
                    raise FormatError(f"surface {name}: has one side only (as a Moebius strip has). Cut it open.")
    flipped = np.array([turned[i] for i in range(len(triangles))])
    return np.where(flipped[:, None], triangles[:, ::-1], triangles)


def longest_edge_m(surface: Surface) -> float:
    """Of all triangles."""
    return float(_sides(surface.nodes_m, surface.triangles).max())


def _sides(nodes: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Lengths of the sides 0-1, 1-2, 2-0 of every triangle."""
    corners = nodes[triangles]
    return np.asarray(np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2))


def refined(surface: Surface, longest_m: float, name: str) -> Surface:
    """The same surface with no edge over a length. Errors: LimitError for more triangles than can be solved for.

    Edges that are the longest side of all their triangles are halved (Rivara 1984, Int J Numer Methods Eng 20:745), then those
    within flat parts are turned where Delaunay's are other ones: long facets become triangles of good shape, and nothing moves.
    """
    nodes, triangles = surface.nodes_m, surface.triangles
    while True:
        if len(triangles) > MOST_TRIANGLES:
            raise LimitError(
                f"surface {name}: {len(triangles)} triangles and more for edges of {1e3 * longest_m:.3g} mm, limit "
                f"{MOST_TRIANGLES}. Give longer edges, or a drawing of fewer triangles."
            )
        sides = _sides(nodes, triangles)
        if not sides.max() > longest_m:
            return Surface(nodes_m=nodes, triangles=triangles)
        nodes, triangles = _halved(nodes, triangles, sides, longest_m)
        triangles = _flipped(nodes, triangles)


def _halved(nodes: np.ndarray, triangles: np.ndarray, sides: np.ndarray, longest: float) -> tuple[np.ndarray, np.ndarray]:
    """One round: edges over that length that are the longest of every triangle beside them get a node in the middle."""
    count = len(triangles)
    numbers = _edges(triangles)[0].reshape(3, count).T
    own = np.take_along_axis(numbers, (sides * (1 + _TIE * numbers / numbers.max())).argmax(axis=1)[:, None], axis=1)[:, 0]
    uses, claims = np.bincount(numbers.ravel()), np.bincount(own, minlength=numbers.max() + 1)
    length = np.zeros(len(uses))
    length[numbers.ravel()] = sides.ravel()
    cut = (uses == claims) & (length > longest)
    middle_of = np.full(len(uses), -1)
    middle_of[cut] = len(nodes) + np.arange(int(cut.sum()))
    hit = np.flatnonzero(cut[own])
    at = (numbers[hit] == own[hit, None]).argmax(axis=1)
    a, b, c = (np.take_along_axis(triangles[hit], ((at + i) % 3)[:, None], axis=1)[:, 0] for i in range(3))
    middle = middle_of[own[hit]]
    places = np.zeros((len(nodes) + int(cut.sum()), 3))
    places[: len(nodes)] = nodes
    places[middle] = (nodes[a] + nodes[b]) / 2
    kept = np.delete(triangles, hit, axis=0)
    return places, np.concatenate([kept, np.stack([a, middle, c], 1), np.stack([middle, b, c], 1)])


def _flipped(nodes: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Delaunay's edges within flat parts: an edge is turned where the angles opposite it make more than half a turn."""
    triangles = triangles.copy()
    for _ in range(_ROUNDS):
        numbers, _, forward = _edges(triangles)
        order = np.lexsort((~forward, numbers))
        both = numbers[order[:-1]] == numbers[order[1:]]
        one, two = order[:-1][both], order[1:][both]
        count = len(triangles)
        f, g, i, j = one % count, two % count, one // count, two // count
        u, v, p = (triangles[f, (i + n) % 3] for n in range(3))
        q = triangles[g, (j + 2) % 3]
        excess = _excess(nodes, u, v, p, q)
        least = np.zeros(count)
        np.maximum.at(least, f, excess)
        np.maximum.at(least, g, excess)
        turned = (excess > 0) & (excess >= least[f]) & (excess >= least[g])
        turned[turned] = _first_of_each(f[turned], g[turned], count)
        if not turned.any():
            break
        triangles[f[turned]] = np.stack([p, u, q], 1)[turned]
        triangles[g[turned]] = np.stack([q, v, p], 1)[turned]
    return triangles


def _excess(nodes: np.ndarray, u: np.ndarray, v: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Of pairs of triangles (u, v, p) and (v, u, q): -(cot + cot) of the angles opposite u v, 0 where they are not in one
    plane."""
    a, b, c, d = (nodes[i] for i in (u, v, p, q))
    first, second = np.cross(a - c, b - c), np.cross(b - d, a - d)
    sizes = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    cotangents = np.einsum("ij,ij->i", a - c, b - c) / sizes[0] + np.einsum("ij,ij->i", a - d, b - d) / sizes[1]
    flat = np.einsum("ij,ij->i", first, second) > _FLAT * sizes[0] * sizes[1]
    return np.where(flat & (cotangents < -_TIE), -cotangents, 0.0)


def _first_of_each(f: np.ndarray, g: np.ndarray, count: int) -> np.ndarray:
    """Which of some pairs of triangles share none with an earlier pair."""
    first = np.full(count, len(f))
    np.minimum.at(first, f, np.arange(len(f)))
    np.minimum.at(first, g, np.arange(len(f)))
    return np.asarray((first[f] == np.arange(len(f))) & (first[g] == np.arange(len(f))))
