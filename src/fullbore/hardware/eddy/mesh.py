"""Eddy currents on any thin surface: a triangle mesh whose stream function is linear between nodes.

K = grad psi x n is constant on a triangle. R is the Laplacian of the surface over its conductance, L the double integral of
K . K' mu0 / (4 pi |r - r'|). psi is constant along every
open edge, for no current leaves through it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import eigh
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fullbore.errors import ShapeError
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2
from fullbore.physics.straight_wires import piece_field_T, piece_potential_T_m, track_pieces

_SCALE = VACUUM_PERMEABILITY_N_PER_A2 / (4 * math.pi)
# Points and weights of a triangle exact to degree five (Radon 1948; Dunavant 1985, Int J Numer Meth Eng 21:1129).
_A, _B = (6 - math.sqrt(15)) / 21, (6 + math.sqrt(15)) / 21
_CORNERS = np.array(
    [[1 / 3] * 3, [_A, _A, 1 - 2 * _A], [_A, 1 - 2 * _A, _A], [1 - 2 * _A, _A, _A]]
    + [[_B, _B, 1 - 2 * _B], [_B, 1 - 2 * _B, _B], [1 - 2 * _B, _B, _B]]
)
_WEIGHTS = np.array([9 / 40] + [(155 - math.sqrt(15)) / 1200] * 3 + [(155 + math.sqrt(15)) / 1200] * 3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurfaceMesh:
    """Triangles of a surface, turned alike. conductance_S: conductivity times thickness of each triangle."""

    nodes_m: Float[np.ndarray, "node 3"]
    triangles: Int[np.ndarray, "triangle 3"]
    conductance_S: Float[np.ndarray, " triangle"]

    def __post_init__(self) -> None:
        if self.triangles.min() < 0 or self.triangles.max() >= len(self.nodes_m):
            raise ShapeError(f"SurfaceMesh: a triangle names node {self.triangles.max()} of {len(self.nodes_m)}.")

    @property
    def corners_m(self) -> Float[np.ndarray, "triangle 3 3"]:
        """Places of each triangle's nodes."""
        return self.nodes_m[self.triangles]

    def freedoms(self) -> Float[np.ndarray, "node free"]:
        """psi of each freedom: one node within, or all nodes of one open edge, whose psi is the current that flows round.

        The first edge (on a closed surface, the first node) is held at zero, for psi and psi + constant are one current.
        """
        rims = open_edges(self)
        nodes = len(self.nodes_m)
        links = coo_array((np.ones(len(rims)), (rims[:, 0], rims[:, 1])), shape=(nodes, nodes))
        label = connected_components(links, directed=False)[1]
        used = np.unique(self.triangles)
        rim = np.isin(used, rims)
        names = [np.unique(label[used[rim]]), label[used[~rim]]]
        held = names[0][:1] if rim.any() else names[1][:1]
        columns = np.setdiff1d(np.concatenate(names), held)
        return (label[:, None] == columns).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeshModes:
    """vectors: psi of every node (node, mode) with psi R psi = 1; time_constant_s falls."""

    mesh: SurfaceMesh
    time_constant_s: Float[np.ndarray, " mode"]
    vectors: Float[np.ndarray, "node mode"]


def currents(mesh: SurfaceMesh) -> tuple[Float[np.ndarray, "triangle 3 3"], Float[np.ndarray, " triangle"]]:
    """K (triangle, node, xyz), 1/m, of psi = 1 at each node of a triangle, and the triangles' areas."""
    p = mesh.corners_m
    normal = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    twice = np.linalg.norm(normal, axis=1)
    opposite = np.stack([p[:, 2] - p[:, 1], p[:, 0] - p[:, 2], p[:, 1] - p[:, 0]], axis=1)
    # grad psi = n x edge / 2A, so grad psi x n is the edge itself
    return opposite / twice[:, None, None], twice / 2


