# TRUTHS of `fullbore accept`: the healthy machine is accepted, and what fails is explained by its transmit field | weak gradients
#   are found as -2 % of every diameter and of the grid | a dead element, a drift of 0.5 Hz/s, turned lines and hurried pulses
#   are each found by the figure that they spoil, and by no length | spheres read what they hold | record, picture and page are
#   written | a figure's colour is no part of its text | unknown tests and faults are refused in one sentence and leave nothing
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fullbore.cli.accept import _sentence
from fullbore.cli.main import main
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.acceptance import Reading
from fullbore.scanner import FAULTS


def accept(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["accept", "--quick", "--out", str(folder), *arguments])
    return code, json.loads((folder / "accept.json").read_text())


def figures(record: dict[str, Any], test: str) -> list[dict[str, Any]]:
    found = [reading for reading in record["readings"] if reading["test"].startswith(test)]
    assert found, test
    return found


@pytest.mark.slow
def test_the_healthy_machine_is_accepted(tmp_path, capsys):
    code, record = accept(tmp_path / "one")
    assert code == 0 and record["accepted"] and "accepted" in capsys.readouterr().err
    failed = [reading for reading in record["readings"] if reading["passed"] is False]
    assert all(reading["explained"] and reading["name"] == "PIU, spin echo" for reading in failed)
    # A tenth of a 2 mm pixel at each end of a diameter.
    assert all(abs(reading["value"]) < 0.4 for reading in figures(record, "ACR geometric"))
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"accept.json", "accept.png", "report.html"}
    assert "img alt" in (tmp_path / "one" / "report.html").read_text()


@pytest.mark.slow
def test_weak_gradients_are_found(tmp_path):
    code, record = accept(tmp_path / "one", "--tests", "geometry", "--fault", "gradient-gain")
    assert code == 1 and record["planted"] == ["gradient-gain"]
    lengths = figures(record, "ACR geometric")
    assert not any(reading["passed"] for reading in lengths)
    _, healthy = accept(tmp_path / "two", "--tests", "geometry")
    true = np.array([190.0] * 4 + [148.0])
    seen, usual = (true + [reading["value"] for reading in kept] for kept in (lengths, figures(healthy, "ACR geometric")))
    # Each end is read to a tenth of a 2 mm pixel: 0.4 mm of 148 mm.
    assert seen / usual == pytest.approx(np.full(5, 0.98), abs=0.4 / 148)
    assert figures(record, "NEMA MS 2")[0]["value"] == pytest.approx(-2.0, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "tests", "spoiled"),
    [
        ("dead-coil", "noise", "array elements"),
        ("b0-drift", "drift", "centre frequency"),
        ("ghosting", "ghosting", "ACR ghosting"),
        ("slice-profile", "thickness", "ACR slice thickness"),
    ],
)
def test_other_faults_are_found(tmp_path, fault, tests, spoiled):
    code, record = accept(tmp_path / "one", "--tests", tests, "--fault", fault)
    assert code == 1 and any(reading["passed"] is False for reading in figures(record, spoiled))
    if fault == "b0-drift":
        assert figures(record, spoiled)[0]["value"] == pytest.approx(30.0, abs=0.3)  # 0.5 Hz/s


@pytest.mark.parametrize(("value", "word"), [(1.0, "pass"), (3.0, "FAIL"), (float("nan"), "FAIL")])
def test_a_figure_is_told_without_its_markup(capsys, value, word):
    with ExamTerminal({}) as terminal:
        terminal.line(_sentence(Reading(test="ACR", name="PSG [odd]", value=value, unit="%", high=2.5)), markup=True)
    said = capsys.readouterr().err
    assert said.split()[0] == word and "ACR, PSG [odd]: " in said and "[/" not in said


@pytest.mark.parametrize("wrong", [("--tests", "colour"), ("--fault", "gremlins"), ("--scanner", "nobody"), ("--seed", "-1")])
def test_what_is_wrong_is_refused_and_leaves_nothing(tmp_path, capsys, wrong):
    assert main(["accept", "--out", str(tmp_path / "one"), *wrong]) == 2
    said = capsys.readouterr().err
    assert "wanted" in said and said.count("\n") == 1 and not (tmp_path / "one").exists()


def test_every_fault_says_what_it_is():
    assert all(fault.about for fault in FAULTS.values()) and len(FAULTS) == 5


@pytest.mark.slow
def test_spheres_read_what_they_hold(tmp_path):
    assert main(["accept", "--tests", "spheres", "--out", str(tmp_path / "it")]) == 0
    readings = json.loads((tmp_path / "it" / "accept.json").read_text())["readings"]
    judged = [abs(reading["value"]) for reading in readings if reading["test"].startswith("NIST") and reading["low"] is not None]
    # 1.9 % is the ringing of the water around a sphere of seven pixels: alone, spheres read within 0.4 %
    assert len(judged) == 20 and max(judged) < 2.0
