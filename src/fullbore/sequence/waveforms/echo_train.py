"""Echo-planar readouts: the quickest line within amplitude, slew, receiver bandwidth, nerves and forbidden bands."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.data import Adc, Gradient, Limits
from fullbore.errors import LimitError, UsageError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.gradients import raster_down, raster_up, trapezoid, waveform
from fullbore.sequence.waveforms.stimulation import NerveLimit, nerve_response
from fullbore.sequence.waveforms.trace import Bands
from fullbore.sequence.waveforms.waveform import Waveform

_LONGEST_S = 20e-3
_MORE, _SHORTER = 40, 12
"""How many more samples, and how many ticks shorter ones, may make a window that is centred."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EchoTrain:
    """One line of an echo train: play `lobe` with the sign of each line in turn, `blip` between lines, `adc` in each line.

    lobe: one line, from 0 to 0, `spacing_s` long. k_per_m: k of each sample of a rising line, 0 at the lobe's centre.
    prephase_T_s_per_m: area to play before the first (rising) line. blip_s: time that blips may take about a line's edge.
    """

    lobe: Gradient
    adc: Adc
    k_per_m: np.ndarray
    spacing_s: float
    blip_s: float
    blip_limits: Limits

    @property
    def prephase_T_s_per_m(self) -> float:
        """Minus half of a lobe."""
        return -0.5 * self.lobe.area_T_s_per_m

    def blip(self, before_per_m: float, after_per_m: float) -> Gradient | None:
        """The phase gradient within one line: the later half of the blip before it and the earlier half of the one after it.

        Areas are those of whole blips, cycles/m (0 for none; None when both are). Halves meet at the line's edge, at the peak.
        """
        half, points = 0.5 * self.blip_s, [(0.0, 0.0)]
        peaks = [k / GYROMAGNETIC_RATIO_HZ_PER_T / half if half else 0.0 for k in (before_per_m, after_per_m)]
        if not any(peaks):
            return None
        highest = self.blip_limits.slew_T_per_m_s * half
        if max(abs(p) for p in peaks) > min(highest, self.blip_limits.gradient_T_per_m) * (1 + 1e-9):
            raise LimitError(
                f"blip: {max(before_per_m, after_per_m):g} cycles/m do not fit {self.blip_s * 1e6:g} us. Design for it."
            )
        points = [(0.0, peaks[0]), (half, 0.0), (self.spacing_s - half, 0.0), (self.spacing_s, peaks[1])]
        return waveform(points)


def echo_train(
    fov_m: float,
    samples: int,
    blip_per_m: float,
    limits: Limits,
    *,
    dwell_s: float | None = None,
    ramp_sampling: bool = True,
    lines: int = 32,
    nerves: NerveLimit | None = None,
    bands: Bands = (),
) -> EchoTrain:
    """The line of shortest echo spacing whose readout covers samples / fov, with blips up to `blip_per_m` between lines.

    dwell_s: time of a sample at most (the receiver's bandwidth): neighbours are at most 1 / fov apart in k; the shortest that
    the amplitude allows unless given. ramp_sampling: samples are taken on ramps, too, but not during blips. nerves: checked over
    `lines` lines. bands: 1 / (2 spacing) stays out of them.
    Errors: LimitError when no spacing up to 20 ms does.
    """
    if fov_m <= 0 or samples < 2 or blip_per_m < 0 or (dwell_s is not None and dwell_s < limits.adc_raster_s):
        raise UsageError(
            f"echo_train: got fov {fov_m:g} m, {samples} samples, blip {blip_per_m:g}/m, dwell {dwell_s}; see units."
        )
    raster, width = limits.gradient_raster_s, samples / fov_m / GYROMAGNETIC_RATIO_HZ_PER_T
    amplitude = limits.gradient_T_per_m
    if dwell_s is not None:
        amplitude = min(amplitude, 1 / (GYROMAGNETIC_RATIO_HZ_PER_T * fov_m * dwell_s))
    blip = _blip_s(blip_per_m / GYROMAGNETIC_RATIO_HZ_PER_T, limits)
    for steps in range(math.ceil(width / amplitude / raster), round(_LONGEST_S / raster)):
        spacing = steps * raster
        if any(low < 0.5 / spacing < high for low, high in bands):
            continue
        shape = _gentlest(width, spacing, blip, amplitude, limits, ramp_sampling)
        if shape is None:
            continue
        lobe = trapezoid(shape[1], shape[0], spacing - 2 * shape[0], shape[0])
        if nerves is None or _response(lobe, lines, raster, nerves) <= nerves.share:
            return _sampled(lobe, spacing, blip, shape[0], fov_m, limits, dwell_s, ramp_sampling)
    raise LimitError(f"echo_train: no echo spacing up to {_LONGEST_S * 1e3:g} ms meets the limits. Lower samples / fov.")


