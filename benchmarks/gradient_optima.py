"""Optima that bench_gradients.py compares with where no published tool traces a curve: independent of the package's designs.

`lobe_steps`: linear programmes (HiGHS) on the raster. `motion_use`: along a curve, a sequence of second-order cone programmes
(Clarabel). `quiet_motion`: along a curve with a forbidden band, a dynamic programme over place and speed.
Everything is in SI: curves in cycles/m, gradients in T/m as (corner, axis).
"""

from __future__ import annotations

from dataclasses import dataclass

import clarabel
import numba
import numpy as np
from scipy import sparse
from scipy.interpolate import CubicSpline
from scipy.optimize import linprog

GAMMA_HZ_PER_T = 42.57638543e6


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Of a vector's length, and of the nerves: chronaxie, rheobase over effective length, share."""

    gradient: float
    slew: float
    raster: float
    chronaxie: float
    rheobase: float
    share: float


def lobe_steps(k: float, bounds: Bounds, most: int) -> int:
    """Least number of raster steps of a lobe from rest to rest with k cycles/m, by halves between 2 and `most`, which does."""
    low, high = 2, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _largest_area(middle, bounds) >= k / GAMMA_HZ_PER_T else (middle + 1, high)
    return high


def _largest_area(steps: int, b: Bounds) -> float:
    """Largest area of so many raster steps, T s/m."""
    age = (np.arange(steps)[:, None] - np.arange(steps)) * b.raster
    c = b.chronaxie
    kernel = np.where(age >= 0, c / (c + np.abs(age)) - c / (c + np.abs(age) + b.raster), 0.0)
    slew = (np.eye(steps, steps - 1) - np.eye(steps, steps - 1, -1)) * b.gradient / b.raster
    response = kernel @ slew / (b.rheobase * b.share)
    above = np.concatenate([response, -response, slew / b.slew, -slew / b.slew])
    solved = linprog(-np.ones(steps - 1), A_ub=above, b_ub=np.ones(len(above)), bounds=(0, 1), method="highs")
    return float(-solved.fun * b.gradient * b.raster)


def arc_curve(points: np.ndarray) -> tuple[CubicSpline, float]:
    """A curve by arc length, and its length."""
    chord = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    fine = CubicSpline(chord, points, axis=0)(np.linspace(0, chord[-1], 40 * len(chord)))
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    return CubicSpline(arc, fine, axis=0), float(arc[-1])


def motion_use(points: np.ndarray, places: np.ndarray, bounds: Bounds, rounds: int = 8) -> float:
    """Least share of the limits (1: just legal) that a motion along a curve from rest to rest needs in len(places) raster steps.

    places: arc lengths at the corners to begin with. Each round is the programme linear in the places that minimises the
    largest ratio of gradient, slew and nerves' response to its limit; the least ratio found, measured on the curve itself.
    Corners of the waveform are the mean gradients between places, (k_{i+1} - k_i) / raster, and rest before and after them.
    """
    curve, length = arc_curve(points)
    found, radius, s = np.inf, 2 * length / len(places), places * (length / places[-1])
    for _ in range(rounds):
        task = _Linear(curve, s, bounds)
        if task.use > found - 1e-5:
            radius *= 0.25
        found = min(found, task.use)
        if radius < 1e-3 * length / len(places):
            break
        s = s + np.concatenate([[0], task.step(radius), [0]])
    return found


class _Linear:
    """Gradients, slews and nerves' responses about places s of a curve: values and slopes."""

    def __init__(self, curve: CubicSpline, s: np.ndarray, bounds: Bounds) -> None:
        self.n, self.axes = len(s) - 2, curve(0.0).size
        steps, raster = len(s) - 1, bounds.raster
        inner = sparse.diags([np.ones(self.n), -np.ones(self.n)], [0, -1], shape=(steps, self.n))
        outer = sparse.diags([np.ones(steps), -np.ones(steps)], [0, -1], shape=(steps + 1, steps)) / raster
        scale = GAMMA_HZ_PER_T * raster * bounds.gradient
        tangent = curve.derivative()(s[1:-1])
        self.g0 = np.diff(curve(s), axis=0).T / scale
        self.g = [inner @ sparse.diags(tangent[:, a]) / scale for a in range(self.axes)]
        slew = outer * (bounds.gradient / bounds.slew)
        self.s0, self.s = self.g0 @ slew.T, [slew @ g for g in self.g]
        self.decay, self.gain = _exponentials(bounds)
        self.use = max(np.linalg.norm(v, axis=0).max() for v in (self.g0, self.s0, self._response()))

    def _response(self) -> np.ndarray:
        """The nerves' response to s0, of their share."""
        state, out = np.zeros((self.axes, len(self.gain))), np.zeros_like(self.s0)
        for i in range(out.shape[1]):
            state = state * self.decay + self.s0[:, i, None] * self.gain
            out[:, i] = state.sum(axis=1)
        return out

    def step(self, radius: float) -> np.ndarray:
        """The change of the inner places, each by `radius` at most, that lowers the largest ratio most."""
        n, axes, m, corners = self.n, self.axes, len(self.gain), self.s0.shape[1]
        block, width = corners * m, self.n + self.s0.shape[1] * len(self.gain) * self.axes + 1
        memory = sparse.identity(block) - sparse.kron(sparse.eye(corners, k=-1), sparse.diags(self.decay))

        def placed(matrix: sparse.spmatrix, column: int) -> sparse.spmatrix:
            before = sparse.csc_matrix((matrix.shape[0], column))
            return sparse.hstack([before, matrix, sparse.csc_matrix((matrix.shape[0], width - column - matrix.shape[1]))])

        states = [n + a * block for a in range(axes)]
        gain = self.gain[:, None]
        rows = [placed(memory, at) - placed(sparse.kron(s, gain), 0) for s, at in zip(self.s, states, strict=True)]
        right = [np.kron(s, self.gain) for s in self.s0]
        rows += [placed(sparse.identity(n), 0), placed(-sparse.identity(n), 0)]
        right += [np.full(2 * n, radius)]
        cones = [clarabel.ZeroConeT(block * axes), clarabel.NonnegativeConeT(2 * n)]
        total = sparse.kron(sparse.identity(corners), np.ones((1, m)))
        for parts, values in (
            ([placed(g, 0) for g in self.g], self.g0),
            ([placed(s, 0) for s in self.s], self.s0),
            ([placed(total, at) for at in states], np.zeros_like(self.s0)),
        ):
            count = values.shape[1]
            order = np.arange(count * (axes + 1)).reshape(axes + 1, count).T.ravel()
            worst = placed(sparse.csc_matrix(-np.ones((count, 1))), width - 1)
            rows += [sparse.vstack([worst, *(-p for p in parts)]).tocsr()[order]]
            right += [np.concatenate([np.zeros(count), *values])[order]]
            cones += [clarabel.SecondOrderConeT(axes + 1)] * count
        settings = clarabel.DefaultSettings()
        settings.verbose, settings.max_threads = False, 1
        settings.tol_gap_abs = settings.tol_gap_rel = 1e-6
        cost = np.append(np.zeros(width - 1), 1.0)
        nothing = sparse.csc_matrix((width, width))
        solver = clarabel.DefaultSolver(nothing, cost, sparse.vstack(rows).tocsc(), np.concatenate(right), cones, settings)
        return np.asarray(solver.solve().x)[:n]


