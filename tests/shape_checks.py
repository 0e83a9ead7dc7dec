"""Types and shapes checked as by jaxtyping's import hook, at less than half of its price.

jaxtyping calls the type checker three times a call, on stand-ins for the function, and binds the arguments by name to write
its message. Here beartype stands on the function itself: arguments and result are checked once each, against one table of
axis lengths, which is made only where an annotation may name axes. What this does not cover is left to jaxtyping: functions
within functions, which beartype would keep alive with all that they hold, generators, lengths computed from arguments
("{n}"), constructors with inherited fields, whose annotations name types of another module (jaxtyping leaves those fields
unchecked), and whatever beartype cannot read.
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeException
from jaxtyping import TypeCheckError, jaxtyped

PACKAGE = "fullbore"
# Bytecode with checks, apart from that without; a new number where the marks in the source change.
BYTECODE = Path(__file__).resolve().parent / "__pycache__" / "checked-1"
MARK = "__checks_shapes__"
_NAME = re.compile(r"[A-Za-z_]\w*")
_beartyped = beartype(conf=BeartypeConf(violation_type=TypeCheckError))


def checked(what: Any) -> Any:
    """A function or a dataclass that checks its annotations; any other class as it is."""
    if inspect.isclass(what):
        return _with_checked_constructor(what)
    notes = what.__annotations__
    written = " ".join(note if isinstance(note, str) else "'" for note in notes.values())
    unread = what.__name__ == "__init__" and not _can_be_read(what)
    if "<locals>" in what.__qualname__ or "{" in written or unread or inspect.isgeneratorfunction(what):
        return _checked_by_jaxtyping(what)
    try:
        beartyped = _beartyped(what)
    except (BeartypeException, TypeCheckError):
        return _checked_by_jaxtyping(what)
    return _with_axes(beartyped) if _may_name_axes(written, what.__globals__) else beartyped


def _checked_by_jaxtyping(function: Callable[..., Any]) -> Callable[..., Any]:
    return jaxtyped(function, typechecker=beartype)


def _with_checked_constructor(kind: type) -> type:
    """A dataclass is checked where it is made, once also if it inherits its constructor."""
    constructor = kind.__init__
    if dataclasses.is_dataclass(kind) and not hasattr(constructor, MARK):
        kind.__init__ = checked(constructor)  # type: ignore[misc]
        setattr(kind.__init__, MARK, True)
    return kind


def _can_be_read(constructor: Callable[..., Any]) -> bool:
    try:
        typing.get_type_hints(constructor)
    except Exception:  # as jaxtyping does: an annotation may raise anything
        return False
    return True


def _with_axes(function: Callable[..., Any]) -> Callable[..., Any]:
    """One table of axis lengths a call."""

    @wraps(function)
    def with_axes(*args: Any, **kwargs: Any) -> Any:
        with jaxtyped("context"):
            return function(*args, **kwargs)

    return with_axes


def _may_name_axes(written: str, names: dict[str, Any]) -> bool:
    """Whether an annotation holds a string, or a name that is unknown or stands for a type with axes in it."""
    return bool({"'", '"'} & set(written)) or any(_has_axes(name, names) for name in _NAME.findall(written))


def _has_axes(name: str, names: dict[str, Any]) -> bool:
    if name in names:
        return _type_has_axes(names[name])
    return not hasattr(builtins, name)


def _type_has_axes(kind: Any) -> bool:
    if isinstance(kind, types.ModuleType):
        return False  # its attributes follow as names of their own, unknown ones
    if isinstance(kind, (str, typing.TypeVar)) or getattr(kind, "__module__", "").startswith("jaxtyping"):
        return True
    return any(_type_has_axes(part) for part in typing.get_args(kind))


class _Marks(ast.NodeTransformer):
    """Puts `checked` nearest to each function and farthest from each class; what is under `no_type_check` stays as it is."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._marked(node, len(node.decorator_list))

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._marked(node, 0)

    def _marked(self, node: ast.FunctionDef | ast.ClassDef, place: int) -> ast.AST:
        if any("no_type_check" in ast.unparse(decorator) for decorator in node.decorator_list):
            return node
        self.generic_visit(node)
        call = ast.parse(f"__import__({__name__!r}, fromlist=['checked']).checked", mode="eval").body
        node.decorator_list.insert(place, ast.copy_location(call, node))
        return node


class _Loader(SourceFileLoader):
    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> types.CodeType:
        tree = ast.fix_missing_locations(_Marks().visit(ast.parse(data, path)))
        return compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)

    def get_code(self, fullname: str) -> types.CodeType | None:
        kept, sys.pycache_prefix = sys.pycache_prefix, str(BYTECODE)
        try:
            return super().get_code(fullname)
        finally:
            sys.pycache_prefix = kept


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] != PACKAGE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def install() -> None:
    """From here on every module of the package is checked as it is imported."""
    if PACKAGE in sys.modules:
        raise RuntimeError(f"{PACKAGE} is imported already, without checks")
    sys.meta_path.insert(0, _Finder())
