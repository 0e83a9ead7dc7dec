"""Wires as DXF: polylines in space, or unrolled with one drawing layer per cylinder. R2010, millimetres."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezdxf
import numpy as np
from ezdxf.document import Drawing

from fullbore.errors import FormatError, FullboreError
from fullbore.files.atomic import atomic_path
from fullbore.files.making.flat import FlatPiece, folded, unrolled
from fullbore.files.making.path_check import MM_PER_M, read_path, sound_path

_MILLIMETRES, _METRES = 4, 6
_FLAT_LAYER = re.compile(r"^(?P<name>.+)-radius-(?P<radius>\d+\.\d{3})mm$")
_COLOURS = (1, 5, 3, 30, 6, 4)


def write_dxf(path: Path, tracks_m: dict[str, np.ndarray]) -> None:
    """One 3-D polyline a wire, on the drawing layer of its name. Errors: ValueRangeError for what is no path."""
    drawing = new_drawing()
    for number, (name, track) in enumerate(tracks_m.items()):
        _draw(drawing, _sound_name(name), sound_path(track, name), number)
    save_drawing(drawing, path)


def read_dxf(path: Path) -> dict[str, np.ndarray]:
    """Drawing layer -> wire, m; several polylines of one layer follow each other.

    Errors: FormatError for a file that is no DXF, has another unit, or no polylines.
    """
    found: dict[str, list[np.ndarray]] = {}
    for layer, points in _polylines(path):
        found.setdefault(layer, []).append(points)
    return {layer: read_path(np.concatenate(runs), layer, path) for layer, runs in found.items()}


def write_flat_dxf(path: Path, tracks_m: dict[str, np.ndarray], radii_m: dict[str, tuple[float, ...]]) -> None:
    """Wires unrolled: x along the bore, y angle times radius, z height over the cylinder, whose radius is in the layer's name.

    radii_m: per wire, of the cylinders that it lies on. Errors: as `unrolled`.
    """
    drawing = new_drawing()
    for number, (name, track) in enumerate(tracks_m.items()):
        for piece in unrolled(track, radii_m[name]):
            layer = f"{_sound_name(name)}-radius-{piece.radius_m * MM_PER_M:.3f}mm"
            _draw(drawing, layer, piece.points_m, number)
    save_drawing(drawing, path)


def read_flat_dxf(path: Path) -> dict[str, np.ndarray]:
    """Wires folded back round the axis, m. Errors: FormatError as `read_dxf`, and for layers without a radius, or runs apart."""
    found: dict[str, list[FlatPiece]] = {}
    for layer, points in _polylines(path):
        match = _FLAT_LAYER.match(layer)
        if match is None or float(match["radius"]) == 0:
            raise FormatError(f"{path}: got the layer {layer!r}, wanted NAME-radius-411.000mm. Give a drawing of flat tracks.")
        run = read_path(points, layer, path)
        found.setdefault(match["name"], []).append(FlatPiece(radius_m=float(match["radius"]) / MM_PER_M, points_m=run))
    try:
        return {name: folded(pieces) for name, pieces in found.items()}
    except FullboreError as error:
        raise FormatError(f"{path}: {error}") from error


def _sound_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name) or "wire"


def _draw(drawing: Drawing, layer: str, points_m: np.ndarray, number: int) -> None:
    if layer not in drawing.layers:
        drawing.layers.add(layer, color=_COLOURS[number % len(_COLOURS)])
    drawing.modelspace().add_polyline3d((points_m * MM_PER_M).tolist(), dxfattribs={"layer": layer})


def new_drawing() -> Drawing:
    """An empty drawing in millimetres."""
    return ezdxf.new("R2010", units=_MILLIMETRES)


def save_drawing(drawing: Drawing, path: Path) -> None:
    """Whole or not at all."""
    with atomic_path(path) as temporary:
        drawing.saveas(temporary)


def closed_lines(path: Path) -> list[tuple[str, np.ndarray]]:
    """(layer, corners (x, y) in m) of closed flat polylines, in the file's order. Errors: FormatError as `read_dxf`."""
    return _lines(path, "LWPOLYLINE", lambda line: [point[:2] for point in line.get_points()] if line.closed else [])


def _polylines(path: Path) -> list[tuple[str, np.ndarray]]:
    return _lines(path, "POLYLINE", lambda line: [tuple(vertex.dxf.location) for vertex in line.vertices])


def _lines(path: Path, kind: str, points_of: Callable[[Any], list[Any]]) -> list[tuple[str, np.ndarray]]:
    """(layer, points in m) in the file's order."""
    try:
        drawing = ezdxf.readfile(path)
        units = int(drawing.units)
        read = [(str(line.dxf.layer), points_of(line)) for line in drawing.modelspace().query(kind)]
        lines = [(layer, np.array(points, dtype=np.float64)) for layer, points in read if points]
    except Exception as error:  # foreign bytes make the parser raise whatever they meet
        raise FormatError(f"{path}: cannot be read as DXF ({type(error).__name__}: {error}). Give an intact file.") from error
    scale = {_MILLIMETRES: 1 / MM_PER_M, _METRES: 1.0}.get(units)
    if scale is None:
        raise FormatError(f"{path}: got $INSUNITS {units}, wanted 4 (mm) or 6 (m). Set the drawing's unit.")
    if not lines:
        raise FormatError(f"{path}: holds no {kind} with points, wanted one a wire.")
    return [(layer, points * scale) for layer, points in lines]
