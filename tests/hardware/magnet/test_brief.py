# TRUTHS of magnet briefs: every preset parses, bores grow with their names | wire: Lubell's line, 5 T value, falls by 0.096 / T,
# | margin 0 where the load line meets it | wrong keys, units, values, windings that cannot fit are refused with their name
import tomllib
from dataclasses import replace
from importlib import resources

import pytest

from fullbore.errors import UsageError, ValueRangeError
from fullbore.hardware.magnet import load_magnet_brief, magnet_presets, parse_magnet_brief
from fullbore.hardware.magnet.conductor import critical_current_A, load_line_limit_A, load_line_margin

TEXT = (resources.files("fullbore.hardware.magnet") / "presets" / "75cm.toml").read_text()


def test_presets():
    assert magnet_presets() == ("60cm", "65cm", "70cm", "75cm")
    radii = [load_magnet_brief(name).space.inner_radius_m for name in magnet_presets()]
    assert radii == sorted(radii) and len(set(radii)) == 4


def test_the_75_cm_brief_asks_what_the_machine_needs():
    brief = load_magnet_brief("75cm")
    assert (brief.b0_T, brief.space.inner_radius_m, brief.limits.load_line_margin) == (3.0, 0.54, pytest.approx(0.2))
    assert brief.space.length_m <= 1.9
    assert brief.homogeneity[0].diameter_m == 0.45 and brief.homogeneity[0].peak_to_peak <= 10e-6
    assert (brief.stray.radius_m, brief.stray.axial_m, brief.stray.field_T) == (2.8, 5.0, pytest.approx(0.5e-3))


def test_the_wire():
    wire = load_magnet_brief("75cm").primary_wire.wire()
    at_five = critical_current_A(wire, 5.0)
    assert at_five == pytest.approx(2.75e9 * wire.superconductor_m2)
    assert critical_current_A(wire, 6.0) / at_five == pytest.approx((1 - 0.576) / (1 - 0.48))
    assert critical_current_A(wire, 11.0) == 0.0
    limit = load_line_limit_A(wire, 500.0, 5.0)
    assert critical_current_A(wire, 5.0 * limit / 500.0) == pytest.approx(limit)
    assert load_line_margin(wire, limit, 5.0 * limit / 500.0) == pytest.approx(0.0, abs=1e-12)
    assert load_line_margin(wire, limit / 2, 5.0 * limit / 1000.0) == pytest.approx(0.5)


def test_a_wire_of_nothing_is_refused():
    with pytest.raises(ValueRangeError, match="copper_ratio"):
        replace(load_magnet_brief("75cm").primary_wire.wire(), copper_ratio=0.0)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('b0 = "3 T"', 'b0 = "3 T"\ncolour = "blue"', "colour"),
        ('b0 = "3 T"', "", "b0 is missing"),
        ('b0 = "3 T"', 'b0 = "3 K"', "'K'"),
        ('b0 = "3 T"', 'b0 = "-3 T"', "greater than 0"),
        ('"8 ppm"', '"8 mm"', "peak_to_peak"),
        ('diameter = "45 cm"', 'diameter = "90 cm"', "two thirds"),
        ('outer_radius = "1.06 m"', 'outer_radius = "60 cm"', "outer_radius"),
        ('load_line_margin = "20 %"', 'load_line_margin = "120 %"', "under 1"),
        ("primary_pairs = 3", "primary_pairs = 0", "primary_pairs"),
    ],
)
def test_a_brief_is_parsed_strictly(old, new, named):
    assert old in TEXT
    with pytest.raises(UsageError, match=named):
        parse_magnet_brief(tomllib.loads(TEXT.replace(old, new)), "test")


def test_an_unknown_preset_is_refused():
    with pytest.raises(UsageError, match="60cm, 65cm, 70cm, 75cm"):
        load_magnet_brief("acme")
