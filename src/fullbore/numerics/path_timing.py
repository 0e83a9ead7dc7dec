"""The quickest way along a path: speed along it, under bounds of speed and acceleration, by reachability.

x = (ds/dt)^2 and u = d2s/dt2 at the points of an arc length s: dx/ds = 2u, and the acceleration p' u + p'' x must stay in its
bound. A backward pass finds the largest x at each point from which the end can be reached, a forward pass takes the
largest x that it can. Piecewise constant u: exact for straight paths, first order in the step for curved ones, and never
stuck. Source: Pham and Pham 2018, IEEE T-RO 34:645 (TOPP-RA); the same optimum as Lustig 2008, IEEE TMI 27:866.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from fullbore.errors import ShapeError

_BISECTIONS = 44


class ArcPath:
    """A smooth curve through points (n, axis), parametrised by arc length: a cubic spline over the chord length."""

    __slots__ = ("_arc", "_curve", "_first", "_parameter", "_second", "length")

    def __init__(self, points: Float[np.ndarray, "n axis"]) -> None:
        chord = np.linalg.norm(np.diff(points, axis=0), axis=1)
        if len(points) < 4 or not np.all(np.isfinite(points)) or not np.all(chord > 0):
            raise ShapeError("ArcPath: wanted at least 4 finite points, no two consecutive ones alike.")
        self._curve = CubicSpline(np.concatenate([[0.0], np.cumsum(chord)]), points, axis=0)
        self._first, self._second = self._curve.derivative(), self._curve.derivative(2)
        knots = self._curve.x
        self._parameter = np.unique(
            np.concatenate([knots[:-1] + share * np.diff(knots) for share in np.arange(8) / 8] + [knots[-1:]])
        )
        # Two-point Gauss quadrature of the speed between the finer knots.
        low, step = self._parameter[:-1], np.diff(self._parameter)
        nodes = (0.5 - np.sqrt(1 / 12), 0.5 + np.sqrt(1 / 12))
        speed = sum(np.linalg.norm(self._first(low + node * step), axis=1) for node in nodes)
        self._arc = np.concatenate([[0.0], np.cumsum(0.5 * step * speed)])
        self.length = float(self._arc[-1])

    def position(self, arc: Float[np.ndarray, " m"]) -> Float[np.ndarray, "m axis"]:
        """Points at arc lengths."""
        return np.asarray(self._curve(self._at(arc)))

    def tangent(self, arc: Float[np.ndarray, " m"]) -> Float[np.ndarray, "m axis"]:
        """Unit tangents at arc lengths."""
        first = self._first(self._at(arc))
        return np.asarray(first / np.linalg.norm(first, axis=1, keepdims=True))

    def curvature(self, arc: Float[np.ndarray, " m"]) -> Float[np.ndarray, "m axis"]:
        """Curvature vectors, the second derivative by arc length."""
        at = self._at(arc)
        first, second = self._first(at), self._second(at)
        square = (first**2).sum(axis=1, keepdims=True)
        return np.asarray((second - (second * first).sum(axis=1, keepdims=True) / square * first) / square)

    def _at(self, arc: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        return np.interp(arc, self._arc, self._parameter)


def squared_speeds(
    arc: Float[np.ndarray, " n"],
    tangent: Float[np.ndarray, "n axis"],
    curvature: Float[np.ndarray, "n axis"],
    cap: Float[np.ndarray, " n"],
    bound: Float[np.ndarray, " n"],
    joint: bool,
) -> Float[np.ndarray, " n"]:
    """Largest squared speed at each arc length that starts and ends within `cap` and keeps the acceleration within `bound`.

    arc: rising. cap: bound of the squared speed, the wanted squared speeds at the two ends among it; where the bounds do not
    allow these, lower ones come out. joint: the vector's length is bounded; else each axis is.
    """
    if joint:
        return _joint(arc, np.linalg.norm(curvature, axis=1), cap, bound)
    return _separate(arc, np.ascontiguousarray(tangent), np.ascontiguousarray(curvature), cap, bound)


def times_of(arc: Float[np.ndarray, " n"], squared: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Time at which each arc length is reached; exact for piecewise constant acceleration along the path."""
    speed = np.sqrt(np.maximum(squared, 0.0))
    pace = speed[1:] + speed[:-1]
    return np.concatenate([[0.0], np.cumsum(2 * np.diff(arc) / np.maximum(pace, 1e-300))])


@numba.njit(cache=True, nogil=True)
@no_type_check
def _joint(arc: np.ndarray, curvature: np.ndarray, cap: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """Both passes with u^2 + (curvature x)^2 <= bound^2."""
    n = len(arc)
    top = np.empty(n)
    for i in range(n - 1, -1, -1):
        x = cap[i]
        if curvature[i] * x > bound[i]:
            x = bound[i] / curvature[i]
        if i < n - 1:
            ahead, twice = top[i + 1], 2 * (arc[i + 1] - arc[i])
            brake = np.sqrt(max(bound[i] ** 2 - (curvature[i] * x) ** 2, 0.0))
            if x - twice * brake > ahead:
                # The larger root of (x - ahead)^2 = twice^2 (bound^2 - curvature^2 x^2).
                a = 1 + (twice * curvature[i]) ** 2
                root = ahead * ahead - a * (ahead * ahead - (twice * bound[i]) ** 2)
                x = min(x, (ahead + np.sqrt(max(root, 0.0))) / a)
        top[i] = x
    for i in range(n - 1):
        push = np.sqrt(max(bound[i] ** 2 - (curvature[i] * top[i]) ** 2, 0.0))
        top[i + 1] = min(top[i + 1], top[i] + 2 * (arc[i + 1] - arc[i]) * push)
    return top


@numba.njit(cache=True, nogil=True)
@no_type_check
def _range(tangent: np.ndarray, curvature: np.ndarray, x: float, bound: float) -> tuple:
    """Accelerations u along the path for which every |tangent u + curvature x| <= bound; an empty range when there are none."""
    low, high = -np.inf, np.inf
    for a in range(len(tangent)):
        if abs(tangent[a]) > 1e-9:
            middle, half = -curvature[a] * x / tangent[a], bound / abs(tangent[a])
            low, high = max(low, middle - half), min(high, middle + half)
        elif abs(curvature[a]) * x > bound:
            return np.inf, -np.inf
    return low, high


@numba.njit(cache=True, nogil=True)
@no_type_check
def _separate(arc: np.ndarray, tangent: np.ndarray, curvature: np.ndarray, cap: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """Both passes with each axis's acceleration within the bound.

    The feasible x are an interval from 0, for the constraints are convex and x = u = 0 meets them: bisection finds its end.
    """
    n = len(arc)
    top = np.empty(n)
    for i in range(n - 1, -1, -1):
        ahead = top[i + 1] if i < n - 1 else np.inf
        twice = 2 * (arc[i + 1] - arc[i]) if i < n - 1 else 0.0
        inside, outside = 0.0, cap[i]
        low, high = _range(tangent[i], curvature[i], outside, bound[i])
        if low <= high and outside + twice * low <= ahead:
            top[i] = outside
            continue
        for _ in range(_BISECTIONS):
            x = 0.5 * (inside + outside)
            low, high = _range(tangent[i], curvature[i], x, bound[i])
            if low <= high and x + twice * low <= ahead:
                inside = x
            else:
                outside = x
        top[i] = inside
    for i in range(n - 1):
        low, high = _range(tangent[i], curvature[i], top[i], bound[i])
        top[i + 1] = min(top[i + 1], top[i] + 2 * (arc[i + 1] - arc[i]) * high)
    return top
