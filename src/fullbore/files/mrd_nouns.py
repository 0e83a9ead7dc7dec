"""What MRD's own fields cannot hold of a `RawData`, as the header's user parameters, and back without loss."""

from __future__ import annotations

import math

import numpy as np

from fullbore.data import Encoding, Geometry, RawData
from fullbore.errors import FormatError
from fullbore.files.mrd_header import FORMAT_NAME, FORMAT_VERSION, Header

# Exact twins (float64, per row) of what the acquisition headers hold in float32 or imply: MRD arrays beside the data.
ROW_ARRAYS = ("k_first_per_m", "k_step_per_m", "echo_time_s", "inversion_time_s")

# Arrays that are there only when an encoding has them: dwell times that differ, labels without an MRD counter, further numbers.
ROW_DWELL = "row_dwell_s"
LABEL_PREFIX = "label."
MEASURE_PREFIX = "measure."

# 1 when the acquisitions hold the trajectory that was played, 0 when only the nominal one.
TRUE_TRAJECTORY = "trajectory.is_true"

_VECTORS = ("read", "phase", "slice", "centre_m", "fov_m", "matrix", "encoded_fov_m", "encoded_matrix", "slice_offsets_m")
_SCALARS = ("dwell_s", "repetition_time_s", "flip_rad", "refocusing_flip_rad", "echo_spacing_s")
_COUNTS = ("samples", "centre_sample", "echo_train_length")
_LISTS = ("echo_times_s", "inversion_times_s", "acceleration")


def user_numbers(raw: RawData) -> dict[str, float]:
    """Numbers of `raw` by name: geometry, timing, calibration range, field, and the protocol's own parameters."""
    encoding = raw.encoding
    numbers = {"b0_T": float(raw.b0_T), "noise_dwell_s": float(raw.noise_dwell_s)}
    numbers[TRUE_TRAJECTORY] = float(raw.trajectory_per_m is not None)
    for name in _VECTORS:
        numbers |= _indexed(f"geometry.{name}", getattr(encoding.geometry, name))
    for name in (*_SCALARS, *_COUNTS):
        numbers[f"encoding.{name}"] = float(getattr(encoding, name))
    for name in _LISTS:
        numbers |= _indexed(f"encoding.{name}", getattr(encoding, name))
    numbers |= _indexed("encoding.calibration", np.ravel(encoding.calibration))
    return numbers | {f"parameter.{name}": float(value) for name, value in encoding.parameters.items()}


def user_strings(raw: RawData) -> dict[str, str]:
    """Texts of `raw` by name: the format's mark, names, and the provenance."""
    strings = {FORMAT_NAME: FORMAT_VERSION, "protocol": raw.encoding.protocol}
    strings |= {"coil_name": raw.coil_name, "system": raw.system}
    return strings | {f"provenance.{name}": value for name, value in raw.provenance.items()}


def _indexed(name: str, values: np.ndarray | tuple[float | int, ...]) -> dict[str, float]:
    return {f"{name}.{index}": float(value) for index, value in enumerate(values)}


def is_fullbore(header: Header) -> bool:
    """True when the file was written by `write_mrd`."""
    return header.strings.get(FORMAT_NAME) == FORMAT_VERSION


def geometry_from(header: Header, who: str) -> Geometry:
    """The geometry that `user_numbers` stored, exactly.

    Errors: FormatError when a number is missing, ShapeError when they contradict each other.
    """
    values = {name: _list(header, f"geometry.{name}") for name in _VECTORS}
    for name, found in values.items():
        if not (len(found) == 3 or (name == "slice_offsets_m" and found)) or not np.all(np.isfinite(found)):
            raise FormatError(f"{who}: the header's geometry.{name} has {len(found)} good numbers. Export the data again.")
    arrays = {name: np.array(values[name]) for name in ("read", "phase", "slice", "centre_m", "slice_offsets_m")}
    return Geometry(
        **arrays,
        fov_m=_three(values["fov_m"]),
        matrix=_three_counts(values["matrix"]),
        encoded_fov_m=_three(values["encoded_fov_m"]),
        encoded_matrix=_three_counts(values["encoded_matrix"]),
    )


def encoding_from(
    header: Header, geometry: Geometry, counters: np.ndarray, flags: np.ndarray, rows: dict[str, np.ndarray], who: str
) -> Encoding:
    """The encoding that `user_numbers` stored; `rows` holds the arrays of ROW_ARRAYS."""
    scalars = {name: _one(header, f"encoding.{name}", who) for name in _SCALARS}
    counts = {name: int(_one(header, f"encoding.{name}", who)) for name in _COUNTS}
    acceleration = _list(header, "encoding.acceleration")
    region = [int(edge) for edge in _list(header, "encoding.calibration")]
    if len(acceleration) != 2 or len(region) != 4:
        raise FormatError(f"{who}: the header lacks the acceleration or the calibration region. Export the data again.")
    return Encoding(
        geometry=geometry,
        counters=counters,
        flags=flags,
        k_first_per_m=rows["k_first_per_m"],
        k_step_per_m=rows["k_step_per_m"],
        echo_time_s=rows["echo_time_s"],
        inversion_time_s=rows["inversion_time_s"],
        echo_times_s=tuple(_list(header, "encoding.echo_times_s")),
        inversion_times_s=tuple(_list(header, "encoding.inversion_times_s")),
        calibration=((region[0], region[1]), (region[2], region[3])),
        acceleration=(acceleration[0], acceleration[1]),
        protocol=header.strings.get("protocol", ""),
        parameters=_below(header.numbers, "parameter."),
        samples=counts["samples"],
        centre_sample=counts["centre_sample"],
        echo_train_length=counts["echo_train_length"],
        dwell_s=scalars["dwell_s"],
        repetition_time_s=scalars["repetition_time_s"],
        flip_rad=scalars["flip_rad"],
        refocusing_flip_rad=scalars["refocusing_flip_rad"],
        echo_spacing_s=scalars["echo_spacing_s"],
    )


def provenance_from(header: Header) -> dict[str, str]:
    """The provenance that `user_strings` stored."""
    return {name.removeprefix("provenance."): text for name, text in header.strings.items() if name.startswith("provenance.")}


def _below(numbers: dict[str, float], prefix: str) -> dict[str, float]:
    return {name.removeprefix(prefix): value for name, value in numbers.items() if name.startswith(prefix)}


def _list(header: Header, name: str) -> list[float]:
    found: list[float] = []
    while f"{name}.{len(found)}" in header.numbers:
        found.append(header.numbers[f"{name}.{len(found)}"])
    return found


def _one(header: Header, name: str, who: str) -> float:
    value = header.numbers.get(name, math.nan)
    if not math.isfinite(value):
        raise FormatError(f"{who}: the header lacks {name}. Export the data again.")
    return value


def _three(values: list[float]) -> tuple[float, float, float]:
    return (values[0], values[1], values[2])


def _three_counts(values: list[float]) -> tuple[int, int, int]:
    return (round(values[0]), round(values[1]), round(values[2]))
