"""Gradients for b-tensors of any shape about a refocusing pulse: the largest b within amplitude, slew, heat, Maxwell terms.

Gradients are linear between knots on the raster, so b-tensor, Maxwell terms and moments are exact quadratic and linear forms
of the knots' values. Source: Sjolund 2015, J Magn Reson 261:157 (NOW); Szczepankiewicz 2019, MRM 82:1424 (Maxwell index);
Szczepankiewicz 2020, MRM 84:2390 (moments). There sequential quadratic programming, here an augmented Lagrangian.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import no_type_check

import numpy as np
from jaxtyping import Float
from scipy.linalg import null_space
from threadpoolctl import threadpool_limits

from fullbore.data import Limits
from fullbore.errors import LimitError, UsageError
from fullbore.numerics.augmented_lagrangian import Multipliers, Terms, constrained_minimum
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.waveforms.diffusion_waveform import BTensorWaveform, DiffusionTiming, Forms

_COARSE, _FINE = 3e-3, 3e-4  # violations at which the search ends; the rest goes into the scaling to the limits
_EXACT, _LOOSE = 1e-9, 10.0


def b_tensor_waveform(
    shape: float,
    timing: DiffusionTiming,
    limits: Limits,
    *,
    b_s_per_m2: float | None = None,
    turned: bool = True,
    maxwell: bool = True,
    nulled_moments: int = 1,
    heat: float = 1.0,
    knots: int = 96,
    starts: int = 4,
    seed: int = 0,
) -> BTensorWaveform:
    """The gradients of largest b found for a b-tensor's shape and timing; scaled down to a b-value when one is asked.

    shape: b_delta, 1 linear (along z), 0 spherical, -1/2 planar (x, y), values between as axially symmetric about z. turned:
    the gradient's length obeys the limits (any rotation is legal); else each axis does. maxwell: null the Maxwell terms
    integral h g g^T dt (h the side of the pulse). nulled_moments: 1 for M0, 2 for M0 and M1, 3 for M0 to M2. heat: largest
    mean square of each axis, of the squared amplitude limit. knots: about so many intervals,
    at least 96. starts: seeded random beginnings, on a quarter of the knots (half of them where axes have limits of their own).
    The shape, the Maxwell terms and the moments hold to rounding, limits everywhere. The optimum is local: the best of `starts`.
    Errors: UsageError for values that make no sense; LimitError when b is more than the largest found.
    """
    if not -0.5 <= shape <= 1 or not 0 < heat <= 1 or not 1 <= nulled_moments <= 3 or starts < 1 or knots < 16:
        raise UsageError(
            f"b-tensor: got shape {shape:g}, heat {heat:g}, {nulled_moments} moments, {starts} starts, {knots} knots; wanted "
            "b_delta in [-1/2, 1], a heat in (0, 1], 1 to 3 moments, at least 1 start and 16 knots."
        )
    best = _largest((shape, timing, limits, maxwell, nulled_moments, heat, knots, turned, starts, seed))
    if b_s_per_m2 is None:
        return best
    if b_s_per_m2 > best.b_s_per_m2:
        raise LimitError(
            f"b-value: got {b_s_per_m2 * 1e-6:.1f} s/mm2, largest is {best.b_s_per_m2 * 1e-6:.1f} in "
            f"{timing.duration_s * 1e3:.1f} ms. Set it to that, or lengthen the lobes."
        )
    return best.scaled(float(np.sqrt(b_s_per_m2 / best.b_s_per_m2)))


@lru_cache(maxsize=32)  # all b-values of a protocol, and most of the protocols that are tried near it, share their waveforms
def _largest(task: tuple[float, DiffusionTiming, Limits, bool, int, float, int, bool, int, int]) -> BTensorWaveform:
    """The waveform of largest b. task: arguments of `b_tensor_waveform` in this order."""
    shape, timing, limits, maxwell, nulled, heat, knots, turned, starts, seed = task
    design = partial(_Design, shape, timing, limits, maxwell=maxwell, nulled=nulled, heat=heat)
    design = partial(design, knots=max(round(knots / 4), 24))
    rng = np.random.default_rng(seed)
    with threadpool_limits(limits=1, user_api="blas"):  # the matrices are small: threads would only wait for each other
        return max(_optima(design, turned, rng, starts), key=_b_value).waveform


def _optima(design: Callable[..., _Design], joint: bool, rng: np.random.Generator, starts: int) -> list[_Optimum]:
    """Optima on finer and finer knots. On finer ones the same gradients are legal still, so the best can only grow."""
    coarse, middle, fine = (design(joint=joint or finer == 1, finer=finer) for finer in (1, 2, 4))
    if joint or len(coarse.axes) == 1:
        first = _best_beginning(lambda: coarse.solved(rng), starts)
        second = middle.refined(first, coarse)
        return [first, second, fine.refined(second, middle)]
    # Where each axis has the limits to itself there are many poor optima. The best for shared limits, turned about at random,
    # is a beginning that few of them catch, and on the middle knots the poor ones show: on the coarse ones all look alike.
    shared = _best_beginning(lambda: coarse.solved(rng), 2)
    second = _best_beginning(lambda: middle.begun(shared, coarse.turn(rng)), starts)
    return [shared, second, fine.refined(second, middle)]


def _best_beginning(begin: Callable[[], _Optimum], starts: int) -> _Optimum:
    """The best of some optima. Those that end beside the shape (x along y is a saddle of the planar one) do not count."""
    right: list[_Optimum] = []
    for _ in range(8 * starts):
        found = begin()
        right += [found] if found.exact else []
        if len(right) == starts:
            break
    if not right:
        raise LimitError("b-tensor: no beginning led to this shape. Lengthen the lobes, or ask for other moments.")
    return max(right, key=_b_value)


def _b_value(optimum: _Optimum) -> float:
    """Of an optimum that has its shape; else nothing."""
    return optimum.waveform.b_s_per_m2 if optimum.exact else 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Optimum:
    """A local optimum, whether its shape and Maxwell terms are exact, and its multipliers."""

    waveform: BTensorWaveform
    exact: bool
    multipliers: Multipliers


class _Design:
    """One problem: its forms in coordinates x (coordinate, axis) that null the moments, in units of the amplitude limit."""

    def __init__(
        self,
        shape: float,
        timing: DiffusionTiming,
        limits: Limits,
        *,
        joint: bool,
        maxwell: bool,
        nulled: int,
        heat: float,
        knots: int,
        finer: int = 1,
    ) -> None:
        self.timing, self.limits, self.joint, self.maxwell, self.heat = timing, limits, joint, maxwell, heat
        eigenvalues = np.array([(1 - shape) / 3, (1 - shape) / 3, (1 + 2 * shape) / 3])
        self.axes = np.flatnonzero(eigenvalues > 1e-9)
        self.target = np.diag(eigenvalues[self.axes])
        self.times = _knot_times(timing, limits.gradient_raster_s, knots, finer)
        self.forms = Forms(self.times, timing)
        edge = timing.first_s + timing.pause_s
        free = np.flatnonzero(
            ((self.times > 0) & (self.times < timing.first_s - 1e-9))
            | ((self.times > edge + 1e-9) & (self.times < self.times[-1]))
        )
        scale = timing.duration_s
        weights = self.forms.moments(nulled)[:, free] / scale ** np.arange(1, nulled + 1)[:, None]
        self.basis = np.zeros((len(self.times), len(free) - nulled))
        self.basis[free] = null_space(weights)
        self.b_form = self._reduced(self.forms.b_form()) / scale**3
        self.maxwell_form = self._reduced(self.forms.square_form(self.forms.side)) / scale
        self.heat_form = self._reduced(self.forms.square_form(np.ones(len(self.times) - 1))) / scale
        per_step = limits.slew_T_per_m_s * np.diff(self.times) / limits.gradient_T_per_m
        self.slope = np.diff(self.basis, axis=0) / per_step[:, None]
        self.upper = np.triu_indices(len(self.axes))
        # One product serves every term, and one every gradient.
        self.all = np.concatenate([self.basis, self.slope, self.heat_form, self.b_form, self.maxwell_form])
        self.parts = np.cumsum([len(self.basis), len(self.slope), *[self.basis.shape[1]] * 2]).tolist()
        self.back = np.ascontiguousarray(np.concatenate([self.basis, self.slope]).T)

    def _reduced(self, form: np.ndarray) -> np.ndarray:
        return np.asarray(self.basis.T @ form @ self.basis)

    def solved(self, rng: np.random.Generator) -> _Optimum:
        """One local optimum from a random beginning."""
        smooth = rng.standard_normal((7, len(self.axes)))
        course = np.sin(np.pi * np.outer(self.times / self.times[-1], np.arange(1, 8))) @ smooth
        start = self.basis.T @ course
        return self._optimum(start * (0.9 / np.abs(self.basis @ start).max()), 150, _COARSE)

    def turn(self, rng: np.random.Generator) -> np.ndarray:
        """A random turn of the axes that leaves the shape as it is, (axis, axis): about z, any where the shape is a sphere."""
        eigenvalues = np.diag(self.target)
        alike = int((np.abs(eigenvalues - eigenvalues[0]) < 1e-9).sum())
        turn = np.eye(len(self.axes))
        turn[:alike, :alike] = np.linalg.qr(rng.standard_normal((alike, alike)))[0]
        return turn

    def begun(self, coarse: _Optimum, turn: np.ndarray) -> _Optimum:
        """A local optimum from that of a design on coarser knots, its axes turned."""
        start = self._coordinates(coarse) @ turn.T
        return self._optimum(start / self._need(start), 150, _COARSE)

    def refined(self, coarse: _Optimum, design: _Design) -> _Optimum:
        """The local optimum next to that of a design on coarser knots, from its multipliers."""
        return self._optimum(self._coordinates(coarse), 400, _FINE, self._inherited(coarse.multipliers, design))

    def _coordinates(self, coarse: _Optimum) -> np.ndarray:
        """x of an optimum on coarser knots."""
        old = coarse.waveform
        values = [np.interp(self.times, old.times_s, old.values_T_per_m[:, axis]) for axis in self.axes]
        return np.asarray(self.basis.T @ np.stack(values, axis=1) / self.limits.gradient_T_per_m)

    def _inherited(self, coarse: Multipliers, design: _Design) -> Multipliers:
        """Multipliers of the knots' and intervals' constraints, each the share of its length in the coarser ones."""
        width = 1 if self.joint else len(self.axes)
        cut = np.cumsum([len(design.times) * width, (len(design.times) - 1) * width])
        at_knots, on_steps, heat = np.split(coarse.below, cut)
        parts = []
        for values, old, new in (
            (at_knots, (design.times, np.gradient(design.times)), (self.times, np.gradient(self.times))),
            (on_steps, _middles(design.times), _middles(self.times)),
        ):
            density = values.reshape(-1, width) / old[1][:, None]
            parts += [(np.stack([np.interp(new[0], old[0], row) for row in density.T], axis=1) * new[1][:, None]).ravel()]
        # A loose penalty lets the search leave a poor optimum.
        penalty = coarse.penalty if self.joint else _LOOSE
        return Multipliers(equal=coarse.equal, below=np.concatenate([*parts, heat]), penalty=penalty)

    def _optimum(
        self, start: Float[np.ndarray, "coordinate axis"], steps: int, tolerance: float, multipliers: Multipliers | None = None
    ) -> _Optimum:
        """The optimum from a beginning, corrected to exact shape and scaled to the limits."""
        report = constrained_minimum(self._terms, start.ravel(), tolerance=tolerance, steps=steps, multipliers=multipliers)
        x = self._exact(report.x.reshape(start.shape))
        values = np.zeros((len(self.times), 3))
        values[:, self.axes] = self.basis @ x * (self.limits.gradient_T_per_m / self._need(x))
        exact = bool(np.abs(self._equal(x)[0]).max() < _EXACT)
        return _Optimum(waveform=self.waveform(values), exact=exact, multipliers=report.multipliers)

    def waveform(self, values: Float[np.ndarray, "knot 3"]) -> BTensorWaveform:
        """Measure what the values do."""
        b = GYROMAGNETIC_RATIO_RAD_PER_S_T**2 * values.T @ self.forms.b_form() @ values
        terms = values.T @ self.forms.square_form(self.forms.side) @ values
        return BTensorWaveform(
            times_s=self.times,
            values_T_per_m=values,
            timing=self.timing,
            b_tensor_s_per_m2=b,
            maxwell_index_T2_s_per_m2=float(np.sqrt(np.trace(terms @ terms))),
        )

    @no_type_check
    def _equal(self, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Deviation from shape and Maxwell terms, and the forms times x that their gradients need."""
        return self._equal_of(x, self.b_form @ x, self.maxwell_form @ x)

    @no_type_check
    def _equal_of(self, x: np.ndarray, bx: np.ndarray, mx: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        b = x.T @ bx
        shape = (b / np.trace(b) - self.target)[self.upper]
        maxwell = (x.T @ mx)[self.upper] if self.maxwell else np.zeros(0)
        return np.concatenate([shape, maxwell]), [bx, mx, b]

    @no_type_check
    def _equal_gradient(self, parts: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
        """Gradient of weights . equal."""
        bx, mx, b = parts
        n, trace = len(self.upper[0]), float(np.trace(parts[2]))
        pull = np.zeros_like(b)
        pull[self.upper] = weights[:n]
        by_shape = (bx @ (pull + pull.T)) / trace - 2 * bx * (float((pull * b).sum()) / trace**2)
        if not self.maxwell:
            return np.asarray(by_shape)
        pull = np.zeros_like(b)
        pull[self.upper] = weights[n:]
        return np.asarray(by_shape + mx @ (pull + pull.T))

    @no_type_check  # called some thousand times: the test run's checks of a call cost more than the call
    def _terms(self, flat: np.ndarray) -> Terms:
        """The problem at x: cost -log b; equal: shape and Maxwell terms; below: squares of amplitude, slew and heat less 1."""
        x = flat.reshape(-1, len(self.axes))
        product, (i, j, k, m) = self.all @ x, self.parts
        amplitude, slope, warm, bx, mx = product[:i], product[i:j], product[j:k], product[k:m], product[m:]
        equal, parts = self._equal_of(x, bx, mx)
        squares = [amplitude**2, slope**2]
        squares = [v.sum(axis=1) for v in squares] if self.joint else [v.ravel() for v in squares]
        below = np.concatenate([*squares, (x * warm).sum(axis=0) / self.heat]) - 1
        cost = -float(np.log(max(np.trace(parts[2]), 1e-300)))
        gradient = partial(self._gradient, parts, amplitude, slope, warm)
        return Terms(cost=cost, equal=equal, below=below, gradient=gradient)

    @no_type_check
    def _gradient(self, parts: list, amplitude: np.ndarray, slope: np.ndarray, warm: np.ndarray, a: np.ndarray, b: np.ndarray):
        """Gradient of cost + equal . a + below . b."""
        width = 1 if self.joint else len(self.axes)
        n, m = len(amplitude) * width, len(slope) * width
        on_amplitude, on_slope = b[:n].reshape(-1, width), b[n : n + m].reshape(-1, width)
        total = self.back @ np.concatenate([on_amplitude * amplitude, on_slope * slope]) + warm * (b[n + m :] / self.heat)
        total = 2 * total - 2 * parts[0] / np.trace(parts[2]) + self._equal_gradient(parts, a)
        return total.ravel()

    def _exact(self, x: np.ndarray) -> np.ndarray:
        """The nearest x whose shape and Maxwell terms are exact, by Gauss-Newton steps of least length."""
        for _ in range(8):
            equal, parts = self._equal(x)
            if np.abs(equal).max() < 1e-14:
                break
            rows = np.stack([self._equal_gradient(parts, row).ravel() for row in np.eye(len(equal))])
            x = x - (np.linalg.lstsq(rows, equal, rcond=1e-10)[0]).reshape(x.shape)
        return x

    def _need(self, x: np.ndarray) -> float:
        """The largest ratio of amplitude, slew and root heat to their limits."""
        amplitude, slope = self.basis @ x, self.slope @ x
        heat = np.sqrt(((x * (self.heat_form @ x)).sum(axis=0) / self.heat).max())
        if self.joint:
            return float(max(np.linalg.norm(amplitude, axis=1).max(), np.linalg.norm(slope, axis=1).max(), heat) * (1 + 1e-12))
        return float(max(np.abs(amplitude).max(), np.abs(slope).max(), heat) * (1 + 1e-12))


def _middles(times: Float[np.ndarray, " knot"]) -> tuple[np.ndarray, np.ndarray]:
    """Middles and lengths of the intervals."""
    return 0.5 * (times[1:] + times[:-1]), np.diff(times)


def _knot_times(timing: DiffusionTiming, raster_s: float, knots: int, finer: int) -> Float[np.ndarray, " knot"]:
    """Knots on the raster, even over both lobes, with one interval for the pause; coarse ones are among the finer."""
    steps = [round(t / raster_s) for t in (timing.first_s, timing.pause_s, timing.second_s)]
    if min(steps[0], steps[2]) < 8 or steps[1] < 1:
        raise UsageError(f"b-tensor: lobes of {steps[0]} and {steps[2]} raster steps, pause {steps[1]}; wanted at least 8, 8, 1.")
    first = round(knots * steps[0] / (steps[0] + steps[2]))
    counts = [int(np.clip(n, 4, steps[i])) * finer for i, n in ((0, first), (2, knots - first))]
    one = np.unique(np.round(np.linspace(0, steps[0], counts[0] + 1)))
    two = steps[0] + steps[1] + np.unique(np.round(np.linspace(0, steps[2], counts[1] + 1)))
    return np.asarray(np.concatenate([one, two]) * raster_s)
