"""Wires as curves in a STEP file (ISO 10303-21, application protocol 214), millimetres."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from fullbore.errors import FormatError
from fullbore.files.atomic import atomic_path
from fullbore.files.making.path_check import MM_PER_M, read_path, sound_path

_SCHEMA = "AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }"
# What lies around the curves: the product, its unit, and the accuracy that readers sew with.
_CONTEXT = """#1=APPLICATION_CONTEXT('automotive design');
#2=APPLICATION_PROTOCOL_DEFINITION('international standard','automotive_design',2000,#1);
#3=PRODUCT_CONTEXT('',#1,'mechanical');
#4=PRODUCT('{name}','{name}','',(#3));
#5=PRODUCT_RELATED_PRODUCT_CATEGORY('part','',(#4));
#6=PRODUCT_DEFINITION_FORMATION('','',#4);
#7=PRODUCT_DEFINITION_CONTEXT('part definition',#1,'design');
#8=PRODUCT_DEFINITION('design','',#6,#7);
#9=PRODUCT_DEFINITION_SHAPE('','',#8);
#10=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.));
#11=(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.));
#12=(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT());
#13=UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE(1.E-6),#10,'distance_accuracy_value','');
#14=(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT((#13))\
GLOBAL_UNIT_ASSIGNED_CONTEXT((#10,#11,#12))REPRESENTATION_CONTEXT('',''));
#15=CARTESIAN_POINT('',(0.,0.,0.));
#16=DIRECTION('',(0.,0.,1.));
#17=DIRECTION('',(1.,0.,0.));
#18=AXIS2_PLACEMENT_3D('',#15,#16,#17);"""
FIRST_FREE = 20
SHAPE_CONTEXT = "#9"
_RECORD = re.compile(r"#(\d+)\s*=\s*([^;]*);")
_POINT = re.compile(r"^CARTESIAN_POINT\s*\(\s*'[^']*'\s*,\s*\(([^()]*)\)\s*\)$")
_LINE = re.compile(r"^POLYLINE\s*\(\s*'([^']*)'\s*,\s*\(([^()]*)\)\s*\)$")
_UNITS = {".MILLI.": 1 / MM_PER_M, "$": 1.0, ".CENTI.": 1e-2}
_UNIT = re.compile(r"LENGTH_UNIT\s*\(\s*\).*?SI_UNIT\s*\(\s*([^,\s]+)\s*,\s*\.METRE\.\s*\)")


def write_step(path: Path, tracks_m: dict[str, np.ndarray]) -> None:
    """One POLYLINE a wire, named, in a geometric curve set. Errors: ValueRangeError for what is no path."""
    records: list[str] = []
    curves = []
    for name, track in tracks_m.items():
        first = FIRST_FREE + len(records)
        points = (sound_path(track, name) * MM_PER_M).tolist()
        records += [f"#{first + i}=CARTESIAN_POINT('',({','.join(map(real, point))}));" for i, point in enumerate(points)]
        last = first + len(points)
        records.append(f"#{last}=POLYLINE('{step_word(name)}',({','.join(f'#{i}' for i in range(first, last))}));")
        curves.append(f"#{last}")
    number, title = FIRST_FREE + len(records), step_word(path.stem)
    records += [
        f"#{number}=GEOMETRIC_CURVE_SET('{title}',({','.join(curves)}));",
        f"#{number + 1}=GEOMETRICALLY_BOUNDED_WIREFRAME_SHAPE_REPRESENTATION('{title}',(#18,#{number}),#14);",
        f"#{number + 2}=SHAPE_DEFINITION_REPRESENTATION({SHAPE_CONTEXT},#{number + 1});",
    ]
    save_step(path, records)


def read_step(path: Path) -> dict[str, np.ndarray]:
    """Name -> wire, m, of every POLYLINE; an unnamed one is called curve-1, ...

    Errors: FormatError for a file that is cut short, refers to what it lacks, states no length in metres, or has no POLYLINE.
    """
    records = step_records(path)
    scale, found = length_scale(records, path), dict[str, np.ndarray]()
    for body in records.values():
        if match := _LINE.match(body):
            name = match[1] or f"curve-{len(found) + 1}"
            if name in found:
                raise FormatError(f"{path}: two curves are called {name!r}. Give each its own name.")
            points = np.array([_point(records, item.strip(), path) for item in match[2].split(",")])
            found[name] = read_path(points * scale, name, path)
    if not found:
        raise FormatError(f"{path}: holds no POLYLINE, wanted one a wire.")
    return found


def save_step(path: Path, records: list[str]) -> None:
    """Header, context and records as a file."""
    body = [_head(path.name) + _CONTEXT.replace("{name}", step_word(path.stem)), *records, "ENDSEC;", "END-ISO-10303-21;", ""]
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(body), encoding="ascii")


def step_records(path: Path) -> dict[int, str]:
    """Number -> text of each record of the data section. Errors: FormatError for what is no whole STEP file."""
    return {int(number): " ".join(body.split()) for number, body in _RECORD.findall(_text(path))}


def length_scale(records: dict[int, str], path: Path) -> float:
    """Metres per unit of the file. Errors: FormatError where it states none, or several."""
    scales = {_UNITS.get(match[1]) for body in records.values() if (match := _UNIT.search(body))}
    scale = next(iter(scales)) if len(scales) == 1 else None
    if scale is None:
        raise FormatError(f"{path}: states no length, or several; wanted one SI_UNIT of millimetres, centimetres or metres.")
    return scale


def _head(name: str) -> str:
    lines = [
        "ISO-10303-21;",
        "HEADER;",
        "FILE_DESCRIPTION(('wires'),'2;1');",
        f"FILE_NAME('{step_word(name)}','1970-01-01T00:00:00',(''),(''),'Fullbore','Fullbore','');",
        f"FILE_SCHEMA(('{_SCHEMA}'));",
        "ENDSEC;",
        "DATA;",
    ]
    return "\n".join(lines) + "\n"


def step_word(name: str) -> str:
    """The name with nothing in it that a STEP text or a drawing layer must escape."""
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII) or "wire"


def real(value: float) -> str:
    """A STEP real: it has a point, and what it loses is under a nanometre (in mm: six digits behind the point)."""
    return f"{value:.6f}"


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: cannot be read as STEP ({error}). Give an intact file.") from error
    if not text.startswith("ISO-10303-21;") or not text.rstrip().endswith("END-ISO-10303-21;"):
        raise FormatError(f"{path}: does not go from ISO-10303-21; to END-ISO-10303-21;. Give a whole STEP file.")
    return text


def _point(records: dict[int, str], reference: str, path: Path) -> list[float]:
    try:
        match = _POINT.match(records[int(reference.removeprefix("#"))])
        values = [float(value) for value in match[1].split(",")] if match else []
    except (KeyError, ValueError):
        values = []
    if len(values) != 3:
        raise FormatError(f"{path}: a curve refers to {reference!r}, wanted a CARTESIAN_POINT of three numbers.")
    return values
