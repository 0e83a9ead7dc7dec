"""The XML header of an MRD file: written complete, read with patience."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from xml.etree import ElementTree

import numpy as np

from fullbore.data import RawData
from fullbore.errors import FormatError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

NAMESPACE = "http://www.ismrm.org/ISMRMRD"
FORMAT_NAME = "fullbore.format"
FORMAT_VERSION = "1"
LARGEST_MATRIX = 65536

_MM, _MS, _DEG = 1e3, 1e3, 180 / math.pi
_FORBIDDEN_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingSpace:
    """One <encoding> of a header. centres: k-space centre per counter, only those that the header states."""

    encoded_matrix: tuple[int, int, int]
    encoded_fov_m: tuple[float, float, float]
    matrix: tuple[int, int, int]
    fov_m: tuple[float, float, float]
    centres: dict[str, int] = field(default_factory=dict)
    trajectory: str = "cartesian"
    echo_train_length: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What Fullbore wants from a header, SI; absent numbers are 0, absent texts and lists are empty."""

    encodings: tuple[EncodingSpace, ...]
    b0_T: float = 0.0
    system: str = ""
    protocol: str = ""
    coils: tuple[str, ...] = ()
    repetition_time_s: float = 0.0
    echo_times_s: tuple[float, ...] = ()
    inversion_times_s: tuple[float, ...] = ()
    flip_rad: float = 0.0
    echo_spacing_s: float = 0.0
    numbers: dict[str, float] = field(default_factory=dict)
    strings: dict[str, str] = field(default_factory=dict)


# --- writing


def build_header(raw: RawData, numbers: dict[str, float], strings: dict[str, str]) -> bytes:
    """The MRD header of `raw`; `numbers` and `strings` become user parameters (XML's order is the schema's)."""
    root = ElementTree.Element("ismrmrdHeader", {"xmlns": NAMESPACE})
    _add(root, "version", 1)
    measurement = _add(root, "measurementInformation")
    _add(measurement, "patientPosition", "HFS")
    _add(measurement, "protocolName", raw.encoding.protocol or "unnamed")
    _system(root, raw)
    conditions = _add(root, "experimentalConditions")
    _add(conditions, "H1resonanceFrequency_Hz", round(raw.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T))
    _encoding(root, raw)
    _sequence(root, raw)
    _user_parameters(root, numbers, strings)
    ElementTree.indent(root)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="utf-8")


def _add(parent: ElementTree.Element, name: str, value: object = None) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, name)
    if isinstance(value, float):
        element.text = "NaN" if math.isnan(value) else repr(float(value)).replace("inf", "INF")
    elif value is not None:
        element.text = _FORBIDDEN_IN_XML.sub("?", str(value))
    return element


def _system(root: ElementTree.Element, raw: RawData) -> None:
    system = _add(root, "acquisitionSystemInformation")
    _add(system, "systemVendor", "Fullbore")
    _add(system, "systemModel", raw.system or "virtual scanner")
    _add(system, "systemFieldStrength_T", float(raw.b0_T))
    _add(system, "relativeReceiverNoiseBandwidth", 1.0)
    _add(system, "receiverChannels", raw.coils)
    for number in range(raw.coils):
        label = _add(system, "coilLabel")
        _add(label, "coilNumber", number)
        _add(label, "coilName", f"{raw.coil_name or 'coil'}:{number + 1}")


