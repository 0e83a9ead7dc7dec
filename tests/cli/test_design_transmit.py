# TRUTHS of `fullbore design transmit`: files, figures and report | a head is brighter in the middle | SAR over its limit: exit
# 3, told in the report | bad input: exit 2, one sentence
import json

import numpy as np
import pytest

from fullbore.cli import design_transmit
from fullbore.cli.main import main
from fullbore.hardware.full_wave.observation_points import worst_sar
from tests.hardware.full_wave.bodies import sphere_body

_BRIEF = """
name = "small"
source = "test"
[coil]
kind = "birdcage"
elements = 8
radius = "16 cm"
length = "22 cm"
[subject]
voxel = "12 mm"
[limits]
b1_rms = "{b1} uT"
"""


@pytest.mark.slow
def test_a_head_in_a_birdcage(tmp_path, capsys):
    brief = tmp_path / "brief.toml"
    brief.write_text(_BRIEF.format(b1=1))
    out = tmp_path / "out"
    assert main(["design", "transmit", str(brief), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "complete"
    figures = told["figures"]
    # the well-known dielectric brightening of a head at 3 T
    assert 1.15 < figures["central_brightening"] < 1.8
    kept = np.load(out / "transmit.npz")
    assert kept["relative_b1"].shape[0] == 1 and kept["observation_points_W_per_kg_per_T2"].shape == (1, 1, 1)
    peak = kept["observation_points_W_per_kg_per_T2"].real.max() * 1e-12
    assert peak == pytest.approx(kept["local_sar_W_per_kg_per_uT2"].max(), rel=1e-4)
    assert json.loads((out / "transmit.json").read_text())["refused"] is None
    assert "B1+" in (out / "report.html").read_text() and (out / "transmit.png").stat().st_size > 5000


@pytest.mark.slow
def test_sar_over_its_limit_is_refused_and_told(tmp_path, capsys, monkeypatch):
    ball = sphere_body(0.012, [(0.08, 52.0, 0.55)])
    monkeypatch.setattr(design_transmit, "voxel_body", lambda name, spacing_m: ball)
    brief, out = tmp_path / "brief.toml", tmp_path / "over"
    brief.write_text(_BRIEF.format(b1=50).replace("birdcage", "loops"))
    assert main(["design", "transmit", str(brief), "--out", str(out), "--json"]) == 3
    told = capsys.readouterr()
    assert "SAR of the whole subject at 50 uT" in told.err and json.loads(told.out)["exit_code"] == 3
    record = json.loads((out / "transmit.json").read_text())
    assert "Ask for" in record["refused"] and "Ask for" in (out / "report.html").read_text()
    kept = np.load(out / "transmit.npz")
    assert kept["relative_b1"].shape[0] == 8 and kept["drive"].shape == (8,)
    bound = worst_sar(kept["observation_points_W_per_kg_per_T2"], kept["drive"]) * 1e-12
    peak = kept["local_sar_W_per_kg_per_uT2"].max()
    assert peak * (1 - 1e-6) <= bound


@pytest.mark.parametrize(
    "arguments",
    [["--preset", "none"], ["--voxel", "0.5"], ["--phantom", "nobody", "--voxel", "12"], ["missing.toml"]],
)
def test_bad_input_is_one_sentence(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["design", "transmit", *arguments]) in (2, 4)
    assert len(capsys.readouterr().err.strip().splitlines()[-1]) < 400 and not list(tmp_path.iterdir())
