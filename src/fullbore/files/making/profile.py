"""Rings and spools as DXF sections and STEP solids: closed profiles of (radius, z), with edges along the axis or across it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from jaxtyping import Float

from fullbore.errors import FormatError, ValueRangeError
from fullbore.files.making.curve_step import FIRST_FREE, SHAPE_CONTEXT, length_scale, real, save_step, step_records, step_word
from fullbore.files.making.path_check import MM_PER_M
from fullbore.files.making.track_dxf import closed_lines, new_drawing, save_drawing

Profile = Float[np.ndarray, "p 2"]
_CIRCLE = re.compile(r"^CIRCLE\s*\(\s*'([^']*)'\s*,\s*#(\d+)\s*,\s*([^,()]+)\)$")
_PLACEMENT = re.compile(r"^AXIS2_PLACEMENT_3D\s*\(\s*'[^']*'\s*,\s*#(\d+)")
_POINT = re.compile(r"^CARTESIAN_POINT\s*\(\s*'[^']*'\s*,\s*\(([^()]*)\)\s*\)$")


def sound_profile(profile_m: Profile, name: str) -> Profile:
    """Corners (radius, z), counter-clockwise with the radius to the right, edges along z and along r in turn.

    Errors: ValueRangeError for less than four corners, a radius not over zero, a slanted edge, a clockwise run.
    """
    corners = np.asarray(profile_m, dtype=np.float64)
    if corners.ndim != 2 or len(corners) < 4 or not np.isfinite(corners).all() or not corners[:, 0].min() > 0:
        raise ValueRangeError(f"profile {name}: wanted four corners (radius, z) or more, finite, with radii over zero.")
    steps = np.abs(np.roll(corners, -1, axis=0) - corners)
    across = steps[:, 0] > steps[:, 1]
    if not (steps.min(axis=1) < 1e-9).all() or (across == np.roll(across, 1)).any():
        raise ValueRangeError(f"profile {name}: wanted edges along the axis and across it in turn.")
    r, z = corners.T
    if not float(np.sum(r * np.roll(z, -1) - np.roll(r, -1) * z)) > 0:
        raise ValueRangeError(f"profile {name}: runs clockwise. Turn the order of its corners.")
    return corners


def write_profiles_dxf(path: Path, profiles_m: dict[str, Profile]) -> None:
    """Sections as closed polylines, x along the axis and y the radius, one drawing layer each. Errors: as `sound_profile`."""
    drawing = new_drawing()
    for name, profile in profiles_m.items():
        corners = sound_profile(profile, name)[:, ::-1] * MM_PER_M
        drawing.modelspace().add_lwpolyline(corners.tolist(), close=True, dxfattribs={"layer": step_word(name)})
    save_drawing(drawing, path)


def read_profiles_dxf(path: Path) -> dict[str, Profile]:
    """Layer -> section (radius, z), m. Errors: FormatError for no DXF, another unit, no closed polylines."""
    return {layer: points[:, ::-1] for layer, points in closed_lines(path)}


def write_solids_step(path: Path, profiles_m: dict[str, Profile]) -> None:
    """Solids of revolution round z, exact: cylinders, annuli, circles. Errors: as `sound_profile`."""
    records: list[str] = []
    solids = []
    for name, profile in profiles_m.items():
        solid = _Solid(step_word(name), records)
        solids.append(solid.written(sound_profile(profile, name) * MM_PER_M))
    number = FIRST_FREE + len(records)
    representation = f"('{step_word(path.stem)}',(#18,{','.join(f'#{solid}' for solid in solids)}),#14)"
    records.append(f"#{number}=ADVANCED_BREP_SHAPE_REPRESENTATION{representation};")
    records.append(f"#{number + 1}=SHAPE_DEFINITION_REPRESENTATION({SHAPE_CONTEXT},#{number});")
    save_step(path, records)


class _Solid:
    """Writes the records of one solid, each under the next free number."""

    def __init__(self, name: str, records: list[str]) -> None:
        self._name, self._records = name, records

    def _add(self, text: str) -> int:
        number = FIRST_FREE + len(self._records)
        self._records.append(f"#{number}={text};")
        return number

    def written(self, corners: np.ndarray) -> int:
        """Number of the solid's record."""
        rims = [self._rim(float(r), float(z)) for r, z in corners]
        faces = []
        for n, (r, z) in enumerate(corners):
            m = (n + 1) % len(corners)
            rise = float(corners[m, 1] - z)
            if abs(rise) > abs(float(corners[m, 0] - r)):
                faces.append(self._wall(float(r), rims[n], rims[m], rise))
            else:
                faces.append(self._annulus(float(z), rims[n], rims[m], float(corners[m, 0] - r)))
        shell = self._add(f"CLOSED_SHELL('',({','.join(f'#{face}' for face in faces)}))")
        return self._add(f"MANIFOLD_SOLID_BREP('{self._name}',#{shell})")

    def _rim(self, radius: float, z: float) -> tuple[int, int]:
        """A circle's edge, counter-clockwise from above, and its vertex at azimuth 0."""
        point = self._add(f"CARTESIAN_POINT('',({real(radius)},0.,{real(z)}))")
        vertex = self._add(f"VERTEX_POINT('',#{point})")
        circle = self._add(f"CIRCLE('{self._name}',#{self._frame(z)},{real(radius)})")
        return self._add(f"EDGE_CURVE('',#{vertex},#{vertex},#{circle},.T.)"), vertex

    def _frame(self, z: float) -> int:
        middle = self._add(f"CARTESIAN_POINT('',(0.,0.,{real(z)}))")
        return self._add(f"AXIS2_PLACEMENT_3D('',#{middle},#16,#17)")

    def _wall(self, radius: float, first: tuple[int, int], second: tuple[int, int], rise: float) -> int:
        """A cylinder between two rims; material lies within where the profile rises."""
        low, high = (first, second) if rise > 0 else (second, first)
        begin = self._add(f"CARTESIAN_POINT('',({real(radius)},0.,0.))")
        vector = self._add("VECTOR('',#16,1.)")
        line = self._add(f"LINE('',#{begin},#{vector})")
        seam = self._add(f"EDGE_CURVE('',#{low[1]},#{high[1]},#{line},.T.)")
        turns = [(low[0], ".T."), (seam, ".T."), (high[0], ".F."), (seam, ".F.")]
        if rise < 0:
            turns = [(edge, ".F." if way == ".T." else ".T.") for edge, way in reversed(turns)]
        surface = self._add(f"CYLINDRICAL_SURFACE('',#{self._frame(0.0)},{real(radius)})")
        return self._face([("FACE_OUTER_BOUND", turns)], surface, rise > 0)

    def _annulus(self, z: float, first: tuple[int, int], second: tuple[int, int], widening: float) -> int:
        """A plane ring between two rims; its outside is below where the profile goes outward."""
        below = widening > 0
        outer, inner = (second, first) if below else (first, second)
        ways = (".F.", ".T.") if below else (".T.", ".F.")
        surface = self._add(f"PLANE('',#{self._frame(z)})")
        bounds = [("FACE_OUTER_BOUND", [(outer[0], ways[0])]), ("FACE_BOUND", [(inner[0], ways[1])])]
        return self._face(bounds, surface, not below)

    def _face(self, bounds: list[tuple[str, list[tuple[int, str]]]], surface: int, same: bool) -> int:
        numbers = []
        for kind, turns in bounds:
            edges = [self._add(f"ORIENTED_EDGE('',*,*,#{edge},{way})") for edge, way in turns]
            loop = self._add(f"EDGE_LOOP('',({','.join(f'#{edge}' for edge in edges)}))")
            numbers.append(self._add(f"{kind}('',#{loop},.T.)"))
        return self._add(f"ADVANCED_FACE('',({','.join(f'#{n}' for n in numbers)}),#{surface},{'.T.' if same else '.F.'})")


