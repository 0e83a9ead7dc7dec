# TRUTHS of heat, sound and bands: a steady current warms to (I / continuous)^2 | three axes share a coil | a short sequence is
# repeated | a sinusoid in the band reads its own amplitude, one octave off nearly nothing | the resonators cover the band
# | the advised rhythm leaves the band | 1 kHz weighs 0 dB(A) | a sinusoid of known pressure has its level | twice the
# gradient is 6 dB more
from dataclasses import replace

import numpy as np
import pytest

from fullbore import safety
from fullbore.data import Gradient
from fullbore.safety.heat import warmest
from fullbore.safety.sound import a_weighting, band_frequencies, resonances, sound_level
from tests.safety.hand_built import SUBJECT, finding, sequence, trapezoid
from tests.safety.random_sequences import CHAIN, SOUND, machine

SENSITIVITY = np.array(CHAIN.sensitivity_T_per_m_A)


def sinusoid(frequency_Hz, amplitude=0.01, length_s=0.2):
    times = np.arange(round(length_s / 1e-5) + 1) * 1e-5
    shape = Gradient(times_s=times, values_T_per_m=amplitude * np.sin(2 * np.pi * frequency_Hz * times))
    return sequence([{"duration": length_s, "x": shape}])


def flat(amplitude, axes="x"):
    shape = Gradient(times_s=np.array([0.0, 10e-3]), values_T_per_m=np.full(2, amplitude))
    return safety.waveform(sequence([{"duration": 10e-3} | dict.fromkeys(axes, shape)] * 20))


def test_steady_current():
    amplifier, coil = CHAIN.heat
    current = 0.01 / SENSITIVITY
    np.testing.assert_allclose(warmest(flat(0.01, "xyz"), amplifier, SENSITIVITY)[0], (current / amplifier.continuous_A) ** 2)
    shared = warmest(flat(0.01, "xyz"), coil, SENSITIVITY)[0]
    np.testing.assert_allclose(shared, [((current / coil.continuous_A) ** 2).sum()])


def test_a_pause_cools():
    blocks = [{"duration": 20e-3, "x": trapezoid(0.04, 200e-6, 19e-3)}]
    tight, loose = (
        warmest(safety.waveform(sequence(blocks + [{"duration": pause}])), CHAIN.heat[0], SENSITIVITY)[0][0]
        for pause in (1e-5, 20e-3)
    )
    # 2 %: within one pause of 20 ms a part of 1 s does not cool evenly.
    assert tight / loose == pytest.approx(2.0, rel=2e-2)


def test_refused_heat_says_how_long_a_tr():
    hot = replace(machine(), chain=replace(CHAIN, heat=(replace(CHAIN.heat[0], continuous_A=(100.0,) * 3),)))
    blocks = [{"duration": 2e-3, "x": trapezoid(0.02, 200e-6, 1e-3)}]
    bad = finding(safety.check(sequence(blocks), hot, SUBJECT), "heat, amplifier", "axis x")
    assert not bad.allowed and bad.changes[0].quantity == "repetition time"
    longer = np.ceil(2e-3 * bad.changes[0].factor / 1e-5) * 1e-5
    mended = safety.check(sequence([blocks[0] | {"duration": longer}]), hot, SUBJECT)
    assert finding(mended, "heat, amplifier", "axis x").allowed


def test_a_sinusoid_reads_its_amplitude():
    near, far = (float(resonances(safety.waveform(sinusoid(f)), np.array([600.0]), 10e-3)[0].max()) for f in (600.0, 1200.0))
    # 1 %: besides its steady part, |z| ripples with twice the frequency by 1 / (2 omega tau).
    assert near == pytest.approx(0.01, rel=2e-2) and far < 0.1 * near


def test_resonators_cover_the_band():
    grid = band_frequencies(540.0, 640.0, 10e-3)
    assert (grid[0], grid[-1]) == (540.0, 640.0)
    between = float(grid[3] + 0.5 * (grid[4] - grid[3]))
    read = float(resonances(safety.waveform(sinusoid(between)), grid, 10e-3)[0].max())
    # 4 %: between two resonators a quarter of a width apart, 1 / sqrt(1 + 1/16) = 3 % are missed, and 1 % ripples.
    assert read == pytest.approx(0.01, rel=4e-2)


def test_advice_leaves_the_band():
    bad = finding(safety.check(sinusoid(620.0, 0.02), machine(), SUBJECT, "first_level"), "forbidden band 540 to 640 Hz")
    assert not bad.allowed and bad.value == pytest.approx(20.0, rel=2e-2) and bad.changes[0].quantity == "echo spacing"
    moved = 620.0 / bad.changes[0].factor
    assert moved > 640.0


def test_a_weighting():
    levels = 20 * np.log10(a_weighting(np.array([100.0, 1000.0, 4000.0, 8000.0])))
    np.testing.assert_allclose(levels, [-19.1, 0.0, 1.0, -1.1], atol=0.06)  # IEC 61672-1, table 3, rounded to 0.1 dB


def test_level_of_a_sinusoid():
    level, _ = sound_level(safety.waveform(sinusoid(1000.0)), SOUND)
    pressure = 400.0 * 0.01 / np.sqrt(2) / (1 + 0.8**2)
    assert level == pytest.approx(20 * np.log10(pressure / 20e-6), abs=0.05)
    louder, _ = sound_level(safety.waveform(sinusoid(1000.0, 0.02)), SOUND)
    assert louder - level == pytest.approx(20 * np.log10(2), abs=1e-6)
