"""What a walk needs to know of a sequence: every stretch from one pulse or readout to the next.

Along a stretch of T s the courses of the bore gather m(t), M at its end. With the path P = integral of m dt and the spread
S = integral of m m^T dt, a spin that walks by w gathers beside its home's phase, per part of the bore,
M . w(start) + (M - P / T) . (w(end) - w(start)), and what its bridge adds, whose variance is 2 (tr(D S) - P^T D P / T): the end
of a Brownian path and the integral of G . w along it are jointly Gaussian, so that a stretch of any length is drawn exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from fullbore.data import GradientResponse, Sequence
from fullbore.simulate.fields import FieldTerm, courses
from fullbore.simulate.gradients import PlayedGradients, play_gradients
from fullbore.simulate.timeline import Timeline, compile_timeline
from fullbore.simulate.trajectory import positions_after_pulses

NODES, WEIGHTS = np.polynomial.legendre.leggauss(5)
NODES, WEIGHTS = 0.5 * (1 + NODES), 0.5 * WEIGHTS
LONGEST_PIECE_S, PIECES_AT_ONCE = 2e-3, 50_000
OWN_SPAN = 0.75
"""A readout's middle is at the k that excitations and refocusing say, if that is nearer than this part of its span."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WalkClock:
    """Stretches that end at events: pulses and the middles of readouts, in their order.

    pulse, row: which event each is. time_s: (event,) its end; length_s: of the stretch before it. moment, path, spread: M, P, S
    of its courses. heard: (event, part) k of what a readout hears at its middle, 0 at pulses: pictures stay where tissue is.
    """

    pulse: Int[np.ndarray, " pulse"]
    row: Int[np.ndarray, " row"]
    time_s: Float[np.ndarray, " event"]
    length_s: Float[np.ndarray, " event"]
    moment: Float[np.ndarray, "event part"]
    path: Float[np.ndarray, "event part"]
    spread: Float[np.ndarray, "event part part"]
    heard: Float[np.ndarray, "event part"]

    @property
    def is_pulse(self) -> Bool[np.ndarray, " event"]:
        """Which events are pulses."""
        found = np.zeros(len(self.time_s), bool)
        found[self.pulse] = True
        return found


