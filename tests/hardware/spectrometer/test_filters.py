# TRUTHS of the filters: CIC taps sum to R^N, are whole and symmetric, their transform is the closed form | wrapping
#   integrators and combs give the same numbers, after overflow too | group delay N (R - 1) / 2 and (taps - 1) / 2: a ramp
#   comes out as it went in | the last filter undoes the droop: flat, and its aliases rejected, as asked, sum 1 | the filter
#   with the droop in it passes what the chain passes | white noise of the converter's rate comes out with the bandwidth's
#   share of its variance | what cannot be had is refused
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullbore.errors import LimitError, ValueRangeError
from fullbore.hardware.spectrometer.cic import (
    cic_decimate,
    cic_delay_ticks,
    cic_growth_bits,
    cic_response,
    cic_taps,
    filtered_and_decimated,
)
from fullbore.hardware.spectrometer.compensation import compensating_filter, equivalent_taps, figures_dB, response

orders, rates = st.integers(1, 6), st.integers(1, 40)
ORDER, CIC, DECIMATION, PASS = 4, 20, 5, 0.7
TAPS = compensating_filter(ORDER, CIC, DECIMATION, PASS, 0.02, 80.0)


@given(orders, rates)
def test_cic_taps(order, rate):
    taps = cic_taps(order, rate)
    assert taps.sum() == rate**order and len(taps) == order * (rate - 1) + 1
    np.testing.assert_array_equal(taps, taps[::-1])
    assert (len(taps) - 1) / 2 == cic_delay_ticks(order, rate)
    f = np.linspace(-1.3, 1.3, 101)
    transform = np.exp(-2j * np.pi * np.outer(f, np.arange(len(taps)) - (len(taps) - 1) / 2)) @ taps / rate**order
    np.testing.assert_allclose(transform, cic_response(f, order, rate), atol=1e-9)


@given(orders, st.integers(1, 12), st.integers(0, 2**32), st.integers(1, 200))
def test_integrators_and_combs(order, rate, seed, count):
    samples = np.random.default_rng(seed).integers(-(2**15), 2**15, count)
    taps = cic_taps(order, rate)
    got = cic_decimate(samples, order, rate)
    wanted = filtered_and_decimated(samples, taps, rate) if count >= len(taps) else np.zeros(0, np.int64)
    np.testing.assert_array_equal(got, wanted)


def test_integrators_may_overflow():
    """A constant, until the last of six sums has passed 2^63 more than once."""
    samples = np.full(20_000, 2**15 - 1)
    assert 20_000.0**6 / 720 * 2**15 > 2.0**64
    np.testing.assert_array_equal(cic_decimate(samples, 6, 16), np.full(len(cic_decimate(samples, 6, 16)), 16**6 * (2**15 - 1)))


def test_register_growth():
    assert cic_growth_bits(4, 20) == 18 and 20**4 <= 2**18 and 20**4 > 2**17


def test_group_delay():
    """A ramp passes symmetric filters without a change but their delay."""
    ramp = np.arange(3000.0)
    slow = filtered_and_decimated(ramp, cic_taps(ORDER, CIC) / CIC**ORDER, CIC)
    out = filtered_and_decimated(slow, np.array(TAPS), DECIMATION)
    delay = cic_delay_ticks(ORDER, CIC) + CIC * (len(TAPS) - 1) / 2
    np.testing.assert_allclose(out, delay + CIC * DECIMATION * np.arange(len(out)), rtol=1e-9)


def test_the_last_filter():
    taps = np.array(TAPS)
    np.testing.assert_allclose(taps, taps[::-1], atol=1e-12)
    assert taps.sum() == pytest.approx(1)
    flat, alias = figures_dB(taps, ORDER, CIC, DECIMATION, PASS)
    assert flat <= 0.02 and alias >= 80
    # by the whole chain's impulse response, not by the closed forms
    spread = np.zeros((len(taps) - 1) * CIC + 1)
    spread[::CIC] = taps
    whole = np.convolve(spread, cic_taps(ORDER, CIC) / CIC**ORDER)
    f = np.fft.rfftfreq(1 << 18)
    gain = np.abs(np.fft.rfft(whole, 1 << 18))
    out = f * CIC * DECIMATION
    inside = gain[out <= PASS / 2]
    assert 20 * np.log10(inside.max() / inside.min()) <= 0.02 + 1e-4
    folds = (np.abs(out - np.round(out)) <= PASS / 2) & (out > 0.5)
    assert 20 * np.log10(gain[folds].max()) <= -79.9


def test_the_droop_alone_is_no_passband():
    """Without compensation the CIC's droop at the edge is what the closed form says, more than the filter's whole ripple."""
    edge = np.array([0.0, PASS / 2 / DECIMATION])
    droop = cic_response(edge / CIC, ORDER, CIC)
    assert -20 * np.log10(droop[1]) > 0.1
    compensated = response(np.array(TAPS), edge) * droop
    assert abs(20 * np.log10(compensated[1] / compensated[0])) < 0.02


def test_the_equivalent_filter():
    f = np.linspace(0, 0.35, 200)
    equal = response(equivalent_taps(TAPS, ORDER, CIC), f)
    np.testing.assert_allclose(equal, response(np.array(TAPS), f) * cic_response(f / CIC, ORDER, CIC), atol=2e-5)


def test_noise_of_the_bandwidth():
    """Variance 1 over the converter's rate: out comes the integral of |H|^2, near 1 / (R D)."""
    noise = np.random.default_rng(5).standard_normal(1_500_000)
    slow = filtered_and_decimated(noise, cic_taps(ORDER, CIC) / CIC**ORDER, CIC)
    got = filtered_and_decimated(slow, np.array(TAPS), DECIMATION)
    f = (np.arange(200_000) + 0.5) / 400_000
    gain = response(np.array(TAPS), f * CIC) * cic_response(f, ORDER, CIC)
    wanted = 2 * float(np.mean(gain**2)) / 2
    assert got.var() == pytest.approx(wanted, rel=5 * np.sqrt(2 / len(got)))  # five standard errors of 15000 samples
    assert wanted * CIC * DECIMATION == pytest.approx(1, abs=0.1)  # the filter's noise bandwidth is near the sampling's


def test_what_cannot_be_had_is_refused():
    with pytest.raises(LimitError, match="narrower passband"):
        compensating_filter(ORDER, CIC, 8, 0.98, 0.001, 110.0)
    with pytest.raises(ValueRangeError, match="cic_taps"):
        cic_taps(20, 40)
