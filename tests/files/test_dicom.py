# TRUTHS of DICOM delivery, by outside judges: dciodvfy finds no error (and no warning but those named below) in Enhanced MR,
# Parametric Map and classic MR | dcm2niix gives the grid's affine (1e-3 mm), shape and values of every frame
# | oblique, sagittal, coronal markers lie within 0.1 mm of the truth | maps arrive in ms | dcmdump reads, storescu stores
import shutil
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from fullbore.files.dicom import folder_name, write_dicom
from tests.files.exam_double import MARKERS, mapping_image, study

# The codes of B1 and of unknown maps are private; older dciodvfy does not know QUANTITY (PS3.3 C.8.32.2 asks for it); the
# standard MR Image has no rescale, but without it the numbers would be lost.
KNOWN_WARNINGS = ("<99FULLBORE>", "<QUANTITY>", "Rescale")


def tool(name):
    # By its full path: pynetdicom, where installed, puts commands of the same names into the environment's own bin.
    path = shutil.which(name, path="/usr/bin:/usr/local/bin:/opt/homebrew/bin") or shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: dicom3tools dcm2niix dcmtk)")
    return path


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module", params=[False, True], ids=["enhanced", "classic"])
def exam(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dicom")
    return study(), folder, write_dicom(study(), folder, classic=request.param), request.param


def one_per_series(paths):
    return list({path.parent: path for path in paths}.values())


def test_dciodvfy_finds_nothing(exam):
    _, _, paths, _ = exam
    for path in one_per_series(paths):
        result = run(tool("dciodvfy"), "-new", path)
        complaints = [line for line in (result.stdout + result.stderr).splitlines() if line.startswith(("Error", "Warning"))]
        assert [line for line in complaints if line.startswith("Error")] == [], path
        assert [line for line in complaints if not any(known in line for known in KNOWN_WARNINGS)] == [], path


def converted(folder, out, name):
    """What dcm2niix makes of one series: NIfTI files in the order of their names."""
    out.mkdir(exist_ok=True)
    result = run(tool("dcm2niix"), "-b", "y", "-z", "n", "-f", f"{name}_%e", "-o", out, folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return sorted(out.glob(f"{name}_*.nii"))


def ras_mm(grid):
    """The NIfTI affine of a grid: LPS metres to RAS millimetres."""
    return np.diag([-1.0, -1.0, 1.0, 1e-3]) @ grid.affine_m * 1e3


def canonical(values_zyx, grid):
    """A volume in nibabel's nearest axis order to RAS, as both sides of a comparison are brought to."""
    return nibabel.as_closest_canonical(nibabel.Nifti1Image(np.asarray(values_zyx, dtype=np.float64).T, ras_mm(grid)))


def check_volume(found, wanted_zyx, grid, tolerance):
    wanted = canonical(wanted_zyx, grid)
    found = nibabel.as_closest_canonical(found)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found.affine, wanted.affine, atol=1e-3)
    np.testing.assert_allclose(found.get_fdata(), wanted.get_fdata(), atol=tolerance)


def check_series(series, files):
    """Every frame is there, on its grid, with its values; found by its largest value, as file names do not sort as frames do."""
    frames = np.abs(series.image.values).reshape(-1, *series.image.grid.shape)
    volumes = [nibabel.Nifti1Image(v, f.affine) for f in map(nibabel.load, files) for v in split(f)]
    assert len(volumes) == len(frames), series.description
    volumes.sort(key=lambda volume: -volume.get_fdata().max())
    for found, wanted in zip(volumes, frames, strict=True):
        check_volume(found, wanted, series.image.grid, tolerance=0.51 * frames.max() / 32767)


def test_dcm2niix_reads_geometry_and_values(exam, tmp_path):
    truth, folder, _, _ = exam
    for series in truth.series:
        check_series(series, converted(folder / folder_name(series.number, series.description), tmp_path, str(series.number)))


def split(file):
    data = file.get_fdata()
    return [data] if data.ndim == 3 else list(np.moveaxis(data, -1, 0))


def test_dcm2niix_reads_maps_in_milliseconds(exam, tmp_path):
    truth, folder, _, classic = exam
    if classic:
        pytest.skip("maps are the same objects with and without classic images")
    maps = truth.series[3].maps
    for number, name, values in (
        (401, "T1", maps["T1"].value * 1e3),
        (402, "T1_std", maps["T1"].std * 1e3),
        (403, "T2", maps["T2"].value * 1e3),
        (405, "B1", maps["B1"].value),
        (407, "phase_b", maps["phase_b"].value),
    ):
        (file,) = converted(folder / f"{number}_t1t2_map_{name}", tmp_path, str(number))
        found = nibabel.load(file)
        inside = np.isfinite(values)
        padding = 0.0 if name != "phase_b" else np.floor(values[inside].min()) - 1
        check_volume(found, np.where(inside, values, padding), maps.grid, tolerance=1e-4 * np.nanmax(np.abs(values)))


def test_several_slices_and_times(tmp_path):
    image = mapping_image("oblique")
    series = replace(study().series[3], image=image, maps=None)
    write_dicom(replace(study(), series=(series,)), tmp_path / "dicom")
    check_series(series, converted(tmp_path / "dicom", tmp_path, "stack"))


def test_markers_lie_where_they_are(exam, tmp_path):
    truth, folder, _, _ = exam
    for series in truth.series:
        files = converted(folder / folder_name(series.number, series.description), tmp_path, str(series.number))
        image = max(
            (nibabel.Nifti1Image(split(f)[0], f.affine) for f in map(nibabel.load, files)), key=lambda f: f.get_fdata().max()
        )
        data = image.get_fdata()
        for index, value in MARKERS.items():
            at = np.argwhere(np.abs(data - value) < 0.5)
            assert len(at) == 1
            found = (image.affine @ [*at[0], 1.0])[:3] * [-1, -1, 1]
            inside = np.minimum(index, np.array(series.image.grid.shape[::-1]) - 1)
            wanted = (series.image.grid.affine_m @ [*inside, 1.0])[:3] * 1e3
            assert np.linalg.norm(found - wanted) < 0.1, (series.description, index)


def test_dcmdump_reads(exam):
    _, _, paths, _ = exam
    for path in one_per_series(paths):
        result = run(tool("dcmdump"), path)
        assert result.returncode == 0 and "StudyInstanceUID" in result.stdout and result.stderr == ""


def test_storescu_stores(exam, tmp_path):
    _, _, paths, _ = exam
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([tool("storescp"), "-od", str(tmp_path), str(port)])
    try:
        wait_for(port)
        sent = one_per_series(paths)
        result = run(tool("storescu"), "-R", "127.0.0.1", port, *sent)
        assert result.returncode == 0, result.stderr
        assert len(list(Path(tmp_path).iterdir())) == len(sent)
    finally:
        server.terminate()
        server.wait(10)


def wait_for(port):
    for _ in range(50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("storescp did not start")
