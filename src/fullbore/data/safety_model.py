"""What the machine's gradients do to nerves, amplifiers, windings and structure, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

from fullbore.errors import ValueRangeError

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeModel:
    """SAFE: three low-pass filters of the slew rate per axis; each field is (x, y, z).

    Stimulation of an axis is g_scale / stim_limit_T_per_m_s * (a1 |LP1(s)| + a2 LP2(|s|) + a3 |LP3(s)|) of its slew rate s, with
    LPi a low-pass of time constant taui_s; axes add by root sum of squares, and 1 is the limit of the first-level mode.
    stim_threshold_T_per_m_s: that of the normal mode.
    Source: Hebrank and Gebhardt 2000, Proc ISMRM 8:2007.
    """

    tau1_s: Triple
    tau2_s: Triple
    tau3_s: Triple
    a1: Triple
    a2: Triple
    a3: Triple
    stim_limit_T_per_m_s: Triple
    stim_threshold_T_per_m_s: Triple
    g_scale: Triple = (1.0, 1.0, 1.0)
    source: str = ""

    def __post_init__(self) -> None:
        for axis in range(3):
            share = self.a1[axis] + self.a2[axis] + self.a3[axis]
            if not abs(share - 1) <= 1e-3:
                raise ValueRangeError(f"SafeModel, axis {'xyz'[axis]}: a1 + a2 + a3 is {share}, wanted 1.")
        for name in ("tau1_s", "tau2_s", "tau3_s", "stim_limit_T_per_m_s", "stim_threshold_T_per_m_s", "g_scale"):
            if not min(getattr(self, name)) > 0:
                raise ValueRangeError(f"SafeModel.{name}: got {getattr(self, name)}, wanted positive numbers.")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatLimit:
    """A part that warms with the square of the current and cools with a time constant.

    q' = (heat - q) / time_constant_s with heat = (I / continuous_A)^2 summed over the axes when they share the part
    (`shared`, a coil's cooling), or axis by axis (an amplifier); q = 1 is the limit.
    """

    part: str
    time_constant_s: float
    continuous_A: Triple
    shared: bool = False

    def __post_init__(self) -> None:
        if not (self.time_constant_s > 0 and min(self.continuous_A) > 0):
            raise ValueRangeError(f"HeatLimit {self.part}: got {self.time_constant_s} s, {self.continuous_A} A; wanted positive.")


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientChain:
    """Amplifier and coil of each axis: I = G / sensitivity, and the amplifier must give L dI/dt + R I."""

    sensitivity_T_per_m_A: Triple
    inductance_H: Triple
    resistance_ohm: Triple
    voltage_V: Triple
    current_A: Triple
    heat: tuple[HeatLimit, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("sensitivity_T_per_m_A", "inductance_H", "resistance_ohm", "voltage_V", "current_A"):
            if not min(getattr(self, name)) > 0:
                raise ValueRangeError(f"GradientChain.{name}: got {getattr(self, name)}, wanted positive numbers.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForbiddenBand:
    """Frequencies at which the structure rings; limit: amplitude of a steady sinusoidal gradient that it still bears."""

    low_Hz: float
    high_Hz: float
    limit_T_per_m: float

    def __post_init__(self) -> None:
        if not (0 < self.low_Hz < self.high_Hz and self.limit_T_per_m > 0):
            raise ValueRangeError(f"ForbiddenBand: got {self.low_Hz}..{self.high_Hz} Hz, {self.limit_T_per_m} T/m.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundModel:
    """How the structure answers the gradients.

    ring_s: time constant with which a mode of the structure forgets; it is the memory of the forbidden-band check.
    pressure_Pa_m_per_T, corner_Hz: a plain response |p / G| = pressure f^2 / (f^2 + corner^2) of each axis, incoherent.
    """

    bands: tuple[ForbiddenBand, ...] = ()
    ring_s: float = 10e-3
    pressure_Pa_m_per_T: float = 0.0
    corner_Hz: float = 800.0
    source: str = ""

    def __post_init__(self) -> None:
        if not (self.ring_s > 0 and self.pressure_Pa_m_per_T >= 0 and self.corner_Hz > 0):
            raise ValueRangeError("SoundModel: ring_s and corner_Hz must be positive, pressure_Pa_m_per_T not negative.")
