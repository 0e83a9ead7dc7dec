# TRUTHS of noise and zones: Friis by hand, and independent of how a chain is cut in two | a loss first adds its own dB |
#   a sine of N bits: 6.02 N + 1.76 | a clock's jitter: -20 log10(2 pi f sigma) | 127.7 MHz at 100 MHz: zone 3, 27.7 MHz |
#   images of images are the same set | a sampled carrier appears where its alias is said to be | a Butterworth filter is 3
#   dB down at half its width | a sine that is cut off has the fundamental of its Fourier series
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullbore.errors import ValueRangeError
from fullbore.hardware.spectrometer import noise_budget as budget
from fullbore.hardware.spectrometer import zones
from fullbore.numerics.clipping import clipped_carrier, clipped_fundamental

stage = st.builds(budget.Stage, name=st.just("s"), gain_dB=st.floats(-20, 40), noise_figure_dB=st.floats(0, 20))


def ratio_dB(ideal, real):
    return float(20 * np.log10(np.linalg.norm(ideal) / np.linalg.norm(real - ideal)))


def test_friis_by_hand():
    stages = (
        budget.Stage(name="a", gain_dB=20.0, noise_figure_dB=3.0103),
        budget.Stage(name="b", gain_dB=10.0, noise_figure_dB=10.0),
        budget.Stage(name="c", gain_dB=0.0, noise_figure_dB=20.0),
    )
    gain, factor = budget.cascade(stages)
    assert gain == pytest.approx(1000)
    assert factor == pytest.approx(2 + 9 / 100 + 99 / 1000, rel=1e-6)


@given(st.lists(stage, min_size=2, max_size=6), st.integers(1, 5))
def test_friis_in_two_parts(stages, cut):
    first, second = budget.cascade(tuple(stages[:cut])), budget.cascade(tuple(stages[cut:]))
    gain, factor = budget.cascade(tuple(stages))
    assert gain == pytest.approx(first[0] * second[0], rel=1e-9)
    assert factor == pytest.approx(first[1] + (second[1] - 1) / first[0], rel=1e-9)


@given(st.floats(0, 30), stage)
def test_a_loss_first_adds_its_own(loss, amplifier):
    pad = budget.Stage(name="pad", gain_dB=-loss, noise_figure_dB=loss)
    assert budget.decibels(budget.cascade((pad, amplifier))[1]) == pytest.approx(loss + amplifier.noise_figure_dB, abs=1e-9)


def test_no_stage_is_quieter_than_none():
    with pytest.raises(ValueRangeError, match="stage x"):
        budget.cascade((budget.Stage(name="x", gain_dB=0.0, noise_figure_dB=-1.0),))


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_bits(bits):
    """A full-scale sine whose frequency has no ratio to the clock's, a long record."""
    most = 2.0 ** (bits - 1)
    wave = np.sin(2 * np.pi * 0.1234567890123 * np.arange(1_000_000) + 0.3) * (1 - 1 / most)
    # 0.2 dB: the slow crests of a sine do not fill the last step evenly
    assert ratio_dB(wave, np.round(wave * most) / most) == pytest.approx(6.02 * bits + 1.76, abs=0.2)
    assert budget.quantisation_dB(bits) == pytest.approx(6.02 * bits + 1.76, abs=0.02)


@pytest.mark.parametrize("jitter_s", [1e-13, 1e-12])
def test_jitter(jitter_s):
    frequency, t = 127.7e6, np.arange(400_000) / 100e6
    late = np.random.default_rng(1).normal(0, jitter_s, len(t))
    ideal = np.sin(2 * np.pi * frequency * t)
    real = np.sin(2 * np.pi * frequency * (t + late))
    assert ratio_dB(ideal, real) == pytest.approx(budget.jitter_dB(frequency, jitter_s), abs=0.05)
    assert budget.jitter_dB(frequency, jitter_s) == pytest.approx(-20 * np.log10(2 * np.pi * frequency * jitter_s))


def test_zones_of_three_tesla():
    assert zones.nyquist_zone(127.7e6, 100e6) == 3 and zones.alias_Hz(127.7e6, 100e6) == pytest.approx(27.7e6)
    assert zones.nyquist_zone(127.7e6, 80e6) == 4 and zones.alias_Hz(127.7e6, 80e6) == pytest.approx(32.3e6)
    assert zones.images_Hz(127.7e6, 100e6)[:3] == pytest.approx([27.7e6, 72.3e6, 172.3e6])


@given(st.floats(1e6, 400e6), st.floats(20e6, 200e6))
def test_a_carrier_appears_at_its_alias(frequency, rate):
    count = 512
    t = np.arange(count) / rate
    seen = zones.alias_Hz(frequency, rate)
    np.testing.assert_allclose(np.cos(2 * np.pi * frequency * t), np.cos(2 * np.pi * seen * t), atol=1e-5)
    for image in zones.images_Hz(frequency, rate)[:5]:
        assert zones.alias_Hz(float(image), rate) == pytest.approx(seen, abs=1.0)


def test_the_bandpass():
    at = zones.bandpass_dB(np.array([127e6, 127e6 * (np.sqrt(1 + 0.04**2) + 0.04)]), 127e6, 127e6 * 0.08, 5)
    assert at == pytest.approx([0, 10 * np.log10(2)], abs=1e-6)
    assert zones.folded_noise(127.7e6, 100e6, 10e6, 5) == pytest.approx(1, abs=1e-6)
    assert zones.folded_noise(127.7e6, 100e6, 1e12, 1) > 50  # no filter: 80 zones, all but those far below


@given(st.floats(0.01, 100))
def test_a_clipped_sine(amplitude):
    t = 2 * np.pi * (np.arange(4096) + 0.5) / 4096
    wanted = 2 * np.mean(np.clip(amplitude * np.sin(t), -1, 1) * np.sin(t))
    assert clipped_fundamental(np.array([amplitude]), 1.0)[0] == pytest.approx(wanted, rel=1e-4)


def test_a_clipped_carrier_keeps_its_phase():
    z = np.array([0.5 + 0.2j, 3 - 4j, -1j])
    kept, count = clipped_carrier(z, 1.0)
    assert count == 1
    np.testing.assert_allclose(np.angle(kept), np.angle(z))
    np.testing.assert_allclose(kept[[0, 2]], z[[0, 2]])
