# TRUTHS of the receiver: with a fast clock alone, samples are those of an ideal one | N bits of a full-scale sine have a
#   signal-to-noise ratio of 6.02 N + 1.76 dB | a jittering clock, -20 log10(2 pi f sigma) | a filter passes each frequency
#   by its own transfer | noise through a filter is what the noise scan says | what is beyond full scale is clipped there,
#   counted, and said aloud | a converter of the carrier: N bits and a clock leave 6.02 N + 1.76 and -20 log10(2 pi f sigma)
#   and the gain of decimation, it clips the amplitude | mirrored ends need no room and change little | a designed
#   spectrometer's scan is an ideal one, but for its noise | a filter that has not filled, and bad receivers, are refused by
#   name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Flaws, Receiver
from fullbore.errors import ShapeError, UsageError, ValueRangeError
from fullbore.hardware.spectrometer import design_spectrometer, load_spectrometer_brief, receiver_of
from fullbore.simulate import acquire
from fullbore.simulate.cloud import play_cloud
from fullbore.simulate.digitising import continued, converted, digitise, digitised_sequence, quantised, reach
from tests.simulate.small import GRE, box, built, cut, error, machine
from tests.simulate.test_cloud import spins

SPEC = machine()
BOXCAR = np.ones(5) / 5


def ratio_dB(ideal: np.ndarray, real: np.ndarray) -> float:
    return float(20 * np.log10(np.linalg.norm(ideal) / np.linalg.norm(real - ideal)))


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_bits(bits):
    t = np.arange(20_000)
    wave = (1 - 2.0**-bits) * np.exp(2j * np.pi * 0.0123456789 * t)
    assert ratio_dB(wave, quantised(wave, Receiver(bits=bits))) == pytest.approx(
        6.02 * bits + 1.76, abs=0.5
    )  # a sine's error is not quite even


def test_full_scale_clips():
    got = quantised(np.array([3.0 - 0.2j, -5.0j]), Receiver(bits=10, full_scale=1.0))
    np.testing.assert_allclose(got, [1 - 1 / 512 - 0.2j, -1j], atol=1e-3)


@pytest.mark.parametrize("jitter_s", [1e-9, 2e-8])
def test_jitter(jitter_s):
    frequency, dwell = 50e3, 1e-6
    receiver = Receiver(oversampling=1, jitter_s=jitter_s)
    t = (np.arange(8000) - reach(receiver)) * dwell
    wave = np.exp(2j * np.pi * frequency * t)[None, None]
    got = digitise(wave.astype(np.complex64), receiver, dwell, seed=1)[0][0, 0]
    inner = wave[0, 0, reach(receiver) : -reach(receiver)]
    assert ratio_dB(inner, got) == pytest.approx(-20 * np.log10(2 * np.pi * frequency * jitter_s), abs=0.5)


def test_a_filter_passes_each_frequency_by_its_transfer():
    receiver, dwell = Receiver(oversampling=4, filter=BOXCAR), 2.5e-6
    for frequency in (0.0, 20e3, 45e3):
        t = (np.arange(401) - reach(receiver)) * dwell
        got = digitise(np.exp(2j * np.pi * frequency * t)[None, None].astype(np.complex64), receiver, dwell, seed=0)[0][0, 0]
        transfer = (BOXCAR * np.exp(2j * np.pi * frequency * dwell * (np.arange(5) - 2))).sum()
        wanted = transfer * np.exp(2j * np.pi * frequency * 4 * dwell * np.arange(len(got)))
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_a_fast_clock_alone_changes_nothing():
    """Played four times as fast and decimated, receiver phases and offsets included."""
    sequence = cut(built(GRE, SPEC), 4)
    sequence = replace(sequence, adc_frequency_Hz=np.full(sequence.blocks, 700.0))
    receiver, cloud = Receiver(oversampling=4, filter=np.array([0, 0, 1.0, 0, 0])), spins(30)
    fast = digitised_sequence(sequence, receiver)
    samples = digitise(play_cloud(cloud, fast), receiver, fast.encoding.dwell_s, seed=0)[0]
    assert error(samples, play_cloud(cloud, sequence)) < 1e-5


def test_noise_through_a_filter_is_what_the_noise_scan_says():
    spec = replace(SPEC, flaws=Flaws(receiver=Receiver(oversampling=4, filter=BOXCAR)))
    sequence = built(GRE, spec)
    raw, quiet = acquire(box(fill=1e-6), sequence, spec, seed=3), spec.receive.coils
    measured, scanned = raw.samples.std(axis=(0, 2)), raw.noise.std(axis=1)
    assert len(measured) == quiet
    assert np.mean(measured / scanned) == pytest.approx(
        1, abs=0.04
    )  # 256 samples of 12 coils: 1.3 %, more as neighbours are alike


def test_states_play_through_a_receiver_too():
    """The same seed draws other noise for other samples: signals are compared where they dwarf it."""
    sequence, body = built(GRE, SPEC), box(spacing_m=(4e-3,) * 3)
    spec = replace(SPEC, flaws=Flaws(receiver=Receiver(oversampling=2)))
    real, ideal = (acquire(body, sequence, s, seed=2).samples for s in (spec, SPEC))
    strong = np.abs(ideal) > 0.2 * np.abs(ideal).max()
    assert error(real[strong], ideal[strong]) < 2e-2


