"""The shortest gradients that reach given moments M0, M1, M2 from a given start to a given end: rewinders, flow compensation."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy import sparse
from scipy.optimize import linprog

from fullbore.data import Limits
from fullbore.errors import LimitError, ShapeError, UsageError
from fullbore.sequence.waveforms.waveform import Waveform, moment_weights

_MARGIN = 1e-6  # of the limits, kept for rounding of the linear programme
_LONGEST_STEPS = 4000


def to_moments(
    moments: Float[np.ndarray, "axis order"],
    limits: Limits,
    *,
    start_T_per_m: Float[np.ndarray, " axis"] | None = None,
    end_T_per_m: Float[np.ndarray, " axis"] | None = None,
    turned: bool = True,
    about: str = "end",
    duration_s: float | None = None,
    least_s: float = 0.0,
) -> Waveform:
    """The shortest waveform with given moments, and of that duration the one that needs the least slew and amplitude.

    moments: moments[axis, n] = integral of g (t - t0)^n dt in T s^(n + 1) / m, n = 0, or 0 and 1, or 0, 1 and 2; t0 is the
    waveform's "start" or "end" (`about`). start_T_per_m, end_T_per_m: gradients at its ends, 0 unless given. turned: the
    axes share the limits (shares w with sum w^2 <= 1, which is the optimum where one axis or a straight line from rest is
    asked, and legal in every rotation always); else each axis has its own. duration_s: take that long instead of the shortest.
    least_s: no shorter than that.
    Moments are met to rounding (1e-12 of the largest that the limits allow), limits in every raster step.
    Errors: LimitError when the end values are over the limits or no duration to 4000 raster steps (or the one given) will do.
    Source: linear programmes on the raster, smallest share of the limits at a duration, least duration with a share of 1.
    """
    axes, orders = moments.shape
    start, end = (np.zeros(axes) if v is None else np.asarray(v, dtype=np.float64) for v in (start_T_per_m, end_T_per_m))
    if start.shape != (axes,) or end.shape != (axes,) or not 1 <= orders <= 3:
        raise ShapeError(
            f"to_moments: {moments.shape} moments, ends {start.shape} and {end.shape}; wanted (axis, 1 to 3) and (axis,)."
        )
    if about not in ("start", "end"):
        raise UsageError(f"to_moments: about {about!r}; wanted start or end.")
    if _share(np.abs(np.stack([start, end])).max(axis=0) / limits.gradient_T_per_m, turned) > 1:
        raise LimitError("to_moments: the gradient at an end is over the amplitude limit. Lower it.")
    task = _Task(np.asarray(moments, dtype=np.float64), limits, start, end, turned, about)
    if duration_s is not None:
        steps = round(duration_s / limits.gradient_raster_s)
        if task.share(steps) > 1:
            raise LimitError(f"to_moments: {duration_s * 1e3:.3f} ms are too short for these moments. Leave the duration out.")
        return task.waveform(steps)
    return task.waveform(task.shortest(math.ceil(least_s / limits.gradient_raster_s - 1e-6)))


class _Task:
    """One set of moments: how large a share of the limits each duration needs, remembered."""

    def __init__(self, moments: np.ndarray, limits: Limits, start: np.ndarray, end: np.ndarray, turned: bool, about: str) -> None:
        self.moments, self.limits, self.start, self.end, self.turned, self.about = moments, limits, start, end, turned, about
        self._solved: dict[int, tuple[float, list[np.ndarray]]] = {}

    def share(self, steps: int) -> float:
        """Share of the limits that so many raster steps need; infinite when no waveform is."""
        if steps not in self._solved:
            solved = [self._axis(axis, steps) for axis in range(len(self.moments))]
            shares = np.array([one[0] for one in solved])
            self._solved[steps] = (_share(shares, self.turned), [one[1] for one in solved])
        return self._solved[steps][0]

    def shortest(self, least: int = 0) -> int:
        """The least number of steps from `least` on: by the power of the steps with which the share falls, and by halves.

        From rest the share falls with steps^-(orders + 1) at most (slew), so the first guesses are not too long.
        """
        low, high = max(self._least(), least), _LONGEST_STEPS + 1
        at, stride, power, tried = low, 1, float(self.moments.shape[1] + 1), 0
        known: list[tuple[int, float]] = []
        while low < high and at <= _LONGEST_STEPS:
            share, tried = self.share(at), tried + 1
            low, high = (low, at) if share <= 1 else (at + 1, high)
            bracketed = high <= _LONGEST_STEPS
            if 0 < share < math.inf:
                known.append((at, share))
                at = math.ceil(at * share ** (1 / _power(known, power)) * (1 - 1e-9))
            if bracketed:
                # Every third time by halves, lest a flat share be climbed step by step.
                at = (low + high) // 2 if tried % 3 == 0 else min(max(at, low), high - 1)
            else:
                at, stride = max(at, low + stride - 1), math.ceil(1.6 * stride)
        if high > _LONGEST_STEPS:
            raise LimitError(f"to_moments: more than {_LONGEST_STEPS} raster steps are needed. Ask for smaller moments.")
        return high

    def waveform(self, steps: int) -> Waveform:
        """The waveform of so many steps."""
        self.share(steps)
        return Waveform(raster_s=self.limits.gradient_raster_s, values_T_per_m=np.stack(self._solved[steps][1], axis=1))

    def _least(self) -> int:
        """A bound from below of the steps: the ramp between the ends, and M0 at full amplitude."""
        raster = self.limits.gradient_raster_s
        ramp = np.abs(self.end - self.start).max() / (self.limits.slew_T_per_m_s * raster)
        flat = np.abs(self.moments[:, 0]).max() / (self.limits.gradient_T_per_m * raster)
        return max(math.ceil(max(ramp, flat) * (1 - 1e-9)), 2)

    def _axis(self, axis: int, steps: int) -> tuple[float, np.ndarray]:
        """Least share of the limits of one axis, and its waveform."""
        ends = float(self.start[axis]), float(self.end[axis])
        return _least_share(tuple(self.moments[axis].tolist()), ends, steps, self.limits, self.about)


@lru_cache(maxsize=512)  # the sets of a velocity encoding share most of their axes
def _least_share(
    moments: tuple[float, ...], ends: tuple[float, float], steps: int, limits: Limits, about: str
) -> tuple[float, np.ndarray]:
    """Least share of the limits of one axis, and its waveform, by a linear programme."""
    raster, top, orders = limits.gradient_raster_s, limits.gradient_T_per_m * (1 - _MARGIN), len(moments)
    first, last = ends[0] / top, ends[1] / top
    scale = np.array([top * raster * (steps * raster) ** n for n in range(orders)])
    weights = _weights(steps, raster, orders, about) * top / scale[:, None]
    wanted = np.array(moments) / scale - weights[:, 0] * first - weights[:, -1] * last
    if not wanted.any() and not first and not last:
        return 0.0, np.zeros(steps + 1)
    inner, difference = weights[:, 1:-1], _difference(steps)
    slew = limits.slew_T_per_m_s * (1 - _MARGIN) * raster / top
    edge = np.zeros(steps)
    edge[0] -= first
    edge[-1] += last
    unit = sparse.identity(steps - 1, format="csr")
    column = [-np.full((n, 1), v) for n, v in ((steps - 1, 1.0), (steps - 1, 1.0), (steps, slew), (steps, slew))]
    above = sparse.hstack([sparse.vstack([unit, -unit, difference, -difference]), sparse.csr_matrix(np.vstack(column))])
    right = np.concatenate([np.zeros(2 * (steps - 1)), -edge, edge])
    equal = np.hstack([inner, np.zeros((orders, 1))])
    bounds = [(None, None)] * (steps - 1) + [(max(abs(first), abs(last)), None)]
    cost = np.append(np.zeros(steps - 1), 1.0)
    solved = linprog(cost, A_ub=above.tocsc(), b_ub=right, A_eq=equal, b_eq=wanted, bounds=bounds, method="highs")
    if solved.x is None:
        return math.inf, np.zeros(steps + 1)
    x = solved.x[:-1] + np.linalg.lstsq(inner, wanted - inner @ solved.x[:-1], rcond=None)[0]
    values = top * np.concatenate([[first], x, [last]])
    slopes = np.abs(np.diff(values)).max() / (limits.slew_T_per_m_s * raster)
    return max(float(np.abs(values).max()) / limits.gradient_T_per_m, float(slopes)), values


def _power(known: list[tuple[int, float]], largest: float) -> float:
    """The power of 1 / steps with which the share falls at the last two durations, between 1 and the largest."""
    if len(known) < 2 or known[-1][0] == known[-2][0]:
        return largest
    (n, share), (m, other) = known[-2:]
    return float(np.clip(-math.log(other / share) / math.log(m / n), 1.0, largest))


def _share(shares: Float[np.ndarray, " axis"], turned: bool) -> float:
    """Share of the limits that all axes need together."""
    return float(np.linalg.norm(shares) if turned else shares.max())


@lru_cache(maxsize=64)
def _weights(steps: int, raster_s: float, orders: int, about: str) -> np.ndarray:
    """Weights of the moments 0 ... orders - 1, (order, corner)."""
    origin = steps * raster_s if about == "end" else 0.0
    return np.stack([moment_weights(steps + 1, raster_s, n, origin) for n in range(orders)])


@lru_cache(maxsize=64)
def _difference(steps: int) -> sparse.csr_matrix:
    """Steps between corners as a matrix of the inner corners, (step, corner - 2)."""
    ones = np.ones(steps - 1)
    return sparse.diags([ones, -ones], [0, -1], shape=(steps, steps - 1), format="csr")
