"""What is asked of a magnet: a TOML file with units becomes frozen values in SI."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from fullbore.errors import UsageError
from fullbore.hardware.briefs import preset_names, preset_table, quantity, read_brief, strict
from fullbore.hardware.magnet.conductor import Wire

_PACKAGE = "fullbore.hardware.magnet"
_POSITIVE = Field(gt=0)
Length = Annotated[float, quantity("length"), _POSITIVE]
Slack = Annotated[float, quantity("length"), Field(ge=0)]
Angle = Annotated[float, quantity("angle"), Field(ge=0)]
FluxDensity = Annotated[float, quantity("field"), _POSITIVE]
Current = Annotated[float, quantity("current"), _POSITIVE]
Share = Annotated[float, quantity("share"), _POSITIVE]
Stress = Annotated[float, quantity("pressure"), _POSITIVE]
Energy = Annotated[float, quantity("energy"), _POSITIVE]
Density = Annotated[float, quantity("current density"), _POSITIVE]
Pairs = Annotated[int, Field(ge=1, le=8)]
_STRICT = strict("m T A Pa J rad A_per_m2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Homogeneity:
    """Peak-to-peak deviation of Bz over a ball, as a share of B0 (10 ppm = 1e-5), before shimming."""

    __pydantic_config__ = _STRICT
    diameter_m: Length
    peak_to_peak: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Where windings may be.

    inner_radius_m: of the primary windings. outer_radius_m: of the shield. length_m: from end to end of all windings.
    primary_build_m, shield_build_m: thickest winding. gap_m: least distance between neighbours along the axis.
    """

    __pydantic_config__ = _STRICT
    inner_radius_m: Length
    outer_radius_m: Length
    length_m: Length
    primary_build_m: Length = 0.10
    shield_build_m: Length = 0.06
    gap_m: Slack = 0.015
    primary_pairs: Pairs = 4
    shield_pairs: Pairs = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """|B| at most field_T on and outside an ellipsoid with these half axes (5 gauss = 0.5 mT)."""

    __pydantic_config__ = _STRICT
    radius_m: Length
    axial_m: Length
    field_T: FluxDensity = 0.5e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class MagnetLimits:
    """What the windings must bear. load_line_margin: 1 - current / critical current on the load line."""

    __pydantic_config__ = _STRICT
    load_line_margin: Share
    hoop_stress_Pa: Stress
    energy_J: Energy
    conductor_m: Length


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """Standard deviations of each coil's own place and shape: of its radius, along z, along x and y, of its tilts."""

    __pydantic_config__ = _STRICT
    radius_m: Slack = 0.1e-3
    axial_m: Slack = 0.1e-3
    lateral_m: Slack = 0.1e-3
    tilt_rad: Angle = 0.1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class WireBrief:
    """The insulated wire; see `Wire`."""

    __pydantic_config__ = _STRICT
    width_m: Length
    height_m: Length
    copper_ratio: Annotated[float, _POSITIVE]
    critical_density_A_per_m2: Density = 2.75e9
    metal_share: Annotated[float, Field(gt=0, le=1)] = 0.85

    def wire(self) -> Wire:
        """The wire itself."""
        return Wire(**{name: getattr(self, name) for name in self.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class TraysBrief:
    """Where iron may be put to shim the magnet; see `hardware.shim.ShimTrays`."""

    __pydantic_config__ = _STRICT
    radius_m: Length
    length_m: Length
    trays: Annotated[int, Field(ge=4)] = 24
    pockets: Annotated[int, Field(ge=3)] = 15
    sheet_length_m: Length = 0.05
    sheet_width_m: Length = 0.06
    sheet_thickness_m: Length = 0.1e-3
    most_sheets: Annotated[int, Field(ge=1)] = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MagnetBrief:
    """All that is asked of one magnet, SI."""

    __pydantic_config__ = _STRICT
    name: str
    source: str
    b0_T: FluxDensity
    current_A: Current
    space: Space
    homogeneity: Annotated[tuple[Homogeneity, ...], Field(min_length=1)]
    stray: Stray
    primary_wire: WireBrief
    shield_wire: WireBrief
    limits: MagnetLimits
    tolerance: Tolerance = field(default_factory=Tolerance)
    shim_trays: TraysBrief | None = None


def magnet_presets() -> tuple[str, ...]:
    """Names of the briefs that are shipped, sorted."""
    return preset_names(_PACKAGE)


def load_magnet_brief(name: str) -> MagnetBrief:
    """The shipped brief of that name. Errors: UsageError when there is none."""
    return parse_magnet_brief(preset_table(_PACKAGE, name, "magnet preset"), name)


def parse_magnet_brief(table: dict[str, Any], origin: str) -> MagnetBrief:
    """A brief from a TOML document; keys are the fields' names less their units, e.g. `inner_radius = "54 cm"`.

    Errors: UsageError for an unknown or missing key, a wrong unit, a value out of range, windings that cannot fit.
    """
    brief = read_brief(MagnetBrief, table, f"magnet brief {origin}")
    _refuse_misfit(brief, origin)
    return brief


def _refuse_misfit(brief: MagnetBrief, origin: str) -> None:
    """Windings and the ball that no arrangement can hold."""
    space, room = brief.space, brief.space.outer_radius_m - brief.space.shield_build_m
    if room <= brief.space.inner_radius_m + space.primary_build_m:
        raise UsageError(
            f"magnet brief {origin}, space.outer_radius: got {space.outer_radius_m:g} m, wanted more than inner radius, primary "
            f"and shield build together, {space.inner_radius_m + space.primary_build_m + space.shield_build_m:g} m."
        )
    largest = max(ball.diameter_m for ball in brief.homogeneity)
    if largest / 2 > space.inner_radius_m * 2 / 3:
        raise UsageError(
            f"magnet brief {origin}, homogeneity.diameter: got {largest:g} m, wanted at most two thirds of the windings' inner "
            f"diameter, {space.inner_radius_m * 4 / 3:.3g} m."
        )
    if brief.limits.load_line_margin >= 1:
        raise UsageError(
            f"magnet brief {origin}, limits.load_line_margin: got {brief.limits.load_line_margin:g}, wanted under 1."
        )
