"""White-matter orientation: bundles as curves, and how much water runs along them.

The orientation at a place is the principal axis of a tensor: the mean of t t^T over the bundles near it (t: their direction),
and far from all of them, outward from the nearest, as short fibres fan into gyri. Six tissues hold it, sticks along the axes
of an icosahedron: since the products of those axes with themselves span all symmetric tensors, shares of the six give the mean
diffusion tensor exactly (see `stick_shares`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.data import Tissue
from fullbore.phantom.bodies.head_space import MM, Bend, carried, places, trilinear
from fullbore.phantom.fill import renamed
from fullbore.phantom.primitives import smooth_path

# Left-hand bundles, atlas LPS mm. Callosal ones start in the midline; the others do not cross it.
_CALLOSAL = (
    ((0, -30, 2), (9, -36, 4), (17, -48, 6), (22, -62, 8)),
    ((0, -29, 8), (10, -36, 12), (22, -44, 22), (30, -46, 32)),
    ((0, -22, 15), (12, -24, 20), (24, -26, 30), (30, -26, 46)),
    ((0, -8, 21), (14, -8, 26), (25, -8, 36), (28, -6, 56)),
    ((0, 6, 24), (14, 6, 28), (25, 6, 38), (32, 8, 56)),
    ((0, 20, 25), (14, 20, 28), (26, 22, 38), (30, 24, 58)),
    ((0, 32, 20), (14, 36, 25), (26, 44, 34), (30, 52, 48)),
    ((0, 38, 13), (14, 46, 13), (24, 62, 12), (22, 82, 10)),
    ((0, 36, 9), (16, 44, 8), (32, 42, 4), (46, 34, 2)),
)
_OTHERS = {
    "corticospinal tract": (
        ((14, 25, 70), (20, 20, 46), (25, 15, 26), (23, 10, 8), (14, 14, -12), (7, 17, -32), (5, 32, -56), (3, 44, -72)),
        ((38, 20, 56), (31, 17, 40), (26, 14, 26), (24, 9, 8), (15, 14, -12), (8, 18, -32), (5, 32, -56), (3, 44, -72)),
        ((52, 6, 36), (38, 8, 34), (28, 10, 24), (24, 6, 8), (15, 13, -12), (8, 17, -32), (5, 32, -56), (3, 44, -72)),
        ((30, -30, 36), (26, -18, 24), (18, -8, 8), (20, 0, 2), (13, 12, -12), (7, 16, -30)),
    ),
    "arcuate fasciculus": (
        ((46, -18, 18), (38, -6, 26), (35, 12, 30), (36, 30, 28), (42, 42, 12), (47, 34, -4), (50, 16, -12)),
        ((42, -24, 24), (36, -6, 30), (34, 14, 34), (35, 34, 31), (44, 46, 14), (50, 38, -2)),
    ),
    "cingulum": (((9, -40, 4), (9, -32, 20), (9, -14, 32), (9, 10, 37), (9, 32, 33), (11, 46, 18), (18, 44, 2)),),
    "inferior fronto-occipital fasciculus": (
        ((24, -54, 4), (28, -30, -2), (33, -6, -6), (36, 14, -4), (35, 36, 0), (30, 60, 2), (22, 88, 4)),
    ),
    "inferior longitudinal fasciculus": (((42, 0, -28), (42, 20, -18), (40, 44, -8), (32, 68, -4), (22, 88, -4)),),
    "middle cerebellar peduncle": (((0, 17, -34), (12, 22, -36), (20, 34, -38), (26, 52, -38), (30, 66, -36)),),
}

# Diffusivity along and across a stick, m^2/s; their mean is white matter's own 0.70e-9.
_ALONG, _ACROSS = 1.9e-9, 0.1e-9
# How much of an orientation the six sticks can hold: the rest is spread evenly. The largest that never asks for less than
# nothing of a stick, since a direction across it asks for a quarter less than none. Fractional anisotropy in a bundle: 0.53.
EXCESS = (1 / 6) / (1 / 6 + 1 / 4)
_NEAR_M = 4.5 * MM
_FAR_WEIGHT = 0.02
_LATTICE_M = 3.0 * MM


class Tracts(NamedTuple):
    """Orientation of white matter. shares: (n, 3) metres -> (n, 6) of the sticks. orientation: -> (n, 3) unit vectors (the sign
    means nothing). bundles: name to curves (k, 3), metres, left ones first, then their mirror images.
    """

    shares: Callable[[np.ndarray], np.ndarray]
    orientation: Callable[[np.ndarray], np.ndarray]
    bundles: dict[str, tuple[np.ndarray, ...]]


def icosahedron() -> Float[np.ndarray, "6 3"]:
    """Six unit vectors, no two less than 63.4 degrees apart."""
    golden = (1 + np.sqrt(5)) / 2
    axes = np.array([[0, 1, golden], [0, -1, golden], [1, golden, 0], [-1, golden, 0], [golden, 0, 1], [golden, 0, -1]])
    return np.asarray(axes / np.linalg.norm(axes[0]))


def stick_tissues(tissue: Tissue) -> tuple[Tissue, ...]:
    """White matter as six tissues that differ in their diffusion tensor: "NAME, stick 1" to 6."""
    made = []
    for number, axis in enumerate(icosahedron()):
        tensor = _ACROSS * np.eye(3) + (_ALONG - _ACROSS) * np.outer(axis, axis)
        rows = tuple(tuple(float(value) for value in row) for row in tensor)
        made.append(
            renamed(tissue, f"{tissue.name}, stick {number + 1}", diffusivity_m2_per_s=0.0, diffusion_tensor_m2_per_s=rows)
        )
    return tuple(made)


def stick_shares(orientation: Float[np.ndarray, "n 3 3"]) -> Float[np.ndarray, "n 6"]:
    """Shares of the six sticks for orientation tensors O (trace 1), so that their mean v v^T is I/3 + 0.4 (O - I/3).

    sum_k w_k v_k v_k^T = O for w_k = (5 v_k^T O v_k - 1) / 4, by the icosahedron's symmetry; the factor keeps w_k >= 0.
    """
    axes = icosahedron()
    along = np.einsum("ki,nij,kj->nk", axes, orientation, axes)
    return np.asarray(EXCESS * (5 * along - 1) / 4 + (1 - EXCESS) / 6)


def orientation_of(shares: Float[np.ndarray, "n 6"]) -> Float[np.ndarray, "n 3 3"]:
    """The orientation tensors that shares of the sticks stand for."""
    axes = icosahedron()
    mean = np.einsum("nk,ki,kj->nij", shares, axes, axes)
    return np.asarray(np.eye(3) / 3 + (mean - np.eye(3) / 3) / EXCESS)


def tracts(low_m: np.ndarray, high_m: np.ndarray, bend: Bend | None) -> Tracts:
    """The bundles between two corners, bent with the head, and the orientation on a lattice of 2.8 mm, linear between points."""
    bundles = _bundles(bend)
    curves = [curve for each in bundles.values() for curve in each]
    starts = np.cumsum([0, *(len(curve) for curve in curves)])
    axes = [np.arange(low_m[i], high_m[i] + _LATTICE_M, _LATTICE_M) for i in range(3)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    points = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
    tensors = _near_tensors(points, np.concatenate(curves), starts, _NEAR_M, _FAR_WEIGHT)
    lattice = np.ascontiguousarray(np.maximum(stick_shares(tensors), 0).T.reshape(6, *x.shape), np.float32)
    corner = np.array([axis[0] for axis in axes])

    def shares(where: np.ndarray) -> np.ndarray:
        return np.asarray(trilinear(lattice, corner, _LATTICE_M, np.ascontiguousarray(where)))

    def orientation(where: np.ndarray) -> np.ndarray:
        _, vectors = np.linalg.eigh(orientation_of(shares(where)))
        return np.asarray(vectors[:, :, 2])

    return Tracts(shares, orientation, bundles)


def _bundles(bend: Bend | None) -> dict[str, tuple[np.ndarray, ...]]:
    def curve(points: tuple[tuple[float | int, ...], ...], side: int) -> np.ndarray:
        return carried(bend, places(smooth_path(np.array(points, np.float64) * (side, 1, 1), 5)))

    crossing = [(*((-x, y, z) for x, y, z in half[:0:-1]), *half) for half in _CALLOSAL]
    made = {"corpus callosum": tuple(curve(whole, 1) for whole in crossing)}
    for name, each in _OTHERS.items():
        made[name] = tuple(curve(points, side) for side in (1, -1) for points in each)
    return made


@numba.njit(cache=True, nogil=True)
@no_type_check
def _near_tensors(points, line, starts, near, far_weight):
    """Mean of t t^T over curves, weighted by a Gaussian of their distance, and with the rest outward from the nearest."""
    out = np.zeros((len(points), 3, 3))
    way, best_way = np.zeros(3), np.zeros(3)
    for n in range(len(points)):
        total, nearest = 0.0, np.inf
        for c in range(len(starts) - 1):
            best, hit = np.inf, starts[c]
            for k in range(starts[c], starts[c + 1] - 1):
                # The middle of a piece stands for it: pieces are short against `near`.
                square = 0.0
                for i in range(3):
                    square += (points[n, i] - 0.5 * (line[k, i] + line[k + 1, i])) ** 2
                if square < best:
                    best, hit = square, k
            weight = np.exp(-best / (2 * near * near))
            size = 0.0
            for i in range(3):
                way[i] = line[hit + 1, i] - line[hit, i]
                size += way[i] ** 2
            for i in range(3):
                for j in range(3):
                    out[n, i, j] += weight * way[i] * way[j] / size
            total += weight
            if best < nearest:
                nearest = best
                for i in range(3):
                    best_way[i] = points[n, i] - 0.5 * (line[hit, i] + line[hit + 1, i])
        size = best_way[0] ** 2 + best_way[1] ** 2 + best_way[2] ** 2
        if size > 0:
            total += far_weight
        for i in range(3):
            for j in range(3):
                if size > 0:
                    out[n, i, j] += far_weight * best_way[i] * best_way[j] / size
                out[n, i, j] /= total
    return out
