"""Specific absorption rate: of each voxel, of the whole, and of cubes of ten grams, for any number of channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Num
from scipy.ndimage import maximum_filter

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.hardware.full_wave.body import VoxelBody, off_edges
from fullbore.hardware.full_wave.solution import BodyFields

_MOST_AIR = 0.1
"""A cube with more air than this share of its volume does not count where a better one holds its voxel (IEC/IEEE 62704-1)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MassCubes:
    """Cubes grown about every voxel of matter until each holds the same mass.

    shape: (z, y, x) of the lattice. centres: (cube, 3) index z, y, x. reach: voxels on each side that lie wholly within. share:
    of the next layer that counts, so that the mass is exact. mass_kg: of each. whole: at most a tenth of its volume is air.
    counted: whole, or about a voxel that no whole cube holds; the greatest of the counted is the local SAR of the body.
    """

    shape: tuple[int, int, int]
    centres: np.ndarray
    reach: np.ndarray
    share: np.ndarray
    mass_kg: float
    whole: np.ndarray
    counted: np.ndarray

    def means(self, power_W: Num[np.ndarray, "z y x"]) -> Num[np.ndarray, " cube"]:
        """Power over mass (W/kg) of every cube, from the power (watts, or any quantity) of every voxel."""
        table = _summed(power_W)
        inner = _box(table, self.centres, self.reach)
        outer = _box(table, self.centres, self.reach + 1)
        return np.asarray((inner + self.share * (outer - inner)) / self.mass_kg)

    def spread(self, means: Float[np.ndarray, " cube"]) -> Float[np.ndarray, "z y x"]:
        """A map: of a whole cube its mean at its centre, elsewhere the greatest of the counted cubes that hold the voxel; 0 in
        air.
        """
        own, around = np.zeros(self.shape), np.zeros(self.shape)
        index = tuple(self.centres.T)
        own[index] = np.where(self.counted, means, 0)
        for reach in np.unique(self.reach[self.whole]):
            held = np.zeros(self.shape)
            held[tuple(self.centres[self.whole & (self.reach == reach)].T)] = means[self.whole & (self.reach == reach)]
            around = np.maximum(around, maximum_filter(held, size=2 * int(reach) + 1, mode="constant"))
        out = np.zeros(self.shape)
        out[index] = np.where(own[index] > 0, own[index], around[index])
        return out


def mass_cubes(body: VoxelBody, mass_kg: float = 0.010) -> MassCubes:
    """Cubes of a mass about every voxel of matter, the last layer counted in part.

    After IEC/IEEE 62704-1, made simple: cubes stay centred on their voxel; about a voxel that no cube with at most a tenth of air
    holds, the cube grows over the air until it has the mass (the standard moves it inward instead).
    Errors: ValueRangeError for a body that weighs less.
    """
    mass, matter = body.mass_kg, body.matter & (body.density > 0)
    if not mass.sum() >= mass_kg > 0:
        raise ValueRangeError(f"mass_cubes: the body weighs {mass.sum():.4g} kg, wanted at least {mass_kg:g}.")
    centres = np.argwhere(matter)
    table = _summed(mass)
    reach, before = np.zeros(len(centres), np.int64), np.zeros(len(centres))
    share, open_ = np.zeros(len(centres)), np.ones(len(centres), bool)
    # a voxel that is heavier than the mass alone counts whole: the average is then over more
    before[:] = mass[tuple(centres.T)]
    heavy = before >= mass_kg
    if heavy.any():
        raise ValueRangeError(
            f"mass_cubes: a voxel weighs {before.max():.3g} kg, wanted less than {mass_kg:g}. Take smaller voxels."
        )
    for step in range(1, max(body.grid.shape) + 1):
        at = np.flatnonzero(open_)
        if not len(at):
            break
        after = _box(table, centres[at], np.full(len(at), step))
        full = after >= mass_kg
        done = at[full]
        share[done] = (mass_kg - before[done]) / (after[full] - before[done])
        reach[done], open_[done] = step - 1, False
        before[at] = after
    whole = _air_share(matter, centres, reach, share) <= _MOST_AIR
    counted = whole | ~_covered(body.grid.shape, centres[whole], reach[whole])[tuple(centres.T)]
    return MassCubes(
        shape=body.grid.shape, centres=centres, reach=reach, share=share, mass_kg=mass_kg, whole=whole, counted=counted
    )


