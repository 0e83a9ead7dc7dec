"""NIfTI files of segmentations, shares and anybody's volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import nibabel
import numpy as np

from fullbore.data import Grid
from fullbore.errors import FormatError, ShapeError
from fullbore.files.atomic import atomic_path
from fullbore.files.bids import to_json
from fullbore.files.nifti import affine_ras_mm


def write_labels_nifti(
    labels: np.ndarray, names: Sequence[str], grid: Grid, stem: str | Path, *, extra: Mapping[str, object] | None = None
) -> list[Path]:
    """A segmentation (z, y, x): 0 is background, n is names[n - 1]. BIDS: the look-up table lies beside it as TSV.

    stem: path without suffix, e.g. `maps/sub-01_dseg`. Returns the .nii.gz, .tsv and .json files. Errors: OutputError.
    """
    rows = ["index\tname", "0\tbackground", *(f"{number}\t{name}" for number, name in enumerate(names, 1))]
    table = Path(stem).with_name(f"{Path(stem).name}.tsv")
    with atomic_path(table) as temporary:
        temporary.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return [*write_volume(labels.astype(np.int16), grid, Path(stem), {"Manual": False, **dict(extra or {})}), table]


def write_shares_nifti(
    shares: np.ndarray, names: Sequence[str], grid: Grid, stem: str | Path, *, extra: Mapping[str, object] | None = None
) -> list[Path]:
    """Shares (tissue, z, y, x) as one file of four dimensions, the tissues last, their names in the sidecar's LabelMap."""
    if shares.shape != (len(names), *grid.shape):
        raise ShapeError(f"write_shares_nifti: got {shares.shape}, wanted ({len(names)}, *{grid.shape}).")
    return write_volume(shares.astype(np.float32), grid, Path(stem), {"LabelMap": list(names), **dict(extra or {})})


def read_nifti(path: str | Path) -> tuple[np.ndarray, Grid]:
    """A volume of three dimensions, (z, y, x), and where it lies. Errors: FormatError for anything else."""
    try:
        found = nibabel.load(path)
        values = np.asarray(found.dataobj)  # type: ignore[attr-defined]
        affine = np.asarray(found.affine, np.float64)  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError, nibabel.filebasedimages.ImageFileError) as error:
        raise FormatError(f"{path}: not a NIfTI file that can be read ({error}).") from error
    values = values.reshape(values.shape[:3]) if values.ndim == 4 and values.shape[3] == 1 else values
    if values.ndim != 3:
        raise FormatError(f"{path}: {values.ndim} dimensions, wanted 3. Split it into volumes.")
    nx, ny, nz = values.shape
    grid = Grid(shape=(nz, ny, nx), affine_m=np.diag([-1e-3, -1e-3, 1e-3, 1.0]) @ affine)
    return np.ascontiguousarray(values.transpose(2, 1, 0)), grid


def write_volume(values: np.ndarray, grid: Grid, stem: Path, sidecar: Mapping[str, object]) -> list[Path]:
    """(z, y, x), or more of them along a first axis, which comes last in the file. Returns the files. Errors: OutputError."""
    affine = affine_ras_mm(grid)
    order = (2, 1, 0) if values.ndim == 3 else (3, 2, 1, 0)
    image = nibabel.Nifti1Image(np.ascontiguousarray(values.transpose(order)), affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=1)
    nifti, record = stem.with_name(f"{stem.name}.nii.gz"), stem.with_name(f"{stem.name}.json")
    with atomic_path(nifti) as temporary:
        nibabel.save(image, temporary)
    with atomic_path(record) as temporary:
        temporary.write_text(to_json(sidecar), encoding="utf-8")
    return [nifti, record]
