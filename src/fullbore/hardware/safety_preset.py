"""The parts of a preset that only the safety check needs; a preset may lack any of them, but not half of one."""

from __future__ import annotations

from typing import Any

from fullbore.data import ForbiddenBand, GradientChain, HeatLimit, SafeModel, SoundModel
from fullbore.errors import UsageError
from fullbore.physics.units import parse_quantity

_AXES = 3

# table -> key -> dimension; None marks plain text. A quantity is one for all axes or a list of three; bands are lists.
_TIMES: dict[str, str | None] = dict.fromkeys(("tau1", "tau2", "tau3"), "time")
_SHARES: dict[str, str | None] = dict.fromkeys(("a1", "a2", "a3", "g_scale"), "share")
SAFETY_KEYS: dict[str, dict[str, str | None]] = {
    "safe": _TIMES | _SHARES | {"stim_limit": "slew", "stim_threshold": "slew", "source": None},
    "chain": {
        "current": "current",
        "voltage": "voltage",
        "sensitivity": "gradient sensitivity",
        "inductance": "inductance",
        "resistance": "resistance",
        "amplifier_current": "current",
        "amplifier_time": "time",
        "coil_current": "current",
        "coil_time": "time",
        "source": None,
    },
    "sound": {"bands": "band", "ring": "time", "pressure": "sound response", "corner": "frequency", "source": None},
    "transmitter": {"forward": "forward power", "peak": "power", "mean": "power"},
}
_BAND = ("frequency", "frequency", "gradient")


def safety_tables(table: dict[str, object], origin: str) -> dict[str, dict[str, Any]]:
    """The tables of SAFETY_KEYS that the file has, in SI; axes as triples. Errors: UsageError."""
    found = {}
    for section, keys in SAFETY_KEYS.items():
        if section not in table:
            continue
        part = table[section]
        if not isinstance(part, dict) or set(part) != set(keys):
            got = sorted(part) if isinstance(part, dict) else part
            raise UsageError(f"preset {origin}, {section}: got {got}, wanted all of {', '.join(sorted(keys))}.")
        found[section] = {key: _value(part[key], dim, f"preset {origin}, {section}.{key}") for key, dim in keys.items()}
    return found


def _value(value: object, dimension: str | None, name: str) -> object:
    """Text, a triple, or a list of bands."""
    if dimension is None:
        if not isinstance(value, str):
            raise UsageError(f"{name}: got {value!r}, wanted text.")
        return value
    if dimension == "band":
        if not isinstance(value, list) or not all(isinstance(row, list) and len(row) == len(_BAND) for row in value):
            raise UsageError(f"{name}: got {value!r}, wanted a list of [from, to, limit].")
        return [tuple(parse_quantity(q, dim, name) for q, dim in zip(row, _BAND, strict=True)) for row in value]
    every = value if isinstance(value, list) else [value] * _AXES
    if len(every) != _AXES:
        raise UsageError(f"{name}: got {len(every)} values, wanted one, or one per axis x, y, z.")
    return tuple(parse_quantity(item, dimension, name) for item in every)


def safe_model(part: dict[str, Any]) -> SafeModel:
    """SAFE of a machine."""
    return SafeModel(
        tau1_s=part["tau1"], tau2_s=part["tau2"], tau3_s=part["tau3"], a1=part["a1"], a2=part["a2"], a3=part["a3"],
        stim_limit_T_per_m_s=part["stim_limit"], stim_threshold_T_per_m_s=part["stim_threshold"], g_scale=part["g_scale"],
        source=part["source"],
    )  # fmt: skip


def gradient_chain(part: dict[str, Any]) -> GradientChain:
    """Amplifiers and coil; each amplifier warms by itself, the coil by all three axes."""
    heat = (
        HeatLimit(part="amplifier", time_constant_s=part["amplifier_time"][0], continuous_A=part["amplifier_current"]),
        HeatLimit(part="coil", time_constant_s=part["coil_time"][0], continuous_A=part["coil_current"], shared=True),
    )
    return GradientChain(
        sensitivity_T_per_m_A=part["sensitivity"], inductance_H=part["inductance"], resistance_ohm=part["resistance"],
        voltage_V=part["voltage"], current_A=part["current"], heat=heat, source=part["source"],
    )  # fmt: skip


def sound_model(part: dict[str, Any]) -> SoundModel:
    """Bands, memory and the plain response."""
    bands = tuple(ForbiddenBand(low_Hz=low, high_Hz=high, limit_T_per_m=limit) for low, high, limit in part["bands"])
    return SoundModel(
        bands=bands, ring_s=part["ring"][0], pressure_Pa_m_per_T=part["pressure"][0], corner_Hz=part["corner"][0],
        source=part["source"],
    )  # fmt: skip
