"""Boundary elements: a stream function linear on triangles, so that each triangle carries an even current.

Sources: Pissanetzky 1992, Meas Sci Technol 3:667 (the method); Wilton et al. 1984, IEEE Trans Antennas Propag 32:276 (potential
of an even triangle); Eibert and Hansen 1995, ibid. 43:1499 (a triangle on itself).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from fullbore.errors import ShapeError
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2 as MU0

_SCALE = MU0 / (4 * math.pi)
# Six points of a triangle, exact for polynomials of degree four (Dunavant 1985): corners' weights a, b and their shares.
_A, _B, _WA, _WB = 0.445948490915965, 0.091576213509771, 0.223381589678011, 0.109951743655322
_CORNERS = np.array([[c if i != j else 1 - 2 * c for i in range(3)] for c in (_A, _B) for j in range(3)])
_WEIGHTS = np.array([_WA] * 3 + [_WB] * 3)
# Triangles nearer than this many edges: the inner integral in closed form.
_NEAR = 3.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """Triangles in space, all turned one way: nodes_m (n, 3), triangles (t, 3) of node numbers."""

    nodes_m: Float[np.ndarray, "n 3"]
    triangles: Int[np.ndarray, "t 3"]

    def __post_init__(self) -> None:
        if self.triangles.min() < 0 or self.triangles.max() >= len(self.nodes_m):
            raise ShapeError(f"Surface.triangles: got node {self.triangles.max()}, wanted 0 to {len(self.nodes_m) - 1}.")
        if not self.areas_m2.min() > 0:
            raise ShapeError("Surface.triangles: one has no area. Remove it.")

    @property
    def corners_m(self) -> Float[np.ndarray, "t 3 3"]:
        """Corners of every triangle."""
        return np.asarray(self.nodes_m[self.triangles])

    @property
    def areas_m2(self) -> Float[np.ndarray, " t"]:
        """Of every triangle."""
        return np.asarray(np.linalg.norm(self.normals_m2, axis=1))

    @property
    def normals_m2(self) -> Float[np.ndarray, "t 3"]:
        """Area times normal of every triangle."""
        a, b, c = np.moveaxis(self.corners_m, 1, 0)
        return np.asarray(np.cross(b - a, c - a) / 2)

    @property
    def edge_nodes(self) -> Int[np.ndarray, " b"]:
        """Nodes on open edges of the surface: there no current may leave, the stream function is taken as 0."""
        pairs = np.sort(np.concatenate([self.triangles[:, [i, (i + 1) % 3]] for i in range(3)]), axis=1)
        found, count = np.unique(pairs, axis=0, return_counts=True)
        return np.unique(found[count == 1])


def cylinder_surface(radius_m: float, length_m: float, around: int, along: int) -> Surface:
    """A cylinder about z, normals outward; along: rows of nodes."""
    angle, height = np.meshgrid(2 * np.pi * np.arange(around) / around, np.linspace(-length_m / 2, length_m / 2, along))
    nodes = np.stack([radius_m * np.cos(angle), radius_m * np.sin(angle), height], axis=-1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(along - 1) * around, np.arange(around), indexing="ij")
    a, b = (i + j).ravel(), (i + (j + 1) % around).ravel()
    # both diagonals by turns, so that no hand is preferred
    even = ((i // around + j) % 2 == 0).ravel()
    c, d = a + around, b + around
    first = np.where(even[:, None], np.stack([a, b, d], 1), np.stack([a, b, c], 1))
    second = np.where(even[:, None], np.stack([a, d, c], 1), np.stack([b, d, c], 1))
    return Surface(nodes_m=nodes, triangles=np.concatenate([first, second]))


def joined(first: Surface, second: Surface) -> Surface:
    """Two surfaces as one."""
    return Surface(
        nodes_m=np.concatenate([first.nodes_m, second.nodes_m]),
        triangles=np.concatenate([first.triangles, second.triangles + len(first.nodes_m)]),
    )


def current_maps(surface: Surface) -> tuple[sparse.csr_matrix, sparse.csr_matrix, sparse.csr_matrix]:
    """x, y and z of the current per length (A/m) in every triangle from the stream function (A) at nodes: grad psi x normal."""
    corners = surface.corners_m
    rows = np.repeat(np.arange(len(corners)), 3)
    opposite = np.stack([corners[:, (i + 2) % 3] - corners[:, (i + 1) % 3] for i in range(3)], axis=1)
    flow = opposite / (2 * surface.areas_m2[:, None, None])
    shape = (len(corners), len(surface.nodes_m))
    x, y, z = (sparse.csr_matrix((flow[:, :, axis].ravel(), (rows, surface.triangles.ravel())), shape=shape) for axis in range(3))
    return x, y, z


def axial_rows(points_m: Float[np.ndarray, "p 3"], surface: Surface) -> Float[np.ndarray, "p n"]:
    """Bz (T) at points off the surface for 1 A of stream function at each node."""
    spots, weights = _spots(surface)
    x, y = _field_kernels(np.ascontiguousarray(points_m, dtype=np.float64), spots, weights)
    flow_x, flow_y, _ = current_maps(surface)
    return np.asarray(_SCALE * ((flow_x.T @ y.T).T - (flow_y.T @ x.T).T))


def moment_rows(surface: Surface) -> Float[np.ndarray, "3 n"]:
    """Magnetic moment (A m^2) for 1 A at each node: torque in a uniform field is moment x B0."""
    rows = np.zeros((3, len(surface.nodes_m)))
    for corner in range(3):
        np.add.at(rows.T, surface.triangles[:, corner], surface.normals_m2 / 3)
    return rows


def dissipation(surface: Surface) -> sparse.csr_matrix:
    """Integral of |grad psi|^2, (n, n): times ohm per square it is the power."""
    area = sparse.diags(surface.areas_m2)
    return sparse.csr_matrix(sum(flow.T @ area @ flow for flow in current_maps(surface)))


def potentials(first: Surface, second: Surface) -> Float[np.ndarray, "t u"]:
    """mu0 / 4 pi times the double integral of 1 / r over every pair of triangles, H m^2."""
    spots, weights = _spots(second)
    own, own_weights = _spots(first)
    same = first is second
    return np.asarray(_SCALE * _pairs(first.corners_m, own, own_weights, second.corners_m, spots, weights, same))


def inductance(first: Surface, second: Surface, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Mutual inductances (H) of stream functions: left (n, a) on the first surface, right (m, b) on the second, A each."""
    between = potentials(first, second)
    pairs = zip(current_maps(first), current_maps(second), strict=True)
    return np.asarray(sum((one @ left).T @ (between @ (two @ right)) for one, two in pairs))


