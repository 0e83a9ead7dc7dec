"""Spins that flow: the fields that they meet, window by window of the sequence.

Over a whole scan blood passes a vessel many times, and no few courses answer for it. Within a window, from one RF pulse's start
to the next or less, a spin's fields are a polynomial of the pace's integral: its values at a few nodes are the spin's shapes, the
fields' courses times the nodes' own polynomials the courses. Spins that have left come in fresh where a window begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import Course, Flow, Sequence
from fullbore.errors import LimitError
from fullbore.numerics.vessel import Streams, Vessel
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.cloud.motion import NOMINAL_GRADIENT
from fullbore.simulate.fields import FieldTerm, courses, shapes
from fullbore.simulate.nodes import barycentric_matrix, chebyshev_nodes

TOLERANCE_M, WORST_M = 3e-9, 1e-7
"""How far polynomials may misplace a spin: 1e-5 rad at 500 cycles/m; and where fields bend too much for that."""
MOST_NODES = 24
SPANS = (1 / 16, 1 / 64, 1 / 256, 1 / 1024)
"""Windows are cut, where neither RF plays nor the receiver listens, so that nothing flows farther in them (vessel lengths).

Shorter ones are taken where the vessel bends too much for the longer ones.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """Windows begin at edges_s (w,), the last has no end. first, last: (w,) pace's integral at their ends. nodes: how many."""

    edges_s: Float[np.ndarray, " w"]
    first: Float[np.ndarray, " w"]
    last: Float[np.ndarray, " w"]
    nodes: int
    pace: Course

    def index(self, time_s: Float[np.ndarray, " t"]) -> Int[np.ndarray, " t"]:
        """The window of each time."""
        return np.maximum(np.searchsorted(self.edges_s, time_s, side="right") - 1, 0)

    def ways(self, window: int) -> Float[np.ndarray, " node"]:
        """The pace's integral at a window's nodes."""
        return chebyshev_nodes(self.nodes, float(self.first[window]), float(self.last[window]))

    def weights(self, time_s: Float[np.ndarray, " t"]) -> Float[np.ndarray, "t node"]:
        """Each node's polynomial at each time."""
        window = self.index(time_s)
        first, width = self.first[window], np.maximum(self.last[window] - self.first[window], 1e-15)
        x = 2 * (self.pace.integral(time_s) - first) / width - 1 if len(time_s) else time_s
        return barycentric_matrix(chebyshev_nodes(self.nodes, -1.0, 1.0), x)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flowing(FieldTerm):
    """Fields as spins meet them that flow."""

    fields: tuple[FieldTerm, ...]
    windows: Windows

    def courses(self, time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t part"]:
        """Those of the fields, times each node's polynomial."""
        both = courses(self.fields, time_s, gradient)[:, :, None] * self.windows.weights(time_s)[:, None, :]
        return np.asarray(both.reshape(len(time_s), both.shape[1] * both.shape[2]))

    def shapes(self, position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n part"]:
        """Of spins that stay where they are."""
        return np.repeat(shapes(self.fields, position_m), self.windows.nodes, axis=1)

    def corners_s(self) -> Float[np.ndarray, " n"]:
        """Where windows begin, and the fields and the pace bend."""
        own = [self.windows.edges_s, self.windows.pace.knots_s(0.0, float(self.windows.edges_s[-1]) + 10.0)]
        return np.concatenate([*own, *(term.corners_s() for term in self.fields)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stream:
    """The spins of one vessel: their streamlines, and the fields that they meet."""

    vessel: Vessel[Flow]
    streams: Streams
    term: Flowing

    def take(self, which: Int[np.ndarray, " m"] | slice) -> Stream:
        """Only these spins."""
        own = {name: getattr(self.streams, name)[which] for name in Streams.__slots__}
        return replace(self, streams=Streams(**own))

    def at(self, time_s: float) -> Float[np.ndarray, "n part"]:
        """Shapes in the window of a time."""
        windows = self.term.windows
        window = int(windows.index(np.array([time_s]))[0])
        laps = self.streams.laps(float(windows.first[window]))
        where = self.vessel.places(self.streams, windows.ways(window), laps)
        met = shapes(self.term.fields, where.reshape(-1, 3)).reshape(*where.shape[:2], -1)
        return np.ascontiguousarray(met.transpose(1, 2, 0)).reshape(where.shape[1], -1)

    def places(self, time_s: float) -> Float[np.ndarray, "n 3"]:
        """Where spins are in the body at rest."""
        windows = self.term.windows
        time = np.array([time_s])
        laps = self.streams.laps(float(windows.first[windows.index(time)[0]]))
        return self.vessel.places(self.streams, windows.pace.integral(time), laps)[0]


def make_windows(vessel: Vessel[Flow], sequence: Sequence, fields: tuple[FieldTerm, ...]) -> Windows:
    """Windows of a sequence and as many nodes as these fields need; shorter windows where a bend needs too many.

    Errors: LimitError where blood goes too far while RF plays or the receiver listens.
    """
    flow, end_s, refused = vessel.flow, sequence.total_duration_s, None
    for span in SPANS:
        edges = np.array(list(_edges(vessel, sequence, span)))
        way = flow.pace.integral(np.append(edges, max(end_s, edges[-1])))
        first, last = way[:-1], way[1:]
        try:
            nodes = _nodes(vessel, float((last - first).max()), fields)
        except LimitError as error:
            refused = error
        else:
            return Windows(edges_s=edges, first=first, last=last, nodes=nodes, pace=flow.pace)
    assert refused is not None
    raise refused


def _edges(vessel: Vessel[Flow], sequence: Sequence, span: float) -> Iterator[float]:
    """The beginning, every RF pulse's, and further free times where blood goes far from one to the next or the end.

    span: share of the vessel's length that is far.
    """
    starts = sequence.block_starts_s()
    busy = [(0.0, 0.0, True)]
    for block in np.flatnonzero((sequence.rf >= 0) | (sequence.adc >= 0)):
        if sequence.rf[block] >= 0:
            pulse = sequence.rf_pulses[sequence.rf[block]]
            busy.append((starts[block] + pulse.delay_s, starts[block] + pulse.delay_s + pulse.duration_s, True))
        if sequence.adc[block] >= 0:
            adc = sequence.adcs[sequence.adc[block]]
            busy.append((starts[block] + adc.delay_s, starts[block] + adc.delay_s + adc.samples * adc.dwell_s, False))
    busy.append((sequence.total_duration_s, sequence.total_duration_s, False))
    busy.sort()
    corners = np.array([time_s for first, last, _ in busy for time_s in (first, last)])
    way = vessel.flow.pace.integral(corners) * vessel.flow.peak_velocity_m_per_s * vessel.fastest / (span * vessel.length_m)
    begun = 0.0
    yield 0.0
    for number, (first_s, _, is_pulse) in enumerate(busy[1:], start=1):
        free_s, before, here, after = busy[number - 1][1], way[2 * number - 1], way[2 * number], way[2 * number + 1]
        cuts = int(here - before) if here - begun > 1 else 0
        yield from (free_s + (first_s - free_s) * np.arange(1, cuts + 1) / (cuts + 1)).tolist()
        if cuts:
            begun = before + (here - before) * cuts / (cuts + 1)
        if is_pulse or after - begun > 1:
            yield float(first_s)
            begun = here


def _nodes(vessel: Vessel[Flow], way_s: float, fields: tuple[FieldTerm, ...]) -> int:
    """As many nodes as polynomials need that follow what any spin of a vessel meets while pace's integral grows by `way_s`."""
    far = way_s * vessel.flow.peak_velocity_m_per_s
    across = 0.7 * np.array([[0.0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]])
    length = vessel.enter(vessel.flow.path_m[:1]).length_m[0]
    begin = np.repeat(np.linspace(0, max(length - far, 0.0), 60), len(across))
    n = len(begin)
    probes = Streams(
        across=np.tile(across, (60, 1)), begin_m=begin, length_m=np.full(n, length),
        velocity_m_per_s=np.full(n, vessel.flow.peak_velocity_m_per_s),
    )  # fmt: skip
    check = np.linspace(0, way_s, 41)
    linear_Hz_per_m = GYROMAGNETIC_RATIO_HZ_PER_T * NOMINAL_GRADIENT[0, 0]
    metres = np.abs(courses(fields, np.zeros(1), NOMINAL_GRADIENT)[0]) / linear_Hz_per_m

    def met(way: Float[np.ndarray, " t"]) -> Float[np.ndarray, "t x"]:
        return (shapes(fields, vessel.places(probes, way, np.zeros(n)).reshape(-1, 3)) * metres).reshape(len(way), -1)

    wanted, worst_m = met(check), np.inf
    for nodes in range(2, MOST_NODES + 1):
        node = chebyshev_nodes(nodes, 0.0, way_s)
        worst_m = float(np.abs(barycentric_matrix(node, check) @ met(node) - wanted).max())
        if worst_m < TOLERANCE_M:
            return nodes
    if worst_m < WORST_M:
        return MOST_NODES
    raise LimitError(
        f"Flow {vessel.flow.tissue}: blood goes {1e3 * far:.3g} mm along a bent path while RF plays or the receiver listens, "
        "too far to follow. Shorten the readouts, or slow the flow."
    )
