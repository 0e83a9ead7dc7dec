"""What is asked of a receive array: a TOML file with units becomes frozen values in SI."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from fullbore.errors import UsageError
from fullbore.hardware.array.body import Body
from fullbore.hardware.briefs import preset_names, preset_table, quantity, read_brief, strict

_PACKAGE = "fullbore.hardware.array"
_POSITIVE = Field(gt=0)
# From a thin wire to the tallest patient.
Length = Annotated[float, quantity("length"), Field(ge=1e-4, le=2)]
Place = Annotated[float, quantity("length"), Field(ge=-2, le=2)]
Angle = Annotated[float, quantity("angle"), Field(gt=0, lt=3.2)]
FluxDensity = Annotated[float, quantity("field"), _POSITIVE]
Resistance = Annotated[float, quantity("resistance"), _POSITIVE]
Conductivity = Annotated[float, quantity("conductivity"), _POSITIVE]
Level = Annotated[float, Field(ge=0, le=1000)]
_STRICT = strict("S_per_m m T rad ohm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """The surface that carries the loops, about the z axis.

    form: "helmet" (ellipsoid from `lowest`, a share of its half axis, upward, about `centre`), "shells" (front and back of an
    elliptic cylinder, each over +-span of arc), "cylinder". half_axes_m: x, y; z is the helmet's half axis, else half the length.
    """

    __pydantic_config__ = _STRICT
    form: Literal["helmet", "shells", "cylinder"]
    half_axes_m: tuple[Length, Length, Length]
    centre_m: tuple[Place, Place, Place] = (0.0, 0.0, 0.0)
    lowest: Annotated[float, Field(gt=-1, lt=1)] = -0.45
    span_rad: Angle = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyBrief:
    """What lies inside; see `Body`. sphere_radius_m: the sphere on which the array is held against the ultimate."""

    __pydantic_config__ = _STRICT
    form: Literal["ellipsoid", "cylinder"]
    half_axes_m: tuple[Length, Length, Length]
    conductivity_S_per_m: Conductivity
    permittivity: Annotated[float, Field(ge=1)]
    sphere_radius_m: Length

    def body(self) -> Body:
        """The body itself."""
        return Body(
            form=self.form,
            half_axes_m=self.half_axes_m,
            conductivity_S_per_m=self.conductivity_S_per_m,
            permittivity=self.permittivity,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Electronics:
    """wire_radius_m: round copper; a flat strip counts as a quarter of its width. capacitor_quality: of each capacitor.

    preamplifier_ohm: its input resistance. noise_figure_dB: at its best source, 50 ohm, 290 K.
    """

    __pydantic_config__ = _STRICT
    wire_radius_m: Length = 0.002
    capacitor_quality: Annotated[float, _POSITIVE] = 1500.0
    preamplifier_ohm: Resistance = 2.0
    noise_figure_dB: Level = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayLimits:
    """What the array must reach: preamplifier decoupling, unloaded over loaded quality, coupling of neighbours, noise figure."""

    __pydantic_config__ = _STRICT
    decoupling_dB: Level = 20.0
    quality_ratio: Level = 2.0
    coupling: Level = 0.1
    noise_figure_dB: Level = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayBrief:
    """All that is asked of one array, SI. placement: neighbours overlap critically, or lie `gap` apart.

    medium: "body": fields and losses with air around the body, by the full-wave solver (see `loaded`); "uniform": cheaper, as if
    the body's medium were everywhere (`body_resistance`): signal and noise are off by the docs' table, their ratio by less.
    """

    __pydantic_config__ = _STRICT
    name: str
    source: str
    b0_T: FluxDensity
    channels: Annotated[int, Field(ge=1, le=128)]
    former: Former
    body: BodyBrief
    placement: Literal["overlap", "gap"] = "overlap"
    gap_m: Length = 0.01
    medium: Literal["body", "uniform"] = "body"
    electronics: Electronics = field(default_factory=Electronics)
    limits: ArrayLimits = field(default_factory=ArrayLimits)


def array_presets() -> tuple[str, ...]:
    """Names of the briefs that are shipped, sorted: the formers."""
    return preset_names(_PACKAGE)


def load_array_brief(name: str, channels: int | None = None, b0_T: float | None = None) -> ArrayBrief:
    """The shipped brief of a former, with other channels or field if given. Errors: UsageError when there is none."""
    return with_choices(parse_array_brief(preset_table(_PACKAGE, name, "array former"), name), channels, b0_T)


def with_choices(brief: ArrayBrief, channels: int | None, b0_T: float | None) -> ArrayBrief:
    """The brief with other channels or field. Errors: UsageError for a number that is none of these."""
    if channels is not None:
        if not 1 <= channels <= 128:
            raise UsageError(f"array brief {brief.name}, channels: got {channels}, wanted 1 to 128.")
        brief = replace(brief, channels=channels)
    if b0_T is not None:
        if not 0.01 <= b0_T <= 20:
            raise UsageError(f"array brief {brief.name}, b0: got {b0_T} T, wanted 0.01 to 20.")
        brief = replace(brief, b0_T=b0_T)
    return brief


def parse_array_brief(table: dict[str, Any], origin: str) -> ArrayBrief:
    """A brief from a TOML document; keys are the fields' names less their units, e.g. `wire_radius = "2 mm"`.

    Errors: UsageError for an unknown or missing key, a wrong unit, a value out of range, a body that the former cuts.
    """
    brief = read_brief(ArrayBrief, table, f"array brief {origin}")
    for axis in (0, 1):
        if brief.body.half_axes_m[axis] + brief.electronics.wire_radius_m >= brief.former.half_axes_m[axis]:
            raise UsageError(
                f"array brief {origin}, former.half_axes: got {brief.former.half_axes_m[axis]:g} m along {'xy'[axis]}, wanted "
                f"more than the body and a wire, {brief.body.half_axes_m[axis] + brief.electronics.wire_radius_m:g} m."
            )
    return brief