def read_solids_step(path: Path) -> dict[str, Profile]:
    """Name -> corners (radius, z), m, in the file's order: every named CIRCLE, placed on the z axis.

    Errors: FormatError for a file that is cut short, refers to what it lacks, or has no named circles.
    """
    records = step_records(path)
    scale, found = length_scale(records, path), dict[str, list[tuple[float, float]]]()
    for body in records.values():
        if (match := _CIRCLE.match(body)) and match[1]:
            try:
                placement = _PLACEMENT.match(records[int(match[2])])
                middle = _POINT.match(records[int(placement[1])]) if placement else None
                x, y, z = (float(value) for value in middle[1].split(",")) if middle else (1.0, 1.0, 0.0)
                radius = float(match[3])
            except (KeyError, ValueError) as error:
                raise FormatError(f"{path}: a circle of {match[1]!r} refers to what is not there ({error}).") from error
            if (x, y) != (0.0, 0.0) or not radius > 0 or not np.isfinite([radius, z]).all():
                raise FormatError(f"{path}: a circle of {match[1]!r} is not round the z axis.")
            found.setdefault(match[1], []).append((radius * scale, z * scale))
    if not found:
        raise FormatError(f"{path}: holds no named circle, wanted solids of revolution.")
    return {name: np.array(corners) for name, corners in found.items()}
