"""What each pulse does to spins of many pools: few steps where the pulse allows it, tables where spins are many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex, Float, Float32, Int

from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.signal.bloch_mcconnell import generator
from fullbore.simulate.cloud.pool_kernel import interpolate, propagate_pools
from fullbore.simulate.cloud.pools import PoolSystem
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.nodes import barycentric_matrix, chebyshev_nodes, chebyshev_terms
from fullbore.simulate.timeline import PulseKind, Timeline

POINTS_PER_CYCLE = 12
"""Per 1 / duration of a table's frequencies; with ten-point interpolation within 4e-7 at worst."""
TOLERANCE = 1e-7
"""Of a propagator's entries between the nodes of the transmit scale."""
JOINING = 1e-6
"""Of a propagator's entries, for steps put together; met at the ends of the range of frequencies, ten times less within it."""
FEW_STEPS = 32
MOST_TABLE_BYTES = 128_000_000
PIECE = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PulseSteps:
    """A pulse as few steps: w (step,) gamma b1 in the signal's frame, power its mean square, dt_s, gradient (step, axis)."""

    w: Complex[np.ndarray, " step"]
    power: Float[np.ndarray, " step"]
    dt_s: Float[np.ndarray, " step"]
    gradient_Hz_per_m: Float[np.ndarray, "step axis"]

    def joined(self, edges: Int[np.ndarray, " n"]) -> PulseSteps:
        """Steps from each of the edges to the next put together, with the means of what they play."""
        dt = np.add.reduceat(self.dt_s, edges)
        mean = [
            np.add.reduceat(part * (self.dt_s if part.ndim == 1 else self.dt_s[:, None]), edges, axis=0)
            for part in (self.w, self.power, self.gradient_Hz_per_m)
        ]
        return PulseSteps(w=mean[0] / dt, power=mean[1] / dt, dt_s=dt, gradient_Hz_per_m=mean[2] / dt[:, None])


def equal_steps(pulse: PulseKind) -> PulseSteps:
    """The pulse with each run of equal raster steps as one."""
    w = np.conj(pulse.b1_T) * GYROMAGNETIC_RATIO_RAD_PER_S_T
    fine = PulseSteps(w=w, power=np.abs(w) ** 2, dt_s=np.full(len(w), pulse.step_s), gradient_Hz_per_m=pulse.gradient_Hz_per_m)
    differs = (np.abs(np.diff(w)) > 1e-12 * np.abs(w).max()) | (np.abs(np.diff(pulse.gradient_Hz_per_m, axis=0)) > 1e-6).any(1)
    return fine.joined(np.concatenate([[0], np.flatnonzero(differs) + 1]))


Scheme = tuple[tuple[float, PulseSteps], ...]
"""Ways to step through a pulse, with weights: propagators are summed over them."""


