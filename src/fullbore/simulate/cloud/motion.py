"""Where a body's motion takes places, and the fields that a body meets as it moves, in few courses.

A field's shape h at the places r_n(t) of moving spins is nearly always of low rank: some few spins, the skeleton, move as all
others do, h(r_n(t)) = sum over k of c_nk h(r_k(t)). A rigid body has a skeleton of four under linear gradients, a deforming one
three more for each mode, and further ones appear where fields bend. So a moving body is one more field term: each spin of the
skeleton gives a course, exact at any time, and every spin keeps its coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from scipy.linalg import qr, solve_triangular
from scipy.spatial.transform import Rotation

from fullbore.data import Composed, Course, Deformation, FieldMap, Motion, RigidMotion, Sliding, VectorField
from fullbore.data.motion import sliding_in
from fullbore.errors import UsageError
from fullbore.simulate.fields import FieldTerm, Spline, at_places, courses, make_spline, shapes

NOMINAL_GRADIENT = np.array([[0.04, 0.04, 0.04, 1e-6]])
"""Gradients (T/m) and uniform field (T) that say how much each shape weighs."""
TOLERANCE = 1e-9
"""Of the skeleton: what is left of the fields, relative to the largest."""
FEWEST_PARTS = 3
"""Of any bore: kernels take the first three parts at once. A smaller skeleton is filled up with zeros."""
REACH_M = 0.1
"""Coefficients come in this unit, so that shapes are as large as coordinates in a body are."""
STATES, PROBES, SPINS_AT_ONCE, MOST_ROUNDS, MOST_TIMES, MANY_PERIODS = 128, 512, 100_000, 4, 20_000, 50


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moves:
    """A motion made ready to be looked up often. modes: each part's, splines of those on grids; none of a rigid one."""

    motion: Motion
    modes: tuple[tuple[Spline | VectorField, ...], ...]


def make_moves(motion: Motion) -> Moves:
    """A motion's own. Errors: UsageError for one in which pieces slide: each has its own, `movers.motion_of`."""
    if sliding_in(motion) is not None:
        raise UsageError("make_moves, motion: pieces of it slide, wanted the motion of one of them. Take `motion_of` each.")
    modes = [() if isinstance(part, RigidMotion) else tuple(_ready(mode) for mode in part.modes) for part in _parts(motion)]
    return Moves(motion=motion, modes=tuple(modes))


def _ready(mode: FieldMap | VectorField) -> Spline | VectorField:
    return make_spline(mode) if isinstance(mode, FieldMap) else mode