def _blip_s(area: float, limits: Limits) -> float:
    """Length of the shortest blip (a triangle, on twice the raster), at least the receiver's pause between lines."""
    twice = 2 * limits.gradient_raster_s
    slew = 2 * math.sqrt(area / limits.slew_T_per_m_s)
    return raster_up(max(slew, 2 * area / limits.gradient_T_per_m, limits.adc_dead_time_s), twice)


def _gentlest(
    width: float, spacing: float, blip: float, amplitude: float, limits: Limits, ramps: bool
) -> tuple[float, float] | None:
    """The longest ramp, and its amplitude, with which a line of that spacing covers `width` (T s/m); None when none does."""
    raster = limits.gradient_raster_s
    rises = raster * np.arange(math.floor(spacing / 2 / raster + 1e-6), 0, -1)
    if ramps:
        lost = np.where(blip / 2 <= rises, (blip / 2) ** 2 / (2 * rises), blip / 2 - rises / 2)
        covered = (spacing - rises) - 2 * lost
    else:
        covered = spacing - 2 * np.maximum(rises, blip / 2)
    needed = width / np.maximum(covered, 1e-12)
    legal = (covered > 0) & (needed <= amplitude) & (needed <= limits.slew_T_per_m_s * rises)
    if not legal.any():
        return None
    best = int(np.argmin(np.where(legal, needed / rises, np.inf)))
    return float(rises[best]), float(needed[best])


def _response(lobe: Gradient, lines: int, raster: float, nerves: NerveLimit) -> float:
    """The nerves' largest response to so many lines."""
    corners = round(float(lobe.times_s[-1]) / raster)
    line = np.interp(np.arange(corners) * raster, lobe.times_s, lobe.values_T_per_m)
    train = np.concatenate([np.concatenate([(-1) ** i * line for i in range(lines)]), [0.0]])
    return float(nerve_response(Waveform(raster_s=raster, values_T_per_m=train[:, None]), nerves).max())


def _sampled(
    lobe: Gradient, spacing: float, blip: float, rise: float, fov: float, limits: Limits, dwell: float | None, ramps: bool
) -> EchoTrain:
    """Place the samples: as many as keep neighbours within 1 / fov, in the middle of the line."""
    window = spacing - (blip if ramps else 2 * max(rise, blip / 2))
    peak = float(lobe.values_T_per_m.max())
    longest = min(1 / (GYROMAGNETIC_RATIO_HZ_PER_T * peak * fov), dwell if dwell is not None else np.inf)
    count, step = _window(window, spacing, longest, limits)
    delay = raster_down(0.5 * (spacing - count * step), limits.rf_raster_s)  # receivers open on that of RF
    times = delay + (np.arange(count) + 0.5) * step
    k = GYROMAGNETIC_RATIO_HZ_PER_T * (lobe.area_until_T_s_per_m(times) - 0.5 * lobe.area_T_s_per_m)
    adc = Adc(samples=count, dwell_s=step, delay_s=delay)
    return EchoTrain(lobe=lobe, adc=adc, k_per_m=k, spacing_s=spacing, blip_s=blip, blip_limits=limits)


def _window(window: float, spacing: float, longest: float, limits: Limits) -> tuple[int, float]:
    """Number and length of samples that fill a window best, centred on the raster of delays: k is alike forth and back."""
    raster = limits.adc_raster_s
    best, covered = (1, raster), 0.0
    least = max(math.ceil(window / longest - 1e-6), 1)
    for count in range(least, least + _MORE):
        longest_step = round(raster_down(min(window / count, longest) * (1 + 1e-9), raster) / raster)
        for ticks in range(longest_step, max(longest_step - _SHORTER, 0), -1):
            step = ticks * raster
            margin = 0.5 * (spacing - count * step) / limits.rf_raster_s
            if abs(margin - round(margin)) < 1e-6 and count * step > covered + 1e-12:
                best, covered = (count, step), count * step
    return best


def blade_lines(
    blades: int, lines: int, fov_m: float, samples: int, angle_rad: float | None = None
) -> Float[np.ndarray, "blade line end 2"]:
    """PROPELLER: where each line of each blade starts and ends, (kx, ky) in cycles/m.

    A blade is `lines` lines 1 / fov apart about the centre, turned by pi / blades from the one before (or by `angle_rad`).
    Blades cover the disc of diameter samples / fov when blades * lines >= pi / 2 * samples.
    """
    angles = np.arange(blades) * (np.pi / blades if angle_rad is None else angle_rad)
    along = np.array([-0.5, 0.5]) * samples / fov_m
    across = (np.arange(lines) - (lines - 1) / 2) / fov_m
    x, y = np.broadcast_arrays(along[None, :], across[:, None])
    cos, sin = np.cos(angles)[:, None, None], np.sin(angles)[:, None, None]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
