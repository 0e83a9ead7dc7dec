# TRUTHS of the receiver: with a fast clock alone, samples are those of an ideal one
#   | N bits of a full-scale sine have a signal-to-noise ratio of 6.02 N + 1.76 dB | a jittering clock, -20 log10(2 pi f sigma)
#   | a filter passes each frequency by its own transfer | noise through a filter is what the noise scan says
#   | what is beyond full scale is clipped there | a filter that has not filled, and bad receivers, are refused by name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Flaws, Receiver
from fullbore.errors import ShapeError, UsageError, ValueRangeError
from fullbore.simulate import acquire
from fullbore.simulate.cloud import play_cloud
from fullbore.simulate.digitising import digitise, digitised_sequence, quantised, reach
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
    got = digitise(wave.astype(np.complex64), receiver, dwell, seed=1)[0, 0]
    inner = wave[0, 0, reach(receiver) : -reach(receiver)]
    assert ratio_dB(inner, got) == pytest.approx(-20 * np.log10(2 * np.pi * frequency * jitter_s), abs=0.5)


def test_a_filter_passes_each_frequency_by_its_transfer():
    receiver, dwell = Receiver(oversampling=4, filter=BOXCAR), 2.5e-6
    for frequency in (0.0, 20e3, 45e3):
        t = (np.arange(401) - reach(receiver)) * dwell
        got = digitise(np.exp(2j * np.pi * frequency * t)[None, None].astype(np.complex64), receiver, dwell, seed=0)[0, 0]
        transfer = (BOXCAR * np.exp(2j * np.pi * frequency * dwell * (np.arange(5) - 2))).sum()
        wanted = transfer * np.exp(2j * np.pi * frequency * 4 * dwell * np.arange(len(got)))
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_a_fast_clock_alone_changes_nothing():
    """Played four times as fast and decimated, receiver phases and offsets included."""
    sequence = cut(built(GRE, SPEC), 4)
    sequence = replace(sequence, adc_frequency_Hz=np.full(sequence.blocks, 700.0))
    receiver, cloud = Receiver(oversampling=4, filter=np.array([0, 0, 1.0, 0, 0])), spins(30)
    fast = digitised_sequence(sequence, receiver)
    samples = digitise(play_cloud(cloud, fast), receiver, fast.encoding.dwell_s, seed=0)
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
    with pytest.raises(ValueRangeError, match="oversampling"):
        Receiver(oversampling=0)
    sequence = built(GRE, SPEC)
    early = replace(sequence, adcs=tuple(replace(adc, delay_s=0.0) for adc in sequence.adcs))
    with pytest.raises(UsageError, match="too early for the filter"):
        digitised_sequence(early, Receiver(filter=np.ones(101) / 101))
