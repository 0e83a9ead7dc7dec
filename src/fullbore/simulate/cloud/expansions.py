"""Pulses that differ little: what each does to a spin, expanded about what they do in common.

Eddy currents leave no two pulses of a sequence alike, though they part by a thousandth of a turn: each plays the gradient of
its kind and a little of what came before it. At one spin a pulse is a smooth function of few numbers, its frequency and the
parts of the courses its gradient takes beside its mean; over pulses of one family those span little. So a polynomial of low
order in them, found at a few nodes once for each spin, gives all pulses of a family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from fullbore.simulate.cloud.expansion_kernel import expand, find_ranges
from fullbore.simulate.pulse_kernel import TERMS

ALIKE_TURNS = (0.02, 0.004, 0.0008)
"""Pulses that part by less than this anywhere in the cloud are of one family: large ones of long polynomials, or small ones."""
LEAST = 1e-8
"""Terms of the polynomial that can add no more are left out."""
PAYS = 1.5
"""A family has this many times more pulses than its polynomial has nodes."""
MOST_ORDER = 6
LEJA = np.array([0.0, 1.0, -1.0, 0.577350269, -0.659754, 0.839, -0.889])
"""Points on [-1, 1] of which the first few, any number, are good nodes."""

Base = Callable[[Float[np.ndarray, "axis n"], Float[np.ndarray, "12 n"]], None]
"""Fills in the propagators at a frequency beside their own, Hz, and parts of courses of each spin."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """Pulses of one shape, carrier, shim and level that differ little.

    rows: of all that is played. common: (axis, part) their mean frequency course, Hz, and mean parts of the other courses;
    course: (row, way, part) how each differs from it, in rad, along the main ways in which any does; mix: (axis, way) what a
    radian of each is. orders: (term, way) of the monomials.
    """

    rows: Int[np.ndarray, " row"]
    common: Float[np.ndarray, "axis part"]
    course: Float[np.ndarray, "row way part"]
    mix: Float[np.ndarray, "axis way"]
    orders: Int[np.ndarray, "term way"]

    @property
    def chain(self) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
        """Which monomial each is a multiple of, and along which way; filled up to whole eights."""
        index = {tuple(order): number for number, order in enumerate(self.orders.tolist())}
        parent, along = np.zeros((2, -(-len(index) // 8) * 8), np.int64)
        for order, number in index.items():
            if number:
                way = int(np.flatnonzero(order)[0])
                along[number], parent[number] = way, index[tuple(o - (w == way) for w, o in enumerate(order))]
        return parent, along

    @property
    def saves(self) -> float:
        """About how many looks it saves, in a sequence played at once."""
        return len(self.rows) - PAYS * len(self.orders)

    @property
    def spin_bytes(self) -> int:
        """What a spin's polynomial takes."""
        return 4 * TERMS * len(self.chain[0])

    @property
    def nodes(self) -> Float[np.ndarray, "term way"]:
        """Where the polynomial is found: as many as it has terms, on [-1, 1] along each way."""
        return np.asarray(LEJA[self.orders])

    @property
    def from_nodes(self) -> Float[np.ndarray, "term node"]:
        """Coefficients of the monomials of the values at the nodes."""
        return np.linalg.inv(np.prod(self.nodes[:, None, :] ** self.orders[None], axis=2))


def find_families(
    label: Int[np.ndarray, " row"],
    rows: Int[np.ndarray, " row"],
    course: Float[np.ndarray, "row axis part"],
    turns: Float[np.ndarray, " axis"],
    reach: Float[np.ndarray, " part"],
) -> list[Family]:
    """Families among pulses of one shape, such that the fewest propagators must be looked up. label: what must be equal.

    turns: what a unit of each axis turns a spin by while the pulse plays; reach: the places' farthest.
    """
    unit = 2 * np.pi * turns
    several = [list(_families(label, rows, course, unit, reach, alike)) for alike in ALIKE_TURNS]
    return max(several, key=lambda families: sum(family.saves for family in families))


def _families(
    label: Int[np.ndarray, " row"],
    rows: Int[np.ndarray, " row"],
    course: Float[np.ndarray, "row axis part"],
    unit_rad: Float[np.ndarray, " axis"],
    reach: Float[np.ndarray, " part"],
    alike_turns: float,
) -> Iterator[Family]:
    left, size = np.arange(len(rows)), course * unit_rad[:, None] * reach
    while len(left):
        near = label[left] == label[left[0]]
        near &= (np.abs(size[left] - size[left[0]]).sum(axis=2) < 2 * np.pi * alike_turns).all(axis=1)
        own, left = left[near], left[~near]
        if len(own) < PAYS:
            continue
        common = course[own].mean(axis=0)
        strayed = (course[own] - common) * unit_rad[:, None]
        flat = (strayed * reach).swapaxes(1, 2).reshape(-1, len(unit_rad))
        main = np.linalg.eigh(flat.T @ flat)[1][:, ::-1]  # most first
        along = np.einsum("aw,rap->rwp", main, strayed)
        orders = _orders(np.ptp(along * reach, axis=0).sum(axis=1))
        family = Family(rows=rows[own], common=common, course=along, mix=main / unit_rad[:, None], orders=orders)
        if family.saves > 0:
            yield family


def _orders(reach_rad: Float[np.ndarray, " way"]) -> Int[np.ndarray, "term way"]:
    """Orders of the monomials that count where each way spans so much, those of a lower order first."""
    size = np.ones((len(reach_rad), MOST_ORDER + 1))
    for order in range(1, MOST_ORDER + 1):
        size[:, order] = size[:, order - 1] * 0.5 * reach_rad / order
    orders = np.indices((MOST_ORDER + 1,) * len(reach_rad)).reshape(len(reach_rad), -1).T
    kept = orders[np.prod(size[np.arange(len(reach_rad)), orders], axis=1) > LEAST]
    return np.asarray(kept[np.argsort(kept.sum(axis=1), kind="stable")])


class Expansion:
    """Pulses of one family for some spins."""

    def __init__(self, family: Family, rows: Int[np.ndarray, " row"], place: Float[np.ndarray, "n part"], base: Base):
        """rows: those of the family that will be asked for, sorted."""
        self.rows = rows
        self._course = family.course[np.searchsorted(family.rows, rows)].astype(np.float32)
        self._place = np.ascontiguousarray(place.T, np.float32)
        middle, half = np.empty((2, self._course.shape[1], len(place)))
        find_ranges(self._place, self._course, middle, half)
        self._middle = middle.astype(np.float32)
        self._inverse = np.divide(1, half, out=np.zeros_like(half), where=half > 0).astype(np.float32)
        centre = family.common @ place.T
        values = np.empty((len(family.orders), TERMS, len(place)))
        for node, value in zip(family.nodes, values, strict=True):
            base(centre + family.mix @ (middle + node[:, None] * half), value)
        self._chain = family.chain
        factor = np.zeros((TERMS, len(self._chain[0]), len(place)), np.float32)
        factor[:, : len(values)] = np.einsum("jv,vtn->tjn", family.from_nodes, values, optimize=True)
        self._factor = factor.reshape(-1, len(place))

    def fill(self, rows: Int[np.ndarray, " row"], where: Int[np.ndarray, " row"], out: Float32[np.ndarray, "any 12 n"]) -> None:
        """Propagators of these rows at these numbers of `out`."""
        course = self._course[np.searchsorted(self.rows, rows)]
        expand(self._place, course, self._middle, self._inverse, *self._chain, self._factor, where, out)
