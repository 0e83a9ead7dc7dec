"""Surfaces as STL (binary, millimetres), read through trimesh."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from jaxtyping import Float, Int

from fullbore.errors import FormatError, ValueRangeError
from fullbore.files.atomic import atomic_path
from fullbore.files.making.path_check import MM_PER_M, read_path

_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_HEAD = 80


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mesh:
    """Triangles with common vertices. volume_m3: within; meaningful where watertight (every edge in two triangles)."""

    vertices_m: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]
    watertight: bool
    volume_m3: float


def write_stl(path: Path, vertices_m: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]) -> None:
    """Triangles in their order. Coordinates are float32: 0.03 um at half a metre.

    Errors: ValueRangeError for a surface without triangles or with a coordinate that is no number.
    """
    if not len(faces) or not np.isfinite(vertices_m).all():
        raise ValueRangeError(f"{path.name}: got {len(faces)} triangles, wanted one or more, with finite coordinates.")
    triangles = np.zeros(len(faces), _TRIANGLE)
    corners = (vertices_m * MM_PER_M).astype(np.float32)[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    triangles["normal"] = normals / np.maximum(np.linalg.norm(normals, axis=1), 1e-30)[:, None]
    triangles["corners"] = corners
    head = b"Fullbore, millimetres".ljust(_HEAD, b" ") + np.uint32(len(faces)).tobytes()
    with atomic_path(path) as temporary:
        temporary.write_bytes(head + triangles.tobytes())


def read_stl(path: Path) -> Mesh:
    """Triangles of a binary or ASCII file, equal corners joined. Errors: FormatError for a file that is none."""
    try:
        found = trimesh.load_mesh(path, file_type="stl", process=False)
        read_path(np.asarray(found.vertices, dtype=np.float64) / MM_PER_M, path.stem, path)
        found.merge_vertices()
        vertices = np.asarray(found.vertices, dtype=np.float64) / MM_PER_M
        faces = np.asarray(found.faces, dtype=np.int64)
        watertight, volume = bool(found.is_watertight), float(found.volume) / MM_PER_M**3
    except FormatError:
        raise
    except Exception as error:  # foreign bytes make the parser raise whatever they meet
        raise FormatError(f"{path}: cannot be read as STL ({type(error).__name__}: {error}). Give an intact file.") from error
    return Mesh(vertices_m=vertices, faces=faces, watertight=watertight, volume_m3=volume)
