"""ISMRMRD (MRD version 1) HDF5 files: written whole and complete, read from anyone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fullbore.data import AcquisitionFlag, Encoding, Geometry, RawData
from fullbore.data.encoding import COUNTERS, MEASURES
from fullbore.errors import FormatError, OutputError, ShapeError
from fullbore.files.atomic import atomic_path
from fullbore.files.mrd_foreign import convert
from fullbore.files.mrd_header import Header, build_header, parse_header
from fullbore.files.mrd_layout import ACQUISITION_TYPE, COUNTER_FIELDS, GROUP, HEAD_TYPE, LARGEST_COUNT
from fullbore.files.mrd_nouns import (
    LABEL_PREFIX,
    MEASURE_PREFIX,
    ROW_ARRAYS,
    ROW_DWELL,
    TRUE_TRAJECTORY,
    encoding_from,
    geometry_from,
    is_fullbore,
    provenance_from,
    user_numbers,
    user_strings,
)
from fullbore.files.mrd_rows import Rows, open_rows

_BATCH = 512
_NOISE_SAMPLES = 4096


def write_mrd(raw: RawData, path: str | Path) -> None:
    """Write `raw` as an MRD file: header, noise scan first, one acquisition per readout with its trajectory.

    The trajectory is in the axes (read, phase, slice) of the acquisition, cycles per metre, float32; it is the true one
    when `raw` has it and the nominal one otherwise. Positions are in LPS millimetres and name the centre of the slice.
    What MRD has no place for goes to the user parameters and to MRD arrays, so `read_mrd` gives `raw` back exactly, but
    for the trajectory's rounding to float32 (6e-8 of its extent). Readouts that are shorter than others are written at
    their own length; what `raw` has beyond it is not kept. Acquisition times are not known to `raw` and stay 0.
    Errors: OutputError when the file cannot be written; ShapeError when a count is beyond MRD's 16 bits.
    """
    _check_counts(raw)
    header = build_header(raw, user_numbers(raw), user_strings(raw))
    with atomic_path(path) as temporary:
        try:
            with h5py.File(temporary, "w") as file:
                _write(file.create_group(GROUP), raw, header)
        except RuntimeError as error:
            raise OutputError(f"{path}: could not be written ({error}). Give a writable folder with room for it.") from error


def read_mrd(path: str | Path) -> RawData:
    """Read an MRD file, Fullbore's own without loss or anybody's (see `mrd_foreign.convert`).

    Errors: FormatError when it is missing, truncated, foreign or contradicts itself; ValueRangeError for NaN.
    """
    who = str(path)
    with _opened(path) as file:
        group = _find_group(file, who)
        header = parse_header(_header_bytes(group, who), who)
        rows = open_rows(group["data"], who)
        # Fullbore's own header without Fullbore's own arrays: what was streamed, and kept by somebody else.
        own = is_fullbore(header) and any(name in group for name in ROW_ARRAYS)
        return _read_own(group, header, rows, who) if own else convert(header, rows, who)


# --- writing


def _check_counts(raw: RawData) -> None:
    largest = int(raw.encoding.counters.max(initial=0))
    smallest = int(raw.encoding.counters.min(initial=0))
    if smallest < 0 or max(largest, raw.encoding.samples, raw.encoding.centre_sample, raw.coils) > LARGEST_COUNT:
        got = f"counters {smallest}..{largest}, {raw.encoding.samples} samples, {raw.coils} coils"
        raise ShapeError(f"write_mrd: got {got}; MRD holds 0..{LARGEST_COUNT}. Split the acquisition.")


def _write(group: h5py.Group, raw: RawData, header: bytes) -> None:
    text = group.create_dataset("xml", (1,), dtype=h5py.special_dtype(vlen=bytes))
    text[0] = header
    noise = _noise_blocks(raw)
    total = len(noise) + raw.encoding.rows
    data = group.create_dataset("data", (total,), maxshape=(None,), chunks=(_BATCH,), dtype=ACQUISITION_TYPE)
    if noise:
        data[: len(noise)] = _noise_acquisitions(raw, noise)
    for first in range(0, raw.encoding.rows, _BATCH):
        last = min(first + _BATCH, raw.encoding.rows)
        data[len(noise) + first : len(noise) + last] = _imaging_acquisitions(raw, first, last, len(noise))
    for name in ROW_ARRAYS:
        values = np.asarray(getattr(raw.encoding, name), dtype=np.float64)
        group.create_dataset(name, data=values[None], maxshape=(None, *values.shape))
    for name, column in _optional_columns(raw).items():
        group.create_dataset(name, data=column[None], maxshape=(None, *column.shape))


def _optional_columns(raw: RawData) -> dict[str, np.ndarray]:
    """Columns that few encodings have: exact dwell times where they differ, labels without an MRD counter, measures."""
    columns = {LABEL_PREFIX + name.replace("/", "_"): column for name, column in raw.encoding.labels.items()}
    columns |= {MEASURE_PREFIX + name: column for name, column in raw.encoding.measures.items()}
    if raw.encoding.row_dwell_s is not None:
        columns[ROW_DWELL] = raw.encoding.row_dwell_s
    return columns


def _noise_blocks(raw: RawData) -> list[np.ndarray]:
    if raw.noise is None:
        return []
    return [raw.noise[:, first : first + _NOISE_SAMPLES] for first in range(0, raw.noise.shape[1], _NOISE_SAMPLES)]


def _heads(count: int, raw: RawData) -> np.ndarray:
    geometry = raw.encoding.geometry
    heads = np.zeros(count, HEAD_TYPE)
    heads["version"] = 1
    heads["available_channels"] = heads["active_channels"] = raw.coils
    for channel in range(min(raw.coils, 1024)):
        heads["channel_mask"][:, channel // 64] |= np.uint64(1 << (channel % 64))
    heads["read_dir"], heads["phase_dir"], heads["slice_dir"] = geometry.read, geometry.phase, geometry.slice
    heads["position"] = geometry.centre_m * 1e3
    return heads


def _noise_acquisitions(raw: RawData, blocks: list[np.ndarray]) -> np.ndarray:
    acquisitions = np.empty(len(blocks), ACQUISITION_TYPE)
    heads = _heads(len(blocks), raw)
    heads["flags"] = int(AcquisitionFlag.NOISE)
    heads["scan_counter"] = np.arange(1, len(blocks) + 1)
    heads["number_of_samples"] = [block.shape[1] for block in blocks]
    heads["sample_time_us"] = raw.noise_dwell_s * 1e6
    acquisitions["head"] = heads
    for index, block in enumerate(blocks):
        acquisitions["data"][index] = _as_floats(block)
        acquisitions["traj"][index] = np.empty(0, np.float32)
    return acquisitions


def _imaging_acquisitions(raw: RawData, first: int, last: int, before: int) -> np.ndarray:
    encoding, part = raw.encoding, slice(first, last)
    heads = _heads(last - first, raw)
    heads["flags"] = encoding.flags[part]
    heads["scan_counter"] = np.arange(before + first + 1, before + last + 1)
    lengths = encoding.samples_per_row()[part]
    heads["number_of_samples"] = lengths
    heads["center_sample"] = np.minimum(encoding.centre_sample, lengths - 1)
    heads["trajectory_dimensions"] = 3
    heads["sample_time_us"] = encoding.dwell_per_row_s()[part] * 1e6
    for name, field in COUNTER_FIELDS.items():
        heads["idx"][field] = encoding.counter(name)[part]
    offsets = encoding.geometry.slice_offsets_m
    shift = offsets[np.minimum(encoding.counter("slice")[part], len(offsets) - 1)]
    heads["position"] = (encoding.geometry.centre_m + shift[:, None] * encoding.geometry.slice) * 1e3
    trajectory = _in_image_axes(_trajectory(raw, part), encoding.geometry)
    acquisitions = np.empty(last - first, ACQUISITION_TYPE)
    acquisitions["head"] = heads
    for index in range(last - first):
        acquisitions["data"][index] = _as_floats(raw.samples[first + index, :, : lengths[index]])
        acquisitions["traj"][index] = trajectory[index, : lengths[index]].reshape(-1)
    return acquisitions


def _trajectory(raw: RawData, part: slice) -> np.ndarray:
    if raw.trajectory_per_m is not None:
        return raw.trajectory_per_m[part]
    return raw.encoding.take(np.arange(part.start, part.stop)).trajectory_per_m()


def _in_image_axes(trajectory: np.ndarray, geometry: Geometry) -> np.ndarray:
    frame = np.stack([geometry.read, geometry.phase, geometry.slice])
    return np.asarray(trajectory @ frame.T, dtype=np.float32)


def _as_floats(samples: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(samples, dtype=np.complex64).view(np.float32).reshape(-1)


# --- reading


@contextmanager
def _opened(path: str | Path) -> Iterator[h5py.File]:
    """The file, with the complaints of HDF5 about broken bytes turned into one sentence."""
    if not Path(path).is_file():
        raise FormatError(f"{path}: no such file. Give the path of an MRD file (.h5 or .mrd).")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, EOFError, UnicodeDecodeError, MemoryError, OverflowError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FormatError(f"{path}: not a whole MRD HDF5 file ({reason}). Copy or export it again.") from error


def _find_group(file: h5py.File, who: str) -> h5py.Group:
    groups = [item for item in file.values() if isinstance(item, h5py.Group) and "xml" in item and "data" in item]
    if not groups:
        raise FormatError(f"{who}: HDF5, but no group in it has MRD's 'xml' and 'data'. Give an MRD version 1 file.")
    return file[GROUP] if file.get(GROUP) in groups else groups[0]


def _header_bytes(group: h5py.Group, who: str) -> bytes:
    stored = np.ravel(group["xml"][()])
    text = stored[0] if len(stored) else b""
    if not isinstance(text, bytes | str):
        raise FormatError(f"{who}: the MRD header is not a text. Export the data again.")
    return text.encode() if isinstance(text, str) else text


def _read_own(group: h5py.Group, header: Header, rows: Rows, who: str) -> RawData:
    geometry = geometry_from(header, who)
    is_noise = _is_noise_scan(group, rows)
    heads = rows.heads[~is_noise]
    counters = np.stack([heads["idx"][COUNTER_FIELDS[name]] for name in COUNTERS], axis=1).astype(np.int32)
    arrays = _row_arrays(group, len(heads), who)
    encoding = encoding_from(header, geometry, counters, heads["flags"].astype(np.uint64), arrays, who)
    encoding = replace(encoding, **_optional(group, heads, encoding.samples, who))
    dimensions = 3 if header.numbers.get(TRUE_TRAJECTORY) else 0
    samples, trajectory = _padded(rows, np.flatnonzero(~is_noise), encoding, dimensions)
    noise = rows.load_noise(np.flatnonzero(is_noise))
    frame = np.stack([geometry.read, geometry.phase, geometry.slice])
    return RawData(
        encoding=encoding,
        samples=samples,
        b0_T=header.numbers.get("b0_T", header.b0_T),
        noise=noise,
        noise_dwell_s=header.numbers.get("noise_dwell_s", 0.0),
        trajectory_per_m=None if trajectory is None else trajectory.astype(np.float64) @ frame,
        coil_name=header.strings.get("coil_name", ""),
        system=header.strings.get("system", ""),
        provenance=provenance_from(header),
    )


def _is_noise_scan(group: h5py.Group, rows: Rows) -> np.ndarray:
    """Which acquisitions hold `raw.noise`: those before the rows; a row may be flagged as noise, too."""
    flagged = (rows.heads["flags"] & np.uint64(AcquisitionFlag.NOISE)) != 0
    stored = group.get(ROW_ARRAYS[0])
    before = len(flagged) - stored.shape[1] if stored is not None and stored.ndim > 1 else -1
    leading = np.arange(len(flagged)) < before
    return np.asarray(leading if before >= 0 and flagged[leading].all() else flagged)


def _optional(group: h5py.Group, heads: np.ndarray, longest: int, who: str) -> dict[str, Any]:
    """The columns of `_optional_columns`, and lengths where they differ."""
    lengths = heads["number_of_samples"].astype(np.int64)
    columns: dict[str, Any] = {"row_samples": lengths} if np.any(lengths != longest) else {}
    if lengths.max(initial=0) > longest:
        raise FormatError(f"{who}: an acquisition has {lengths.max()} samples, wanted at most {longest}. Export the data again.")
    if ROW_DWELL in group:
        columns["row_dwell_s"] = np.asarray(group[ROW_DWELL][0], dtype=np.float64)
    labels, measures = _below(group, LABEL_PREFIX), _below(group, MEASURE_PREFIX)
    for name, column in {**columns, **labels, **measures}.items():
        if column.shape != (len(heads),):
            raise FormatError(f"{who}: the array {name} does not have {len(heads)} rows. Export the data again.")
    known = {name: column.astype(np.float64) for name, column in measures.items() if name in MEASURES}
    return columns | {"labels": labels, "measures": known}


def _below(group: h5py.Group, prefix: str) -> dict[str, np.ndarray]:
    """The first row of every array whose name begins so, by the rest of its name."""
    return {name.removeprefix(prefix): np.asarray(group[name][0]) for name in group if name.startswith(prefix)}


def _padded(rows: Rows, wanted: np.ndarray, encoding: Encoding, dimensions: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Samples and trajectory, short readouts filled up with zeros."""
    if encoding.row_samples is None:
        return rows.load(wanted, encoding.samples, dimensions)
    parts = {}
    for length in np.unique(encoding.row_samples).tolist():
        at = np.flatnonzero(encoding.row_samples == length)
        parts[length] = (at, *rows.load(wanted[at], length, dimensions))
    coils = next(iter(parts.values()))[1].shape[1]
    samples = np.zeros((len(wanted), coils, encoding.samples), np.complex64)
    complete = all(path is not None for _, _, path in parts.values())
    trajectory = np.zeros((len(wanted), encoding.samples, dimensions), np.float32) if complete else None
    for length, (at, part, path) in parts.items():
        samples[at, :, :length] = part
        if trajectory is not None:
            trajectory[at, :length] = path
    return samples, trajectory


def _row_arrays(group: h5py.Group, count: int, who: str) -> dict[str, np.ndarray]:
    arrays = {name: np.asarray(group[name][0], dtype=np.float64) for name in ROW_ARRAYS if name in group}
    for name in ROW_ARRAYS:
        if name not in arrays or len(arrays[name]) != count:
            raise FormatError(f"{who}: the array {name} is missing or does not have {count} rows. Export the data again.")
    return arrays
