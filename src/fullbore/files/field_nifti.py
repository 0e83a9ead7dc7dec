"""NIfTI files of off-resonance, as BIDS's `_fieldmap.nii.gz`."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from fullbore.data import FieldMap
from fullbore.errors import FormatError, ShapeError
from fullbore.files.nifti_volumes import read_nifti, write_volume

# BIDS allows tesla too, which needs to know the nucleus.
_HERTZ_OF = {"Hz": 1.0, "rad/s": 1 / (2 * math.pi)}


def read_field_nifti(path: str | Path) -> FieldMap:
    """Off-resonance in Hz: where it is positive, spins precess faster than the receiver.

    The unit is the `Units` of the JSON file beside it, "Hz" or "rad/s"; Hz where there is none.
    Errors: FormatError for another unit, a broken sidecar, several volumes; ValueRangeError for NaN.
    """
    values, grid = read_nifti(path)
    unit = _unit(Path(path))
    if unit not in _HERTZ_OF:
        raise FormatError(f"{path}: the sidecar says Units {unit!r}, wanted one of {', '.join(_HERTZ_OF)}. Convert the map.")
    return FieldMap(values=(values.astype(np.float64) * _HERTZ_OF[unit])[None], grid=grid, unit="Hz")


def write_field_nifti(field: FieldMap, stem: str | Path) -> list[Path]:
    """Off-resonance as `read_field_nifti` reads it, in single precision.

    stem: path without suffix, e.g. `fmap/sub-01_fieldmap`. Returns the .nii.gz and .json files.
    Errors: ShapeError for several maps or another unit; OutputError.
    """
    if field.unit != "Hz" or len(field.values) != 1:
        raise ShapeError(f"write_field_nifti: got {len(field.values)} maps in {field.unit}, wanted one in Hz.")
    sidecar = {"Units": "Hz", "Description": "off-resonance, positive where spins precess faster than the receiver"}
    return write_volume(field.values[0].astype(np.float32), field.grid, Path(stem), sidecar)


def _unit(path: Path) -> object:
    name = path.name.removesuffix(".gz").removesuffix(".nii")
    sidecar = path.with_name(f"{name}.json")
    if not sidecar.is_file():
        return "Hz"
    try:
        return json.loads(sidecar.read_text(encoding="utf-8")).get("Units", "Hz")
    except (OSError, ValueError, AttributeError) as error:
        raise FormatError(f"{sidecar}: not a JSON table ({error}). Correct it or take it away.") from error