def _summed(values: np.ndarray) -> np.ndarray:
    """Sums over all voxels below, with a border of zeros: any box is eight look-ups (Crow 1984)."""
    out = np.zeros([n + 1 for n in values.shape], np.result_type(values, np.float64))
    out[1:, 1:, 1:] = values.cumsum(0).cumsum(1).cumsum(2) if values.dtype == out.dtype else _summed_wide(values, out.dtype)
    return out


def _summed_wide(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return np.asarray(values.astype(dtype).cumsum(0).cumsum(1).cumsum(2))


def _box(table: np.ndarray, centres: np.ndarray, reach: np.ndarray) -> np.ndarray:
    top = np.array(table.shape) - 1
    low = np.clip(centres - reach[:, None], 0, top)
    high = np.clip(centres + reach[:, None] + 1, 0, top)
    (a, b, c), (d, e, f) = low.T, high.T
    upper = table[d, e, f] - table[d, e, c] - table[d, b, f] + table[d, b, c]
    return np.asarray(upper - table[a, e, f] + table[a, e, c] + table[a, b, f] - table[a, b, c])


def _air_share(matter: np.ndarray, centres: np.ndarray, reach: np.ndarray, share: np.ndarray) -> np.ndarray:
    """What lies off the lattice is air too."""
    table = _summed(matter.astype(np.float64))
    inner, outer = _box(table, centres, reach), _box(table, centres, reach + 1)
    small, large = (2.0 * reach + 1) ** 3, (2.0 * reach + 3) ** 3
    return np.asarray(1 - (inner + share * (outer - inner)) / (small + share * (large - small)))


def _covered(
    shape: tuple[int, int, int], centres: Int[np.ndarray, "n 3"], reach: Int[np.ndarray, " n"]
) -> Bool[np.ndarray, "z y x"]:
    """Voxels within any of the boxes: corners of each, summed."""
    marks = np.zeros([n + 1 for n in shape], np.int64)
    low = np.clip(centres - reach[:, None], 0, shape)
    high = np.clip(centres + reach[:, None] + 1, 0, shape)
    for corner in np.ndindex(2, 2, 2):
        place = np.where(corner, high, low)
        np.add.at(marks, tuple(place.T), (-1) ** sum(corner))
    return np.asarray(marks.cumsum(0).cumsum(1).cumsum(2)[:-1, :-1, :-1] > 0)


def power_elements(fields: BodyFields) -> Iterator[tuple[int, int, Complex[np.ndarray, "z y x"]]]:
    """(a, b, watts of every voxel) of the upper triangle of the power matrix 1/2 sigma E_a* E_b h^3.

    A voxel takes a quarter of each of its twelve edges, so that all voxels together absorb what the edges do.
    """
    scale = fields.body.conductivity / 2 * fields.body.spacing_m**3
    for a in range(len(fields.edge_electric)):
        for b in range(a, len(fields.edge_electric)):
            product = np.conj(fields.edge_electric[a]) * fields.edge_electric[b]
            yield a, b, np.asarray(scale * sum(off_edges(product[i], i) for i in range(3)), np.complex128)


def voxel_power_W(fields: BodyFields, drive: Complex[np.ndarray, " channel"]) -> Float[np.ndarray, "z y x"]:
    """Power that each voxel absorbs when the channels are driven with these currents (peak phasors, A)."""
    if drive.shape != (len(fields.edge_electric),):
        raise ShapeError(f"voxel_power_W: got drives {drive.shape}, wanted ({len(fields.edge_electric)},).")
    total = np.tensordot(drive, fields.edge_electric, axes=1)
    square = np.abs(total.astype(np.complex128)) ** 2
    scale = fields.body.conductivity / 2 * fields.body.spacing_m**3
    return np.asarray(scale * sum(off_edges(square[i], i) for i in range(3)))


def point_sar(fields: BodyFields, drive: Complex[np.ndarray, " channel"]) -> Float[np.ndarray, "z y x"]:
    """SAR of each voxel, W/kg, 0 in air."""
    mass = fields.body.mass_kg
    return np.asarray(np.where(mass > 0, voxel_power_W(fields, drive) / np.where(mass > 0, mass, 1), 0))


def local_matrices(fields: BodyFields, cubes: MassCubes) -> Complex[np.ndarray, "cube channel channel"]:
    """Hermitian Q of every counted cube: I^H Q I is its SAR (W/kg) for the currents I (A, peak)."""
    channels, where = len(fields.edge_electric), cubes.counted
    out = np.empty((int(where.sum()), channels, channels), np.complex128)
    for a, b, power in power_elements(fields):
        out[:, a, b] = cubes.means(power)[where]
        out[:, b, a] = out[:, a, b].conj()
    return out
