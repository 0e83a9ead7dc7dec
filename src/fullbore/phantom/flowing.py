"""Blood that flows in a body: paces of the heart, flows of a stated flux along painted vessels, velocities at any place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import brentq

from fullbore.data import Course, Flow
from fullbore.errors import ValueRangeError
from fullbore.numerics.vessel import Vessel
from fullbore.phantom.primitives import tube
from fullbore.phantom.shape import Shape

SYSTOLE = 0.3
STEP_M = 1e-3
SHARPEST = 0.75
"""Radius over that of the bend, at most, of a path that has been eased."""
_SAMPLES, _MOST_ROUNDS = 32, 120
_FINE, _COARSE = 1024, 64
_LONGEST = 1e3
_LEAST_POINTS = 4

STEADY = Course(times_s=np.zeros(1), values=np.ones(1))


class Line(NamedTuple):
    """A vessel's centreline (k, 3) and radii (k,), metres."""

    path_m: Float[np.ndarray, "k 3"]
    radius_m: Float[np.ndarray, " k"]

    @property
    def shape(self) -> Shape:
        """The lumen."""
        return tube(self.path_m, self.radius_m)

    @property
    def turned(self) -> Line:
        """From its other end."""
        return Line(self.path_m[::-1], self.radius_m[::-1])

    def then(self, *others: Line) -> Line:
        """Joined end to end."""
        return Line(*(np.concatenate([part[n] for part in (self, *others)]) for n in (0, 1)))

    def outside(self, other: Line, share: float = 1.0) -> Line:
        """Without what of it lies within a share of another vessel's radius, nor what comes before."""
        away = np.linalg.norm(self.path_m[:, None] - other.path_m, axis=2) - share * other.radius_m
        within = np.flatnonzero((away <= 0).any(axis=1))
        first = int(within[-1]) + 1 if len(within) else 0
        return Line(self.path_m[first:], self.radius_m[first:])

    def smooth(self, step_m: float = STEP_M) -> Line:
        """As `eased`."""
        return Line(*eased(self.path_m, self.radius_m, step_m))


def line(path_m: Float[np.ndarray, "k 3"], radius_m: float | Float[np.ndarray, " k"]) -> Line:
    """A centreline of one radius, or one for each point."""
    return Line(path_m, np.broadcast_to(np.asarray(radius_m, np.float64), len(path_m)).copy())


def heartbeat(peak: float, period_s: float, *, begin_s: float = 0.0, systole: float = SYSTOLE) -> Course:
    """A pace of mean 1: a sine squared that rises to `peak` and falls within the share `systole` of a period, even between.

    begin_s: when systole begins. Errors: ValueRangeError where the flow between beats would turn back: peak > 2 / systole.
    """
    mean = systole / 2
    low = (1 - peak * mean) / (1 - mean)
    if not (0 < systole <= 1 and period_s > 0 and peak >= 1 and low >= 0):
        raise ValueRangeError(
            f"heartbeat: a peak of {peak} times the mean in systole, {systole} of {period_s} s; "
            f"wanted a peak from 1 to {1 / mean:.3g}, or else it flows back between beats."
        )
    phase = np.arange(_SAMPLES + 1) / _SAMPLES
    values = low + (peak - low) * np.sin(np.pi * phase) ** 2
    return Course(times_s=begin_s + systole * period_s * phase, values=values, period_s=period_s)


def ejection(volume: Callable[[float], float], begin_s: float, end_s: float, period_s: float) -> Course:
    """The pace, of mean 1, at which a ventricle of a falling volume (any unit) empties from begin_s to end_s; none between."""
    edges = np.linspace(begin_s, end_s, 2 * _SAMPLES + 1)
    left = np.maximum(-np.diff([volume(float(time)) for time in edges]), 0.0)
    times = np.concatenate([edges[:1], 0.5 * (edges[1:] + edges[:-1]), edges[-1:]])
    pace = Course(times_s=times, values=np.concatenate([[0.0], left, [0.0]]), period_s=period_s)
    return Course(times_s=times, values=pace.values * (period_s / _over_a_period(pace)), period_s=period_s)