def resistance_matrix(mesh: SurfaceMesh) -> Float[np.ndarray, "node node"]:
    """psi R psi = heat, ohm."""
    k, area = currents(mesh)
    each = np.einsum("tac,tbc,t->tab", k, k, area / mesh.conductance_S)
    return _assembled(mesh, each)


def inductance_matrix(mesh: SurfaceMesh) -> Float[np.ndarray, "node node"]:
    """psi L psi / 2 = energy, H. Inner integrals in closed form, outer ones by seven points."""
    k, area = currents(mesh)
    points = np.einsum("qc,tcx->tqx", _CORNERS, mesh.corners_m)
    near = _potentials(mesh.corners_m, points, _WEIGHTS, area, np.sqrt(area).max())
    near = (near + near.T) / 2
    nodes = len(mesh.nodes_m)
    spread = np.zeros((3, len(k), nodes))
    index = np.arange(len(k))
    for corner in range(3):
        np.add.at(spread.transpose(1, 2, 0), (index, mesh.triangles[:, corner]), k[:, corner])
    return np.asarray(_SCALE * sum(part.T @ near @ part for part in spread))


def mesh_modes(mesh: SurfaceMesh, count: int | None = None) -> MeshModes:
    """The slowest modes of a surface; None for all."""
    free = mesh.freedoms()
    tau, found = eigh(free.T @ inductance_matrix(mesh) @ free, free.T @ resistance_matrix(mesh) @ free)
    keep = np.argsort(tau)[::-1][: count or len(tau)]
    vectors = free @ found[:, keep]
    return MeshModes(mesh=mesh, time_constant_s=tau[keep], vectors=vectors)


def mesh_flux_Wb(modes: MeshModes, tracks: Sequence[np.ndarray]) -> Float[np.ndarray, " mode"]:
    """Flux of one ampere in wire tracks through every mode: integral of psi times the normal field."""
    begins, ends = track_pieces(tracks)
    return modes.vectors.T @ node_flux_Wb(
        modes.mesh,
        lambda points: piece_field_T(points, begins, ends),
        lambda points: piece_potential_T_m(points, begins, ends),
    )


def node_flux_Wb(
    mesh: SurfaceMesh, field: Callable[[np.ndarray], np.ndarray], potential: Callable[[np.ndarray], np.ndarray]
) -> Float[np.ndarray, " node"]:
    """Flux through each node's psi of a field, T, with its vector potential, T m, as functions of points.

    Integral of A . K = integral of psi B . n, less psi A along the open edges.
    """
    p = mesh.corners_m
    normal = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]) / 2
    points = np.einsum("qc,tcx->tqx", _CORNERS, p)
    b = np.asarray(field(points.reshape(-1, 3))).reshape(points.shape)
    through = np.einsum("tqx,tx,q->tq", b, normal, _WEIGHTS)
    flux = np.zeros(len(mesh.nodes_m))
    np.add.at(flux, mesh.triangles, through @ _CORNERS)
    rim = open_edges(mesh)
    if len(rim):
        first, last = mesh.nodes_m[rim[:, 0]], mesh.nodes_m[rim[:, 1]]
        along = sum(
            weight * np.einsum("ec,ec->e", potential(first + share * (last - first)), last - first)
            for share, weight in zip((0.5 - 0.15**0.5, 0.5, 0.5 + 0.15**0.5), (5 / 18, 8 / 18, 5 / 18), strict=True)
        )
        # psi is even along an edge, so each of its ends takes half
        np.add.at(flux, rim, -np.asarray(along)[:, None] / 2)
    return flux


def open_edges(mesh: SurfaceMesh) -> Int[np.ndarray, "edge 2"]:
    """Edges that one triangle alone has, turned as it is."""
    edges = mesh.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    _, which, count = np.unique(np.sort(edges, axis=1), axis=0, return_index=True, return_counts=True)
    return edges[which[count == 1]]


