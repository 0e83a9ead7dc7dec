# TRUTHS of T2': a gradient echo falls with T2* | a spin echo has T2 at its centre and a kink of T2' around it, at every sample
#   | a train of any pulses is a Lorentzian line of isochromats | infinite T2' changes nothing
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Sequence
from fullbore.simulate.cloud import SpinCloud, reference
from tests.simulate.small import Event, by_hand, error, machine, point, pulse, samples, tissue, trapezoid

SPEC = machine(b1=False, coils=False)
KIND = replace(tissue(t1=1.0, t2=0.08), t2_prime_s=0.02)
SHORT_S = 10e-6
READ = Event(duration_s=10e-3, samples=True)


def short(flip_deg: float, phase_deg: float = 0.0, use: str = "e") -> Event:
    """A pulse short enough for the far ends of a line."""
    return pulse(flip_deg, phase_deg, use, SHORT_S)


def times(sequence: Sequence) -> np.ndarray:
    """Of all samples since the first pulse's centre, (row, sample)."""
    adc, starts = sequence.adcs[0], sequence.block_starts_s()[sequence.adc >= 0]
    return starts[:, None] + adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s - SHORT_S / 2


def test_a_gradient_echo_falls_with_t2_star():
    lobe = trapezoid((5e-3, 0.0, 0.0), 0.2e-3, 1e-3)
    back = replace(lobe, height_T_per_m=(-5e-3, 0.0, 0.0))
    sequence = by_hand([short(60), lobe, back, Event(duration_s=13e-3, samples=True)], 64, 0.2e-3)
    got = np.abs(samples(point(KIND), sequence, SPEC, 1e-4)[0, 0])
    start = np.abs(samples(point(replace(KIND, t2_prime_s=np.inf, t2_s=1.99)), sequence, SPEC, 1e-4)[0, 0])
    time = times(sequence)[0]
    wanted = np.exp(-time / 0.08 - time / 0.02)
    np.testing.assert_allclose(got / (start * np.exp(time / 1.99)), wanted, rtol=3e-4)


def test_a_spin_echo_has_a_kink():
    half = 15e-3
    read = Event(duration_s=13e-3, samples=True)
    before, after = Event(duration_s=half - SHORT_S), Event(duration_s=half - SHORT_S / 2 - read.duration_s / 2)
    sequence = by_hand([short(90), before, short(180, 90, "r"), after, read], 65, 0.2e-3)
    got = np.abs(samples(point(KIND), sequence, SPEC, 1e-4)[0, 0]) / 1e-9
    time = times(sequence)[0]
    assert np.argmax(got * np.exp(time / 0.08)) == 32 and time[32] == pytest.approx(2 * half)
    wanted = np.exp(-time / 0.08 - np.abs(time - 2 * half) / 0.02)
    np.testing.assert_allclose(got, wanted, rtol=3e-4)


def lorentzian(kind, count: int = 20_001, apart_Hz: float = 2.5) -> SpinCloud:
    """Even isochromats weighted as the line, of half width 1 / (2 pi T2'): better than its quantiles, whose tails are thin.

    They come back in phase after 1 / apart_Hz = 0.4 s; 2e-4 of the line lies beyond the last of them.
    """
    ones = np.ones(count)
    frequency, half_width = (np.arange(count) - count // 2) * apart_Hz, 1 / (2 * np.pi * kind.t2_prime_s)
    share = 1 / (1 + (frequency / half_width) ** 2)
    return SpinCloud(
        position_m=np.zeros((count, 3)), amount=1e-9 * share / share.sum(), t1_s=kind.t1_s * ones, t2_s=kind.t2_s * ones,
        off_resonance_Hz=frequency, b1_scale=ones, sensitivity=np.ones((1, count), complex),
    )  # fmt: skip


def test_a_train_of_pulses_is_a_line_of_isochromats():
    read, wait = Event(duration_s=4e-3, samples=True), Event(duration_s=3e-3)
    events = [short(70)]
    for flip, phase in ((110, 40), (-80, 0), (50, 130), (150, 90), (30, 10)):
        events += [wait, read, short(flip, phase, "r"), read]
    sequence = by_hand(events, 16, 0.2e-3)
    got, wanted = samples(point(KIND), sequence, SPEC, 1e-5), reference(lorentzian(KIND), sequence)
    still = samples(point(replace(KIND, t2_prime_s=np.inf)), sequence, SPEC, 1e-5)
    # Half of the 8e-4 that are measured is the line beyond the last isochromat, the rest what pulses of 10 us do to its far ends.
    assert error(got, wanted) < 1e-3 and error(still, wanted) > 0.3


def test_an_infinite_t2_prime_changes_nothing():
    sequence = by_hand(
        [short(90), Event(duration_s=5e-3), short(180, 90, "r"), Event(duration_s=10e-3, samples=True)], 32, 0.2e-3
    )
    endless = samples(point(replace(KIND, t2_prime_s=np.inf)), sequence, SPEC)
    long = samples(point(replace(KIND, t2_prime_s=1e12)), sequence, SPEC)
    np.testing.assert_array_equal(endless, long)
