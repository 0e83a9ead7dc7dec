"""A vessel as flow sees it: streamlines at a fixed share of its radius, along which blood keeps its flux.

Along a streamline runs a coordinate sigma (m) that grows with the volume passed, over the cross-section where the vessel begins:
d sigma = (R / R0)^2 (1 - R kappa . rho) ds, with the curvature kappa and the place rho across, in units of the radius, both in a
frame that does not turn about the path. In sigma every spin has one velocity for good, and the flow is free of divergence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline, make_interp_spline
from scipy.spatial import cKDTree

from fullbore.errors import ValueRangeError

POINTS, STEPS = 1024, 5
"""Points of the centreline's tables; steps of Newton's method to find a place on it."""


@runtime_checkable
class FlowLike(Protocol):
    """What a vessel asks of a flow: its path (point, 3), radius (one number or one for each point), velocity and profile."""

    @property
    def path_m(self) -> np.ndarray:
        """(point, 3) of the centreline."""
        ...

    @property
    def radius_m(self) -> float | np.ndarray:
        """Of the wall, one or for each point."""
        ...

    @property
    def peak_velocity_m_per_s(self) -> float:
        """On the axis where the vessel begins."""
        ...

    @property
    def laminar(self) -> bool:
        """A paraboloid across, or all alike."""
        ...

    @property
    def tissue(self) -> str:
        """What flows, for messages."""
        ...


F = TypeVar("F", bound=FlowLike)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Streams:
    """Spins on their streamlines: across (n, 2) in units of the radius, sigma where they begin and where the vessel ends (m),
    velocity in sigma at a pace of 1 (m/s), 0 outside of the vessel."""

    across: Float[np.ndarray, "n 2"]
    begin_m: Float[np.ndarray, " n"]
    length_m: Float[np.ndarray, " n"]
    velocity_m_per_s: Float[np.ndarray, " n"]

    def laps(self, way_s: float) -> Float[np.ndarray, " n"]:
        """How often each has come in fresh when the pace's integral is `way_s`."""
        return np.asarray(np.floor((self.begin_m + self.velocity_m_per_s * way_s) / self.length_m))


