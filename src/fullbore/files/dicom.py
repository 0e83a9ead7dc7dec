"""A study as a folder of DICOM files, one subfolder per series."""

from __future__ import annotations

import re
from pathlib import Path

from fullbore.data import Study
from fullbore.errors import ShapeError
from fullbore.files.dicom_attributes import strict_pydicom
from fullbore.files.dicom_classic import write_classic
from fullbore.files.dicom_enhanced import write_enhanced
from fullbore.files.dicom_image import references
from fullbore.files.dicom_maps import map_series, write_map


def write_dicom(study: Study, folder: str | Path, *, classic: bool = False) -> list[Path]:
    """Write every series of a study; returns the paths, series by series.

    Images become Enhanced MR (magnitude, 15-bit with a rescale slope, one object of all slices per echo or inversion
    time), or with `classic` one MR Image per slice and frame. Maps become float32 Parametric Maps in coded units, each
    with its standard deviation, as series of their own (number * 100 + 1, ...). Slices are turned in their plane to the
    usual display; patient coordinates stay true. Identifiers follow from study.uid and dates from study.started: same
    study, same bytes.
    Errors: ValueRangeError for NaN in an image, a sheared grid or a bad study.uid; ShapeError for two series of one
    number; OutputError when the folder cannot be written.
    """
    numbers = [series.number for series in study.series]
    if len(set(numbers)) < len(numbers):
        raise ShapeError(f"study: series numbers {numbers} are not unique; wanted one number per series.")
    write_image = write_classic if classic else write_enhanced
    paths: list[Path] = []
    with strict_pydicom():
        for series in study.series:
            paths += write_image(study, series, Path(folder) / folder_name(series.number, series.description))
            sources = references(study, series, classic=classic)
            for entry in map_series(series):
                path = Path(folder) / folder_name(*entry[:2]) / "map.dcm"
                paths.append(write_map(study, series, entry, sources, path))
    return paths


def folder_name(number: int, description: str) -> str:
    """ "004_t1t2_map": series number and a file-safe description."""
    return f"{number:03d}_{re.sub(r'[^A-Za-z0-9.-]+', '_', description).strip('_')}"
