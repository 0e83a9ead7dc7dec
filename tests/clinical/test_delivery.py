# TRUTHS of a delivered exam, each told by somebody else's reader: every promised file is there and is what exam.json says |
# PyPulseq reads each sequence with the same duration | ismrmrd reads each raw file: header, flags, noise, trajectory | k-space
# from the gradients = the encoding in the header to 1e-6 | dciodvfy finds no error | dcm2niix sees the geometry that the NIfTI
# has | BIDS sidecars carry the times | the report stands alone
import json
import re
import shutil
import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pytest

from fullbore.files import read_mrd
from fullbore.machinery import file_digest
from tests.clinical.conftest import DoneExam

SERIES = ("localizer", "t1_mprage", "t2_tse", "t1t2_map")

pytestmark = pytest.mark.slow


def test_every_series_is_complete_and_every_file_is_what_the_record_says(quick_exam: DoneExam) -> None:
    assert quick_exam.record["status"] == "complete"
    assert [entry["name"] for entry in quick_exam.record["series"]] == list(SERIES)
    assert json.loads((quick_exam.folder / "exam.json").read_text())["series"] == quick_exam.record["series"]
    for entry in quick_exam.record["series"]:
        assert entry["status"] == "complete"
        for name, item in entry["files"].items():
            assert file_digest(quick_exam.folder / item.get("path", name)) == item["sha256"]
    assert not [path for path in quick_exam.folder.rglob("*") if "tmp" in path.name]


@pytest.mark.parametrize("name", SERIES)
def test_pypulseq_reads_the_same_duration(quick_exam: DoneExam, name: str) -> None:
    pypulseq = pytest.importorskip("pypulseq")
    sequence = pypulseq.Sequence()
    sequence.read(str(quick_exam.folder / "sequences" / f"{name}.seq"))
    duration, blocks, _ = sequence.duration()
    assert blocks == quick_exam.series(name)["sequence"]["blocks"]
    assert abs(duration - quick_exam.series(name)["sequence"]["duration_s"]) < 1e-6


@pytest.mark.parametrize("name", SERIES)
def test_ismrmrd_reads_the_raw_data(quick_exam: DoneExam, name: str) -> None:
    ismrmrd = pytest.importorskip("ismrmrd")
    dataset = ismrmrd.Dataset(str(quick_exam.folder / "raw" / f"{name}.h5"), "dataset", create_if_needed=False)
    header = ismrmrd.xsd.CreateFromDocument(dataset.read_xml_header())
    encoding = header.encoding[0]
    first, last = dataset.read_acquisition(0), dataset.read_acquisition(dataset.number_of_acquisitions() - 1)
    assert first.is_flag_set(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)
    assert last.is_flag_set(ismrmrd.ACQ_LAST_IN_MEASUREMENT)
    assert header.acquisitionSystemInformation.receiverChannels == last.active_channels == last.data.shape[0]
    assert last.traj.shape == (last.number_of_samples, 3)
    assert last.idx.kspace_encode_step_1 <= encoding.encodingLimits.kspace_encoding_step_1.maximum
    assert encoding.encodedSpace.matrixSize.x == last.number_of_samples
    assert header.sequenceParameters.TR[0] > 0 and header.experimentalConditions.H1resonanceFrequency_Hz > 120e6


@pytest.mark.parametrize("name", SERIES)
def test_the_trajectory_of_the_gradients_is_the_encoding_of_the_header(quick_exam: DoneExam, name: str) -> None:
    raw = read_mrd(quick_exam.folder / "raw" / f"{name}.h5")
    assert raw.trajectory_per_m is not None
    nominal = raw.encoding.trajectory_per_m()
    extent = np.ptp(nominal.reshape(-1, 3), axis=0).max()
    # MRD keeps trajectories in float32: a unit in the last place of the extent is 6e-8 of it.
    assert np.abs(raw.trajectory_per_m - nominal).max() < 1e-6 * extent


def test_dicom_is_valid_and_keeps_its_geometry(quick_exam: DoneExam, tmp_path: Path) -> None:
    if not (shutil.which("dciodvfy") and shutil.which("dcm2niix")):
        pytest.skip("needs dciodvfy and dcm2niix")
    objects = sorted((quick_exam.folder / "dicom").rglob("*.dcm"))
    assert len(objects) >= len(SERIES) + 2
    for path in objects:
        said = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, timeout=120)
        assert not [line for line in (said.stdout + said.stderr).splitlines() if line.startswith("Error")], (path, said.stderr)
    for name in ("localizer", "t1_mprage", "t2_tse"):
        ours = nibabel.load(next((quick_exam.folder / "images").glob(f"*{name}*.nii.gz")))
        source = next(path for path in objects if name in str(path.relative_to(quick_exam.folder)))
        out = tmp_path / name
        out.mkdir()
        subprocess.run(
            ["dcm2niix", "-b", "y", "-z", "n", "-o", str(out), str(source)], check=True, capture_output=True, timeout=120
        )
        theirs = nibabel.load(next(out.glob("*.nii")))
        corners = np.array([[i, j, k, 1.0] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
        ours_box = ours.affine @ (corners * [*(np.array(ours.shape[:3]) - 1), 1]).T
        theirs_box = theirs.affine @ (corners * [*(np.array(theirs.shape[:3]) - 1), 1]).T
        assert np.abs(ours_box.min(axis=1) - theirs_box.min(axis=1)).max() < 0.01  # mm
        assert np.abs(ours_box.max(axis=1) - theirs_box.max(axis=1)).max() < 0.01


def test_sidecars_carry_the_times(quick_exam: DoneExam) -> None:
    sidecar = json.loads(next((quick_exam.folder / "images").glob("*t1_mprage*.json")).read_text())
    assert abs(sidecar["RepetitionTime"] - 2.3) < 1e-3 and abs(sidecar["InversionTime"] - 0.9) < 1e-3
    assert abs(np.degrees(np.radians(sidecar["FlipAngle"])) - 9) < 1e-3
    for quantity in ("T1map", "T2map"):
        found = json.loads(next((quick_exam.folder / "maps").glob(f"*{quantity}.json")).read_text())
        assert found["Units"] == "s"


def test_the_report_stands_alone(quick_exam: DoneExam) -> None:
    report = (quick_exam.folder / "report.html").read_text()
    assert not re.findall(r"""(?:src|href)=["']?(?!data:|#)[^"'>\s]+""", report)
    assert report.count("data:image/png") >= 4 * len(SERIES)
    for word in (
        "Safety verdict",
        "Sequence diagram",
        "Sampling of k-space",
        "coil sensitivities",
        "against the truth",
        "SHA-256",
    ):
        assert word in report
