"""A spectrometer, and what it reaches: clocks on offer, the filters at one of them, the figures of one choice."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fullbore.errors import LimitError
from fullbore.hardware.spectrometer import noise_budget as budget
from fullbore.hardware.spectrometer import zones
from fullbore.hardware.spectrometer.brief import SpectrometerBrief
from fullbore.hardware.spectrometer.cic import cic_growth_bits, cic_response
from fullbore.hardware.spectrometer.clock import raster_ticks
from fullbore.hardware.spectrometer.compensation import compensating_filter, figures_dB
from fullbore.hardware.spectrometer.oscillator import Oscillator
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

_DECIMATIONS = (4, 5, 6, 7, 8)
_ORDERS = (2, 4, 6, 8)
"""Even, so that the filter's delay is a whole number of ticks at any decimation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrometer:
    """A designed receiver with its clock.

    clock_Hz: of converter, oscillators and events. taps: of the last filter, at `decimation` times the samples' rate, after a
    CIC filter of `cic_order`. noise_factor: from the coil's plug, without the converter's steps; first_noise_factor: of the
    preamplifier, which the array's noise holds already. gain_dB: from the plug to the converter. full_scale_W: there.
    figures: of merit, for the largest bandwidth.
    """

    name: str
    source: str
    carrier_Hz: float
    clock_Hz: float
    jitter_s: float
    bits: int
    attenuation_dB: float
    gain_dB: float
    noise_factor: float
    first_noise_factor: float
    full_scale_W: float
    cic_order: int
    decimation: int
    taps: tuple[float, ...]
    raster_s: float
    oscillator: Oscillator
    figures: dict[str, float] = field(default_factory=dict)

    def cic_decimation(self, dwell_s: float) -> int:
        """Of the CIC filter, for samples of this dwell time. Errors: LimitError for a dwell time that is not on the raster."""
        raster_ticks(dwell_s / round(dwell_s / self.raster_s), 1 / self.raster_s, f"dwell {dwell_s * 1e6:.6g} us on the raster")
        return raster_ticks(dwell_s, self.clock_Hz, "dwell") // self.decimation

    def delay_ticks(self, dwell_s: float) -> int:
        """Group delay of the filters, in ticks: known, so that samples are stamped with the time at which the signal was."""
        cic = self.cic_decimation(dwell_s)
        return self.cic_order * (cic - 1) // 2 + cic * (len(self.taps) // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digital:
    """The filters at one clock."""

    order: int
    decimation: int
    cic_decimation: int
    taps: tuple[float, ...]
    flatness_dB: float
    alias_dB: float


def carrier_of(brief: SpectrometerBrief) -> float:
    """The protons' frequency."""
    return GYROMAGNETIC_RATIO_HZ_PER_T * brief.b0_T


def dwell_of(brief: SpectrometerBrief) -> float:
    """Dwell time of the largest bandwidth: on the raster, as long as may be. Errors: LimitError where the raster is longer."""
    raster, wanted = brief.clock.raster_s, brief.demands.bandwidth_Hz
    steps = int(1 / (wanted * raster) * (1 + 1e-12))
    if steps < 1:
        raise LimitError(
            f"spectrometer brief {brief.name}, bandwidth: {wanted / 1e6:.4g} MHz, and the raster of {raster * 1e9:.4g} ns binds. "
            f"Take {1e-6 / raster:.4g} MHz, or a raster of {1e9 / wanted:.4g} ns."
        )
    return steps * raster


def clocks_of(brief: SpectrometerBrief, largest_Hz: float | None = None) -> tuple[tuple[float, int], ...]:
    """(rate, decimation of the last filter) of clocks on the raster under which no harmonic falls onto the signal, slowest first.

    A whole number of ticks to the raster that a number from 4 to 8 divides; at least four ticks to a step of the last filter.
    """
    raster, carrier, found = brief.clock.raster_s, carrier_of(brief), []
    dwell = round(dwell_of(brief) / raster)
    for ticks in range(4, int((largest_Hz or brief.converter.largest_rate_Hz) * raster * (1 + 1e-12)) + 1):
        divisors = [d for d in _DECIMATIONS if ticks % d == 0]
        rate = ticks / raster
        if not divisors or ticks * dwell // divisors[0] < 2:
            continue
        edge = min(carrier % (rate / 2), rate / 2 - carrier % (rate / 2))
        if min(zones.harmonic_distance_Hz(carrier, rate), edge) > brief.demands.bandwidth_Hz:
            found.append((float(rate), divisors[0]))
    return tuple(found)


