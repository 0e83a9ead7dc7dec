"""Readouts that stray a little from one line: what straying does to spins, as few products of a course and a shape.

Eddy currents and concomitant fields bend what was asked to be straight, each readout in its own way, by small fractions of a
cycle anywhere in the body. In coordinates x of the places, at most 1, along the main directions in which readouts stray, a
spin goes on by exp(-i sum over d of q_d x_d), q_d small and of one sample of one readout. Each factor is a series of products
(Jacobi and Anger): exp(-i q x) = sum over k of (2 - delta_k0) (-i)^k J_k(q) T_k(x). So a readout is the sum of few readouts
along the line itself, of spins weighted by T, each times its course in J.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from jaxtyping import Complex64, Float, Float32, Inexact, Int
from scipy.special import jv

ALIKE_RAD, FARTHEST_RAD = 0.5, 1.0
"""Readouts that part by less than this anywhere are of one line; a line that any of them leaves by more is none."""

MOST_LINES, MOST_ORDER = 32, 8
GLANCE = 9
"""At how many samples readouts are compared."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reach:
    """What places of spins span: their middle and half their range, part by part."""

    middle: Float[np.ndarray, " part"]
    half: Float[np.ndarray, " part"]


def reach_of(place: Float[np.ndarray, "n part"]) -> Reach:
    """The box about all places."""
    low, high = place.min(axis=0), place.max(axis=0)
    return Reach(middle=0.5 * (low + high), half=0.5 * (high - low))


def alike(moment: Float[np.ndarray, "row sample part"], reach: Reach, fewest: int) -> Iterator[Int[np.ndarray, " own"]]:
    """Groups of at least `fewest` readouts that run nearly alike. moment: cycles/m since their middle samples."""
    at = np.linspace(0, moment.shape[1] - 1, GLANCE).astype(int)
    glance, left = 2 * np.pi * moment[:, at] * reach.half, np.arange(len(moment))
    for _ in range(MOST_LINES):
        if len(left) < fewest:
            return
        near = np.abs(glance[left] - glance[left[0]]).sum(axis=2).max(axis=1) < ALIKE_RAD
        if near.sum() >= fewest:
            yield left[near]
        left = left[~near]


def common_step(moment: Float[np.ndarray, "row sample part"]) -> Float[np.ndarray, " part"]:
    """The line through their middle samples that lies nearest to all readouts, cycles/m per sample."""
    j = np.arange(moment.shape[1]) - moment.shape[1] // 2
    return np.asarray(np.einsum("j,rjp->p", j / (j @ j), moment) / len(moment))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bends:
    """How the readouts of one line stray from it.

    x = place @ directions - origin, (n, d), at most 1; q = strayed @ strengths, in rad. centre: a place that stands for what
    all spins do together. terms: (term, d) orders. sizes: (term,) the most that each can add.
    """

    directions: Float[np.ndarray, "part d"]
    origin: Float[np.ndarray, " d"]
    strengths: Float[np.ndarray, "part d"]
    centre: Float[np.ndarray, " part"]
    terms: Int[np.ndarray, "term d"]
    sizes: Float[np.ndarray, " term"]
    _last: dict[str, tuple[bytes, Complex64[np.ndarray, "term row sample"]]] = field(default_factory=dict)

    def shapes(self, place: Float[np.ndarray, "n part"]) -> Float32[np.ndarray, "term n"]:
        """T of every term at the places."""
        x = (place @ self.directions - self.origin).T
        value = np.ones((self._orders, *x.shape))
        for k in range(1, self._orders):
            value[k] = x if k == 1 else 2 * x * value[k - 1] - value[k - 2]
        return self._products(value).astype(np.float32)

    def courses(
        self, rows: Int[np.ndarray, " own"], strayed: Float[np.ndarray, "own sample part"]
    ) -> Complex64[np.ndarray, "term own sample"]:
        """What every term is multiplied by. strayed: cycles/m off the line. Those of the last rows are kept for other spins."""
        name, held = rows.tobytes(), self._last.get("rows")
        if held is None or held[0] != name:
            q = np.moveaxis(strayed @ self.strengths, -1, 0)
            value = np.stack([(2 - (k == 0)) * (-1j) ** k * jv(k, q) for k in range(self._orders)])
            turn = np.exp(-2j * np.pi * (strayed @ self.centre))
            held = self._last["rows"] = name, (turn * self._products(value)).astype(np.complex64)
        return held[1]

    @property
    def _orders(self) -> int:
        return int(self.terms.max(initial=0)) + 1

    def _products(self, value: Inexact[np.ndarray, "order d ..."]) -> Inexact[np.ndarray, "term ..."]:
        """Over all directions, of each term's order."""
        own = np.arange(value.shape[1])
        return np.stack([value[term, own].prod(axis=0) for term in self.terms])


def make_bends(strayed: Float[np.ndarray, "row sample part"], reach: Reach, tolerance: float) -> Bends | None:
    """Those of readouts off their line, for spins within a reach, to a tolerance of any spin's signal; None if they stray far."""
    wide = 2 * np.pi * reach.half
    flat = strayed.reshape(-1, strayed.shape[-1]) * wide
    main = np.linalg.eigh(flat.T @ flat)[1][:, ::-1]  # most first
    half = np.abs(main).sum(axis=0)  # of a box along the main directions
    most = np.abs(flat @ main).max(axis=0) * half
    if most.max(initial=0.0) > FARTHEST_RAD:
        return None
    kept = most > tolerance
    main, half, most = main[:, kept], half[kept], most[kept]
    inverse = np.divide(1, reach.half, out=np.zeros_like(reach.half), where=reach.half > 0)
    directions = inverse[:, None] * main / half
    terms = [term for term in product(*(range(_order(size, tolerance)) for size in most)) if _size(term, most) > tolerance]
    terms.sort(key=lambda term: -_size(term, most))
    return Bends(
        directions=directions,
        origin=reach.middle @ directions,
        strengths=wide[:, None] * main * half,
        centre=reach.middle,
        terms=np.array(terms, int).reshape(len(terms), len(most)),
        sizes=np.array([_size(term, most) for term in terms]),
    )


def _order(size: float, tolerance: float) -> int:
    """The first order that adds no more than the tolerance."""
    return next(k for k in range(1, MOST_ORDER + 1) if k == MOST_ORDER or 2 * jv(k, size) <= tolerance)


def _size(term: tuple[int, ...], most: Float[np.ndarray, " d"]) -> float:
    """The most that a term can add: J grows with q up to `FARTHEST_RAD`."""
    return float(np.prod([2 * jv(k, size) if k else 1.0 for k, size in zip(term, most, strict=True)]))
