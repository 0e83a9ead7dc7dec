# TRUTHS of design: every preset parses and is buildable | 65 cm: 3 T, 45 mT/m, 200 T/m/s | amplifier: P ~ G S r^5, calibrated
# | what it cannot drive is refused with what it can | unknown preset, key, unit, channel count refused | overrides hold
# | full slew at full gradient just fits the chain, SAFE holds the law of the preset | a coil is rewound for another amplitude
# | a preset's machine needs no tensor library (180 MB that a sequence author would carry)
import subprocess
import sys
from importlib import resources

import pytest

from fullbore.errors import LimitError, UsageError
from fullbore.hardware import Brief, design, gradient_power_VA, presets
from fullbore.hardware.presets import load_preset, parse_preset

TEXT = (resources.files("fullbore.hardware") / "presets" / "fullbore-65cm.toml").read_text()


def test_a_preset_needs_no_tensor_library():
    code = "import sys; from fullbore.hardware import Brief, design; design(Brief()); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_the_65_cm_system():
    spec = design(Brief())
    assert (spec.name, spec.b0_T, spec.bore_diameter_m) == ("fullbore-65cm", 3.0, 0.65)
    assert (spec.limits.gradient_T_per_m, spec.limits.slew_T_per_m_s) == (0.045, 200.0)
    assert spec.limits.b1_peak_T == pytest.approx(20e-6)
    assert spec.receive.sensitivity.values.shape[0] == 12
    assert (spec.stimulation.rheobase_T_per_s, spec.stimulation.chronaxie_s) == (20.0, pytest.approx(0.36e-3))
    # 1 uT root mean square gives the preset's W/kg.
    assert spec.power.head_W_per_kg_per_T2 * 1e-12 == pytest.approx(0.30)


def test_the_bores_of_real_machines_are_there():
    bores = {name: load_preset(name).bore_diameter_m for name in presets()}
    assert bores == {f"fullbore-{bore}cm": pytest.approx(bore / 100) for bore in (60, 65, 70, 75)}


@pytest.mark.parametrize("name", presets())
def test_every_preset_can_be_driven_by_its_amplifier(name):
    preset = load_preset(name)
    power = gradient_power_VA(preset.limits.gradient_T_per_m, preset.limits.slew_T_per_m_s, preset.bore_diameter_m)
    assert preset.name == name
    assert 0.9 * preset.amplifier_VA < power <= preset.amplifier_VA * (1 + 1e-9)


def test_amplifier_law():
    assert gradient_power_VA(0.08, 200.0, 0.60) == pytest.approx(2.7e6)
    assert gradient_power_VA(0.045, 200.0, 0.75) == pytest.approx(3.9e6, rel=0.01)  # the reference gives two digits
    assert gradient_power_VA(0.060, 200.0, 0.70) == pytest.approx(3.9e6, rel=0.02)  # the reference gives two digits
    assert gradient_power_VA(0.09, 100.0, 0.65) == pytest.approx(gradient_power_VA(0.045, 200.0, 0.65))


def test_what_the_amplifier_cannot_drive_is_refused_with_what_it_can():
    with pytest.raises(LimitError, match=r"80 mT/m at 200 T/m/s.*MVA") as refusal:
        design(Brief(gradient_T_per_m=0.08))
    slew = float(str(refusal.value).split("Take ")[1].split(" T/m/s")[0])
    assert design(Brief(gradient_T_per_m=0.08, slew_T_per_m_s=slew * 0.999)).limits.slew_T_per_m_s == slew * 0.999
    with pytest.raises(LimitError):
        design(Brief(gradient_T_per_m=0.08, slew_T_per_m_s=slew * 1.001))


def test_overrides_hold_and_leave_the_rest():
    limits = design(Brief(gradient_T_per_m=0.03, slew_T_per_m_s=120.0, receive_channels=8)).limits
    assert (limits.gradient_T_per_m, limits.slew_T_per_m_s) == (0.03, 120.0)
    assert limits.b1_peak_T == load_preset("fullbore-65cm").limits.b1_peak_T


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"preset": "acme"}, "fullbore-65cm"),
        ({"gradient_T_per_m": -0.01}, "gradient"),
        ({"slew_T_per_m_s": float("nan")}, "slew"),
        ({"receive_channels": 64}, "8 to 16"),
    ],
)
def test_a_brief_that_makes_no_sense_is_refused(change, named):
    with pytest.raises(UsageError, match=named):
        design(Brief(**change))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('field = "3 T"', 'field = "3 T"\ncolour = "blue"', "magnet.colour"),
        ('field = "3 T"', "", "magnet.field is missing"),
        ('field = "3 T"', 'field = "3 K"', "'K'"),
        ('"45 mT/m"', "45", "gradient.amplitude"),
        ('name = "fullbore-65cm"', "name = 3", "name"),
        ('["0.30 m", "0.35 m", "0.30 m"]', '["0.30 m"]', "one per axis"),
        ("[magnet]", "[magnet", "not TOML"),
        ("[power]", "[powers]", "powers"),
        ('ring = "10 ms"', "", "sound.*wanted all of"),
        ('tau1 = "0.44222 ms"', 'tau1 = ["1 ms", "1 ms"]', "one per axis"),
        ('"640 Hz", "8 mT/m"]', '"640 Hz"]', "from, to, limit"),
    ],
)
def test_a_preset_is_parsed_strictly(old, new, named):
    with pytest.raises(UsageError, match=named):
        parse_preset(TEXT.replace(old, new), "test")


@pytest.mark.parametrize("name", presets())
def test_full_slew_at_full_gradient_fits_the_chain(name):
    spec = design(Brief(preset=name))
    chain, limits = spec.chain, spec.limits
    for axis in range(3):
        current = limits.gradient_T_per_m / chain.sensitivity_T_per_m_A[axis]
        volts = chain.inductance_H[axis] * limits.slew_T_per_m_s / chain.sensitivity_T_per_m_A[axis]
        volts += chain.resistance_ohm[axis] * current
        assert current <= chain.current_A[axis] * (1 + 1e-6)
        assert 0.98 * chain.voltage_V[axis] < volts <= chain.voltage_V[axis]
        safe = spec.stimulation.safe
        threshold = spec.stimulation.rheobase_T_per_s / spec.stimulation.effective_length_m[axis]
        assert safe.stim_limit_T_per_m_s[axis] == pytest.approx(threshold, rel=1e-4)


def test_a_coil_is_rewound_for_another_amplitude():
    plain, strong = design(Brief()), design(Brief(gradient_T_per_m=0.09, slew_T_per_m_s=100.0))
    assert strong.chain.sensitivity_T_per_m_A[0] == pytest.approx(2 * plain.chain.sensitivity_T_per_m_A[0])
    assert strong.chain.inductance_H[0] == pytest.approx(4 * plain.chain.inductance_H[0])
    assert 0.09 / strong.chain.sensitivity_T_per_m_A[0] == pytest.approx(plain.chain.current_A[0])