class Vessel(Generic[F]):
    """Tables of a flow's centreline: point, two directions across, radius and three parts of sigma, over its length."""

    def __init__(self, flow: F):
        path = np.asarray(flow.path_m, np.float64)
        chord = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
        self.flow, self.is_straight = flow, len(path) == 2 and np.ptp(flow.radius_m) == 0
        curve = make_interp_spline(chord, path, k=min(5, len(path) - 1))
        at = np.linspace(0, chord[-1], POINTS)
        speed = CubicSpline(at, np.linalg.norm(curve(at, 1), axis=1))
        s = speed.antiderivative()(at)
        line = CubicSpline(s, curve(at))
        tangent = line(s, 1) / np.linalg.norm(line(s, 1), axis=1)[:, None]
        first, second = _frame(line(s), tangent)
        radius = _along(chord, flow.radius_m, at)
        bend = np.stack([(line(s, 2) * e).sum(axis=1) for e in (first, second)], axis=1)
        if (np.linalg.norm(bend, axis=1) * radius).max() >= 1 or radius.min() <= 0:
            raise ValueRangeError(f"Flow {flow.tissue}, path_m: between its points it folds sharper than its radius. Give more.")
        share = np.column_stack([radius**2, bend * radius[:, None] ** 3]) / radius[0] ** 2
        sigma = CubicSpline(s, share).antiderivative()(s)
        self._table = CubicSpline(s, np.column_stack([line(s), first, second, radius]))
        self._sigma, self._s = CubicSpline(s, sigma), s
        self._slope = self._sigma.derivative()
        self.length_m = float(s[-1])
        self._tree = cKDTree(line(s))
        self.widest_m = float(radius.max())
        self.fastest = float(1 / share[:, 0].min())

    def enter(self, home_m: Float[np.ndarray, "n 3"]) -> Streams:
        """The streamlines of spins at these places."""
        s = self._nearest(home_m)
        row = self._table(s)
        away = home_m - row[:, :3]
        across = np.stack([(away * row[:, 3:6]).sum(axis=1), (away * row[:, 6:9]).sum(axis=1)], axis=1) / row[:, 9:]
        distance = np.linalg.norm(across, axis=1)
        profile = 1 - distance**2 if self.flow.laminar else np.ones(len(s))
        inside = (s >= 0) & (s < self.length_m) & (distance < 1)
        velocity = np.where(inside, self.flow.peak_velocity_m_per_s * profile, 0.0)
        across = np.where(inside[:, None], across, 0.0)
        return Streams(
            across=across,
            begin_m=np.where(inside, self._passed(s, across)[0], 0.0),
            length_m=self._passed(np.full(len(s), self.length_m), across)[0],
            velocity_m_per_s=velocity,
        )

    def holds(self, place_m: Float[np.ndarray, "n 3"]) -> np.ndarray:
        """Which places are in the vessel, (n,) bool."""
        s = self._nearest(place_m)
        row = self._table(s)
        away = np.linalg.norm(place_m - row[:, :3], axis=1)
        return np.asarray((s >= 0) & (s < self.length_m) & (away < row[:, 9]))

    def near(self, place_m: Float[np.ndarray, "n 3"], reach_m: float) -> np.ndarray:
        """Which places are within reach of the wall or nearer, by the widest radius, (n,) bool: quick, and never too few."""
        furthest = self.widest_m + reach_m + self.length_m / POINTS
        line = self._tree.data
        near = np.all((place_m > line.min(axis=0) - furthest) & (place_m < line.max(axis=0) + furthest), axis=1)
        found = np.flatnonzero(near)
        near[found] = np.isfinite(self._tree.query(place_m[found], distance_upper_bound=furthest)[0])
        return near

    def velocities(self, place_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Velocity (m/s) at places at a pace of 1; zero outside of the vessel."""
        streams, s = self.enter(place_m), self._nearest(place_m)
        row, slope = self._table(s), self._table(s, 1)
        a, b = streams.across.T[:, :, None]
        way = (
            slope[:, :3]
            + slope[:, 9:] * (a * row[:, 3:6] + b * row[:, 6:9])
            + row[:, 9:] * (a * slope[:, 3:6] + b * slope[:, 6:9])
        )
        return np.asarray(way * (streams.velocity_m_per_s / self._passed(s, streams.across)[1])[:, None])

    def spread(self, count: int = 100) -> Float[np.ndarray, "n 3"]:
        """Places all along the vessel, on its axis and about it."""
        row = self._table(np.linspace(0, self.length_m, count))
        corners = np.array([[0.0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
        across = [row[:, 9:] * (a * row[:, 3:6] + b * row[:, 6:9]) for a, b in corners]
        return np.concatenate([row[:, :3] + part for part in across])

    def places(
        self, streams: Streams, way_s: Float[np.ndarray, " t"], laps: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, "t n 3"]:
        """Where spins are when the pace's integral is `way_s`, after so many laps; beyond the ends the path goes on smoothly."""
        sigma = streams.begin_m + way_s[:, None] * streams.velocity_m_per_s - laps * streams.length_m
        across = np.broadcast_to(streams.across, (*sigma.shape, 2)).reshape(-1, 2)
        row = self._table(self._at(sigma.ravel(), across, np.broadcast_to(streams.length_m, sigma.shape).ravel()))
        place = row[:, :3] + row[:, 9:] * (across[:, :1] * row[:, 3:6] + across[:, 1:] * row[:, 6:9])
        return np.asarray(place.reshape(*sigma.shape, 3))

    def _nearest(self, place_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """Length along the centreline at the foot of each place; outside 0 to its length where there is none."""
        s = self._s[self._tree.query(place_m)[1]]
        for _ in range(STEPS):
            away, tangent = place_m - self._table(s)[:, :3], self._table(s, 1)[:, :3]
            bend = self._table(s, 2)[:, :3]
            step = (away * tangent).sum(axis=1) / np.maximum((tangent**2).sum(axis=1) - (away * bend).sum(axis=1), 0.1)
            s = np.clip(s + step, -0.01 * self.length_m, 1.01 * self.length_m)
        return np.asarray(s)

    def _passed(
        self, s: Float[np.ndarray, " n"], across: Float[np.ndarray, "n 2"]
    ) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Sigma and its slope at lengths along the centreline; straight beyond the ends."""
        inside = np.clip(s, 0, self.length_m)
        parts, slopes = self._sigma(inside), self._slope(inside)
        slope = slopes[:, 0] - (across * slopes[:, 1:]).sum(axis=1)
        return parts[:, 0] - (across * parts[:, 1:]).sum(axis=1) + slope * (s - inside), slope

    def _at(
        self, sigma_m: Float[np.ndarray, " n"], across: Float[np.ndarray, "n 2"], length_m: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """Length along the centreline, by Newton's method."""
        if self.is_straight:
            return sigma_m
        whole = self._sigma(self._s)[:, 0]
        share = sigma_m / length_m
        s = np.interp(share * whole[-1], whole, self._s) + (share - np.clip(share, 0, 1)) * self.length_m
        for _ in range(STEPS):
            passed, slope = self._passed(s, across)
            s = s + (sigma_m - passed) / slope
        return np.asarray(s)


def _along(chord: Float[np.ndarray, " k"], radius_m: float | np.ndarray, at: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    if np.ndim(radius_m) == 0:
        return np.full(len(at), float(radius_m))
    return np.asarray(make_interp_spline(chord, radius_m, k=min(3, len(chord) - 1))(at))


def _frame(
    point: Float[np.ndarray, "n 3"], tangent: Float[np.ndarray, "n 3"]
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Two directions across a curve that do not turn about it. Source: double reflection, Wang 2008 (ACM TOG 27:2)."""
    first = np.empty_like(point)
    least = np.eye(3)[np.abs(tangent[0]).argmin()]
    first[0] = np.cross(tangent[0], least) / np.linalg.norm(np.cross(tangent[0], least))
    for i in range(len(point) - 1):
        step = point[i + 1] - point[i]
        e, t = (v - 2 * step * (step @ v) / (step @ step) for v in (first[i], tangent[i]))
        other = tangent[i + 1] - t
        size = other @ other
        first[i + 1] = e - 2 * other * (other @ e) / size if size > 1e-30 else e
    return first, np.cross(tangent, first)
