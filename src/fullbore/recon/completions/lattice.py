"""The regular lattice behind an undersampled mask, whatever its steps and shifts, beside a densely sampled centre."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """Points (kz, ky) = origin + i (partitions, shift) + j (0, lines) for all integers i, j."""

    partitions: int
    lines: int
    shift: int
    origin: tuple[int, int]

    @property
    def acceleration(self) -> int:
        """Positions for each point of the lattice."""
        return self.partitions * self.lines

    def contains(self, z: Int[np.ndarray, "*n"], y: Int[np.ndarray, "*n"]) -> Bool[np.ndarray, "*n"]:
        """Which positions are points of the lattice."""
        return self.class_of(z, y) == 0

    def class_of(self, z: Int[np.ndarray, "*n"], y: Int[np.ndarray, "*n"]) -> Int[np.ndarray, "*n"]:
        """Positions that differ by a vector of the lattice share a number, 0 to acceleration - 1; 0 is the lattice itself."""
        turn, rest = np.divmod(z - self.origin[0], self.partitions)
        return np.asarray(rest * self.lines + (y - self.origin[1] - self.shift * turn) % self.lines)

    def targets(self) -> Int[np.ndarray, "target 2"]:
        """Offsets (kz, ky) from a point of the lattice to one missing position of every class but 0, in their order."""
        return np.stack(np.divmod(np.arange(1, self.acceleration), self.lines), axis=1)

    def sources(self, reach: int, axes: tuple[int, int]) -> Int[np.ndarray, "source 2"]:
        """Offsets from a point of the lattice to the points around its cell of targets, itself among them.

        reach: points on either side of the cell along an undersampled axis; along others the nearest neighbours. axes:
        extents (kz, ky) of k-space; an axis of extent 1 has no neighbours.
        """
        steps = (self.partitions, self.lines)
        low = [-min((reach - 1) * step if step > 1 else 1, n - 1) for step, n in zip(steps, axes, strict=True)]
        high = [min(reach * step if step > 1 else 1, n - 1) for step, n in zip(steps, axes, strict=True)]
        z, y = np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(low, high, strict=True)), indexing="ij")
        inside = self.contains(z + self.origin[0], y + self.origin[1])
        return np.stack([z[inside], y[inside]], axis=1)


def find_lattice(mask: Bool[np.ndarray, "kz ky"]) -> Lattice:
    """The coarsest lattice that holds every measured position outside densely sampled regions.

    Its steps are the Hermite normal form of the differences between positions; random sampling gives acceleration 1.
    """
    z, y = np.divmod(np.flatnonzero(mask & ~_near_dense(mask)), mask.shape[1])
    if len(z) < 2:
        return Lattice(partitions=1, lines=1, shift=0, origin=(0, 0))
    width = 4 * mask.shape[1]
    # Positions are in order, so codes are positive and small: counting them is quicker than sorting.
    codes = np.flatnonzero(np.bincount(np.diff(z) * width + np.diff(y) + 2 * mask.shape[1]))
    across, lines = (0, 0), 0
    for code in codes.tolist():
        down, along = divmod(code, width)
        across, left = _eliminated(across, (down, along - 2 * mask.shape[1]))
        lines = math.gcd(lines, left)
    partitions = abs(across[0]) or 1
    lines = lines or 1
    shift = (across[1] if across[0] > 0 else -across[1]) % lines
    return Lattice(partitions=partitions, lines=lines, shift=shift, origin=(int(z[0]), int(y[0])))


def _eliminated(one: tuple[int, int], two: tuple[int, int]) -> tuple[tuple[int, int], int]:
    """A vector whose z is the common divisor of both, and the y that remains of the other once its z is gone."""
    while two[0]:
        times = one[0] // two[0]
        one, two = two, (one[0] - times * two[0], one[1] - times * two[1])
    return one, two[1]


def _near_dense(mask: Bool[np.ndarray, "kz ky"]) -> Bool[np.ndarray, "kz ky"]:
    """Positions in or beside a fully measured square of two by two (a pair, where one axis has extent 1)."""
    near = mask
    for axis in (0, 1):
        if mask.shape[axis] > 1:
            near = near & np.roll(near, 1, axis)
    # A square is marked at its last corner: the way back to the first and one beyond on either side is 2 before, 1 after.
    for axis in (0, 1):
        near = near | np.roll(near, -1, axis) | np.roll(near, -2, axis) | np.roll(near, 1, axis)
    return near
