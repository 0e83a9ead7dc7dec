"""What is asked of a transmit coil: a TOML file with units becomes frozen values in SI."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from fullbore.errors import LimitError, UsageError
from fullbore.hardware.briefs import preset_names, preset_table, quantity, read_brief, strict
from fullbore.hardware.full_wave.currents import CoilCurrents, birdcage, loop_array

_PACKAGE = "fullbore.hardware.full_wave"
_POSITIVE = Field(gt=0)
Length = Annotated[float, quantity("length"), _POSITIVE]
FluxDensity = Annotated[float, quantity("field"), _POSITIVE]
Absorption = Annotated[float, quantity("power density"), _POSITIVE]
Share = Annotated[float, quantity("share"), _POSITIVE]
_STRICT = strict("m T W_per_kg")


@dataclass(frozen=True, slots=True, kw_only=True)
class CoilBrief:
    """kind: "birdcage" (elements are rungs, two ports in quadrature) or "loops" (a channel each). shield: birdcages only."""

    __pydantic_config__ = _STRICT
    kind: Literal["birdcage", "loops"]
    elements: Annotated[int, Field(ge=2, le=64)]
    radius_m: Length
    length_m: Length
    shield_radius_m: Length | None = None

    def currents(self) -> CoilCurrents:
        """The coil itself."""
        if self.kind == "loops":
            return loop_array(self.elements, self.radius_m, self.length_m)
        return birdcage(self.elements, self.radius_m, self.length_m, self.shield_radius_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectBrief:
    """Who lies in it: a body of the phantom room, cut into cubes."""

    __pydantic_config__ = _STRICT
    phantom: str = "whole-head"
    voxel_m: Length = 5e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class TransmitLimits:
    """b1_rms_T: root mean square over time of the mean |B1+| that must be allowed; subject (all that lies in the coil), local
    (10 g): SAR limits.

    IEC 60601-2-33, normal mode: a head 3.2 W/kg, another part of a body (10 - 8 x its share of the mass) W/kg; local 10 W/kg for
    local transmit coils, none (None) for volume ones. variation: standard deviation over mean in the slab, at most.
    """

    __pydantic_config__ = _STRICT
    b1_rms_T: FluxDensity = 1e-6
    subject_sar_W_per_kg: Absorption = 3.2
    local_sar_W_per_kg: Absorption | None = None
    variation: Share = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TransmitBrief:
    """All that is asked of one transmit coil, SI."""

    __pydantic_config__ = _STRICT
    name: str
    source: str
    coil: CoilBrief
    b0_T: FluxDensity = 3.0
    subject: SubjectBrief = field(default_factory=SubjectBrief)
    limits: TransmitLimits = field(default_factory=TransmitLimits)


def transmit_presets() -> tuple[str, ...]:
    """Names of the briefs that are shipped, sorted."""
    return preset_names(_PACKAGE)


def load_transmit_brief(name: str) -> TransmitBrief:
    """The shipped brief of that name. Errors: UsageError when there is none."""
    return parse_transmit_brief(preset_table(_PACKAGE, name, "transmit preset"), name)


def parse_transmit_brief(table: dict[str, Any], origin: str) -> TransmitBrief:
    """A brief from a TOML document; keys are the fields' names less their units, e.g. `radius = "35 cm"`.

    Errors: UsageError for an unknown or missing key, a wrong unit, a value out of range, a shield within the coil.
    """
    brief = read_brief(TransmitBrief, table, f"transmit brief {origin}")
    coil = brief.coil
    if coil.shield_radius_m is not None and (coil.kind == "loops" or coil.shield_radius_m <= coil.radius_m):
        raise UsageError(
            f"transmit brief {origin}, coil.shield_radius: got {coil.shield_radius_m:g} m, "
            f"wanted a birdcage's, over {coil.radius_m:g} m."
        )
    if coil.kind == "birdcage" and coil.elements < 4:
        raise UsageError(f"transmit brief {origin}, coil.elements: got {coil.elements} rungs, wanted at least 4.")
    return brief


def refuse_power(limits: TransmitLimits, subject_W_per_kg_per_T2: float, local_W_per_kg_per_T2: float) -> None:
    """Errors: LimitError when the B1+ asked would pass a SAR limit; it names the limit and the greatest B1+ that keeps all.

    SAR goes with the square of B1+, so that value does keep them.
    """
    square = limits.b1_rms_T**2
    pairs = (
        ("SAR of the whole subject", subject_W_per_kg_per_T2, limits.subject_sar_W_per_kg),
        ("local 10 g SAR", local_W_per_kg_per_T2, limits.local_sar_W_per_kg),
    )
    shares = [(rate * square / limit, name, rate * square, limit) for name, rate, limit in pairs if limit is not None]
    worst, name, value, limit = max(shares)
    if worst <= 1:
        return
    raise LimitError(
        f"transmit, {name} at {limits.b1_rms_T * 1e6:.4g} uT rms: {value:.3g} W/kg, limit {limit:g}. "
        f"Ask for {limits.b1_rms_T * 1e6 / worst**0.5 * 0.9995:.4g} uT."
    )
