# TRUTHS of NIfTI: nibabel reads back the values and the same place in RAS mm | q- and sform agree, code 1 | oblique, off-centre,
# left-handed too | the same image gives the same bytes | one frame one file, several frames BIDS entities | sidecars are in
# seconds and degrees, without NaN | T1map in s, TB1map in percent | a failed write leaves nothing
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from fullbore.data import FitStatus, Grid, Image, ParameterMap, ParameterMaps
from fullbore.errors import OutputError
from fullbore.files.nifti import write_maps_nifti, write_nifti
from tests.files.examples import oblique_geometry, volume_raw


def oblique_image(frames: int = 0, flipped: bool = False) -> Image:
    rng = np.random.default_rng(3)
    geometry = oblique_geometry()
    if flipped:
        geometry = replace(geometry, slice=-geometry.slice)
    grid = geometry.grid()
    shape = (frames, *grid.shape) if frames else grid.shape
    values = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    return Image(
        name="brain",
        values=values,
        axes=("frame",) if frames else (),
        grid=grid,
        encoding=volume_raw().encoding,
        echo_time_s=np.array([0.003] * max(1, frames)),
        inversion_time_s=None,
        report={"iterations": np.int64(12), "residual": np.nan},
    )


@pytest.mark.parametrize("flipped", [False, True])
def test_nibabel_reads_the_same_values_at_the_same_place(tmp_path: Path, flipped: bool) -> None:
    image = oblique_image(flipped=flipped)
    paths = write_nifti(image, tmp_path / "sub-01_T1w", b0_T=3.0)
    assert [path.name for path in paths] == ["sub-01_T1w.nii.gz", "sub-01_T1w.json"]
    nifti = nibabel.load(paths[0])
    assert nifti.get_data_dtype() == np.float32 and nifti.header.get_xyzt_units() == ("mm", "sec")
    assert np.array_equal(nifti.get_fdata(dtype=np.float32).transpose(2, 1, 0), np.abs(image.values))
    for affine, code in (nifti.header.get_qform(coded=True), nifti.header.get_sform(coded=True)):
        assert code == 1
        # NIfTI keeps float32; its quaternion loses three digits more.
        assert np.abs(affine @ [5, 2, 1, 1] - expected_ras_mm(image.grid, 5, 2, 1)).max() < 1e-3


def expected_ras_mm(grid: Grid, x: int, y: int, z: int) -> np.ndarray:
    left, back, head = grid.points_m()[z, y, x] * 1e3
    return np.array([-left, -back, head, 1])


def test_the_same_image_gives_the_same_bytes(tmp_path: Path) -> None:
    one = write_nifti(oblique_image(), tmp_path / "a_T1w")
    two = write_nifti(oblique_image(), tmp_path / "b_T1w")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_phase_is_a_part(tmp_path: Path) -> None:
    image = oblique_image()
    paths = write_nifti(image, tmp_path / "sub-01_T1w", phase=True)
    assert [path.name for path in paths[2:]] == ["sub-01_part-phase_T1w.nii.gz", "sub-01_part-phase_T1w.json"]
    assert np.array_equal(nibabel.load(paths[2]).get_fdata(dtype=np.float32).transpose(2, 1, 0), np.angle(image.values))
    assert json.loads(paths[3].read_text())["Units"] == "rad"


def test_frames_become_bids_entities(tmp_path: Path) -> None:
    image = replace(
        oblique_image(frames=4),
        echo_time_s=np.array([0.011, 0.011, 0.012, 0.024]),
        inversion_time_s=np.array([0.06, 0.7, np.nan, np.nan]),
    )
    paths = write_nifti(image, tmp_path / "sub-01_T1w")
    names = ["sub-01_inv-1_IRT1", "sub-01_inv-2_IRT1", "sub-01_echo-1_MESE", "sub-01_echo-2_MESE"]
    assert [path.name for path in paths[::2]] == [f"{name}.nii.gz" for name in names]
    fields = [json.loads(path.read_text()) for path in paths[1::2]]
    assert [item.get("InversionTime") for item in fields] == [0.06, 0.7, None, None]
    assert [item["EchoTime"] for item in fields] == [0.011, 0.011, 0.012, 0.024]
    third = nibabel.load(paths[4]).get_fdata(dtype=np.float32).transpose(2, 1, 0)
    assert np.array_equal(third, np.abs(image.values[2]))


