# TRUTHS of a designed body coil: it resonates where the brief says | power = absorbed + lost, over the line | head SAR times mass
#   = power | the scanner's nouns: centre brighter than rim, full scale at what the power reaches | every preset parses |
#   impossible briefs name a possible one | `fullbore design birdcage` writes its folder, and refuses in one sentence
from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

from fullbore.cli.main import main
from fullbore.errors import LimitError, UsageError
from fullbore.hardware.rf import birdcage_presets, design_birdcage, load_birdcage_brief, power_model, rf_amplifier, transmit_map
from fullbore.hardware.rf.brief import parse_birdcage_brief

PRESET = resources.files("fullbore.hardware.rf") / "presets" / "75cm.toml"


def brief(**changes):
    """A small head coil, quickly solved."""
    table = tomllib.loads(PRESET.read_text())
    table["coil"] |= {"radius": "20 cm", "shield_radius": "24 cm", "length": "26 cm", "rungs": 8}
    table["load"] = "head"
    return replace(parse_birdcage_brief(table, "test"), **changes)


@pytest.fixture(scope="module")
def made():
    return design_birdcage(load_birdcage_brief("60cm"))


def test_resonance_and_power(made):
    figures, asked = made.figures, made.brief
    modes = made.ladder.mode_frequencies_Hz()
    assert np.sort(np.abs(modes / asked.frequency_Hz - 1))[:2].max() < 1e-9
    for name, fields in (("head", made.head), ("trunk", made.trunk)):
        total = 8 * (made.losses_ohm[1] + figures[f"{name}_ohm"])  # N/2 R |J|^2, 16 windows
        assert fields.forward_W(np.ones(1) + 0j) == pytest.approx(total, rel=1e-9)
        sent = figures[f"forward_{name}_W_per_T2"] * figures[f"b1_{name}_T_per_A"] ** 2
        assert sent * (1 - asked.amplifier.loss) == pytest.approx(total, rel=1e-9)
    assert figures["quality_unloaded"] > figures["quality_head"] > figures["quality_trunk"] > 10
    assert figures["b1_reached_T"] ** 2 * figures["forward_W_per_T2"] == pytest.approx(asked.amplifier.peak_W)


def test_the_scanners_nouns(made):
    power, amplifier, field = power_model(made), rf_amplifier(made), transmit_map(made)
    assert power.head_W_per_kg_per_T2 * made.figures["head_mass_kg"] == pytest.approx(power.whole_body_W_per_kg_per_T2 * 75)
    assert power_model(made, "trunk").whole_body_W_per_kg_per_T2 > 5 * power.whole_body_W_per_kg_per_T2
    assert 0.1e12 < power.head_W_per_kg_per_T2 < 0.5e12  # published head models at 3 T: about 0.25 to 0.35 W/kg at 1 uT
    assert amplifier.peak_T == made.figures["b1_reached_T"] and len(amplifier.compression) == 2
    size = np.abs(field.values[0])
    assert field.unit == "1" and field.values.shape == (1, 41, 41, 41)
    assert size[20, 20, 20] > 1.05 > 0.9 > size[20, 20, 31]


def test_every_preset_parses():
    assert birdcage_presets() == ("60cm", "65cm", "70cm", "75cm")
    for name in birdcage_presets():
        assert load_birdcage_brief(name).coil.shape().rungs == 16


def test_too_much_field_is_refused_with_what_can_be():
    asked = brief(b1_peak_T=1e-3)
    with pytest.raises(LimitError, match="binds") as refused:
        design_birdcage(asked)
    most = 1e-6 * float(re.search(r"at most ([\d.e+]+) uT", str(refused.value))[1])
    assert design_birdcage(replace(asked, b1_peak_T=most)).figures["peak_power_W"] <= asked.amplifier.peak_W * (1 + 1e-9)
    with pytest.raises(LimitError):
        design_birdcage(replace(asked, b1_peak_T=most * 1.001))


def test_capacitors_that_cannot_be_bought_are_refused_with_what_can_be():
    plain = brief()
    wanted = replace(plain, coil=replace(plain.coil, kind="low pass", rungs=32), parts=replace(plain.parts, least_F=5e-12))
    wanted = replace(wanted, coil=replace(wanted.coil, rung_width_m=0.01))
    with pytest.raises(LimitError, match="Make it high pass: that is possible"):
        design_birdcage(wanted)
    design_birdcage(replace(wanted, coil=replace(wanted.coil, kind="high pass")))
    band = replace(plain, coil=replace(plain.coil, kind="band pass", ring_share=0.05), parts=replace(plain.parts, least_F=6e-12))
    with pytest.raises(LimitError, match="Make it band pass with a ring share of") as refused:
        design_birdcage(band)
    share = float(re.search(r"share of ([\d.]+):", str(refused.value))[1])
    made = design_birdcage(replace(band, coil=replace(band.coil, ring_share=share)))
    assert made.figures["rung_capacitor_F"] >= 6e-12


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('radius = "38.5 cm"', 'radius = "45 cm"', "shield_radius"),
        ('rung_width = "4 cm"', 'rung_width = "14 cm"', "windows"),
        ('radius = "38.5 cm"', 'radius = "15 cm"', "trunk"),
        ("rungs = 16", "rungs = 17", "multiple of 4"),
        ('kind = "high pass"', 'kind = "all pass"', "kind"),
        ('length = "48 cm"', 'length = "48 A"', "unknown unit"),
        ('length = "48 cm"', "", "coil.length is missing"),
        ("[parts]", "[parts]\nglue = 1", "unknown key parts.glue"),
    ],
)
def test_bad_briefs_are_refused(old, new, words):
    text = PRESET.read_text()
    assert old in text
    with pytest.raises(UsageError, match=words):
        parse_birdcage_brief(tomllib.loads(text.replace(old, new, 1)), "test")


def test_a_field_above_the_shields_cut_off_is_refused():
    text = PRESET.read_text()
    with pytest.raises(LimitError, match=r"under 0\.2\d* m, or a field under (4\.9\d*) T"):
        parse_birdcage_brief(tomllib.loads(text.replace('b0 = "3 T"', 'b0 = "7 T"')), "test")
    parse_birdcage_brief(tomllib.loads(text.replace('b0 = "3 T"', 'b0 = "4.9 T"')), "test")


@pytest.mark.slow
def test_the_command(tmp_path, capsys):
    out = tmp_path / "coil"
    assert main(["design", "birdcage", "--preset", "75cm", "--out", str(out), "--json"]) == 0
    told = capsys.readouterr()
    record = json.loads(told.out)
    assert "missed" not in told.err and record["drives"]["8 loops"]["rms_error"] < record["drives"]["quadrature"]["rms_error"] / 2
    assert {path.name for path in out.iterdir()} == {"birdcage.json", "birdcage.png", "modes.png", "report.html"}
    assert "data:image/png" in (out / "report.html").read_text()
    saved = json.loads((out / "birdcage.json").read_text())
    assert saved["figures"] == record["figures"] and len(saved["modes_Hz"]) == 16


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--preset", "90cm"], 2, "wanted one of 60cm, 65cm, 70cm, 75cm"),
        (["absent.toml"], 2, "no such file"),
        (["absent.toml", "--preset", "60cm"], 2, "wanted one of them"),
    ],
)
def test_wrong_options_are_refused(tmp_path, capsys, arguments, code, words):
    assert main(["design", "birdcage", *arguments, "--out", str(tmp_path / "out")]) == code
    told = capsys.readouterr().err
    assert words in told and told.count("fullbore: ") == 1
    assert not (tmp_path / "out").exists()
