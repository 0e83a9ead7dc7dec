"""Preset machines: TOML files with units, parsed strictly."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from fullbore.data import GradientChain, Limits, PowerModel, SoundModel, StimulationModel
from fullbore.errors import UsageError
from fullbore.hardware.briefs import preset_names
from fullbore.hardware.safety_preset import SAFETY_KEYS, gradient_chain, safe_model, safety_tables, sound_model
from fullbore.physics.units import parse_quantity

_LENGTH_AXES = 3
_PER_SQUARE_MICROTESLA = 1e12

# table -> key -> dimension; None marks plain text.
_KEYS: dict[str, dict[str, str | None]] = {
    "": {"name": None, "source": None},
    "magnet": {"field": "field", "bore_diameter": "length"},
    "gradient": {"amplitude": "gradient", "slew": "slew", "amplifier_power": "apparent power"},
    "transmit": {"b1_peak": "field"},
    "rasters": dict.fromkeys(("block", "gradient", "rf", "adc", "rf_dead_time", "rf_ringdown_time", "adc_dead_time"), "time"),
    "stimulation": {"rheobase": "field rate", "chronaxie": "time", "effective_length": "length"},
    "power": {"head": "power density", "whole_body": "power density"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One machine as its preset file gives it, SI; amplifier_VA is the peak apparent power per gradient axis."""

    name: str
    source: str
    b0_T: float
    bore_diameter_m: float
    amplifier_VA: float
    limits: Limits
    stimulation: StimulationModel
    power: PowerModel
    chain: GradientChain | None = None
    sound: SoundModel | None = None


def presets() -> tuple[str, ...]:
    """Names of the machines that are shipped, sorted."""
    return preset_names("fullbore.hardware")


def designed_machines() -> dict[str, Path]:
    """Name -> folder of the machines that Fullbore designed and ships, sorted: machine.toml, machine.npz and their brief.toml."""
    home = Path(str(resources.files("fullbore.hardware"))) / "systems"
    return {place.name: place for place in sorted(home.iterdir()) if (place / "machine.toml").is_file()}


def load_preset(name: str) -> Preset:
    """The preset of that name. Errors: UsageError when there is none."""
    if name not in presets():
        raise UsageError(f"preset {name!r}: unknown; wanted one of {', '.join(presets())}.")
    return parse_preset((resources.files("fullbore.hardware") / "presets" / f"{name}.toml").read_text(encoding="utf-8"), name)


def parse_preset(text: str, origin: str) -> Preset:
    """A preset from TOML text; `origin` names it in errors.

    Errors: UsageError for anything that is not TOML, a missing or unknown key, a wrong unit.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"preset {origin}: not TOML: {error}.") from error
    extra = safety_tables(table, origin)
    values = _values({key: part for key, part in table.items() if key not in SAFETY_KEYS}, origin)
    lengths = values["stimulation.effective_length"]
    return Preset(
        name=values["name"],
        source=values["source"],
        b0_T=values["magnet.field"],
        bore_diameter_m=values["magnet.bore_diameter"],
        amplifier_VA=values["gradient.amplifier_power"],
        limits=_limits(values),
        stimulation=StimulationModel(
            rheobase_T_per_s=values["stimulation.rheobase"],
            chronaxie_s=values["stimulation.chronaxie"],
            effective_length_m=(lengths[0], lengths[1], lengths[2]),
            source="IEC 60601-2-33 strength-duration law; effective lengths: a choice of the preset",
            safe=safe_model(extra["safe"]) if "safe" in extra else None,
        ),
        power=_power(values, extra.get("transmitter")),
        chain=gradient_chain(extra["chain"]) if "chain" in extra else None,
        sound=sound_model(extra["sound"]) if "sound" in extra else None,
    )


def _power(values: dict, transmitter: dict[str, tuple[float, float, float]] | None) -> PowerModel:
    """SAR coefficients, and the amplifier where the preset tells it."""
    plain = PowerModel(
        whole_body_W_per_kg_per_T2=values["power.whole_body"] * _PER_SQUARE_MICROTESLA,
        head_W_per_kg_per_T2=values["power.head"] * _PER_SQUARE_MICROTESLA,
        source="estimate for a head at the isocentre of a 3 T body coil, W/kg at 1 uT rms",
    )
    if transmitter is None:
        return plain
    forward, peak, mean = (transmitter[key][0] for key in ("forward", "peak", "mean"))
    return replace(plain, forward_W_per_T2=forward, peak_W=peak, mean_W=mean)


def _limits(values: dict) -> Limits:
    return Limits(
        gradient_T_per_m=values["gradient.amplitude"],
        slew_T_per_m_s=values["gradient.slew"],
        b1_peak_T=values["transmit.b1_peak"],
        b0_T=values["magnet.field"],
        block_raster_s=values["rasters.block"],
        gradient_raster_s=values["rasters.gradient"],
        rf_raster_s=values["rasters.rf"],
        adc_raster_s=values["rasters.adc"],
        rf_dead_time_s=values["rasters.rf_dead_time"],
        rf_ringdown_time_s=values["rasters.rf_ringdown_time"],
        adc_dead_time_s=values["rasters.adc_dead_time"],
    )


def _values(table: dict[str, object], origin: str) -> dict:
    """Every key of the file, flat ("table.key"), in SI."""
    _refuse_keys(set(table), set(_KEYS[""]) | set(_KEYS) - {""}, origin, "")
    values: dict[str, object] = {}
    for section, keys in _KEYS.items():
        part = table if section == "" else table[section]
        if not isinstance(part, dict):
            raise UsageError(f"preset {origin}: {section} must be a table.")
        if section:
            _refuse_keys(set(part), set(keys), origin, f"{section}.")
        for key, dimension in keys.items():
            name = f"{section}.{key}" if section else key
            values[name] = _value(part[key], dimension, f"preset {origin}, {name}")
    return values


def _refuse_keys(got: set[str], wanted: set[str], origin: str, prefix: str) -> None:
    for key in sorted(got - wanted):
        raise UsageError(f"preset {origin}: unknown key {prefix}{key}; wanted {', '.join(sorted(wanted))}.")
    for key in sorted(wanted - got):
        raise UsageError(f"preset {origin}: {prefix}{key} is missing.")


def _value(value: object, dimension: str | None, name: str) -> object:
    if dimension is None:
        if not isinstance(value, str):
            raise UsageError(f"{name}: got {value!r}, wanted text.")
        return value
    if isinstance(value, list):
        if len(value) != _LENGTH_AXES:
            raise UsageError(f"{name}: got {len(value)} values, wanted one per axis x, y, z.")
        return [parse_quantity(item, dimension, name) for item in value]
    return parse_quantity(value, dimension, name)
