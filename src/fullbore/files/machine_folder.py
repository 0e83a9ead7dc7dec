"""A machine as a folder: machine.toml, which a person reads and edits, and machine.npz with its maps."""

from __future__ import annotations

import hashlib
import json
import tomllib
import types
import typing
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fullbore.data import ScannerSpec
from fullbore.errors import FormatError, FullboreError
from fullbore.files.atomic import atomic_path
from fullbore.files.rounded_arrays import packed, rounded, unpacked

TABLE, ARRAYS = "machine.toml", "machine.npz"
_VERSION = 1


def machine_digest(spec: ScannerSpec) -> str:
    """SHA-256 over every number, name and array of a machine; a folder read back has the digest of what was written."""
    arrays: dict[str, np.ndarray] = {}
    return _digest(_tree(spec, "", arrays), arrays)


def _digest(tree: Any, arrays: dict[str, np.ndarray]) -> str:
    state = hashlib.sha256(json.dumps(tree, sort_keys=True).encode())
    for name in sorted(arrays):
        state.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        state.update(np.ascontiguousarray(arrays[name]).tobytes())
    return state.hexdigest()


def write_machine(spec: ScannerSpec, folder: Path, steps: Mapping[str, float] | None = None) -> str:
    """Both files into an existing folder; returns the digest, which stands in the table too: that of the machine as read back.

    The table holds SI values under the names of `ScannerSpec` and of its parts; "@name" stands for an array of the .npz.
    steps: name of an array -> power of two to whose multiples it is rounded, which keeps smooth ones in a fraction of the bytes.
    Errors: OutputError where the folder cannot be written; ValueRangeError for a step that cannot be (see `rounded`).
    """
    arrays: dict[str, np.ndarray] = {}
    tree, coarse = _tree(spec, "", arrays), dict(steps or {})
    arrays |= {name: rounded(arrays[name], step) for name, step in coarse.items()}
    sha, held = _digest(tree, arrays), dict(arrays)
    for name, step in coarse.items():
        held |= packed(name, arrays[name], step)
    with atomic_path(folder / ARRAYS) as temporary:
        np.savez_compressed(temporary, **held)  # type: ignore[arg-type]
    head = [
        f"# {spec.name}: SI units; the digest is that of all values and arrays.",
        f"format = {_VERSION}",
        f'sha256 = "{sha}"',
        "",
    ]
    with atomic_path(folder / TABLE) as temporary:
        temporary.write_text("\n".join([*head, *_lines(tree, ())]) + "\n", encoding="utf-8")
    return sha


def read_machine(folder: Path) -> ScannerSpec:
    """The machine of a folder that `write_machine` filled, or that somebody edited since.

    Errors: FormatError for a file that is missing, no TOML, of another format, or that lacks, misnames or mistypes a value.
    """
    table, path = _table(folder), folder / TABLE
    if table.pop("format", None) != _VERSION:
        raise FormatError(
            f"{path}: the line `format = {_VERSION}` is missing or another. Give a machine written by this version."
        )
    table.pop("sha256", None)
    try:
        with np.load(folder / ARRAYS, allow_pickle=False) as stored:
            arrays = unpacked({name: stored[name] for name in stored.files})
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise FormatError(f"{folder / ARRAYS}: cannot be read ({error}). Copy it beside {TABLE} again.") from error
    try:
        return typing.cast(ScannerSpec, _noun(ScannerSpec, table, arrays, ""))
    except FormatError:
        raise
    except FullboreError as error:
        raise FormatError(f"{path}: {error}") from error
    except (TypeError, ValueError, KeyError) as error:
        raise FormatError(f"{path}: {error}.") from error


