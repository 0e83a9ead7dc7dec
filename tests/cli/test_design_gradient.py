# TRUTHS of `fullbore design gradient`: a brief becomes record, wires, picture and report that agree | a brief that cannot be met
# is refused in one sentence and leaves nothing | brief and preset at once, and a file that is no brief, are refused
from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pytest

from fullbore.cli.main import main
from fullbore.hardware.gradient.figures import centre_gradient

PRESET = (resources.files("fullbore.hardware.gradient") / "presets" / "75cm.toml").read_text(encoding="utf-8")
FEW = PRESET.replace('current = "1200 A"', 'current = "3600 A"').replace('voltage = "3333 V"', 'voltage = "2000 V"')


def design(*arguments: str) -> int:
    return main(["design", "gradient", *arguments])


@pytest.mark.slow
def test_a_brief_becomes_coils(tmp_path, capsys):
    (tmp_path / "brief.toml").write_text(FEW)
    folder = tmp_path / "made"
    assert design(str(tmp_path / "brief.toml"), "--out", str(folder), "--json") == 0
    told = capsys.readouterr()
    record = json.loads(told.out)
    tracks = {f"track-{axis}.csv" for axis in "xyz"}
    assert {path.name for path in folder.iterdir()} == tracks | {"gradient.json", "gradient.png", "report.html"}
    assert "x: linearity" in told.err and "<img" in (folder / "report.html").read_text()
    for axis in "xyz":
        path = np.loadtxt(folder / f"track-{axis}.csv", delimiter=",", skiprows=1)
        wanted = record["figures"][axis]["sensitivity_T_per_m_A"]
        # the table is rounded to a micrometre
        assert centre_gradient([path], axis) == pytest.approx(wanted, rel=1e-5)
    mutual = np.array(record["mutual_H"])
    assert np.abs(mutual - np.diag(np.diag(mutual))).max() < 0.05 * mutual.max()
    assert json.loads((folder / "gradient.json").read_text())["brief_sha256"] == record["brief_sha256"]


def test_refusals(tmp_path, capsys):
    (tmp_path / "brief.toml").write_text(PRESET.replace('slew = "200 T/m/s"', 'slew = "900 T/m/s"'))
    assert design(str(tmp_path / "brief.toml"), "--out", str(tmp_path / "out")) == 3
    assert "binding: voltage" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert design(str(tmp_path / "brief.toml"), "--preset", "75cm") == 2
    assert "wanted one of them" in capsys.readouterr().err
    (tmp_path / "brief.toml").write_text("name = 3")
    assert design(str(tmp_path / "brief.toml")) == 2
    assert "gradient brief" in capsys.readouterr().err