def make_walk_clock(
    terms: tuple[FieldTerm, ...], response: GradientResponse | None, sequence: Sequence, timeline: Timeline
) -> WalkClock:
    """The clock of a timeline of the sequence, for spins that meet these terms as if they stayed at home."""
    rows, last = np.arange(len(timeline.last_pulse)), timeline.last_pulse
    pulse = np.arange(len(timeline.time_s)) + np.searchsorted(last, np.arange(len(timeline.time_s)))
    row = rows + last + 1
    time = np.empty(len(pulse) + len(row))
    time[pulse], time[row] = timeline.time_s, timeline.sample_time_s[rows, timeline.samples // 2]
    parts = _stretches(terms, play_gradients(sequence, response), time)
    clock = WalkClock(pulse=pulse, row=row, time_s=time, length_s=np.diff(time, prepend=0.0), **parts)
    clock.heard[:] = _heard(clock, timeline) * near_its_middle(sequence)[_row_of(clock)][:, None]
    return clock


def _row_of(clock: WalkClock) -> Int[np.ndarray, " event"]:
    """The readout that each event is; any for a pulse."""
    found = np.zeros(len(clock.time_s), np.int64)
    found[clock.row] = np.arange(len(clock.row))
    return found


def _stretches(
    terms: tuple[FieldTerm, ...], gradients: PlayedGradients, time_s: Float[np.ndarray, " event"]
) -> dict[str, Float[np.ndarray, "event ..."]]:
    """M, P and S, piece by piece between all corners; a piece's inside is the polynomial through five points of its courses."""
    corners = [term.corners_s() for term in terms]
    edges = np.unique(np.concatenate([[0.0], gradients.edges_s, time_s, *corners]))
    edges = edges[(edges >= 0) & (edges <= time_s[-1])]
    modes = gradients.response.modes
    rates = [1 / mode.time_constant_s + 4 * mode.frequency_Hz for mode in modes]
    longest_s = min(LONGEST_PIECE_S, 1 / max(rates, default=1.0))
    cuts = np.maximum(1, np.ceil(np.diff(edges) / longest_s - 1e-9)).astype(np.int64)
    within = np.arange(cuts.sum()) - np.repeat(np.cumsum(cuts) - cuts, cuts)
    edges = np.append(np.repeat(edges[:-1], cuts) + within * np.repeat(np.diff(edges) / cuts, cuts), edges[-1])
    stretch = np.searchsorted(time_s, 0.5 * (edges[1:] + edges[:-1]))
    into = _integrals()
    count = courses(terms, np.zeros(0), np.zeros((0, 4))).shape[1]
    moment, path = np.zeros((len(time_s), count)), np.zeros((len(time_s), count))
    spread = np.zeros((len(time_s), count, count))
    for first in range(0, len(stretch), PIECES_AT_ONCE):
        held = stretch[first : first + PIECES_AT_ONCE]
        part = edges[first : first + len(held) + 1]
        length = np.diff(part)[:, None]
        at = (part[:-1, None] + length * NODES).ravel()
        value = courses(terms, at, gradients.at(at)).reshape(len(held), len(NODES), count)
        ends = length * np.einsum("ipc,p->ic", value, WEIGHTS)
        clock = np.concatenate([np.zeros((1, count)), np.cumsum(ends, axis=0)])
        begins = np.searchsorted(held, held)  # the first piece of each one's stretch
        before = clock[:-1] - clock[begins] + moment[held]
        inside = before[:, None] + length[:, :, None] * np.einsum("qp,ipc->iqc", into, value)
        np.add.at(path, held, length * np.einsum("iqc,q->ic", inside, WEIGHTS))
        np.add.at(spread, held, length[:, :, None] * np.einsum("iqc,iqd,q->icd", inside, inside, WEIGHTS))
        np.add.at(moment, held, ends)
    return {"moment": moment, "path": path, "spread": spread, "heard": np.zeros_like(moment)}


def _integrals() -> Float[np.ndarray, "node node"]:
    """From a polynomial's values at the nodes to its integrals from 0 to each of them."""
    powers = np.arange(len(NODES))
    values = NODES[:, None] ** powers
    return np.asarray((NODES[:, None] ** (powers + 1) / (powers + 1)) @ np.linalg.inv(values))


def _heard(clock: WalkClock, timeline: Timeline) -> Float[np.ndarray, "event part"]:
    """k at each readout's middle, zeroed by excitations and negated by refocusing as in `trajectory`."""
    uses = np.full(len(clock.time_s), " ")
    uses[clock.pulse] = timeline.uses
    result, k = np.zeros_like(clock.moment), np.zeros(clock.moment.shape[1])
    for event, use in enumerate(uses.tolist()):
        k = k + clock.moment[event]
        k = np.zeros_like(k) if use == "e" else -k if use == "r" else k
        if use == " ":
            result[event] = k
    return result


def near_its_middle(sequence: Sequence) -> Bool[np.ndarray, " row"]:
    """Readouts that hear what excitations and refocusing say, as their middle shows: not those of stimulated or later echoes."""
    ideal = compile_timeline(sequence)
    rows, last = np.arange(len(ideal.last_pulse)), np.maximum(ideal.last_pulse, 0)
    start = positions_after_pulses(ideal)[last] - ideal.moment_per_m[last]
    middle = ideal.sample_moment_per_m[rows, ideal.samples // 2] + start
    taken = np.arange(ideal.sample_time_s.shape[1]) < ideal.samples[:, None]
    own = np.where(taken[:, :, None], ideal.sample_moment_per_m, ideal.sample_moment_per_m[:, :1])
    span = np.linalg.norm(np.ptp(own, axis=1), axis=1)
    return np.asarray((np.linalg.norm(middle, axis=1) < OWN_SPAN * span) & (ideal.last_pulse >= 0))