def _table(folder: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((folder / TABLE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"machine {folder}: {TABLE} cannot be read ({error}). Give a folder that holds one.") from error
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"{folder / TABLE}: not TOML: {error}.") from error


def _tree(part: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """A noun as what TOML can say; None is left out, arrays go to `arrays`."""
    if isinstance(part, np.ndarray):
        arrays[name] = part
        return f"@{name}"
    if is_dataclass(part):
        inner = {item.name: getattr(part, item.name) for item in fields(part)}
        return {key: _tree(value, f"{name}.{key}".lstrip("."), arrays) for key, value in inner.items() if value is not None}
    if isinstance(part, tuple | list):
        return [_tree(value, f"{name}.{number}", arrays) for number, value in enumerate(part)]
    if isinstance(part, complex):
        return f"{part.real!r} {part.imag!r}"
    return part.item() if isinstance(part, np.generic) else part


def _lines(tree: dict[str, Any], above: tuple[str, ...]) -> Iterator[str]:
    tables = {key: value for key, value in tree.items() if _is_table(value)}
    for key, value in tree.items():
        if key not in tables:
            yield f"{key} = {_text(value)}"
    for key, value in tables.items():
        inner = (*above, key)
        for one in value if isinstance(value, list) else [value]:
            yield ""
            yield f"[[{'.'.join(inner)}]]" if isinstance(value, list) else f"[{'.'.join(inner)}]"
            yield from _lines(one, inner)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and len(value) > 0 and isinstance(value[0], dict))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_text(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _noun(kind: type, table: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    if not isinstance(table, dict):
        raise FormatError(f"machine, {name}: got {table!r}, wanted a table.")
    hints = typing.get_type_hints(kind)
    known = {item.name: item for item in fields(kind)}
    for key in table:
        if key not in known:
            raise FormatError(f"machine, {name or 'top'}: unknown key {key}; wanted some of {', '.join(known)}.")
    for key, item in known.items():
        if key not in table and item.default is MISSING and item.default_factory is MISSING:
            raise FormatError(f"machine, {name or 'top'}: {key} is missing.")
    made = {key: _value(hints[key], value, arrays, f"{name}.{key}".lstrip(".")) for key, value in table.items()}
    for key in known:  # a value that was None was not written, whatever the noun's default
        if key not in made and type(None) in typing.get_args(hints[key]):
            made[key] = None
    return kind(**made)


def _value(hint: Any, value: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _either([one for one in inner if one is not type(None)], value, arrays, name)
    if origin is tuple:
        if not isinstance(value, list):
            raise FormatError(f"machine, {name}: got {value!r}, wanted a list.")
        kinds = [inner[0]] * len(value) if len(inner) == 2 and inner[1] is Ellipsis else list(inner)
        if len(kinds) != len(value):
            raise FormatError(f"machine, {name}: got {len(value)} values, wanted {len(kinds)}.")
        pairs = enumerate(zip(kinds, value, strict=True))
        return tuple(_value(kind, item, arrays, f"{name}.{number}") for number, (kind, item) in pairs)
    if is_dataclass(hint):
        return _noun(typing.cast(type, hint), value, arrays, name)
    if hint is np.ndarray:
        return _array(value, arrays, name)
    if hint is complex and isinstance(value, str):
        real, imaginary = (float(number) for number in value.split())
        return complex(real, imaginary)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint in (int, bool, str) and type(value) is hint:
        return value
    raise FormatError(f"machine, {name}: got {value!r}, wanted {getattr(hint, '__name__', hint)}.")


def _either(kinds: list[Any], value: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    """The first of several kinds that takes the value; a text of two numbers is complex."""
    if complex in kinds and float in kinds:
        return _value(complex if isinstance(value, str) else float, value, arrays, name)
    if len(kinds) == 1:
        return _value(kinds[0], value, arrays, name)
    raise FormatError(f"machine, {name}: one of several kinds of value, which a table cannot tell.")


def _array(value: Any, arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    if not isinstance(value, str) or value[:1] != "@" or value[1:] not in arrays:
        raise FormatError(f'machine, {name}: got {value!r}, wanted "@" and the name of an array of {ARRAYS}.')
    return arrays[value[1:]]
