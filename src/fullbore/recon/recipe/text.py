"""Recipes as TOML: written by hand or by us, read back exactly."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fullbore.errors import UsageError
from fullbore.recon.recipe.tree import Recipe


def to_toml(recipe: Recipe, why: Mapping[str, str] | None = None) -> str:
    """The recipe as TOML, every value in it; `from_toml` of it is equal to it.

    why: a sentence for any part ("coils", "solver", ...), written as a comment before it. What is None is left out: absence
    means None, since that is the default of all that may be.
    """
    why = why or {}
    tree = recipe.to_dict()
    lines: list[str] = []
    for key, value in tree.items():
        if not isinstance(value, dict):
            lines += _comment(why, key)
            lines += [f"# {key}: none"] if value is None and key in why else []
            lines += [f"{key} = {_value(value)}"] if value is not None else []
    for key, value in tree.items():
        if isinstance(value, dict):
            lines += ["", *_comment(why, key), f"[{key}]"]
            lines += [f"{name} = {_value(item)}" for name, item in value.items() if item is not None]
    return "\n".join(lines).strip() + "\n"


def from_toml(text: str) -> Recipe:
    """The recipe that TOML describes; what is missing keeps its default. Errors: UsageError for what is not one."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"recipe: not TOML: {error}.") from error
    return Recipe.from_dict(tree)


def with_settings(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """The recipe with values changed: "noise_map=replica", "prior.weight=0.5", "coils.kind=Walsh", "prior=none".

    A part of another kind begins with that kind's defaults. Errors: UsageError for what a recipe does not have.
    """
    tree: dict[str, Any] = recipe.to_dict()
    # Kinds first, whatever the order: a part's values belong to its kind.
    for keys, value in sorted(_parsed(settings), key=lambda pair: pair[0][-1] != "kind"):
        if len(keys) == 1:
            optional = Recipe.__dataclass_fields__[keys[0]].default is None if keys[0] in tree else False
            tree[keys[0]] = None if value == "none" and optional else value
        elif keys[1] == "kind" and (tree.get(keys[0]) or {}).get("kind") != value:
            tree[keys[0]] = {"kind": value}
        else:
            part = tree.get(keys[0])
            if not isinstance(part, dict):
                raise UsageError(f"recipe: {'.'.join(keys)}: the recipe has no {keys[0]}. Set {keys[0]}.kind too.")
            part[keys[1]] = value
    return Recipe.from_dict(tree)


def _parsed(settings: Sequence[str]) -> Iterator[tuple[list[str], Any]]:
    for text in settings:
        key, equals, value = text.partition("=")
        keys = key.strip().split(".")
        if not equals or not all(keys) or len(keys) > 2:
            raise UsageError(f"recipe: {text!r}: wanted KEY=VALUE or PART.KEY=VALUE, for example prior.weight=0.5.")
        try:
            yield keys, tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            yield keys, value.strip()


def _comment(why: Mapping[str, str], key: str) -> list[str]:
    return [f"# {why[key]}"] if key in why else []


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items() if item is not None) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case _:
            return repr(value)
