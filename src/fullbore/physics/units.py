"""The units that people write, and their way to SI. Milliseconds, degrees, mT/m and Hz/m exist only here and at the doors."""

from __future__ import annotations

import math
import re

from fullbore.errors import UsageError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

# dimension -> unit -> factor to SI
UNITS: dict[str, dict[str, float]] = {
    "time": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "ns": 1e-9, "ps": 1e-12},
    "length": {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "km": 1e3},
    "angle": {"rad": 1.0, "mrad": 1e-3, "deg": math.pi / 180},
    "field": {"T": 1.0, "mT": 1e-3, "uT": 1e-6, "G": 1e-4},
    "gradient": {"T/m": 1.0, "mT/m": 1e-3},
    "slew": {"T/m/s": 1.0, "mT/m/ms": 1.0},
    "frequency": {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6},
    "bandwidth": {"Hz/px": 1.0},
    "velocity": {"m/s": 1.0, "cm/s": 1e-2, "mm/s": 1e-3},
    "diffusion weighting": {"s/m2": 1.0, "s/mm2": 1e6},
    "mass": {"kg": 1.0, "g": 1e-3},
    "power density": {"W/kg": 1.0},
    "field rate": {"T/s": 1.0, "mT/ms": 1.0},
    "current": {"A": 1.0, "kA": 1e3},
    "current density": {"A/m2": 1.0, "A/mm2": 1e6},
    "pressure": {"Pa": 1.0, "kPa": 1e3, "MPa": 1e6, "GPa": 1e9},
    "energy": {"J": 1.0, "mJ": 1e-3, "kJ": 1e3, "MJ": 1e6},
    "share": {"1": 1.0, "%": 1e-2, "ppm": 1e-6},
    "voltage": {"V": 1.0, "kV": 1e3},
    "level": {"dB": 1.0},
    "torque": {"Nm": 1.0, "kNm": 1e3},
    "inductance": {"H": 1.0, "mH": 1e-3, "uH": 1e-6},
    "resistance": {"ohm": 1.0, "mohm": 1e-3},
    "gradient sensitivity": {"T/m/A": 1.0, "mT/m/A": 1e-3, "uT/m/A": 1e-6},
    "power": {"W": 1.0, "kW": 1e3},
    "forward power": {"W/T2": 1.0, "W/uT2": 1e12},
    "sound response": {"Pa/(T/m)": 1.0, "Pa/(mT/m)": 1e3},
    "capacitance": {"F": 1.0, "mF": 1e-3, "uF": 1e-6, "nF": 1e-9, "pF": 1e-12},
    "temperature rise": {"K": 1.0},
    "thermal resistance": {"K/W": 1.0, "mK/W": 1e-3},
    "conductivity": {"S/m": 1.0, "MS/m": 1e6},
    "mass density": {"kg/m3": 1.0},
    "apparent power": {"VA": 1.0, "kVA": 1e3, "MVA": 1e6},
}

_QUANTITY = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S+)\s*$")


def parse_quantity(text: object, dimension: str, name: str) -> float:
    """The SI value of a text such as "2300 ms".

    dimension: a key of UNITS. name: what the value is for, named in the error.
    Errors: UsageError for anything but a number and a known unit of that dimension.
    """
    units = UNITS[dimension]
    match = _QUANTITY.match(text) if isinstance(text, str) else None
    if match is None:
        raise UsageError(f'{name}: got {text!r}, wanted a number and a unit of {dimension}, e.g. "12 {next(iter(units))}".')
    if match[2] not in units:
        raise UsageError(f"{name}: unknown unit {match[2]!r} of {dimension}; wanted one of {', '.join(units)}.")
    value = float(match[1]) * units[match[2]]
    if not math.isfinite(value):
        raise UsageError(f"{name}: got {text!r}, which is more than a number can be; wanted a finite one.")
    return value


def gradient_to_Hz_per_m(value_T_per_m: float) -> float:
    """Pulseq's gradient unit from T/m."""
    return value_T_per_m * GYROMAGNETIC_RATIO_HZ_PER_T


def gradient_from_Hz_per_m(value_Hz_per_m: float) -> float:
    """T/m from Pulseq's gradient unit."""
    return value_Hz_per_m / GYROMAGNETIC_RATIO_HZ_PER_T
