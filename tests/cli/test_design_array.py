# TRUTHS of `fullbore design array`: a former's array is designed and leaves record, tables, picture and report |
#   a brief in a file gives the same | wrong options and impossible briefs are refused in one sentence and leave nothing
from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from fullbore.cli.main import main

KNEE = Path(str(resources.files("fullbore.hardware.array") / "presets" / "knee.toml"))


def design(*arguments: str) -> int:
    return main(["design", "array", *arguments])


def test_former_and_brief_give_the_same(tmp_path, capsys):
    assert design("--former", "knee", "--channels", "8", "--out", str(tmp_path / "one"), "--json") == 0
    told = capsys.readouterr()
    record = json.loads(told.out)
    assert "to go" in told.err and "preamplifier decoupling: 22.28 dB" in told.err
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert names == {"array.json", "loops.csv", "array.npz", "array.png", "g.png", "report.html"}
    page = (tmp_path / "one" / "report.html").read_text()
    assert "g at acceleration 2x2, worst" in page and "quality_ratio" not in page and "quality ratio" not in page
    assert page.count("data:image/png") == 3 and "share of the ultimate" in page
    saved = json.loads((tmp_path / "one" / "array.json").read_text())
    assert len(saved["loops"]) == 8 and saved["brief"]["channels"] == 8
    assert 0 < record["figures"]["ultimate_share_centre_whole"] < record["figures"]["ultimate_share_centre_sample"] <= 1
    assert 1 <= record["figures"]["g_R2_mean"] < record["figures"]["g_R3_mean"]
    wires = np.loadtxt(tmp_path / "one" / "loops.csv", delimiter=",", skiprows=1)
    assert np.allclose(np.hypot(wires[:, 1], wires[:, 2]), 0.085, atol=2e-6) and set(wires[:, 0]) == set(range(1, 9))
    with np.load(tmp_path / "one" / "array.npz") as matrices:
        assert matrices["noise_ohm"].shape == (8, 8)
    assert design("--brief", str(KNEE), "--channels", "8", "--out", str(tmp_path / "two"), "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["brief_sha256"] == record["brief_sha256"] and again["figures"] == pytest.approx(record["figures"], rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--former", "foot"], 2, "wanted one of head, knee, torso"),
        (["--former", "knee", "--channels", "9"], 2, "multiple of 8"),
        (["--former", "knee", "--channels", "-1"], 2, "1 to 128"),
        (["--former", "knee", "--b0", "99"], 2, "0.01 to 20"),
        (["--former", "knee", "--brief", "mine.toml"], 2, "wanted one of them"),
        (["--brief", "absent.toml"], 2, "no such file"),
        (["--former", "knee", "--channels", "64"], 3, "rows of loops"),
    ],
)
def test_wrong_options_are_refused(tmp_path, capsys, arguments, code, words):
    assert design(*arguments, "--out", str(tmp_path / "out")) == code
    told = capsys.readouterr().err
    assert words in told and "Traceback" not in told and not (tmp_path / "out").exists()
