"""Briefs that no spectrometer on offer can meet: which demand binds, and the nearest brief that can."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import numpy as np

from fullbore.errors import LimitError
from fullbore.hardware.spectrometer import machine
from fullbore.hardware.spectrometer.brief import SpectrometerBrief
from fullbore.hardware.spectrometer.noise_budget import power

_FASTEST_HZ = 2e9
_WORDS = {
    "dynamic_range_dB": "a dynamic range of {:.1f} dB",
    "noise_figure_dB": "a noise figure of {:.2f} dB",
    "signal_to_noise_dB": "a signal-to-noise ratio of {:.1f} dB",
    "flatness_dB": "a flatness of {:.3f} dB",
    "alias_dB": "an alias rejection of {:.1f} dB",
}
_GRAINS = {"dynamic_range_dB": 0.1, "noise_figure_dB": 0.01, "signal_to_noise_dB": 0.1, "flatness_dB": 0.001, "alias_dB": 0.1}


def refuse(brief: SpectrometerBrief, offered: list[machine.Spectrometer]) -> NoReturn:
    """Raise LimitError with the demands of the machine that misses least, relaxed to what it reaches."""
    best = min(offered, key=lambda made: sum(machine.shortfalls_dB(made, brief).values()))
    missed = machine.shortfalls_dB(best, brief)
    limit = brief.demands.noise_figure_dB
    nearest = nearest_brief(brief, best)
    proven = any(not machine.shortfalls_dB(made, nearest) for made in offered)
    asked = ", ".join(_WORDS[name].format(getattr(brief.demands, name)) for name in missed)
    allowed = " and ".join(_WORDS[name].format(getattr(nearest.demands, name)) for name in missed)
    assert proven, "the machine that misses least keeps the demands that were relaxed to it"
    raise LimitError(
        f"spectrometer brief {brief.name}: {asked} cannot be met together with the other demands; "
        f"{why(best, missed, limit)} binds. "
        f"Allow {allowed}: {best.bits} bits at {best.clock_Hz / 1e6:.4g} MHz with {best.attenuation_dB:.3g} dB of attenuation "
        "reach that."
    )


def nearest_brief(brief: SpectrometerBrief, made: machine.Spectrometer) -> SpectrometerBrief:
    """The brief with the demands that this machine misses set to what it reaches, rounded to the safe side."""
    relaxed = {}
    more = dict(machine.DEMANDED)
    for name in machine.shortfalls_dB(made, brief):
        value, grain = made.figures[name], _GRAINS[name]
        if name == "alias_dB":
            value = min(value, made.figures["analogue_alias_dB"])
        relaxed[name] = float((np.floor if more[name] else np.ceil)(value / grain) * grain)
    return replace(brief, demands=replace(brief.demands, **relaxed))


def why(made: machine.Spectrometer, missed: dict[str, float], noise_figure_dB: float) -> str:
    """What stands behind the demand that is missed most. noise_figure_dB: as asked."""
    worst = max(missed, key=lambda name: missed[name])
    if worst in ("alias_dB", "flatness_dB"):
        return "the analogue band-pass"
    amplifiers, whole = (power(made.figures[name]) for name in ("amplifier_noise_figure_dB", "noise_figure_dB"))
    noise = {
        "the noise of the amplifiers": amplifiers - 1,
        "the converter's noise against its full scale": made.noise_factor - amplifiers,
        f"a converter of {made.bits} bits": whole - made.noise_factor,
    }
    if worst == "signal_to_noise_dB":
        jitter = power(made.figures[worst] - made.figures["jitter_limit_dB"])
        noise[f"the clock's jitter of {made.jitter_s * 1e12:.3g} ps"] = jitter / (1 - jitter) * whole
    elif made.first_noise_factor > power(noise_figure_dB):
        return "the preamplifier's noise"
    return max(noise, key=lambda name: noise[name])


def refuse_clock(brief: SpectrometerBrief) -> NoReturn:
    """Raise LimitError for a converter that is too slow for any clock that would do, with the slowest that would."""
    wider = machine.clocks_of(brief, _FASTEST_HZ)
    advice = f"Take a converter for {wider[0][0] / 1e6:.4g} MHz" if wider else "Take a narrower bandwidth or another raster"
    raise LimitError(
        f"spectrometer brief {brief.name}: no clock up to {brief.converter.largest_rate_Hz / 1e6:.4g} MHz holds a whole number "
        f"of ticks to the raster of {brief.clock.raster_s * 1e9:.4g} ns and keeps the harmonics of "
        f"{machine.carrier_of(brief) / 1e6:.5g} MHz from the band; the converter's largest rate binds. {advice}."
    )


def refuse_filter(brief: SpectrometerBrief) -> NoReturn:
    """Raise LimitError for filters that cannot be had, with the widest passband that can."""
    for percent in range(int(100 * brief.demands.passband - 1e-9), 4, -5):
        demands = replace(brief.demands, passband=percent / 100)
        for rate, decimation in machine.clocks_of(brief):
            try:
                machine.digital_of(replace(brief, demands=demands), rate, decimation)
            except LimitError:
                continue
            raise LimitError(
                f"spectrometer brief {brief.name}: no filter is flat to {demands.flatness_dB:.3g} dB and rejects "
                f"{demands.alias_dB:.4g} dB over {100 * brief.demands.passband:.3g} % of the bandwidth; the passband binds. "
                f"Take {percent} %."
            )
    raise LimitError(
        f"spectrometer brief {brief.name}: no filter is flat to {brief.demands.flatness_dB:.3g} dB and rejects "
        f"{brief.demands.alias_dB:.4g} dB over any passband. Allow 0.01 dB and 100 dB."
    )
