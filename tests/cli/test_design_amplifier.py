# TRUTHS of `fullbore design amplifier`: result, pictures and report, all demands met, JSON on request | a brief of one's own
# | wrong options and impossible briefs are refused in one sentence and leave nothing
from __future__ import annotations

import json
from importlib import resources

import pytest

from fullbore.cli.main import main

TEXT = (resources.files("fullbore.hardware.power_amplifier") / "presets" / "4MVA.toml").read_text()


@pytest.mark.slow
def test_a_preset_is_designed(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["design", "amplifier", "--out", str(out), "--json"]) == 0
    told = capsys.readouterr()
    record = json.loads(told.out)
    assert "missed" not in told.err and told.err.count("met") == 7
    assert record["figures"]["apparent_power_MVA"] == pytest.approx(3.95, abs=0.1)
    assert {path.name for path in out.iterdir()} == {"amplifier.json", "amplifier.png", "structure.png", "report.html"}
    assert (out / "report.html").read_text().count("data:image/png") == 2
    saved = json.loads((out / "amplifier.json").read_text())
    assert saved["brief_sha256"] == record["brief_sha256"] and saved["limits"]["gradient_T_per_m"] == pytest.approx(0.045)
    assert main(["design", "amplifier", "--out", str(out)]) == 2


@pytest.mark.parametrize(
    ("change", "arguments", "code", "words"),
    [
        (None, ["--preset", "9MVA"], 2, "wanted one of 2.7MVA, 4MVA"),
        (None, ["absent.toml"], 2, "no such file"),
        (None, ["absent.toml", "--preset", "4MVA"], 2, "wanted one of them"),
        (('slew = "200 T/m/s"', 'slew = "900 T/m/s"'), ["BRIEF"], 3, "Take"),
        (('diameter = "45 cm"', 'diameter = "1 m"'), ["BRIEF"], 2, "wanted ball"),
    ],
)
def test_wrong_options_are_refused(tmp_path, capsys, change, arguments, code, words):
    path = tmp_path / "brief.toml"
    if change:
        assert change[0] in TEXT
        path.write_text(TEXT.replace(*change, 1))
    asked = [str(path) if argument == "BRIEF" else argument for argument in arguments]
    assert main(["design", "amplifier", *asked, "--out", str(tmp_path / "out")]) == code
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
