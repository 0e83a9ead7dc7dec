# TRUTHS of designs: every preset is met, by its own figures | noise figure and dynamic range by hand | more attenuation
#   takes a larger signal and adds noise | the designed clock: whole ticks, a divisor for the last filter, harmonics apart |
#   a brief that cannot be met names what binds, and the brief it advises is met | wrong keys, units, values are refused
#   with their name | as a receiver: full scale stands as far above the array's noise as the converter above k T; the
#   array's noise grows by what is after the preamplifier
from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

from fullbore.errors import LimitError, UsageError
from fullbore.hardware.receive import receive_array
from fullbore.hardware.spectrometer import (
    design_spectrometer,
    load_spectrometer_brief,
    parse_spectrometer_brief,
    receiver_of,
    spectrometer_presets,
)
from fullbore.hardware.spectrometer.design import candidates
from fullbore.hardware.spectrometer.machine import digital_of, judged, shortfalls_dB
from fullbore.hardware.spectrometer.noise_budget import THERMAL_W_PER_HZ, full_scale_W
from fullbore.hardware.spectrometer.refusal import nearest_brief

BRIEF = load_spectrometer_brief("3t")
MADE = design_spectrometer(BRIEF)
TEXT = (resources.files("fullbore.hardware.spectrometer") / "presets" / "3t.toml").read_text()


def asked(**changes):
    return replace(BRIEF, demands=replace(BRIEF.demands, **changes))


@pytest.mark.parametrize("name", ["1.5t", "3t", "7t"])
def test_presets(name):
    brief = load_spectrometer_brief(name)
    made = design_spectrometer(brief)
    assert not shortfalls_dB(made, brief)
    assert made.clock_Hz <= brief.converter.largest_rate_Hz
    assert (made.clock_Hz * brief.clock.raster_s) % made.decimation == pytest.approx(0, abs=1e-6)
    assert made.figures["harmonic_distance_Hz"] > brief.demands.bandwidth_Hz
    assert name in spectrometer_presets()


def test_the_budget_by_hand():
    """2 V peak to peak in 50 ohm is 10 dBm; 76 dB of converter over 50 MHz; gain 56 dB less the attenuator; 3 dB of headroom."""
    assert 10 * np.log10(full_scale_W(2.0, 50.0) * 1e3) == pytest.approx(10)
    gain = 28 - 3 + 20 - 3 + 14 - MADE.attenuation_dB
    assert MADE.gain_dB == pytest.approx(gain)
    thermal = 10 * np.log10(THERMAL_W_PER_HZ * 1e3)
    assert thermal == pytest.approx(-173.98, abs=0.01)
    assert MADE.figures["dynamic_range_dB"] == pytest.approx(10 - 3 - gain - thermal, abs=1e-6)
    converter = 10 - 76 - 10 * np.log10(50e6) - gain - thermal
    amplifiers = 10 ** (MADE.figures["amplifier_noise_figure_dB"] / 10)
    assert MADE.noise_factor == pytest.approx(amplifiers + 10 ** (converter / 10), rel=1e-6)


def test_the_attenuators_trade():
    digital = digital_of(BRIEF, MADE.clock_Hz, MADE.decimation)
    figures = [judged(BRIEF, MADE.clock_Hz, digital, 16, float(loss)).figures for loss in range(0, 61, 10)]
    assert np.allclose(np.diff([f["dynamic_range_dB"] for f in figures]), 10)
    assert (np.diff([f["noise_figure_dB"] for f in figures]) > 0).all()


def test_the_plainest_is_taken():
    """Fewer bits, a slower clock or less attenuation all miss something."""
    for made in candidates(BRIEF):
        if made == MADE:
            return
        assert shortfalls_dB(made, BRIEF)


SHAKY = replace(BRIEF, clock=replace(BRIEF.clock, jitter_s=1e-12))
COARSE = replace(BRIEF, converter=replace(BRIEF.converter, bits=(10,)))
DEAF = replace(BRIEF, front=(*BRIEF.front[:1], replace(BRIEF.front[1], gain_dB=-25.0, noise_figure_dB=25.0), *BRIEF.front[2:]))


