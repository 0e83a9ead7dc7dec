"""What each pulse does to spins of many pools: few steps where the pulse allows it, tables where spins are many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32, Int

from fullbore.signal.bloch_mcconnell import generator
from fullbore.simulate.cloud.pool_kernel import propagate_pools
from fullbore.simulate.cloud.pools import PoolSystem
from fullbore.simulate.cloud.pulse_steps import PulseSteps, equal_steps, is_still, played_pulses
from fullbore.simulate.cloud.spots import Spots
from fullbore.simulate.cloud.table_kernel import interpolate
from fullbore.simulate.nodes import barycentric_matrix, chebyshev_nodes, chebyshev_terms
from fullbore.simulate.timeline import Timeline

POINTS_PER_CYCLE, POINTS = 12, 10
"""Per 1 / duration of a table's frequencies; with ten-point interpolation within 4e-7 at worst."""
TOLERANCE = 1e-7
"""Of a propagator's entries between the nodes of the transmit scale."""
JOINING = 1e-6
"""Of a propagator's entries, for steps put together; met at the ends of the range of frequencies, ten times less within it."""
FEW_STEPS = 32
FEW = 8
MOST_TABLE_BYTES = 256_000_000
"""Of all tables of a system."""
PIECE = 256

Scheme = tuple[tuple[float, PulseSteps], ...]
"""Ways to step through a pulse, with weights: propagators are summed over them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Still:
    """A pulse under a constant gradient (part,), which is one more offset: its steps know of none."""

    gradient_Hz_per_m: Float[np.ndarray, " part"]
    scheme: Scheme


class SystemPulses:
    """Propagators from start to end of all pulses of a timeline, for spins of one system.

    played: (row, 3) kind, frequency and shim; which: (pulse,) rows of it. spots: all spins of the system, whose ranges the
    tables cover.
    """

    def __init__(self, timeline: Timeline, system: PoolSystem, spots: Spots, threads: int):
        self._system, self._kinds = system, timeline.kinds
        self.played, _, self.which = played_pulses(timeline)
        constants = system.equations()
        constants["t1rho_s"] = None
        self._base = generator(b1_T=np.zeros(1), frequency_Hz=np.zeros(1), **constants)
        t2 = np.asarray(system.t2_s, float)
        self._locking = (np.zeros_like(t2) if system.t1rho_s is None else 1 / t2 - 1 / np.asarray(system.t1rho_s))[None]
        scale = np.abs(spots.drive)
        self._scale = float(scale.min()), float(scale.max())
        self._reach = np.abs(spots.home).max(axis=0)
        self._still: dict[int, _Still] = {}
        self._tables: dict[int, _Table] = {}
        kinds = [timeline.kinds[int(kind)] for kind in self.played[:, 0]]
        still = [row for row, kind in enumerate(kinds) if is_still(kind, self._reach)]
        for name in dict.fromkeys(kinds[row].name for row in still):
            self._prepare(np.array([row for row in still if kinds[row].name == name]), spots, threads)

    @property
    def size(self) -> int:
        """Length of a state, the 1 at its end included."""
        return self._base.shape[1]

    def terms(self, part: Spots, rows: Int[np.ndarray, " row"]) -> Float32[np.ndarray, "row rows size n"]:
        """Propagators of these rows of `played`, for spins of the system."""
        result = np.empty((len(rows), self.size - 1, self.size, len(part.cloud)), np.float32)
        for number, row in enumerate(map(int, rows)):
            kind, frequency_Hz, shim = self.played[row]
            scale, offset, still = np.abs(part.drive[int(shim)]), part.cloud.off_resonance_Hz - frequency_Hz, self._still.get(row)
            if still is None:
                every: Scheme = ((1.0, equal_steps(self._kinds[int(kind)], self._reach)),)
                result[number] = np.moveaxis(self.integrate(every, part.home, offset, scale), 0, -1)
                continue
            offset = offset + part.home @ still.gradient_Hz_per_m
            if row in self._tables:
                self._tables[row].look_up(offset, scale, result[number])
            else:
                found = self.integrate(still.scheme, np.zeros((len(offset), 0)), offset, scale)
                result[number] = np.moveaxis(found, 0, -1)
        return result

    def integrate(
        self, scheme: Scheme, place: Float[np.ndarray, "n part"], offset_Hz: Float[np.ndarray, " n"],
        b1_scale: Float[np.ndarray, " n"],
    ) -> Float[np.ndarray, "n rows size"]:  # fmt: skip
        """Propagators by stepping every spin through the pulse."""
        total = np.zeros((len(offset_Hz), self.size - 1, self.size))
        system = np.zeros(len(offset_Hz), np.int64)
        for weight, steps in scheme:
            out, absorption = np.empty_like(total), self._absorption(steps, place, offset_Hz)
            propagate_pools(
                steps.w, steps.power, steps.dt_s, steps.gradient_Hz_per_m, self._base, system, self._system.pools, self._locking,
                place, offset_Hz, b1_scale, absorption, out,
            )  # fmt: skip
            total += weight * out
        return total

    def _absorption(
        self, steps: PulseSteps, place: Float[np.ndarray, "n part"], offset_Hz: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n step"]:
        solid = self._system.semisolid
        if solid is None:
            return np.zeros((len(offset_Hz), 1))
        still = not np.ptp(steps.gradient_Hz_per_m, axis=0).any()
        f = offset_Hz[:, None] + place @ (steps.gradient_Hz_per_m[:1] if still else steps.gradient_Hz_per_m).T
        return np.asarray(solid.absorption_s(-f.ravel()).reshape(f.shape))

    def _prepare(self, rows: Int[np.ndarray, " row"], spots: Spots, threads: int) -> None:
        """Steps of all pulses of one shape, and tables where those are cheaper than integrating every spin."""
        kinds = [self._kinds[int(kind)] for kind in self.played[rows, 0]]
        gradients = np.stack([kind.gradient_Hz_per_m.mean(axis=0) for kind in kinds])
        low, high = _bounds(gradients, self.played[rows, 1], spots)
        steps = equal_steps(replace(kinds[0], gradient_Hz_per_m=np.zeros((len(kinds[0].b1_T), 0))), np.zeros(0))
        scheme = self._coarse(steps, float(low.min()), float(high.max()))
        self._still |= {
            int(row): _Still(gradient_Hz_per_m=gradient, scheme=scheme) for row, gradient in zip(rows, gradients, strict=True)
        }
        reach = 0.5 * float((np.abs(steps.w) * steps.dt_s).sum()) * (self._scale[1] - self._scale[0])
        scales = chebyshev_nodes(chebyshev_terms(reach, TOLERANCE) + 2 * (reach > 0), *self._scale)
        step = 1 / (POINTS_PER_CYCLE * float(steps.dt_s.sum()))
        for group in _overlapping(low, high + 10 * step):
            first = float(low[group].min()) - 5 * step
            points = int(np.ceil((high[group].max() - first) / step)) + 6
            nodes = points * len(scales)
            held = sum(table.values.nbytes for table in {id(table): table for table in self._tables.values()}.values())
            if nodes < len(spots.cloud) * len(group) and held + nodes * self.size**2 * 8 < MOST_TABLE_BYTES:
                table = _Table(first, step, points, scales, self, scheme, threads)
                self._tables.update({int(row): table for row in rows[group]})

    def _coarse(self, steps: PulseSteps, low_Hz: float, high_Hz: float) -> Scheme:
        """Neighbouring steps joined as far as the propagators within the range of frequencies allow.

        Joining errs with the square of the steps' length and its even powers: two lengths together cancel the square.
        """
        f = np.linspace(low_Hz, high_Hz, 5)
        where = np.zeros((5, 0)), f, np.full(5, self._scale[1])
        every: Scheme = ((1.0, steps),)
        if len(steps.w) > FEW_STEPS:
            exact = self.integrate(every, *where)
            for halvings in range(int(np.log2(len(steps.w) / FEW_STEPS))):
                edges = np.linspace(0, len(steps.w), FEW_STEPS * 2**halvings, endpoint=False).astype(np.int64)
                pair = steps.joined(edges), steps.joined(edges[::2])
                scheme = ((4 / 3, pair[0]), (-1 / 3, pair[1]))
                if np.abs(self.integrate(scheme, *where) - exact).max() < JOINING:
                    return scheme
        return every


def _bounds(
    gradients: Float[np.ndarray, "row part"], carrier_Hz: Float[np.ndarray, " row"], spots: Spots
) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]]:
    """Lowest and highest offset of all spins under each pulse; sharp where pulses are few."""
    off = spots.cloud.off_resonance_Hz
    if len(gradients) <= FEW:
        each = [off + spots.home @ gradient for gradient in gradients]
        return np.array([e.min() for e in each]) - carrier_Hz, np.array([e.max() for e in each]) - carrier_Hz
    ends = gradients * spots.home.min(axis=0), gradients * spots.home.max(axis=0)
    low, high = np.minimum(*ends).sum(axis=1), np.maximum(*ends).sum(axis=1)
    return off.min() + low - carrier_Hz, off.max() + high - carrier_Hz


def _overlapping(low: Float[np.ndarray, " n"], high: Float[np.ndarray, " n"]) -> list[Int[np.ndarray, " m"]]:
    """Groups of intervals that touch one another."""
    order = np.argsort(low)
    reached = np.maximum.accumulate(high[order])
    return np.split(order, np.flatnonzero(low[order][1:] > reached[:-1]) + 1)


class _Table:
    """Propagators of one pulse over frequency and transmit scale."""

    def __init__(
        self, first: float, step: float, points: int, scales: Float[np.ndarray, " b"], pulses: SystemPulses, scheme: Scheme,
        threads: int,
    ):  # fmt: skip
        self._first, self._step, self._scales = first, step, scales
        offset, scale = (part.ravel() for part in np.meshgrid(first + step * np.arange(points), scales, indexing="ij"))
        values = np.empty((len(offset), (pulses.size - 1) * pulses.size))

        def fill(start: int) -> None:
            part = slice(start, start + PIECE)
            found = pulses.integrate(scheme, np.zeros((len(offset[part]), 0)), offset[part], scale[part])
            values[part] = found.reshape(len(found), -1)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, range(0, len(offset), PIECE)))
        self.values: Float[np.ndarray, "f b term"] = values.reshape(points, len(scales), -1)

    def look_up(
        self, offset_Hz: Float[np.ndarray, " n"], scale: Float[np.ndarray, " n"], out: Float32[np.ndarray, "r s n"]
    ) -> None:
        """Interpolated, into `out`."""
        weight = barycentric_matrix(self._scales, scale)
        where = (offset_Hz - self._first) / self._step
        one = np.zeros(len(where), np.int64)  # a system has one set of relaxation times
        interpolate(where, one, weight, self.values[None], POINTS, out.reshape(-1, out.shape[-1]))
