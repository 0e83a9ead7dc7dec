"""Heat of the switches and what it lets the amplifier do for ever."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

from fullbore.errors import LimitError
from fullbore.hardware.power_amplifier.amplifier import PowerAmplifier


def device_loss_W(amplifier: PowerAmplifier, current_A: Float[np.ndarray, "*t"]) -> Float[np.ndarray, "*t"]:
    """Mean heat of one switch at a coil current, W: conduction half of the time, and switching cycles.

    Of a bridge's four places two carry the current at any instant; parallel devices share it evenly.
    """
    device, each = amplifier.device, np.abs(current_A) / amplifier.parallel
    conduction = 0.5 * (device.drop_V * each + device.slope_ohm * each**2)
    cycle = device.cycle_J * each / device.cycle_with_A * amplifier.link_V / device.cycle_at_V
    # the current flows through a leg's one half or the other, so each switch makes half of its leg's cycles with current
    return np.asarray(conduction + 0.5 * cycle * amplifier.switching_Hz)


def axis_loss_W(amplifier: PowerAmplifier, current_A: Float[np.ndarray, "*t"]) -> Float[np.ndarray, "*t"]:
    """Of all the axis's switches."""
    return np.asarray(4 * amplifier.bridges * amplifier.parallel * device_loss_W(amplifier, current_A))


def junction_rise_K(amplifier: PowerAmplifier, step_s: float, current_A: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
    """Junction over the coolant at the end of each step, the current even over a step, cold at first: exact for such currents."""
    device, loss = amplifier.device, device_loss_W(amplifier, current_A)
    total = np.zeros(len(loss))
    for resistance, time_s in (
        (device.junction_resistance_K_per_W, device.junction_time_s),
        (amplifier.sink_resistance_K_per_W, amplifier.sink_time_s),
    ):
        decay, rise = np.exp(-step_s / time_s), 0.0
        for index, power in enumerate(loss):
            rise = resistance * power + (rise - resistance * power) * decay
            total[index] += rise
    return total


def continuous_A(amplifier: PowerAmplifier, resistance_ohm: float) -> float:
    """Root mean square current for ever: the sink keeps the junction below its limit though the current peaks at its largest,
    and the supplies give what coil and switches turn to heat.

    Errors: LimitError when the peak current alone is too hot for the junction.
    """
    device, most = amplifier.device, amplifier.current_A
    room = device.limit_K - device.junction_resistance_K_per_W * float(device_loss_W(amplifier, np.array(most)))
    if room <= 0:
        raise LimitError(
            f"gradient amplifier: {most:.4g} A through {amplifier.parallel} parallel {device.name} heat the junction "
            f"{device.limit_K - room:.4g} K over its case, limit {device.limit_K:.4g}. Put more in parallel or switch slower."
        )

    def too_hot(current: float) -> float:
        return amplifier.sink_resistance_K_per_W * float(device_loss_W(amplifier, np.array(current))) - room

    def too_much(current: float) -> float:
        return float(axis_loss_W(amplifier, np.array(current))) + resistance_ohm * current**2 - amplifier.supply_W

    limits = [most if over(most) <= 0 else float(brentq(over, 0.0, most)) for over in (too_hot, too_much)]
    return min(limits)


def duty(amplifier: PowerAmplifier, resistance_ohm: float, current_A: float) -> float:
    """Share of time for which a current may flow for ever, on and off faster than the sink warms: at most 1."""
    bearable, asked = (float(axis_loss_W(amplifier, np.array(i))) for i in (continuous_A(amplifier, resistance_ohm), current_A))
    steady = continuous_A(amplifier, resistance_ohm)
    heat = bearable + resistance_ohm * steady**2, asked + resistance_ohm * current_A**2
    return float(min(1.0, bearable / asked, heat[0] / heat[1]))