def mesh_fields_T(modes: MeshModes, points_m: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "mode p 3"]:
    """Field of every mode at points off the surface, by seven points on each triangle."""
    k, area = currents(modes.mesh)
    sheet = np.einsum("tax,tam->mtx", k, modes.vectors[modes.mesh.triangles])
    places = np.einsum("qc,tcx->tqx", _CORNERS, modes.mesh.corners_m)
    field = np.zeros((sheet.shape[0], len(points_m), 3))
    for index, point in enumerate(points_m):
        away = point - places
        kernel = np.einsum("tqx,tq,q,t->tx", away, np.linalg.norm(away, axis=-1) ** -3, _WEIGHTS, area)
        field[:, index] = np.cross(sheet, kernel).sum(axis=1)
    return _SCALE * field


def cylinder_mesh(radius_m: float, half_length_m: float, conductance_S: float, around: int = 32, along: int = 20) -> SurfaceMesh:
    """An open cylinder about z, triangles outward."""
    angle = 2 * np.pi * np.arange(around) / around
    height = np.linspace(-half_length_m, half_length_m, along + 1)
    z, phi = np.meshgrid(height, angle, indexing="ij")
    nodes = np.stack([radius_m * np.cos(phi), radius_m * np.sin(phi), z], axis=-1).reshape(-1, 3)
    i, j = (part.ravel() for part in np.meshgrid(np.arange(along), np.arange(around), indexing="ij"))
    a, b = i * around + j, i * around + (j + 1) % around
    c, d = a + around, b + around
    triangles = np.concatenate([np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)])
    return SurfaceMesh(nodes_m=nodes, triangles=triangles, conductance_S=np.full(len(triangles), conductance_S))


def _assembled(mesh: SurfaceMesh, each: Float[np.ndarray, "triangle 3 3"]) -> Float[np.ndarray, "node node"]:
    nodes = len(mesh.nodes_m)
    total = np.zeros((nodes, nodes))
    np.add.at(total, (mesh.triangles[:, :, None], mesh.triangles[:, None, :]), each)
    return total


@numba.njit(cache=True, nogil=True)
@no_type_check
def _potentials(corners, points, weights, area, size):
    """Integral of 1 / |r - r'| over pairs of triangles: seven points against the closed form, or centres where far apart."""
    count = len(corners)
    out = np.empty((count, count))
    for i in range(count):
        for j in range(count):
            dx = points[i, 0] - points[j, 0]
            distance = math.sqrt((dx * dx).sum())
            total = 0.0
            if distance > 6 * size:
                for q in range(len(weights)):
                    dx = points[i, 0] - points[j, q]
                    total += weights[q] / math.sqrt((dx * dx).sum())
                out[i, j] = total * area[i] * area[j]
            else:
                for q in range(len(weights)):
                    total += weights[q] * _triangle_potential(corners[j], points[i, q])
                out[i, j] = total * area[i]
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def _triangle_potential(p, r):
    """Integral of 1 / |r - r'| over a triangle. Source: Wilton et al. 1984, IEEE Trans Antennas Propag 32:276, eq. 5."""
    normal = np.cross(p[1] - p[0], p[2] - p[0])
    normal = normal / math.sqrt((normal * normal).sum())
    height = ((r - p[0]) * normal).sum()
    total = 0.0
    for e in range(3):
        a, b = p[e], p[(e + 1) % 3]
        along = (b - a) / math.sqrt(((b - a) ** 2).sum())
        out = np.cross(along, normal)
        t = ((a - r) * out).sum()
        low, high = ((a - r) * along).sum(), ((b - r) * along).sum()
        first, last = math.sqrt(((a - r) ** 2).sum()), math.sqrt(((b - r) ** 2).sum())
        square = t * t + height * height
        if square > 1e-24:
            # the larger of the two forms, lest R + l cancel
            if high + low > 0:
                total += t * math.log((last + high) / (first + low))
            else:
                total += t * math.log((first - low) / (last - high))
            if abs(height) > 1e-14:
                total -= abs(height) * (
                    math.atan2(t * high, square + abs(height) * last) - math.atan2(t * low, square + abs(height) * first)
                )
    return total
