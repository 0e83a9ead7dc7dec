"""What a system's brief says: a base machine and, part by part, a preset with changes, or all of the part's own brief."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fullbore.cli.bodies import setting
from fullbore.data import Magnet
from fullbore.errors import UsageError
from fullbore.files.winding_table import read_windings
from fullbore.hardware import Parts, designed_machines
from fullbore.hardware.array import parse_array_brief
from fullbore.hardware.briefs import preset_table
from fullbore.hardware.gradient import parse_gradient_brief
from fullbore.hardware.magnet import design_magnet
from fullbore.hardware.magnet.brief import parse_magnet_brief
from fullbore.hardware.power_amplifier.brief import parse_amplifier_brief
from fullbore.hardware.rf.brief import parse_birdcage_brief
from fullbore.hardware.spectrometer.brief import parse_spectrometer_brief
from fullbore.machinery import read_toml

HOMES = {
    "magnet": "magnet",
    "gradient": "gradient",
    "amplifier": "power_amplifier",
    "transmit": "rf",
    "receive": "array",
    "spectrometer": "spectrometer",
}
"""Part -> package of `fullbore.hardware` whose presets it takes."""
SHIPPED = "fullbore-75cm-designed"
"""The machine whose brief is taken where none is given."""
_PARSERS: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "gradient": parse_gradient_brief,
    "amplifier": parse_amplifier_brief,
    "transmit": parse_birdcage_brief,
    "receive": parse_array_brief,
    "spectrometer": parse_spectrometer_brief,
}
Tables = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemBrief:
    """name; base: a preset or a machine's folder; tables: part -> all of its own brief, nothing left to look up."""

    name: str
    base: str
    tables: Tables


def system_brief(path: Path | None) -> SystemBrief:
    """From a file, or the 75 cm machine's. Errors: UsageError for unknown keys, parts or presets."""
    shipped = designed_machines()[SHIPPED] / "brief.toml"
    table = tomllib.loads(shipped.read_text(encoding="utf-8")) if path is None else read_toml(path)
    origin = SHIPPED if path is None else str(path)
    for key in table:
        if key not in ("name", "base", *HOMES):
            raise UsageError(f"system brief {origin}: unknown key {key}; wanted name, base, {', '.join(HOMES)}.")
    for key in ("name", "base"):
        if not isinstance(table.get(key), str):
            raise UsageError(f"system brief {origin}: {key} is missing or no text. Add it.")
    folder = Path() if path is None else path.parent
    tables = {part: _resolved(part, table[part], folder, origin) for part in HOMES if part in table}
    return SystemBrief(name=table["name"], base=table["base"], tables=tables)


def changed(tables: Tables, texts: list[str]) -> Tables:
    """Tables with PART.KEY...=VALUE texts put in. Errors: UsageError for a part or table that is not there."""
    result = {part: _copied(table) for part, table in tables.items()}
    for text in texts:
        key, value = setting(text)
        *path, last = key.split(".")
        place: Any = result
        for step in path:
            if not isinstance(place, dict) or step not in place:
                raise UsageError(f"--set {text}: there is no {step}; wanted one of {', '.join(place)}.")
            place = place[step]
        if not path or not isinstance(place, dict):
            raise UsageError(f"--set {text}: wanted PART.KEY=VALUE, e.g. gradient.limits.linearity='4 %'.")
        place[last] = value
    return result


def parts_of(tables: Tables, tell: Callable[[float, str], None]) -> Parts:
    """The briefs of the parts; a magnet that is not given by its windings is designed here."""
    made: dict[str, Any] = {part: _PARSERS[part](table, part) for part, table in tables.items() if part in _PARSERS}
    if "magnet" in tables:
        made["magnet"] = _magnet(tables["magnet"], tell)
    return Parts(**made)


def _magnet(table: dict[str, Any], tell: Callable[[float, str], None]) -> Magnet:
    if "windings" in table:
        return read_windings(Path(table["windings"]))
    return design_magnet(parse_magnet_brief(table, "magnet"), tell)


def _resolved(part: str, table: Any, folder: Path, origin: str) -> dict[str, Any]:
    """A part's own brief with the preset's keys under the changes."""
    if not isinstance(table, dict):
        raise UsageError(f"system brief {origin}, {part}: got {table!r}, wanted a table.")
    changes = dict(table)
    if part == "magnet" and "windings" in changes:
        if not isinstance(changes["windings"], str):
            raise UsageError(f"system brief {origin}, magnet.windings: got {changes['windings']!r}, wanted a file's name.")
        return {"windings": str(folder / changes["windings"])}
    preset = changes.pop("preset", None)
    if preset is None:
        return changes
    below = preset_table(f"fullbore.hardware.{HOMES[part]}", preset, f"system brief {origin}, {part}.preset")
    return _merged(below, changes)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def _copied(table: dict[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) if isinstance(value, dict) else value for key, value in table.items()}
