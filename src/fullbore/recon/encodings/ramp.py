"""Readouts on other k than the grid's: sampled on gradient ramps, late or early, backwards.

A readout of samples y_j = sum_x m_x exp(-2 pi i k_j x) is solved for the voxels m_x of the encoded field of view by
(damped) least squares: exact where k is covered densely enough, zero where it is not. Readouts with the same k share
one small matrix.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from fullbore.data import AcquisitionFlag, RawData

# Samples nearer than this to their place on the grid (in grid steps) are taken to be there.
_ON_GRID = 0.05
# Squared relative size of singular values at which damping sets in; 1 is that of a sample on the grid.
_DAMPING = 1e-8
# Readouts whose k differs by less than this are of one kind; when there are too many kinds the limit is widened.
_SAME_K, _MOST_KINDS = 1e-3, 32


def readout_positions(
    raw: RawData, rows: Int[np.ndarray, " row"]
) -> tuple[Float[np.ndarray, "row sample"], Bool[np.ndarray, " row"]]:
    """k along the readout in steps of the grid (1 / encoded field of view), rising; and which readouts to turn round for it.

    From the trajectory where there is one, else from the encoding's first k and step. Readouts flagged REVERSE are turned
    round; so are others whose k falls.
    """
    encoding = raw.encoding
    read, fov = encoding.geometry.read, encoding.geometry.encoded_fov_m[0]
    if raw.trajectory_per_m is not None:
        positions = np.asarray(raw.trajectory_per_m[rows] @ read * fov)
    else:
        first, step = encoding.k_first_per_m[rows] @ read * fov, encoding.k_step_per_m[rows] @ read * fov
        positions = first[:, None] + np.arange(encoding.samples) * step[:, None]
    falling = positions[:, -1] < positions[:, 0]
    positions = np.where(falling[:, None], positions[:, ::-1], positions)
    flagged = (encoding.flags[rows].astype(np.uint64) & np.uint64(AcquisitionFlag.REVERSE)) != 0
    return positions, falling | flagged


def is_on_grid(positions: Float[np.ndarray, "row sample"], centre: int) -> bool:
    """True when sample j of every readout lies at j - centre."""
    return bool(np.abs(positions - (np.arange(positions.shape[1]) - centre)).max(initial=0) < _ON_GRID)


def kinds_of(positions: Float[np.ndarray, "row sample"]) -> tuple[Int[np.ndarray, " kind"], Int[np.ndarray, " row"]]:
    """A representative row of each kind of readout, and each row's kind."""
    same = _SAME_K
    while True:
        _, first, kind = np.unique(np.round(positions / same).astype(np.int64), axis=0, return_index=True, return_inverse=True)
        if len(first) <= _MOST_KINDS:
            return first, np.reshape(kind, -1)
        same *= 4


def gridding_matrix(
    positions: Float[np.ndarray, " sample"], columns: int, used: int | None = None
) -> Complex[np.ndarray, "columns sample"]:
    """Least-squares matrix from samples at `positions` (grid steps) to `columns` voxels, x = 0 at columns // 2.

    On the grid it is the centred unitary inverse transform. used: samples beyond this are padding and ignored.
    """
    used = len(positions) if used is None else used
    x = (np.arange(columns) - columns // 2) / columns
    model = np.exp(-2j * np.pi * np.outer(positions[:used], x)) / np.sqrt(columns)
    left, size, right = np.linalg.svd(model, full_matrices=False)
    inverse = size / (size**2 + _DAMPING * max(1.0, float(size[0]) ** 2))
    result = np.zeros((columns, len(positions)), dtype=np.complex128)
    result[:, :used] = (right.conj().T * inverse) @ left.conj().T
    return result
