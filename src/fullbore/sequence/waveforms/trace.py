"""The quickest gradients that trace a curve of k-space, within amplitude, slew, nerves and forbidden bands."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from fullbore.data import Limits
from fullbore.errors import LimitError, UsageError
from fullbore.numerics.path_timing import ArcPath, squared_speeds, times_of
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.waveforms.stimulation import NerveLimit, nerve_response
from fullbore.sequence.waveforms.waveform import Waveform

Bands = tuple[tuple[float, float], ...]
"""Forbidden acoustic bands, (lowest, highest) Hz each."""

_MARGIN = 2e-4  # of the limits, kept for the correction of the area
_STEPS_A_RASTER = 6  # points of the curve per raster step
_NERVE_ROUNDS, _HALVES = 90, 14
_AIM = 0.1  # part of an excess of the nerves' response by which a round lowers what the next aims at
_ROUNDS = 16
_GUARD = 0.08  # on either side of a forbidden band, of its edge: a turning gradient's line is not infinitely sharp


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Road:
    """A curve with what bounds the motion along it: squared-speed cap and acceleration bound at each arc length."""

    path: ArcPath
    arc: np.ndarray
    tangent: np.ndarray
    curvature: np.ndarray
    cap: np.ndarray
    bound: np.ndarray
    joint: bool

    def squared(self, bound: np.ndarray, cap: np.ndarray | None = None) -> np.ndarray:
        """Squared speeds of the quickest motion within another acceleration bound (and cap)."""
        return squared_speeds(self.arc, self.tangent, self.curvature, self.cap if cap is None else cap, bound, self.joint)


def trace(
    curve_per_m: Float[np.ndarray, "point axis"],
    limits: Limits,
    *,
    turned: bool = True,
    start_T_per_m: float = 0.0,
    end_T_per_m: float | None = 0.0,
    nerves: NerveLimit | None = None,
    bands: Bands = (),
) -> Waveform:
    """The quickest waveform whose k runs along a smooth curve, on the gradient raster; k starts at the curve's first point.

    curve_per_m: points of the curve, cycles/m, as dense as its bends need. turned: the waveform may be rotated, so the
    vector's length obeys amplitude and slew; else each axis does. start_T_per_m, end_T_per_m: length of the gradient at the
    ends (along the curve); None ends at any speed. nerves: the nerves' response stays within its share. bands: where the
    gradient would turn at a frequency (curvature * speed / 2 pi) within a band, it turns more slowly than the band.
    Errors: UsageError for a bad curve or value; LimitError when an end's gradient cannot be reached.
    Limits hold in every raster step; the area is that of the curve to rounding; on the way the curve is met to the error of
    straight lines between raster corners (gamma slew raster^2 / 12, 0.07 cycles/m at 200 T/m/s and 10 us).
    Source: Lustig 2008, IEEE TMI 27:866.
    """
    for value in (start_T_per_m, end_T_per_m or 0.0):
        if not 0 <= value <= limits.gradient_T_per_m:
            raise UsageError(f"trace: an end at {value:g} T/m, wanted 0 to {limits.gradient_T_per_m:g} T/m.")
    path = ArcPath(np.asarray(curve_per_m, dtype=np.float64))
    road = _without_bands(_road(path, limits, turned, start_T_per_m, end_T_per_m), bands)
    for _ in range(_ROUNDS):
        bound = road.bound if nerves is None else _calm(road, limits, nerves)
        waveform, at = _played(road, bound, limits.gradient_raster_s)
        excess = _excess(waveform, limits, turned)
        if excess.max() <= 1 and (nerves is None or nerve_response(waveform, nerves).max() <= nerves.share):
            return waveform
        # Where a raster step is over a limit, that stretch of the curve and a little around it is taken more gently.
        worst = np.lib.stride_tricks.sliding_window_view(np.pad(excess, 2), 5).max(axis=1)
        factor = 1 / np.maximum(np.interp(road.arc, 0.5 * (at[1:] + at[:-1]), worst), 1)
        factor = np.where(factor < 1, factor * (1 - _MARGIN), 1.0)
        road = replace(
            road, bound=road.bound * factor, cap=np.concatenate([road.cap[:1], (road.cap * factor)[1:-1], road.cap[-1:]])
        )
    raise LimitError(f"trace: the limits are missed by {excess.max() - 1:.2%} at any speed tried; give a smoother curve.")


def _road(path: ArcPath, limits: Limits, joint: bool, start: float, end: float | None) -> _Road:
    """The curve's points and bounds, with as many points as the waveform's raster asks for."""
    speed = GYROMAGNETIC_RATIO_HZ_PER_T * limits.gradient_T_per_m * (1 - _MARGIN)
    push = GYROMAGNETIC_RATIO_HZ_PER_T * limits.slew_T_per_m_s * (1 - _MARGIN)
    arc = np.linspace(0.0, path.length, 2000)
    for _ in range(2):
        tangent, curvature = path.tangent(arc), path.curvature(arc)
        largest = np.abs(tangent).max(axis=1) if not joint else 1.0
        cap = np.broadcast_to((speed / largest) ** 2, arc.shape).copy()
        cap[0] = (GYROMAGNETIC_RATIO_HZ_PER_T * start) ** 2
        cap[-1] = cap[-1] if end is None else (GYROMAGNETIC_RATIO_HZ_PER_T * end) ** 2
        bound = np.full(len(arc), push)
        road = _Road(path=path, arc=arc, tangent=tangent, curvature=curvature, cap=cap, bound=bound, joint=joint)
        squared = road.squared(bound)
        arc = _points(path.length, float(times_of(arc, squared)[-1]), push, limits.gradient_raster_s)
    reached = math.sqrt(squared[0]), math.sqrt(squared[-1])
    for got, wanted, place in zip(reached, (start, end), ("start", "end"), strict=True):
        if wanted is not None and got < 0.999 * GYROMAGNETIC_RATIO_HZ_PER_T * wanted:
            got_T = got / GYROMAGNETIC_RATIO_HZ_PER_T
            raise LimitError(f"trace: at its {place} the curve allows {got_T:.4g} T/m, not {wanted:.4g} T/m. Set it to that.")
    return road


def _points(length: float, time_s: float, push: float, raster_s: float) -> Float[np.ndarray, " n"]:
    """Arc lengths: even, and finer near the ends, where the motion starts from rest."""
    count = int(np.clip(_STEPS_A_RASTER * time_s / raster_s, 4000, 400_000))
    near = 0.5 * push * (raster_s * np.arange(1, 96) / 8) ** 2
    near = near[near < 0.25 * length]
    return np.unique(np.concatenate([np.linspace(0.0, length, count), near, length - near]))


def _without_bands(road: _Road, bands: Bands) -> _Road:
    """Cap the speed where the gradient would turn at a forbidden frequency, so that it turns below the band."""
    cap, turn = road.cap.copy(), np.linalg.norm(road.curvature, axis=1) / (2 * np.pi)
    for low, high in sorted(bands, reverse=True):
        if not 0 < low < high:
            raise UsageError(f"bands: got {low:g} to {high:g} Hz, wanted rising positive frequencies.")
        frequency = turn * np.sqrt(road.squared(road.bound, cap))
        low, high = low * (1 - _GUARD), high * (1 + _GUARD)
        inside = (frequency > low) & (frequency < high)
        cap[inside] = np.minimum(cap[inside], (low / turn[inside]) ** 2)
    return replace(road, cap=cap)


def _calm(road: _Road, limits: Limits, nerves: NerveLimit) -> Float[np.ndarray, " n"]:
    """An acceleration bound along the curve with which the nerves' response stays below its share.

    Each round scales the bound at each place by aim / response there. Where nothing else binds, the response ends at its
    aim all along: as the nerve's kernel falls monotonically, what uses up its share at once is the fastest on a line.
    The aim, first the share itself, is lowered a little before peaks that stay over it (within a chronaxie), in the last
    rounds everywhere. The shortest legal round counts.
    """
    bound, raster, best, shortest, aim, most = road.bound, limits.gradient_raster_s, None, np.inf, np.ones(1), 1.0
    memory = max(round(nerves.model.chronaxie_s / raster), 1)
    for turn in range(_NERVE_ROUNDS):
        waveform, _ = _played(road, bound, raster)
        time = times_of(road.arc, road.squared(bound))
        use = nerve_response(waveform, nerves) / nerves.share
        if use.max() <= 1 and time[-1] < shortest:
            best, shortest = bound, float(time[-1])
        if use.max() <= 1 and bound is road.bound:
            return bound
        middles = (np.arange(len(use)) + 0.5) * (time[-1] / len(use))
        here = np.maximum(np.interp(time, middles, use), 1e-9)
        bound = np.minimum(road.bound, bound * np.clip(aim * most / here, 0.5, 2.0))
        if 3 * turn >= _NERVE_ROUNDS:
            soon = np.lib.stride_tricks.sliding_window_view(np.pad(use, (0, memory)), memory + 1).max(axis=1)
            aim = np.clip(aim * (1 - _AIM * (np.interp(time, middles, soon) - 1)), 0.8, 1.0)
        if 3 * turn >= 2 * _NERVE_ROUNDS:
            most *= 1 - 2 * _AIM * (float(use.max()) - 1)
    return best if best is not None else _calm_evenly(road, bound, limits, nerves)


def _calm_evenly(road: _Road, bound: Float[np.ndarray, " n"], limits: Limits, nerves: NerveLimit) -> Float[np.ndarray, " n"]:
    """A bound scaled by one factor up to 1, as large as the nerves allow."""
    low, high, share = 0.0, 1.0, 1.0
    for _ in range(_HALVES):
        waveform, _ = _played(road, bound * share, limits.gradient_raster_s)
        calm = nerve_response(waveform, nerves).max() <= nerves.share
        low, high = (share, high) if calm else (low, share)
        share = 0.5 * (low + high)
    if low == 0:
        raise LimitError("trace: the nerves' limit cannot be met; start from rest, or raise the share.")
    return np.asarray(bound * low)


def _played(road: _Road, bound: np.ndarray, raster_s: float) -> tuple[Waveform, Float[np.ndarray, " corner"]]:
    """The motion sampled at the raster's corners, slowed to a whole number of them, its area that of the curve.

    Also the arc length at each corner.
    """
    squared = road.squared(bound)
    time = times_of(road.arc, squared)
    steps = max(math.ceil(time[-1] / raster_s * (1 - 1e-9)), 2)
    slower = steps * raster_s / time[-1]
    at = np.arange(steps + 1) * raster_s / slower
    i = np.clip(np.searchsorted(time, at, side="right") - 1, 0, len(time) - 2)
    speed = np.sqrt(squared)
    push = (speed[i + 1] - speed[i]) / (time[i + 1] - time[i])
    ahead = at - time[i]
    arc = np.minimum(road.arc[i] + speed[i] * ahead + 0.5 * push * ahead**2, road.path.length)
    length = (speed[i] + push * ahead) / slower
    values = road.path.tangent(arc) * np.maximum(length, 0.0)[:, None] / GYROMAGNETIC_RATIO_HZ_PER_T
    return _with_area(Waveform(raster_s=raster_s, values_T_per_m=values), road.path), arc


def _with_area(waveform: Waveform, path: ArcPath) -> Waveform:
    """Add a gentle bump that brings the area to that between the curve's ends."""
    ends = path.position(np.array([0.0, path.length]))
    missing = (ends[1] - ends[0]) / GYROMAGNETIC_RATIO_HZ_PER_T - waveform.moment(0)
    bump = np.sin(np.linspace(0, np.pi, len(waveform.values_T_per_m))) ** 2
    bump /= bump.sum() * waveform.raster_s
    return Waveform(raster_s=waveform.raster_s, values_T_per_m=waveform.values_T_per_m + bump[:, None] * missing)


def _excess(waveform: Waveform, limits: Limits, joint: bool) -> Float[np.ndarray, " step"]:
    """The larger ratio of amplitude and slew to their limits in each raster step."""

    def size(v: np.ndarray) -> np.ndarray:
        return np.asarray(np.linalg.norm(v, axis=1) if joint else np.abs(v).max(axis=1))

    amplitude = size(waveform.values_T_per_m) / limits.gradient_T_per_m
    slew = size(waveform.slew_T_per_m_s) / limits.slew_T_per_m_s
    return np.maximum(np.maximum(amplitude[1:], amplitude[:-1]), slew)
