"""What is asked of a body coil and its amplifier: a TOML file with units becomes frozen values in SI."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from fullbore.errors import LimitError, UsageError
from fullbore.hardware.briefs import preset_names, preset_table, quantity, read_brief, strict
from fullbore.hardware.rf.birdcage import CoilShape
from fullbore.hardware.rf.cylinder import CUT_OFF
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, SPEED_OF_LIGHT_M_PER_S

# The layered trunk, 17 cm, must go in.
_ROOM_M = 0.18
_PACKAGE = "fullbore.hardware.rf"
_POSITIVE = Field(gt=0)
# From a narrow strip to more than any patient; fields are summed over waves as fine as a strip.
Length = Annotated[float, quantity("length"), Field(ge=2e-3, le=2)]
FluxDensity = Annotated[float, quantity("field"), _POSITIVE]
Power = Annotated[float, quantity("power"), _POSITIVE]
Voltage = Annotated[float, quantity("voltage"), _POSITIVE]
Capacitance = Annotated[float, quantity("capacitance"), _POSITIVE]
Resistance = Annotated[float, quantity("resistance"), Field(ge=0)]
Share = Annotated[float, quantity("share"), Field(ge=0, lt=1)]
Time = Annotated[float, quantity("time"), _POSITIVE]
_STRICT = strict("m T W V F s ohm")


@dataclass(frozen=True, slots=True, kw_only=True)
class CoilBrief:
    """The birdcage; see `CoilShape`. ring_share: of the elastance of a band pass that its end rings hold."""

    __pydantic_config__ = _STRICT
    kind: Literal["low pass", "high pass", "band pass"]
    rungs: Annotated[int, Field(ge=8, le=32, multiple_of=4)]
    radius_m: Length
    length_m: Length
    shield_radius_m: Length
    rung_width_m: Length = 0.03
    ring_width_m: Length = 0.03
    ring_share: Annotated[float, Field(gt=0, lt=1)] = 0.5

    def shape(self) -> CoilShape:
        """Where the copper is."""
        names = ("rungs", "radius_m", "length_m", "shield_radius_m", "rung_width_m", "ring_width_m")
        return CoilShape(**{name: getattr(self, name) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsBrief:
    """Capacitors and joints. capacitor_quality: reactance over resistance. least, most, voltage: what can be bought and mounted.

    tolerance: standard deviation of a capacitor, as trimmed. joint_ohm: detuning diodes and solder, per end-ring segment.
    """

    __pydantic_config__ = _STRICT
    capacitor_quality: Annotated[float, Field(gt=0)] = 2000.0
    least_F: Capacitance = 2e-12
    most_F: Capacitance = 1e-9
    voltage_V: Voltage = 7e3
    tolerance: Share = 0.0025
    joint_ohm: Resistance = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class AmplifierBrief:
    """What the RF power amplifier gives. droop: share of the gain lost in a pulse of droop_time_s."""

    __pydantic_config__ = _STRICT
    peak_W: Power
    mean_W: Power
    loss: Share = 0.2
    droop: Share = 0.01
    droop_time_s: Time = 10e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class BirdcageBrief:
    """All that is asked of one body coil, SI.

    b1_peak_T: the mean B1+ within 6 cm of the isocentre in the body that loads the coil: a trunk, or a head alone.
    """

    __pydantic_config__ = _STRICT
    name: str
    source: str
    b0_T: FluxDensity
    b1_peak_T: FluxDensity
    coil: CoilBrief
    amplifier: AmplifierBrief
    load: Literal["trunk", "head"] = "trunk"
    parts: PartsBrief = field(default_factory=PartsBrief)

    @property
    def frequency_Hz(self) -> float:
        """Of protons in the field."""
        return GYROMAGNETIC_RATIO_HZ_PER_T * self.b0_T


def birdcage_presets() -> tuple[str, ...]:
    """Names of the briefs that are shipped, sorted."""
    return preset_names(_PACKAGE)


def load_birdcage_brief(name: str) -> BirdcageBrief:
    """The shipped brief of that name. Errors: UsageError when there is none."""
    return parse_birdcage_brief(preset_table(_PACKAGE, name, "birdcage preset"), name)


def parse_birdcage_brief(table: dict[str, Any], origin: str) -> BirdcageBrief:
    """A brief from a TOML document; keys are the fields' names less their units, e.g. `shield_radius = "38 cm"`.

    Errors: UsageError for an unknown or missing key, a wrong unit, a value out of range, a coil that cannot be;
    LimitError for a frequency above the shield's cut-off.
    """
    brief = read_brief(BirdcageBrief, table, f"birdcage brief {origin}")
    coil = brief.coil
    if coil.shield_radius_m <= coil.radius_m:
        raise UsageError(
            f"birdcage brief {origin}, coil.shield_radius: got {coil.shield_radius_m:g} m, wanted more than the coil's "
            f"{coil.radius_m:g} m."
        )
    if coil.radius_m <= _ROOM_M:
        raise UsageError(
            f"birdcage brief {origin}, coil.radius: got {coil.radius_m:g} m, wanted more than the trunk's and a hand, "
            f"{_ROOM_M:g} m."
        )
    longest = CUT_OFF * SPEED_OF_LIGHT_M_PER_S / (2 * math.pi * brief.frequency_Hz)
    if coil.shield_radius_m >= longest:
        raise LimitError(
            f"birdcage brief {origin}: at {brief.frequency_Hz / 1e6:.4g} MHz waves run along a shield of "
            f"{coil.shield_radius_m:g} m, which is not solved here. Take a shield under {longest:.3g} m, or a field under "
            f"{brief.b0_T * longest / coil.shield_radius_m:.3g} T."
        )
    widest = 2 * math.pi * coil.radius_m / coil.rungs
    if coil.rung_width_m >= 0.8 * widest or coil.ring_width_m >= coil.length_m / 2:
        raise UsageError(
            f"birdcage brief {origin}, coil: strips of {coil.rung_width_m:g} and {coil.ring_width_m:g} m leave no "
            f"windows; wanted rungs under {0.8 * widest:.3g} m and rings under {coil.length_m / 2:.3g} m."
        )
    return brief