def _encoding(root: ElementTree.Element, raw: RawData) -> None:
    encoding, geometry = raw.encoding, raw.encoding.geometry
    element = _add(root, "encoding")
    slices = len(geometry.slice_offsets_m)
    _space(element, "encodedSpace", geometry.encoded_matrix, geometry.encoded_fov_m)
    _space(element, "reconSpace", geometry.matrix, geometry.fov_m)
    limits = _add(element, "encodingLimits")
    _limit(limits, "kspace_encoding_step_0", encoding.samples - 1, encoding.centre_sample)
    _limit(limits, "kspace_encoding_step_1", geometry.encoded_matrix[1] - 1, geometry.encoded_matrix[1] // 2)
    _limit(limits, "kspace_encoding_step_2", geometry.encoded_matrix[2] - 1, geometry.encoded_matrix[2] // 2)
    for name in ("average", "slice", "contrast", "phase", "repetition", "set", "segment"):
        column = encoding.counter(name)
        largest = slices - 1 if name == "slice" else int(column.max(initial=0))
        _limit(limits, name, largest, largest // 2 if name == "slice" else 0)
    _add(element, "trajectory", "other" if _leaves_its_lines(raw) else "cartesian")
    parallel = _add(element, "parallelImaging")
    factors = _add(parallel, "accelerationFactor")
    _add(factors, "kspace_encoding_step_1", max(1, round(encoding.acceleration[0])))
    _add(factors, "kspace_encoding_step_2", max(1, round(encoding.acceleration[1])))
    _add(parallel, "calibrationMode", "embedded" if encoding.calibration[0][1] else "other")
    _add(element, "echoTrainLength", encoding.echo_train_length)


def _leaves_its_lines(raw: RawData) -> bool:
    """True when a readout is more than half a step of k-space away from the line that its counters name."""
    if raw.trajectory_per_m is None:
        return False
    geometry = raw.encoding.geometry
    across = raw.trajectory_per_m @ np.stack([geometry.phase, geometry.slice]).T
    for axis, name in ((0, "line"), (1, "partition")):
        count, extent = geometry.encoded_matrix[axis + 1], geometry.encoded_fov_m[axis + 1]
        if count > 1 and (axis == 0 or geometry.is_3d):
            line = raw.encoding.counter(name) - count // 2
            if np.abs(across[..., axis] * extent - line[:, None]).max(initial=0) > 0.5:
                return True
    return False


def _space(parent: ElementTree.Element, name: str, matrix: tuple[int, int, int], fov_m: tuple[float, float, float]) -> None:
    space = _add(parent, name)
    size, field_of_view = _add(space, "matrixSize"), _add(space, "fieldOfView_mm")
    for axis, count, extent in zip("xyz", matrix, fov_m, strict=True):
        _add(size, axis, int(count))
        _add(field_of_view, axis, float(extent) * _MM)


def _limit(parent: ElementTree.Element, name: str, largest: int, centre: int) -> None:
    limit = _add(parent, name)
    for key, value in (("minimum", 0), ("maximum", largest), ("center", centre)):
        _add(limit, key, value)


def _sequence(root: ElementTree.Element, raw: RawData) -> None:
    encoding = raw.encoding
    sequence = _add(root, "sequenceParameters")
    _add(sequence, "TR", float(encoding.repetition_time_s) * _MS)
    for echo_time in encoding.echo_times_s:
        _add(sequence, "TE", float(echo_time) * _MS)
    for inversion_time in encoding.inversion_times_s:
        if math.isfinite(inversion_time):
            _add(sequence, "TI", float(inversion_time) * _MS)
    _add(sequence, "flipAngle_deg", float(encoding.flip_rad) * _DEG)
    _add(sequence, "sequence_type", encoding.protocol or "unnamed")
    _add(sequence, "echo_spacing", float(encoding.echo_spacing_s) * _MS)


def _user_parameters(root: ElementTree.Element, numbers: dict[str, float], strings: dict[str, str]) -> None:
    parameters = _add(root, "userParameters")
    for kind, values in (("userParameterDouble", numbers), ("userParameterString", strings)):
        for name, value in values.items():
            item = _add(parameters, kind)
            _add(item, "name", name)
            _add(item, "value", float(value) if kind.endswith("Double") else value)


# --- reading


def parse_header(xml: bytes, who: str) -> Header:
    """The header in `xml`; only the matrix and field of view of an encoding are compulsory.

    Errors: FormatError, naming `who`, when it is not an MRD header.
    """
    try:
        root = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError) as error:
        raise FormatError(f"{who}: the MRD header is not XML ({error}). Export the data again.") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag != "ismrmrdHeader":
        raise FormatError(f"{who}: the header is <{root.tag}>, wanted <ismrmrdHeader>. Give an MRD version 1 file.")
    encodings = tuple(_parse_encoding(element, who) for element in root.findall("encoding"))
    if not encodings:
        raise FormatError(f"{who}: the MRD header has no <encoding>. Export the data again.")
    b0 = _number(root, "acquisitionSystemInformation/systemFieldStrength_T", who)
    frequency = _number(root, "experimentalConditions/H1resonanceFrequency_Hz", who)
    system = (_text(root, f"acquisitionSystemInformation/system{part}") for part in ("Vendor", "Model"))
    sequence = "sequenceParameters"
    flips = _numbers(root, f"{sequence}/flipAngle_deg", who)
    return Header(
        encodings=encodings,
        b0_T=b0 or frequency / GYROMAGNETIC_RATIO_HZ_PER_T,
        system=" ".join(part for part in system if part),
        protocol=_text(root, "measurementInformation/protocolName") or _text(root, f"{sequence}/sequence_type"),
        coils=tuple(_text(label, "coilName") for label in root.findall("acquisitionSystemInformation/coilLabel")),
        repetition_time_s=next(iter(_numbers(root, f"{sequence}/TR", who)), 0.0) / _MS,
        echo_times_s=tuple(value / _MS for value in _numbers(root, f"{sequence}/TE", who)),
        inversion_times_s=tuple(value / _MS for value in _numbers(root, f"{sequence}/TI", who)),
        flip_rad=flips[0] / _DEG if flips else 0.0,
        echo_spacing_s=next(iter(_numbers(root, f"{sequence}/echo_spacing", who)), 0.0) / _MS,
        numbers=_parse_numbers(root, who),
        strings=_named(root, "userParameterString"),
    )


def _parse_numbers(root: ElementTree.Element, who: str) -> dict[str, float]:
    found = _named(root, "userParameterLong") | _named(root, "userParameterDouble")
    return {name: _as_float(text, name, who) for name, text in found.items()}


def _named(root: ElementTree.Element, kind: str) -> dict[str, str]:
    items = root.findall(f"userParameters/{kind}")
    return {item.findtext("name") or "": item.findtext("value") or "" for item in items}


def _parse_encoding(element: ElementTree.Element, who: str) -> EncodingSpace:
    encoded_matrix, encoded_fov = _parse_space(element, "encodedSpace", who)
    recon = "reconSpace" if element.find("reconSpace/matrixSize") is not None else "encodedSpace"
    matrix, fov = _parse_space(element, recon, who)
    centres = {}
    for limit in element.iterfind("encodingLimits/*"):
        if limit.find("center") is not None:
            centres[limit.tag] = int(_number(limit, "center", who))
    return EncodingSpace(
        encoded_matrix=encoded_matrix,
        encoded_fov_m=encoded_fov,
        matrix=matrix,
        fov_m=fov,
        centres=centres,
        trajectory=_text(element, "trajectory").lower() or "cartesian",
        echo_train_length=int(_number(element, "echoTrainLength", who)) or 1,
    )


def _parse_space(element: ElementTree.Element, name: str, who: str) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    sizes = [int(_number(element, f"{name}/matrixSize/{axis}", who)) for axis in "xyz"]
    extents = [_number(element, f"{name}/fieldOfView_mm/{axis}", who) / _MM for axis in "xyz"]
    if min(sizes[:2]) < 1 or max(sizes) > LARGEST_MATRIX or min(extents[:2]) <= 0:
        got = f"matrix {sizes}, field of view {extents} m"
        raise FormatError(
            f"{who}: the header's {name} has {got}; wanted positive sizes, matrices to {LARGEST_MATRIX}. Export again."
        )
    depth = max(1, sizes[2])
    return (sizes[0], sizes[1], depth), (extents[0], extents[1], extents[2] if extents[2] > 0 else 1e-3 * depth)


def _text(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _number(element: ElementTree.Element, path: str, who: str) -> float:
    text = _text(element, path)
    value = _as_float(text, path, who) if text else 0.0
    if not math.isfinite(value):
        raise FormatError(f"{who}: the header's {path} is {text!r}, wanted a number. Export the data again.")
    return value


def _numbers(element: ElementTree.Element, path: str, who: str) -> list[float]:
    return [_as_float(found.text or "", path, who) for found in element.findall(path) if (found.text or "").strip()]


def _as_float(text: str, name: str, who: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise FormatError(f"{who}: the header's {name} is {text!r}, wanted a number. Export the data again.") from None


def coil_name_of(header: Header) -> str:
    """What the coil labels have in common before their last colon, or "" when there is none."""
    names = {name.rpartition(":")[0] for name in header.coils}
    return names.pop() if len(names) == 1 else ""