def test_the_sidecar_says_what_was_done(tmp_path: Path) -> None:
    paths = write_nifti(oblique_image(), tmp_path / "sub-01_T1w", b0_T=3.0, extra={"ProtocolSha256": "ab12"})
    fields = json.loads(paths[1].read_text())
    assert (fields["RepetitionTime"], fields["EchoTime"], fields["FlipAngle"]) == (2.3, 0.003, pytest.approx(9))
    assert (fields["MagneticFieldStrength"], fields["Manufacturer"], fields["MRAcquisitionType"]) == (3.0, "Fullbore", "3D")
    assert (fields["PhaseEncodingDirection"], fields["EchoTrainLength"], fields["EchoSpacing"]) == ("j", 4, 0.007)
    assert (fields["ParallelReductionFactorInPlane"], fields["ParallelReductionFactorOutOfPlane"]) == (1.5, 2.25)
    assert fields["ImagingFrequency"] == pytest.approx(127.729, abs=1e-3)
    assert fields["Reconstruction"] == {"iterations": 12, "residual": None}
    assert fields["ProtocolSha256"] == "ab12" and "InversionTime" not in fields and "EffectiveEchoSpacing" not in fields


def relaxation_maps() -> ParameterMaps:
    grid = oblique_geometry().grid()
    rng = np.random.default_rng(0)
    maps = []
    for name, unit, scale in (("T1", "s", 1.2), ("T2", "s", 0.08), ("B1", "1", 1.0), ("PD", "1", 5.0)):
        value = (scale * rng.random(grid.shape)).astype(np.float32)
        value[0, 0, 0] = np.nan
        maps.append(ParameterMap(name=name, value=value, std=value / 50, unit=unit))
    status = np.full(grid.shape, int(FitStatus.OK), np.uint8)
    status[0, 0, 0] = 0
    return ParameterMaps(model="T1T2", maps=tuple(maps), status=status, grid=grid, report={"voxels": 191})


def test_maps_carry_bids_suffixes_and_units(tmp_path: Path) -> None:
    maps = relaxation_maps()
    paths = write_maps_nifti(maps, tmp_path, "sub-01")
    names = [path.name for path in paths if path.suffix == ".gz"]
    suffixes = ["T1map", "desc-std_T1map", "T2map", "desc-std_T2map", "TB1map", "desc-std_TB1map", "PDmap", "desc-std_PDmap"]
    assert names == [f"sub-01_{suffix}.nii.gz" for suffix in (*suffixes, "desc-status_dseg")]
    values = {path.name: nibabel.load(path).get_fdata(dtype=np.float32).transpose(2, 1, 0) for path in paths[::2]}
    assert np.array_equal(values["sub-01_T1map.nii.gz"], maps["T1"].value, equal_nan=True)
    assert np.array_equal(values["sub-01_desc-std_T2map.nii.gz"], maps["T2"].std, equal_nan=True)
    assert np.array_equal(values["sub-01_TB1map.nii.gz"], 100 * maps["B1"].value, equal_nan=True)
    units = [json.loads(path.read_text())["Units"] for path in paths[1::2]]
    assert units == ["s", "s", "s", "s", "percent", "percent", "arbitrary", "arbitrary", "label"]
    assert json.loads(paths[3].read_text())["Description"] == "T1: standard deviation, from the model T1T2"
    assert json.loads(paths[-1].read_text())["Labels"]["1"] == "OK"


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written"):
        write_nifti(oblique_image(), tmp_path / "no" / "sub-01_T1w")


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(image: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("fullbore.files.nifti.nibabel.save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_nifti(oblique_image(), tmp_path / "sub-01_T1w")
    assert list(tmp_path.iterdir()) == []
