"""A pencil beam: two-dimensional excitation along an inward spiral, for navigators and reduced fields of view."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Complex, Float

from fullbore.data import Gradient, Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.pulses.selective import SelectivePulse
from fullbore.sequence.pulses.shaped import SHAPE_RASTER_S, refuse_flip, shaped_pulse

EDGE = 0.005
"""The beam's Gaussian in k-space is cut where it falls to this."""
_MARGIN = 0.95  # of slew and gradient: the waveform is straight between its raster's corners
_POINTS_PER_TURN = 600


def pencil_beam(
    flip_rad: float,
    diameter_m: float,
    ring_m: float,
    limits: Limits,
    *,
    waveforms: tuple[Gradient, Gradient] | None = None,
    use: str = "e",
    field: str = "flip_angle",
) -> SelectivePulse:
    """A Gaussian cylinder along the slice axis, diameter_m wide at half height of Mxy; its first side ring has radius ring_m.

    The Gaussian is that of the flip, widened so that its sine is half at half of diameter_m, for any flip_rad up to 90 degrees.
    The spiral has turns 1 / ring_m apart and ends at k = 0, so that nothing needs rephasing and the effective centre is
    the end. waveforms: (read, phase) gradients to use instead, of a spiral of even turns that ends at k = 0.
    Source: Pauly, Nishimura, Macovski, J Magn Reson 81:43 (1989), eq. 18. Errors: Refusal for the peak B1.
    """
    half = flip_rad / math.asin(math.sin(flip_rad) / 2)  # the peak's flip over that where Mxy is half
    width = math.pi * diameter_m / (2 * math.sqrt(math.log(half)))  # the flip's transform is exp(-(width k)^2)
    delay = raster_up(limits.rf_dead_time_s, limits.gradient_raster_s)
    if waveforms is None:
        most = math.sqrt(-math.log(EDGE)) / width
        waveforms = _waveforms(spiral_inward(most, 1 / ring_m, limits), limits, delay)
    read, phase = waveforms
    start = max(delay, min(float(g.times_s[0]) for g in waveforms))
    steps = round((max(float(g.times_s[-1]) for g in waveforms) - start) / SHAPE_RASTER_S)
    edges = start + np.arange(steps + 1) * SHAPE_RASTER_S
    area = read.area_until_T_s_per_m(edges) + 1j * phase.area_until_T_s_per_m(edges)
    k = GYROMAGNETIC_RATIO_HZ_PER_T * (area - (read.area_T_s_per_m + 1j * phase.area_T_s_per_m))
    middle, passed = (k[1:] + k[:-1]) / 2, np.diff(k)
    # Area of k-space that a step stands for: the turns are even, so it is the step's length across the radius.
    across = np.abs((np.conj(middle) * passed).imag) / np.maximum(np.abs(middle), 1e-9)
    shape = across * np.exp(-((width * np.abs(middle)) ** 2))
    b1 = shape * flip_rad / (GYROMAGNETIC_RATIO_RAD_PER_S_T * SHAPE_RASTER_S * shape.sum())
    refuse_flip(field, flip_rad, float(np.abs(b1).max()), limits)
    pulse = shaped_pulse(b1, SHAPE_RASTER_S, limits, flip_rad=flip_rad, use=use, centre_s=steps * SHAPE_RASTER_S)
    end = start + pulse.duration_s + limits.rf_ringdown_time_s
    return SelectivePulse(
        pulse=pulse,
        read=read,
        phase=phase,
        block_s=raster_up(end, limits.block_raster_s),
        bandwidth_Hz=1 / pulse.duration_s,
        thickness_m=diameter_m,
    )


def spiral_inward(radius_per_m: float, pitch_per_m: float, limits: Limits) -> Complex[np.ndarray, " corner"]:
    """k (cycles/m, complex) at the gradient raster's corners of an Archimedean spiral from a radius to 0, at rest at both ends.

    The speed along the curve is the largest within amplitude and slew: planned forwards and backwards, with what the
    curvature leaves of the slew. Source: Lustig, Kim, Pauly, IEEE Trans Med Imaging 27:866 (2008).
    """
    turns = radius_per_m / pitch_per_m
    bend = np.linspace(0.0, 2 * np.pi * turns, math.ceil(turns * _POINTS_PER_TURN) + 1)
    arc = pitch_per_m / (4 * np.pi) * (bend * np.sqrt(1 + bend**2) + np.arcsinh(bend))
    length = np.linspace(0.0, arc[-1], 2 * len(arc))
    angle = np.interp(length, arc, bend)
    curvature = (angle**2 + 2) / (angle**2 + 1) ** 1.5 * (2 * np.pi / pitch_per_m)
    speed = _speeds(length, curvature, limits)
    clock = np.concatenate([[0.0], np.cumsum(2 * np.diff(length) / (speed[1:] + speed[:-1]))])
    steps = math.ceil(clock[-1] / limits.gradient_raster_s)
    while True:  # the raster's first and last steps are coarse beside the plan: a step more until all obey the slew
        turned = np.interp(np.arange(steps + 1) / steps * clock[-1], clock, angle)
        k = pitch_per_m / (2 * np.pi) * turned * np.exp(1j * turned)
        change = np.diff(k, n=2, prepend=k[:1], append=k[-1:]) / limits.gradient_raster_s**2
        if np.abs(change).max() <= GYROMAGNETIC_RATIO_HZ_PER_T * limits.slew_T_per_m_s:
            return np.asarray(k[::-1])
        steps += 1


def _speeds(length: Float[np.ndarray, " n"], curvature: Float[np.ndarray, " n"], limits: Limits) -> Float[np.ndarray, " n"]:
    """Largest speed (cycles/m/s) at each place of a curve, from rest to rest."""
    most = _MARGIN * GYROMAGNETIC_RATIO_HZ_PER_T * limits.gradient_T_per_m
    slew = _MARGIN * GYROMAGNETIC_RATIO_HZ_PER_T * limits.slew_T_per_m_s
    square = np.minimum(most**2, slew / curvature)
    square[[0, -1]] = 0.0
    for order, back in ((range(1, len(square)), -1), (range(len(square) - 2, -1, -1), 1)):
        for i in order:
            spent = min(square[i + back] * curvature[i + back] / slew, 1.0)
            gain = 2 * slew * math.sqrt(1 - spent**2) * abs(length[i] - length[i + back])
            square[i] = min(square[i], square[i + back] + gain)
    return np.asarray(np.sqrt(square))


def _waveforms(k: Complex[np.ndarray, " corner"], limits: Limits, delay_s: float) -> tuple[Gradient, Gradient]:
    """Gradients that move k through the corners: their means over a raster step are exact at its middle."""
    raster = limits.gradient_raster_s
    values = np.diff(k) / (GYROMAGNETIC_RATIO_HZ_PER_T * raster)
    times = delay_s + np.concatenate([[0.0], (np.arange(len(values)) + 1.0) * raster, [(len(values) + 1) * raster]])
    padded = np.concatenate([[0.0], values, [0.0]])
    return tuple(Gradient(times_s=times, values_T_per_m=part) for part in (padded.real, padded.imag))  # type: ignore[return-value]