def test_bad_receivers_are_refused_by_name():
    with pytest.raises(ValueRangeError, match=r"Receiver\.bits: got 1"):
        Receiver(bits=1)
    with pytest.raises(ShapeError, match="odd number of taps"):
        Receiver(filter=np.ones(4))
    for wrong in ({"converter_Hz": 1e8}, {"carrier_Hz": 1e8}, {"noise_factor": 0.5}, {"settling": "hoped"}):
        with pytest.raises(ValueRangeError, match=next(iter(wrong))):
            Receiver(**wrong)
    with pytest.raises(ValueRangeError, match="oversampling"):
        Receiver(oversampling=0)
    sequence = built(GRE, SPEC)
    early = replace(sequence, adcs=tuple(replace(adc, delay_s=0.0) for adc in sequence.adcs))
    with pytest.raises(UsageError, match="too early for the filter"):
        digitised_sequence(early, Receiver(filter=np.ones(101) / 101))


CARRIER = {"converter_Hz": 100e6, "carrier_Hz": 127.7e6}


def test_a_converter_of_the_carrier():
    """At a fast rate of 1 MHz: 17 dB over what a converter of 100 MHz has over its own half rate."""
    t, gain = np.arange(40_000), 10 * np.log10(100e6 / 2e6)
    wave = 0.999 * np.exp(2j * np.pi * 0.0123456789 * t)
    stepped, clipped = converted(wave, Receiver(bits=10, **CARRIER), 1e-6)
    assert clipped == 0
    assert ratio_dB(wave, stepped) == pytest.approx(6.02 * 10 + 1.76 + gain, abs=0.5)  # as in test_bits
    shaky = Receiver(oversampling=1, jitter_s=1e-12, **CARRIER)
    got = digitise(wave[None, None].astype(np.complex64), shaky, 1e-6, seed=1)[0][0, 0]
    inner = wave[reach(shaky) : -reach(shaky)]
    # 0.2 dB: four standard errors of 40000 samples are 0.12
    assert ratio_dB(inner, got) == pytest.approx(-20 * np.log10(2 * np.pi * 127.7e6 * 1e-12) + gain, abs=0.2)


def test_a_converter_of_the_carrier_clips_the_amplitude():
    wave = 50 * np.exp(2j * np.pi * np.arange(100) / 7)
    got, clipped = converted(wave, Receiver(bits=None, **CARRIER), 1e-6)
    assert clipped == 100
    np.testing.assert_allclose(got, wave / 50 * 4 / np.pi, rtol=1e-3)  # nearly a square wave's fundamental


def test_mirrored_ends():
    """They need no room, pass what is smooth, and leave the middle as it is."""
    played, mirrored = (Receiver(oversampling=4, filter=np.ones(21) / 21, settling=how) for how in ("played", "mirrored"))
    t = np.arange(201 + 2 * reach(played)) - reach(played)
    wave = np.exp(-((t - 100) ** 2) / 40**2 + 0.05j * t)[None, None].astype(np.complex64)
    inner = continued(wave[:, :, reach(played) : -reach(played)], mirrored)
    assert inner.shape == wave.shape
    one, two = (digitise(line, mirrored, 1e-6, seed=0)[0][0, 0] for line in (wave, inner))
    np.testing.assert_allclose(one[3:-3], two[3:-3], atol=1e-6)
    assert np.abs(one - two).max() < 0.01
    sequence = built(GRE, SPEC)
    with pytest.raises(UsageError, match="too early"):
        digitised_sequence(sequence, replace(played, filter=np.ones(101) / 101))
    assert digitised_sequence(sequence, replace(mirrored, filter=np.ones(101) / 101)).adcs


def test_a_designed_spectrometer_scans():
    """Next to an ideal receiver: the signal within its ripple, saturation counted and said, and none at the designed gain."""
    made = design_spectrometer(load_spectrometer_brief("3t"))
    sequence, body, said = built(GRE, SPEC), box(spacing_m=(4e-3,) * 3), []
    ideal = acquire(body, sequence, SPEC, seed=2)
    scans = []
    for gain_dB in (0.0, 55.0):
        receiver = receiver_of(made, SPEC.receive, gain_dB)
        spec = replace(SPEC, flaws=Flaws(receiver=receiver))
        scans.append(acquire(body, sequence, spec, seed=2, progress=lambda _, what: said.append(what)))
    right, loud = scans
    assert right.provenance["saturated samples"].startswith("0 of")
    assert not loud.provenance["saturated samples"].startswith("0 of")
    assert [what for what in said if "saturated" in what] == [
        f"WARNING: the receiver saturated: {loud.provenance['saturated samples']}. Lower its gain."
    ]
    strong = np.abs(ideal.samples) > 0.2 * np.abs(ideal.samples).max()
    assert error(right.samples[strong], ideal.samples[strong]) < 3e-2  # noise of another draw, as above
    assert error(loud.samples[strong], ideal.samples[strong]) > 5e-2
    assert np.std(right.samples - ideal.samples) > 0
