"""One piece of a drawn surface as ground for wires: nearest places, the side that leads take, and which way psi falls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from fullbore.hardware.gradient.triangles import Surface, current_maps

# Places per side of a triangle by which the nearest ones are looked for, and how many of the nearest are tried.
_PER_SIDE, _TRIED = 4, 12
# The most that a lead over a sharp edge is farther off the edge than off its faces.
_LEAN = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """psi (n,): turns at nodes. up (n, 3): to the side of the leads, so long that a metre of them is a metre over every triangle
    at the node, edges included. slope (n, 3): grad psi, 1/m.

    samples, owners: places on all triangles, and their triangles.
    """

    surface: Surface
    psi: Float[np.ndarray, " n"]
    up: Float[np.ndarray, "n 3"]
    slope: Float[np.ndarray, "n 3"]
    samples: cKDTree
    owners: Int[np.ndarray, " s"]

    def places(self, points_m: Float[np.ndarray, "p 3"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The nearest places on the surface (p, 3), their triangles' nodes (p, 3) and shares of these (p, 3)."""
        places, owners, shares = self.owned(points_m)
        return places, self.surface.triangles[owners], shares

    def owned(self, points_m: Float[np.ndarray, "p 3"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The nearest places on the surface (p, 3), their triangles (p,) and shares of the corners (p, 3)."""
        near = self.owners[self.samples.query(points_m, k=min(_TRIED, len(self.owners)))[1]]
        corners = self.surface.corners_m[near]
        shares = _nearest_shares(points_m[:, None], corners)
        places = np.einsum("pkc,pkcx->pkx", shares, corners)
        best = np.linalg.norm(places - points_m[:, None], axis=2).argmin(axis=1)
        rows = np.arange(len(points_m))
        return places[rows, best], near[rows, best], shares[rows, best]

    def on(self, points_m: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p 3"]:
        """The nearest places."""
        return self.places(points_m)[0]

    def ups(self, points_m: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p 3"]:
        """Unit vectors at the nearest places to the side of the leads."""
        _, nodes, shares = self.places(points_m)
        return _unit(np.einsum("pc,pcx->px", shares, self.up[nodes]))

    def lifted(self, points_m: Float[np.ndarray, "p 3"], height_m: float) -> Float[np.ndarray, "p 3"]:
        """The nearest places, a height over the surface."""
        places, nodes, shares = self.places(points_m)
        return np.asarray(places + height_m * np.einsum("pc,pcx->px", shares, self.up[nodes]))


def grounds(surface: Surface, psi: Float[np.ndarray, " n"], sides: Float[np.ndarray, " t"]) -> list[tuple[Ground, bool]]:
    """Pieces that hang together, each with its leads on a side of its triangles: +1 away from the isocentre, -1 towards it.

    True beside those that have the side -1.
    """
    pairs = np.concatenate([surface.triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    size = len(surface.nodes_m)
    links = sparse.csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    count, piece = connected_components(links, directed=False)
    found = []
    for number in range(count):
        own = piece[surface.triangles[:, 0]] == number
        if not own.any():
            continue
        used, triangles = np.unique(surface.triangles[own], return_inverse=True)
        part = Surface(nodes_m=surface.nodes_m[used], triangles=triangles.reshape(-1, 3))
        side = float(sides[own][0])
        found.append((ground_of(part, psi[used], side), side < 0))
    return found


def ground_of(surface: Surface, psi: Float[np.ndarray, " n"], side: float) -> Ground:
    """side: +1, leads away from the isocentre, or -1, towards it."""
    normals, areas = surface.normals_m2, surface.areas_m2
    outward = np.sign(np.einsum("tx,tx->", normals, surface.corners_m.mean(axis=1)))
    unit = normals / areas[:, None]
    flow = np.stack([part @ psi for part in current_maps(surface)], axis=1)
    shape = _PER_SIDE
    shares = np.array([[i, j, shape - i - j] for i in range(shape + 1) for j in range(shape + 1 - i)]) / shape
    samples = np.einsum("qc,tcx->tqx", shares, surface.corners_m).reshape(-1, 3)
    return Ground(
        surface=surface,
        psi=psi,
        up=_rising(surface, (side * outward) * unit),
        # the current is grad psi x normal
        slope=_at_nodes(surface, areas[:, None] * np.cross(unit, flow)) / _at_nodes(surface, areas[:, None]),
        samples=cKDTree(samples),
        owners=np.repeat(np.arange(len(areas)), len(shares)),
    )


def _at_nodes(surface: Surface, values: np.ndarray) -> np.ndarray:
    """Sums over the triangles of every node."""
    found = np.zeros((len(surface.nodes_m), values.shape[1]))
    for corner in range(3):
        np.add.at(found, surface.triangles[:, corner], values)
    return found


def _rising(surface: Surface, normals: np.ndarray) -> np.ndarray:
    """Mean normals at nodes, made longer where triangles lean away from them, twice as long at most."""
    up = _unit(_at_nodes(surface, normals * surface.areas_m2[:, None]))
    least = np.ones(len(up))
    for corner in range(3):
        nodes = surface.triangles[:, corner]
        np.minimum.at(least, nodes, np.einsum("tx,tx->t", up[nodes], normals))
    return np.asarray(up / np.maximum(least, 1 / _LEAN)[:, None])


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))


def _nearest_shares(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Shares (..., 3) of the corners (..., 3, 3) in the place of each triangle nearest to a point (..., 3)."""
    a, b, c = np.moveaxis(corners, -2, 0)
    u, v, w = b - a, c - a, points - a
    uu, uv, vv = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    wu, wv = (w * u).sum(-1), (w * v).sum(-1)
    area = uu * vv - uv * uv
    second, third = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    found = np.stack([1 - second - third, second, third], axis=-1)
    best = np.where((found >= 0).all(-1), 0.0, np.inf)
    for i in range(3):
        j = (i + 1) % 3
        begin, step = corners[..., i, :], corners[..., j, :] - corners[..., i, :]
        share = np.clip(((points - begin) * step).sum(-1) / (step * step).sum(-1), 0, 1)
        away = np.linalg.norm(points - begin - share[..., None] * step, axis=-1)
        edge = np.zeros_like(found)
        edge[..., i], edge[..., j] = 1 - share, share
        inside = best == 0.0
        nearer = ~inside & (away < best)
        found = np.where(nearer[..., None], edge, found)
        best = np.where(nearer, away, best)
    return np.asarray(found)
