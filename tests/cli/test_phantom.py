# TRUTHS of `fullbore phantom`: list names every body | show makes a page | export gives maps, labels and mixture that agree with
# the body | a movie's frames differ, and the stripes in a pipe move as its fluid does | a body is simulated by its name | wrong
# names, parameters, properties and movies are refused in one sentence
import json
from itertools import pairwise

import nibabel
import numpy as np
import pytest
from PIL import Image

from fullbore import files, phantom
from fullbore.cli.main import main
from tests.simulate.small import GRE, built, machine


def test_list_names_every_body_with_its_parameters(capsys):
    assert main(["phantom", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == list(phantom.BODIES)
    assert told["flow-pipe"]["parameters"]["radius_m"] == "0.005"
    assert all(item["about"] for item in told.values())


def test_show_writes_a_page_that_stands_alone(tmp_path):
    assert main(["phantom", "show", "system-phantom", "--spacing", "4", "--out", str(tmp_path / "page")]) == 0
    text = (tmp_path / "page" / "report.html").read_text()
    assert "data:image/png" in text and "T2-14" in text and "http" not in text.replace("http://www.w3.org", "")
    assert (tmp_path / "page" / "body.png").stat().st_size > 20_000


def test_export_agrees_with_the_body(tmp_path, capsys):
    out = tmp_path / "truth"
    arguments = ["--spacing", "4", "--maps", "T1,ADC", "--mixture", "--set", "percents=[0, 20, 40]", "--out", str(out), "--json"]
    assert main(["phantom", "export", "diffusion-vials", *arguments]) == 0
    record = json.loads(capsys.readouterr().out)
    body = phantom.make_body("diffusion-vials", {"percents": [0, 20, 40]})
    labels, grid = files.read_nifti(out / "diffusion-vials_dseg.nii.gz")
    assert np.array_equal(labels, phantom.organ_labels(body, phantom.body_grid(body, 4e-3)))
    assert np.abs(grid.affine_m - phantom.body_grid(body, 4e-3).affine_m).max() < 1e-8  # NIfTI keeps float32 millimetres
    rows = (out / "diffusion-vials_dseg.tsv").read_text().splitlines()
    assert rows[1:3] == ["0\tbackground", "1\tbath"]
    number = next(int(row.split("\t")[0]) for row in rows if row.endswith("PVP 40 %, inner"))
    adc = np.asarray(nibabel.load(out / "diffusion-vials_ADCmap.nii.gz").dataobj).transpose(2, 1, 0)
    inside = adc[labels == number]
    assert np.median(inside) == pytest.approx(body.truths["PVP 40 %, inner: ADC_m2_per_s"], rel=1e-6)
    mixture = np.asarray(nibabel.load(out / "diffusion-vials_probseg.nii.gz").dataobj)
    assert mixture.shape[:3] == labels.shape[::-1] and mixture.sum(axis=-1).max() <= 1 + 1e-5
    assert json.loads((out / "truths.json").read_text())["truths"] == dict(body.truths)
    assert len(record["files"]) > 8


def test_a_movie_of_the_flow_pipe_flows(tmp_path):
    out = tmp_path / "pipe.gif"
    asked = ["phantom", "show", "flow-pipe", "--spacing", "4", "--movie", str(out), "--out", str(tmp_path / "page")]
    assert main(asked) == 0
    assert "data:image/gif;base64" in (tmp_path / "page" / "report.html").read_text()
    with Image.open(out) as picture:
        assert picture.format == "GIF" and picture.info["loop"] == 0
        frames, step_s = [], picture.info["duration"] * 1e-3
        for number in range(picture.n_frames):
            picture.seek(number)
            frames.append(np.asarray(picture.convert("L"), float))
    assert all(np.abs(second - first).max() > 20 for first, second in pairwise(frames))
    # On the axis two stripes of 30 mm pass in the movie: the phase of that wave turns twice. Beside the pipe nothing moves.
    body = phantom.make_body("flow-pipe")
    axis = np.stack(frames)[:, :, frames[0].shape[1] // 2]
    height = (body.high_m[2] - body.low_m[2]) * np.arange(axis.shape[1]) / (axis.shape[1] - 1)
    turns = np.unwrap(np.angle((axis - axis.mean(axis=1, keepdims=True)) @ np.exp(2j * np.pi * height / 0.03))) / (2 * np.pi)
    speed = np.abs(np.polyfit(np.arange(len(turns)) / len(turns), turns, 1)[0])
    assert speed == pytest.approx(2, rel=2e-2)  # 48 greys, and the pixel beside the axis
    assert np.ptp(np.stack(frames)[:, :, 0], axis=0).max() == 0
    # In real time where that is slow enough for viewers, which refuse frames shorter than 20 ms.
    real_s = 0.06 / body.truths["peak_velocity_m_per_s"] / len(frames)
    assert step_s == pytest.approx(max(real_s, 0.02), abs=5e-3)


def test_a_body_is_simulated_by_its_name(tmp_path):
    path = tmp_path / "gre.seq"
    files.write_pulseq(built(GRE, machine(), fov=["200 mm"] * 3, matrix=[16, 16, 4]), path)
    asked = ["simulate", str(path), "--phantom", "flow-pipe", "--spins", "20000", "--out", str(tmp_path / "raw")]
    assert main(asked) == 0
    assert np.abs(files.read_mrd(tmp_path / "raw" / "raw.h5").samples).max() > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "unicorn"], "wanted one of uniform-sphere"),
        (["show", "flow-pipe", "--set", "colour=1"], "no parameter 'colour'"),
        (["show", "flow-pipe", "--set", "radius_m"], "wanted KEY=VALUE"),
        (["show", "flow-pipe", "--set", "radius_m=-1.0"], "wanted > 0"),
        (["show", "flow-pipe", "--spacing", "0"], "wanted positive lengths"),
        (["show", "flow-pipe", "--movie", "pipe.png"], "ends in .gif or .mp4"),
        (["show", "uniform-sphere", "--movie", "ball.gif"], "does not move"),
        (["export", "flow-pipe", "--maps", "T7", "--spacing", "8"], "no property T7"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(arguments, words, tmp_path, capsys):
    assert main(["phantom", *arguments, "--out", str(tmp_path / "out")]) in (2, 4)
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_toml_file_describes_a_body_from_anybodys_label_map(tmp_path, capsys):
    grid = phantom.body_grid(phantom.make_body("uniform-sphere"), 8e-3)
    labels = phantom.organ_labels(phantom.make_body("uniform-sphere"), grid)
    files.write_labels_nifti(labels, ("ball",), grid, tmp_path / "mine")
    text = 'name = "mine"\n[labels]\nfile = "mine.nii.gz"\ntissues = { 1 = "liver" }\n'
    text += '[[organ]]\nname = "lesion"\nshape = "ball"\ncentre_mm = [0, 20, 0]\nradius_mm = 15\ntissue = "cyst"\n'
    (tmp_path / "mine.toml").write_text(text)
    assert main(["phantom", "export", str(tmp_path / "mine.toml"), "--spacing", "4", "--out", str(tmp_path / "out")]) == 0
    record = json.loads((tmp_path / "out" / "truths.json").read_text())
    assert record["organ_volumes_m3"]["lesion"] == pytest.approx(4 / 3 * np.pi * 0.015**3, rel=0.03)  # (4 / 15)^2 / 4 = 2 %
    (tmp_path / "mine.toml").write_text("[labels]\ntissues = {}\n")
    assert main(["phantom", "show", str(tmp_path / "mine.toml")]) == 2
    assert "without 'file'" in capsys.readouterr().err