def buffered(pace: Course, peak: float, delay_s: float = 0.0) -> Course:
    """What elastic walls upstream make of a pace: later, and run off exponentially so that its peak is `peak` times its mean.

    The walls hold what has come in and not yet gone out (Frank's Windkessel, in series). The mean stays 1.
    Errors: ValueRangeError for a peak that is not between 1 and that of the pace.
    """
    period = pace.period_s
    if period is None or not 1 < peak < float(pace.values.max()):
        raise ValueRangeError(
            f"buffered: a peak of {peak} times the mean, wanted more than 1 and less than that of the pace, "
            f"{float(pace.values.max()):.3g}, which has a period."
        )
    at = period * np.arange(_FINE) / _FINE
    parts = np.fft.rfft(pace.at(at))
    turns = 2j * np.pi * np.fft.rfftfreq(_FINE, period / _FINE)

    def run_off(time_s: float) -> np.ndarray:
        found = np.fft.irfft(parts / (1 + turns * time_s), _FINE)
        return np.asarray(np.maximum(found, 0.0)[:: _FINE // _COARSE])

    def over(time_s: float) -> float:
        found = run_off(time_s)
        return float(found.max() / found.mean() - peak)

    if over(0.0) <= 0:
        raise ValueRangeError(f"buffered: a peak of {peak} times the mean is that of the pace itself. Ask for less.")
    values = run_off(float(brentq(over, 0.0, _LONGEST * period, xtol=1e-9 * period)))
    return Course(times_s=at[:: _FINE // _COARSE] + delay_s, values=values / values.mean(), period_s=period)


def _over_a_period(pace: Course) -> float:
    """Integral of a periodic course over its period."""
    return float(pace.integral(np.array([pace.period_s], np.float64))[0])


def vessel_flow(
    path_m: Float[np.ndarray, "k 3"],
    radius_m: float | Float[np.ndarray, " k"],
    flux_m3_per_s: float,
    tissue: str,
    pace: Course = STEADY,
    *,
    laminar: bool = True,
) -> Flow:
    """The flow of a mean flux (where the mean of `pace` is 1) along a vessel, whose lumen holds nothing else.

    The velocity on the axis is twice the mean where laminar; it rises where the vessel narrows, and the flux stays.
    """
    mean = flux_m3_per_s / (np.pi * float(np.ravel(radius_m)[0]) ** 2)
    return Flow(
        path_m=path_m, radius_m=radius_m, peak_velocity_m_per_s=(2.0 if laminar else 1.0) * mean, pace=pace, laminar=laminar,
        tissue=tissue, fills=True,
    )  # fmt: skip


def flux_m3_per_s(flow: Flow) -> float:
    """Volume that passes any section of a flow, at a pace of 1."""
    area = np.pi * float(np.ravel(flow.radius_m)[0]) ** 2
    return float((0.5 if flow.laminar else 1.0) * flow.peak_velocity_m_per_s * area)


def flows_within(flows: Sequence[Flow], low_m: Float[np.ndarray, " 3"], high_m: Float[np.ndarray, " 3"]) -> tuple[Flow, ...]:
    """What of flows passes a box, with the same flux. Blood comes in fresh where a vessel enters the box.

    A vessel that enters twice is two flows; pieces of fewer than four points of its path are left out.
    """
    out = []
    for flow in flows:
        path = np.asarray(flow.path_m)
        radius, inside = np.broadcast_to(flow.radius_m, len(path)), ((path >= low_m) & (path <= high_m)).all(axis=1)
        if inside.all():
            out.append(flow)
            continue
        edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]])))
        for first, last in edges.reshape(-1, 2).tolist():
            if last - first >= _LEAST_POINTS:
                speed = flow.peak_velocity_m_per_s * float(radius[0] / radius[first]) ** 2
                wide = radius[first:last].copy()
                out.append(replace(flow, path_m=path[first:last], radius_m=wide, peak_velocity_m_per_s=speed))
    return tuple(out)


def flow_velocity(flows: Sequence[Flow], points_m: Float[np.ndarray, "n 3"], time_s: float = 0.0) -> Float[np.ndarray, "n 3"]:
    """Velocity of blood (m/s) at places in the body at rest at a time; zero outside of vessels."""
    found = np.zeros((len(points_m), 3))
    free = np.ones(len(points_m), bool)
    for flow in flows:
        vessel = Vessel(flow)
        here = np.flatnonzero(free & vessel.near(points_m, 0.0))
        here = here[vessel.holds(points_m[here])] if len(here) else here
        if len(here):
            found[here] = vessel.velocities(points_m[here]) * float(flow.pace.at(np.array([time_s]))[0])
            free[here] = False
    return found


def eased(
    path_m: Float[np.ndarray, "k 3"], radius_m: Float[np.ndarray, " k"], step_m: float = STEP_M
) -> tuple[Float[np.ndarray, "m 3"], Float[np.ndarray, " m"]]:
    """A path with its radii at even steps, smoothed until no bend is sharper than the vessel's radius allows. Its ends stay.

    Errors: ValueRangeError for a path that would have to be smoothed over more than a hundred steps.
    """
    chord = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path_m, axis=0), axis=1))])
    at = np.linspace(0, chord[-1], max(int(np.ceil(chord[-1] / step_m)), 4) + 1)
    line = np.stack([np.interp(at, chord, column) for column in path_m.T], axis=1)
    radius = np.interp(at, chord, radius_m)
    for round_ in range(_MOST_ROUNDS):
        smooth = _smoothed(line, 1.0 + 0.5 * round_)
        if sharpness(smooth, radius) < SHARPEST:
            return smooth, radius
    raise ValueRangeError(
        f"eased: a path of {1e3 * chord[-1]:.3g} mm bends too sharply for {1e3 * radius.max():.3g} mm of radius."
    )


def sharpness(path_m: Float[np.ndarray, "k 3"], radius_m: float | Float[np.ndarray, " k"]) -> float:
    """The largest of a vessel's radius over that of its bend."""
    a, b, c = path_m[:-2], path_m[1:-1], path_m[2:]
    sides = [np.linalg.norm(q - p, axis=1) for p, q in ((a, b), (b, c), (a, c))]
    bend_per_m = 2 * np.linalg.norm(np.cross(b - a, c - b), axis=1) / (sides[0] * sides[1] * np.maximum(sides[2], 1e-12))
    return float((bend_per_m * np.broadcast_to(radius_m, len(path_m))[1:-1]).max(initial=0.0))


def _smoothed(line: Float[np.ndarray, "k 3"], width: float) -> Float[np.ndarray, "k 3"]:
    """Smoothed over so many steps; turned about its ends beyond them, so that they stay."""
    around = min(len(line) - 1, int(5 * width) + 1)
    before, after = 2 * line[0] - line[around:0:-1], 2 * line[-1] - line[-2 : -around - 2 : -1]
    whole = gaussian_filter1d(np.concatenate([before, line, after]), width, axis=0)
    return np.asarray(whole[around : around + len(line)])
