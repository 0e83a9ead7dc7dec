"""NIfTI files of images and maps, each with its BIDS sidecar. The only door where patient space is RAS millimetres."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import nibabel
import numpy as np

from fullbore.data import FitStatus, Grid, Image, ParameterMap, ParameterMaps
from fullbore.files.atomic import atomic_path
from fullbore.files.bids import (
    MAP_SUFFIXES,
    PERCENT_SUFFIXES,
    frame_stems,
    image_sidecar,
    map_sidecar,
    to_json,
    with_entity,
)

_LPS_TO_RAS_MM = np.diag([-1e3, -1e3, 1e3, 1.0])


def affine_ras_mm(grid: Grid) -> np.ndarray:
    """NIfTI's affine of a grid, (4, 4): voxel index (x, y, z) to RAS millimetres."""
    affine = np.asarray(_LPS_TO_RAS_MM @ grid.affine_m)
    return affine + 0.0


def write_nifti(
    image: Image, stem: str | Path, *, phase: bool = False, b0_T: float | None = None, extra: Mapping[str, object] | None = None
) -> list[Path]:
    """Write the magnitude of `image`, and its phase (radians, `part-phase`) when asked, with BIDS sidecars.

    stem: path without suffix, e.g. `images/sub-01_T1w`. An image with several frames becomes one file per frame, named
    with BIDS's `inv` or `echo` entity and suffix (see `bids.frame_stems`). extra: more fields for the sidecars.
    Returns the .nii.gz and .json files written. Errors: OutputError.
    """
    affine = affine_ras_mm(image.grid)
    frames = image.values.reshape(-1, *image.grid.shape)
    written: list[Path] = []
    for number, (name, values) in enumerate(zip(frame_stems(image, Path(stem)), frames, strict=True)):
        sidecar = image_sidecar(image, number, b0_T) | dict(extra or {})
        written += _write_pair(name, np.abs(values), affine, sidecar)
        if phase:
            turned = sidecar | {"Units": "rad"}
            written += _write_pair(with_entity(name, "part", "phase"), np.angle(values), affine, turned)
    return written


def write_noise_nifti(image: Image, stem: str | Path, *, extra: Mapping[str, object] | None = None) -> list[Path]:
    """Write the noise's standard deviation (`desc-noise`, units of the image) and the g-factor (`desc-gfactor`), if known.

    stem: as for `write_nifti`. Returns the files written. Errors: OutputError.
    """
    written: list[Path] = []
    told = (
        ("noise", image.noise_std, "arbitrary", "standard deviation of the noise of the real part"),
        ("gfactor", image.g_factor, "1", "noise over that of full sampling times the root of the acceleration"),
    )
    for label, values, unit, about in told:
        if values is not None:
            sidecar = image_sidecar(image, 0) | {"Units": unit, "Description": about} | dict(extra or {})
            written += _write_pair(with_entity(Path(stem), "desc", label), values, affine_ras_mm(image.grid), sidecar)
    return written


def write_maps_nifti(
    maps: ParameterMaps, folder: str | Path, stem: str, *, extra: Mapping[str, object] | None = None
) -> list[Path]:
    """Write each map, its standard deviation (`desc-std`) and the fit status, with BIDS sidecars.

    Units are BIDS's: seconds for T1map and T2map, percent for TB1map (from a relative B1+).
    stem: entities before the suffix, e.g. `sub-01`. Returns the files written. Errors: OutputError.
    """
    affine = affine_ras_mm(maps.grid)
    written: list[Path] = []
    for item in maps.maps:
        suffix = MAP_SUFFIXES.get(item.name, f"{item.name}map")
        value, std, unit = _in_bids_units(item, suffix)
        for entity, values, what in (("", value, "value"), ("desc-std_", std, "standard deviation")):
            sidecar = map_sidecar(maps, item.name, unit, what) | dict(extra or {})
            written += _write_pair(Path(folder) / f"{stem}_{entity}{suffix}", values, affine, sidecar)
    labels = {str(int(status)): status.name for status in FitStatus}
    sidecar = map_sidecar(maps, "fit status", "label", "status of the fit") | {"Labels": labels} | dict(extra or {})
    return written + _write_pair(Path(folder) / f"{stem}_desc-status_dseg", maps.status.astype(np.uint8), affine, sidecar)


def _in_bids_units(item: ParameterMap, suffix: str) -> tuple[np.ndarray, np.ndarray, str]:
    if suffix in PERCENT_SUFFIXES and item.unit == "1":
        return 100 * item.value, 100 * item.std, "percent"
    return item.value, item.std, item.unit if item.unit != "1" else "arbitrary"


def _write_pair(name: Path, values: np.ndarray, affine: np.ndarray, sidecar: Mapping[str, object]) -> list[Path]:
    """The NIfTI file of `values` (z, y, x) and its sidecar."""
    volume = np.ascontiguousarray(values.transpose(2, 1, 0))
    nifti = nibabel.Nifti1Image(volume if volume.dtype == np.uint8 else volume.astype(np.float32), affine)
    nifti.header.set_xyzt_units("mm", "sec")
    nifti.set_qform(affine, code=1)
    nifti.set_sform(affine, code=1)
    image_path, json_path = name.with_name(f"{name.name}.nii.gz"), name.with_name(f"{name.name}.json")
    with atomic_path(image_path) as temporary:
        nibabel.save(nifti, temporary)
    with atomic_path(json_path) as temporary:
        temporary.write_text(to_json(sidecar), encoding="utf-8")
    return [image_path, json_path]
