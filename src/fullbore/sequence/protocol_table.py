"""The door for protocol files: tables of texts with units become protocols, or one clear sentence."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import MISSING, fields
from types import GenericAlias
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, create_model

from fullbore.errors import UsageError
from fullbore.physics.units import parse_quantity
from fullbore.sequence.library import SEQUENCES
from fullbore.sequence.prescription import Protocol, Unit


def parse_protocol(table: dict[str, object], quick: bool = False) -> Protocol:
    """The protocol in a TOML document: a `[protocol]` table, and a `[quick]` table of what the small version changes.

    `protocol.sequence` is a key of SEQUENCES; quantities are texts with a unit, e.g. `repetition_time = "2300 ms"`.
    Errors: UsageError for an unknown key (with the nearest known one), unit or value, and for a missing key.
    """
    refuse_unknown("protocol file", table, ("protocol", "quick"))
    settings = {**_sub_table(table, "protocol"), **(_sub_table(table, "quick") if quick else {})}
    sequence = settings.pop("sequence", None)
    if not isinstance(sequence, str) or sequence not in SEQUENCES:
        raise UsageError(f"protocol.sequence: got {sequence!r}, wanted one of {', '.join(SEQUENCES)}.")
    kind = SEQUENCES[sequence].protocol
    known = tuple(item.name for item in fields(kind))
    refuse_unknown("protocol", settings, known)
    refuse_unknown("quick", {k: v for k, v in _sub_table(table, "quick").items() if k != "sequence"}, known)
    try:
        model = _door(kind).model_validate(settings)
    except ValidationError as error:
        raise UsageError(_sentence(error)) from None
    return kind(**{name: getattr(model, name) for name in known})


def refuse_unknown(where: str, table: dict[str, object], known: tuple[str, ...]) -> None:
    """Raise UsageError for the first key that is not known, naming the nearest one that is."""
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            advice = f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(known)}."
            raise UsageError(f"{where}: unknown key {key!r}; {advice}")


def _sub_table(table: dict[str, object], name: str) -> dict[str, Any]:
    """One table of the document, {} when it is absent and optional."""
    part = table.get(name, None if name == "protocol" else {})
    if not isinstance(part, dict):
        raise UsageError(f"protocol file: got no table [{name}], wanted one with the settings.")
    return part


def _door(kind: type[Any]) -> type[BaseModel]:
    """The pydantic model of a protocol type: same fields, texts with units in, SI out."""
    hints = get_type_hints(kind, include_extras=True)
    columns: dict[str, Any] = {}
    for item in fields(kind):
        default = ... if item.default is MISSING else item.default
        columns[item.name] = (_with_units(hints[item.name], item.name), default)
    config = ConfigDict(extra="forbid", strict=False, allow_inf_nan=False)
    return create_model(f"{kind.__name__}Table", __config__=config, **columns)


def _with_units(hint: Any, name: str) -> Any:
    """A type hint in which every Unit mark has become a parser of texts."""
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        units = [mark for mark in marks if isinstance(mark, Unit)]
        rest = tuple(mark for mark in marks if not isinstance(mark, Unit))
        parsers = tuple(BeforeValidator(_parser(unit.dimension, name)) for unit in units)
        return Annotated[(_with_units(inner, name), *rest, *parsers)]
    if get_origin(hint) is tuple:
        parts = tuple(part if part is Ellipsis else _with_units(part, name) for part in get_args(hint))
        return GenericAlias(tuple, parts)
    return hint


def _parser(dimension: str, name: str) -> Callable[[object], float]:
    """A parser of one quantity that names the field in its errors."""
    return lambda text: parse_quantity(text, dimension, name)


def _sentence(error: ValidationError) -> str:
    """The first problem as one sentence."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"protocol.{where}: got nothing, wanted a value. Add the key."
    return f"protocol.{where}: got {first['input']!r}, {first['msg'].lower()}."
