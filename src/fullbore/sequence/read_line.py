"""The Cartesian readout: one line of k-space, its window, and what must precede it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fullbore.data import Adc, Gradient, Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.gradients import area_of, gentle_ramp_s, ramp_s, raster_down, raster_up, waveform
from fullbore.sequence.refusal import Refusal

_START_RASTER_S = 1e-6
"""Pulseq starts an ADC on the RF raster."""
EVEN_DWELL_S = 2e-6
"""Dwell raster on which the k = 0 sample of any even window falls on the microsecond, as a symmetric readout needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShape:
    """The sampling of one line.

    amplitude: of the read gradient, T/m. samples, dwell_s: of the ADC, oversampling included. to_centre_s: from the
    window's start to the sample at k = 0. bandwidth: Hz per pixel of the recon matrix, as the dwell raster makes it.
    """

    amplitude: float
    samples: int
    dwell_s: float
    bandwidth: float

    @property
    def to_centre_s(self) -> float:
        """From the window's start to the middle of the sample at k = 0."""
        return (self.samples // 2 + 0.5) * self.dwell_s

    @property
    def window_s(self) -> float:
        """Length of the window."""
        return self.samples * self.dwell_s


def line_shape(
    matrix: int, fov_m: float, bandwidth: float, oversampling: int, limits: Limits, dwell_raster_s: float | None = None
) -> LineShape:
    """The sampling of a line of `matrix` pixels over `fov_m`.

    dwell_raster_s: raster of the dwell time; the ADC's own when None.
    Errors: Refusal when the read gradient would exceed the amplitude limit, or the dwell time falls below its raster.
    """
    raster = dwell_raster_s or limits.adc_raster_s
    samples = matrix * oversampling
    dwell = round(1 / (bandwidth * samples) / raster) * raster
    shortest = raster_up(1 / (GYROMAGNETIC_RATIO_HZ_PER_T * fov_m * oversampling * limits.gradient_T_per_m), raster)
    if dwell < shortest * (1 - 1e-9):
        legal = math.floor(10 / (shortest * samples)) / 10
        amplitude = bandwidth * matrix / (GYROMAGNETIC_RATIO_HZ_PER_T * fov_m)
        reason = f"the read gradient would be {amplitude * 1e3:.2f} mT/m, limit {limits.gradient_T_per_m * 1e3:.2f} mT/m"
        raise Refusal(field="bandwidth", asked=bandwidth, legal=legal, bound="highest", reason=reason)
    amplitude = 1 / (GYROMAGNETIC_RATIO_HZ_PER_T * fov_m * oversampling * dwell)
    return LineShape(amplitude=amplitude, samples=samples, dwell_s=dwell, bandwidth=1 / (dwell * samples))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpoiledLine:
    """A readout that ends in a spoiler, for gradient echoes.

    gradient: the read waveform. adc: the window. echo_s: time of k = 0 in the block. lead_area: area (T s/m) that the
    waveform has gathered by then, to be undone beforehand. window_end_s: from here on other axes may rewind.
    """

    gradient: Gradient
    adc: Adc
    echo_s: float
    lead_area: float
    window_end_s: float


def spoiled_line(
    shape: LineShape, spoil_per_m: float, limits: Limits, *, shift_s: float = 0.0, end_s: float = 0.0
) -> SpoiledLine:
    """A line whose read gradient goes on until k has moved `spoil_per_m` beyond k = 0.

    shift_s: moves the window later on the plateau, to place the echo between raster points. end_s: when the spoiler may end,
    from the block's start; as soon as it can when that is earlier.
    """
    rise = ramp_s(shape.amplitude, limits)
    first = raster_up(max(rise, limits.adc_dead_time_s), _START_RASTER_S)
    start = first + round(shift_s / _START_RASTER_S) * _START_RASTER_S
    plateau_end = raster_up(first + limits.gradient_raster_s + shape.window_s, limits.gradient_raster_s)
    echo = start + shape.to_centre_s
    missing = area_of(spoil_per_m) - shape.amplitude * (plateau_end - echo)
    points = [(0.0, 0.0), (rise, shape.amplitude), (plateau_end, shape.amplitude)]
    return SpoiledLine(
        gradient=waveform([*points, *_spoiler(shape.amplitude, plateau_end, missing, end_s, limits)]),
        adc=Adc(samples=shape.samples, dwell_s=shape.dwell_s, delay_s=start),
        echo_s=echo,
        lead_area=shape.amplitude * (echo - rise / 2),
        window_end_s=plateau_end,
    )


def _spoiler(amplitude: float, start_s: float, area: float, end_s: float, limits: Limits) -> list[tuple[float, float]]:
    """Corner points that add at least `area` after `start_s`, ending at zero at `end_s` or as soon as possible after it."""
    fall, length = ramp_s(amplitude, limits), end_s - start_s
    if area <= amplitude * fall / 2:
        return [(start_s + fall, 0.0)]
    ramp = gentle_ramp_s(length, limits)
    top = (area - ramp * amplitude / 2) / max(length - ramp, ramp)
    if ramp <= length / 2 and amplitude <= top <= min(limits.gradient_T_per_m, limits.slew_T_per_m_s * ramp):
        return [(start_s + ramp, top), (end_s - ramp, top), (end_s, 0.0)]
    top = limits.gradient_T_per_m
    up, down = ramp_s(top - amplitude, limits), ramp_s(top, limits)
    hold = raster_up(max(0.0, (area - up * (amplitude + top) / 2 - down * top / 2) / top), limits.gradient_raster_s)
    return [(start_s + up, top), (start_s + up + hold, top), (start_s + up + hold + down, 0.0)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BalancedLine:
    """A readout symmetric about its echo, for spin-echo trains, inside a block of a given length.

    gradient, adc: as they play. half_area: of the read gradient up to the echo (T s/m). window_start_s, window_end_s: the
    plateau is on between these.
    """

    gradient: Gradient
    adc: Adc
    half_area: float
    window_start_s: float
    window_end_s: float


def balanced_line(shape: LineShape, block_s: float, limits: Limits) -> BalancedLine:
    """A line whose trapezoid and k = 0 sample both lie exactly at block_s / 2, itself on half the gradient raster."""
    middle = block_s / 2
    half = _half_plateau(shape, block_s, limits)
    rise = ramp_s(shape.amplitude, limits)
    begin, end = middle - half, middle + half
    corners = [(begin - rise, 0.0), (begin, shape.amplitude), (end, shape.amplitude), (end + rise, 0.0)]
    start = round((middle - shape.to_centre_s) / _START_RASTER_S) * _START_RASTER_S
    return BalancedLine(
        gradient=waveform([(round(t / limits.gradient_raster_s) * limits.gradient_raster_s, g) for t, g in corners]),
        adc=Adc(samples=shape.samples, dwell_s=shape.dwell_s, delay_s=start),
        half_area=shape.amplitude * (half + rise / 2),
        window_start_s=begin,
        window_end_s=end,
    )


def balanced_plateau_s(shape: LineShape, limits: Limits) -> float:
    """Shortest plateau that holds the window symmetrically about the k = 0 sample, an even number of raster steps."""
    return raster_up(2 * shape.to_centre_s, 2 * limits.gradient_raster_s)


def _half_plateau(shape: LineShape, block_s: float, limits: Limits) -> float:
    """Half the plateau, such that its ends fall on the gradient raster of a block of this length."""
    raster = limits.gradient_raster_s
    begin = raster_down((block_s - 2 * shape.to_centre_s) / 2, raster)
    return block_s / 2 - begin
