"""From cells to samples: separable Fourier sums over slice, phase and read.

One component of one slot is an image a(z, y, x). With the coils' sensitivities it becomes H[row, coil, x] by sums over z
and y for each readout's kz and ky. All components of a block of x then give the samples in one product,
S[row, coil, j] += sum_(component, x) H[row, coil, component, x] * pattern[component, row, j] * exp(-2 pi i kx x).
Sums over lattice points are made transforms of the continuous object by each axis' transfer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Complex64, Float, Int, Num

from fullbore.simulate.lattice import LatticeAxis
from fullbore.simulate.nodes import barycentric_matrix, chebyshev_nodes

SAME_K_PER_M = 1e-4
FEW_PARTITIONS = 3
SENSITIVITY_NODE_M = 6e-3
ROWS_AT_ONCE = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comb:
    """Readouts that share one set of read positions: rows (of the slot) and k_read of the samples."""

    rows: Int[np.ndarray, " n"]
    k_read_per_m: Float[np.ndarray, " sample"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan2:
    """How the readouts of a slot lie in k-space, in the scan's frame.

    k_slice: unique values; partition: (row,) which of them. k_phase: (row,). combs: by read positions.
    """

    k_slice_per_m: Float[np.ndarray, " kz"]
    partition: Int[np.ndarray, " row"]
    k_phase_per_m: Float[np.ndarray, " row"]
    combs: tuple[Comb, ...]


def separate(k_per_m: Float[np.ndarray, "row sample 3"]) -> Plan2 | None:
    """Product structure of a slot's trajectory (read, phase, slice), or None when it has none."""
    spread = np.ptp(k_per_m[:, :, 1:], axis=1)
    if spread.max() > 1e-2:
        return None
    centre = k_per_m[:, k_per_m.shape[1] // 2, 1:]
    k_slice, partition = _unique(centre[:, 1])
    read = k_per_m[:, :, 0]
    _, first, which = np.unique(np.round(read[:, [0, -1]] / (100 * SAME_K_PER_M)), axis=0, return_index=True, return_inverse=True)
    if np.abs(read - read[first][which.ravel()]).max() > 100 * SAME_K_PER_M:
        return None
    combs = tuple(Comb(rows=np.flatnonzero(which.ravel() == i), k_read_per_m=read[first[i]]) for i in range(len(first)))
    return Plan2(k_slice_per_m=k_slice, partition=partition, k_phase_per_m=centre[:, 0], combs=combs)


def _unique(values: Float[np.ndarray, " n"]) -> tuple[Float[np.ndarray, " m"], Int[np.ndarray, " n"]]:
    order = np.argsort(values, kind="stable")
    label = np.concatenate([[0], np.cumsum(np.diff(values[order]) > 1e-2)])
    which = np.empty(len(values), dtype=np.int64)
    which[order] = label
    return np.array([values[order][label == i].mean() for i in range(label[-1] + 1)]), which


def fourier_matrix(k_per_m: Float[np.ndarray, " k"], axis: LatticeAxis, points: slice = slice(None)) -> Complex64[np.ndarray, "k n"]:
    """exp(-2 pi i k x) times the axis' transfer; phases in float64."""
    phase = np.exp(-2j * np.pi * np.outer(k_per_m, axis.points_m[points]))
    return np.asarray((axis.transfer(k_per_m)[:, None] * phase).astype(np.complex64))


def sum_slices(
    cells: Complex64[np.ndarray, "z y x"],
    sensitivity: Num[np.ndarray, "coil z y x"],
    matrix: Complex64[np.ndarray, "kz z"],
) -> Complex64[np.ndarray, "kz y coil x"]:
    """Sum over z of cells times sensitivity for every kz."""
    depth, height, width = cells.shape
    result = np.empty((len(matrix), height, len(sensitivity), width), np.complex64)
    for coil, map_ in enumerate(sensitivity):
        result[:, :, coil] = (matrix @ (cells * map_).reshape(depth, -1)).reshape(-1, height, width)
    return result


def sum_thin_slab(
    cells: Complex64[np.ndarray, "z y x"],
    sensitivity: Num[np.ndarray, "coil node y x"],
    to_nodes: Float[np.ndarray, "z node"],
    matrix: Complex64[np.ndarray, "kz z"],
) -> Complex64[np.ndarray, "kz y coil x"]:
    """The same for few kz: sensitivities are a polynomial in z through a few nodes, so cells are gathered at the nodes."""
    depth, height, width = cells.shape
    gathered = (to_nodes.T[None] * matrix[:, None, :]).reshape(-1, depth).astype(np.complex64) @ cells.reshape(depth, -1)
    at_nodes = gathered.reshape(len(matrix), -1, height, width)
    return np.ascontiguousarray(np.einsum("knyx,cnyx->kycx", at_nodes, sensitivity, optimize=False))


def slab_nodes(z: LatticeAxis) -> tuple[Float[np.ndarray, " node"], Float[np.ndarray, "z node"]]:
    """Where along z to know the sensitivities of a thin slab, and their weights for every plane."""
    extent = float(np.ptp(z.points_m))
    count = min(len(z.points_m), 3 + int(extent / SENSITIVITY_NODE_M))
    nodes = chebyshev_nodes(count, float(z.points_m.min()), float(z.points_m.max()))
    return nodes, barycentric_matrix(nodes, z.points_m)


def sum_lines(
    slab: Complex64[np.ndarray, "kz y coil x"], plan: Plan2, y: LatticeAxis, out: Complex64[np.ndarray, "row coil x"]
) -> None:
    """Sum over y for the lines that each kz holds, into the readouts' rows."""
    for partition in range(len(plan.k_slice_per_m)):
        rows = np.flatnonzero(plan.partition == partition)
        lines, which = np.unique(np.round(plan.k_phase_per_m[rows], 4), return_inverse=True)
        matrix = fourier_matrix(lines, y)
        held = (matrix @ slab[partition].reshape(slab.shape[1], -1)).reshape(-1, *slab.shape[2:])
        out[rows] = held[which.ravel()]


def sum_reads(
    lines: Complex64[np.ndarray, "row coil k x"],
    pattern: Complex[np.ndarray, "k row q"],
    sample: Complex[np.ndarray, "q sample"],
    plan: Plan2,
    matrix_of: dict[int, Complex64[np.ndarray, "sample x"]],
    out: Complex64[np.ndarray, "n coil sample"],
    rows_out: Int[np.ndarray, " row"],
) -> None:
    """Sum over x and components, added into out[rows_out]: components first, then one product over (q, x)."""
    coils, _, width = lines.shape[1:]
    for number, comb in enumerate(plan.combs):
        transform = (sample[:, None, :] * matrix_of[number].T[None]).astype(np.complex64).reshape(-1, sample.shape[1])
        for rows in np.array_split(comb.rows, max(1, len(comb.rows) // ROWS_AT_ONCE)):
            weights = np.ascontiguousarray(np.moveaxis(pattern[:, rows], 0, 2), np.complex64)  # (row, q, k)
            gathered = np.matmul(weights[:, None], lines[rows])  # (row, coil, q, x)
            value = gathered.reshape(len(rows) * coils, len(sample) * width) @ transform
            out[rows_out[rows]] += value.reshape(len(rows), coils, -1)


def sum_directly(
    cells: Complex64[np.ndarray, "k z y x"],
    sensitivity: Num[np.ndarray, "coil z y x"],
    axes: tuple[LatticeAxis, LatticeAxis, LatticeAxis],
    k_per_m: Float[np.ndarray, "row sample 3"],
    pattern: Complex[np.ndarray, "k row q"],
    sample: Complex[np.ndarray, "q sample"],
    out: Complex64[np.ndarray, "n coil sample"],
    rows_out: Int[np.ndarray, " row"],
) -> None:
    """Any trajectory, cell by cell: slow but right."""
    held = np.flatnonzero((np.abs(cells) > 0).any(axis=0).ravel())
    z, y, x = np.meshgrid(axes[2].points_m, axes[1].points_m, axes[0].points_m, indexing="ij")
    position = np.stack([part.ravel()[held] for part in (x, y, z)])
    weighted = cells.reshape(len(cells), 1, -1)[:, :, held] * sensitivity.reshape(1, len(sensitivity), -1)[:, :, held]
    flat = weighted.reshape(-1, len(held)).T
    for row in range(len(k_per_m)):
        k = k_per_m[row]
        transfer = np.prod([axis.transfer(k[:, i]) for i, axis in enumerate(axes)], axis=0)
        phase = np.exp(-2j * np.pi * (k @ position)) * transfer[:, None]
        value = (phase.astype(np.complex64) @ flat).reshape(len(k), len(cells), -1)
        out[rows_out[row]] += np.einsum("jkc,kj->cj", value, pattern[:, row] @ sample)
