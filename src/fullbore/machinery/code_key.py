"""Which code computes: a key that changes with any line of the package, and with the libraries that it counts on."""

from __future__ import annotations

import functools
import hashlib
import platform
import sys
from importlib import metadata, resources
from importlib.resources.abc import Traversable

_LIBRARIES = ("numpy", "scipy", "numba", "llvmlite", "clarabel", "contourpy", "torch", "finufft")
_SOURCES = (".py", ".toml", ".json", ".csv")


@functools.cache
def code_digest() -> str:
    """SHA-256 over all source and tables of the package, the versions of its libraries and of Python, and the processor's kind.

    Two results of equal inputs under equal keys came from the same program; what was kept under another is computed anew.
    """
    state = hashlib.sha256(f"{sys.version} {platform.machine()} {platform.system()}".encode())
    for library in _LIBRARIES:
        try:
            state.update(f"{library} {metadata.version(library)}\n".encode())
        except metadata.PackageNotFoundError:
            state.update(f"{library} -\n".encode())
    _add(resources.files("fullbore"), "", state)
    return state.hexdigest()


def _add(place: Traversable, name: str, state: hashlib._Hash) -> None:
    """A folder's sources in the order of their names."""
    for item in sorted(place.iterdir(), key=lambda one: one.name):
        if item.is_dir() and not item.name.startswith(("__pycache__", ".")):
            _add(item, f"{name}/{item.name}", state)
        elif item.name.endswith(_SOURCES):
            state.update(f"{name}/{item.name}\n".encode())
            state.update(hashlib.sha256(item.read_bytes()).digest())
