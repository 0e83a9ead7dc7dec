"""The walks of the readable truth: straight from one pulse or readout to the next, and what their bridges add as a frequency."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float

from fullbore.data import Flaws, ScannerSpec, Sequence
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.cloud.spots import make_ways, moving_bore
from fullbore.simulate.cloud.walk import along, make_walk
from fullbore.simulate.cloud.walk_kernel import draws
from fullbore.simulate.fields import make_bore
from fullbore.simulate.timeline import compile_timeline


class Wander:
    """Walks of spins of one sort, of the same draws as `play_cloud`'s, followed in rising time.

    RF is played in no time for what a bridge adds, and finds spins where they are: at home only under hard pulses.
    """

    def __init__(self, cloud: SpinCloud, sequence: Sequence, spec: ScannerSpec | None):
        flaws, b0_T = (spec.flaws, spec.b0_T) if spec is not None else (Flaws(), 0.0)
        bore = moving_bore(make_bore(flaws, b0_T, cloud.moves), cloud, make_ways(cloud))
        walk = make_walk(cloud, bore.terms, bore.response, sequence, compile_timeline(sequence, bore))
        assert walk is not None and cloud.diffuses is not None and cloud.walker is not None
        self._clock, self._number, self._seed = walk.clock, cloud.walker, walk.seed
        self._roots = walk.roots[cloud.diffuses]
        self._slopes = along(bore.terms, cloud.position_m, self._roots)
        self._free_s, self._event, self._end_s = np.zeros(len(self._clock.time_s)), -1, -1.0
        self._start, self._step = np.zeros((2, len(cloud), 3))
        self._added_Hz = np.zeros(len(cloud))

    def plan(self, time_s: Float[np.ndarray, " t"], dt_s: Float[np.ndarray, " t"], free: Bool[np.ndarray, " t"]) -> None:
        """Which steps there will be, their middles and lengths, and during which no RF plays."""
        event = np.searchsorted(self._clock.time_s, time_s)
        np.add.at(self._free_s, event[event < len(self._free_s)], (dt_s * free)[event < len(self._free_s)])

    def steps(self, time_s: float) -> Float[np.ndarray, "n 3"]:
        """How far from home each spin is, along the columns of its tensor's root."""
        while self._event < len(self._clock.time_s) - 1 and time_s > self._end_s:
            self._next()
        length = self._clock.length_s[self._event]
        share = 1 + (time_s - self._end_s) / length if length > 0 else 1.0
        return np.asarray(self._start + min(max(share, 0.0), 1.0) * self._step)

    def away_m(self, time_s: float) -> Float[np.ndarray, "n 3"]:
        """The same in metres."""
        return np.asarray(np.einsum("nxc,nc->nx", self._roots, self.steps(time_s)))

    def added_Hz(self, time_s: float) -> Float[np.ndarray, " n"]:
        """What bridges add at a time when no RF plays, and walks have been followed to."""
        return self._added_Hz * (time_s < self._end_s)

    def picture(self, time_s: float, row: int) -> Complex[np.ndarray, " n"]:
        """What moves each spin home in the picture."""
        heard = np.einsum("ncp,p->nc", self._slopes, self._clock.heard[self._clock.row[row]])
        return np.asarray(np.exp(2j * np.pi * (heard * self.steps(time_s)).sum(axis=1)))

    def _next(self) -> None:
        """On to the stretch that ends at the next event."""
        self._event += 1
        clock, e, drawn = self._clock, self._event, np.empty((4, len(self._number)))
        draws(self._seed, e, self._number, drawn)
        length, self._end_s = clock.length_s[e], float(clock.time_s[e])
        self._start = self._start + self._step
        self._step = np.sqrt(2 * max(length, 0.0)) * drawn[:3].T
        path = self._slopes @ clock.path[e]
        own = np.einsum("ncp,pq,ncq->n", self._slopes, clock.spread[e], self._slopes)
        bridge = np.sqrt(np.maximum(2 * (own - (path**2).sum(axis=1) / length if length > 0 else 0 * own), 0))
        self._added_Hz = bridge * drawn[3] / self._free_s[e] if self._free_s[e] > 0 else 0 * bridge
