# TRUTHS of `fullbore design`: given windings are judged and leave result, table, picture and report | the table it writes is
#   judged the same | the shipped 75 cm magnet meets its brief | as wound it is shimmed under ten ppm | wrong options and
#   impossible briefs are refused in one sentence and leave nothing | a whole design runs
from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from fullbore.cli.main import main

TABLE = """name,wire,inner_radius_m,outer_radius_m,centre_m,length_m,turns,current_A
one,primary,0.54,0.60,-0.66,0.30,4600,500
two,primary,0.54,0.57,0.0,0.60,4500,500
three,primary,0.54,0.60,0.66,0.30,4600,500
four,shield,1.02,1.06,-0.82,0.15,-1500,500
five,shield,1.02,1.06,0.82,0.15,-1500,500
"""
DESIGNED = Path(str(resources.files("fullbore.hardware.magnet") / "designed" / "75cm.csv"))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "coils.csv"
    path.write_text(TABLE)
    return path


def design(*arguments: str) -> int:
    return main(["design", "magnet", *arguments])


def test_given_windings_are_judged(table, tmp_path, capsys):
    assert design("--windings", str(table), "--out", str(tmp_path / "one"), "--json") == 0
    told = capsys.readouterr()
    record = json.loads(told.out)
    assert "missed" in told.err and record["figures"]["conductor_m"] > 1e4
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"magnet.json", "windings.csv", "magnet.png", "report.html"}
    assert "data:image/png" in (tmp_path / "one" / "report.html").read_text()
    saved = json.loads((tmp_path / "one" / "magnet.json").read_text())
    assert len(saved["magnet"]["windings"]) == 5 and saved["brief_sha256"] == record["brief_sha256"]
    assert design("--windings", str(tmp_path / "one" / "windings.csv"), "--out", str(tmp_path / "two"), "--json") == 0
    again = json.loads(capsys.readouterr().out)["figures"]
    assert again == pytest.approx(record["figures"], rel=1e-5)  # nanometres in the table


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--preset", "90cm"], 2, "wanted one of 60cm, 65cm, 70cm, 75cm"),
        (["absent.toml"], 2, "no such file"),
        (["absent.toml", "--preset", "60cm"], 2, "wanted one of them"),
        (["--windings", "absent.csv"], 4, "absent.csv"),
    ],
)
def test_wrong_options_are_refused(tmp_path, capsys, arguments, code, words):
    assert design(*arguments, "--out", str(tmp_path / "out")) == code
    told = capsys.readouterr().err
    assert words in told and told.count("fullbore: ") == 1
    assert not (tmp_path / "out").exists()


def test_an_impossible_brief_is_refused(tmp_path, capsys):
    preset = resources.files("fullbore.hardware.magnet") / "presets" / "75cm.toml"
    text = preset.read_text().replace('radius = "2.8 m"', 'radius = "1.6 m"').replace('axial = "5.0 m"', 'axial = "2.2 m"')
    (tmp_path / "small.toml").write_text(text)
    assert design(str(tmp_path / "small.toml"), "--out", str(tmp_path / "out")) == 3
    assert "cannot be met" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_shipped_75_cm_magnet_meets_its_brief(tmp_path, capsys):
    assert design("--windings", str(DESIGNED), "--preset", "75cm", "--out", str(tmp_path / "own"), "--json") == 0
    told = capsys.readouterr()
    assert "missed" not in told.err
    figures = json.loads(told.out)["figures"]
    assert figures["peak_to_peak_45cm_ppm"] <= 8.0 and figures["centre_field_T"] == pytest.approx(3.0, rel=1e-5)


def test_a_magnet_is_shimmed(tmp_path, capsys):
    arguments = ["design", "shim", "--windings", str(DESIGNED), "--out", str(tmp_path / "shim"), "--json"]
    assert main(arguments) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["before_ppm"] > 50 and record["after_ppm"] < 10 and 0 < record["iron_kg"] < 100
    assert {path.name for path in (tmp_path / "shim").iterdir()} == {"shim.json", "trays.csv", "shim.png", "report.html"}
    assert main([*arguments[:-2], str(tmp_path / "other"), "--seed", "-1"]) == 2
    assert "wanted a seed from 0" in capsys.readouterr().err


@pytest.mark.slow
def test_a_whole_design(tmp_path, capsys):
    assert design("--preset", "75cm", "--out", str(tmp_path / "magnet")) == 0
    told = capsys.readouterr().err
    assert "whole turns" in told and "missed" not in told
    assert len((tmp_path / "magnet" / "windings.csv").read_text().splitlines()) >= 8
