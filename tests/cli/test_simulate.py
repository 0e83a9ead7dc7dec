# TRUTHS of `fullbore simulate`: a Pulseq file becomes raw data that `fullbore recon` takes, with picture and report
#   | the same seed gives the same bytes | a plan is told before it runs | wrong names and files are refused in one sentence
from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from fullbore import files
from fullbore.cli.main import main
from tests.simulate.small import GRE, built, machine


@pytest.fixture(scope="module")
def sequence_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sequence") / "gre.seq"
    files.write_pulseq(built(GRE, machine(), fov=["200 mm"] * 3, matrix=[16, 16, 4]), path)
    return path


def simulate(file: Path, out: Path, *more: str) -> int:
    return main(["simulate", str(file), "--phantom", "sphere", "--spins", "20000", "--out", str(out), *more])


def test_a_pulseq_file_becomes_raw_data_and_an_image(sequence_file, tmp_path, capsys):
    assert simulate(sequence_file, tmp_path / "raw", "--json") == 0
    told = capsys.readouterr()
    record = json.loads(told.out)
    assert record["status"] == "complete" and record["readouts"] == 64 and record["phantom"] == "sphere"
    assert "plan: configuration states" in told.err
    raw = files.read_mrd(tmp_path / "raw" / "raw.h5")
    assert raw.samples.shape[0] == 64 and np.abs(raw.samples).max() > 0
    assert (tmp_path / "raw" / "raw.png").stat().st_size > 5000
    assert "<svg" in (page := (tmp_path / "raw" / "report.html").read_text()) or "data:image/png" in page
    assert main(["recon", str(tmp_path / "raw" / "raw.h5"), "--out", str(tmp_path / "image")]) == 0
    image = np.abs(np.asarray(nibabel.load(tmp_path / "image" / "image.nii.gz").dataobj))
    assert image.shape[:3] == (16, 16, 4)
    middle, corner = image[6:10, 6:10, 1:3].mean(), image[:2, :2].mean()
    assert middle > 10 * corner  # a ball of 5 cm in a field of view of 20


def test_the_same_seed_gives_the_same_samples(sequence_file, tmp_path):
    for name in ("one", "two"):
        assert simulate(sequence_file, tmp_path / name, "--engine", "spins", "--seed", "5") == 0
    one, two = (files.read_mrd(tmp_path / name / "raw.h5").samples for name in ("one", "two"))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--phantom", "dog"], 2, "wanted one of head, sphere, box, vials"),
        (["--engine", "fast"], 2, "wanted one of auto, states, spins"),
        (["--seed", "-1"], 2, "wanted a seed from 0"),
        (["--scanner", "none"], 2, "none"),
        (["--set", "seed=2"], 2, "sphere has no parameters"),
        (["--task", "soon"], 2, "wanted BEGIN:END"),
        (["--task", "0:1"], 2, "no tissue is active"),
        (["--contrast", "-1"], 4, "dose"),
        (["--contrast", "0.1"], 2, "no blood reaches"),
        (["--spins", "0"], 2, "at least one spin"),
    ],
)
def test_wrong_options_are_refused(sequence_file, tmp_path, capsys, arguments, code, words):
    got = main(["simulate", str(sequence_file), "--phantom", "sphere", "--out", str(tmp_path / "raw"), *arguments])
    told = capsys.readouterr().err
    assert got == code and words in told and told.count("fullbore: ") == 1
    assert not (tmp_path / "raw").exists()


def test_wrong_files_are_refused(tmp_path, capsys):
    broken = tmp_path / "broken.seq"
    broken.write_text("[VERSION]\nmajor 1\n")
    assert simulate(broken, tmp_path / "raw") == 4
    assert simulate(tmp_path / "absent.seq", tmp_path / "raw") in (2, 4)
    assert not (tmp_path / "raw").exists()
    assert capsys.readouterr().err.count("fullbore: ") == 2
