"""Blood that flows in a body: paces of the heart, flows of a stated flux along painted vessels, velocities at any place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from fullbore.data import Course, Flow
from fullbore.errors import ValueRangeError
from fullbore.numerics.vessel import Vessel

SYSTOLE = 0.3
STEP_M = 1e-3
SHARPEST = 0.75
"""Radius over that of the bend, at most, of a path that has been eased."""
_SAMPLES, _MOST_ROUNDS = 32, 60

STEADY = Course(times_s=np.zeros(1), values=np.ones(1))


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
