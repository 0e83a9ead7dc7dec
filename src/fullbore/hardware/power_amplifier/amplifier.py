"""The nouns of a gradient amplifier: its stack of bridges, its cooling, its cable, and the coil that it drives."""

from __future__ import annotations

from dataclasses import dataclass

from fullbore.errors import ValueRangeError


def _positive(owner: object, names: tuple[str, ...], zero: tuple[str, ...] = ()) -> None:
    for name in (*names, *zero):
        value = getattr(owner, name)
        if not (value > 0 or (name in zero and value == 0)):
            raise ValueRangeError(
                f"{type(owner).__name__}.{name}: got {value}, wanted {'0 or more' if name in zero else 'more than 0'}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One switch (transistor and its diode): on-state drop and resistance, energy of a switching cycle, and cooling.

    cycle_J: on, off and recovery together at cycle_at_V and cycle_with_A; it goes with both. junction_resistance_K_per_W to its
    case with junction_time_s; limit_K: junction over the coolant.
    """

    name: str
    blocking_V: float
    rated_A: float
    drop_V: float
    slope_ohm: float
    cycle_J: float
    cycle_at_V: float
    cycle_with_A: float
    junction_resistance_K_per_W: float
    junction_time_s: float
    limit_K: float

    def __post_init__(self) -> None:
        _positive(self, tuple(name for name in self.__slots__ if name != "name"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerAmplifier:
    """One axis: `bridges` full bridges in series, each on its own link of link_V, `parallel` devices in every place.

    switching_Hz: of each device; legs are staggered, so the stack's ripple is at 2 bridges switching_Hz. modulation: largest
    share of the link that a bridge puts out. capacitance_F: of each link. supply_W: of all the axis's link supplies together.
    sink_resistance_K_per_W, sink_time_s: one device's case to the coolant. bandwidth_Hz: where the current loop's gain is one.
    """

    bridges: int
    parallel: int
    device: Device
    link_V: float
    current_A: float
    switching_Hz: float
    modulation: float
    capacitance_F: float
    supply_W: float
    sink_resistance_K_per_W: float
    sink_time_s: float
    bandwidth_Hz: float

    def __post_init__(self) -> None:
        _positive(self, tuple(name for name in self.__slots__ if name != "device"))
        if self.link_V >= self.device.blocking_V or self.modulation > 1:
            got = (self.link_V, self.modulation)
            raise ValueRangeError(
                f"PowerAmplifier: got link and modulation {got}, wanted under {self.device.blocking_V} V and 1."
            )

    @property
    def stack_V(self) -> float:
        """All links in series."""
        return self.bridges * self.link_V

    @property
    def drop_V(self) -> float:
        """Lost in the devices at the largest current: two in the way of the current in every bridge."""
        return 2 * self.bridges * (self.device.drop_V + self.device.slope_ohm * self.current_A / self.parallel)

    @property
    def voltage_V(self) -> float:
        """At the plug, links full, at the largest current."""
        return self.stack_V * self.modulation - self.drop_V

    @property
    def power_VA(self) -> float:
        """Peak apparent power as makers state it: links in series times the largest current."""
        return self.stack_V * self.current_A

    @property
    def store_J(self) -> float:
        """Energy of all links."""
        return 0.5 * self.bridges * self.capacitance_F * self.link_V**2

    @property
    def sample_s(self) -> float:
        """The controller's step, 1 / (2 bridges switching_Hz): a command is obeyed one step later."""
        return 1 / (2 * self.bridges * self.switching_Hz)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cable:
    """Between amplifier and coil: loop inductance and resistance, and the capacitance across the coil."""

    inductance_H: float = 0.0
    resistance_ohm: float = 0.0
    capacitance_F: float = 0.0

    def __post_init__(self) -> None:
        _positive(self, (), ("inductance_H", "resistance_ohm", "capacitance_F"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One axis's coil and its cable. sensitivity_T_per_m_A: gradient per ampere."""

    inductance_H: float
    resistance_ohm: float
    sensitivity_T_per_m_A: float
    cable: Cable = Cable()

    def __post_init__(self) -> None:
        _positive(self, ("inductance_H", "resistance_ohm", "sensitivity_T_per_m_A"))

    @property
    def total_H(self) -> float:
        """Coil and cable in series."""
        return self.inductance_H + self.cable.inductance_H

    @property
    def total_ohm(self) -> float:
        """Coil and cable in series."""
        return self.resistance_ohm + self.cable.resistance_ohm