class SystemPulses:
    """Propagators from start to end of all pulses of a timeline, for spins of one system.

    played: (kind, frequency) pairs. spins: all spins of the system, whose ranges the tables cover.
    """

    def __init__(self, timeline: Timeline, system: PoolSystem, spins: SpinCloud, played: Float[np.ndarray, "p 2"], threads: int):
        self._system, self._played, self._kinds = system, played, timeline.kinds
        constants = system.equations()
        constants["t1rho_s"] = None
        self._base = generator(b1_T=np.zeros(1), frequency_Hz=np.zeros(1), **constants)
        t2 = np.asarray(system.t2_s, float)
        self._locking = (np.zeros_like(t2) if system.t1rho_s is None else 1 / t2 - 1 / np.asarray(system.t1rho_s))[None]
        scale = np.abs(spins.b1_scale)
        self._scale = float(scale.min()), float(scale.max())
        self._schemes: dict[int, Scheme] = {}
        self._tables: dict[int, _Table] = {}
        for kind in map(int, np.unique(played[:, 0])):
            self._prepare(kind, spins, threads)

    @property
    def size(self) -> int:
        """Length of a state, the 1 at its end included."""
        return self._base.shape[1]

    @property
    def bytes_per_spin(self) -> int:
        """Of `terms`."""
        return 4 * len(self._played) * (self.size - 1) * self.size

    def terms(self, part: SpinCloud) -> Float32[np.ndarray, "played rows size n"]:
        """Propagators of everything that is played, for spins of the system."""
        result = np.empty((len(self._played), self.size - 1, self.size, len(part)), np.float32)
        scale = np.abs(part.b1_scale)
        for number, (kind, frequency_Hz) in enumerate(self._played):
            scheme, table = self._schemes[int(kind)], self._tables.get(number)
            offset = part.off_resonance_Hz - frequency_Hz
            if table is None:
                result[number] = np.moveaxis(self.integrate(scheme, part.position_m, offset, scale), 0, -1)
            else:
                table.look_up(offset + part.position_m @ scheme[0][1].gradient_Hz_per_m[0], scale, result[number])
        return result

    def integrate(
        self, scheme: Scheme, position_m: Float[np.ndarray, "n axis"], offset_Hz: Float[np.ndarray, " n"],
        b1_scale: Float[np.ndarray, " n"],
    ) -> Float[np.ndarray, "n rows size"]:  # fmt: skip
        """Propagators by stepping every spin through the pulse."""
        total = np.zeros((len(offset_Hz), self.size - 1, self.size))
        system = np.zeros(len(offset_Hz), np.int64)
        for weight, steps in scheme:
            out, absorption = np.empty_like(total), self._absorption(steps, position_m, offset_Hz)
            propagate_pools(
                steps.w, steps.power, steps.dt_s, steps.gradient_Hz_per_m, self._base, system, self._system.pools, self._locking,
                position_m, offset_Hz, b1_scale, absorption, out,
            )  # fmt: skip
            total += weight * out
        return total

    def _absorption(
        self, steps: PulseSteps, position_m: Float[np.ndarray, "n axis"], offset_Hz: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n step"]:
        solid = self._system.semisolid
        if solid is None:
            return np.zeros((len(offset_Hz), 1))
        still = _is_constant(steps)
        f = offset_Hz[:, None] + position_m @ (steps.gradient_Hz_per_m[:1] if still else steps.gradient_Hz_per_m).T
        return np.asarray(solid.absorption_s(-f.ravel()).reshape(f.shape))

    def _prepare(self, kind: int, spins: SpinCloud, threads: int) -> None:
        """Steps of a kind, and tables for those of its frequencies where that is cheaper than integrating every spin."""
        steps = equal_steps(self._kinds[kind])
        self._schemes[kind] = ((1.0, steps),)
        if not _is_constant(steps):
            return
        mine = np.flatnonzero(self._played[:, 0] == kind)
        offset = spins.off_resonance_Hz + spins.position_m @ steps.gradient_Hz_per_m[0]
        low, high = float(offset.min()), float(offset.max())
        frequency = self._played[mine, 1]
        self._schemes[kind] = scheme = self._coarse(steps, low - frequency.max(), high - frequency.min())
        duration = float(steps.dt_s.sum())
        reach = 0.5 * float((np.abs(steps.w) * steps.dt_s).sum()) * (self._scale[1] - self._scale[0])
        scales = chebyshev_nodes(chebyshev_terms(reach, TOLERANCE) + 2 * (reach > 0), *self._scale)
        step = 1 / (POINTS_PER_CYCLE * duration)
        for group in _overlapping(low - frequency, high - frequency + 10 * step):
            first = low - frequency[group].max() - 5 * step
            points = int(np.ceil((high - frequency[group].min() - first) / step)) + 6
            nodes = points * len(scales)
            if nodes < len(spins) * len(group) and nodes * self.size**2 * 8 < MOST_TABLE_BYTES:
                table = _Table(first, step, points, scales, self, scheme, threads)
                self._tables.update({int(number): table for number in mine[group]})

    def _coarse(self, steps: PulseSteps, low_Hz: float, high_Hz: float) -> Scheme:
        """Neighbouring steps joined as far as the propagators within the range of frequencies allow.

        Joining errs with the square of the steps' length and its even powers: two lengths together cancel the square.
        """
        f = np.linspace(low_Hz, high_Hz, 5)
        where = np.zeros((5, 0)), f, np.full(5, self._scale[1])
        still = _without_gradient(((1.0, steps),))
        if len(steps.w) > FEW_STEPS:
            exact = self.integrate(still, *where)
            for halvings in range(int(np.log2(len(steps.w) / FEW_STEPS))):
                edges = np.linspace(0, len(steps.w), FEW_STEPS * 2**halvings, endpoint=False).astype(np.int64)
                pair = steps.joined(edges), steps.joined(edges[::2])
                scheme = ((4 / 3, pair[0]), (-1 / 3, pair[1]))
                if np.abs(self.integrate(_without_gradient(scheme), *where) - exact).max() < JOINING:
                    return scheme
        return ((1.0, steps),)


def _without_gradient(scheme: Scheme) -> Scheme:
    return tuple((weight, replace(steps, gradient_Hz_per_m=np.zeros((len(steps.w), 0)))) for weight, steps in scheme)


def _is_constant(steps: PulseSteps) -> bool:
    spread = np.ptp(steps.gradient_Hz_per_m, axis=0)
    return bool(np.all(spread <= 1e-6 * max(float(np.abs(steps.gradient_Hz_per_m).max(initial=0)), 1.0)))


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
        still = _without_gradient(scheme)

        def fill(start: int) -> None:
            part = slice(start, start + PIECE)
            found = pulses.integrate(still, np.zeros((len(offset[part]), 0)), offset[part], scale[part])
            values[part] = found.reshape(len(found), -1)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, range(0, len(offset), PIECE)))
        self._values: Float[np.ndarray, "f b term"] = values.reshape(points, len(scales), -1)

    def look_up(
        self, offset_Hz: Float[np.ndarray, " n"], scale: Float[np.ndarray, " n"], out: Float32[np.ndarray, "r s n"]
    ) -> None:
        """Interpolated, into `out`."""
        weight = barycentric_matrix(self._scales, scale)
        where = (offset_Hz - self._first) / self._step
        interpolate(where, weight, self._values, out.reshape(-1, out.shape[-1]))
