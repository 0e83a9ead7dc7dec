"""VERSE: a selective pulse played slower where its B1 is high, the gradient following. Lower peak and SAR, or less time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fullbore.data import Limits
from fullbore.errors import UsageError
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.pulses.selective import SelectivePulse, with_rf_gradient
from fullbore.sequence.pulses.shaped import DISCRETE_SLACK, SHAPE_RASTER_S, refuse_peak, shaped_pulse

_MARGIN = 0.97  # of the slew and gradient limits: the waveform is straight between its raster's corners
_POINTS = 2000  # places along the pulse, at least, at which the speed is planned


def verse(
    selection: SelectivePulse,
    limits: Limits,
    *,
    b1_peak_T: float | None = None,
    duration_s: float | None = None,
    gradient_T_per_m: float | None = None,
    duration_field: str = "excitation_duration",
) -> SelectivePulse:
    """The time-optimal replay of a constant-gradient selection whose peak B1 is no more than b1_peak_T.

    b1_peak_T: the limit's if None. duration_s: instead, the lowest peak for a pulse that lasts so long at most (the
    original's own duration brings a refocusing pulse's peak to a quarter). gradient_T_per_m: most gradient, the machine's
    if None.
    On resonance the profile is the same; a spin off resonance sees a profile that is blurred by f times the change of
    duration, so that fat slices bend. Source: Conolly, Nishimura, Macovski, Glover, J Magn Reson 78:440 (1988).
    Errors: UsageError for a gradient that varies or a duration that no peak reaches; Refusal for a peak above the limit.
    """
    if selection.amplitude_T_per_m == 0.0:
        raise UsageError("verse: the selection has no constant slice gradient. Give one that `selective` made.")
    most = limits.gradient_T_per_m if gradient_T_per_m is None else min(gradient_T_per_m, limits.gradient_T_per_m)
    if duration_s is None:
        return _kept(selection, limits, limits.b1_peak_T if b1_peak_T is None else b1_peak_T, most)
    low, high = 0.0, float(np.abs(selection.pulse.b1_T).max()) * 20
    if _played_s(selection, _speed(selection, limits, high, most)) > duration_s:
        raise UsageError(f"verse: {duration_s * 1e3:.3f} ms are too short for any B1 at this slew. Ask for more.")
    for _ in range(40):
        middle = (low + high) / 2
        fits = raster_up(_played_s(selection, _speed(selection, limits, middle, most)), limits.gradient_raster_s)
        low, high = (low, middle) if fits <= duration_s + 1e-9 else (middle, high)
    replay = _replayed(selection, _speed(selection, limits, high, most), limits)
    refuse_peak(duration_field, duration_s, float(np.abs(replay.pulse.b1_T).max()), limits, slack=DISCRETE_SLACK)
    return replay


def _kept(selection: SelectivePulse, limits: Limits, b1_peak_T: float, most_T_per_m: float) -> SelectivePulse:
    """The fastest replay that keeps a peak; the raster's rounding of the gradient can overshoot, so aim lower until it does."""
    aim = b1_peak_T
    while True:
        replay = _replayed(selection, _speed(selection, limits, aim, most_T_per_m), limits)
        peak = float(np.abs(replay.pulse.b1_T).max())
        if peak <= b1_peak_T:
            return replay
        aim *= 0.999 * b1_peak_T / peak


def _speed(selection: SelectivePulse, limits: Limits, b1_peak_T: float, most_T_per_m: float) -> np.ndarray:
    """Largest dv = (pulse time) / (played time) at even places of the pulse, within B1, gradient and slew.

    The gradient is v times the old one, so its slew is G d(v^2/2)/ds: v^2 is clipped to slopes of 2 slew / G, both ways.
    """
    pulse = selection.pulse
    points = max(_POINTS, 2 * len(pulse.b1_T))
    place = np.linspace(0.0, pulse.duration_s, points + 1)
    size = np.abs(pulse.b1_T)
    step = np.clip((place / pulse.raster_s).astype(int), 0, len(size) - 1)
    near = np.maximum(size[step], size[np.maximum(step - 1, 0)])  # a corner obeys the steps on both of its sides
    square = np.minimum(_MARGIN * most_T_per_m / abs(selection.amplitude_T_per_m), b1_peak_T / np.maximum(near, 1e-12)) ** 2
    rise = 2 * _MARGIN * limits.slew_T_per_m_s / abs(selection.amplitude_T_per_m) * (place - place[0])
    forward = np.minimum.accumulate(square - rise) + rise
    return np.asarray(np.sqrt(np.minimum.accumulate((forward + rise)[::-1])[::-1] - rise))


def _played_s(selection: SelectivePulse, speed: np.ndarray) -> float:
    """Time that the pulse takes at these speeds."""
    return float(_clock(selection, speed)[-1])


def _clock(selection: SelectivePulse, speed: np.ndarray) -> np.ndarray:
    """Played time at each place: v is linear in time between places where v^2 is linear in place."""
    step = selection.pulse.duration_s / (len(speed) - 1)
    return np.concatenate([[0.0], np.cumsum(2 * step / (speed[1:] + speed[:-1]))])


def _replayed(selection: SelectivePulse, speed: np.ndarray, limits: Limits) -> SelectivePulse:
    """The pulse and gradient at these speeds, on the rasters; B1 over each step is that of the places it passes."""
    pulse, raster = selection.pulse, limits.gradient_raster_s
    clock = _clock(selection, speed)
    steps = round(raster_up(float(clock[-1]), raster) / raster)
    corners = np.interp(np.arange(steps + 1) / steps, clock / clock[-1], speed)
    corners *= pulse.duration_s / (raster * (corners.sum() - (corners[0] + corners[-1]) / 2))
    fine_raster = min(pulse.raster_s, SHAPE_RASTER_S)
    fine = np.arange(round(steps * raster / fine_raster) + 1) * fine_raster
    knots = np.arange(steps + 1) * raster
    passed = np.concatenate([[0.0], np.cumsum((corners[1:] + corners[:-1]) / 2) * raster])
    index = np.clip((fine / raster + 1e-9).astype(int), 0, steps - 1)
    rest = fine - knots[index]
    place = passed[index] + rest * (corners[index] + (corners[index + 1] - corners[index]) * rest / (2 * raster))
    edges = np.arange(len(pulse.b1_T) + 1) * pulse.raster_s
    turned = np.concatenate([[0.0], np.cumsum(pulse.b1_T) * pulse.raster_s])
    b1 = np.diff(np.interp(place, edges, turned)) / np.diff(fine)
    centre = float(np.interp(pulse.centre_s, place, fine))
    replay = shaped_pulse(b1, fine_raster, limits, flip_rad=pulse.flip_rad, use=pulse.use, centre_s=centre)
    replay, gradient, block = with_rf_gradient(replay, selection.amplitude_T_per_m * corners, limits)
    return replace(selection, pulse=replay, slice=gradient, block_s=block, amplitude_T_per_m=0.0)
