"""Surfaces that others have drawn: STL, OBJ, PLY or OFF, read through trimesh; coordinates as the file has them, without a
unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from jaxtyping import Float, Int

from fullbore.errors import FormatError

_KINDS = ("stl", "obj", "ply", "off")


def read_surface(path: Path) -> tuple[Float[np.ndarray, "v 3"], Int[np.ndarray, "f 3"]]:
    """Vertices and triangles, equal corners joined.

    Errors: FormatError for a file that is missing, of another kind, cut short, or holds what is no number.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in _KINDS:
        raise FormatError(f"{path}: got a file .{kind}, wanted one of {', '.join(_KINDS)}. Export the surface as STL.")
    if not path.is_file():
        raise FormatError(f"{path}: no such file. Give the path of a surface.")
    try:
        found = trimesh.load_mesh(path, file_type=kind, process=False)
        found.merge_vertices(merge_tex=True, merge_norm=True)
        vertices, faces = np.asarray(found.vertices, dtype=np.float64), np.asarray(found.faces, dtype=np.int64)
    except Exception as error:  # foreign bytes make the parser raise whatever they meet
        told = f"{type(error).__name__}: {error}"
        raise FormatError(f"{path}: cannot be read as {kind.upper()} ({told}). Give an intact file.") from error
    if faces.ndim != 2 or not len(faces) or not np.isfinite(vertices).all():
        raise FormatError(
            f"{path}: got {len(faces)} triangles, wanted one or more, with finite coordinates. Give an intact file."
        )
    return vertices, faces
