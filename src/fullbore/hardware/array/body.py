"""Noise of a uniform body of any shape: the electric field of the loops' vector potential and of the charges that it raises."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Complex, Float
from scipy.sparse import csc_matrix, diags
from scipy.sparse.linalg import splu

from fullbore.hardware.array.loop import Loop
from fullbore.physics.magnetostatics import loop_vector_potential

_FACE_PARTS = 4
_LEAST_SHARE = 0.02
_WIRE_POINTS = 64
_CELLS, _MOST_NODES = 9, 6000  # along the shortest half axis; and in all, which coarsens long bodies


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A uniform body about the origin. form: "ellipsoid", or "cylinder" of elliptic section along z.

    half_axes_m: (x, y, z). conductivity and relative permittivity of its medium.
    """

    form: Literal["ellipsoid", "cylinder"]
    half_axes_m: tuple[float, float, float]
    conductivity_S_per_m: float
    permittivity: float

    def holds(self, points_m: Float[np.ndarray, "*p 3"]) -> Bool[np.ndarray, "*p"]:
        """Whether points lie within."""
        shares = (points_m / np.asarray(self.half_axes_m)) ** 2
        if self.form == "ellipsoid":
            return np.asarray(shares.sum(axis=-1) < 1)
        return np.asarray((shares[..., 0] + shares[..., 1] < 1) & (shares[..., 2] < 1))

    def surface_m(self, count: int) -> Float[np.ndarray, "p 3"]:
        """Points all over the surface, `count` around z."""
        around, along = np.meshgrid(2 * np.pi * np.arange(count) / count, np.linspace(-1, 1, count // 2 + 1), indexing="ij")
        height = np.sin(np.pi / 2 * along) if self.form == "ellipsoid" else along
        across = np.cos(np.pi / 2 * along) if self.form == "ellipsoid" else np.ones_like(along)
        side = np.stack([across * np.cos(around), across * np.sin(around), height], axis=-1).reshape(-1, 3)
        if self.form == "cylinder":
            lid = np.stack(
                [np.abs(along) * np.cos(around), np.abs(along) * np.sin(around), np.where(along < 0, -1.0, 1.0)], axis=-1
            )
            side = np.concatenate([side, lid.reshape(-1, 3)])
        return np.asarray(side * np.asarray(self.half_axes_m))

    @property
    def volume_m3(self) -> float:
        """Volume."""
        product = math.prod(self.half_axes_m)
        return (4 / 3 if self.form == "ellipsoid" else 2) * math.pi * product


def body_resistance(
    body: Body, loops: tuple[Loop, ...], omega: float, wavenumber_per_m: complex = 0j, cells: int | None = None
) -> Complex[np.ndarray, "loop loop"]:
    """Noise resistance sigma * integral of E_i . E_j* over the body, ohm; Hermitian, positive; phasors exp(-i omega t).

    E = i omega A - grad phi with no current through the surface: the body becomes a lattice of conductors, `cells` along its
    shortest half axis (by default nine, fewer in long bodies: errors of 1 to 3 %), each edge with the electromotive force of A
    along it and the share of its face that lies within the body, and Kirchhoff's law finds the potentials. Exact at low
    frequency as cells grow; a wave number of the medium (Im <= 0, as `medium_wavenumber_per_m` gives it) retards A as if the
    medium were everywhere.
    Source: Roemer 1990, MRM 16:192, eq. 8, with the charges' field.
    """
    fine = min(body.half_axes_m) / (cells or _CELLS)
    spacing = fine if cells else max(fine, (body.volume_m3 / _MOST_NODES) ** (1 / 3))
    starts, ends, share, middles, axes = _lattice(body, spacing)
    emf = np.empty((len(starts), len(loops)), np.complex128)
    for index, loop in enumerate(loops):
        potential = loop_vector_potential(middles, *loop.thinned(_WIRE_POINTS), wavenumber_per_m)
        emf[:, index] = 1j * omega * spacing * potential[np.arange(len(axes)), axes].conj()
    current = _kirchhoff(starts, ends, share, emf)
    weight = body.conductivity_S_per_m * spacing * share
    matrix = (current * weight[:, None]).T @ current.conj()
    return np.asarray((matrix + matrix.conj().T) / 2)


def _lattice(body: Body, spacing: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Edges: first and second node, share of the face within, middle (m), axis."""
    counts = [2 * math.ceil(half / spacing) + 2 for half in body.half_axes_m]
    lines = [(np.arange(n) - (n - 1) / 2) * spacing for n in counts]
    index = np.arange(math.prod(counts)).reshape(counts)
    nodes = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)
    parts: list[tuple[np.ndarray, ...]] = []
    for axis in range(3):
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        middle = ((nodes[tuple(low)] + nodes[tuple(high)]) / 2).reshape(-1, 3)
        share = _face_share(body, middle, axis, spacing)
        kept = share > _LEAST_SHARE
        found = (index[tuple(low)].ravel(), index[tuple(high)].ravel(), share, middle, np.full(len(middle), axis))
        parts.append(tuple(values[kept] for values in found))
    starts, ends, shares, middles, axes = (np.concatenate(part) for part in zip(*parts, strict=True))
    _, renamed = np.unique(np.concatenate([starts, ends]), return_inverse=True)
    return renamed[: len(starts)], renamed[len(starts) :], shares, middles, axes


def _face_share(body: Body, middle: np.ndarray, axis: int, spacing: float) -> np.ndarray:
    """Share of the face across each edge that lies within the body."""
    across = ((np.arange(_FACE_PARTS) + 0.5) / _FACE_PARTS - 0.5) * spacing
    share, step = np.zeros(len(middle)), np.zeros(3)
    for one in across:
        for other in across:
            step[(axis + 1) % 3], step[(axis + 2) % 3] = one, other
            share += body.holds(middle + step)
    return share / _FACE_PARTS**2


def _kirchhoff(starts: np.ndarray, ends: np.ndarray, share: np.ndarray, emf: np.ndarray) -> np.ndarray:
    """Voltage that drives each edge's current: its electromotive force less the difference of the potentials."""
    edges, nodes = len(starts), int(max(starts.max(), ends.max())) + 1
    rows, ones = np.arange(edges), np.ones(edges)
    differ = csc_matrix(
        (np.concatenate([-ones, ones]), (np.concatenate([rows, rows]), np.concatenate([starts, ends]))), shape=(edges, nodes)
    )
    weighted = diags(share) @ differ
    # A whisper of conductance to ground fixes the potentials' common constant.
    matrix = (differ.T @ weighted + 1e-9 * diags(np.ones(nodes))).tocsc()
    solved = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    right = weighted.T @ emf
    potential = solved.solve(np.ascontiguousarray(right.real)) + 1j * solved.solve(np.ascontiguousarray(right.imag))
    return np.asarray(emf - differ @ potential)
