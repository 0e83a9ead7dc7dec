"""From what a coil asks to an amplifier: bridges, link voltage, devices in parallel, capacitors, switching frequency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from fullbore.errors import LimitError
from fullbore.hardware.power_amplifier.amplifier import Device, Load, PowerAmplifier
from fullbore.hardware.power_amplifier.loop import phase_margin_rad, tuned
from fullbore.hardware.power_amplifier.reach import most_slew, source_of
from fullbore.hardware.power_amplifier.ripple import ripple_A
from fullbore.hardware.power_amplifier.thermal import axis_loss_W, continuous_A

_EXACT = 1e-9
_PEAK_USE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class AmplifierRoom:
    """What an amplifier may be made of.

    device: the switch. link_share: of its blocking voltage that a link may have. modulation: see `PowerAmplifier`.
    sag: largest share of the link's voltage that filling the coil may take. ripple_A: largest peak-to-peak.
    margin_rad: least phase margin at bandwidth_Hz. continuous_A: root mean square for ever. sink_*: of one device.
    most_*: what fits the cabinet; switching_Hz: steps to choose from.
    """

    device: Device
    link_share: float
    modulation: float
    sag: float
    ripple_A: float
    margin_rad: float
    bandwidth_Hz: float
    continuous_A: float
    sink_resistance_K_per_W: float
    sink_time_s: float
    most_bridges: int
    most_parallel: int
    switching_Hz: tuple[float, ...]


def design_amplifier(
    room: AmplifierRoom, loads: tuple[Load, ...], gradient_T_per_m: float, slew_T_per_m_s: float
) -> PowerAmplifier:
    """The amplifier with the fewest switches (then the slowest) that drives every axis to an amplitude at a slew.

    The links sag as they fill the coil; devices keep to four fifths of their rating at the peak, and to their junction's limit
    at continuous_A. Errors: LimitError with what binds and the nearest that can be built.
    """
    best: PowerAmplifier | None = None
    for frequency in sorted(room.switching_Hz):
        made = _at(room, loads, gradient_T_per_m, slew_T_per_m_s, frequency)
        if isinstance(made, PowerAmplifier) and (best is None or _switches(made) < _switches(best)):
            best = made
    if best is None:
        _refuse(room, loads, gradient_T_per_m, slew_T_per_m_s)
    steady = np.array(min(room.continuous_A, best.current_A))
    heat = float(axis_loss_W(best, steady)) + max(load.total_ohm for load in loads) * float(steady) ** 2
    return replace(best, supply_W=heat)


def _switches(amplifier: PowerAmplifier) -> int:
    return 4 * amplifier.bridges * amplifier.parallel


def _at(
    room: AmplifierRoom, loads: tuple[Load, ...], gradient: float, slew: float, switching_Hz: float
) -> PowerAmplifier | tuple[str, ...]:
    """The least amplifier at one switching frequency, or what binds."""
    current = max(gradient / load.sensitivity_T_per_m_A for load in loads)
    wanted_V = max((load.total_H * slew + load.total_ohm * gradient) / load.sensitivity_T_per_m_A for load in loads)
    energy = max(0.5 * load.total_H * (gradient / load.sensitivity_T_per_m_A) ** 2 for load in loads)
    fewest: list[str] = ["current"]
    for parallel in range(max(1, int(np.ceil(current / (_PEAK_USE * room.device.rated_A) - _EXACT))), room.most_parallel + 1):
        for bridges in range(1, room.most_bridges + 1):
            made = _stack(room, bridges, parallel, current, wanted_V, energy, switching_Hz)
            binding = _binding(made, room, loads, gradient, slew)
            if not binding:
                return made
            fewest = binding if len(binding) <= len(fewest) or fewest == ["current"] else fewest
    return tuple(fewest)


def _stack(
    room: AmplifierRoom, bridges: int, parallel: int, current: float, wanted_V: float, energy_J: float, switching_Hz: float
) -> PowerAmplifier:
    """Links no higher than needed, capacitors for the sag, supplies for what runs for ever."""
    device = room.device
    drop = 2 * bridges * (device.drop_V + device.slope_ohm * current / parallel)
    most = room.link_share * device.blocking_V
    link = min(most, (wanted_V + drop) / (room.modulation * (1 - room.sag)) / bridges * (1 + 1e-6))
    stored = energy_J / (1 - (1 - room.sag) ** 2)
    return PowerAmplifier(
        bridges=bridges, parallel=parallel, device=device, link_V=link, current_A=current, switching_Hz=switching_Hz,
        modulation=room.modulation, capacitance_F=2 * stored / bridges / link**2,
        supply_W=1e12, sink_resistance_K_per_W=room.sink_resistance_K_per_W, sink_time_s=room.sink_time_s,
        bandwidth_Hz=room.bandwidth_Hz,
    )  # fmt: skip


def _binding(made: PowerAmplifier, room: AmplifierRoom, loads: tuple[Load, ...], gradient: float, slew: float) -> list[str]:
    """Limits that an amplifier does not keep."""
    source, found = source_of(made), []
    reach = min(float(most_slew(source, load, np.array(gradient))) for load in loads)
    if reach < slew * (1 - _EXACT):
        return ["voltage"]  # more bridges come first
    try:
        if continuous_A(made, max(load.total_ohm for load in loads)) < min(room.continuous_A, made.current_A) * (1 - _EXACT):
            found.append("heat")
    except LimitError:
        found.append("heat")
    if max(float(ripple_A(made, load.total_H, np.array(0.5 / made.bridges))) for load in loads) > room.ripple_A:
        found.append("ripple")
    if min(phase_margin_rad(made, load, tuned(made, load)) for load in loads) < room.margin_rad:
        found.append("phase margin")
    return found


def _refuse(room: AmplifierRoom, loads: tuple[Load, ...], gradient: float, slew: float) -> NoReturn:
    """Name what binds, and the largest slew (or amplitude) that can be built: found by building it."""
    binding = sorted({name for f in room.switching_Hz for name in _names(_at(room, loads, gradient, slew, f))})

    def built(amplitude: float, pace: float) -> bool:
        return any(isinstance(_at(room, loads, amplitude, pace, f), PowerAmplifier) for f in room.switching_Hz)

    slower = _largest(lambda share: built(gradient, slew * share))
    lower = _largest(lambda share: built(gradient * share, slew))
    ways = [f"{slew * slower:.4g} T/m/s at that amplitude"] if slower else []
    ways += [f"{gradient * lower * 1e3:.4g} mT/m at that slew rate"] if lower else []
    advice = f"Take {' or '.join(ways)}" if ways else "Take fewer amperes (more turns), or a stronger device"
    raise LimitError(
        f"gradient amplifier: {gradient * 1e3:.4g} mT/m at {slew:.4g} T/m/s cannot be driven by up to {room.most_bridges} "
        f"bridges of {room.most_parallel} parallel {room.device.name} (binding: {', '.join(binding)}). {advice}."
    )


def _names(made: PowerAmplifier | tuple[str, ...]) -> tuple[str, ...]:
    return () if isinstance(made, PowerAmplifier) else made


def _largest(test: Callable[[float], bool]) -> float | None:
    """The largest share (to 5e-4, rounded down) that passes, None when none above a hundredth does."""
    if not test(0.01):
        return None
    low, high = 0.01, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if test(middle) else (low, middle)
    return low * 0.9995
