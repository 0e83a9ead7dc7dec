"""Recipes by name: the TOML files in `recipes/`, each with what it is for in its first line."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fullbore.errors import UsageError
from fullbore.recon.recipe import Recipe
from fullbore.recon.recipe.text import from_toml


def recipe_names() -> dict[str, str]:
    """Name and purpose of every recipe that comes along."""
    paths = sorted(path for path in _folder().iterdir() if path.suffix == ".toml")
    return {path.stem: path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ") for path in paths}


def named_recipe(name: str) -> Recipe:
    """The recipe of that name. Errors: UsageError for an unknown one; only these names are looked up, never a path."""
    known = recipe_names()
    if name not in known:
        raise UsageError(f"recipe: unknown name {name!r}; wanted one of {', '.join(known)}, or a TOML file.")
    return from_toml((_folder() / f"{name}.toml").read_text(encoding="utf-8"))


def _folder() -> Path:
    return Path(str(resources.files("fullbore.recon") / "recipes"))