def _vectors(mode: Spline | VectorField, place_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    return mode.at(place_m) if isinstance(mode, VectorField) else at_places(mode, place_m).real.T


def places(moves: Moves, home_m: Float[np.ndarray, "n 3"], time_s: Float[np.ndarray, " t"]) -> Float[np.ndarray, "t n 3"]:
    """Where spins of one body, in which nothing slides, are at given times that are at `home_m` when nothing has moved."""
    place = home_m[None]
    for part, modes in zip(_parts(moves.motion), moves.modes, strict=True):
        if isinstance(part, RigidMotion):
            matrix, centre = Rotation.from_rotvec(part.turn.at(time_s)).as_matrix(), np.array(part.centre_m)
            place = (place - centre) @ matrix.transpose(0, 2, 1) + centre + part.shift.at(time_s)[:, None]
        else:
            mode = [_vectors(mode, place.reshape(-1, 3)).reshape(place.shape) for mode in modes]
            place = place + sum(a[:, None, None] * u for a, u in zip(part.amplitude.at(time_s).T, mode, strict=True))
    return np.asarray(np.broadcast_to(place, (len(time_s), *home_m.shape)))


def _parts(motion: Motion) -> tuple[RigidMotion | Deformation, ...]:
    parts = motion.parts if isinstance(motion, Composed) else (motion,)
    return tuple(part for part in parts if not isinstance(part, Sliding))


def _courses_of(motion: Motion) -> list[Course]:
    parts = _parts(motion)
    return [c for part in parts for c in ((part.turn, part.shift) if isinstance(part, RigidMotion) else (part.amplitude,))]


def _knots_s(motion: Motion) -> Float[np.ndarray, " k"]:
    """Where the motion's courses bend, from the sequence's start; of periodic ones over many periods."""
    own = _courses_of(motion)
    last_s = max(MANY_PERIODS * c.period_s if c.period_s is not None else float(c.times_s[-1]) for c in own)
    return np.unique(np.concatenate([[0.0], *(course.knots_s(0.0, max(last_s, 0.0)) for course in own)]))


def _telling_times(motion: Motion) -> Float[np.ndarray, " s"]:
    """Times at which the motion is in states as far from each other as there are."""
    knots = _knots_s(motion)
    times = np.unique(np.concatenate([knots, 0.5 * (knots[1:] + knots[:-1])]))
    times = times[:: -(-len(times) // MOST_TIMES)]
    state = np.column_stack([course.at(times) for course in _courses_of(motion)])
    state = state / np.maximum(np.ptp(state, axis=0), 1e-12)
    chosen, distance = [0], np.full(len(times), np.inf)
    while len(chosen) < min(STATES, len(times)):
        distance = np.minimum(distance, np.linalg.norm(state - state[chosen[-1]], axis=1))
        if distance.max() < 1e-9:
            break
        chosen.append(int(distance.argmax()))
    return times[chosen]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Carried(FieldTerm):
    """Fields as spins meet them that a body carries, by a skeleton. telling_s: times at which a spin tells its coefficients;
    into, upper: factors of the skeleton's own shapes then, weighted, by which coefficients are solved for. One matrix in their
    place would lose as many digits as the skeleton has of range.
    """

    fields: tuple[FieldTerm, ...]
    moves: Moves
    skeleton_m: Float[np.ndarray, "k 3"]
    telling_s: Float[np.ndarray, " s"]
    into: Float[np.ndarray, "sh k"]
    upper: Float[np.ndarray, "k k"]

    def courses(self, time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t part"]:
        """Hz that each spin of the skeleton feels, over REACH_M."""
        if len(time_s) == 0:
            return np.zeros((0, max(len(self.skeleton_m), FEWEST_PARTS)))
        met = _met(self.fields, self.moves, self.skeleton_m, time_s)
        return _padded(np.einsum("kts,ts->tk", met, courses(self.fields, time_s, gradient)) / REACH_M)

    def shapes(self, position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n part"]:
        """Coefficients times REACH_M of spins that are, or would be, at these places when nothing has moved."""
        parts = [np.zeros((0, len(self.skeleton_m)))]
        for a, b in pairwise([*range(0, len(position_m), SPINS_AT_ONCE), len(position_m)]):
            met = _met(self.fields, self.moves, position_m[a:b], self.telling_s).reshape(b - a, -1)
            parts.append(solve_triangular(self.upper, (met @ self.into).T).T)
        return _padded(REACH_M * np.concatenate(parts))

    def corners_s(self) -> Float[np.ndarray, " n"]:
        """Where the motion bends."""
        return _knots_s(self.moves.motion)


def _padded(columns: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n part"]:
    return np.pad(columns, ((0, 0), (0, max(0, FEWEST_PARTS - columns.shape[1]))))


def carried(fields: tuple[FieldTerm, ...], moves: Moves, home_m: Float[np.ndarray, "n 3"]) -> Carried:
    """The term that stands for all `fields` where a body moves whose spins are at `home_m` when nothing has moved.

    Spins that the skeleton does not answer for become candidates, and it is chosen again.
    """
    weight = np.maximum(np.abs(courses(fields, np.zeros(1), NOMINAL_GRADIENT)[0]), 1e-12)
    states_s = _telling_times(moves.motion)
    candidates = np.random.default_rng(0).permutation(len(home_m))[:PROBES]
    for _ in range(MOST_ROUNDS):
        met = _met(fields, moves, home_m[candidates], states_s) * weight
        found = _skeleton(fields, moves, home_m[candidates], met, states_s, weight)
        left = np.concatenate([_left(found, home_m[a : a + SPINS_AT_ONCE], weight) for a in range(0, len(home_m), SPINS_AT_ONCE)])
        bad = np.flatnonzero(left > 100 * TOLERANCE * np.abs(met).max())
        if len(bad) == 0:
            break
        candidates = np.unique(np.concatenate([candidates, bad[np.argsort(-left[bad])[:PROBES]]]))
    return found


def _met(
    fields: tuple[FieldTerm, ...], moves: Moves, home_m: Float[np.ndarray, "n 3"], time_s: Float[np.ndarray, " t"]
) -> Float[np.ndarray, "n t shape"]:
    """Every field's shapes where spins are at given times."""
    where = places(moves, home_m, time_s).transpose(1, 0, 2)
    return shapes(fields, where.reshape(-1, 3)).reshape(len(home_m), len(time_s), -1)


def _skeleton(
    fields: tuple[FieldTerm, ...],
    moves: Moves,
    home_m: Float[np.ndarray, "n 3"],
    met: Float[np.ndarray, "n t shape"],
    states_s: Float[np.ndarray, " t"],
    weight: Float[np.ndarray, " shape"],
) -> Carried:
    """Few of some spins that answer for all of them, and few times that tell them apart: pivoted QR, both ways."""
    table = met.reshape(len(home_m), -1)
    size, pivot = qr(table.T, mode="r", pivoting=True)
    size = np.abs(np.diag(size))
    kept = pivot[: max(1, int((size > TOLERANCE * size[0]).sum()))]
    _, columns = qr(table[kept], mode="r", pivoting=True)
    first = np.arange(min(8, len(states_s)))  # the farthest states show what the others would miss
    telling = np.unique(np.concatenate([columns[: len(kept)] // len(weight), first]))
    into, upper = qr(met[kept][:, telling].reshape(len(kept), -1).T, mode="economic")
    upper += np.diag(np.abs(np.diag(upper)) <= 1e-14 * np.abs(upper).max())  # spins that meet nothing, at the isocentre
    into = np.tile(weight, len(telling))[:, None] * into
    return Carried(fields=fields, moves=moves, skeleton_m=home_m[kept], telling_s=states_s[telling], into=into, upper=upper)


def _left(term: Carried, home_m: Float[np.ndarray, "n 3"], weight: Float[np.ndarray, " shape"]) -> Float[np.ndarray, " n"]:
    """What the skeleton leaves of each spin's fields at the telling times."""
    own, known = (_met(term.fields, term.moves, p, term.telling_s) * weight for p in (home_m, term.skeleton_m))
    answered = term.shapes(home_m)[:, : len(known)] / REACH_M @ known.reshape(len(known), -1)
    return np.asarray(np.abs(own.reshape(len(own), -1) - answered).max(axis=1))
