"""Protocol fields as people write them, so that what is printed can be read back as the very same value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from fullbore.physics.units import UNITS, parse_quantity
from fullbore.sequence.prescription import Protocol, Unit

_WRITTEN_IN = {
    "time": "ms",
    "length": "mm",
    "angle": "deg",
    "field": "uT",
    "frequency": "Hz",
    "bandwidth": "Hz/px",
    "velocity": "cm/s",
    "diffusion weighting": "s/mm2",
    "share": "%",
}
_DIGITS = 12


def setting(protocol: Protocol, field: str, value: Any) -> str:
    """A value of a field as a protocol file has it, without the quotes of a single text: "2.94 ms", ["60 ms", "90 ms"], 4."""
    return _text(value, _hint(protocol, field), quoted=False)


def with_settings(protocol: Protocol, changes: Mapping[str, Any]) -> Protocol:
    """The protocol with other values, each as it is once written and read back."""
    made: Any = protocol
    return replace(made, **{field: _read_back(value, _hint(protocol, field), field) for field, value in changes.items()})


def dimension(protocol: Protocol, field: str) -> str:
    """A key of UNITS, or "" for a plain number or text."""
    return _dimension(_hint(protocol, field))


def written_unit(name: str) -> tuple[str, float]:
    """The unit in which values of a dimension are written, and its factor to SI; ("", 1) for the dimension ""."""
    unit = _WRITTEN_IN.get(name, next(iter(UNITS.get(name, {"": 1.0}))))
    return unit, UNITS.get(name, {"": 1.0})[unit]


def _hint(protocol: Protocol, field: str) -> Any:
    return get_type_hints(type(protocol), include_extras=True)[field]


def _dimension(hint: Any) -> str:
    """The first Unit mark in a type hint, however deep."""
    if get_origin(hint) is Annotated:
        marks = [mark.dimension for mark in get_args(hint)[1:] if isinstance(mark, Unit)]
        return marks[0] if marks else _dimension(get_args(hint)[0])
    inner = [_dimension(part) for part in get_args(hint) if part is not Ellipsis]
    return next((name for name in inner if name), "")


def _text(value: Any, hint: Any, *, quoted: bool) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_text(part, hint, quoted=True) for part in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    name = _dimension(hint)
    if name:
        unit, factor = written_unit(name)
        text = f"{value / factor:.{_DIGITS}g} {unit}"
    else:
        text = f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)
    return f'"{text}"' if quoted and (name or isinstance(value, str)) else text


def _read_back(value: Any, hint: Any, field: str) -> Any:
    if isinstance(value, tuple):
        return tuple(_read_back(part, hint, field) for part in value)
    name = _dimension(hint)
    if name:
        return parse_quantity(_text(value, hint, quoted=False), name, field)
    return float(_text(value, hint, quoted=False)) if isinstance(value, float) else value
