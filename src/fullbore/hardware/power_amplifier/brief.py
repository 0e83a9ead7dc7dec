"""What is asked of amplifier, structure and pre-emphasis of one machine: a TOML file with units becomes frozen values in SI."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, get_args, get_origin, get_type_hints

from fullbore.errors import UsageError, ValueRangeError
from fullbore.hardware.briefs import measured, preset_names, preset_table
from fullbore.hardware.eddy.pre_emphasis import PreEmphasisUnit
from fullbore.hardware.eddy.sheet_coil import SheetSpace
from fullbore.hardware.eddy.shells import Shell
from fullbore.hardware.eddy.sound import SoundLimits
from fullbore.hardware.eddy.vibration import CoilBody
from fullbore.hardware.power_amplifier.amplifier import Cable
from fullbore.hardware.power_amplifier.design import AmplifierRoom

_PACKAGE = "fullbore.hardware.power_amplifier"
# The end of a field's name says its dimension; the longest that fits counts. A key of the file is the name less its unit.
_DIMENSIONS = {
    "_m_per_s": "velocity", "_T_per_m_s": "slew", "_T_per_m": "gradient", "_K_per_W": "thermal resistance",
    "_kg_per_m3": "mass density", "_S_per_m": "conductivity", "_rad": "angle", "_ohm": "resistance", "_Hz": "frequency",
    "_Pa": "pressure", "_m": "length", "_V": "voltage", "_A": "current", "_s": "time", "_J": "energy", "_F": "capacitance",
    "_H": "inductance", "_K": "temperature rise", "_T": "field",
}  # fmt: skip
# All else is a size or a rate.
_MAY_BE_ZERO = {
    "inductance_H", "resistance_ohm", "capacitance_F", "cryostat_radius_m", "shielding", "poisson", "liner_dB", "resolution",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooling:
    """Of the coil: root of the sum of squares of the axes' currents for ever, and the time constant of its water."""

    continuous_A: float
    time_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AmplifierBrief:
    """All that is asked of one machine's amplifiers, SI. coil: sheets that stand in for the wound coil, given `current_A`."""

    name: str
    source: str
    b0_T: float
    bore_diameter_m: float
    gradient_T_per_m: float
    slew_T_per_m_s: float
    current_A: float
    coil: SheetSpace
    cooling: Cooling
    cable: Cable
    amplifier: AmplifierRoom
    shells: tuple[Shell, ...]
    body: CoilBody
    sound: SoundLimits = field(default_factory=SoundLimits)
    pre_emphasis: PreEmphasisUnit = field(default_factory=PreEmphasisUnit)

    def __post_init__(self) -> None:
        for name in ("b0_T", "bore_diameter_m", "gradient_T_per_m", "slew_T_per_m_s", "current_A"):
            if not getattr(self, name) > 0:
                raise ValueRangeError(f"{name}: got {getattr(self, name)}, wanted more than 0.")
        if not self.shells or min(s.radius_m for s in self.shells) <= self.coil.shield_radius_m:
            raise ValueRangeError(f"shells: wanted at least one, outside the coil's shield at {self.coil.shield_radius_m} m.")
        if self.coil.primary_radius_m <= self.bore_diameter_m / 2:
            raise ValueRangeError(f"coil.primary_radius: got {self.coil.primary_radius_m} m, wanted it outside the bore.")


def amplifier_presets() -> tuple[str, ...]:
    """Names of the briefs that are shipped, sorted."""
    return preset_names(_PACKAGE)


def load_amplifier_brief(name: str) -> AmplifierBrief:
    """The shipped brief of that name. Errors: UsageError when there is none."""
    return parse_amplifier_brief(preset_table(_PACKAGE, name, "amplifier preset"), name)


def parse_amplifier_brief(table: dict[str, Any], origin: str) -> AmplifierBrief:
    """A brief from a TOML document; keys are the fields' names less their units, e.g. `primary_radius = "41 cm"`.

    Errors: UsageError for an unknown or missing key, a wrong unit, a value out of range.
    """
    made = _read(AmplifierBrief, table, f"amplifier brief {origin}")
    assert isinstance(made, AmplifierBrief)
    return made


def _read(kind: type, table: object, where: str) -> object:
    """A frozen value from its table, key by key."""
    if not isinstance(table, dict):
        raise UsageError(f"{where}: got {table!r}, wanted a table.")
    hints, values = get_type_hints(kind), {}
    keys = {_key(item.name): item for item in fields(kind)}
    for key in sorted(set(table) - set(keys)):
        raise UsageError(f"{where}: unknown key {key}; wanted {', '.join(keys)}.")
    for key, item in keys.items():
        if key in table:
            values[item.name] = _value(hints[item.name], table[key], item.name, f"{where}, {key}")
        elif item.default is MISSING and item.default_factory is MISSING:
            raise UsageError(f"{where}: {key} is missing. Add the key.")
    try:
        return kind(**values)
    except ValueRangeError as error:
        raise UsageError(f"{where}: {error}") from error


def _value(hint: object, value: object, name: str, where: str) -> object:
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise UsageError(f"{where}: got {value!r}, wanted a list.")
        return tuple(_value(get_args(hint)[0], item, name, where) for item in value)
    if hint is str:
        if not isinstance(value, str):
            raise UsageError(f"{where}: got {value!r}, wanted text.")
        return value
    if hint is int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UsageError(f"{where}: got {value!r}, wanted a whole number from 1.")
        return value
    if hint is float:
        return _number(value, name, where)
    assert isinstance(hint, type)
    return _read(hint, value, where)


def _number(value: object, name: str, where: str) -> float:
    unit = _unit(name)
    if unit or isinstance(value, str):
        number = measured(value, _DIMENSIONS[unit] if unit else "share", where)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    else:
        raise UsageError(f"{where}: got {value!r}, wanted a number.")
    if not 0 <= number < math.inf or (number == 0 and name not in _MAY_BE_ZERO):
        raise UsageError(f"{where}: got {value!r}, wanted {'0 or more' if name in _MAY_BE_ZERO else 'more than 0'}.")
    return number


def _unit(name: str) -> str:
    return max((unit for unit in _DIMENSIONS if name.endswith(unit)), key=len, default="")


def _key(name: str) -> str:
    return name.removesuffix(_unit(name)) if _unit(name) else name
