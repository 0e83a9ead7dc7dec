"""The adapter: amplifiers and coils as the nouns that sequences, safety and simulation read."""

from __future__ import annotations

import numpy as np

from fullbore.data import GradientChain, HeatLimit
from fullbore.hardware.power_amplifier.amplifier import Load, PowerAmplifier
from fullbore.hardware.power_amplifier.reach import most_gradient_T_per_m, most_slew, source_of
from fullbore.hardware.power_amplifier.thermal import continuous_A

Axes = tuple[float, float, float]


def gradient_chain(
    amplifiers: tuple[PowerAmplifier, PowerAmplifier, PowerAmplifier],
    loads: tuple[Load, Load, Load],
    coil_heat: HeatLimit | None = None,
    source: str = "",
) -> GradientChain:
    """What a safety check needs. The voltage is what is left when the links have filled the coil to the largest current.

    heat: the sink of the amplifiers, whose (I / continuous)^2 <= 1 keeps the junction (heat is a I + b I^2, so a mean square
    bounds it); and the coil's cooling where it is given.
    """
    volts = _axes([float(source_of(a).sagged_V(load, np.array(a.current_A))) for a, load in zip(amplifiers, loads, strict=True)])
    steady = _axes([continuous_A(a, load.total_ohm) for a, load in zip(amplifiers, loads, strict=True)])
    sink = HeatLimit(part="amplifier", time_constant_s=min(a.sink_time_s for a in amplifiers), continuous_A=steady)
    return GradientChain(
        sensitivity_T_per_m_A=_axes([load.sensitivity_T_per_m_A for load in loads]),
        inductance_H=_axes([load.total_H for load in loads]),
        resistance_ohm=_axes([load.total_ohm for load in loads]),
        voltage_V=volts,
        current_A=_axes([a.current_A for a in amplifiers]),
        heat=(sink,) if coil_heat is None else (sink, coil_heat),
        source=source or "amplifier and coil as designed",
    )


def reached_limits(
    amplifiers: tuple[PowerAmplifier, PowerAmplifier, PowerAmplifier],
    loads: tuple[Load, Load, Load],
    gradient_T_per_m: float | None = None,
) -> tuple[float, float]:
    """(gradient T/m, slew T/m/s) that every axis reaches by straight ramps; the slew at the given or the largest amplitude."""
    sources = [source_of(a) for a in amplifiers]
    most = min(most_gradient_T_per_m(s, load) for s, load in zip(sources, loads, strict=True))
    asked = most if gradient_T_per_m is None else min(gradient_T_per_m, most)
    return asked, min(float(most_slew(s, load, np.array(asked))) for s, load in zip(sources, loads, strict=True))


def _axes(values: list[float]) -> Axes:
    x, y, z = values
    return x, y, z
