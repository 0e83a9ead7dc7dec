"""What is asked of a set of gradient coils: a TOML file with units becomes frozen values in SI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from fullbore.errors import UsageError
from fullbore.hardware.briefs import preset_names, preset_table, quantity, read_brief, strict

_PACKAGE = "fullbore.hardware.gradient"
_POSITIVE = Field(gt=0)
Length = Annotated[float, quantity("length"), _POSITIVE]
Share = Annotated[float, quantity("share"), Field(gt=0, lt=1)]
Time = Annotated[float, quantity("time"), Field(ge=0)]
_STRICT = strict("m T A V s T_per_m T_per_m_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """The imaging volume: an ellipsoid about the centre, with half axes across and along the bore."""

    __pydantic_config__ = _STRICT
    radius_m: Length
    half_length_m: Length


@dataclass(frozen=True, slots=True, kw_only=True)
class Cylinders:
    """Where one axis is wound: radii of the conductors' middles, lengths from end to end."""

    __pydantic_config__ = _STRICT
    primary_radius_m: Length
    shield_radius_m: Length
    primary_length_m: Length
    shield_length_m: Length


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientLimits:
    """What windings must keep.

    linearity: largest |Bz - G u| in the volume over G times its half axis along u. eddy: the same of Bz that image currents in
    the bore make, before they decay. spacing_m: least distance between middles of neighbouring turns.
    """

    __pydantic_config__ = _STRICT
    linearity: Share
    eddy: Share
    spacing_m: Length


@dataclass(frozen=True, slots=True, kw_only=True)
class Conductor:
    """Turns cut from plate: as wide as their spacing less the gap, from width_m (leads too) up to widest_m; thickness across.

    Resistivity: of copper, 1.72e-8 ohm m at 20 C.
    """

    __pydantic_config__ = _STRICT
    width_m: Length
    thickness_m: Length
    gap_m: Length = 1e-3
    widest_m: Length = 12e-3
    resistivity_ohm_m: Annotated[float, _POSITIVE] = 1.72e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """What the amplifier gives per axis, and what the coil must make of it."""

    __pydantic_config__ = _STRICT
    amplitude_T_per_m: Annotated[float, quantity("gradient"), _POSITIVE]
    slew_T_per_m_s: Annotated[float, quantity("slew"), _POSITIVE]
    current_A: Annotated[float, quantity("current"), _POSITIVE]
    voltage_V: Annotated[float, quantity("voltage"), _POSITIVE]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientBrief:
    """All that is asked of three gradient coils, SI. bore_radius_m: of the cryostat's inner wall.

    heat_time_s: weight of dissipated power beside stored energy: what is least is energy + heat_time / 2 times power.
    """

    __pydantic_config__ = _STRICT
    name: str
    source: str
    b0_T: Annotated[float, quantity("field"), _POSITIVE]
    bore_radius_m: Length
    volume: Volume
    x: Cylinders
    y: Cylinders
    z: Cylinders
    limits: GradientLimits
    conductor: Conductor
    drive: Drive
    heat_time_s: Time = 0.0
    modes: Annotated[int, Field(ge=4, le=40)] = 14

    def cylinders(self, axis: str) -> Cylinders:
        """Of the axis "x", "y" or "z"."""
        found: Cylinders = getattr(self, axis)
        return found


def gradient_presets() -> tuple[str, ...]:
    """Names of the briefs that are shipped, sorted."""
    return preset_names(_PACKAGE)


def load_gradient_brief(name: str) -> GradientBrief:
    """The shipped brief of that name. Errors: UsageError when there is none."""
    return parse_gradient_brief(preset_table(_PACKAGE, name, "gradient preset"), name)


def parse_gradient_brief(table: dict[str, Any], origin: str) -> GradientBrief:
    """A brief from a TOML document; keys are the fields' names less their units, e.g. `primary_radius = "41 cm"`.

    Errors: UsageError for an unknown or missing key, a wrong unit, a value out of range, cylinders that do not fit.
    """
    brief = read_brief(GradientBrief, table, f"gradient brief {origin}")
    for axis in "xyz":
        _refuse_misfit(brief, axis, origin)
    return brief


# Fields are trusted no nearer to a sheet than this (see `sheet.axial_field`).
_CLEAR_M = 0.04


def _refuse_misfit(brief: GradientBrief, axis: str, origin: str) -> None:
    """Cylinders that are not inside each other, or too near to the volume."""
    own = brief.cylinders(axis)
    if not own.primary_radius_m < own.shield_radius_m < brief.bore_radius_m:
        raise UsageError(
            f"gradient brief {origin}, {axis}: got radii of primary, shield and bore {own.primary_radius_m:g}, "
            f"{own.shield_radius_m:g}, {brief.bore_radius_m:g} m, wanted them to rise."
        )
    if brief.volume.radius_m > own.primary_radius_m - _CLEAR_M:
        raise UsageError(
            f"gradient brief {origin}, volume.radius: got {brief.volume.radius_m:g} m, wanted at most "
            f"{own.primary_radius_m - _CLEAR_M:g} m, 4 cm within the windings."
        )
    if brief.volume.half_length_m > own.primary_length_m / 2:
        raise UsageError(
            f"gradient brief {origin}, volume.half_length: got {brief.volume.half_length_m:g} m, wanted at most half the "
            f"primary's length, {own.primary_length_m / 2:g} m."
        )
