"""What is asked of a gradient coil on drawn surfaces: a TOML file with units becomes frozen values in SI."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from fullbore.errors import UsageError
from fullbore.hardware.briefs import quantity, read_brief, strict
from fullbore.hardware.gradient.brief import Conductor, Length, Share, Time, Volume

_POSITIVE = Field(gt=0)
_STRICT = strict("m T A V s H ohm Nm T_per_m T_per_m_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceLimits:
    """As `GradientLimits`; eddy needs a bore. torque_Nm: of B0 on the wire, at the drive's full current. inductance_H,
    resistance_ohm: of the wire."""

    __pydantic_config__ = _STRICT
    linearity: Share = 0.05
    eddy: Share | None = None
    spacing_m: Length = 5e-3
    torque_Nm: Annotated[float, quantity("torque"), _POSITIVE] = 10.0
    inductance_H: Annotated[float, quantity("inductance"), _POSITIVE] | None = None
    resistance_ohm: Annotated[float, quantity("resistance"), _POSITIVE] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceDrive:
    """Amplitude that current makes; with a slew rate, the voltage for it is told, and held against what there is."""

    __pydantic_config__ = _STRICT
    amplitude_T_per_m: Annotated[float, quantity("gradient"), _POSITIVE]
    current_A: Annotated[float, quantity("current"), _POSITIVE]
    slew_T_per_m_s: Annotated[float, quantity("slew"), _POSITIVE] | None = None
    voltage_V: Annotated[float, quantity("voltage"), _POSITIVE] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceBrief:
    """All that is asked of a coil on drawn surfaces, SI. The drawing's origin is the isocentre, its z the axis of B0.

    surface, shield_surface: files; unit: of their coordinates. edge_m: longest edge of the triangles (None: what gives
    about three
    thousand). modes: how many of the surface's smoothest functions are used. bore_radius_m: of a long conducting cylinder
    about z.
    """

    __pydantic_config__ = _STRICT
    name: str = "surface-gradient"
    source: str = "a drawing"
    axis: Literal["x", "y", "z"]
    surface: str
    shield_surface: str | None = None
    unit: Literal["mm", "cm", "m"] = "mm"
    volume: Volume
    drive: SurfaceDrive
    limits: SurfaceLimits = field(default_factory=SurfaceLimits)
    conductor: Conductor = field(default_factory=lambda: Conductor(width_m=4e-3, thickness_m=4e-3))
    b0_T: Annotated[float, quantity("field"), _POSITIVE] = 3.0
    bore_radius_m: Length | None = None
    edge_m: Length | None = None
    heat_time_s: Time = 0.0
    modes: Annotated[int, Field(ge=10, le=400)] = 240


def parse_surface_brief(table: dict[str, Any], origin: str) -> SurfaceBrief:
    """A brief from a TOML document; keys are the fields' names less their units, e.g. `bore_radius = "46 cm"`.

    Errors: UsageError for an unknown or missing key, a wrong unit, a value out of range, an eddy limit or a shield without
    a bore.
    """
    brief = read_brief(SurfaceBrief, table, f"gradient brief {origin}")
    if (brief.bore_radius_m is None) != (brief.limits.eddy is None):
        given, wanted = ("limits.eddy", "bore_radius") if brief.bore_radius_m is None else ("bore_radius", "limits.eddy")
        raise UsageError(f"gradient brief {origin}: got {given} without {wanted}, wanted both or none. Add {wanted}.")
    if brief.shield_surface is not None and brief.bore_radius_m is None:
        raise UsageError(
            f"gradient brief {origin}: got a shield's surface without bore_radius and limits.eddy, wanted what it has to shield. "
            "Add both."
        )
    if brief.drive.slew_T_per_m_s is None and brief.drive.voltage_V is not None:
        raise UsageError(f"gradient brief {origin}: got drive.voltage without drive.slew, wanted both or none. Add drive.slew.")
    return brief
