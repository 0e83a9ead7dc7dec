# TRUTHS of amplifier briefs: presets parse and are built: 2.7 MVA for 80/200 in 60 cm, 3.9 to 4 for 45/200 in 75 cm, from the
# | coil's energy alone | one shape's energy goes with the fifth power, the same brief's with less | V I = what the reach asks
# | limits given are reached and not passed: full slew at full gradient just fits the chain | the train strays under 0.1 %
# | what cannot be driven is refused with what can, and that is built | wrong keys, units, values are refused by name
import tomllib
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

from fullbore.errors import LimitError, UsageError
from fullbore.hardware.eddy import sheet_coil
from fullbore.hardware.power_amplifier import design_amplifier, source_of
from fullbore.hardware.power_amplifier.brief import amplifier_presets, load_amplifier_brief, parse_amplifier_brief
from fullbore.hardware.power_amplifier.machine import loads_of, machine_figures, make_gradient_machine
from fullbore.hardware.power_amplifier.reach import playable
from fullbore.hardware.power_amplifier.scaling import bore_powers_VA, coil_power_VA, energy_coefficient, gradient_power_VA, scaled

TEXT = (resources.files("fullbore.hardware.power_amplifier") / "presets" / "4MVA.toml").read_text()
BRIEF = load_amplifier_brief("4MVA")


@pytest.fixture(scope="module")
def machines():
    return {name: make_gradient_machine(load_amplifier_brief(name)) for name in amplifier_presets()}


def test_presets_are_what_they_are_called(machines):
    assert tuple(machines) == ("2.7MVA", "4MVA")
    small, large = machines["2.7MVA"].amplifier, machines["4MVA"].amplifier
    assert small.power_VA == pytest.approx(2.7e6, rel=0.02)  # the anchor's figure has two digits
    assert small.stack_V == pytest.approx(2250, rel=0.02) and small.current_A == pytest.approx(1200.0)
    assert 3.85e6 < large.power_VA < 4.05e6


def test_the_fifth_power():
    coil = sheet_coil("x", BRIEF.coil)
    larger = sheet_coil("x", scaled(BRIEF.coil, 1.2))
    assert larger.energy_J / coil.energy_J == pytest.approx(1.2**5, rel=1e-3)  # the weight of linearity goes in steps; quadrature
    assert energy_coefficient(larger) == pytest.approx(energy_coefficient(coil), rel=1e-3)
    powers = bore_powers_VA("x", BRIEF.coil, 0.033, (0.70, 0.80), 0.045, 200.0)
    law = [gradient_power_VA(0.045, 200.0, bore) for bore in (0.70, 0.80)]
    assert 1.5 < powers[1] / powers[0] < law[1] / law[0] * 1.1


def test_power_is_what_the_circuit_asks():
    coil = sheet_coil("x", BRIEF.coil)
    asked = coil_power_VA(coil, 0.045, 200.0)
    for sensitivity in (2e-5, 6e-5):
        inductance, resistance = coil.wound(sensitivity)
        current = 0.045 / sensitivity
        assert asked.total_VA == pytest.approx((inductance * 200 / sensitivity + resistance * current) * current, rel=1e-12)
        assert asked.resistive_VA == pytest.approx(resistance * current**2)


@pytest.mark.parametrize("name", amplifier_presets())
def test_limits_are_reached_and_fit_the_chain(machines, name):
    made = machines[name]
    chain, (gradient, slew), most = made.chain, made.limits, max(made.emphasis.overshoot)
    assert gradient == pytest.approx(made.brief.gradient_T_per_m) and slew >= made.brief.slew_T_per_m_s
    times, values = np.cumsum([0.0, gradient / slew, 1e-3, gradient / slew]), most * gradient * np.array([0.0, 1.0, 1.0, 0.0])
    shares = []
    for axis, load in enumerate(made.loads):
        current = most * gradient / chain.sensitivity_T_per_m_A[axis]
        volts = chain.inductance_H[axis] * most * slew / chain.sensitivity_T_per_m_A[axis] + chain.resistance_ohm[axis] * current
        assert volts <= chain.voltage_V[axis] * (1 + 1e-9) and current <= chain.current_A[axis] * (1 + 1e-9)
        found = playable(source_of(made.amplifier), load, times, values)
        assert found.possible
        shares.append(found.voltage_share)
    assert max(shares) == pytest.approx(1.0, abs=1e-4)
    assert made.emphasis.error < 1e-3 and made.sound.bands
    figures = machine_figures(made)
    assert all(np.isfinite(value) for value in figures.values())
    assert figures["left_after_pre_emphasis_percent"] < 0.1
    share = figures["left_if_eddies_are_5_percent_larger_percent"] / figures["eddy_x_percent"]
    assert share == pytest.approx(0.05, rel=0.05)  # the filter itself is 1 % larger than what it undoes


def test_what_cannot_be_driven_is_refused_with_what_can():
    coils = tuple(sheet_coil(axis, BRIEF.coil) for axis in "xyz")
    loads = loads_of(BRIEF, coils, 0.045)
    with pytest.raises(LimitError, match=r"binding: .*voltage") as refusal:
        design_amplifier(BRIEF.amplifier, loads, 0.045, 600.0)
    slew = float(str(refusal.value).split("Take ")[1].split(" T/m/s")[0])
    assert design_amplifier(BRIEF.amplifier, loads, 0.045, slew).bridges <= BRIEF.amplifier.most_bridges
    with pytest.raises(LimitError):
        design_amplifier(BRIEF.amplifier, loads, 0.045, slew * 1.01)
    with pytest.raises(LimitError, match="Take"):
        design_amplifier(replace(BRIEF.amplifier, ripple_A=1e-3), loads, 0.045, 200.0)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('b0 = "3 T"', 'b0 = "3 T"\ncolour = "blue"', "unknown key colour"),
        ('b0 = "3 T"', "", "b0 is missing"),
        ('b0 = "3 T"', 'b0 = "3 K"', "'K'"),
        ('b0 = "3 T"', 'b0 = "-3 T"', "b0: got"),
        ('name = "bore tube"', "name = 4", "wanted text"),
        ("most_bridges = 8", "most_bridges = 0", "whole number from 1"),
        ('thickness = "3 mm"', 'thickness = "0 mm"', "thickness: got"),
        ('primary_radius = "40.8 cm"', 'primary_radius = "37 cm"', "outside the bore"),
        ('drop = "0.9 V"', "", "amplifier, device: drop is missing"),
        ('switching = ["10 kHz"', 'switching = ["10 mT"', "switching"),
        ("poisson = 0.3", "poisson = true", "wanted a number"),
    ],
)
def test_a_brief_is_parsed_strictly(old, new, named):
    assert old in TEXT
    with pytest.raises(UsageError, match=named):
        parse_amplifier_brief(tomllib.loads(TEXT.replace(old, new, 1)), "test")


def test_an_unknown_preset_is_refused():
    with pytest.raises(UsageError, match=r"2.7MVA, 4MVA"):
        load_amplifier_brief("acme")
