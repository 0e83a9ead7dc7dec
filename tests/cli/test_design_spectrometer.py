# TRUTHS of `fullbore design spectrometer`: a preset leaves record, picture and a report with every demand met | a brief
#   of one's own is taken | what cannot be is refused in one sentence with exit 3, bad requests with exit 2, and both leave
#   nothing
from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from fullbore.cli.main import main

PRESET = (resources.files("fullbore.hardware.spectrometer") / "presets" / "3t.toml").read_text()


def design(*arguments: str) -> int:
    return main(["design", "spectrometer", *arguments])


def test_a_preset(tmp_path, capsys):
    out = tmp_path / "made"
    assert design("--preset", "3t", "--out", str(out), "--json") == 0
    told = capsys.readouterr()
    record = json.loads(told.out)
    assert told.err.count(": met") == 6 and "missed" not in told.err
    assert record["figures"]["zone"] == 3 and record["transmit"]["quadrature_image_dB"] is None
    assert {path.name for path in out.iterdir()} == {"spectrometer.json", "spectrometer.png", "report.html"}
    page = (out / "report.html").read_text()
    assert page.count("data:image/png") == 1 and "within" in page and ">over<" not in page
    kept = json.loads((out / "spectrometer.json").read_text())
    assert kept["spectrometer"]["bits"] == 14 and kept["brief"]["b0_T"] == 3.0


def test_a_brief_of_ones_own(tmp_path):
    brief = tmp_path / "mine.toml"
    brief.write_text(PRESET.replace('bandwidth = "1 MHz"', 'bandwidth = "500 kHz"').replace("fullbore-3t", "mine"))
    assert design(str(brief), "--out", str(tmp_path / "made")) == 0
    assert json.loads((tmp_path / "made" / "spectrometer.json").read_text())["brief"]["demands"]["bandwidth_Hz"] == 5e5


def test_refusals_leave_nothing(tmp_path, capsys):
    brief, out = tmp_path / "mine.toml", tmp_path / "made"
    brief.write_text(PRESET.replace('dynamic_range = "140 dB"', 'dynamic_range = "165 dB"'))
    assert design(str(brief), "--out", str(out)) == 3
    assert "binds. Allow" in capsys.readouterr().err
    brief.write_text(PRESET.replace("order = 5", 'order = "five"'))
    assert design(str(brief), "--out", str(out)) == 2
    assert design("--preset", "9t", "--out", str(out)) == 2
    assert design(str(brief), "--preset", "3t", "--out", str(out)) == 2
    assert not Path(out).exists()
