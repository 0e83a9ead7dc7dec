"""Pre-emphasis: what is asked of the amplifiers so that the field, after eddy currents, is what was wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import EddyMode, GradientResponse
from fullbore.errors import ValueRangeError
from fullbore.hardware.eddy.rational import Rational, inverse, rational_of, response_of, series
from fullbore.hardware.eddy.response import reduced


@dataclass(frozen=True, slots=True, kw_only=True)
class PreEmphasisUnit:
    """What the unit can do: exponentials per entry (common time constants), their range, smallest step of an amplitude."""

    terms: int = 6
    shortest_s: float = 20e-6
    longest_s: float = 10.0
    resolution: float = 1e-6

    def __post_init__(self) -> None:
        if not (self.terms >= 1 and 0 < self.shortest_s < self.longest_s and self.resolution >= 0):
            got = (self.terms, self.shortest_s, self.longest_s, self.resolution)
            raise ValueRangeError(f"PreEmphasisUnit: got {got}, wanted a term, shortest < longest, resolution >= 0.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreEmphasis:
    """filter: as a response, drive = filter(asked); its uniform row is played by the B0 coil or the synthesiser.

    net: what remains of eddy currents when it is played. overshoot: (x, y, z) largest drive per step of one, which
    amplitude and slew must leave room for. error: largest |net - 1| over 0.01 Hz to 50 kHz, delays aside.
    """

    filter: GradientResponse
    net: GradientResponse
    overshoot: tuple[float, float, float]
    error: float

    def limits(self, gradient_T_per_m: float, slew_T_per_m_s: float) -> tuple[float, float]:
        """Amplitude and slew that may be asked for so that what is driven keeps these."""
        most = max(self.overshoot)
        return gradient_T_per_m / most, slew_T_per_m_s / most


def pre_emphasis(response: GradientResponse, unit: PreEmphasisUnit | None = None) -> PreEmphasis:
    """The filter of a unit that best undoes a response of decaying modes, and what remains.

    The exact inverse of the gradient rows is a sum of exponentials; it is reduced to the unit's terms and rounded to its
    resolution. Delays are not undone. Cross terms between axes of different delay are exact but for their difference.
    Errors: ValueRangeError for a response that cannot be undone.
    """
    unit = unit or PreEmphasisUnit()
    eddies = rational_of(response)
    exact = inverse(eddies.rows(0, 3))
    uniform = series(eddies.rows(3, 4), exact)
    poles = np.concatenate([exact.poles, uniform.poles])
    parts = np.zeros((len(poles), 4, 3), np.complex128)
    parts[: len(exact.poles), :3] = exact.parts
    parts[len(exact.poles) :, 3] = -uniform.parts[:, 0]
    still = np.concatenate([exact.still, -uniform.still])
    wanted = response_of(Rational(still=still, poles=poles, parts=parts))
    made = reduced(_merged(wanted), unit.terms, shortest_s=unit.shortest_s, longest_s=unit.longest_s).response
    kept = _rounded(made, unit.resolution)
    net = _net(eddies, rational_of(kept))
    s = 2j * np.pi * np.logspace(-2, 4.7, 300)
    error = max(float(np.abs(net.at(at) - np.eye(4, 3)).max()) for at in s)
    x, y, z = (_overshoot(kept, axis) for axis in range(3))
    return PreEmphasis(filter=kept, net=response_of(net, response.delay_s), overshoot=(x, y, z), error=error)


def what_remains(response: GradientResponse, filter_: GradientResponse) -> GradientResponse:
    """Eddy currents after a filter that may have been made for others: what an imperfect measurement of them leaves."""
    return response_of(_net(rational_of(response), rational_of(filter_)), response.delay_s)


def _net(eddies: Rational, before: Rational) -> Rational:
    """Eddy currents after the filter; the filter's uniform row adds."""
    both = series(eddies, before.rows(0, 3))
    extra = np.zeros((len(before.poles), 4, 3), np.complex128)
    extra[:, 3] = before.parts[:, 3]
    still = both.still.copy()
    still[3] += before.still[3]
    return Rational(still=still, poles=np.concatenate([both.poles, before.poles]), parts=np.concatenate([both.parts, extra]))


def _merged(response: GradientResponse) -> GradientResponse:
    """Modes of one time constant as one."""
    modes: dict[float, EddyMode] = {}
    for mode in sorted(response.modes, key=lambda mode: mode.time_constant_s):
        near = next((tau for tau in modes if abs(tau / mode.time_constant_s - 1) < 1e-6), mode.time_constant_s)
        amplitude = mode.amplitude + (modes[near].amplitude if near in modes else 0)
        modes[near] = EddyMode(time_constant_s=near, amplitude=amplitude)
    return GradientResponse(delay_s=response.delay_s, modes=tuple(modes.values()))


def _rounded(response: GradientResponse, resolution: float) -> GradientResponse:
    if resolution == 0:
        return response
    modes = tuple(
        EddyMode(time_constant_s=mode.time_constant_s, amplitude=resolution * np.round(mode.amplitude / resolution))
        for mode in response.modes
    )
    return GradientResponse(delay_s=response.delay_s, modes=modes)


def _overshoot(filter_: GradientResponse, axis: int) -> float:
    """Largest drive of an axis over all time when every axis may step by one: own and cross terms."""
    times = np.concatenate([[0.0], np.logspace(-6, 2, 400)])
    row = np.broadcast_to(np.eye(3)[axis], (len(times), 3)).copy()
    for mode in filter_.modes:
        row -= np.exp(-times / mode.time_constant_s)[:, None] * mode.amplitude[axis]
    return float(np.abs(row).sum(axis=1).max())
