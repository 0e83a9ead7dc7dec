"""Regular patterns: every R-th line, partial Fourier, and sheared lattices (CAIPIRINHA) with the search for the best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Shaped

from fullbore.errors import UsageError
from fullbore.numerics.lattice_g_factor import lattice_g_factor


def regular_lines(count: int, step: int, calibration: int, partial_fourier: float = 1.0) -> Int[np.ndarray, " line"]:
    """Every step-th line, k = 0 (index count // 2) among them, and `calibration` lines around the centre; rising.

    partial_fourier: share of k-space that is kept, 0.5 to 1; lines at the low end are left out.
    Errors: UsageError for a share below one half.
    """
    if not 0.5 <= partial_fourier <= 1:
        raise UsageError(f"partial_fourier: got {partial_fourier:g}, wanted a share of k-space from 0.5 to 1.")
    index = np.arange(count)
    centre = count // 2
    inside = (index >= centre - calibration // 2) & (index < centre - calibration // 2 + calibration)
    first = min(count - round(count * partial_fourier), centre)
    return np.flatnonzero((((index - centre) % step == 0) | inside) & (index >= first))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caipi:
    """A sheared lattice: every rows-th row is measured, every columns-th column of it, `shift` columns on at each such row."""

    rows: int
    columns: int
    shift: int

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1 or not 0 <= self.shift < self.columns:
            raise UsageError(f"Caipi: got {self}, wanted steps of at least 1 and a shift from 0 to columns - 1.")

    @property
    def acceleration(self) -> int:
        """Points of the full grid for one measured."""
        return self.rows * self.columns

    def aliases(self) -> Float[np.ndarray, "alias 2"]:
        """Where copies of a voxel fall, as shares (row, column) of the field of view, the voxel itself first.

        The lattice that is reciprocal to the measured one. Source: Breuer 2006, MRM 55:549.
        """
        m, n = (a.ravel() for a in np.meshgrid(np.arange(self.columns), np.arange(self.rows), indexing="ij"))
        column = m / self.columns
        row = (n - self.shift * column) / self.rows
        return np.asarray(np.mod(np.stack([row, column], axis=1), 1.0))

    def mask(self, shape: tuple[int, int], calibration: tuple[int, int] = (0, 0)) -> Bool[np.ndarray, "row column"]:
        """The measured points of a grid, k = 0 (index n // 2) among them, with a fully sampled centre."""
        row, column = (np.arange(n) - n // 2 for n in shape)
        wanted = (row[:, None] % self.rows == 0) & ((column - self.shift * (row[:, None] // self.rows)) % self.columns == 0)
        return np.asarray(wanted | central(shape, calibration))


def lattices(acceleration: int) -> tuple[Caipi, ...]:
    """All sheared lattices of an acceleration, each once (the Hermite normal forms of that determinant)."""
    pairs = [(rows, acceleration // rows) for rows in range(1, acceleration + 1) if acceleration % rows == 0]
    return tuple(Caipi(rows=r, columns=c, shift=shift) for r, c in pairs for shift in range(c))


@dataclass(frozen=True, slots=True, kw_only=True)
class CaipiChoice:
    """The best lattice, with its worst and mean g-factor (nan when no coil maps were given) and its nearest alias (m)."""

    lattice: Caipi
    worst_g: float
    mean_g: float
    nearest_alias_m: float


def best_caipi(
    acceleration: int,
    fov_m: tuple[float, float],
    coils: Complex[np.ndarray, "coil *rest row column"] | None = None,
    support: Bool[np.ndarray, "*rest row column"] | None = None,
) -> CaipiChoice:
    """The lattice of an acceleration whose 99th percentile of g is lowest; by the point-spread function where no coils are known.

    fov_m: size along (row, column). Without coils the best is the one whose nearest alias is farthest away.
    """
    best, best_score = None, (np.inf, np.inf)
    for lattice in lattices(acceleration):
        distance = nearest_alias_m(lattice, fov_m)
        worst = mean = float("nan")
        if coils is not None:
            worst, mean = _summary(lattice_g_factor(coils, lattice.aliases(), support), support)
        score = (-distance, 0.0) if coils is None else (worst, -distance)
        if score < best_score:
            best, best_score = CaipiChoice(lattice=lattice, worst_g=worst, mean_g=mean, nearest_alias_m=distance), score
    if best is None:
        raise UsageError(f"acceleration: got {acceleration}, wanted a whole number of at least 1.")
    return best


def nearest_alias_m(lattice: Caipi, fov_m: tuple[float, float]) -> float:
    """Distance from a voxel to the nearest copy of it, with the periodic field of view."""
    offsets = lattice.aliases()[:, None, None, :] + np.array([[(i, j) for j in (-1, 0, 1)] for i in (-1, 0, 1)])
    length = np.linalg.norm(offsets * np.asarray(fov_m), axis=-1)
    return float(length[length > 1e-9 * max(fov_m)].min())


def _summary(g: Shaped[np.ndarray, ...], support: Shaped[np.ndarray, ...] | None) -> tuple[float, float]:
    """99th percentile and mean within the support."""
    inside = g[support] if support is not None else g.ravel()
    return float(np.percentile(inside, 99)), float(inside.mean())


def central(shape: tuple[int, int], size: tuple[int, int]) -> Bool[np.ndarray, "row column"]:
    """The fully sampled rectangle of a size about k = 0."""
    mask = np.zeros(shape, dtype=bool)
    (row, rows), (column, columns) = ((n // 2 - s // 2, s) for n, s in zip(shape, size, strict=True))
    mask[max(row, 0) : row + rows, max(column, 0) : column + columns] = True
    return mask