def _exponentials(b: Bounds) -> tuple[np.ndarray, np.ndarray]:
    """Decay over a raster step, and what a step of the slew limit adds, of a sum of exponentials close to the nerve's kernel.

    c / (c + t)^2 = integral of c q exp(-q (c + t)) dq, by the trapezoidal rule over log q: 1e-5 of its value at 0.
    """
    x = np.linspace(np.log(1e-3), np.log(30.0), 32)
    q = np.exp(x)
    weights = q * q * np.exp(-q) * (x[1] - x[0]) / b.chronaxie
    rates = q / b.chronaxie
    decay = np.exp(-rates * b.raster)
    return decay, weights * (1 - decay) / rates * b.slew / (b.rheobase * b.share)


def quiet_motion(points: np.ndarray, bounds: Bounds, band_Hz: tuple[float, float], weight: float) -> np.ndarray:
    """The waveform of the shortest motion along a curve, time in which the gradient turns within the band counted 1 + weight.

    A dynamic programme, backwards over 3000 places and 1500 speeds, within amplitude and slew of the vector's length; played
    forwards and sampled on the raster.
    """
    curve, length = arc_curve(points)
    arc = 0.5 * length * (1 - np.cos(np.pi * np.linspace(0, 1, 3001)))
    arc = 0.5 * (arc + np.linspace(0, length, 3001))
    bend = np.linalg.norm(curve.derivative(2)(arc), axis=1)
    push, top = GAMMA_HZ_PER_T * bounds.slew, (GAMMA_HZ_PER_T * bounds.gradient) ** 2
    cap = np.minimum(top, push / np.maximum(bend, 1e-9))
    squared = _programme(arc, bend, cap, push, np.array(band_Hz), weight)
    speed = np.sqrt(squared)
    time = np.concatenate([[0], np.cumsum(2 * np.diff(arc) / (speed[1:] + speed[:-1]))])
    steps = int(np.ceil(time[-1] / bounds.raster))
    at = np.linspace(0, time[-1], steps + 1)
    tangent = curve.derivative()(np.interp(at, time, arc))
    return tangent / np.linalg.norm(tangent, axis=1, keepdims=True) * np.interp(at, time, speed)[:, None] / GAMMA_HZ_PER_T


@numba.njit(cache=True)
def _programme(arc, bend, cap, push, band, weight):  # type: ignore[no-untyped-def]
    """Squared speed at each place."""
    n, levels, tries = len(arc), 1500, 48
    ahead = np.full(levels + 1, np.inf)
    ahead[0] = 0.0
    choice = np.zeros((n, levels + 1), dtype=np.float32)
    for i in range(n - 2, -1, -1):
        here = np.full(levels + 1, np.inf)
        step = arc[i + 1] - arc[i]
        for j in range(levels + 1):
            x = cap[i] * j / levels
            reach = 2 * step * np.sqrt(max(push**2 - (bend[i] * x) ** 2, 0.0))
            low, high = max(x - reach, 0.0), min(x + reach, cap[i + 1])
            for t in range(tries + 1 if high >= low else 0):
                y = low + (high - low) * t / tries
                pace = np.sqrt(x) + np.sqrt(y)
                if pace <= 0:
                    continue
                place = y / cap[i + 1] * levels
                k = min(int(place), levels - 1)
                later = ahead[k] + (ahead[k + 1] - ahead[k]) * (place - k) if place > k else ahead[k]
                turning = 0.25 * (bend[i] + bend[i + 1]) * pace / (2 * np.pi)
                cost = 2 * step / pace * (1 + weight * (band[0] < turning < band[1])) + later
                if cost < here[j]:
                    here[j], choice[i, j] = cost, y
        ahead = here
    squared = np.zeros(n)
    for i in range(n - 1):
        place = squared[i] / cap[i] * levels
        k = min(int(place), levels - 1)
        share = place - k
        near, far = choice[i, k], choice[i, k + 1]
        squared[i + 1] = min(near + (far - near) * share, cap[i + 1]) if i > 0 else near
    return squared