@pytest.mark.parametrize(
    ("brief", "binds", "key"),
    [
        (replace(SHAKY, demands=replace(BRIEF.demands, signal_to_noise_dB=79.5)), "jitter of 1 ps", "signal_to_noise_dB"),
        (COARSE, "a converter of 10 bits", "noise_figure_dB"),
        (asked(noise_figure_dB=0.3), "the preamplifier's noise", "noise_figure_dB"),
        (DEAF, "the noise of the amplifiers", "noise_figure_dB"),
        (asked(dynamic_range_dB=160.0), "the converter's noise against its full scale", "noise_figure_dB"),
        (asked(alias_dB=95.0), "analogue band-pass", "alias_dB"),
    ],
)
def test_impossible_briefs(brief, binds, key):
    """The figures that the message allows are those of the nearest brief, which is asked for, and met."""
    with pytest.raises(LimitError, match=re.escape(binds)) as caught:
        design_spectrometer(brief)
    best = min(candidates(brief), key=lambda made: sum(shortfalls_dB(made, brief).values()))
    nearest = nearest_brief(brief, best)
    value = getattr(nearest.demands, key)
    assert value != getattr(brief.demands, key)
    assert f"{value:.1f} dB" in str(caught.value) or f"{value:.2f} dB" in str(caught.value)
    assert not shortfalls_dB(design_spectrometer(nearest), nearest)


def test_bandwidth_and_clock_that_cannot_be():
    with pytest.raises(LimitError, match=r"raster of 100 ns binds. Take 10 MHz"):
        design_spectrometer(asked(bandwidth_Hz=12e6))
    slow = replace(BRIEF, converter=replace(BRIEF.converter, largest_rate_Hz=30e6))
    with pytest.raises(LimitError, match=r"largest rate binds\. Take a converter for 40 MHz"):
        design_spectrometer(slow)
    with pytest.raises(LimitError, match=r"passband binds. Take (\d+) %") as caught:
        design_spectrometer(asked(passband=0.985, alias_dB=85.0))
    share = int(re.search(r"Take (\d+) %", str(caught.value))[1]) / 100
    assert design_spectrometer(asked(passband=share, alias_dB=85.0)).figures["alias_dB"] >= 85


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('b0 = "3 T"', 'b0 = "3 T"\ncolour = "blue"', "colour"),
        ('b0 = "3 T"', "", "b0 is missing"),
        ('jitter = "0.15 ps"', 'jitter = "0.15 m"', "'m'"),
        ('jitter = "0.15 ps"', 'jitter = "-1 ps"', "clock.jitter"),
        ("bits = [12, 14, 16]", "bits = []", "converter.bits"),
        ("bits = [12, 14, 16]", "bits = [1]", "converter.bits"),
        ('passband = "70 %"', 'passband = "170 %"', "passband"),
        ("accumulator_bits = 48", "accumulator_bits = 128", "accumulator_bits"),
    ],
)
def test_bad_briefs(old, new, named):
    assert old in TEXT
    with pytest.raises(UsageError, match=re.escape(named)):
        parse_spectrometer_brief(tomllib.loads(TEXT.replace(old, new, 1)), "mine")


def test_unknown_preset():
    with pytest.raises(UsageError, match=r"unknown; wanted one of 1\.5t, 3t, 7t"):
        load_spectrometer_brief("4t")


def test_as_a_receiver():
    coils = receive_array(8)
    receiver = receiver_of(MADE, coils)
    assert (receiver.bits, receiver.converter_Hz, receiver.oversampling) == (MADE.bits, 100e6, 5)
    per_Hz = float(np.mean(np.diag(coils.noise_covariance).real))
    above = receiver.full_scale**2 / (per_Hz / MADE.first_noise_factor)  # of k T alone
    assert 10 * np.log10(above) == pytest.approx(MADE.figures["dynamic_range_dB"] + 3, abs=1e-6)
    assert receiver.noise_factor == pytest.approx(MADE.noise_factor / 10**0.05)
    assert receiver.filter.sum() == pytest.approx(1)
    louder = receiver_of(MADE, coils, 20.0)
    assert louder.full_scale == pytest.approx(receiver.full_scale / 10)


def test_dwell_times_stay_on_the_raster():
    assert MADE.cic_decimation(1e-6) == 20 and MADE.delay_ticks(1e-6) == 4 * 19 // 2 + 20 * (len(MADE.taps) // 2)
    with pytest.raises(LimitError, match="dwell"):
        MADE.cic_decimation(1.03e-6)
