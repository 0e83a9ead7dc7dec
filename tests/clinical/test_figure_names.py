# TRUTHS of figures in words
# | what | truth |
# | every figure that a part of the machine tells | has words of its own, with no underscore, and a unit |
# | a value in other units | is the same quantity: 1.2e14 W/T2 is 120 W/uT2, 2.0e-11 F is 20 pF |
# | a key that nobody named | is told, with its value |
# | four digits | at every size, whole numbers whole |
from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from fullbore.clinical.report.figure_names import figure_words, told_figure, told_figures, told_value
from fullbore.files.winding_table import read_windings
from fullbore.hardware.gradient import axis_brief, design_axis, load_gradient_brief
from fullbore.hardware.magnet import load_magnet_brief, magnet_figures
from fullbore.hardware.magnet.figures import conductor_figures
from fullbore.hardware.power_amplifier.brief import load_amplifier_brief
from fullbore.hardware.power_amplifier.machine import machine_figures, make_gradient_machine
from fullbore.hardware.rf import design_birdcage, load_birdcage_brief
from fullbore.hardware.spectrometer import design_spectrometer, load_spectrometer_brief, transmit_figures

HOME = Path(str(resources.files("fullbore.hardware")))


def magnet() -> dict[str, float]:
    given = read_windings(HOME / "magnet" / "designed" / "75cm.csv")
    return magnet_figures(given) | conductor_figures(given, load_magnet_brief("75cm"))


def spectrometer() -> dict[str, float]:
    brief = load_spectrometer_brief("3t")
    return design_spectrometer(brief).figures | transmit_figures(brief)


PARTS = {
    "magnet": magnet,
    "amplifier": lambda: machine_figures(make_gradient_machine(load_amplifier_brief("4MVA"))),
    "birdcage": lambda: design_birdcage(load_birdcage_brief("75cm")).figures,
    "spectrometer": spectrometer,
}


@pytest.mark.parametrize("part", PARTS)
def test_every_figure_has_words(part: str) -> None:
    figures = PARTS[part]()
    rows = [figure_words(key) for key in figures]
    assert len({words for words, _ in rows}) == len(rows)  # none is told twice
    assert not [words for words, _ in rows if "_" in words or "%s" in words]
    assert [words for words, _ in told_figures(figures)] == [words for words, _ in rows]


@pytest.mark.slow
def test_every_figure_of_a_gradient_coil_has_words() -> None:
    figures = design_axis(axis_brief(load_gradient_brief("75cm"), "z"), "z").figures
    assert len({figure_words(key)[0] for key in figures}) == len(figures)


@pytest.mark.parametrize(
    ("module", "words"), [("gradient/surface_figures.py", 18), ("full_wave/transmit.py", 11), ("array/design.py", 11)]
)
def test_figures_of_slow_designs_have_words(module: str, words: int) -> None:
    """Keys as the sources write them: a line that begins with a text and a colon."""
    keys = re.findall(r'^ +"(\w+)": ', (HOME / module).read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(keys) >= words
    for key in keys:
        assert "_" not in figure_words(key)[0]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("forward_W_per_T2", 1.2409e14, ("forward power", "124.1 W/uT2")),
        ("ring_capacitor_F", 2.0114e-11, ("ring capacitor", "20.11 pF")),
        ("peak_to_peak_45cm_ppm", 7.8412, ("field, peak to peak over 45 cm", "7.841 ppm")),
        ("load_line_margin_primary", 0.2573, ("load-line margin of the primary wire", "25.73 %")),
        ("g_R2x2_worst", 1.07, ("g at acceleration 2x2, worst", "1.07")),
        ("coil_x_inductance_uH", 538.3, ("inductance of coil and cable, x", "538.3 uH")),
        ("sensitivity_T_per_m_A", 3.81e-5, ("gradient per ampere", "38.1 uT/m/A")),
        ("turns", 18742.0, ("turns", "18742")),
        ("conductor_m", 79213.9, ("length of conductor", "79.21 km")),
        ("something_new_Hz", 12.3456, ("something new Hz", "12.35")),
    ],
)
def test_figures_are_told(key: str, value: float, told: tuple[str, str]) -> None:
    assert told_figure(key, value) == told


@pytest.mark.parametrize("power", range(-13, 12))
def test_prefixes_keep_the_value(power: int) -> None:
    names = {"p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}
    for digits in (1.0, 1.234, 9.994):
        number, unit = told_value(digits * 10.0**power, "H").split()
        assert float(number) * 10.0 ** names[unit[:-1]] == pytest.approx(digits * 10.0**power, rel=1e-3)
        assert 0.99 <= float(number) < 1000 or power < -12 or power > 11
    assert told_value(0.0, "V") == "0 V" and told_value(float("inf"), "m") == "inf m" and told_value(-3e-6, "m") == "-3 um"
    assert told_value(np.float64(5.0).item(), "") == "5"
