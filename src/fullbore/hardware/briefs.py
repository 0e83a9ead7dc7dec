"""Briefs of parts: shipped as presets, written in TOML with units, read strictly into frozen values in SI."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import fields, is_dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from fullbore.errors import UsageError
from fullbore.physics.units import UNITS, parse_quantity

_Brief = TypeVar("_Brief")
_QUANTITY = "quantity"
# Dimension -> what no part of a machine comes near, SI (a choice): beyond it squares and cubes soon leave the numbers.
_MOST = {
    "length": 1e6, "field": 100.0, "gradient": 100.0, "slew": 1e6, "current": 1e6, "voltage": 1e6, "frequency": 1e12,
    "time": 1e6, "level": 1e3, "share": 1e3, "angle": 1e3, "power": 1e9,
}  # fmt: skip
_MOST_OF_ALL = 1e15


def measured(text: object, dimension: str, name: str) -> float:
    """The SI value of a text with a unit, as a part of a machine can have it. name: where it stands, for the error.

    dimension: a key of `physics.units.UNITS`. Errors: UsageError for anything else, or for what is beyond all machines.
    """
    value, most = parse_quantity(text, dimension, name), _MOST.get(dimension, _MOST_OF_ALL)
    if abs(value) > most:
        raise UsageError(f"{name}: got {text!r}, wanted at most {most:g} {next(iter(UNITS[dimension]))}.")
    return value


def quantity(dimension: str) -> BeforeValidator:
    """The mark of a field that is written as a text with a unit. dimension: a key of `physics.units.UNITS`."""

    def parse(text: object) -> float:
        try:
            return measured(text, dimension, "")
        except UsageError as error:
            # Only `read_brief` knows where in the brief this is.
            raise PydanticCustomError(_QUANTITY, "{said}", {"said": str(error)}) from None

    return BeforeValidator(parse)


def strict(units: str) -> ConfigDict:
    """The configuration of a brief's dataclass: no unknown key, no infinity; a key is the field's name less its unit.

    units: the endings of names that are units, apart by blanks, e.g. "m T_per_m"; there, the value says its own.
    """
    ending = re.compile(f"_({'|'.join(units.split())})$")
    return ConfigDict(extra="forbid", allow_inf_nan=False, alias_generator=lambda name: ending.sub("", name))


def preset_names(package: str) -> tuple[str, ...]:
    """Names of the TOML files in the folder `presets` of a package, sorted."""
    return tuple(sorted(item.name.removesuffix(".toml") for item in _folder(package).iterdir() if item.name.endswith(".toml")))


def preset_table(package: str, name: str, what: str) -> dict[str, Any]:
    """The document of one of them. what: names it in the error, e.g. "magnet preset". Errors: UsageError when there is none."""
    known = preset_names(package)
    if name not in known:
        raise UsageError(f"{what} {name!r}: unknown; wanted one of {', '.join(known)}.")
    return tomllib.loads((_folder(package) / f"{name}.toml").read_text(encoding="utf-8"))


def read_brief(kind: type[_Brief], table: dict[str, Any], who: str) -> _Brief:
    """A brief from a TOML document. kind: a dataclass with `strict` configuration. who: e.g. "magnet brief 75cm".

    Errors: UsageError for an unknown or missing key, a wrong unit, a value out of range.
    """
    try:
        return TypeAdapter(kind).validate_python(table)
    except ValidationError as error:
        raise UsageError(_sentence(error, kind, who)) from None


def _folder(package: str) -> Traversable:
    return resources.files(package) / "presets"


def _sentence(error: ValidationError, kind: type, who: str) -> str:
    """The first problem as one sentence; keys that are unknown first, as they explain those that are missing."""
    problems = error.errors()
    first = min(problems, key=lambda problem: problem["type"] != "unexpected_keyword_argument")
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{who}: {where} is missing. Add the key."
    if first["type"] == "unexpected_keyword_argument":
        return f"{who}: unknown key {where}; {_advice(kind, first['loc'])}"
    if first["type"] == _QUANTITY:
        return f"{who}, {where}{first['msg']}"
    return f"{who}, {where}: got {first['input']!r}, {first['msg'].lower()}."


def _advice(kind: type, loc: tuple[str | int, ...]) -> str:
    """The key that was meant, or all that there are in that table."""
    known = _keys(kind)
    for step in loc[:-1]:
        known = _keys(_table_of(known[step])) if isinstance(step, str) else known
    near = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return f"did you mean {near[0]}?" if near else f"wanted {', '.join(known)}."


def _keys(kind: Any) -> dict[str, Any]:
    """Key of the file -> type hint of its field."""
    named, hints = kind.__pydantic_config__["alias_generator"], get_type_hints(kind)
    return {named(item.name): hints[item.name] for item in fields(kind)}


def _table_of(hint: Any) -> Any:
    """The dataclass within a hint such as `tuple[Stage, ...] | None`."""
    if is_dataclass(hint):
        return hint
    return next(filter(None, map(_table_of, get_args(hint))), None)