def digital_of(brief: SpectrometerBrief, clock_Hz: float, decimation: int) -> Digital:
    """The shortest filters that keep flatness and alias rejection. Errors: LimitError where none does."""
    demands = brief.demands
    cic = round(clock_Hz * dwell_of(brief)) // decimation
    edge = np.array([1 - demands.passband / 2 / decimation]) / cic
    orders = [n for n in _ORDERS if -20 * np.log10(abs(cic_response(edge, n, cic)[0])) > demands.alias_dB + 1]
    if not orders:
        raise LimitError(f"filter: no CIC filter of order {_ORDERS[-1]} rejects {demands.alias_dB:.4g} dB at {decimation} times.")
    limits = (0.9 * demands.flatness_dB, demands.alias_dB)
    taps = compensating_filter(orders[0], cic, decimation, demands.passband, *limits)
    flat, alias = figures_dB(np.array(taps), orders[0], cic, decimation, demands.passband)
    return Digital(
        order=orders[0], decimation=decimation, cic_decimation=cic, taps=taps, flatness_dB=flat, alias_dB=alias
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Levels:
    """Of the chain before the filters. In parts of the thermal noise: of amplifiers and folding, of these with the converter's
    noise, and of the converter's steps. largest_W: the greatest signal at the input.
    """

    gain: float
    amplifiers: float
    analogue: float
    steps: float
    scale_W: float
    largest_W: float


def judged(brief: SpectrometerBrief, clock_Hz: float, digital: Digital, bits: int, loss_dB: float) -> Spectrometer:
    """One machine with its figures."""
    clock, levels = brief.clock, _levels(brief, clock_Hz, bits, loss_dB)
    return Spectrometer(
        name=brief.name,
        source=brief.source,
        carrier_Hz=carrier_of(brief),
        clock_Hz=clock_Hz,
        jitter_s=_jitter_s(brief),
        bits=bits,
        attenuation_dB=loss_dB,
        gain_dB=budget.decibels(levels.gain),
        noise_factor=levels.analogue,
        first_noise_factor=budget.power(brief.front[0].noise_figure_dB),
        full_scale_W=levels.scale_W,
        cic_order=digital.order,
        decimation=digital.decimation,
        taps=digital.taps,
        raster_s=clock.raster_s,
        oscillator=Oscillator(clock_Hz=clock_Hz, accumulator_bits=clock.accumulator_bits, phase_bits=clock.phase_bits),
        figures={
            **_level_figures(brief, clock_Hz, bits, levels),
            **_band_figures(brief, clock_Hz, digital),
            **_clock_figures(brief, clock_Hz, digital, bits),
        },
    )


def _jitter_s(brief: SpectrometerBrief) -> float:
    return float(np.hypot(brief.clock.jitter_s, brief.converter.aperture_jitter_s))


def _levels(brief: SpectrometerBrief, clock_Hz: float, bits: int, loss_dB: float) -> _Levels:
    """What the analogue chain and the converter make of signal and noise."""
    converter, band = brief.converter, brief.bandpass
    front, back = ([budget.Stage(**{n: getattr(s, n) for n in s.__slots__}) for s in part] for part in (brief.front, brief.back))
    attenuator = budget.Stage(name="attenuator", gain_dB=-loss_dB, noise_figure_dB=loss_dB)
    gain, factor = budget.cascade((*front, attenuator, *back))
    folded = zones.folded_noise(carrier_of(brief), clock_Hz, band.width_Hz, band.order)
    scale, input_W = budget.full_scale_W(converter.full_scale_V, converter.impedance_ohm), budget.THERMAL_W_PER_HZ * gain
    per_Hz = scale / (clock_Hz / 2) / input_W  # of the converter's noise, in parts of the thermal noise
    return _Levels(
        gain=gain,
        amplifiers=factor * folded,
        analogue=factor * folded + per_Hz / budget.power(converter.noise_dB),
        steps=per_Hz / budget.power(budget.quantisation_dB(bits)),
        scale_W=scale,
        largest_W=scale / gain / budget.power(converter.headroom_dB),
    )


def _level_figures(brief: SpectrometerBrief, clock_Hz: float, bits: int, levels: _Levels) -> dict[str, float]:
    """Largest signal, noise, and what limits their ratio."""
    width, jitter_dB = brief.demands.bandwidth_Hz, budget.jitter_dB(carrier_of(brief), _jitter_s(brief))
    noise = budget.THERMAL_W_PER_HZ * (levels.analogue + levels.steps) * width
    jittered = levels.largest_W * (2 * width / clock_Hz) / budget.power(jitter_dB)
    return {
        "dynamic_range_dB": budget.decibels(levels.largest_W / budget.THERMAL_W_PER_HZ),
        "noise_figure_dB": budget.decibels(levels.analogue + levels.steps),
        "amplifier_noise_figure_dB": budget.decibels(levels.amplifiers),
        "signal_to_noise_dB": budget.decibels(levels.largest_W / (noise + jittered)),
        "thermal_over_steps_dB": budget.decibels(levels.analogue / levels.steps),
        "jitter_limit_dB": jitter_dB + budget.process_gain_dB(clock_Hz, width),
        "steps_limit_dB": budget.quantisation_dB(bits) + budget.process_gain_dB(clock_Hz, width),
    }


def _band_figures(brief: SpectrometerBrief, clock_Hz: float, digital: Digital) -> dict[str, float]:
    """Flatness and aliases, of the analogue and the digital filters, and where the carrier falls."""
    demands, band, carrier = brief.demands, brief.bandpass, carrier_of(brief)
    edges = carrier + np.array([-0.5, 0.5]) * demands.passband * demands.bandwidth_Hz
    tilt, rejected = (
        zones.bandpass_dB(at, carrier, band.width_Hz, band.order) for at in (edges, zones.images_Hz(carrier, clock_Hz))
    )
    return {
        "flatness_dB": digital.flatness_dB + float(tilt.max()),
        "alias_dB": digital.alias_dB,
        "analogue_alias_dB": float(rejected.min()),
        "zone": float(zones.nyquist_zone(carrier, clock_Hz)),
        "alias_Hz": zones.alias_Hz(carrier, clock_Hz),
        "harmonic_distance_Hz": zones.harmonic_distance_Hz(carrier, clock_Hz),
    }


def _clock_figures(brief: SpectrometerBrief, clock_Hz: float, digital: Digital, bits: int) -> dict[str, float]:
    """The digital filters' size and delay, the trigger's."""
    return {
        "cic_decimation": float(digital.cic_decimation),
        "register_bits": float(bits + cic_growth_bits(digital.order, digital.cic_decimation)),
        "taps": float(len(digital.taps)),
        "settling_dwells": (len(digital.taps) - 1) / 2 / digital.decimation,
        "trigger_latency_s": (brief.clock.trigger_pipeline + 0.5) / clock_Hz,
        "trigger_scatter_s": 1 / clock_Hz / np.sqrt(12),
    }


DEMANDED = (
    ("dynamic_range_dB", True),
    ("noise_figure_dB", False),
    ("signal_to_noise_dB", True),
    ("flatness_dB", False),
    ("alias_dB", True),
)
"""Figure, and whether more is better."""


def shortfalls_dB(made: Spectrometer, brief: SpectrometerBrief) -> dict[str, float]:
    """By how much each demand is missed; the analogue filter too must keep the aliases' demand."""
    missed = {}
    for name, more in DEMANDED:
        limit, value = getattr(brief.demands, name), made.figures[name]
        if name == "alias_dB":
            value = min(value, made.figures["analogue_alias_dB"])
        lack = limit - value if more else value - limit
        if lack > 1e-9:
            missed[name] = lack
    return missed
