# TRUTHS of gradient briefs: every preset is read and fits | numbers become SI | unknown keys, missing keys, wrong units,
# cylinders that cross and volumes that touch the windings are refused by name
import tomllib
from importlib import resources

import pytest

from fullbore.errors import UsageError
from fullbore.hardware.gradient import gradient_presets, load_gradient_brief, parse_gradient_brief


def table(name="75cm"):
    return tomllib.loads((resources.files("fullbore.hardware.gradient") / "presets" / f"{name}.toml").read_text(encoding="utf-8"))


def test_presets():
    assert gradient_presets() == ("60cm", "65cm", "70cm", "75cm")
    for name in gradient_presets():
        brief = load_gradient_brief(name)
        assert int(name[:2]) / 200 + 0.03 < brief.x.primary_radius_m < brief.z.primary_radius_m
    brief = load_gradient_brief("75cm")
    assert (brief.drive.amplitude_T_per_m, brief.drive.slew_T_per_m_s, brief.limits.eddy) == (0.045, 200.0, 0.002)
    with pytest.raises(UsageError, match="unknown; wanted one of 60cm"):
        load_gradient_brief("80cm")


@pytest.mark.parametrize(
    ("part", "key", "value", "message"),
    [
        ("x", "primary_radius", "49 cm", "wanted them to rise"),
        ("volume", "radius", "40 cm", "4 cm within the windings"),
        ("volume", "half_length", "70 cm", "half the"),
        ("limits", "linearity", "5 mm", "unknown unit"),
        ("limits", "linearity", "120 %", "less than 1"),
        ("limits", "eddy", 3, "wanted a number and a unit"),
        ("drive", "colour", "red", "unknown key drive.colour"),
        ("drive", "voltage", None, "drive.voltage is missing"),
    ],
)
def test_bad_briefs(part, key, value, message):
    tree = table()
    if value is None:
        del tree[part][key]
    else:
        tree[part][key] = value
    with pytest.raises(UsageError, match=message):
        parse_gradient_brief(tree, "test")