def _spots(surface: Surface) -> tuple[np.ndarray, np.ndarray]:
    """Quadrature points (t, 6, 3) and weights (t, 6) in m^2."""
    return np.einsum("qc,tcx->tqx", _CORNERS, surface.corners_m), surface.areas_m2[:, None] * _WEIGHTS


@numba.njit(parallel=True, cache=True, nogil=True)
@no_type_check
def _field_kernels(points: np.ndarray, spots: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integrals of x / r^3 and y / r^3 from every triangle to every point."""
    x, y = np.zeros((len(points), len(spots))), np.zeros((len(points), len(spots)))
    for p in numba.prange(len(points)):
        for t in range(len(spots)):
            for q in range(spots.shape[1]):
                dx, dy, dz = points[p, 0] - spots[t, q, 0], points[p, 1] - spots[t, q, 1], points[p, 2] - spots[t, q, 2]
                share = weights[t, q] / (dx * dx + dy * dy + dz * dz) ** 1.5
                x[p, t] += share * dx
                y[p, t] += share * dy
    return x, y


@numba.njit(cache=True, nogil=True)
@no_type_check
def _triangle_potential(point: np.ndarray, corners: np.ndarray) -> float:
    """Integral of 1 / r over a triangle seen from a point (Wilton et al. 1984)."""
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    normal /= math.sqrt((normal**2).sum())
    height = abs(((point - corners[0]) * normal).sum())
    total = 0.0
    for i in range(3):
        begin, end = corners[i], corners[(i + 1) % 3]
        edge = end - begin
        edge /= math.sqrt((edge**2).sum())
        across = ((begin - point) * np.cross(edge, normal)).sum()
        low, high = ((begin - point) * edge).sum(), ((end - point) * edge).sum()
        near, far = math.sqrt(((begin - point) ** 2).sum()), math.sqrt(((end - point) ** 2).sum())
        square = across * across + height * height
        if square < 1e-24:
            continue
        total += across * (math.asinh(high / math.sqrt(square)) - math.asinh(low / math.sqrt(square)))
        if height > 1e-12:
            total -= height * (
                math.atan(across * high / (square + height * far)) - math.atan(across * low / (square + height * near))
            )
    return total


@numba.njit(cache=True, nogil=True)
@no_type_check
def self_potential(corners: np.ndarray) -> float:
    """Double integral of 1 / r of a triangle over itself (Eibert and Hansen 1995)."""
    a = math.sqrt(((corners[1] - corners[0]) ** 2).sum())
    b = math.sqrt(((corners[2] - corners[1]) ** 2).sum())
    c = math.sqrt(((corners[0] - corners[2]) ** 2).sum())
    s = (a + b + c) / 2
    square = s * (s - a) * (s - b) * (s - c)
    return -4 * square / 3 * (math.log(1 - a / s) / a + math.log(1 - b / s) / b + math.log(1 - c / s) / c)


@numba.njit(parallel=True, cache=True, nogil=True)
@no_type_check
def _pairs(
    first: np.ndarray,
    own: np.ndarray,
    own_weights: np.ndarray,
    second: np.ndarray,
    spots: np.ndarray,
    weights: np.ndarray,
    same: bool,
) -> np.ndarray:
    out = np.zeros((len(first), len(second)))
    for t in numba.prange(len(first)):
        middle = (first[t, 0] + first[t, 1] + first[t, 2]) / 3
        size = math.sqrt(((first[t, 1] - first[t, 0]) ** 2).sum())
        for u in range(len(second)):
            if same and t == u:
                out[t, u] = self_potential(first[t])
                continue
            other = (second[u, 0] + second[u, 1] + second[u, 2]) / 3
            found = 0.0
            if math.sqrt(((middle - other) ** 2).sum()) > _NEAR * size:
                # three of the six points each way hold what distance leaves of the integrand
                for q in range(3):
                    for w in range(3):
                        dx, dy, dz = own[t, q, 0] - spots[u, w, 0], own[t, q, 1] - spots[u, w, 1], own[t, q, 2] - spots[u, w, 2]
                        found += 1 / math.sqrt(dx * dx + dy * dy + dz * dz)
                area_t, area_u = own_weights[t].sum(), weights[u].sum()
                out[t, u] = found * area_t * area_u / 9
            else:
                for q in range(own.shape[1]):
                    found += own_weights[t, q] * _triangle_potential(own[t, q], second[u])
                out[t, u] = found
    return out
