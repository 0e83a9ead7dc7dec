"""What is asked of a magnet: a TOML file with units becomes frozen values in SI."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from fullbore.errors import UsageError
from fullbore.hardware.magnet.conductor import Wire
from fullbore.physics.units import parse_quantity


def _quantity(dimension: str) -> BeforeValidator:
    """A parser of texts with a unit, named after the field."""

    def parse(text: object, info: Any) -> float:
        return parse_quantity(text, dimension, f"magnet brief, {info.field_name}")

    return BeforeValidator(parse)


_POSITIVE = Field(gt=0)
Length = Annotated[float, _quantity("length"), _POSITIVE]
Slack = Annotated[float, _quantity("length"), Field(ge=0)]
Angle = Annotated[float, _quantity("angle"), Field(ge=0)]
FluxDensity = Annotated[float, _quantity("field"), _POSITIVE]
Current = Annotated[float, _quantity("current"), _POSITIVE]
Share = Annotated[float, _quantity("share"), _POSITIVE]
Stress = Annotated[float, _quantity("pressure"), _POSITIVE]
Energy = Annotated[float, _quantity("energy"), _POSITIVE]
Density = Annotated[float, _quantity("current density"), _POSITIVE]
Pairs = Annotated[int, Field(ge=1, le=8)]
_UNITS = re.compile(r"_(m|T|A|Pa|J|rad|A_per_m2)$")
# A key of the file is the field's name less its unit: there, the value says its own.
_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False, alias_generator=lambda name: _UNITS.sub("", name))


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
    folder = resources.files("fullbore.hardware.magnet") / "presets"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def load_magnet_brief(name: str) -> MagnetBrief:
    """The shipped brief of that name. Errors: UsageError when there is none."""
    if name not in magnet_presets():
        raise UsageError(f"magnet preset {name!r}: unknown; wanted one of {', '.join(magnet_presets())}.")
    text = (resources.files("fullbore.hardware.magnet") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    return parse_magnet_brief(tomllib.loads(text), name)


def parse_magnet_brief(table: dict[str, Any], origin: str) -> MagnetBrief:
    """A brief from a TOML document; keys are the fields' names less their units, e.g. `inner_radius = "54 cm"`.

    Errors: UsageError for an unknown or missing key, a wrong unit, a value out of range, windings that cannot fit.
    """
    try:
        brief = TypeAdapter(MagnetBrief).validate_python(table)
    except ValidationError as error:
        raise UsageError(_sentence(error, origin)) from None
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


def _sentence(error: ValidationError, origin: str) -> str:
    """The first problem as one sentence."""
    problems = error.errors()
    unknown = [p for p in problems if p["type"] == "unexpected_keyword_argument"]
    first = (unknown or problems)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"magnet brief {origin}: {where} is missing. Add the key."
    if first["type"] == "unexpected_keyword_argument":
        return f"magnet brief {origin}: unknown key {where}."
    return f"magnet brief {origin}, {where}: got {first['input']!r}, {first['msg'].lower()}."
