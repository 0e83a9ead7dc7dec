# TRUTHS of units: number and unit to SI | unknown unit, bare number, wrong dimension refused, by name | Hz/m and back
# | every dimension has its SI unit
import math

import pytest

from fullbore.errors import UsageError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.physics.units import UNITS, gradient_from_Hz_per_m, gradient_to_Hz_per_m, parse_quantity


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("2300 ms", "time", 2.3),
        ("-0.5mm", "length", -5e-4),
        ("1e3 us", "time", 1e-3),
        ("9 deg", "angle", math.pi / 20),
        ("45 mT/m", "gradient", 0.045),
        ("200 T/m/s", "slew", 200.0),
        ("200 mT/m/ms", "slew", 200.0),
        ("20 uT", "field", 20e-6),
        ("2.2 MVA", "apparent power", 2.2e6),
        ("20 T/s", "field rate", 20.0),
    ],
)
def test_a_quantity_becomes_SI(text, dimension, value):
    assert parse_quantity(text, dimension, "x") == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", ["2300", 2300, None, "ms", "2300 parsec", "2300 T", "1 2 ms", ""])
def test_what_is_not_a_time_is_refused_by_name(text):
    with pytest.raises(UsageError, match="repetition time"):
        parse_quantity(text, "time", "repetition time")


def test_every_dimension_has_a_unit_of_factor_one():
    assert all(1.0 in units.values() for units in UNITS.values())


def test_gradients_to_Hz_per_m_and_back():
    assert gradient_to_Hz_per_m(1.0) == GYROMAGNETIC_RATIO_HZ_PER_T
    assert gradient_from_Hz_per_m(gradient_to_Hz_per_m(0.045)) == pytest.approx(0.045, rel=1e-15)
