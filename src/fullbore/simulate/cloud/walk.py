"""Spins that diffuse: each walks, and its walk is felt as phase, drawn stretch by stretch of a sequence.

A walk is of the body's own frame: tensors and steps turn with a body that turns. Pulses and readouts find spins at home, so that
neither slices nor pictures blur, however long a scan is; what gradients make of the way between is exact in distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from fullbore.data import GradientResponse, Sequence
from fullbore.simulate.cloud.schedule import Piece, Walked
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.cloud.spots import NEAR_M
from fullbore.simulate.cloud.walk_clock import WalkClock, make_walk_clock, near_its_middle
from fullbore.simulate.cloud.walk_kernel import walk
from fullbore.simulate.diffusion import within_readout
from fullbore.simulate.fields import FieldTerm, shapes
from fullbore.simulate.timeline import Timeline, compile_timeline
from fullbore.simulate.trajectory import positions_after_pulses

ALIKE = 1e-6
"""Slopes of fields that differ by less from spin to spin are one."""
FELT = 1e-5
"""What diffusion takes within a readout is left out where it is less."""
STATE = 4
"""Numbers that a walk keeps: a place and the turns since the last pulse."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walk:
    """How the spins of one sort walk. common: (tensor, 3, part) slopes of the bore's shapes along the steps of each tensor, None
    where they differ from spin to spin. onwards: (row, sample) what diffusion leaves of a readout after its middle, None for all.
    """

    clock: WalkClock
    terms: tuple[FieldTerm, ...]
    roots: Float[np.ndarray, "tensor 3 3"]
    common: Float[np.ndarray, "tensor 3 part"] | None
    onwards: Float32[np.ndarray, "row sample"] | None
    seed: int

    @property
    def cost_s(self) -> float:
        """About how long one spin's walk takes on two cores."""
        return 2.5e-8 * len(self.clock.time_s)

    def play(self, part: SpinCloud, piece: Piece, state: Float32[np.ndarray, "4 n"]) -> Walked:
        """What a block's walks add in a piece; `state` goes on."""
        clock, own, first = self.clock, part.diffuses, int(self.clock.pulse[piece.pulses.start])
        held = slice(first, first + piece.pulses.stop - piece.pulses.start + piece.count)  # to the last readout before the next
        assert own is not None and part.walker is not None
        turns = np.empty((held.stop - held.start, len(part)), np.float32)
        shape, of = self.common, own
        if shape is None:
            shape, of = along(self.terms, part.position_m, self.roots[own]), np.arange(len(part))
        walk(
            self.seed, first, clock.is_pulse[held], clock.length_s[held], clock.moment[held], clock.path[held],
            clock.spread[held], clock.heard[held], shape, of, part.walker, state, turns,
        )  # fmt: skip
        return Walked(turns, clock.pulse[piece.pulses] - first, clock.row[piece.rows] - first)


def make_walk(
    part: SpinCloud, terms: tuple[FieldTerm, ...], response: GradientResponse | None, sequence: Sequence, timeline: Timeline
) -> Walk | None:
    """The walk of spins of one sort that meet these terms; None where they do not diffuse."""
    if part.diffuses is None or part.tensors_m2_per_s is None:
        return None
    size, axes = np.linalg.eigh(part.tensors_m2_per_s)
    roots = axes * np.sqrt(np.maximum(size, 0))[:, None, :]
    mean = np.average(part.tensors_m2_per_s[part.diffuses], axis=0, weights=np.abs(part.amount) + 1e-300)
    few = part.position_m[:: max(1, len(part) // 1000)]
    slopes = slopes_of(terms, few)
    alike = float(np.ptp(slopes, axis=0).max()) < ALIKE * float(np.abs(slopes).max())
    return Walk(
        clock=make_walk_clock(terms, response, sequence, timeline),
        terms=terms,
        roots=roots,
        common=along(terms, np.repeat(few[:1], len(roots), axis=0), roots) if alike else None,
        onwards=_onwards(sequence, mean),
        seed=part.walk_seed,
    )


def slopes_of(terms: tuple[FieldTerm, ...], position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3 part"]:
    """How the bore's shapes change from place to place, per metre."""
    found = [shapes(terms, position_m + away) - shapes(terms, position_m - away) for away in NEAR_M * np.eye(3)]
    return np.stack(found, axis=1) / (2 * NEAR_M)


def along(
    terms: tuple[FieldTerm, ...], position_m: Float[np.ndarray, "n 3"], roots: Float[np.ndarray, "n 3 3"]
) -> Float[np.ndarray, "n 3 part"]:
    """Slopes along the columns of each spin's root of its tensor."""
    return np.einsum("nxp,nxc->ncp", slopes_of(terms, position_m), roots)


def _onwards(sequence: Sequence, tensor_m2_per_s: Float[np.ndarray, "3 3"]) -> Float32[np.ndarray, "row sample"] | None:
    """Exact on average for what excitations and refocusing make, of the spins' mean tensor; one of the frame at home."""
    ideal = compile_timeline(sequence)
    last, taken, near = np.maximum(ideal.last_pulse, 0), ideal.samples, near_its_middle(sequence)
    start = positions_after_pulses(ideal)[last] - ideal.moment_per_m[last]
    result, most = np.ones(ideal.sample_time_s.shape, np.float32), 0.0
    for row in np.flatnonzero(near):
        k = ideal.sample_moment_per_m[row, : taken[row]] + start[row]
        exponent = within_readout(k, float(ideal.dwell_s[row]), tensor_m2_per_s)
        result[row, : taken[row]] = np.exp(-exponent)
        most = max(most, float(np.abs(exponent).max()))
    return result if most > FELT else None
