"""Current control: proportional and integral gain beside feed-forward, and what it leaves of a commanded waveform."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from fullbore.data import EddyMode, GradientResponse
from fullbore.errors import ValueRangeError
from fullbore.hardware.power_amplifier.amplifier import Load, PowerAmplifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """v = (1 - inductance_error) L di*/dt + (1 - resistance_error) R i* + proportional e + integral q, q' = e - leak q.

    Errors of the feed-forward: what it does not know of the coil (warm copper, eddy currents' share of L).
    leak_per_s: of a real integrator, 0 for an ideal one.
    """

    proportional_ohm: float
    integral_ohm_per_s: float
    inductance_error: float = 0.0
    resistance_error: float = 0.0
    leak_per_s: float = 0.0

    def __post_init__(self) -> None:
        if not (self.proportional_ohm > 0 and self.integral_ohm_per_s > 0 and self.leak_per_s >= 0):
            got = (self.proportional_ohm, self.integral_ohm_per_s, self.leak_per_s)
            raise ValueRangeError(f"Control: got {got}, wanted positive gains and a leak of 0 or more.")


def tuned(amplifier: PowerAmplifier, load: Load, inductance_error: float = 0.02, resistance_error: float = 0.1) -> Control:
    """Loop gain one at the amplifier's bandwidth; the integral takes over a tenth of it lower."""
    turn = 2 * np.pi * amplifier.bandwidth_Hz
    gain = turn * load.total_H
    return Control(
        proportional_ohm=gain, integral_ohm_per_s=gain * turn / 10,
        inductance_error=inductance_error, resistance_error=resistance_error,
    )  # fmt: skip


def phase_margin_rad(amplifier: PowerAmplifier, load: Load, control: Control) -> float:
    """Phase that the loop keeps from instability where its gain is one, one and a half samples' delay included."""

    def gain(log_f: float) -> complex:
        s = 2j * np.pi * np.exp(log_f)
        control_ohm = control.proportional_ohm + control.integral_ohm_per_s / (s + control.leak_per_s)
        return complex(control_ohm / (load.total_H * s + load.total_ohm))

    crossing = float(brentq(lambda log_f: np.log(abs(gain(log_f))), 0.0, np.log(1e8)))
    return float(np.pi + np.angle(gain(crossing)) - 2 * np.pi * np.exp(crossing) * 1.5 * amplifier.sample_s)


def missing(load: Load, control: Control) -> tuple[float, tuple[complex, complex], tuple[complex, complex]]:
    """1 - current / command, without limits or delay, as still + sum of part s / (s - pole): (still, poles, parts).

    (dL s + dR)(s + leak) / ((L s + R + Kp)(s + leak) + Ki), dL and dR what the feed-forward lacks.
    """
    inductance, resistance = load.total_H, load.total_ohm
    lack_L, lack_R = control.inductance_error * inductance, control.resistance_error * resistance
    leak, gain = control.leak_per_s, resistance + control.proportional_ohm
    below = np.array([inductance, gain + inductance * leak, gain * leak + control.integral_ohm_per_s])
    above = np.array([lack_L, lack_R + lack_L * leak, lack_R * leak])
    first, last = (complex(pole) for pole in np.roots(below))
    if abs(first - last) < 1e-9 * abs(first):
        last = last * (1 + 1e-6)
    parts = [complex(np.polyval(above, p) / (inductance * (p - q)) / p) for p, q in ((first, last), (last, first))]
    return float(above[2] / below[2]), (first, last), (parts[0], parts[1])


def loop_response(
    amplifiers: tuple[PowerAmplifier, ...], loads: tuple[Load, ...], controls: tuple[Control, ...]
) -> GradientResponse:
    """Delay and modes of three axes' current loops, exact while no limit is met.

    The delay is the modulator's; its share in the loop's poles is left out (under 1e-3 of the modes while the phase margin
    stays above 60 degrees and the feed-forward knows the coil to a few per cent).
    """
    modes: list[EddyMode] = []
    for axis, (load, control) in enumerate(zip(loads, controls, strict=True)):
        place = np.zeros((4, 3))
        place[axis, axis] = 1.0
        still, poles, parts = missing(load, control)
        if still:
            modes.append(EddyMode(time_constant_s=np.inf, amplitude=still * place))
        for pole, part in zip(poles, parts, strict=True):
            if abs(pole.imag) <= 1e-12 * abs(pole):
                modes.append(EddyMode(time_constant_s=-1 / pole.real, amplitude=part.real * place))
            elif pole.imag > 0:
                modes.append(
                    EddyMode(
                        time_constant_s=-1 / pole.real, frequency_Hz=pole.imag / (2 * np.pi),
                        amplitude=2 * part.real * place, sine=-2 * part.imag * place,
                    )
                )  # fmt: skip
    x, y, z = (part.sample_s for part in amplifiers)
    return GradientResponse(delay_s=(x, y, z), modes=tuple(modes))
