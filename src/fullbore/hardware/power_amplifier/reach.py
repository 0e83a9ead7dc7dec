"""The slew and amplitude that amplifier and coil reach together: L di/dt + R i <= V at every instant, i <= I."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq, minimize_scalar

from fullbore.errors import LimitError, ShapeError
from fullbore.hardware.power_amplifier.amplifier import Load, PowerAmplifier

_SLACK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What an axis's amplifier gives at its plug, up to current_A: share U - drop_V with U the links in series.

    store_F: of the links in series, C / bridges; inf when they never sag. Energy that goes into the coil lowers U.
    """

    stack_V: float
    current_A: float
    share: float = 1.0
    drop_V: float = 0.0
    store_F: float = np.inf

    @property
    def voltage_V(self) -> float:
        """With full links."""
        return self.share * self.stack_V - self.drop_V

    def sagged_V(self, load: Load, current_A: Float[np.ndarray, "*t"]) -> Float[np.ndarray, "*t"]:
        """Voltage left when the links have filled the coil to a current: U^2 falls by L i^2 / C; heat and supply aside."""
        square = np.maximum(self.stack_V**2 - load.total_H * current_A**2 / self.store_F, 0.0)
        return np.asarray(np.maximum(self.share * np.sqrt(square) - self.drop_V, 0.0))


