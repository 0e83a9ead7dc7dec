# TRUTHS of the whole chain, at the converter's own rate in double precision: a carrier comes out as its envelope, at the
#   time of its stamp (delays undone to a tick, and visible when a tick is missing) | so does one in a mirrored zone | the
#   simulator's baseband model gives the same samples: signal, steps, jitter, clipping | signal-to-noise of N bits: 6.02 N +
#   1.76 and the decimation's gain | of a clock: -20 log10(2 pi f sigma) and the same | an alias goes under by what the
#   filters say | what clips is counted
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Receiver
from fullbore.hardware.spectrometer import design_spectrometer, load_spectrometer_brief
from fullbore.hardware.spectrometer.chain import received, sampled, ticks_for
from fullbore.hardware.spectrometer.compensation import equivalent_taps
from fullbore.hardware.spectrometer.noise_budget import jitter_dB, process_gain_dB, quantisation_dB
from fullbore.simulate.digitising import digitise, reach

MADE = design_spectrometer(load_spectrometer_brief("3t"))
FINE = replace(MADE, bits=32, jitter_s=0.0, oscillator=replace(MADE.oscillator, phase_bits=40))
DWELL = 2e-6


def readout(envelope, made, samples, dwell_s=DWELL, seed=None):
    first = round(1e-2 * made.clock_Hz)
    jitter = None if seed is None else np.random.default_rng(seed)
    codes, clipped = sampled(envelope, made, ticks_for(made, first, samples, dwell_s), jitter)
    return received(codes, made, first, dwell_s), first / made.clock_Hz + dwell_s * np.arange(samples), clipped


def echo(t):
    """An echo of three frequencies within the passband, off centre."""
    u = t - 1e-2 - 60e-6
    return np.exp(-((u / 40e-6) ** 2)) * (0.4 * np.exp(2j * np.pi * 110e3 * u) + 0.3j * np.exp(-2j * np.pi * 70e3 * u) + 0.2)


def ratio_dB(ideal, real):
    return float(20 * np.log10(np.linalg.norm(ideal) / np.linalg.norm(real - ideal)))


def baseband(envelope, made, samples, dwell_s=DWELL, seed=0):
    """The simulator's receiver on the same envelope, full scale 1."""
    receiver = Receiver(
        oversampling=made.decimation, filter=equivalent_taps(made.taps, made.cic_order, made.cic_decimation(dwell_s)),
        bits=made.bits, jitter_s=made.jitter_s, converter_Hz=made.clock_Hz, carrier_Hz=made.carrier_Hz,
    )  # fmt: skip
    fast, beyond = dwell_s / made.decimation, reach(receiver)
    t = 1e-2 + (np.arange((samples - 1) * made.decimation + 1 + 2 * beyond) - beyond) * fast
    got, clipped = digitise(envelope(t)[None, None].astype(np.complex64), receiver, fast, seed)
    return got[0, 0], clipped


@pytest.mark.parametrize("name", ["1.5t", "3t", "7t"])
def test_a_carrier_comes_out_as_its_envelope(name):
    """Zones 2, 3 and 8; the filters' ripple of 0.02 dB is 2e-3, what is left after it the tails' share."""
    made = design_spectrometer(load_spectrometer_brief(name))
    made = replace(made, bits=32, oscillator=replace(made.oscillator, phase_bits=40))
    got, t, clipped = readout(echo, made, 64)
    assert clipped == 0
    assert np.abs(got - echo(t)).max() < 2e-3 * np.abs(echo(t)).max()


def test_delays_are_undone_to_the_tick():
    """A stamp that is one tick (10 ns) off turns 110 kHz by 7e-3: more than all else."""
    got, t, _ = readout(echo, FINE, 64)
    off = [np.linalg.norm(got - echo(t + d / FINE.clock_Hz)) for d in (-1, 0, 1)]
    assert off[1] < 0.3 * min(off[0], off[2])


def test_the_baseband_model_gives_the_same_samples():
    """Single precision and the equivalent taps' fit are left."""
    full, _, _ = readout(echo, FINE, 64)
    fast, clipped = baseband(echo, FINE, 64)
    assert clipped == 0
    assert np.abs(full - fast).max() < 1e-4 * np.abs(full).max()


def test_steps_of_few_bits_are_as_large_in_both():
    made, count = replace(FINE, bits=8), 3000

    def tone(t):
        return 0.9 * np.exp(2j * np.pi * 31_234.5 * t)

    (full, _, _), (fast, _) = readout(tone, made, count), baseband(tone, made, count)
    clean = readout(tone, FINE, count)[0]
    wanted = quantisation_dB(8) + 20 * np.log10(0.9) + process_gain_dB(made.clock_Hz, 1 / DWELL)
    found = [ratio_dB(clean, full), ratio_dB(baseband(tone, FINE, count)[0], fast)]
    # half a decibel: a sine's steps are not quite white, and the filter's noise bandwidth is 4 % under the sampling's
    assert found == pytest.approx([wanted, wanted], abs=0.5)


def test_jitter_is_as_large_in_both():
    made, count = replace(FINE, jitter_s=1e-12), 3000

    def tone(t):
        return 0.9 * np.exp(2j * np.pi * 31_234.5 * t)

    full, clean = readout(tone, made, count, seed=3)[0], readout(tone, FINE, count)[0]
    fast = baseband(tone, made, count, seed=4)[0]
    wanted = jitter_dB(made.carrier_Hz, 1e-12) + process_gain_dB(made.clock_Hz, 1 / DWELL)
    found = [ratio_dB(clean, full), ratio_dB(baseband(tone, FINE, count)[0], fast)]
    # four standard errors of 3000 samples are 0.3 dB; the filter's noise bandwidth is 0.2 dB under the sampling's
    assert found == pytest.approx([wanted, wanted], abs=0.5)
    assert found[0] == pytest.approx(found[1], abs=0.3)


def test_clipping_is_the_same_in_both():
    """1.6 times full scale for 200 us. Within the flat top both give the limiter's fundamental: harmonics fold elsewhere."""

    def bump(t):
        return 1.6 * np.exp(-(((t - 1e-2 - 64e-6) / 60e-6) ** 4)) * np.exp(2j * np.pi * 20e3 * t)

    full, _, clipped = readout(bump, FINE, 64)
    fast, counted = baseband(bump, FINE, 64)
    assert clipped > 1000 and counted > 100
    assert np.abs(full).max() < 1.25
    # 1 %: the carrier's harmonics that fold within the converter's band, far from the signal, where the filters take 80 dB
    assert np.linalg.norm(full - fast) < 1e-2 * np.linalg.norm(full)


def test_an_alias_goes_under():
    """A tone one bandwidth off folds onto the carrier at the last decimation; the filters keep 80 dB between them."""

    def beside(t):
        return 0.9 * np.exp(2j * np.pi * (1 / DWELL + 40e3) * t)

    got = readout(beside, FINE, 64)[0]
    assert 20 * np.log10(np.abs(got).max() / 0.9) < -80


def test_a_coarse_oscillator_is_heard():
    """Eight bits of phase leave about -48 dB of spurs over all the converter's band, of which the filters pass some."""
    coarse = replace(FINE, oscillator=replace(FINE.oscillator, phase_bits=8))
    clean, dirty = readout(echo, FINE, 64)[0], readout(echo, coarse, 64)[0]
    assert 45 < ratio_dB(clean, dirty) < 90
