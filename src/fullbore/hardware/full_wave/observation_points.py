"""Virtual observation points: a few matrices that bound the local SAR of every cube from above."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float

from fullbore.errors import ShapeError, ValueRangeError

_SLACK = 1e-9
"""Of the greatest eigenvalue, added to every bound: rounding must not turn it into less than it bounds."""


def observation_points(
    matrices: Complex[np.ndarray, "cube channel channel"], overestimate: float = 0.05, most: int = 2000
) -> Complex[np.ndarray, "point channel channel"]:
    """Hermitian A such that for every Q of `matrices` there is one A with A - Q positive semidefinite.

    So max over A of w^H A w is never less than max over Q of w^H Q w, and more by at most overestimate * |w|^2 * (the greatest
    eigenvalue of all Q). One channel: the greatest value itself.
    A cluster grows about the matrix with the greatest eigenvalue left: A = core + Z, with Z grown by the positive part of what
    each next matrix has above A, while its norm allows. Source: Eichfelder and Gebhardt 2011, Magn Reson Med 66:1468. Errors:
    ValueRangeError for an overestimate that is not positive, or when `most` points do not suffice.
    """
    _check(matrices, overestimate)
    slack = np.eye(matrices.shape[1])
    if matrices.shape[1] == 1:
        return np.asarray(matrices.real.max(axis=0, keepdims=True).astype(np.complex128))
    greatest = np.linalg.eigvalsh(matrices)[:, -1]
    top = float(greatest.max())
    room = overestimate * top
    order = np.argsort(-greatest)
    left, heights = matrices[order], greatest[order]
    points: list[np.ndarray] = []
    while len(left):
        if len(points) >= most:
            raise ValueRangeError(f"observation_points: {len(left)} cubes left after {most} points. Allow more overestimation.")
        core = left[0]
        bound, taken = _cluster(core, left, heights, room)
        points.append(bound + _SLACK * top * slack)
        left, heights = left[~taken], heights[~taken]
    return np.stack(points)


def _cluster(core: np.ndarray, left: np.ndarray, heights: np.ndarray, room: float) -> tuple[np.ndarray, np.ndarray]:
    """The bound about a core, and which of what is left it bounds."""
    above = np.linalg.eigvalsh(left - core)[:, -1]
    taken = above <= 0
    taken[0] = True
    extra = np.zeros_like(core)
    for number in np.argsort(above):
        if above[number] > room:
            break
        if taken[number]:
            continue
        grown = extra + _positive_part(left[number] - core - extra)
        if np.linalg.eigvalsh(grown)[-1] <= room:
            extra = grown
            taken[number] = True
    return core + extra, taken


def _positive_part(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 0)) @ vectors.conj().T)


def worst_sar(
    points: Complex[np.ndarray, "point channel channel"], drives: Complex[np.ndarray, "*case channel"]
) -> Float[np.ndarray, "*case"]:
    """Greatest of w^H A w over the points, for every drive."""
    return np.asarray(np.einsum("...a,pab,...b->...p", drives.conj(), points, drives).real.max(axis=-1))


def _check(matrices: np.ndarray, overestimate: float) -> None:
    if len(matrices) == 0:
        raise ShapeError("observation_points: got no matrices.")
    if not overestimate > 0:
        raise ValueRangeError(f"observation_points, overestimate: got {overestimate}, wanted a positive share.")
    if not np.allclose(matrices, np.conj(np.swapaxes(matrices, 1, 2))):
        raise ShapeError("observation_points: the matrices are not Hermitian.")