def source_of(amplifier: PowerAmplifier) -> Source:
    """An amplifier as a source."""
    return Source(
        stack_V=amplifier.stack_V, current_A=amplifier.current_A, share=amplifier.modulation, drop_V=amplifier.drop_V,
        store_F=amplifier.capacitance_F / amplifier.bridges,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Playable:
    """A waveform against a source: largest share of voltage and of current that it asks, and when."""

    voltage_share: float
    voltage_at_s: float
    current_share: float
    current_at_s: float

    @property
    def possible(self) -> bool:
        """Whether it can be played."""
        return max(self.voltage_share, self.current_share) <= 1 + _SLACK


def most_gradient_T_per_m(source: Source, load: Load) -> float:
    """Amplitude that can be held: by current, or by R i <= V with what the links have left."""

    def left_V(current: float) -> float:
        return float(source.sagged_V(load, np.array(current))) - load.total_ohm * current

    most = source.current_A
    if left_V(most) < 0:
        most = float(brentq(left_V, 0.0, most))
    return most * load.sensitivity_T_per_m_A


def most_slew(source: Source, load: Load, gradient_T_per_m: Float[np.ndarray, "*g"]) -> Float[np.ndarray, "*g"]:
    """Slew away from zero at an amplitude, T/m/s: (V - R i) / L times the sensitivity; 0 where the amplitude itself is too much.

    It is what a straight ramp to that amplitude may have, for its end asks the most.
    """
    current = np.asarray(np.abs(gradient_T_per_m) / load.sensitivity_T_per_m_A)
    slew = (source.sagged_V(load, current) - load.total_ohm * current) / load.total_H * load.sensitivity_T_per_m_A
    return np.asarray(np.where(current <= source.current_A * (1 + _SLACK), np.maximum(slew, 0.0), 0.0))


def curved_rise_s(source: Source, load: Load, gradient_T_per_m: float) -> float:
    """Least time from zero to an amplitude with all the voltage all the time: -(L / R) ln(1 - R i / V), links never sagging.

    Errors: LimitError for an amplitude beyond reach.
    """
    current = abs(gradient_T_per_m) / load.sensitivity_T_per_m_A
    if current > source.current_A * (1 + _SLACK) or load.total_ohm * current >= source.voltage_V:
        raise _beyond(source, load, gradient_T_per_m)
    return float(-load.total_H / load.total_ohm * np.log1p(-load.total_ohm * current / source.voltage_V))


def straight_rise_s(source: Source, load: Load, gradient_T_per_m: float) -> float:
    """Least time of a straight ramp from zero to an amplitude, G / slew(G). Errors: LimitError beyond reach."""
    slew = float(most_slew(source, load, np.array(abs(gradient_T_per_m))))
    if slew <= 0:
        raise _beyond(source, load, gradient_T_per_m)
    return abs(gradient_T_per_m) / slew


def fastest_trapezoid(source: Source, load: Load, area_T_s_per_m: float) -> tuple[float, float, float]:
    """(amplitude T/m, ramp s, plateau s) of the shortest even trapezoid of an area.

    An amplitude G takes area / G + ramp(G), which has one least value; a triangle bounds it from above.
    """
    area, most = abs(area_T_s_per_m), most_gradient_T_per_m(source, load)

    def lasts(gradient: float) -> float:
        slew = float(most_slew(source, load, np.array(gradient)))
        return area / gradient + gradient / slew if slew > 0 and gradient**2 / slew <= area * (1 + _SLACK) else np.inf

    low, high = most * 1e-9, most * (1 - 1e-12)
    for _ in range(200):
        middle = np.sqrt(low * high)
        slew = float(most_slew(source, load, np.array(middle)))
        low, high = (middle, high) if slew > 0 and middle**2 / slew <= area else (low, middle)
    found = minimize_scalar(lasts, bounds=(low * 1e-3, low), method="bounded", options={"xatol": low * 1e-10})
    best = min((float(found.x), low), key=lasts)
    ramp = straight_rise_s(source, load, best)
    return float(np.copysign(best, area_T_s_per_m)), ramp, max(area / best - ramp, 0.0)


def playable(source: Source, load: Load, times_s: Float[np.ndarray, " k"], gradient_T_per_m: Float[np.ndarray, " k"]) -> Playable:
    """Straight lines between corners against what amplifier and coil can do. Jumps ask an endless voltage."""
    current, rate = _current(load, times_s, gradient_T_per_m)
    ends = np.stack([current[:-1], current[1:]])
    volts = np.abs(load.total_H * rate + load.total_ohm * ends)
    left = source.sagged_V(load, ends)
    shares = np.divide(volts, left, out=np.full_like(volts, np.inf), where=left > 0)
    end, worst = np.unravel_index(int(shares.argmax()), shares.shape)
    top = int(np.abs(current).argmax())
    return Playable(
        voltage_share=float(shares.max()), voltage_at_s=float(times_s[worst + end]),
        current_share=float(np.abs(current).max()) / source.current_A, current_at_s=float(times_s[top]),
    )  # fmt: skip


def stretch_needed(
    source: Source,
    load: Load,
    times_s: Float[np.ndarray, " k"],
    gradient_T_per_m: Float[np.ndarray, " k"],
    keep_area: bool = False,
) -> float:
    """The least factor by which the waveform's time must grow (at least 1) to be playable.

    keep_area: amplitudes fall with the factor, so that areas stay (readouts keep their resolution). Closed form at every
    corner when the links do not sag; else by halving. Errors: LimitError when the amplitude itself is too much.
    """
    peak = float(np.abs(gradient_T_per_m).max(initial=0.0))
    if not keep_area and peak > most_gradient_T_per_m(source, load) * (1 + _SLACK):
        raise _beyond(source, load, peak)

    def possible(factor: float) -> bool:
        scale = 1 / factor if keep_area else 1.0
        return playable(source, load, times_s * factor, gradient_T_per_m * scale).possible

    if possible(1.0):
        return 1.0
    low, high = 1.0, 2.0
    while not possible(high):
        low, high = high, 2 * high
        if high > 2.0**60:
            raise LimitError(f"stretch: a jump at {_jump_s(times_s, gradient_T_per_m)} s cannot be played at any pace. Ramp it.")
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if possible(middle) else (middle, high)
    return high


def stretched(
    source: Source, load: Load, times_s: Float[np.ndarray, " k"], gradient_T_per_m: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"]:
    """Corner times in which every straight piece that asks too much has become just as long as it must; amplitudes stay.

    Errors: LimitError when an amplitude is beyond reach.
    """
    peak = float(np.abs(gradient_T_per_m).max(initial=0.0))
    if peak > most_gradient_T_per_m(source, load) * (1 + _SLACK):
        raise _beyond(source, load, peak)
    current = gradient_T_per_m / load.sensitivity_T_per_m_A
    step = np.diff(current)
    ends = np.stack([current[:-1], current[1:]])
    left = source.sagged_V(load, ends) - load.total_ohm * ends * np.sign(step)
    with np.errstate(divide="ignore"):
        least = np.where(step == 0, 0.0, load.total_H * np.abs(step) / left.min(axis=0))
    if not np.isfinite(least).all():
        raise _beyond(source, load, peak)
    return np.asarray(times_s[0] + np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(times_s), least))]))


def _current(load: Load, times: np.ndarray, gradient: np.ndarray) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " p"]]:
    if times.shape != gradient.shape or len(times) < 2 or np.diff(times).min() < 0:
        raise ShapeError(f"waveform: got times {times.shape} and values {gradient.shape}, wanted two or more, in order.")
    current = gradient / load.sensitivity_T_per_m_A
    length, step = np.diff(times), np.diff(current)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(step == 0, 0.0, step / length)
    return np.asarray(current), np.asarray(rate)


def _jump_s(times: np.ndarray, gradient: np.ndarray) -> float:
    found = np.flatnonzero((np.diff(times) == 0) & (np.diff(gradient) != 0))
    return float(times[found[0]]) if len(found) else float(times[0])


def _beyond(source: Source, load: Load, gradient: float) -> LimitError:
    most = most_gradient_T_per_m(source, load)
    return LimitError(
        f"gradient amplifier: {abs(gradient) * 1e3:.4g} mT/m asks {abs(gradient) / load.sensitivity_T_per_m_A:.4g} A, limit "
        f"{source.current_A:.4g} A and {source.voltage_V:.4g} V. Take at most {most * 1e3:.4g} mT/m."
    )
