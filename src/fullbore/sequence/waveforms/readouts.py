"""Readouts from closed forms: spirals with their rewinder, spokes sampled on their ramps, waves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fullbore.data import Adc, Gradient, Limits
from fullbore.errors import LimitError, UsageError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.gradients import ramp_s, raster_down, raster_up, trapezoid
from fullbore.sequence.waveforms.curves import spiral_curve
from fullbore.sequence.waveforms.moments import to_moments
from fullbore.sequence.waveforms.stimulation import NerveLimit
from fullbore.sequence.waveforms.trace import Bands, trace
from fullbore.sequence.waveforms.waveform import Waveform


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spiral:
    """One interleaf: `before` (prewinder, None for "out"), `readout`, `after` (rewinder to k = 0 and gradient 0, None for "in").

    The three follow each other without a jump; readout.k_per_m() + start_per_m is k during the readout.
    """

    before: Waveform | None
    readout: Waveform
    after: Waveform | None
    start_per_m: np.ndarray

    def whole(self) -> Waveform:
        """All three, one after the other."""
        parts = [part for part in (self.before, self.readout, self.after) if part is not None]
        joined = parts[0]
        for part in parts[1:]:
            joined = joined.then(part)
        return joined


def spiral(
    fov_m: float,
    k_max_per_m: float,
    interleaves: int,
    limits: Limits,
    *,
    outer_density: float = 1.0,
    knee: float = 0.0,
    course: str = "out",
    nulled_moments: int = 1,
    nerves: NerveLimit | None = None,
    bands: Bands = (),
) -> Spiral:
    """The quickest interleaf of a spiral (see `spiral_curve`) with what brings k from 0 and back to it.

    nulled_moments: how many moments of the whole interleaf after its end are 0 (1: M0; 2: M0 and M1 about the end), "out" only.
    Limits hold for every rotation of the interleaf. nerves, bands: for the readout (the rewinder knows amplitude and slew alone).
    """
    if course == "in":
        out = spiral(fov_m, k_max_per_m, interleaves, limits, outer_density=outer_density, knee=knee, nerves=nerves, bands=bands)
        before = None if out.after is None else _mirrored(out.after)
        end = np.asarray(out.readout.k_per_m()[-1])
        return Spiral(before=before, readout=_mirrored(out.readout), after=None, start_per_m=end)
    curve = spiral_curve(fov_m, k_max_per_m, interleaves, course=course, outer_density=outer_density, knee=knee)
    at_rest = course == "in-out"
    readout = trace(curve, limits, end_T_per_m=0.0 if at_rest else None, nerves=nerves, bands=bands)
    start, last = curve[0], readout.values_T_per_m[-1]
    before = to_moments(start[:, None] / GYROMAGNETIC_RATIO_HZ_PER_T, limits) if at_rest else None
    # About the end of the rewinder its own moment must undo the readout's, which depends on how long it takes.
    after = _rewinder(readout, curve[-1], last, nulled_moments if not at_rest else 1, limits)
    return Spiral(before=before, readout=readout, after=after, start_per_m=start)


def _rewinder(readout: Waveform, k_end: np.ndarray, last: np.ndarray, nulled: int, limits: Limits) -> Waveform:
    """From the readout's end to k = 0 (and M1 = 0 about the rewinder's start, which with M0 = 0 is M1 about any time)."""
    wanted = [-k_end / GYROMAGNETIC_RATIO_HZ_PER_T]
    wanted += [-readout.moment(n, readout.duration_s) for n in range(1, nulled)]
    return to_moments(np.stack(wanted, axis=1), limits, start_T_per_m=last, about="start")


def _mirrored(waveform: Waveform) -> Waveform:
    """Backwards in time: k retraces its way."""
    return Waveform(raster_s=waveform.raster_s, values_T_per_m=-waveform.values_T_per_m[::-1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spoke:
    """A radial line: gradient, readout window and signed k of each sample (cycles/m), k = 0 where the spoke crosses the centre.

    prephase_T_s_per_m: area to play before, 0 for centre-out spokes.
    """

    gradient: Gradient
    adc: Adc
    k_per_m: np.ndarray
    prephase_T_s_per_m: float


def spoke(
    fov_m: float, samples: int, dwell_s: float, limits: Limits, *, centre_out: bool = False, ramp_sampling: bool = False
) -> Spoke:
    """A spoke whose flat top has `samples` / fov (half of it, centre-out) at one sample per dwell time and 1 / fov.

    centre_out with ramp_sampling is the UTE readout: sampling starts with the gradient. Ramps are as short as slew allows.
    Errors: LimitError when the dwell time asks for more amplitude than there is.
    """
    amplitude = 1 / (GYROMAGNETIC_RATIO_HZ_PER_T * fov_m * dwell_s)
    if amplitude > limits.gradient_T_per_m:
        shortest = 1 / (GYROMAGNETIC_RATIO_HZ_PER_T * fov_m * limits.gradient_T_per_m)
        raise LimitError(
            f"spoke: a dwell time of {dwell_s * 1e6:g} us needs {amplitude * 1e3:.3g} mT/m, limit "
            f"{limits.gradient_T_per_m * 1e3:g}. Set it to {shortest * 1e6:.4g} us at least."
        )
    raster, rise = limits.gradient_raster_s, ramp_s(amplitude, limits)
    on_ramp = rise if ramp_sampling else 0.0
    width = (0.5 if centre_out else 1.0) * samples / (GYROMAGNETIC_RATIO_HZ_PER_T * fov_m)
    ramps = (1 if centre_out else 2) * 0.5 * on_ramp * amplitude
    flat = max(raster_up((width - ramps) / amplitude, raster), raster)
    gradient = trapezoid(amplitude, rise, flat, rise)
    first = rise - on_ramp
    window = flat + (1 if centre_out else 2) * on_ramp
    count = math.floor(window / dwell_s + 1e-6) if ramp_sampling else (-(-samples // 2) if centre_out else samples)
    delay = raster_down(first + (0.0 if centre_out else 0.5 * (window - count * dwell_s)), limits.adc_raster_s)
    adc = Adc(samples=count, dwell_s=dwell_s, delay_s=delay)
    area = gradient.area_until_T_s_per_m(delay + (np.arange(count) + 0.5) * dwell_s)
    prephase = 0.0 if centre_out else -0.5 * gradient.area_T_s_per_m
    return Spoke(gradient=gradient, adc=adc, k_per_m=GYROMAGNETIC_RATIO_HZ_PER_T * (area + prephase), prephase_T_s_per_m=prephase)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wave:
    """A sinusoidal gradient during a readout: area to play before it so that k swings about 0, and the swing's half width.

    gradient: from 0 to 0, of the readout's length plus a lead and a tail. lead_s: its part before the readout.
    """

    gradient: Gradient
    lead_s: float
    prephase_T_s_per_m: float
    amplitude_per_m: float


def wave(duration_s: float, cycles: int, limits: Limits, *, cosine: bool = False, share: float = 1.0) -> Wave:
    """A wave gradient of whole cycles over a readout, as large as amplitude and slew allow times `share`.

    Sine: k swings as -cos; cosine: as sin, with quarter waves as lead and tail. Corners lie on the raster; between them the
    gradient is linear. The k swing of sine and cosine of equal amplitude is a helix: wave-CAIPI.
    Source: Bilgic 2015, MRM 73:2152.
    """
    if cycles < 1 or duration_s < 8 * cycles * limits.gradient_raster_s or not 0 < share <= 1:
        raise UsageError(
            f"wave: got {cycles} cycles in {duration_s:g} s and a share of {share:g}; each cycle takes 8 raster steps."
        )
    raster, turn = limits.gradient_raster_s, 2 * np.pi * cycles / duration_s
    peak = share * min(limits.gradient_T_per_m, limits.slew_T_per_m_s / turn)
    lead = raster_up(0.25 * duration_s / cycles, raster) if cosine else 0.0
    steps = round((duration_s + 2 * lead) / raster)
    times = np.arange(steps + 1) * raster
    phase = turn * (times - lead)
    inside = (times >= lead - 1e-12) & (times <= lead + duration_s + 1e-12)
    values = np.where(inside, np.cos(phase) if cosine else np.sin(phase), 0.0)
    if cosine:
        edge = np.where(times < lead, times, steps * raster - times)
        values = np.where(inside, values, np.sin(0.5 * np.pi * np.clip(edge / lead, 0, 1)))
    values[[0, -1]] = 0.0
    gradient = Gradient(times_s=times, values_T_per_m=peak * values)
    area = gradient.area_until_T_s_per_m(times[inside])
    return Wave(
        gradient=gradient,
        lead_s=lead,
        prephase_T_s_per_m=-0.5 * float(area.max() + area.min()),
        amplitude_per_m=GYROMAGNETIC_RATIO_HZ_PER_T * 0.5 * float(np.ptp(area)),
    )
